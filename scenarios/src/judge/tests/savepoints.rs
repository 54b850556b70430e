//! Bent histories: savepoints, jobs that end with one, and jobs that are given up.

use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::ids::{CheckpointId, Generation};
use stormglass_engine::observation::{AbortReason, Observation as O};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use super::super::control::Settings;
use super::super::law::{Findings, Witness};
use super::super::tolerance::Tolerance;
use super::mini::{Event, Mini};
use super::{Law, broken, judge, last, position, topologies};

/// Word count that pauses at two checkpoints, the first of which is of some kind. What the first
/// one covers becomes visible after the second one, or between the two.
fn two_cuts(first: CheckpointKind, between: bool) -> (Mini, Vec<Event>) {
    let mut mini = Mini::new(topologies::word_count(), topologies::log(3, 300), 11);
    for at in 0..2 {
        for _ in 0..60 {
            mini.step();
        }
        mini.checkpoint();
        while (between || at == 1) && mini.publish() {}
    }
    mini.run(0);
    let mut events = mini.events.clone();
    set_kind(&mut events, CheckpointId(1), first);
    (mini, events)
}

fn set_kind(events: &mut [Event], which: CheckpointId, to: CheckpointKind) {
    for event in events {
        if let O::CheckpointTriggered { checkpoint, kind, .. }
        | O::CheckpointCompleted { checkpoint, kind, .. } = &mut event.what
            && *checkpoint == which
        {
            *kind = to;
        }
    }
}

#[test]
fn a_savepoint_shows_nothing() {
    let (mini, events) = two_cuts(CheckpointKind::Checkpoint, true);
    assert_eq!(judge(&mini, &events).violations(), &[]);
    // The checkpoint after it shows what it covers, too.
    let (mini, events) = two_cuts(CheckpointKind::Savepoint, false);
    assert_eq!(judge(&mini, &events).violations(), &[]);
    let (mini, events) = two_cuts(CheckpointKind::Savepoint, true);
    let violation = broken(&mini, &events, Law::VisibleOnlyWhenComplete);
    let sentence = &violation.sentence;
    assert!(sentence.ends_with("of generation 1 though 1 is only a savepoint"), "{sentence}");
    assert_eq!(violation.events.len(), 2);
}

/// A checkpoint, a savepoint, and a failure; the engine goes back to the newest one, or to the one
/// before it, as one does that thinks savepoints are for operators alone (FLINK-10354).
fn failed(ignores_savepoint: bool) -> (Mini, Vec<Event>) {
    let mut mini = Mini::new(topologies::word_count(), topologies::log(3, 300), 11);
    for _ in 0..2 {
        mini.remember();
        for _ in 0..60 {
            mini.step();
        }
        mini.checkpoint();
    }
    if ignores_savepoint {
        mini.go_back();
    }
    mini.restart();
    mini.run(0);
    let mut events = mini.events.clone();
    set_kind(&mut events, CheckpointId(2), CheckpointKind::Savepoint);
    (mini, events)
}

#[test]
fn a_newer_savepoint_is_restored() {
    let (mini, events) = failed(false);
    assert_eq!(judge(&mini, &events).violations(), &[]);
    let (mini, events) = failed(true);
    let violation = broken(&mini, &events, Law::RestoreLatest);
    let expected = "generation 2 was granted to restore checkpoint 1, \
                    but the newest completed is checkpoint 2";
    assert_eq!(violation.sentence, expected);
}

fn at_coordinator(what: O) -> Event {
    Event { node: NodeId::new(0, 9), what }
}

/// Word count that ends with its last checkpoint.
fn ended() -> (Mini, Vec<Event>) {
    let (mini, mut events) = two_cuts(CheckpointKind::Checkpoint, false);
    let at = last(&events, |o| matches!(o, O::CheckpointCompleted { .. }));
    let O::CheckpointCompleted { checkpoint, generation, .. } = events[at].what else {
        unreachable!("it was just found")
    };
    set_kind(&mut events, checkpoint, CheckpointKind::StopWithSavepoint);
    events.push(at_coordinator(O::Stopped { checkpoint, generation }));
    assert_eq!(judge(&mini, &events).violations(), &[]);
    (mini, events)
}

#[test]
fn nothing_runs_after_the_end() {
    let (mini, events) = ended();
    let end = " after the job had ended with its savepoint";
    let mut bent = events.clone();
    let executed = position(&events, |o| matches!(o, O::Executed { .. }));
    bent.push(events[executed].clone());
    let violation = broken(&mini, &bent, Law::ConsistentCut);
    assert!(violation.sentence.contains(" executed p"), "{}", violation.sentence);
    assert!(violation.sentence.ends_with(end), "{}", violation.sentence);
    // A worker of an older generation may not know it yet.
    let mut zombie = events[executed].clone();
    let O::Executed { generation, .. } = &mut zombie.what else { unreachable!("it is one") };
    *generation = Generation(0);
    bent.truncate(events.len());
    bent.push(zombie);
    assert_eq!(judge(&mini, &bent).violations(), &[]);

    let (generation, restore) = (Generation(2), Some(CheckpointId(2)));
    bent.truncate(events.len());
    bent.push(at_coordinator(O::Granted { generation, workers: 4, restore }));
    let violation = broken(&mini, &bent, Law::ConsistentCut);
    assert_eq!(violation.sentence, format!("generation 2 was granted{end}"));
}

