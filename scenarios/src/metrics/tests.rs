//! What is measured of stories by hand.

use stormglass_engine::ids::{Generation, TaskId};
use stormglass_engine::observation::{Call, Observation as O, Operation, Suspicion};
use stormglass_engine::raft::{Index, Point, Term};
use stormglass_sim::fault::{Fault, Links, Weather};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::Stamp;

use super::detection::Detection;
use super::leaders::Leaders;

const A: NodeId = NodeId::new(0, 1);
const B: NodeId = NodeId::new(1, 1);
const WORKER: NodeId = NodeId::new(5, 2);

fn second(at: u64) -> Instant {
    Instant::ZERO + Span::secs(at)
}
fn stamp(at: u64, node: NodeId) -> Stamp {
    Stamp { time: second(at), node, incarnation: 1, event: at }
}
fn elected(term: u32) -> O {
    O::Raft(Point::Elected { term: Term(term) })
}
fn committed(index: u64, term: u32) -> O {
    O::Raft(Point::Committed { index: Index(index), term: Term(term) })
}
fn leads(term: u32) -> O {
    O::Leads { term: Term(term) }
}

/// A leads in term 1 and commits.
fn led() -> Leaders {
    let mut leaders = Leaders::default();
    for (at, what) in [(1, elected(1)), (2, committed(1, 1)), (3, leads(1))] {
        leaders.observed(stamp(at, A), &what);
    }
    leaders
}

#[test]
fn a_leader_is_lost_until_the_next_one_commits() {
    let mut leaders = led();
    assert_eq!((leaders.facts().elections, leaders.facts().changes), (1, 0));
    leaders.injected(second(10), &Fault::Crash { node: B });
    leaders.injected(second(11), &Fault::Crash { node: A });
    // The new leader's followers, and its election, are not a commit yet.
    for (at, what) in [(13, elected(2)), (14, committed(2, 2)), (15, leads(2)), (16, leads(2))] {
        leaders.observed(stamp(at, A), &committed(9, 7));
        leaders.observed(stamp(at, B), &what);
    }
    let facts = leaders.facts();
    assert_eq!((facts.elections, facts.changes), (2, 1));
    assert_eq!((facts.leaderless.count, facts.leaderless.max), (1, Span::secs(3)));
}

#[test]
fn a_leader_that_goes_on_was_not_lost() {
    let mut leaders = led();
    leaders.injected(second(10), &Fault::Pause { node: A, duration: Span::secs(1) });
    leaders.observed(stamp(12, A), &committed(2, 1));
    leaders.observed(stamp(20, A), &O::Raft(Point::SteppedDown { term: Term(1) }));
    leaders.observed(stamp(22, B), &elected(2));
    leaders.observed(stamp(23, B), &committed(3, 2));
    let lost = leaders.facts().leaderless;
    assert_eq!((lost.count, lost.max), (1, Span::secs(3)));
}

#[test]
fn every_way_to_lose_a_leader_counts() {
    let duration = Span::secs(9);
    let two_ways = Fault::Cut { links: Links::Of(B.machine), duration };
    let one_way = Fault::Cut { links: Links::one(A.machine, B.machine), duration };
    let power = Fault::CrashMachine { machine: A.machine };
    for (fault, due) in [(two_ways, 4), (one_way, 4), (power, 4), (Fault::Start { node: A }, 2)] {
        let mut leaders = led();
        leaders.injected(second(10), &fault);
        leaders.observed(stamp(12, B), &elected(2));
        leaders.observed(stamp(14, B), &committed(2, 2));
        assert_eq!(leaders.facts().leaderless.max, Span::secs(due), "{fault:?}");
    }
}

#[test]
fn operations_are_counted_once() {
    let mut leaders = Leaders::default();
    for number in 1..=3 {
        let operation = Operation { client: B, number };
        leaders.observed(stamp(1, B), &O::Invoked { operation, key: 0, call: Call::Read });
        for at in [4, 6] {
            if number < 3 {
                leaders.observed(stamp(at, B), &O::Responded { operation, value: 0 });
            }
        }
    }
    let facts = leaders.facts();
    assert_eq!((facts.operations, facts.answered), (3, 2));
    assert_eq!((facts.response.count, facts.response.max), (2, Span::secs(3)));
}

