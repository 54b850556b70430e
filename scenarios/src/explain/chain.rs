//! The few events that a violation depends on, in causal order.
//!
//! An event *happened before* another if a message, or the memory of one process, leads from it to
//! that one. Nearly everything happened before a late violation; what matters is the latest of its
//! kind at each process, and the faults that it depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::{Discriminant, discriminant};

use stormglass_engine::observation::Observation;
use stormglass_engine::raft::Point;
use stormglass_sim::node::NodeId;
use stormglass_sim::past::{Past, Way};
use stormglass_sim::time::Instant;

use crate::judge::law::Violation;
use crate::outcome::{FaultOutcome, Outcome};
use crate::places::Places;
use crate::run::Setup;
use crate::scenario::Role;

/// As many observations are shown, the last ones.
const OBSERVED: usize = 14;
/// As many witnesses of the violation are among them.
const WITNESSES: usize = 6;
/// As many faults are shown, the last ones on which something depends.
const FAULTS: usize = 6;
/// Of so many faults, the last ones, it is asked what depends on them.
const CANDIDATES: usize = 48;

/// The events that matter, causes first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    /// The events.
    pub links: Vec<Link>,
    /// Observations of the control plane that happened before the violation and are left out:
    /// something later of their kind is shown, or they are too old.
    pub left_out: usize,
}

/// An event that matters.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// True time.
    pub at: Instant,
    /// Where.
    pub node: Option<NodeId>,
    /// What.
    pub what: What,
    /// The links that happened before it, by their places in the chain, without those that are
    /// implied by others.
    pub after: Vec<usize>,
    /// The message that made it happen, if it was one.
    pub by: Option<Letter>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// A fault of the plan, by its place among them.
    Fault(usize),
    /// An observation.
    Observed(Observation),
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Who sent it.
    pub from: NodeId,
    /// What it is called: `Deploy`.
    pub name: String,
}

/// What is shown, before anybody knows of what depends on what.
#[derive(Clone, Copy, Debug)]
struct Row {
    at: Instant,
    /// The kernel event; none for a fault.
    event: Option<u64>,
    node: Option<NodeId>,
    what: What,
}

/// Kinds of observations at a process.
type Kind = (NodeId, Discriminant<Observation>, Option<Discriminant<Point>>);

/// Runs it twice and tells what its first violation depends on, and how it ended. Nothing depends
/// on anything in a run that holds.
pub fn chain(setup: &Setup) -> (Outcome, Chain) {
    let mut listening = setup.clone();
    listening.record = true;
    listening.past = Some(BTreeSet::new());
    let outcome = listening.clone().run();
    let (Some(violation), Some(past)) = (outcome.violations().first(), &outcome.past) else {
        return (outcome, Chain::default());
    };
    let web = Web { past, places: &Places::new(&setup.scenario), outcome: &outcome };
    let (rows, left_out) = web.rows(violation);
    let letters: Vec<Option<u64>> = rows.iter().map(|row| web.letter(row.event?)).collect();
    // The same run again, to read the messages that turn out to matter.
    listening.past = Some(letters.iter().copied().flatten().collect());
    let read = listening.run();
    let reads = |event| Some(name(read.past.as_ref()?.text(event)?));
    let before = web.happened_before(&rows);
    let links = rows.iter().enumerate().map(|(number, row)| Link {
        at: row.at,
        node: row.node,
        what: row.what,
        after: immediate(&before, number),
        by: letters[number].and_then(|event| {
            let cause = web.past.get(event)?.cause?;
            Some(Letter { from: web.past.get(cause)?.node?, name: reads(event)? })
        }),
    });
    let chain = Chain { links: links.collect(), left_out };
    (outcome, chain)
}

/// The name of a message in the text of its event: the innermost of `Raft(Message { ..`, if that is
/// all there is around it.
fn name(text: &str) -> String {
    let message = text.split_once("message: ").map_or(text, |(_, message)| message);
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let outer = word(message);
    match message[outer.len()..].strip_prefix('(').map(word) {
        Some(inner) if inner.starts_with(char::is_uppercase) && !inner.starts_with(&outer) => {
            format!("{outer} {inner}")
        }
        _ => outer,
    }
}

