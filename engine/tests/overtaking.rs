//! A barrier that overtakes loses nothing, whatever the order in which channels deliver.
//!
//! A worker with one counting task and two channels is driven by hand. The batches of a channel
//! keep their order; how the channels interleave, when the task works, when credit comes, how long
//! barriers wait and which checkpoints are given up, is drawn. Of each channel a part of a
//! checkpoint holds exactly what came before the barrier: executed before the cut, or in flight.

#[allow(dead_code, reason = "each test uses its part of the host")]
mod host;

use std::collections::BTreeMap;

use proptest::prelude::*;
use stormglass_engine::cluster::Barriers;
use stormglass_engine::ids::TaskId;
use stormglass_engine::message::Message;
use stormglass_engine::observation::Observation;
use stormglass_engine::snapshot::Snapshot;
use stormglass_sim::node::Event;
use stormglass_sim::time::Span;

use host::Host;
use host::cluster::Variant;
use host::speech::{WordsOf, parse};

/// Checkpoints whose barriers each channel carries.
const CHECKPOINTS: u32 = 4;

/// What comes next in a history.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A batch of that many tuples on channel 0 or 1.
    Batch(usize, u32),
    /// The next barrier on channel 0 or 1: it overtakes, or waits for a while.
    Barrier(usize, bool),
    /// The task's thread goes on by so many messages.
    Work(u32),
    /// Credit for the task's own output.
    Credit(u32),
    /// Time passes, in milliseconds.
    Wait(u64),
    /// The coordinator gives a checkpoint up.
    Abort(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0usize..2, 1u32..6).prop_map(|(channel, tuples)| Step::Batch(channel, tuples)),
        3 => (0usize..2, any::<bool>()).prop_map(|(channel, waits)| Step::Barrier(channel, waits)),
        5 => (1u32..4).prop_map(Step::Work),
        2 => (1u32..12).prop_map(Step::Credit),
        1 => (1u64..80).prop_map(Step::Wait),
        1 => (1..=CHECKPOINTS).prop_map(Step::Abort),
    ];
    prop::collection::vec(step, 1..80)
}

/// A worker that runs `count` (t1), fed by t3 and t4 on the other worker.
struct Bench {
    host: Host,
    offset: u64,
}

impl Bench {
    fn new() -> Self {
        let me = host::cluster::address("worker-1");
        let barriers = Barriers::Unaligned { timeout: Span::millis(50) };
        let variant = Variant { credits: 12, barriers, ..Variant::default() };
        let host = Host::new(host::cluster::image("worker-1", &variant), me);
        let mut bench = Bench { host, offset: 0 };
        bench.host.event(Default::default(), Event::Start);
        let from = host::cluster::address("coordinator");
        let message = parse(&mut WordsOf::new("leads 1"), &mut bench.offset, &[]);
        bench.host.event(Default::default(), Event::Datagram { from, message });
        bench.open("coordinator");
        bench.say("coordinator", "deploy g1 worker-1 worker-2 worker-2 worker-2");
        ["worker-2", "broker", "store", "receiver"].into_iter().for_each(|name| bench.open(name));
        bench.say("coordinator", "go g1");
        bench
    }
    fn open(&mut self, name: &str) {
        let peer = host::cluster::address(name);
        let conn = self.host.conn_with(peer);
        self.host.event(Default::default(), Event::Opened { conn, peer });
    }
    fn say(&mut self, from: &str, line: &str) {
        let message = parse(&mut WordsOf::new(line), &mut self.offset, &[]);
        let conn = self.host.conn_with(host::cluster::address(from));
        self.host.receive(conn, message);
    }
}

/// The offsets that a part holds in flight, by channel, and the number of outputs in flight.
fn in_flight(part: &Snapshot) -> [Vec<u64>; 2] {
    let mut all = [Vec::new(), Vec::new()];
    for flying in part.in_flight.iter().filter(|flying| flying.to == TaskId(1)) {
        let offsets = flying.batch.iter().map(|(head, _)| head.root.offset());
        all[usize::from(flying.from.0) - 3].extend(offsets);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_part_holds_what_came_before_the_barriers(steps in steps()) {
        let mut bench = Bench::new();
        // For each channel: the tuples sent, and where among them its barriers stood.
        let mut sent = [Vec::new(), Vec::new()];
        let mut barriers = [BTreeMap::new(), BTreeMap::new()];
        let mut aborted = Vec::new();
        let mut steps = steps;
        // In the end all barriers come, and credit and time enough.
        for channel in 0..2 {
            steps.extend((0..CHECKPOINTS).map(|_| Step::Barrier(channel, false)));
        }
        steps.extend((0..80).flat_map(|_| [Step::Work(9), Step::Credit(12), Step::Wait(60)]));
        for step in steps {
            match step {
                Step::Batch(channel, tuples) => {
                    let first = bench.offset;
                    let words = " word".repeat(tuples as usize);
                    let line = format!("data g1 t{}>t1{words}", channel + 3);
                    sent[channel].extend(first..first + u64::from(tuples));
                    bench.say("worker-2", &line);
                }
                Step::Barrier(channel, waits) => {
                    let next = barriers[channel].len() as u32 + 1;
                    if next > CHECKPOINTS {
                        continue;
                    }
                    let how = if waits { "lasting 10" } else { "overtaking" };
                    barriers[channel].insert(next, sent[channel].len());
                    let from = channel + 3;
                    bench.say("worker-2", &format!("data g1 t{from}>t1 barrier chk{next} {how}"));
                }
                Step::Work(messages) => {
                    (0..messages).for_each(|_| {
                        bench.host.deliver_post();
                    });
                }
                Step::Credit(tuples) => {
                    bench.say("worker-2", &format!("credit g1 t1>t2:{tuples}"));
                }
                Step::Wait(millis) => bench.host.wait(Span::millis(millis)),
                Step::Abort(checkpoint) => {
                    bench.say("coordinator", &format!("abort chk{checkpoint} g1"));
                    aborted.push(checkpoint);
                }
            }
        }
        // What was executed before each cut, by channel.
        let (mut done, mut cuts) = ([Vec::new(), Vec::new()], BTreeMap::new());
        for observation in &bench.host.hands.observations {
            match observation {
                Observation::Executed { from, root, .. } => {
                    done[usize::from(from.0) - 3].push(root.offset());
                }
                Observation::Cut { task: TaskId(1), checkpoint, .. } => {
                    cuts.insert(checkpoint.0, done.clone());
                }
                _ => {}
            }
        }
        // Every channel kept its order, and nothing was forgotten.
        prop_assert_eq!(&done, &sent);
        let mut parts = Vec::new();
        for (_, message) in &bench.host.hands.written {
            let Message::Put(put) = message else { continue };
            let part = Snapshot::decode(&put.data).expect("a part can be read");
            let checkpoint = put.id.checkpoint.0;
            let flying = in_flight(&part);
            for channel in 0..2 {
                let before = &sent[channel][..barriers[channel][&checkpoint]];
                let held = [&cuts[&checkpoint][channel][..], &flying[channel]].concat();
                prop_assert_eq!(held, before, "chk{} t{}", checkpoint, channel + 3);
            }
            parts.push(checkpoint);
        }
        prop_assert!(parts.is_sorted());
        // The last checkpoint is taken unless somebody gave it up.
        prop_assert!(parts.contains(&CHECKPOINTS) || aborted.contains(&CHECKPOINTS));
    }
}
