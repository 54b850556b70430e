use alloc::vec::Vec;

use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::super::detector::Detector;
use super::super::schedule::Scheduler;
use super::{Decision, Facts, Rebalance, SlotFacts, Stage, decide};
use crate::cluster::{ControlSettings, LoadSettings};
use crate::observation::Suspicion;

const SETTINGS: ControlSettings = ControlSettings {
    heartbeat_interval: Span::secs(1),
    detector: Detector::Fixed { timeout: Span::secs(5) },
    executor_timeout: Span::secs(5),
    monitor_interval: Span::millis(500),
    restart_delay: Span::secs(1),
    worker_start_timeout: Span::secs(10),
    deploy_timeout: Span::secs(30),
    scheduler: Scheduler::Even,
    load: LoadSettings::DEFAULT,
};

const fn at(seconds: u64) -> Instant {
    Instant(seconds * 1_000_000_000)
}

fn node(number: u16) -> NodeId {
    NodeId::new(number, 1)
}

/// A slot whose worker runs its part of the generation.
fn well(number: u16) -> SlotFacts {
    SlotFacts {
        node: node(number),
        usable: true,
        ready: true,
        assigned: true,
        in_place: true,
        suspected: None,
        supervised: true,
    }
}
/// A slot with a worker that has no tasks.
fn spare(number: u16) -> SlotFacts {
    SlotFacts { assigned: false, in_place: false, ..well(number) }
}
/// A slot that nobody was heard from.
fn empty(number: u16) -> SlotFacts {
    SlotFacts { ready: false, ..spare(number) }
}
/// A slot whose worker is suspected since second 100, and gone.
fn gone(number: u16, reason: Suspicion) -> SlotFacts {
    SlotFacts { ready: false, suspected: Some((at(100), reason)), ..well(number) }
}
/// The same, and a worker is back.
fn back(number: u16, reason: Suspicion) -> SlotFacts {
    SlotFacts { ready: true, ..gone(number, reason) }
}

/// What is decided `seconds` after second 100.
fn after(seconds: u64, stage: Stage, slots: &[SlotFacts]) -> Decision {
    let (now, settings) = (at(100 + seconds), &SETTINGS);
    decide(&Facts { now, stage, slots, settings, rebalancing: None, failed: false })
}

fn on(numbers: &[u16]) -> Decision {
    Decision::Reassign(numbers.iter().map(|n| node(*n)).collect::<Vec<_>>())
}

#[test]
fn before_the_first_generation() {
    use Decision::Wait;
    let waiting = Stage::Waiting(at(100));
    let table = [
        ("every slot has a worker", 0, [spare(1), spare(2)], on(&[1, 2])),
        ("one is missing, and may come", 9, [spare(1), empty(2)], Wait),
        ("one is missing for too long", 10, [spare(1), empty(2)], on(&[1])),
        ("nobody came at all", 99, [empty(1), empty(2)], Wait),
    ];
    for (situation, seconds, slots, decision) in table {
        assert_eq!(after(seconds, waiting, &slots), decision, "{situation}");
    }
}

#[test]
fn while_a_decision_is_replicated_nothing_else_is_decided() {
    let slots = [gone(1, Suspicion::HeartbeatTimeout), spare(2)];
    assert_eq!(after(99, Stage::Deciding, &slots), Decision::Wait);
}

#[test]
fn a_generation_that_an_earlier_coordinator_left() {
    use Decision::{Adopt, Wait};
    let inherited = Stage::Inherited(at(100));
    let unheard = |n| SlotFacts { ready: false, in_place: false, ..well(n) };
    let another = |n| SlotFacts { in_place: false, ..well(n) };
    let table = [
        ("all its workers run it", 0, [well(1), well(2)], Adopt),
        ("its only worker runs it, another slot is empty", 0, [well(1), empty(2)], Adopt),
        ("one has not been heard from yet", 4, [well(1), unheard(2)], Wait),
        ("one stays silent", 5, [well(1), unheard(2)], on(&[1])),
        ("one is there and does not run it", 0, [well(1), another(2)], on(&[1, 2])),
        ("one does not run it, another has not been heard", 4, [another(1), unheard(2)], Wait),
        ("all are silent and nobody is there", 99, [unheard(1), unheard(2)], Wait),
        ("all are silent and a spare is there", 5, [unheard(1), spare(2)], on(&[2])),
    ];
    for (situation, seconds, slots, decision) in table {
        assert_eq!(after(seconds, inherited, &slots), decision, "{situation}");
    }
}

