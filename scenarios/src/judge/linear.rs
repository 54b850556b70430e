//! Verifies: that the metadata behaves as one copy: for each register, one order of all operations
//! on it explains every answer, and has each operation between its question and its answer
//! (`linearizable`). The register holds 0 at the start.
//!
//! Does not verify: order between registers (linearizability needs none).
//!
//! Judged at the end, when it is known which operations were never answered: those may have
//! happened at any time after the question, or never.

use std::collections::BTreeMap;

use stormglass_engine::observation::{Call, Observation, Operation};
use stormglass_sim::time::Instant;

use super::law::{Findings, Law, Witness};

mod search;
#[cfg(test)]
mod tests;

use search::{Found, Op, search};

/// Orders that are tried before the judge gives up.
const BUDGET: u64 = 2_000_000;
/// As many operations are named at most.
const NAMED: usize = 8;

/// The history of all registers.
#[derive(Clone, Debug, Default)]
pub(super) struct Linear {
    registers: BTreeMap<u16, Vec<Asked>>,
    /// Where each operation is.
    places: BTreeMap<Operation, (u16, usize)>,
    /// Questions and answers so far.
    count: u64,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    operation: Operation,
    op: Op,
    invoked: Witness,
    responded: Option<Witness>,
}

/// A contradiction: the operations that make it, and the value at their start.
struct Contradiction {
    ops: Vec<usize>,
    start: Option<u64>,
    at: usize,
}

impl Linear {
    /// A question or an answer.
    pub(super) fn observed(&mut self, seen: Witness, findings: &mut Findings) {
        self.count += 1;
        match seen.what {
            Observation::Invoked { operation, key, call } => {
                if self.places.contains_key(&operation) {
                    return;
                }
                let register = self.registers.entry(key).or_default();
                self.places.insert(operation, (key, register.len()));
                let op = Op { call, invoked: self.count, answered: None };
                register.push(Asked { operation, op, invoked: seen, responded: None });
            }
            Observation::Responded { operation, value } => {
                self.responded(operation, value, seen, findings);
            }
            _ => {}
        }
    }

    fn responded(
        &mut self,
        operation: Operation,
        value: u64,
        seen: Witness,
        findings: &mut Findings,
    ) {
        let Operation { client, number } = operation;
        let place = self.places.get(&operation);
        let asked = place.and_then(|(key, at)| self.registers.get_mut(key)?.get_mut(*at));
        let Some(asked) = asked else {
            let sentence =
                format!("{client} got an answer to operation {number}: it asked nothing");
            return findings.report(Law::Linearizable, seen.at, sentence, &[seen]);
        };
        match asked.op.answered {
            None => {
                asked.op.answered = Some((self.count, value));
                asked.responded = Some(seen);
            }
            Some((_, first)) if first != value => {
                let sentence = format!(
                    "operation {number} of {client} was answered with {first}, then with {value}"
                );
                let events: Vec<Witness> = asked.responded.into_iter().chain([seen]).collect();
                findings.report(Law::Linearizable, seen.at, sentence, &events);
            }
            Some(_) => {}
        }
    }

    /// Judges it all. The reason, if something cannot be judged.
    pub(super) fn finish(&self, findings: &mut Findings) -> Option<String> {
        let mut undecided = None;
        let mut first: Option<(Instant, u16, usize)> = None;
        for (key, asked) in &self.registers {
            let ops: Vec<Op> = asked.iter().map(|asked| asked.op).collect();
            let mut budget = BUDGET;
            match search(&ops, Some(0), &mut budget) {
                Found::Order => {}
                Found::Contradiction(at) => {
                    let when = asked[at].responded.map_or(Instant::ZERO, |seen| seen.at);
                    if first.is_none_or(|(earliest, ..)| when < earliest) {
                        first = Some((when, *key, at));
                    }
                }
                Found::TooMuch => {
                    undecided.get_or_insert_with(|| {
                        format!(
                            "{} operations on register {key} have too many possible orders",
                            asked.len()
                        )
                    });
                }
            }
        }
        if let Some((when, key, at)) = first {
            let asked = &self.registers[&key];
            let (sentence, events) = tell(key, asked, &smallest(asked, at));
            findings.report(Law::Linearizable, when, sentence, &events);
        }
        undecided
    }
}

