//! Triggers: what a fault waits for, and what has to hold at that moment.
//!
//! A trigger is a conjunction. It counts the observations of one kind, or the times that a phase is
//! entered; it counts those alone that meet every condition, and strikes at the very observation
//! that makes the number full. States are those with that observation included. `after` puts one
//! trigger behind another: the later one counts from the observation after that on.
//!
//! ```toml
//! on = { event = "checkpoint-acked", checkpoint = 7, share = "50%" }   # half of them
//! on = { event = "cut", checkpoint = "3..9", left = 1 }                 # all but one
//! on = { phase = "aligning", since = "storm" }                         # the next time
//! on = { event = "published", while = ["restore", "replay"], nth = 2 }
//! on = { event = "leads", after = { phase = "half-acknowledged", checkpoint = 7 } }
//! ```

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use stormglass_sim::time::Span;

use super::event::Named;
use super::raw::RawOn;
use super::{EventKind, Phase, Protocol, Role, Target};
use crate::units::{Between, Drawn, Form, Share, Stated, Text, UnitError, text, text_option};

/// What a fault waits for. `T` is how `since` is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", bound = "")]
pub struct On<F: Form, T: Text> {
    /// What is counted.
    #[serde(flatten)]
    pub event: Event,
    /// The how-manieth, counted from 1.
    #[serde(with = "text")]
    pub nth: F::Of<u32>,
    /// An event happens once for each task: one time is when so many tasks of one checkpoint, or
    /// of one generation, have had it. None if each single one is a time.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Tasks>,
    /// Of this checkpoint alone, by its number.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<F::Of<u32>>,
    /// Of this generation alone, by its number.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub generation: Option<F::Of<u32>>,
    /// Of a task of this component alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Observed by whom this means at that moment alone.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub by: Option<Target>,
    /// While each protocol of which phases are named is in one of them. For an event of a
    /// checkpoint, phases of checkpoints are those of that one.
    #[serde(rename = "while", skip_serializing_if = "Vec::is_empty")]
    pub during: Vec<Phase>,
    /// Nothing counts before.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub since: Option<T>,
    /// Nothing counts before this has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Box<On<F, T>>>,
}

/// A trigger as a scenario states it: ranges, of which a seed draws.
pub type OnSpec = On<Stated, Time>;
/// A trigger with everything drawn; `since` is the time since the start of the run.
pub type Awaited = On<Drawn, Span>;

/// What a trigger counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Event {
    /// Observations of a kind.
    #[serde(rename = "event")]
    Seen(EventKind),
    /// The times that a phase is entered. Of a checkpoint or the sinks: for the checkpoint that is
    /// named, otherwise for the newest, or for all transactions.
    #[serde(rename = "phase")]
    Entered(Phase),
}

/// How many tasks have to have had an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tasks {
    /// This share of those that will, rounded up.
    #[serde(with = "text")]
    Share(Share),
    /// All that will but so many.
    Left(u16),
}

/// A time, as a scenario states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Any time of the storm.
    Storm,
    /// When a share of the input's duration has passed.
    Share(Between<Share>),
    /// So long after the start of the run.
    At(Between<Span>),
}

/// Why a trigger makes no sense: the key, the message and the remedy.
pub(crate) struct Mistake {
    pub(crate) key: String,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Mistake {
    pub(super) fn new(key: &str, message: impl Into<String>, help: impl Into<String>) -> Mistake {
        Mistake { key: key.to_string(), message: message.into(), help: help.into() }
    }
}

impl<F: Form, T: Text> On<F, T> {
    /// A trigger without conditions.
    pub fn new(event: Event, nth: F::Of<u32>) -> Self {
        let (tasks, checkpoint, generation, of, by) = (None, None, None, None, None);
        let (during, since, after) = (Vec::new(), None, None);
        On { event, nth, tasks, checkpoint, generation, of, by, during, since, after }
    }

    /// The observation that it counts, if that is all there is to it.
    pub fn plain(&self) -> Option<EventKind> {
        let Event::Seen(kind) = self.event else { return None };
        let free = self.tasks.is_none()
            && self.checkpoint.is_none()
            && self.generation.is_none()
            && self.of.is_none()
            && self.by.is_none()
            && self.during.is_empty()
            && self.since.is_none()
            && self.after.is_none();
        free.then_some(kind)
    }

    /// What it waits for in a word, as campaigns count faults.
    pub const fn word(&self) -> &'static str {
        match self.event {
            Event::Seen(kind) => kind.name(),
            Event::Entered(phase) => phase.name(),
        }
    }

    /// Whether it waits for a phase.
    pub const fn is_phase(&self) -> bool {
        matches!(self.event, Event::Entered(_))
    }

    /// The role of whoever makes the observation that it waits for; for a phase nobody is `it`.
    pub const fn role(&self) -> Role {
        match self.event {
            Event::Seen(kind) => kind.role(),
            Event::Entered(_) => Role::Coordinator,
        }
    }

