//! Bent histories: several stores, and checkpoints that none of them can give any more.

use stormglass_engine::ids::{CheckpointId, Generation, TaskId};
use stormglass_engine::observation::{Observation as O, Resource};
use stormglass_engine::topology::Delivery;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::super::Judges;
use super::super::control::Settings;
use super::mini::{Event, Mini};
use super::{Claim, Law, gone, gone_back, insert, judge_proved, position, topologies};
use crate::budget::Proof;
use crate::outcome::Cause;

/// Judges of a cluster whose files survive in so many fenced stores.
fn judge(mini: &Mini, events: &[Event], fenced_stores: usize, destroys: bool) -> Judges {
    let proofs =
        if destroys { vec![gone(2, &[0, 1], &[0, 1]), gone(1, &[2], &[2])] } else { vec![] };
    judge_by(mini, events, fenced_stores, proofs)
}

fn judge_by(mini: &Mini, events: &[Event], fenced_stores: usize, proofs: Vec<Proof>) -> Judges {
    let destroys = !proofs.is_empty();
    let claim = Claim { timeout: Span::secs(900), assumed: false };
    let settings = Settings { fenced_stores, destroys, retained: 2, ..super::settings(claim) };
    judge_proved(mini, events, settings, proofs)
}

/// Each law that is broken, and how.
fn found(judges: &Judges) -> Vec<(Law, String)> {
    judges.violations().iter().map(|v| (v.law, v.sentence.clone())).collect()
}

/// A restart with three stores, the last of which can be told of generations or not. With two
/// replicas of each file, two stores that know of a generation are enough.
fn three_stores(told: usize) -> (Mini, Vec<Event>) {
    let mut mini = Mini::new(topologies::word_count(), topologies::log(3, 90), 5);
    mini.checkpoint();
    mini.restart();
    mini.run(0);
    let mut events = Vec::new();
    for event in &mini.events {
        let O::Fenced { resource: Resource::Store, generation, .. } = event.what else {
            events.push(event.clone());
            continue;
        };
        let told = if generation == Generation(1) { 3 } else { told };
        for node in (0..told as u16).map(|at| NodeId::new(20 + at, 7)) {
            events.push(Event {
                node,
                what: O::Fenced { resource: Resource::Store, node, generation },
            });
        }
    }
    (mini, events)
}

#[test]
fn enough_stores_know_of_a_generation_before_it_starts() {
    for told in [2, 3] {
        let (mini, events) = three_stores(told);
        assert_eq!(found(&judge(&mini, &events, 2, false)), []);
    }
    let (mini, events) = three_stores(1);
    let sentence = "count[0] was restored in generation 2 before the store was fenced for it: 1 \
                    processes of 2";
    assert_eq!(found(&judge(&mini, &events, 2, false)), [(Law::Fencing, sentence.to_string())]);
}

#[test]
fn a_store_that_was_told_refuses_what_is_older() {
    let (mini, events) = three_stores(2);
    let accepted =
        O::Accepted { resource: Resource::Store, generation: Generation(1), task: TaskId(1) };
    let by = |store: u16| {
        let mut events = events.clone();
        events.push(Event { node: NodeId::new(20 + store, 7), what: accepted });
        found(&judge(&mini, &events, 2, false))
    };
    for told in [0, 1] {
        assert!(matches!(by(told)[..], [(Law::Fencing, _)]), "{:?}", by(told));
    }
    assert_eq!(by(2), [], "nobody could tell it: it has no whole pipeline");
}

/// It is said of a checkpoint that nobody can read it, right before the second generation.
fn say_unreadable(events: &mut Vec<Event>, checkpoint: u32) {
    let granted = |o: &O| matches!(o, O::Granted { generation: Generation(2), .. });
    let checkpoint = CheckpointId(checkpoint);
    let at = position(events, granted);
    insert(events, at, O::CheckpointUnreadable { checkpoint });
}

