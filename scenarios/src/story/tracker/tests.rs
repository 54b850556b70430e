use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::ids::{Attempt, CheckpointId, Generation, TaskId};
use stormglass_engine::observation::{AbortReason, Step, Suspicion};
use stormglass_engine::raft::{Index, Point, ReplicaId, Term};
use stormglass_sim::fault::Links;
use stormglass_sim::time::Span;

use super::*;
use crate::scenario::{Protocol, Scenario};
use crate::topologies::Registry;

/// Word counts with two tasks of each component: 1 and 2 read, 3 and 4 count, 5 and 6 are sinks.
const TASKS: u16 = 6;
const LEADER: NodeId = NodeId::new(0, 1);
const OTHER: NodeId = NodeId::new(1, 1);

fn tracker() -> Tracker {
    let text = "name = 'x'\ninput = { rate = '1k/s', words = { count = 10 } }\n\
                topology = { name = 'word-count', parallelism = { count = 2 } }";
    let scenario = Scenario::parse(text, "x.toml").unwrap();
    let topology = scenario.topology(&Registry::default()).unwrap();
    assert_eq!(topology.tasks(), TASKS);
    Tracker::new(&topology, false)
}

/// The worker of a task: one each.
fn worker(task: u16) -> NodeId {
    NodeId::new(10 + task, 2)
}

impl Tracker {
    fn hear(&mut self, what: Observation) -> &mut Self {
        self.observed(LEADER, &what);
        self
    }
    fn hear_raft(&mut self, by: NodeId, point: Point) -> Phase {
        self.observed(by, &Observation::Raft(point));
        self.at(Protocol::Leadership)
    }
    fn at(&self, protocol: Protocol) -> Phase {
        self.moment(Instant::ZERO, None).of(protocol)
    }
    fn trigger(&mut self, checkpoint: u32) -> &mut Self {
        let (checkpoint, kind) = (CheckpointId(checkpoint), CheckpointKind::Checkpoint);
        self.hear(Observation::CheckpointTriggered { checkpoint, kind, generation: FIRST })
    }
    fn step(&mut self, step: Step, task: u16, checkpoint: u32) -> &mut Self {
        let (task, checkpoint) = (TaskId(task), CheckpointId(checkpoint));
        self.hear(Observation::Stepped { step, task, generation: FIRST, checkpoint })
    }
    fn cut(&mut self, task: u16, checkpoint: u32) -> &mut Self {
        let (task, checkpoint) = (TaskId(task), CheckpointId(checkpoint));
        self.hear(Observation::Cut { task, generation: FIRST, checkpoint })
    }
    fn ack(&mut self, task: u16, checkpoint: u32) -> &mut Self {
        let (task, checkpoint, attempt) = (TaskId(task), CheckpointId(checkpoint), Attempt(1));
        self.hear(Observation::CheckpointAcked { checkpoint, task, attempt, bytes: 0 })
    }
    fn complete(&mut self, checkpoint: u32, kind: CheckpointKind) -> &mut Self {
        let (checkpoint, generation) = (CheckpointId(checkpoint), FIRST);
        self.hear(Observation::CheckpointCompleted { checkpoint, kind, generation, bytes: 0 })
    }
    fn grant(&mut self, generation: u32) -> &mut Self {
        let generation = Generation(generation);
        self.hear(Observation::Granted { generation, workers: TASKS, restore: None });
        for task in 1..=TASKS {
            let node = worker(task);
            self.hear(Observation::Assigned { generation, task: TaskId(task), node });
        }
        self
    }
    fn restored(&mut self, task: u16, generation: u32) -> &mut Self {
        let (task, generation, attempt) = (TaskId(task), Generation(generation), Attempt(1));
        self.hear(Observation::Restored { task, generation, attempt, checkpoint: None })
    }
    fn run(&mut self, generation: u32) -> &mut Self {
        self.hear(Observation::Running { generation: Generation(generation) })
    }
    fn suspect(&mut self, task: u16) -> &mut Self {
        let (node, reason) = (worker(task), Suspicion::HeartbeatTimeout);
        self.hear(Observation::Suspected { node, reason })
    }
}

const FIRST: Generation = Generation(1);

#[test]
fn phases_belong_to_one_protocol_each() {
    for protocol in Protocol::ALL {
        assert!(Phase::ALL.iter().filter(|phase| phase.protocol() == *protocol).count() > 2);
        assert_eq!(Moment::FIRST.of(*protocol).protocol(), *protocol);
    }
    assert_eq!(tracker().moment(Instant::ZERO, None), Moment::FIRST);
}

