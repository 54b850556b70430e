//! The judges against histories: those of a tiny honest engine must pass, bent ones must not.

mod control;
mod cuts;
mod direct;
mod excuses;
mod expiry;
mod in_flight;
mod mini;
mod orders;
mod outputs;
mod parts;
mod random;
mod restores;
mod routes;
mod savepoints;
mod stores;
mod topologies;

use std::sync::Arc;

use stormglass_engine::observation::Observation;
use stormglass_engine::topology::Delivery;
use stormglass_sim::fault::DamageKind;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::Judges;
use super::control::Settings;
use super::excuse::Copies;
use super::expiry::Claim;
use super::law::{Law, Violation};
use crate::budget::{Destroyed, Proof};
use mini::{Event, Mini};

/// Judges that have seen nothing.
fn fresh(mini: &Mini) -> Judges {
    fresh_with(mini, Claim { timeout: Span::secs(900), assumed: false })
}

fn fresh_with(mini: &Mini, transactions: Claim) -> Judges {
    Judges::new(Arc::clone(&mini.topology), mini.log.clone(), settings(transactions))
}

/// Those of a cluster with one of everything.
fn settings(transactions: Claim) -> Settings {
    Settings {
        coordinators: vec![NodeId::new(0, 9)],
        copies: copies(1),
        patience: Span::secs(5),
        clock_ppm: 0,
        retained: 1,
        destroys: false,
        fenced_stores: 1,
        heartbeat_timeout: Span::secs(5),
        transactions,
        tolerated_failures: None,
        message_timeout: None,
        retention: None,
        trims: false,
        exact: true,
    }
}

/// So many coordinators, three stores and a receiver.
fn copies(coordinators: u16) -> Copies {
    Copies {
        coordinators: (0..coordinators).map(|at| NodeId::new(at, 9)).collect(),
        stores: (20..23).map(|at| NodeId::new(at, 7)).collect(),
        receiver: NodeId::new(30, 7),
    }
}

/// A fault destroyed a file.
fn destroyed(node: NodeId, file: &str, at: u64) -> Destroyed {
    let (who, file, how) = (node.to_string(), file.to_string(), DamageKind::Rotted);
    Destroyed { node, who, file, how, at: Instant(at), fault: Some(1) }
}

/// No store has a file of a checkpoint: those that had it lost it.
fn gone(checkpoint: u32, holders: &[u16], lost: &[u16]) -> Proof {
    let store = |at: &u16| NodeId::new(20 + at, 7);
    let copies = lost.iter().map(|at| destroyed(store(at), "some file", 1)).collect();
    let (holders, file) = (holders.iter().map(store).collect(), "some file".to_string());
    Proof::Checkpoint { checkpoint, file, holders, copies }
}

/// Judges a whole history.
fn judge(mini: &Mini, events: &[Event]) -> Judges {
    judge_with(mini, events, settings(Claim { timeout: Span::secs(900), assumed: false }))
}

fn judge_with(mini: &Mini, events: &[Event], settings: Settings) -> Judges {
    judge_proved(mini, events, settings, Vec::new())
}

/// The same when something is proved to be gone.
fn judge_proved(mini: &Mini, events: &[Event], settings: Settings, proofs: Vec<Proof>) -> Judges {
    let mut judges = Judges::new(Arc::clone(&mini.topology), mini.log.clone(), settings);
    for (at, event) in (1..).zip(events) {
        judges.observed(Instant(at), event.node, &event.what);
    }
    proofs.into_iter().for_each(|proof| judges.prove(proof));
    judges.finish();
    judges
}

/// The violation of a law; the test fails if there is none.
fn broken(mini: &Mini, events: &[Event], law: Law) -> Violation {
    let judges = judge(mini, events);
    let found = judges.violations().iter().find(|violation| violation.law == law);
    found.unwrap_or_else(|| panic!("{law:?} holds: {:?}", judges.violations())).clone()
}

/// Word count on an engine that goes back to the checkpoint before the newest.
fn gone_back(delivery: Delivery) -> Mini {
    let mut mini = Mini::new(topologies::words_to(delivery), topologies::log(3, 300), 11);
    for _ in 0..2 {
        mini.remember();
        for _ in 0..60 {
            mini.step();
        }
        mini.checkpoint();
        while mini.publish() {}
    }
    mini.go_back();
    mini.restart();
    mini.run(0);
    mini
}

fn position(events: &[Event], is: impl Fn(&Observation) -> bool) -> usize {
    events.iter().position(|event| is(&event.what)).expect("such an observation")
}

fn last(events: &[Event], is: impl Fn(&Observation) -> bool) -> usize {
    events.iter().rposition(|event| is(&event.what)).expect("such an observation")
}

fn insert(events: &mut Vec<Event>, at: usize, what: Observation) {
    events.insert(at, Event { node: NodeId::new(9, 0), what });
}