    /// It and what it comes after, the last one first.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |on| on.after.as_deref())
    }

    /// Whether the conditions fit what is counted.
    pub(crate) fn check_conditions(&self) -> Result<(), Mistake> {
        let (word, named) = match self.event {
            Event::Seen(kind) => (kind.name(), kind.named()),
            Event::Entered(phase) => (phase.name(), phase.named()),
        };
        let none = |what: &str| format!("`{word}` is not about {what}");
        let leave = |key: &str| format!("leave `{key}` out, or wait for something else");
        if self.checkpoint.is_some() && !named.checkpoint {
            return Err(Mistake::new("checkpoint", none("a checkpoint"), leave("checkpoint")));
        }
        if self.generation.is_some() && !named.generation {
            return Err(Mistake::new("generation", none("a generation"), leave("generation")));
        }
        if self.of.is_some() && !named.task {
            return Err(Mistake::new("of", none("a task"), leave("of")));
        }
        if let Some(tasks) = self.tasks {
            let key = match tasks {
                Tasks::Share(_) => "share",
                Tasks::Left(_) => "left",
            };
            if !matches!(self.event, Event::Seen(kind) if kind.is_of_each_task()) {
                let all = EventKind::ALL.iter().filter(|kind| kind.is_of_each_task());
                let names: Vec<&str> = all.map(|kind| kind.name()).collect();
                let message = format!("nobody knows how many tasks `{word}` is to have");
                return Err(Mistake::new(key, message, format!("wait for {}", names.join(", "))));
            }
            if let Tasks::Share(share) = tasks
                && !(1..=Share::percent(100).0).contains(&share.0)
            {
                let message = "a share of the tasks is more than nothing and at most 100%";
                return Err(Mistake::new(key, message, "write such as \"50%\""));
            }
        }
        if self.by.is_some() && matches!(self.event, Event::Entered(_)) {
            let message = "a phase is entered by nobody";
            return Err(Mistake::new("by", message, "leave `by` out, or wait for an event"));
        }
        if self.by.as_ref().is_some_and(Target::needs_it) {
            let message = "`it` is whoever makes the observation: that is always so";
            return Err(Mistake::new("by", message, "name a role, a process or \"leader\""));
        }
        Ok(())
    }
}

impl OnSpec {
    /// As soon as a phase is entered at any time of the storm.
    pub fn phase(phase: Phase) -> OnSpec {
        let on = On::new(Event::Entered(phase), Between::just(1));
        OnSpec { since: Some(Time::Storm), ..on }
    }
}

/// In a line, with the words of the keys: `cut 3 of count checkpoint 7 while serving`.
impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.word(), self.nth)?;
        match self.tasks {
            Some(Tasks::Share(share)) => write!(f, " share {}", share.print())?,
            Some(Tasks::Left(left)) => write!(f, " left {left}")?,
            None => {}
        }
        let also = |f: &mut fmt::Formatter<'_>, key: &str, value: Option<&dyn fmt::Display>| {
            value.map_or(Ok(()), |value| write!(f, " {key} {value}"))
        };
        also(f, "of", self.of.as_ref().map(|of| of as _))?;
        also(f, "checkpoint", self.checkpoint.as_ref().map(|id| id as _))?;
        also(f, "generation", self.generation.as_ref().map(|id| id as _))?;
        also(f, "by", self.by.as_ref().map(|by| by as _))?;
        for (at, phase) in self.during.iter().enumerate() {
            write!(f, "{} {phase}", if at == 0 { " while" } else { "," })?;
        }
        also(f, "since", self.since.as_ref().map(|since| since as _))?;
        also(f, "after", self.after.as_ref().map(|on| on as _))
    }
}

impl<'de> Deserialize<'de> for Awaited {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let on = RawOn::<u32, Span>::deserialize(from)?.lower::<Drawn>(1);
        let checked = on.and_then(|on| on.check_conditions().map(|()| on));
        checked.map_err(|Mistake { key, message, help }| {
            serde::de::Error::custom(UnitError::new(format!("{key}: {message}"), help))
        })
    }
}

impl Phase {
    /// What it can be of.
    const fn named(self) -> Named {
        let checkpoint = matches!(self.protocol(), Protocol::Checkpoint | Protocol::Sink);
        Named { checkpoint, generation: false, task: false }
    }
}

impl Text for Time {
    const WHAT: &'static str = "a time";
    const EXAMPLE: &'static str = "20%..40%";
    const PATTERN: &'static str = "^(storm|[0-9].*)$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        match text {
            "storm" => Ok(Time::Storm),
            text if text.contains('%') => Between::parse(text).map(Time::Share),
            text if text.starts_with(|c: char| c.is_ascii_digit()) => {
                Between::parse(text).map(Time::At)
            }
            text => Err(UnitError::new(
                format!("`{text}` is not a time"),
                "write \"30s\", \"20%..40%\" of the input's duration, or \"storm\"",
            )),
        }
    }
    fn print(&self) -> String {
        match self {
            Time::Storm => "storm".to_string(),
            Time::Share(share) => share.print(),
            Time::At(time) => time.print(),
        }
    }
}