#[test]
fn a_checkpoint_goes_through_its_phases() {
    let mut tracker = tracker();
    let at = |tracker: &Tracker| tracker.at(Protocol::Checkpoint);
    assert_eq!(at(&tracker), Phase::BetweenCheckpoints);
    assert_eq!(at(tracker.trigger(7)), Phase::Triggered);
    assert_eq!(at(tracker.cut(1, 7).step(Step::BarrierSent, 1, 7)), Phase::BarriersTravelling);
    assert_eq!(at(tracker.step(Step::Aligning, 3, 7)), Phase::Aligning);
    assert_eq!(at(tracker.cut(2, 7)), Phase::Aligning, "another one still waits");
    assert_eq!(at(tracker.cut(3, 7)), Phase::BarriersTravelling);
    tracker.cut(4, 7).cut(5, 7).step(Step::Uploading, 3, 7).ack(1, 7).ack(2, 7);
    assert_eq!(at(&tracker), Phase::BarriersTravelling, "task 6 has seen no barrier");
    assert_eq!(at(tracker.cut(6, 7)), Phase::Uploading);
    assert_eq!(at(tracker.ack(2, 7)), Phase::Uploading, "said twice");
    assert_eq!(at(tracker.ack(3, 7)), Phase::HalfAcknowledged);
    assert_eq!(at(tracker.ack(4, 7).ack(5, 7)), Phase::HalfAcknowledged);
    assert_eq!(at(tracker.ack(6, 7)), Phase::AllAcknowledged);
    assert_eq!(at(tracker.complete(7, CheckpointKind::Checkpoint)), Phase::CompletedNotNotified);
    assert_eq!(at(tracker.step(Step::Notified, 5, 7)), Phase::CompletedNotNotified);
    assert_eq!(at(tracker.step(Step::Notified, 6, 7)), Phase::BetweenCheckpoints, "all sinks");
}

#[test]
fn a_checkpoint_that_is_given_up_is_under_way_no_more() {
    let (mut tracker, generation) = (tracker(), FIRST);
    let at = |tracker: &Tracker| tracker.at(Protocol::Checkpoint);
    tracker.trigger(7).cut(1, 7).trigger(8);
    assert_eq!(at(&tracker), Phase::Triggered, "the newest counts");
    let (checkpoint, reason) = (CheckpointId(8), AbortReason::Expired);
    tracker.hear(Observation::CheckpointAborted { checkpoint, generation, reason });
    assert_eq!(at(&tracker), Phase::BarriersTravelling);
    tracker.hear(Observation::Leads { term: Term(2) });
    assert_eq!(at(&tracker), Phase::BetweenCheckpoints, "a new leader knows nothing of it");
    tracker.trigger(9).cut(1, 9).grant(2);
    assert_eq!(at(&tracker), Phase::BetweenCheckpoints);
}

#[test]
fn nobody_is_told_of_a_savepoint() {
    let mut tracker = tracker();
    tracker.trigger(3);
    (1..=TASKS).for_each(|task| _ = tracker.cut(task, 3).ack(task, 3));
    // A new leader may decide what its predecessor has asked for.
    tracker.hear(Observation::Leads { term: Term(2) });
    assert_eq!(tracker.at(Protocol::Checkpoint), Phase::AllAcknowledged);
    tracker.complete(3, CheckpointKind::Savepoint);
    assert_eq!(tracker.at(Protocol::Checkpoint), Phase::BetweenCheckpoints);
}

#[test]
fn who_is_slow_with_a_checkpoint_is_known() {
    let mut tracker = tracker();
    assert!(tracker.rounds.newest().is_none());
    tracker.trigger(1).cut(1, 1).cut(2, 1).cut(3, 1).ack(2, 1);
    let round = tracker.rounds.newest().unwrap();
    assert_eq!((round.holder(), round.slowest()), (Some(TaskId(4)), Some(TaskId(4))));
    assert_eq!(round.last_acknowledged(), Some(TaskId(2)));
    tracker.cut(6, 1).cut(4, 1).cut(5, 1);
    let round = tracker.rounds.newest().unwrap();
    assert_eq!((round.holder(), round.slowest()), (Some(TaskId(5)), Some(TaskId(1))));
    (1..=TASKS).for_each(|task| _ = tracker.ack(task, 1));
    assert_eq!(tracker.rounds.newest().unwrap().slowest(), None);
}