/// The operations from a moment on, up to an answer: those that were asked later, and what others
/// that were open at the moment may yet do, with no answer to hold them to.
fn window(asked: &[Asked], from: u64, to: u64) -> (Vec<usize>, Vec<Op>) {
    let (mut names, mut ops) = (Vec::new(), Vec::new());
    for (at, Asked { op, .. }) in asked.iter().enumerate() {
        let open = op.answered.is_none_or(|(when, _)| when > from);
        if op.invoked > to || !open {
            continue;
        }
        let answered = op.answered.filter(|_| op.invoked > from);
        names.push(at);
        ops.push(Op { answered, ..*op });
    }
    (names, ops)
}

/// The shortest time before an answer in which there is no order, whatever the value was before;
/// and of the reads in it only those that matter.
fn smallest(asked: &[Asked], at: usize) -> Contradiction {
    let to = asked[at].op.answered.map_or(u64::MAX, |(when, _)| when);
    let contradicts = |ops: &[Op], start: Option<u64>| {
        matches!(search(ops, start, &mut BUDGET.clone()), Found::Contradiction(_))
    };
    let fails = |from: u64| contradicts(&window(asked, from, to).1, None);
    let mut answers: Vec<u64> = asked.iter().filter_map(|a| Some(a.op.answered?.0)).collect();
    answers.retain(|when| *when < to);
    answers.push(0);
    answers.sort_unstable();
    // A longer time contradicts itself if a shorter one does: double it, then halve the doubt.
    let (mut good, mut step) = (answers.len(), 1);
    let mut bad = None;
    while bad.is_none() && good > 0 {
        let next = good.saturating_sub(step);
        if fails(answers[next]) {
            bad = Some(next);
        } else {
            (good, step) = (next, step * 2);
        }
    }
    let (mut bad, start) = match bad {
        Some(bad) => (bad, None),
        None => (0, Some(0)),
    };
    while start.is_none() && bad + 1 < good {
        let middle = usize::midpoint(bad, good);
        if fails(answers[middle]) {
            bad = middle;
        } else {
            good = middle;
        }
    }
    let (mut names, mut ops) = window(asked, answers[bad], to);
    let mut place = 0;
    // A read that can be left out is no part of the contradiction.
    while place < ops.len() && ops.len() <= 64 {
        let without = [&ops[..place], &ops[place + 1..]].concat();
        let is_read = ops[place].call == Call::Read && names[place] != at;
        if is_read && contradicts(&without, start) {
            ops = without;
            names.remove(place);
        } else {
            place += 1;
        }
    }
    let held = names.into_iter().zip(&ops).filter(|(_, op)| op.answered.is_some());
    Contradiction { ops: held.map(|(at, _)| at).collect(), start, at }
}

fn tell(key: u16, asked: &[Asked], found: &Contradiction) -> (String, Vec<Witness>) {
    let mut named: Vec<&Asked> = found.ops.iter().map(|at| &asked[*at]).collect();
    named.sort_by_key(|asked| asked.op.invoked);
    let surplus = named.len().saturating_sub(NAMED);
    // The last ones are those that are closest to the contradiction.
    named.drain(..surplus);
    if !found.ops.contains(&found.at) {
        named.push(&asked[found.at]);
    }
    let texts: Vec<String> = named.iter().map(|asked| text(asked)).collect();
    let before = match found.start {
        Some(value) => format!("from {value} on"),
        None => "whatever it held before".to_string(),
    };
    let more = if surplus > 0 { format!(" (and {surplus} before them)") } else { String::new() };
    let sentence = format!(
        "register {key}, {before}: no order of these operations explains their answers: {}{more}",
        texts.join("; ")
    );
    let mut events: Vec<Witness> = named.iter().map(|asked| asked.invoked).collect();
    events.extend(named.iter().filter_map(|asked| asked.responded));
    events.sort_by_key(|event| event.at);
    (sentence, events)
}

/// `m4:1 set 7 (its operation 12, 10.2s to 10.3s)`.
fn text(asked: &Asked) -> String {
    let Operation { client, number } = asked.operation;
    let what = match (asked.op.call, asked.op.answered) {
        (Call::Read, None) => "read".to_string(),
        (Call::Read, Some((_, value))) => format!("read {value}"),
        (Call::Set(to), Some((_, value))) if to != value => format!("set {to} and got {value}"),
        (Call::Set(to), _) => format!("set {to}"),
        (Call::Add(more), None) => format!("added {more}"),
        (Call::Add(more), Some((_, value))) => format!("added {more} and got {value}"),
    };
    let until = match asked.responded {
        Some(seen) => format!("to {}", seen.at),
        None => "and never answered".to_string(),
    };
    format!("{client} {what} (operation {number}, {} {until})", asked.invoked.at)
}
