//! Bent histories: runs that stand still, and what is proved to be gone for good.

use stormglass_engine::observation::Observation as O;
use stormglass_engine::raft::{Index, Point, Term};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::super::Judges;
use super::super::control::Settings;
use super::mini::{Event, Mini};
use super::orders::calm;
use super::{Claim, Law, copies, destroyed, last, position};
use crate::budget::{COORDINATOR_LOG, Proof, RECEIVER_LOG};
use crate::outcome::Cause;

/// A run that stands still after these observations, judged with these proofs.
fn ended(mini: &Mini, events: &[Event], coordinators: u16, proofs: &[Proof]) -> Judges {
    let claim = Claim { timeout: Span::secs(900), assumed: false };
    let settings = Settings { copies: copies(coordinators), ..super::settings(claim) };
    let mut judges = Judges::new(std::sync::Arc::clone(&mini.topology), mini.log.clone(), settings);
    for (at, event) in (1..).zip(events) {
        judges.observed(Instant(at), event.node, &event.what);
    }
    proofs.iter().for_each(|proof| judges.prove(proof.clone()));
    let pending = judges.pending();
    judges.progress(pending.as_deref(), Span::secs(60), None);
    judges.finish();
    judges
}

/// The laws that are broken.
fn laws(judges: &Judges) -> Vec<Law> {
    judges.violations().iter().map(|violation| violation.law).collect()
}

/// Word count of which nothing becomes visible: all of it lies at the receiver.
fn stuck() -> (Mini, Vec<Event>) {
    let (mini, mut events) = calm();
    events.retain(|event| !matches!(event.what, O::Published { .. }));
    (mini, events)
}

/// The logs of these coordinators are rotten.
fn no_quorum(of: usize, out: &[u16]) -> Proof {
    let log = |at: &u16| destroyed(NodeId::new(*at, 9), COORDINATOR_LOG, 3);
    Proof::Quorum { voters: of, logs: out.iter().map(log).collect() }
}

#[test]
fn a_run_that_stands_still_without_a_proof_is_broken() {
    let (mini, events) = stuck();
    let judges = ended(&mini, &events, 3, &[]);
    assert_eq!(laws(&judges), [Law::Progress, Law::NoLoss]);
    assert_eq!(judges.unjudged(), None);
}

#[test]
fn without_a_quorum_nothing_goes_on() {
    let (mini, events) = stuck();
    for (coordinators, out) in [(1, &[0][..]), (2, &[1]), (3, &[0, 2]), (5, &[0, 1, 4])] {
        let proof = no_quorum(coordinators.into(), out);
        let judges = ended(&mini, &events, coordinators, std::slice::from_ref(&proof));
        assert_eq!(judges.violations(), &[], "{out:?} of {coordinators}");
        let unjudged = judges.unjudged().expect("it stands still");
        assert_eq!((unjudged.cause, unjudged.proofs), (Cause::OutOfBudget, vec![proof]));
        assert!(unjudged.why.starts_with("60s of virtual time after"), "{}", unjudged.why);
    }
}

#[test]
fn a_quorum_that_is_left_has_no_excuse() {
    let (mini, events) = stuck();
    let elsewhere =
        Proof::Quorum { voters: 3, logs: vec![destroyed(NodeId::new(0, 9), "checkpoint/1", 3); 3] };
    let twice = no_quorum(3, &[1, 1, 1]);
    for proof in
        [no_quorum(3, &[0]), no_quorum(5, &[0, 1]), no_quorum(3, &[8, 9]), elsewhere, twice]
    {
        let judges = ended(&mini, &events, 3.max(quorum_of(&proof)), std::slice::from_ref(&proof));
        assert_eq!(laws(&judges), [Law::Progress, Law::NoLoss], "{proof}");
    }
}

fn quorum_of(proof: &Proof) -> u16 {
    match proof {
        Proof::Quorum { voters, .. } => *voters as u16,
        _ => 0,
    }
}

/// Of five coordinators some three vote, and nobody says which: a proof has to hold whoever they
/// are, and for the membership before.
#[test]
fn a_proof_holds_for_every_membership() {
    let (mini, mut events) = stuck();
    let changed = Point::MembershipChanged { index: Index(9), voters: 3, joint: false };
    events.push(Event { node: NodeId::new(0, 9), what: O::Raft(changed) });
    let judge = |out: &[u16]| laws(&ended(&mini, &events, 5, &[no_quorum(5, out)]));
    assert!(judge(&[0, 1]).contains(&Law::Progress));
    assert!(judge(&[2, 3, 4]).contains(&Law::Progress));
    assert!(!judge(&[0, 1, 2, 4]).contains(&Law::Progress));
}

/// The budget excuses what is missing, and never what is wrong.
#[test]
fn no_proof_excuses_what_is_wrong() {
    let (mini, mut events) = stuck();
    let update = position(&events, super::orders::is_update);
    let twice = events[update].clone();
    events.insert(update, twice);
    let proofs = [no_quorum(1, &[0]), outputs(events.len() as u64)];
    let judges = ended(&mini, &events, 1, &proofs);
    assert!(!laws(&judges).contains(&Law::Progress), "{:?}", judges.violations());
    assert!(laws(&judges).contains(&Law::LegalOrder), "{:?}", judges.violations());
    // Two leaders of one term are two leaders, whoever is out.
    let (mini, mut events) = stuck();
    for at in 0..2 {
        let what = O::Raft(Point::Elected { term: Term(7) });
        events.push(Event { node: NodeId::new(at, 9), what });
    }
    let judges = ended(&mini, &events, 1, &[no_quorum(1, &[0])]);
    assert!(laws(&judges).contains(&Law::ElectionSafety), "{:?}", judges.violations());
}

/// The receiver's log was destroyed at this instant.
fn outputs(at: u64) -> Proof {
    Proof::Outputs { log: destroyed(NodeId::new(30, 7), RECEIVER_LOG, at) }
}

/// What was handed over before the receiver lost its log, and is never seen, is lost with it: that
/// and nothing else.
#[test]
fn outputs_are_lost_with_the_only_copy_of_them() {
    let (mini, mut events) = calm();
    let at = last(&events, |o| matches!(o, O::Published { .. }));
    let O::Published { task, checkpoint, .. } = events.remove(at).what else { return };
    let of_it = |o: &O| match *o {
        O::PreCommitted { task: t, checkpoint: c, .. } => (t, c) == (task, checkpoint),
        _ => false,
    };
    let handed_over = 1 + position(&events, of_it) as u64;
    let judges = ended(&mini, &events, 1, &[outputs(handed_over)]);
    assert_eq!(judges.violations(), &[]);
    let unjudged = judges.unjudged().expect("some are lost");
    assert_eq!((unjudged.cause, unjudged.proofs.len()), (Cause::OutOfBudget, 1));
    assert!(unjudged.why.contains("went with the receiver's log"), "{}", unjudged.why);
    let another = Proof::Outputs { log: destroyed(NodeId::new(20, 7), RECEIVER_LOG, handed_over) };
    let file = Proof::Outputs { log: destroyed(NodeId::new(30, 7), "some file", handed_over) };
    for proof in [outputs(handed_over - 1), another, file] {
        let judges = ended(&mini, &events, 1, std::slice::from_ref(&proof));
        assert_eq!(laws(&judges), [Law::Progress, Law::NoLoss], "{proof}");
        assert_eq!(judges.unjudged(), None);
    }
}