/// A worker that takes part in generation 1.
fn working() -> Detection {
    let mut detection = Detection::default();
    detection.observed(stamp(1, WORKER), &O::WorkerStarted { node: WORKER, incarnation: 1 });
    detection.observed(stamp(2, A), &granted(1));
    detection
}
fn granted(generation: u32) -> O {
    O::Granted { generation: Generation(generation), workers: 1, restore: None }
}
/// Suspected by A: how many were, how many wrongly, and how late the last one.
fn suspect(mut detection: Detection, at: u64, reason: Suspicion) -> (u64, u64, Span) {
    detection.observed(stamp(at, A), &O::Suspected { node: WORKER, reason });
    let facts = detection.facts();
    assert_eq!(facts.wrong + facts.delay.count, facts.suspicions);
    (facts.suspicions, facts.wrong, facts.delay.max)
}
const SILENT: Suspicion = Suspicion::HeartbeatTimeout;

#[test]
fn who_lives_is_suspected_wrongly() {
    assert_eq!(suspect(working(), 10, SILENT), (1, 1, Span::ZERO));
    let mut other = working();
    other.injected(second(9), &Fault::Crash { node: NodeId::new(5, 3) });
    other.injected(second(9), &Fault::CrashMachine { machine: B.machine });
    assert_eq!(suspect(other, 10, Suspicion::ConnectionLost), (1, 1, Span::ZERO));
}

#[test]
fn who_died_is_suspected_rightly() {
    let deaths = [Fault::Crash { node: WORKER }, Fault::CrashMachine { machine: WORKER.machine }];
    for death in deaths {
        let mut dead = working();
        dead.injected(second(7), &death);
        assert_eq!(suspect(dead.clone(), 10, SILENT), (1, 0, Span::secs(3)));
        // The new process is not the one that took part.
        dead.observed(stamp(8, WORKER), &O::WorkerStarted { node: WORKER, incarnation: 2 });
        assert_eq!(suspect(dead.clone(), 10, Suspicion::Reincarnated), (1, 0, Span::secs(3)));
        dead.observed(stamp(11, A), &granted(2));
        assert_eq!(suspect(dead, 12, SILENT), (1, 1, Span::ZERO));
    }
    let mut failed = working();
    let (task, generation) = (TaskId(1), Generation(1));
    failed.observed(stamp(7, WORKER), &O::TaskFailed { task, generation });
    assert_eq!(suspect(failed, 8, SILENT), (1, 0, Span::secs(1)));
    let mut left = working();
    left.observed(stamp(7, WORKER), &O::ZombieExit { node: WORKER, generation });
    assert_eq!(suspect(left, 9, SILENT), (1, 0, Span::secs(2)));
}

#[test]
fn who_stands_still_or_is_cut_off_is_suspected_rightly() {
    let duration = Span::secs(6);
    let mut paused = working();
    paused.injected(second(5), &Fault::Pause { node: WORKER, duration });
    assert_eq!(suspect(paused.clone(), 10, SILENT), (1, 0, Span::secs(5)));
    assert_eq!(suspect(paused, 11, SILENT), (1, 1, Span::ZERO));
    let mut dying = working();
    let (after, restart) = (Span::secs(2), Span::secs(1));
    let deaths = Fault::CrashLoop { node: WORKER, times: 2, after, restart };
    dying.injected(second(5), &deaths);
    assert_eq!(suspect(dying.clone(), 40, SILENT), (1, 0, Span::secs(35)));
    assert_eq!(suspect(dying, 41, SILENT), (1, 1, Span::ZERO));
    let mut clogged = working();
    let links = Links::From(WORKER.machine);
    clogged.injected(second(5), &Fault::Weather { links, weather: Weather::clog(), duration });
    assert_eq!(suspect(clogged, 10, SILENT), (1, 0, Span::secs(5)));
    let cut = |from: NodeId, to: NodeId| {
        let links = Links::one(from.machine, to.machine);
        let mut detection = working();
        detection.injected(second(5), &Fault::Cut { links, duration });
        detection
    };
    assert_eq!(suspect(cut(WORKER, A), 10, SILENT), (1, 0, Span::secs(5)));
    assert_eq!(suspect(cut(A, WORKER), 10, SILENT), (1, 0, Span::secs(5)));
    assert_eq!(suspect(cut(B, WORKER), 10, SILENT), (1, 1, Span::ZERO));
    assert_eq!(suspect(cut(WORKER, A), 11, SILENT), (1, 1, Span::ZERO));
}