#[test]
fn a_generation_that_is_placed() {
    use Decision::Wait;
    use Suspicion::{ConnectionLost, DeployTimeout, HeartbeatTimeout, Reincarnated, TaskFailed};
    let orphan = SlotFacts { supervised: false, ..gone(2, ConnectionLost) };
    let stranger = SlotFacts { assigned: false, ..gone(2, HeartbeatTimeout) };
    let table = [
        ("all is well", 99, [well(1), well(2)], Wait),
        ("who has no tasks does not matter", 99, [well(1), stranger], Wait),
        ("a spare worker changes nothing", 99, [well(1), spare(2)], Wait),
        ("one fell silent: not waited for", 0, [well(1), gone(2, HeartbeatTimeout)], on(&[1])),
        ("one did not deploy: not waited for", 0, [well(1), gone(2, DeployTimeout)], on(&[1])),
        ("one died and will be restarted", 9, [well(1), gone(2, ConnectionLost)], Wait),
        ("one died and is not restarted", 10, [well(1), gone(2, ConnectionLost)], on(&[1])),
        ("one died and so did its supervisor", 0, [well(1), orphan], on(&[1])),
        ("one died and is back", 1, [well(1), back(2, ConnectionLost)], on(&[1, 2])),
        ("a task failed, its worker is restarted", 9, [well(1), gone(2, TaskFailed)], Wait),
        ("a task failed, its worker is back", 2, [well(1), back(2, TaskFailed)], on(&[1, 2])),
        ("one was found to be new", 0, [well(1), back(2, Reincarnated)], on(&[1, 2])),
        (
            "one fell silent while another may be back: waited for it",
            3,
            [gone(1, ConnectionLost), gone(2, HeartbeatTimeout)],
            Wait,
        ),
        ("nobody is left", 99, [gone(1, HeartbeatTimeout), gone(2, HeartbeatTimeout)], Wait),
    ];
    for (situation, seconds, slots, decision) in table {
        assert_eq!(after(seconds, Stage::Placed, &slots), decision, "{situation}");
    }
}

#[test]
fn workers_are_taken_in_the_order_of_the_slots() {
    let slots = [spare(3), well(1), gone(4, Suspicion::HeartbeatTimeout), spare(2)];
    assert_eq!(after(0, Stage::Placed, &slots), on(&[3, 1, 2]));
}

#[test]
fn a_generation_that_does_not_follow_the_goal() {
    use Decision::{Prepare, Wait};
    let left = |n| SlotFacts { usable: false, ..well(n) };
    let staffing = Rebalance::Staffing { since: at(100) };
    let covering = Rebalance::Covering { since: at(100) };
    let failed = gone(1, Suspicion::HeartbeatTimeout);
    let table = [
        ("all who are to take part are there", 0, staffing, [well(1), spare(2)], Prepare),
        ("a new one is not there yet", 9, staffing, [well(1), empty(2)], Wait),
        ("a new one does not come", 10, staffing, [well(1), empty(2)], Prepare),
        ("one has left, and runs on until then", 0, staffing, [well(1), left(2)], Prepare),
        ("a checkpoint is on the way", 29, covering, [well(1), spare(2)], Wait),
        ("a checkpoint takes too long", 30, covering, [well(1), spare(2)], on(&[1, 2])),
        ("a checkpoint is complete", 0, Rebalance::Covered, [well(1), spare(2)], on(&[1, 2])),
        ("who has left gets nothing", 0, Rebalance::Covered, [well(1), left(2)], on(&[1])),
        ("a failure does not wait for the checkpoint", 0, covering, [failed, spare(2)], on(&[2])),
    ];
    for (situation, seconds, rebalancing, slots, decision) in table {
        let (now, settings) = (at(100 + seconds), &SETTINGS);
        let (stage, rebalancing) = (Stage::Running, Some(rebalancing));
        let facts = Facts { now, stage, slots: &slots, settings, rebalancing, failed: false };
        assert_eq!(decide(&facts), decision, "{situation}");
    }
}