/// A run, and what caused what in it.
struct Web<'a> {
    past: &'a Past,
    places: &'a Places,
    outcome: &'a Outcome,
}

impl Web<'_> {
    /// The kernel event of an observation, or the last one of that instant.
    fn event_at(&self, at: Instant, node: Option<NodeId>) -> Option<u64> {
        let those = self.past.all().filter(|(_, event)| event.time == at && event.node.is_some());
        those.filter(|(_, event)| node.is_none() || event.node == node).map(|(at, _)| at).last()
    }

    /// What the violation is about, with the kernel events. Of one that nobody witnessed (something
    /// is missing) it is the end of the run.
    fn witnesses(&self, violation: &Violation) -> Vec<Row> {
        let skipped = violation.events.len().saturating_sub(WITNESSES);
        let rows = violation.events[skipped..].iter().map(|witness| Row {
            at: witness.at,
            event: self.event_at(witness.at, Some(witness.node)),
            node: Some(witness.node),
            what: What::Observed(witness.what),
        });
        rows.collect()
    }

    /// What is shown, causes first; and how much is not.
    fn rows(&self, violation: &Violation) -> (Vec<Row>, usize) {
        let mut rows = self.witnesses(violation);
        let mut targets: Vec<u64> = rows.iter().filter_map(|row| row.event).collect();
        targets.extend(self.event_at(violation.at, None));
        if targets.is_empty() {
            targets.extend(self.past.all().map(|(event, _)| event).last());
        }
        let before = self.all_before(&targets);
        let mut latest: Vec<usize> = Vec::new();
        let mut kinds: Vec<Kind> = Vec::new();
        let story = self.outcome.story.iter().enumerate().rev();
        let happened = story.filter(|(_, (stamp, _))| before.contains(stamp.event));
        let mut left_out = 0;
        for (place, (stamp, what)) in happened {
            let known = rows.iter().any(|row| row.what == What::Observed(*what));
            let kind = kind(stamp.node, what);
            if known || kinds.contains(&kind) || rows.len() + latest.len() >= OBSERVED {
                left_out += usize::from(!known);
                continue;
            }
            kinds.push(kind);
            latest.push(place);
        }
        rows.extend(latest.iter().rev().map(|place| {
            let (stamp, what) = &self.outcome.story[*place];
            let (at, node) = (stamp.time, Some(stamp.node));
            Row { at, event: Some(stamp.event), node, what: What::Observed(*what) }
        }));
        rows.extend(self.faults(violation.at));
        rows.sort_by_key(|row| (row.at, row.event.unwrap_or(u64::MAX)));
        (self.without_idle_faults(rows), left_out)
    }

    /// The latest faults that took effect until then.
    fn faults(&self, until: Instant) -> Vec<Row> {
        let faults = self.outcome.faults.iter().enumerate();
        let struck = faults.filter(|(_, fault)| fault.took_effect && fault.at <= Some(until));
        let rows = struck.filter_map(|(place, fault)| {
            let (at, node) = (fault.at?, self.target(fault));
            Some(Row { at, event: None, node, what: What::Fault(place) })
        });
        let mut rows: Vec<Row> = rows.collect();
        rows.sort_by_key(|row| row.at);
        rows.split_off(rows.len().saturating_sub(CANDIDATES))
    }

    fn target(&self, fault: &FaultOutcome) -> Option<NodeId> {
        let nodes = Role::ALL.iter().flat_map(|role| self.places.all(*role));
        nodes.into_iter().find(|node| self.places.name(*node) == fault.target)
    }

    /// Without the faults on which nothing depends that is shown, and the oldest of too many.
    fn without_idle_faults(&self, rows: Vec<Row>) -> Vec<Row> {
        let before = self.happened_before(&rows);
        let needed = |at: usize| before.iter().any(|set| set & (1 << at) != 0);
        let is_fault = |row: &Row| matches!(row.what, What::Fault(_));
        let mut kept: Vec<Row> = Vec::new();
        for (at, row) in rows.iter().enumerate().rev() {
            let faults = kept.iter().filter(|row| is_fault(row)).count();
            if !is_fault(row) || needed(at) && faults < FAULTS {
                kept.push(*row);
            }
        }
        kept.reverse();
        kept
    }

    /// All events that happened before some.
    fn all_before(&self, targets: &[u64]) -> Marked {
        let earlier = self.earlier_at_its_node();
        let last = targets.iter().copied().max().unwrap_or(0);
        let mut marked = Marked { bits: vec![false; last as usize + 1] };
        targets.iter().for_each(|event| marked.mark(*event));
        for event in (1..=last).rev().filter(|event| self.past.get(*event).is_some()) {
            if marked.contains(event) {
                let cause = self.past.get(event).and_then(|event| event.cause);
                cause.into_iter().chain([earlier[event as usize]]).for_each(|e| marked.mark(e));
            }
        }
        marked
    }

    /// What each event's process handled before it, by the number of the event; zero for nothing.
    fn earlier_at_its_node(&self) -> Vec<u64> {
        let mut last: BTreeMap<NodeId, u64> = BTreeMap::new();
        let earlier = self.past.all().map(|(number, event)| {
            event.node.and_then(|node| last.insert(node, number)).unwrap_or(0)
        });
        std::iter::once(0).chain(earlier).collect()
    }

    /// For each row the rows that happened before it, as bits.
    fn happened_before(&self, rows: &[Row]) -> Vec<u64> {
        assert!(rows.len() <= 64, "few are shown");
        let faults = |until: Instant, node: Option<NodeId>| -> u64 {
            let those = rows.iter().enumerate().filter(|(_, row)| {
                row.event.is_none() && row.at <= until && (node.is_none() || row.node == node)
            });
            those.fold(0, |set, (at, _)| set | 1 << at)
        };
        let mut sets = vec![0; rows.len()];
        let mut own: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            row.event.into_iter().for_each(|event| own.entry(event).or_default().push(at));
        }
        // By the number of the event: they are all there from the first on.
        let mut of: Vec<u64> = vec![0];
        let mut last: BTreeMap<NodeId, u64> = BTreeMap::new();
        for (number, event) in self.past.all() {
            let before = |earlier: u64| of.get(earlier as usize).copied().unwrap_or(0);
            let mut set = event.cause.map_or(0, before);
            if let Some(node) = event.node {
                set |= last.insert(node, number).map_or(0, before) | faults(event.time, Some(node));
                if event.cause.is_none() && event.way == Way::Connection {
                    // The latest fault has broken it.
                    set |= highest(faults(event.time, None));
                }
            }
            for at in own.get(&number).into_iter().flatten() {
                if let What::Observed(Observation::Suspected { node, .. }) = rows[*at].what {
                    set |= faults(event.time, Some(node));
                }
                sets[*at] = set;
                set |= 1 << at;
            }
            of.push(set);
        }
        sets
    }

    /// The event by which a message of another process came that an event is the work of.
    fn letter(&self, mut event: u64) -> Option<u64> {
        loop {
            let happening = self.past.get(event)?;
            let cause = happening.cause?;
            match happening.way {
                Way::Message if self.past.get(cause)?.node != happening.node => return Some(event),
                Way::Message | Way::Posted | Way::Disk => event = cause,
                _ => return None,
            }
        }
    }
}

/// Events that are marked, by their numbers.
struct Marked {
    bits: Vec<bool>,
}

impl Marked {
    fn mark(&mut self, event: u64) {
        if let Some(bit) = self.bits.get_mut(event as usize) {
            *bit = true;
        }
    }
    fn contains(&self, event: u64) -> bool {
        self.bits.get(event as usize).copied().unwrap_or(false)
    }
}

fn kind(node: NodeId, what: &Observation) -> Kind {
    let point = match what {
        Observation::Raft(point) => Some(discriminant(point)),
        _ => None,
    };
    (node, discriminant(what), point)
}

const fn highest(set: u64) -> u64 {
    if set == 0 { 0 } else { 1 << (63 - set.leading_zeros()) }
}

/// Those before one that no other one of them implies.
fn immediate(before: &[u64], row: usize) -> Vec<usize> {
    let members = |set: u64| (0..before.len()).filter(move |at| set & (1 << at) != 0);
    let implied = members(before[row]).fold(0, |set, at| set | before[at]);
    members(before[row] & !implied).collect()
}