#[test]
fn sinks_are_between_pre_commit_and_commit() {
    let (mut tracker, records, generation) = (tracker(), 1, FIRST);
    let at = |tracker: &Tracker| tracker.at(Protocol::Sink);
    let pre = |task, checkpoint| {
        let (task, checkpoint) = (TaskId(task), CheckpointId(checkpoint));
        Observation::PreCommitted { task, generation, checkpoint, records }
    };
    let published = |task, checkpoint| {
        let (task, checkpoint) = (TaskId(task), CheckpointId(checkpoint));
        Observation::Published { task, generation, checkpoint, records }
    };
    assert_eq!(at(&tracker), Phase::SinksOpen);
    assert_eq!(at(tracker.hear(pre(5, 1)).hear(pre(6, 1))), Phase::PreCommitted);
    assert_eq!(tracker.sinks.latest(), Some(TaskId(6)));
    assert_eq!(at(tracker.complete(1, CheckpointKind::Savepoint)), Phase::PreCommitted);
    assert_eq!(at(tracker.hear(pre(5, 2))), Phase::PreCommitted);
    assert_eq!(at(tracker.complete(1, CheckpointKind::Checkpoint)), Phase::Committing);
    assert_eq!(
        at(tracker.hear(pre(6, 1))),
        Phase::Committing,
        "a restarted receiver says it again"
    );
    assert_eq!(at(tracker.hear(published(5, 1))), Phase::Committing);
    assert_eq!(at(tracker.hear(published(6, 1))), Phase::PreCommitted);
    let (task, checkpoint) = (TaskId(5), Some(CheckpointId(2)));
    tracker.hear(Observation::TransactionAborted { task, generation, checkpoint, records });
    assert_eq!((at(&tracker), tracker.sinks.latest()), (Phase::SinksOpen, None));
}

#[test]
fn an_outage_goes_through_its_phases() {
    let mut tracker = tracker();
    let at = |tracker: &Tracker| tracker.at(Protocol::Recovery);
    assert_eq!(at(tracker.grant(1)), Phase::Deployment);
    assert_eq!(tracker.job.restoring(), Some(TaskId(1)));
    assert_eq!(at(tracker.run(1)), Phase::Running);
    assert_eq!(tracker.job.restoring(), None, "it runs");
    tracker.struck(Instant::ZERO, &Fault::Crash { node: worker(3) });
    assert_eq!(at(&tracker), Phase::Detection);
    assert_eq!(at(tracker.suspect(3)), Phase::Decision);
    assert_eq!(at(tracker.grant(2)), Phase::Restore);
    assert_eq!(at(tracker.run(1)), Phase::Restore, "an older generation runs");
    tracker.restored(1, 2).restored(2, 1).restored(3, 2);
    assert_eq!(tracker.job.restoring(), Some(TaskId(2)), "that was an older generation's");
    assert_eq!(at(tracker.suspect(2)), Phase::Decision);
    assert_eq!(at(tracker.grant(3)), Phase::Restore);
    (1..=TASKS).for_each(|task| _ = tracker.restored(task, 3));
    assert_eq!(tracker.job.restoring(), Some(TaskId(TASKS)), "it was the last");
    tracker.run(3);
    for (arrears, phase) in [
        (Some(Arrears::Replay), Phase::Replay),
        (Some(Arrears::Lag), Phase::CatchUp),
        (None, Phase::Running),
    ] {
        assert_eq!(tracker.moment(Instant::ZERO, arrears).of(Protocol::Recovery), phase);
    }
    assert_eq!(at(tracker.grant(4)), Phase::Rescale, "nobody had failed");
    assert_eq!(at(tracker.run(4)), Phase::Running);
    let checkpoint = CheckpointId(1);
    tracker.hear(Observation::Stopped { generation: Generation(4), checkpoint });
    assert_eq!(at(tracker.suspect(1)), Phase::JobEnded);
}

