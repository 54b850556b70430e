//! What a checkpoint leaves on its way between two tasks, and finds there in the next epoch.

use std::collections::BTreeSet;

use stormglass_engine::ids::{Root, TaskId};
use stormglass_engine::topology::Component;
use stormglass_engine::value::Value;
use stormglass_sim::hash::Mixer;

use super::Oracle;
use super::bench::{Lane, Sent};
use super::epoch::{Desk, Judged, Scratch};
use crate::judge::history::InFlightMark;
use crate::judge::law::{Law, Violation, Witness, plural};

/// A tuple that was sent before a completed checkpoint and not executed before it.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    lane: usize,
    /// The emitter's component.
    component: usize,
    sent: Sent,
    values: Vec<Value>,
}

impl Oracle {
    /// The records at the root of what the last completed checkpoint left on its way.
    pub(in crate::judge) fn on_the_way(&self) -> BTreeSet<Root> {
        self.carried.iter().map(|carried| carried.sent.root).collect()
    }
    /// Whether it left nothing, as far as it can tell.
    pub(in crate::judge) fn is_drained(&self) -> bool {
        self.blind || self.carried.is_empty()
    }
    /// How much of it there is, in words: `the effect of 3 tuples in flight`.
    pub(in crate::judge) fn under_way(&self) -> Option<String> {
        let tuples = plural(self.carried.len() as u64, "tuple");
        (!self.is_drained()).then(|| format!("the effect of {tuples} in flight"))
    }

    /// Puts what was on its way first on every channel.
    pub(super) fn refill(&self, scratch: &mut Scratch) {
        for Carried { lane, component, sent, values } in &self.carried {
            let arena = &mut scratch.arenas[*component];
            let at = arena.len() as u32;
            arena.extend_from_slice(values);
            scratch.lanes[*lane].sent.push(Sent { at, ..*sent });
        }
    }

    /// Keeps what is on its way when an epoch ends.
    pub(super) fn carry(&mut self, scratch: &mut Scratch) {
        self.carried.clear();
        let Oracle { plan, carried, .. } = self;
        for component in plan.topology.components() {
            for (index, _) in (0..).zip(component.tasks()) {
                for from in senders(&plan.topology, component) {
                    let Some(at) = plan.lane(from, component, index) else { continue };
                    let lane = &mut scratch.lanes[at];
                    for sent in lane.sent.drain(lane.next..) {
                        let input = &component.inputs[usize::from(sent.input)];
                        let emitter = usize::from(input.from.0);
                        let values = &scratch.arenas[emitter][sent.at as usize..];
                        let values = values[..usize::from(sent.arity)].to_vec();
                        carried.push(Carried { lane: at, component: emitter, sent, values });
                    }
                }
            }
        }
    }
}

/// The tasks that send to those of a component.
fn senders<'a>(
    topology: &'a stormglass_engine::topology::Topology,
    component: &'a Component,
) -> impl Iterator<Item = TaskId> + 'a {
    component.inputs.iter().flat_map(|input| topology.component(input.from).tasks())
}

/// A fingerprint over the names of tuples, in order.
fn print(tuples: &[Sent]) -> u64 {
    let mut mixer = Mixer::new();
    tuples.iter().for_each(|sent| mixer.pair(sent.root.0, sent.child.0.into()));
    mixer.finish64()
}

