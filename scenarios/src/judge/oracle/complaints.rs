//! What the oracle says when an epoch is not legal: cold, and careful to name the place.

use stormglass_engine::component::Outcome;
use stormglass_engine::ids::{Partition, TaskId};

use super::bench::{Aftermath, Astray, Sent, Wrong};
use super::epoch::{Desk, Judged};
use crate::judge::history::{Entry, Look};
use crate::judge::law::{Law, Violation, Witness, plural};

impl Desk<'_> {
    pub(super) fn name(&self) -> String {
        self.plan.name(self.task)
    }
    fn generation(&self) -> u32 {
        self.history.generation().0
    }
    pub(super) fn violation(
        &self,
        law: Law,
        sentence: String,
        events: Vec<Witness>,
    ) -> Box<Violation> {
        Box::new(Violation { law, sentence, at: self.at, events })
    }

    /// An execution that the order does not allow.
    #[cold]
    pub(super) fn illegal(&self, entry: &Entry, why: &str) -> Box<Violation> {
        let sentence = format!(
            "{} executed {} from {} in generation {}, {why}",
            self.name(),
            entry.root,
            self.plan.name(entry.from),
            self.generation(),
        );
        let events = vec![self.history.witness(self.task, entry)];
        self.violation(Law::LegalOrder, sentence, events)
    }

    /// A look at a key that saw another row than the oracle's.
    #[cold]
    pub(super) fn wrong_look(&self, look: &Look) -> Box<Violation> {
        let sentence = format!(
            "{} answered a query in generation {} with another row than the oracle has at that \
             moment",
            self.name(),
            self.generation(),
        );
        self.violation(Law::StateEqualsOracle, sentence, vec![look.seen])
    }

    /// An input that is not the first one on its channel.
    #[cold]
    pub(super) fn out_of_order(&self, due: Option<&Sent>, entry: &Entry) -> Box<Violation> {
        let child = format!("(child {})", entry.child.0);
        if let Some(due) = due {
            let why = format!(
                "{child} where {} (child {}) was next on the channel",
                due.root, due.child.0
            );
            return self.illegal(entry, &why);
        }
        let Some(emitter) = self.history.task(entry.from) else {
            return self.illegal(entry, &format!("{child}, which does not send to it"));
        };
        let Some(cut) = emitter.mark(self.checkpoint) else {
            return self.illegal(entry, &format!("{child}, which had sent nothing more"));
        };
        let mut later = emitter.entries.range(cut.entries, u64::MAX).flatten();
        let Some(cause) = later.find(|other| other.root == entry.root) else {
            return self.illegal(entry, &format!("{child}, which had sent nothing more"));
        };
        let (from, c) = (self.plan.name(entry.from), self.checkpoint.0);
        let sentence = format!(
            "{} executed {} {child} before checkpoint {c}, but {from} sent it after its own cut",
            self.name(),
            entry.root,
        );
        let mut events = vec![self.history.witness(entry.from, cause)];
        events.extend(self.history.cut_witness(entry.from, self.checkpoint));
        events.push(self.history.witness(self.task, entry));
        self.violation(Law::ConsistentCut, sentence, events)
    }

    /// An update of another key group than the key's.
    #[cold]
    pub(super) fn wrong_group(&self, entry: &Entry, due: Option<u16>) -> Box<Violation> {
        let group =
            |group: Option<u16>| group.map_or("no key group".into(), |g| format!("key group {g}"));
        let sentence = format!(
            "{} updated {} with {} (child {}), where the oracle updates {}",
            self.name(),
            group(entry.group().map(|group| group.0)),
            entry.root,
            entry.child.0,
            group(due)
        );
        let events = vec![self.history.witness(self.task, entry)];
        self.violation(Law::StateEqualsOracle, sentence, events)
    }

    /// After an execution: did user code do here what the engine says that it did?
    #[inline]
    pub(super) fn check(&self, entry: &Entry, outcome: Outcome, after: Aftermath) -> Judged<()> {
        let high = u16::from(after.streams_used >> 15 != 0) << 15;
        let used = after.streams_used as u16 & 0x7fff | high;
        let false_end = entry.ended & used != 0;
        let calm = outcome.is_ok() && after.asked == after.given && after.undeclared.is_none();
        if calm && !false_end && after.astray.is_none() {
            return Ok(());
        }
        if let Some(astray) = after.astray.filter(|_| after.asked == after.given) {
            return Err(self.astray(entry, astray));
        }
        Err(self.disagreement(entry, outcome, after))
    }

    #[cold]
    fn disagreement(&self, entry: &Entry, outcome: Outcome, after: Aftermath) -> Box<Violation> {
        let what = if let Err(error) = outcome {
            format!("fails in the oracle ({error}), and did not in the engine")
        } else if after.asked != after.given {
            let (asked, given) = (after.asked, after.given);
            format!(
                "asks the oracle {asked} times for time or chance, and asked the engine {given}"
            )
        } else if let Some(slot) = after.undeclared {
            format!("writes state cell {slot}, which it has not declared")
        } else {
            "emits on a stream of which the engine says that the tree ended there".into()
        };
        let sentence =
            format!("{}, executing {} (child {}), {what}", self.name(), entry.root, entry.child.0);
        let events = vec![self.history.witness(self.task, entry)];
        self.violation(Law::StateEqualsOracle, sentence, events)
    }

    /// A tuple took a way that its grouping does not allow.
    #[cold]
    fn astray(&self, entry: &Entry, astray: Astray) -> Box<Violation> {
        let part = &self.plan.parts[usize::from(self.component.id.0)];
        let outlet = &part.outlets[usize::from(astray.outlet)];
        let (by, child) = (&outlet.grouping, astray.child);
        let task = |index: u16| TaskId(outlet.first + index);
        let sent = format!(
            "{}, executing {} (child {}), sent child {} to",
            self.name(),
            entry.root,
            entry.child.0,
            child.0,
        );
        let mut events = vec![self.history.witness(self.task, entry)];
        let (got, due) = match astray.how {
            Wrong::Target(got, due) => (task(got), self.plan.name(task(due))),
            Wrong::Index(index) => {
                let to = &self.plan.topology.components()[usize::from(outlet.to)].name;
                let tasks = plural(outlet.tasks.into(), "task");
                let sentence = format!("{sent} {to}[{index}], of {tasks}, by its {by} grouping");
                return self.violation(Law::LegalOrder, sentence, events);
            }
        };
        let to = self.plan.name(got);
        let sentence = format!("{sent} {to}, where its {by} grouping sends it to {due}");
        let taken = self.history.task(got).and_then(|of_task| {
            let mut entries = of_task.entries.until(u64::MAX).flatten();
            entries.find(|other| {
                (other.from, other.root, other.child) == (self.task, entry.root, child)
            })
        });
        events.extend(taken.map(|taken| self.history.witness(got, taken)));
        self.violation(Law::LegalOrder, sentence, events)
    }

    /// The offset that the cut of a spout task holds must be the next one to read.
    pub(super) fn check_position(&self, partition: usize, next: u64) -> Judged<()> {
        let said = self.of_task.position(self.checkpoint, Partition(partition as u16));
        if said == Some(next) {
            return Ok(());
        }
        let said = said.map_or("no offset".to_string(), |said| format!("offset {said}"));
        let sentence = format!(
            "the cut of {} for checkpoint {} of generation {} holds {said} for p{partition}, where \
             p{partition}@{next} is next",
            self.name(),
            self.checkpoint.0,
            self.generation(),
        );
        let events = self.history.cut_witness(self.task, self.checkpoint);
        Err(self.violation(Law::ConsistentCut, sentence, events.into_iter().collect()))
    }

    #[cold]
    pub(super) fn undrained(&self, from: TaskId, first: &Sent, rest: u64) -> Box<Violation> {
        let sentence = format!(
            "{} {} -> {} {} sent before checkpoint {} but not executed before it, first {} (child \
             {})",
            plural(rest, "tuple"),
            self.plan.name(from),
            self.name(),
            if rest == 1 { "was" } else { "were" },
            self.checkpoint.0,
            first.root,
            first.child.0,
        );
        let cuts = [from, self.task].map(|task| self.history.cut_witness(task, self.checkpoint));
        let mut events: Vec<Witness> = cuts.into_iter().flatten().collect();
        events.sort_by_key(|witness| witness.at);
        self.violation(Law::ConsistentCut, sentence, events)
    }
}
