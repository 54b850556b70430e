//! What a run holds does not grow with what has gone through it.

use stormglass_scenarios::run::Run;
use stormglass_scenarios::scenario::Scenario;
use stormglass_sim::time::{Instant, Span};
use stormglass_tests::runs::{scenario, setup};

/// What a run held at most, looked at every tenth of a second.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    pending: usize,
    room: usize,
    connections: usize,
}

fn held(words: u64, stormy: bool) -> Held {
    let count = format!("input.words.count={words}");
    let mut scenario: Scenario = (*scenario("word-count", &[&count])).clone();
    if !stormy {
        scenario.faults.clear();
    }
    let mut run = Run::new(setup(&scenario.into(), 1));
    let mut most = Held::default();
    let mut at = Instant::ZERO;
    while run.advance(at) {
        let world = run.world();
        most.pending = most.pending.max(world.pending_events());
        most.room = most.room.max(world.event_room());
        most.connections = most.connections.max(world.connections());
        at += Span::millis(100);
    }
    assert!(most.pending > 0 && most.connections > 0, "{most:?}");
    most
}

#[test]
fn four_times_the_input_takes_no_more_events_and_connections() {
    for stormy in [false, true] {
        let (short, long) = (held(10_000, stormy), held(40_000, stormy));
        // Backlogs after a fault differ from run to run, but not with the length of the input.
        let more = |n: usize| n + n / 4 + 16;
        assert!(long.pending <= more(short.pending), "{short:?} {long:?}");
        assert!(long.room <= more(short.room), "{short:?} {long:?}");
        assert!(long.connections <= more(short.connections), "{short:?} {long:?}");
    }
}

#[test]
fn a_clone_costs_no_more_later_in_a_run() {
    // A clone shares what does not change; what it copies is what is pending. Printed state stands
    // for it: the world of a run with a hundred times the records behind it is no longer.
    let scenario = scenario("word-count", &["input.words.count=20_000"]);
    let calm = Scenario { faults: vec![], ..(*scenario).clone() };
    let mut run = Run::new(setup(&calm.into(), 1));
    let mut pending = Vec::new();
    for second in [2, 5, 10, 15, 19] {
        assert!(run.advance(Instant(second * 1_000_000_000 + 500_000_000)));
        pending.push(run.world().pending_events());
    }
    let most = pending[0] + pending[0] / 2 + 8;
    assert!(pending.iter().all(|now| *now <= most), "{pending:?}");
}
