use std::vec::Vec;

use super::*;

const INTERVAL: Span = Span::secs(1);

fn at(n: u32, phase: Phase) -> TxState {
    TxState { txid: Txid(n), phase }
}

/// The table of SEMANTICS 1.4, row by row.
#[test]
fn the_table() {
    use Action::{Commit, InitState, Prepare, Rollback};
    use Phase::{Committed, Committing, Preparing};
    for (state, recovering, action, next) in [
        (at(4, Preparing), false, Prepare, at(4, Committing)),
        (at(4, Preparing), true, Rollback, at(3, Committed)),
        (at(4, Committing), false, Commit, at(4, Committed)),
        (at(4, Committing), true, Commit, at(4, Committed)),
        (at(4, Committed), true, InitState, at(4, Committed)),
    ] {
        assert_eq!(state.action(recovering), action, "{state:?}, recovering: {recovering}");
        assert_eq!(state.next(recovering), next, "{state:?}, recovering: {recovering}");
        assert_eq!(state.leads_to(next), state != next);
    }
    assert_eq!(at(4, Committed).next(false), at(5, Preparing));
    assert!(!at(4, Committed).leads_to(at(4, Committing)));
    assert!(!at(4, Preparing).leads_to(at(4, Committed)));
}

#[test]
fn what_can_be_undone_is_not_decided() {
    assert_eq!(at(4, Phase::Preparing).decided(), Txid(3));
    assert_eq!(at(4, Phase::Committing).decided(), Txid(4));
    assert_eq!(at(4, Phase::Committed).decided(), Txid(4));
}

/// Drives a spout with two tasks until it has nothing to do; `fails` says which emissions fail.
fn run(
    spout: &mut CheckpointSpout,
    mut state: TxState,
    now: Instant,
    fails: &[u32],
) -> (Vec<Action>, TxState) {
    let mut emitted = Vec::new();
    loop {
        match spout.decide(state, now, INTERVAL) {
            Decision::Persist(next, _) => {
                assert!(state.leads_to(next), "{state:?} to {next:?}");
                state = next;
                spout.persisted();
            }
            Decision::Emit(action) => {
                emitted.push(action);
                let emission = spout.emit([TaskId(3), TaskId(4)].into());
                assert_eq!(spout.decide(state, now, INTERVAL), Decision::Wait);
                if fails.contains(&emission) {
                    assert!(spout.fail(emission));
                } else {
                    assert!(!spout.ack(emission, TaskId(3)));
                    assert!(!spout.ack(emission, TaskId(3)), "one answer a task");
                    assert!(spout.ack(emission, TaskId(4)));
                }
            }
            Decision::Wait | Decision::WaitUntil(_) => return (emitted, state),
        }
    }
}

#[test]
fn it_begins_in_recovery_and_then_waits_for_the_interval() {
    use Action::{Commit, InitState, Prepare};
    let mut spout = CheckpointSpout::new(Instant::ZERO);
    let (emitted, state) = run(&mut spout, TxState::INITIAL, Instant::ZERO, &[]);
    assert_eq!((emitted, state), ([InitState].into(), TxState::INITIAL));
    let due = Instant::ZERO + INTERVAL;
    assert_eq!(spout.decide(state, Instant::ZERO, INTERVAL), Decision::WaitUntil(due));
    let (emitted, state) = run(&mut spout, state, due, &[]);
    assert_eq!((emitted, state), ([Prepare, Commit].into(), at(1, Phase::Committed)));
}

#[test]
fn a_recovery_undoes_what_is_not_decided_and_ends_what_is() {
    use Action::{Commit, InitState, Rollback};
    let recover = |state| run(&mut CheckpointSpout::new(Instant::ZERO), state, Instant::ZERO, &[]);
    let (emitted, state) = recover(at(3, Phase::Preparing));
    assert_eq!((emitted, state), ([Rollback, InitState].into(), at(2, Phase::Committed)));
    let (emitted, state) = recover(at(3, Phase::Committing));
    assert_eq!((emitted, state), ([Commit, InitState].into(), at(3, Phase::Committed)));
}

#[test]
fn a_failed_step_leads_into_recovery() {
    use Action::{Commit, InitState, Prepare, Rollback};
    let due = Instant::ZERO + INTERVAL;
    // The second emission is the prepare.
    let mut spout = CheckpointSpout::new(Instant::ZERO);
    let (emitted, state) = run(&mut spout, TxState::INITIAL, due, &[2]);
    assert_eq!(emitted, [InitState, Prepare, Rollback, InitState]);
    assert_eq!(state, TxState::INITIAL);
    // The third one is the commit: it is decided, and repeated.
    let mut spout = CheckpointSpout::new(Instant::ZERO);
    let (emitted, state) = run(&mut spout, TxState::INITIAL, due, &[3]);
    assert_eq!(emitted, [InitState, Prepare, Commit, Commit, InitState]);
    assert_eq!(state, at(1, Phase::Committed));
}

#[test]
fn answers_to_an_emission_that_was_given_up_do_not_count() {
    let mut spout = CheckpointSpout::new(Instant::ZERO);
    let first = spout.emit([TaskId(3)].into());
    assert!(spout.fail(first));
    assert!(!spout.fail(first), "it has failed already");
    let second = spout.emit([TaskId(3)].into());
    assert!(!spout.ack(first, TaskId(3)));
    assert!(!spout.fail(first));
    assert!(spout.ack(second, TaskId(3)));
}

#[test]
fn a_hurried_transaction_does_not_wait_for_its_time() {
    let mut spout = CheckpointSpout::new(Instant::ZERO);
    let (_, state) = run(&mut spout, TxState::INITIAL, Instant::ZERO, &[]);
    spout.hurry();
    let next = Decision::Persist(at(1, Phase::Preparing), Vec::new());
    assert_eq!(spout.decide(state, Instant::ZERO, INTERVAL), next);
}

#[test]
fn what_is_prepared_counts_for_the_prepare_alone() {
    let part = |task| {
        let (task, state, inline, files) = (TaskId(task), 10, None, Vec::new());
        Arc::new(Part { task, state, inline, files, stopped: Span::ZERO })
    };
    let mut spout = CheckpointSpout::new(Instant::ZERO);
    let preparing = at(1, Phase::Preparing);
    spout.emit([TaskId(3)].into());
    assert!(!spout.prepared(preparing, part(3)), "this is a rollback");
    let mut spout = CheckpointSpout { recovering: false, ..CheckpointSpout::new(Instant::ZERO) };
    let emission = spout.emit([TaskId(3), TaskId(4)].into());
    assert!(!spout.prepared(at(1, Phase::Committing), part(3)), "this is a commit");
    assert!(!spout.prepared(preparing, part(3)));
    assert!(spout.ack(emission, TaskId(4)));
    let next = Decision::Persist(at(1, Phase::Committing), [part(3)].into());
    assert_eq!(spout.decide(preparing, Instant::ZERO, INTERVAL), next);
}