#[test]
fn an_older_checkpoint_is_restored_if_the_newest_is_gone() {
    let mini = gone_back(Delivery::Idempotent);
    let mut events = mini.events.clone();
    say_unreadable(&mut events, 2);
    let judges = judge(&mini, &events, 1, true);
    assert_eq!((found(&judges), judges.unjudged()), (vec![], None));
    // What was visible is visible again: with transactions nobody can say what that is worth.
    let mini = gone_back(Delivery::Transactional);
    let mut events = mini.events.clone();
    say_unreadable(&mut events, 2);
    let judges = judge(&mini, &events, 1, true);
    assert_eq!(found(&judges), []);
    let unjudged = judges.unjudged().expect("it is visible twice");
    assert!(unjudged.why.contains("destroyed checkpoint 2 in every store"), "{unjudged:?}");
    let proof = gone(2, &[0, 1], &[0, 1]);
    assert_eq!((unjudged.cause, unjudged.proofs), (Cause::OutOfBudget, vec![proof]));
}

#[test]
fn nobody_goes_back_without_need() {
    let newest = "generation 2 was granted to restore checkpoint 1, but the newest completed is \
                  checkpoint 2";
    let kept = "checkpoint 2 was given up as unreadable, but nothing durable was destroyed";
    let older = "checkpoint 1 was given up as unreadable, but it is not the newest";
    let table = [(None, true, newest), (Some(2), false, kept), (Some(1), true, older)];
    for (unreadable, destroys, sentence) in table {
        let mini = gone_back(Delivery::Transactional);
        let mut events = mini.events.clone();
        if let Some(checkpoint) = unreadable {
            say_unreadable(&mut events, checkpoint);
        }
        let judges = judge(&mini, &events, 1, destroys);
        let all = found(&judges);
        assert!(all.contains(&(Law::RestoreLatest, sentence.to_string())), "{all:?}");
        assert!(!all.is_empty());
    }
}

#[test]
fn state_is_lost_only_when_no_checkpoint_can_be_read() {
    let mini = gone_back(Delivery::Idempotent);
    let mut events = mini.events.clone();
    say_unreadable(&mut events, 2);
    let lost = O::StateLost { generation: Generation(2) };
    insert(&mut events, mini.events.len(), lost);
    let sentence = "generation 2 gave state up as lost that can be read".to_string();
    let judges = judge(&mini, &events, 1, true);
    assert_eq!(found(&judges), [(Law::RestoreLatest, sentence)]);
}

/// A checkpoint may be given up for one whose copies are all destroyed, and for no other.
#[test]
fn only_the_checkpoint_that_is_gone_is_given_up() {
    let mini = gone_back(Delivery::Idempotent);
    let mut events = mini.events.clone();
    say_unreadable(&mut events, 2);
    let sentence = "checkpoint 2 was given up as unreadable, but no fault destroyed every copy of \
                    one of its files";
    let late = |checkpoint: u32| match gone(checkpoint, &[0], &[0]) {
        Proof::Checkpoint { checkpoint, file, holders, mut copies } => {
            copies.iter_mut().for_each(|copy| copy.at = Instant(1 << 40));
            Proof::Checkpoint { checkpoint, file, holders, copies }
        }
        other => other,
    };
    let wrong = [
        ("another checkpoint", gone(1, &[0, 1], &[0, 1])),
        ("one copy of two", gone(2, &[0, 1], &[0])),
        ("a store that had none", gone(2, &[0, 1], &[0, 2])),
        ("nobody had it", gone(2, &[], &[])),
        ("no store", gone(2, &[7], &[7])),
        ("destroyed later", late(2)),
    ];
    for (what, proof) in wrong {
        let judges = judge_by(&mini, &events, 1, vec![proof]);
        let all = found(&judges);
        assert_eq!(all, [(Law::RestoreLatest, sentence.to_string())], "{what}");
    }
}