impl Desk<'_> {
    /// At the cut, a channel holds what the checkpoint holds of it: first what had arrived, which
    /// the receiving task keeps, then what waited at the emitting one.
    pub(super) fn check_rest(&self, lanes: &[Lane]) -> Judged<()> {
        for from in senders(&self.plan.topology, self.component) {
            let Some(at) = self.plan.lane(from, self.component, self.index) else { continue };
            let rest = &lanes[at].sent[lanes[at].next..];
            let kept: Vec<(TaskId, &InFlightMark)> = [self.task, from]
                .into_iter()
                .filter_map(|keeper| Some((keeper, self.history.task(keeper)?)))
                .flat_map(|(keeper, of)| of.in_flight(self.checkpoint).map(move |m| (keeper, m)))
                .filter(|(_, mark)| (mark.from, mark.to) == (from, self.task))
                .collect();
            self.check_kept(from, rest, &kept)?;
        }
        let stray = self.of_task.in_flight(self.checkpoint).find(|mark| {
            let mine = mark.from == self.task || mark.to == self.task;
            !mine
                || !self.plan.topology.component_of(mark.to).inputs.iter().any(|input| {
                    self.plan.topology.component(input.from).tasks().any(|task| task == mark.from)
                })
        });
        match stray {
            Some(mark) => Err(self.invented(mark)),
            None => Ok(()),
        }
    }

    fn check_kept(
        &self,
        from: TaskId,
        rest: &[Sent],
        kept: &[(TaskId, &InFlightMark)],
    ) -> Judged<()> {
        let held: u64 = kept.iter().map(|(_, mark)| u64::from(mark.tuples)).sum();
        if held != rest.len() as u64 {
            return Err(match rest.first() {
                Some(first) if held == 0 => self.undrained(from, first, rest.len() as u64),
                _ => self.miscounted(from, rest.len() as u64, held, kept),
            });
        }
        let mut left = rest;
        for (keeper, mark) in kept {
            let (here, tail) = left.split_at(mark.tuples as usize);
            if print(here) != mark.print {
                return Err(self.mixed_up(from, *keeper, here, mark));
            }
            left = tail;
        }
        Ok(())
    }

    #[cold]
    fn miscounted(
        &self,
        from: TaskId,
        rest: u64,
        held: u64,
        kept: &[(TaskId, &InFlightMark)],
    ) -> Box<Violation> {
        let sentence = format!(
            "checkpoint {} holds {} in flight {} -> {}, where {} sent before it and not executed \
             before it",
            self.checkpoint.0,
            plural(held, "tuple"),
            self.plan.name(from),
            self.name(),
            if rest == 1 { "1 was".to_string() } else { format!("{rest} were") },
        );
        let seen = kept.iter().map(|(keeper, m)| self.history.in_flight_witness(*keeper, m));
        self.cut_violation(sentence, from, seen.collect())
    }

    #[cold]
    fn mixed_up(
        &self,
        from: TaskId,
        keeper: TaskId,
        here: &[Sent],
        mark: &InFlightMark,
    ) -> Box<Violation> {
        let sentence = format!(
            "{} keeps {} in flight {} -> {} in checkpoint {}, but other ones than were on the way, \
             or in another order: the first should be {} (child {})",
            self.plan.name(keeper),
            plural(here.len() as u64, "tuple"),
            self.plan.name(from),
            self.name(),
            self.checkpoint.0,
            here.first().map_or(Root(0), |sent| sent.root),
            here.first().map_or(0, |sent| sent.child.0),
        );
        let seen = vec![self.history.in_flight_witness(keeper, mark)];
        self.cut_violation(sentence, from, seen)
    }

    #[cold]
    fn invented(&self, mark: &InFlightMark) -> Box<Violation> {
        let sentence = format!(
            "{} keeps {} in flight {} -> {} in checkpoint {}, which is no channel of it",
            self.name(),
            plural(mark.tuples.into(), "tuple"),
            self.plan.name(mark.from),
            self.plan.name(mark.to),
            self.checkpoint.0,
        );
        let seen = vec![self.history.in_flight_witness(self.task, mark)];
        self.violation(Law::ConsistentCut, sentence, seen)
    }

    fn cut_violation(
        &self,
        sentence: String,
        from: TaskId,
        mut events: Vec<Witness>,
    ) -> Box<Violation> {
        let cuts = [from, self.task].map(|task| self.history.cut_witness(task, self.checkpoint));
        events.extend(cuts.into_iter().flatten());
        events.sort_by_key(|witness| witness.at);
        self.violation(Law::ConsistentCut, sentence, events)
    }
}
