//! Faults of processes, failure domains, wall clocks and memory, done to whole clusters by hand:
//! every law holds, and what was missing comes.

use stormglass_engine::names::{Probe, Site};
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::places::Places;
use stormglass_scenarios::run::Run;
use stormglass_scenarios::scenario::{Role, Scenario};
use stormglass_sim::fault::{ClockStep, Fault, Thaw};
use stormglass_sim::machine::Domain;
use stormglass_sim::node::{Name, NodeId};
use stormglass_sim::time::{Instant, Span};
use stormglass_tests::runs::{assert_holds, scenario, setup};

/// Faults, and when they strike, in milliseconds.
type Plan = Vec<(u64, Fault)>;

const SHORT: [&str; 1] = ["input.words.count=8000"];

/// A run of a catalog scenario without faults of its own, disturbed by these.
fn disturbed(settings: &[&str], seed: u64, plan: impl Fn(&Places) -> Plan) -> Outcome {
    let scenario = scenario("word-count", &[&SHORT, settings].concat());
    let calm = Scenario { faults: vec![], ..(*scenario).clone() };
    let mut run = Run::new(setup(&calm.into(), seed));
    let mut plan = plan(run.places());
    plan.sort_by_key(|(at, _)| *at);
    let mut refused = 0;
    for (at, fault) in &plan {
        assert!(run.advance(Instant(at * 1_000_000)), "the run is over before {at} ms");
        // A worker may never have been there.
        refused += u64::from(run.disturb(fault).is_err());
    }
    assert!(refused == 0, "{refused} faults struck nobody");
    run.finish()
}

fn hits(outcome: &Outcome, probe: Probe) -> u64 {
    outcome.probes.iter().find(|(name, _)| *name == probe.name()).expect("such a probe").1
}

fn all(places: &Places, role: Role) -> Vec<NodeId> {
    (1..).map_while(|number| places.node(role, number)).collect()
}

/// Every so often each process of a role is refused memory at a site once.
fn refusals(site: Site, role: Role, every: u64) -> impl Fn(&Places) -> Plan {
    move |places| {
        let refuse = |node| Fault::RefuseMemory { node, site: site.index() as u16, count: 1 };
        let times = (2_000..6_000).step_by(every as usize);
        let all = all(places, role);
        times.flat_map(|at| all.iter().map(move |node| (at, refuse(*node)))).collect()
    }
}

/// Bolts that cannot keep up, so that data waits for barriers.
const BEHIND: [&str; 6] = [
    "topology.cpu.count=3ms",
    "input.rate=1200/s",
    "flow.batch=20",
    "flow.flush=10ms",
    "checkpoint.interval=300ms",
    "phases.lull=60s",
];

#[test]
fn whoever_is_refused_memory_says_so_and_goes_on() {
    let unaligned = "checkpoint.alignment=unaligned";
    let cases: [(Site, Role, u64, &[&str]); 6] = [
        (Site::TaskState, Role::Worker, 2_000, &[]),
        (Site::Snapshot, Role::Worker, 500, &[]),
        (Site::InputBuffers, Role::Worker, 100, &BEHIND),
        (Site::InFlight, Role::Worker, 100, &[unaligned, "checkpoint.interval=300ms"]),
        (Site::Fetch, Role::Worker, 50, &[]),
        (Site::StoreBuffers, Role::Store, 100, &[]),
    ];
    for (site, role, every, settings) in cases {
        let mut reached = 0;
        for seed in 0..4 {
            let outcome = disturbed(settings, seed, refusals(site, role, every));
            assert_holds(&outcome);
            reached += hits(&outcome, site.refused());
        }
        assert!(reached > 0, "nobody was refused memory at {}", site.name());
    }
}

#[test]
fn a_worker_that_holds_too_much_dies_and_comes_back() {
    for seed in 0..4 {
        let outcome = disturbed(&[], seed, |places| {
            let node = all(places, Role::Worker)[1];
            let (bytes, duration) = (1_000, Span::secs(3));
            Vec::from([(3_000, Fault::LimitMemory { node, bytes, duration })])
        });
        assert_holds(&outcome);
        assert!(hits(&outcome, Probe::WorkerOutOfMemory) > 1, "it dies as often as it comes back");
    }
}

#[test]
fn crash_loops_end() {
    for (role, seed) in [(Role::Worker, 1), (Role::Coordinator, 2), (Role::Store, 3)] {
        let outcome = disturbed(&[], seed, |places| {
            let node = all(places, role)[0];
            let (after, restart) = (Span::millis(700), Span::millis(300));
            Vec::from([(3_000, Fault::CrashLoop { node, times: 4, after, restart })])
        });
        assert_holds(&outcome);
    }
}

#[test]
fn the_power_of_a_rack_or_zone_comes_back() {
    let settings = [
        "cluster.racks=4",
        "cluster.zones=2",
        "cluster.coordinators=3",
        "store.nodes=3",
        "store.replication=2",
    ];
    let domains: [fn(&Places) -> Domain; 3] = [|of| of.rack(1), |of| of.rack(2), |of| of.zone(1)];
    for (domain, seed) in domains.into_iter().zip(1..) {
        let outcome = disturbed(&settings, seed, |places| {
            let domain = domain(places);
            let stagger = Span::millis(200);
            Vec::from([
                (4_000, Fault::CrashDomain { domain }),
                (7_000, Fault::StartDomain { domain, stagger }),
            ])
        });
        assert_holds(&outcome);
    }
}

#[test]
fn nobody_minds_what_wall_clocks_show() {
    let settings = ["cluster.coordinators=3", "clock.offset=10s"];
    for seed in 0..4 {
        let outcome = disturbed(&settings, seed, |places| {
            let mut plan = Plan::new();
            for machine in places.machines() {
                let at = 1_500 + u64::from(machine.0) * 300;
                let duration = Span::secs(3);
                let step = ClockStep::Forward(Span::secs(2));
                let (delta, period) = (Span::secs(20), Span::millis(70));
                plan.extend([
                    (at, Fault::FreezeClock { machine, duration, then: Thaw::Resumes }),
                    (at + 1_000, Fault::StrobeClock { machine, delta, period, duration }),
                    (at + 2_000, Fault::SmearClock { machine, step, duration }),
                    (at + 3_000, Fault::SetClock { machine, offset: ClockStep::Back(Span::ZERO) }),
                ]);
            }
            plan
        });
        assert_holds(&outcome);
    }
}

/// A transaction's time went on while its receiver was down, by the wall clock, for the monotonic
/// one is not in the log. If somebody had set that clock forward, every transaction that had been
/// pre-committed was too old when the receiver started again, and the outputs of checkpoints that
/// were complete, or about to be, were thrown away with it.
#[test]
fn a_receiver_with_a_clock_that_was_set_keeps_its_transactions() {
    for seed in 0..8 {
        let outcome = disturbed(&["sink.transaction-timeout=1min"], seed, |places| {
            let node = places.node(Role::Receiver, 1).expect("there is one");
            let step = ClockStep::Forward(Span::secs(3_600));
            let mut plan = Plan::new();
            for at in (2_000 + seed * 37..6_000).step_by(333) {
                plan.push((at, Fault::StepClock { machine: node.machine, step }));
                plan.push((at, Fault::Crash { node }));
                plan.push((at + 50, Fault::Start { node }));
            }
            plan
        });
        assert_holds(&outcome);
    }
}
