//! Alignment holds in whatever order the channels of a task deliver.
//!
//! A worker with one counting task and two channels is driven by hand. The batches of a channel
//! keep their order; how the channels interleave, when credit runs out and comes back, and which
//! checkpoints are given up, is drawn.

#[allow(dead_code, reason = "each test uses its part of the host")]
mod host;

use std::collections::BTreeMap;

use proptest::prelude::*;
use stormglass_engine::ids::TaskId;
use stormglass_engine::observation::Observation;
use stormglass_sim::time::Span;

use host::Host;
use host::cluster::Variant;
use host::speech::{WordsOf, parse};

/// Checkpoints whose barriers each channel carries.
const CHECKPOINTS: u32 = 4;

/// What comes next in a history.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A batch of that many tuples on channel 0 or 1, perhaps with the next barrier.
    Batch(usize, u32, bool),
    /// Credit for the task's own output.
    Credit(u32),
    /// The coordinator gives a checkpoint up.
    Abort(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0usize..2, 0u32..6, prop::bool::weighted(0.3)).prop_map(|(channel, tuples, barrier)| {
            Step::Batch(channel, tuples, barrier)
        }),
        2 => (1u32..12).prop_map(Step::Credit),
        1 => (1..=CHECKPOINTS).prop_map(Step::Abort),
    ];
    prop::collection::vec(step, 1..60)
}

/// A worker that runs `count` (t1), fed by t3 and t4 on the other worker.
struct Bench {
    host: Host,
    offset: u64,
    log: Vec<Observation>,
}

impl Bench {
    fn new() -> Self {
        let me = host::cluster::address("worker-1");
        let variant = Variant { credits: 12, ..Variant::default() };
        let host = Host::new(host::cluster::image("worker-1", &variant), me);
        let mut bench = Bench { host, offset: 0, log: Vec::new() };
        bench.host.event(Default::default(), stormglass_sim::node::Event::Start);
        bench.lead("coordinator");
        bench.open("coordinator");
        bench.say("coordinator", "deploy g1 worker-1 worker-2 worker-2 worker-2");
        ["worker-2", "broker", "store", "receiver"].into_iter().for_each(|name| bench.open(name));
        bench.say("coordinator", "go g1");
        bench
    }
    fn lead(&mut self, name: &str) {
        let from = host::cluster::address(name);
        let message = parse(&mut WordsOf::new("leads 1"), &mut self.offset, &[]);
        let leads = stormglass_sim::node::Event::Datagram { from, message };
        self.host.event(Default::default(), leads);
    }
    fn open(&mut self, name: &str) {
        let peer = host::cluster::address(name);
        let conn = self.host.conn_with(peer);
        let opened = stormglass_sim::node::Event::Opened { conn, peer };
        self.host.event(Default::default(), opened);
    }
    fn say(&mut self, from: &str, line: &str) {
        let message = parse(&mut WordsOf::new(line), &mut self.offset, &[]);
        let conn = self.host.conn_with(host::cluster::address(from));
        self.host.receive(conn, message);
        while self.host.deliver_post() {}
        self.log.append(&mut self.host.hands.observations);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_tuple_passes_its_barrier(steps in steps()) {
        let mut bench = Bench::new();
        // For each channel: the tuples sent, and where among them its barriers stood.
        let mut sent = [Vec::new(), Vec::new()];
        let mut barriers = [BTreeMap::new(), BTreeMap::new()];
        let mut aborted = Vec::new();
        let mut steps = steps;
        // In the end all barriers come, and credit enough.
        for channel in 0..2 {
            steps.extend((0..CHECKPOINTS).map(|_| Step::Batch(channel, 1, true)));
        }
        steps.extend((0..80).map(|_| Step::Credit(12)));
        for step in steps {
            match step {
                Step::Batch(channel, tuples, barrier) => {
                    let first = bench.offset;
                    let mut line = format!("data g1 t{}>t1", channel + 3);
                    (0..tuples).for_each(|_| line += " word");
                    let next = barriers[channel].len() as u32 + 1;
                    if barrier && next <= CHECKPOINTS {
                        line += &format!(" barrier chk{next}");
                    }
                    sent[channel].extend(first..first + u64::from(tuples));
                    if barrier && next <= CHECKPOINTS {
                        barriers[channel].insert(next, sent[channel].len());
                    }
                    bench.say("worker-2", &line);
                }
                Step::Credit(tuples) => {
                    bench.say("worker-2", &format!("credit g1 t1>t2:{tuples}"));
                    bench.host.wait(Span::millis(50));
                    bench.log.append(&mut bench.host.hands.observations);
                }
                Step::Abort(checkpoint) => {
                    bench.say("coordinator", &format!("abort chk{checkpoint} g1"));
                    aborted.push(checkpoint);
                }
            }
        }
        let mut done = [Vec::new(), Vec::new()];
        let mut cuts = Vec::new();
        for observation in &bench.log {
            match observation {
                Observation::Executed { from, root, .. } => {
                    done[usize::from(from.0) - 3].push(root.offset());
                }
                Observation::Cut { task: TaskId(1), checkpoint, .. } => {
                    // Exactly what came before the barriers is in.
                    for channel in 0..2 {
                        let before = barriers[channel][&checkpoint.0];
                        let executed = done[channel].len();
                        prop_assert_eq!(executed, before, "{} t{}", checkpoint, channel + 3);
                    }
                    cuts.push(checkpoint.0);
                }
                _ => {}
            }
        }
        // Every channel kept its order, and nothing was forgotten.
        prop_assert_eq!(&done, &sent);
        prop_assert!(cuts.is_sorted());
        // The last checkpoint is taken unless somebody gave it up.
        prop_assert!(cuts.contains(&CHECKPOINTS) || aborted.contains(&CHECKPOINTS));
        if aborted.is_empty() {
            let none_overtaken = cuts.len() == CHECKPOINTS as usize;
            prop_assert!(none_overtaken, "cuts {:?}", cuts);
        }
    }
}