#[test]
fn no_checkpoint_completes_behind_the_savepoint_that_ends_the_job() {
    let (mini, mut events) = ended();
    let (checkpoint, kind, generation) =
        (CheckpointId(9_999), CheckpointKind::Checkpoint, Generation(1));
    events.push(at_coordinator(O::CheckpointCompleted { checkpoint, kind, generation, bytes: 1 }));
    let violation = broken(&mini, &events, Law::ConsistentCut);
    assert!(violation.sentence.ends_with("after the savepoint that ends the job"));
}

#[test]
fn a_job_ends_with_its_savepoint_and_with_everything_visible() {
    let (mini, events) = ended();
    let mut bent = events.clone();
    let O::Stopped { checkpoint, .. } = &mut bent.last_mut().expect("its end").what else {
        unreachable!("it is its end")
    };
    *checkpoint = CheckpointId(1);
    let violation = broken(&mini, &bent, Law::ConsistentCut);
    assert_eq!(violation.sentence, "the job ended with 1, which is no complete savepoint");

    let mut bent = events;
    let published = last(&bent, |o| matches!(o, O::Published { .. }));
    let stopped = bent.pop().expect("its end");
    bent.insert(published, stopped);
    let violation = broken(&mini, &bent, Law::NoLoss);
    assert!(violation.sentence.starts_with("the job ended when "), "{}", violation.sentence);
}

/// What law `tolerance` finds in what becomes of checkpoints, two of which may fail in a row.
fn found(story: &[O]) -> Vec<String> {
    let claim = super::Claim { timeout: super::Span::secs(900), assumed: false };
    let settings = Settings { tolerated_failures: Some(2), ..super::settings(claim) };
    let (mut tolerance, mut findings) = (Tolerance::default(), Findings::default());
    for what in story {
        let seen = Witness { at: Instant(1), node: NodeId::new(0, 9), what: *what };
        tolerance.observed(&settings, seen, &mut findings);
    }
    assert!(findings.all().iter().all(|violation| violation.law == Law::Tolerance));
    findings.all().iter().map(|violation| violation.sentence.clone()).collect()
}

const GENERATION: Generation = Generation(1);
fn triggered(checkpoint: u32, kind: CheckpointKind) -> O {
    let checkpoint = CheckpointId(checkpoint);
    O::CheckpointTriggered { checkpoint, kind, generation: GENERATION }
}
fn aborted(checkpoint: u32, reason: AbortReason) -> O {
    let checkpoint = CheckpointId(checkpoint);
    O::CheckpointAborted { checkpoint, generation: GENERATION, reason }
}
fn completed(checkpoint: u32) -> O {
    let (checkpoint, kind) = (CheckpointId(checkpoint), CheckpointKind::Checkpoint);
    O::CheckpointCompleted { checkpoint, kind, generation: GENERATION, bytes: 1 }
}
fn given_up(checkpoint: u32) -> O {
    let (checkpoint, reason) = (CheckpointId(checkpoint), AbortReason::Expired);
    O::JobFailed { generation: GENERATION, checkpoint, reason }
}

#[test]
fn a_job_is_given_up_for_more_failures_in_a_row_than_it_tolerates() {
    use AbortReason::{Async, Declined, Expired, Finalize, Io, Subsumed, Superseded};
    let row = |reasons: [AbortReason; 3]| {
        let aborted = (1..).zip(reasons).map(|(at, reason)| aborted(at, reason));
        aborted.chain([given_up(3)]).collect::<Vec<_>>()
    };
    assert_eq!(found(&row([Expired, Declined, Io])), [""; 0]);
    assert_eq!(found(&row([Async, Async, Async])), [""; 0]);
    let sentence = "the job was given up when 2 checkpoints had failed in a row, of which 2 are \
                    tolerated";
    for other in [Subsumed, Superseded, Finalize] {
        assert_eq!(found(&row([Expired, other, Io])), [sentence], "{other:?} does not count");
    }
    // Each counts once, and a success ends the row.
    let twice = [aborted(1, Expired), aborted(2, Io), aborted(2, Declined), given_up(2)];
    assert_eq!(found(&twice), [sentence]);
    let success = [aborted(1, Expired), completed(2), aborted(3, Io), aborted(4, Io), given_up(4)];
    assert_eq!(found(&success), [sentence]);
}

#[test]
fn savepoints_count_only_if_sources_stand_still_for_them() {
    use AbortReason::Expired;
    let story = |kind| {
        let failed = (1..=3).flat_map(|at| [triggered(at, kind), aborted(at, Expired)]);
        failed.chain([given_up(3)]).collect::<Vec<_>>()
    };
    assert_eq!(found(&story(CheckpointKind::Checkpoint)), [""; 0]);
    let sentence = "the job was given up when 0 checkpoints had failed in a row, of which 2 are \
                    tolerated";
    assert_eq!(found(&story(CheckpointKind::Savepoint)), [sentence]);
    assert_eq!(found(&story(CheckpointKind::StopWithSavepoint)[4..]), [""; 0]);
}
