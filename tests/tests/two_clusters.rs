//! Two clusters that share nothing run in one world: whatever is done to one, the other tells the
//! same story, to the nanosecond and to the draw.

use stormglass_engine::node::Node;
use stormglass_engine::observation::Observation;
use stormglass_scenarios::places::Places;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::Role;
use stormglass_sim::fault::{
    Break, ClockStep, DiskFailure, Fault, Links, MessageAction, Party, Weather, partition,
};
use stormglass_sim::hash::Mixer;
use stormglass_sim::net::{Latency, NetworkSpec};
use stormglass_sim::node::{MachineId, NodeId, Observation as _};
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::{Stamp, Watch, Watcher};
use stormglass_sim::world::World;
use stormglass_tests::runs::{scenario, setup};

/// Both streams are followed up to here; the input lasts for six seconds.
const END: Instant = Instant(20_000_000_000);

/// What has been observed of each cluster: hashes along the way, so that a difference is found.
#[derive(Clone, Debug)]
struct Streams {
    /// The machine of the second cluster's first process.
    border: MachineId,
    streams: [Stream; 2],
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Stream {
    mixer: Mixer,
    count: u64,
    /// Of each thousandth observation: when it was made, and the hash of all before.
    marks: Vec<(Instant, u128)>,
}

impl Watcher<Node> for Streams {
    fn observed(&mut self, at: Stamp, observation: &Observation) -> Watch {
        let Stream { mixer, count, marks } =
            &mut self.streams[usize::from(at.node.machine >= self.border)];
        mixer.pair(at.time.0, at.node.word() | u64::from(at.incarnation) << 32);
        observation.digest(mixer);
        *count += 1;
        if *count % 1_000 == 0 {
            marks.push((at.time, mixer.finish()));
        }
        Watch::Continue
    }
}

/// A world with two clusters of one make in it, each with its own input, and lossy links.
fn world(setups: &[Setup; 2]) -> (World<Node, Streams>, [Places; 2]) {
    let first = Places::new(&setups[0].scenario);
    let second = Places::new(&setups[1].scenario).behind(first.machines().len() as u16);
    let border = MachineId(first.machines().len() as u16);
    let network = NetworkSpec {
        latency: Latency::Uniform { min: Span::micros(100), max: Span::micros(900) },
        loss_ppm: 2_000,
        duplicate_ppm: 2_000,
        reorder_ppm: 5_000,
        reorder_extra: Span::millis(5),
        ..NetworkSpec::default()
    };
    let streams = Streams { border, streams: Default::default() };
    let mut world = World::new(11, network, streams);
    let places = [first, second];
    for (places, setup) in places.iter().zip(setups) {
        let Setup { scenario, topology, log, plan, .. } = setup;
        places.settle(scenario, topology, log, plan, None, &mut world);
    }
    (world, places)
}

/// Both streams under these faults.
fn told(setups: &[Setup; 2], faults: &[(Instant, Fault)]) -> [Stream; 2] {
    let (mut world, _) = world(setups);
    for (at, fault) in faults {
        world.run_until(*at);
        world.inject(fault).unwrap_or_else(|error| panic!("{fault:?}: {error}"));
    }
    world.run_until(END);
    world.watcher().streams.clone()
}

fn setups() -> [Setup; 2] {
    let settings = ["input.rate=1k/s", "input.words.count=6000", "cluster.coordinators=3"];
    let scenario = scenario("reference", &settings);
    [setup(&scenario, 1), setup(&scenario, 2)]
}

fn assert_same(one: &Stream, other: &Stream, what: &str) {
    let parts = one.marks.iter().zip(&other.marks).find(|(one, other)| one != other);
    assert!(parts.is_none(), "{what}: they part before {parts:?}");
    assert!(one == other, "{what}: {} observations, and {}", one.count, other.count);
}

/// One fault of each kind, all on the machines of one cluster, half a second apart.
fn faults(places: &Places) -> Vec<(Instant, Fault)> {
    let node = |role, number| places.node(role, number).expect("the scenario has it");
    let leader = node(Role::Coordinator, 1);
    let [worker, other, broker, store, receiver] = [
        node(Role::Worker, 1),
        node(Role::Worker, 2),
        node(Role::Broker, 1),
        node(Role::Store, 1),
        node(Role::Receiver, 1),
    ];
    let machine = |node: NodeId| node.machine;
    let second = Span::secs(1);
    let weather = |links, weather| Fault::Weather { links, weather, duration: second };
    let broken = |how| Fault::Break { one: Party::Node(worker), other: Party::Node(other), how };
    let foul = Weather {
        extra: Span::millis(5),
        loss_ppm: 50_000,
        duplicate_ppm: 50_000,
        reorder_ppm: 50_000,
        reorder_extra: Span::millis(5),
        corrupt_ppm: 50_000,
        ..Weather::default()
    };
    let all = vec![
        Fault::Message { from: worker, to: store, nth: 3, action: MessageAction::Drop },
        Fault::Message { from: other, to: broker, nth: 1, action: MessageAction::LoseReply },
        weather(Links::one(machine(worker), machine(other)), Weather::slow(Span::millis(20))),
        weather(Links::Of(machine(broker)), foul),
        weather(Links::From(machine(other)), Weather::clog()),
        Fault::SlowCard { machine: machine(store), speed: 50_000, duration: second },
        broken(Break::Reset),
        broken(Break::Silent),
        Fault::Crash { node: worker },
        Fault::Cut {
            links: partition::isolate(machine(other), &places.others(machine(other))),
            duration: second,
        },
        Fault::Heal { links: Links::Of(machine(other)) },
        Fault::Pause { node: leader, duration: second },
        Fault::SlowDisk { machine: machine(store), factor: 100, duration: second },
        Fault::StallDisk { machine: machine(leader), duration: second },
        Fault::FailDisk {
            machine: machine(store),
            kind: DiskFailure::Syncs,
            prefix: "".into(),
            count: 2,
            within: None,
        },
        Fault::SlowCpu { machine: machine(other), factor_percent: 400, duration: second },
        Fault::StepClock { machine: machine(worker), step: ClockStep::Back(second) },
        Fault::DriftClock { machine: machine(other), ppm: 100_000, duration: second },
        Fault::CrashMachine { machine: machine(receiver) },
        Fault::StartMachine { machine: machine(receiver) },
        Fault::CrashMachine { machine: machine(leader) },
        Fault::StartMachine { machine: machine(leader) },
    ];
    let at = (1..).map(|number| Instant(500_000_000 * number));
    at.zip(all).collect()
}

#[test]
fn whatever_is_done_to_one_the_other_does_not_notice() {
    let setups = setups();
    let places = world(&setups).1;
    let calm = told(&setups, &[]);
    assert!(calm.iter().all(|stream| stream.count > 20_000), "{calm:?}");
    for (struck, spared) in [(0, 1), (1, 0)] {
        let faults = faults(&places[struck]);
        let all = told(&setups, &faults);
        assert_same(&all[spared], &calm[spared], "with all faults");
        assert!(all[struck] != calm[struck], "the faults do nothing");
        // One fault less is another history of the cluster that it strikes, and of it alone.
        for (number, fault) in faults.iter().enumerate() {
            let fewer = [&faults[..number], &faults[number + 1..]].concat();
            let fewer = told(&setups, &fewer);
            assert_same(&fewer[spared], &calm[spared], &format!("without {fault:?}"));
        }
    }
}

/// The comparison itself: of two clusters, the one that is struck does notice.
#[test]
fn the_struck_one_notices() {
    let setups = setups();
    let places = world(&setups).1;
    let calm = told(&setups, &[]);
    for (struck, places) in places.iter().enumerate() {
        let node = places.node(Role::Worker, 1).expect("there is one");
        let crash = told(&setups, &[(Instant(2_000_000_000), Fault::Crash { node })]);
        assert!(crash[struck] != calm[struck]);
        assert_same(&crash[1 - struck], &calm[1 - struck], "the other is spared");
    }
    // A link between the two, over which nothing ever runs, is no part of either.
    let [one, other] = places.map(|places| places.machines().collect::<Vec<_>>());
    let links = partition::symmetric(&one, &other);
    let cut = Fault::Cut { links, duration: Span::secs(8) };
    let apart = told(&setups, &[(Instant(2_000_000_000), cut)]);
    assert!(apart == calm);
}