#[test]
fn what_silences_a_worker_is_to_be_detected_as_long_as_it_lasts() {
    let lasting = Span::secs(2);
    let duration = lasting;
    let pause = |node| Fault::Pause { node, duration };
    let machine = worker(2).machine;
    let slow = Fault::SlowDisk { machine, factor: 10, duration };
    for (fault, now, later) in [
        (pause(worker(2)), Phase::Detection, Phase::Running),
        (slow, Phase::Running, Phase::Running),
        (pause(LEADER), Phase::Running, Phase::Running),
        (Fault::CrashMachine { machine }, Phase::Detection, Phase::Detection),
        (Fault::Cut { links: Links::Of(machine), duration }, Phase::Detection, Phase::Running),
        (
            Fault::Cut { links: Links::From(LEADER.machine), duration },
            Phase::Running,
            Phase::Running,
        ),
    ] {
        let mut tracker = tracker();
        tracker.grant(1).run(1).struck(Instant::ZERO, &fault);
        assert_eq!(tracker.at(Protocol::Recovery), now, "{fault:?}");
        let healed = tracker.moment(Instant::ZERO + lasting, None);
        assert_eq!(healed.of(Protocol::Recovery), later, "{fault:?}");
    }
}

#[test]
fn a_suspicion_dies_with_the_leader_that_had_it() {
    let mut tracker = tracker();
    tracker.grant(1).run(1).suspect(2).suspect(3);
    tracker.hear(Observation::Leads { term: Term(2) });
    assert_eq!(tracker.at(Protocol::Recovery), Phase::Running);
    assert_eq!(tracker.suspect(2).grant(2).at(Protocol::Recovery), Phase::Restore);
}

#[test]
fn leadership_goes_through_its_phases() {
    let mut tracker = tracker();
    let term = Term(1);
    assert_eq!(tracker.at(Protocol::Leadership), Phase::Election);
    assert_eq!(tracker.hear_raft(LEADER, Point::Campaigned { term }), Phase::Election);
    assert_eq!(tracker.leadership.candidate(), Some(LEADER));
    tracker.hear_raft(OTHER, Point::VoteGranted { term, to: ReplicaId(0) });
    assert_eq!(tracker.leadership.voter(), Some(OTHER));
    assert_eq!(tracker.hear_raft(LEADER, Point::Elected { term }), Phase::ElectedNotServing);
    assert_eq!(tracker.leadership.new_leader(), Some(LEADER));
    tracker.hear(Observation::Leads { term });
    assert_eq!(tracker.at(Protocol::Leadership), Phase::Serving);
    assert_eq!(tracker.leadership.candidate(), None);

    let snapshot = Point::SnapshotSent { to: ReplicaId(1), index: Index(9) };
    assert_eq!(tracker.hear_raft(OTHER, snapshot), Phase::Serving, "it does not lead");
    assert_eq!(tracker.hear_raft(LEADER, snapshot), Phase::SendingSnapshot);
    let installed = Point::SnapshotInstalled { index: Index(9), term };
    assert_eq!(tracker.hear_raft(OTHER, installed), Phase::Serving);

    let member = |index, joint| Point::MembershipChanged { index: Index(index), voters: 3, joint };
    assert_eq!(tracker.hear_raft(LEADER, member(10, true)), Phase::MembershipChange);
    assert_eq!(tracker.hear_raft(LEADER, member(11, false)), Phase::Serving);
    assert_eq!(tracker.hear_raft(OTHER, member(10, true)), Phase::MembershipChange);
    assert_eq!(tracker.hear_raft(OTHER, Point::Truncated { from: Index(10) }), Phase::Serving);

    let begins = Point::TransferBegan { to: ReplicaId(1) };
    assert_eq!(tracker.hear_raft(LEADER, begins), Phase::Transferring);
    let appended = Point::Appended { index: Index(12), term, print: 0 };
    assert_eq!(tracker.hear_raft(OTHER, appended), Phase::Transferring);
    assert_eq!(tracker.hear_raft(LEADER, appended), Phase::Serving, "it was given up");
    assert_eq!(tracker.hear_raft(LEADER, Point::SteppedDown { term }), Phase::Election);
}

#[test]
fn a_dead_coordinator_neither_leads_nor_stands() {
    let mut tracker = tracker();
    tracker.hear(Observation::Leads { term: Term(1) });
    tracker.hear_raft(OTHER, Point::Campaigned { term: Term(2) });
    assert_eq!(tracker.at(Protocol::Leadership), Phase::Election);
    tracker.struck(Instant::ZERO, &Fault::Crash { node: OTHER });
    assert_eq!(tracker.at(Protocol::Leadership), Phase::Serving);
    tracker.struck(Instant::ZERO, &Fault::Crash { node: LEADER });
    assert_eq!(tracker.at(Protocol::Leadership), Phase::Election);
}
