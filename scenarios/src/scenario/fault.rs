//! Faults: what is done to a cluster, to whom, and when.

use std::fmt;

use serde::{Deserialize, Serialize};
use stormglass_engine::observation::Observation;
use stormglass_sim::time::Span;

use crate::problem::suggest;
use crate::units::{Between, Share, Text, UnitError, names, text, text_option};

/// A fault as a scenario states it: ranges, of which a seed draws.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultSpec {
    /// When it strikes.
    pub when: When,
    /// What happens.
    pub action: ActionSpec,
    /// To whom; of a link, the sending end.
    pub target: Target,
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// At a time since the start of the run.
    At(Between<Span>),
    /// When a share of the input's duration has passed.
    Share(Between<Share>),
    /// At any time of the storm.
    Storm,
    /// As soon as something has been observed so many times since the start of the run.
    On {
        /// What.
        event: EventKind,
        /// The how-manieth, counted from 1.
        nth: Between<u32>,
    },
}

/// What happens, with durations `D` and numbers `N`: ranges in a scenario, values in a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[serde(bound(serialize = "D: Text, N: Serialize", deserialize = "D: Text, N: Deserialize<'de>"))]
pub enum Action<D, N> {
    /// The process dies; its machine and what it wrote to the page cache survive.
    Crash {
        /// Started again after this long; a worker is left to its supervisor.
        #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
        down: Option<D>,
    },
    /// The machine dies with all its processes and loses what was not synced.
    CrashMachine {
        /// Back after this long.
        #[serde(with = "text")]
        down: D,
    },
    /// The machine is cut from every other one, in both directions.
    Isolate {
        /// Until it is healed.
        #[serde(rename = "for", with = "text")]
        lasting: D,
    },
    /// The link between two machines is cut.
    Cut {
        /// The receiving end.
        #[serde(with = "text")]
        to: Target,
        /// Until it is healed.
        #[serde(rename = "for", with = "text")]
        lasting: D,
        /// Whether the other direction is cut as well.
        symmetric: bool,
    },
    /// The link from one machine to another takes longer; its other direction does not.
    SlowLink {
        /// The receiving end.
        #[serde(with = "text")]
        to: Target,
        /// By how much.
        #[serde(with = "text")]
        extra: D,
        /// Until it is healed.
        #[serde(rename = "for", with = "text")]
        lasting: D,
    },
    /// Every operation of the machine's disk takes longer.
    SlowDisk {
        /// How many times as long.
        factor: N,
        /// Until it is healed.
        #[serde(rename = "for", with = "text")]
        lasting: D,
    },
    /// The process stops and goes on later as if nothing had happened.
    Pause {
        /// For how long.
        #[serde(rename = "for", with = "text")]
        lasting: D,
    },
}

/// An action as a scenario states it.
pub type ActionSpec = Action<Between<Span>, Between<u32>>;

impl<D, N> Action<D, N> {
    /// Its name, as people write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Action::Crash { .. } => "crash",
            Action::CrashMachine { .. } => "crash-machine",
            Action::Isolate { .. } => "isolate",
            Action::Cut { .. } => "cut",
            Action::SlowLink { .. } => "slow-link",
            Action::SlowDisk { .. } => "slow-disk",
            Action::Pause { .. } => "pause",
        }
    }
    /// The other end, if it is done to a link.
    pub const fn to(&self) -> Option<&Target> {
        match self {
            Action::Cut { to, .. } | Action::SlowLink { to, .. } => Some(to),
            _ => None,
        }
    }
    /// How long it lasts; none for the crash of a process that is left to its supervisor.
    pub const fn lasting(&self) -> Option<&D> {
        match self {
            Action::Crash { down } => down.as_ref(),
            Action::CrashMachine { down } => Some(down),
            Action::Isolate { lasting }
            | Action::Cut { lasting, .. }
            | Action::SlowLink { lasting, .. }
            | Action::SlowDisk { lasting, .. }
            | Action::Pause { lasting } => Some(lasting),
        }
    }

    /// The same action with other durations and numbers. `duration` and `number` are told the key
    /// that they are for.
    pub(crate) fn map<E, M>(
        &self,
        to: Option<Target>,
        mut duration: impl FnMut(&'static str, &D) -> E,
        mut number: impl FnMut(&'static str, &N) -> M,
    ) -> Action<E, M> {
        let end = |old: &Target| to.clone().unwrap_or_else(|| old.clone());
        match self {
            Action::Crash { down } => {
                Action::Crash { down: down.as_ref().map(|down| duration("down", down)) }
            }
            Action::CrashMachine { down } => Action::CrashMachine { down: duration("down", down) },
            Action::Isolate { lasting } => Action::Isolate { lasting: duration("for", lasting) },
            Action::Cut { to, lasting, symmetric } => Action::Cut {
                to: end(to),
                lasting: duration("for", lasting),
                symmetric: *symmetric,
            },
            Action::SlowLink { to, extra, lasting } => Action::SlowLink {
                to: end(to),
                extra: duration("extra", extra),
                lasting: duration("for", lasting),
            },
            Action::SlowDisk { factor, lasting } => Action::SlowDisk {
                factor: number("factor", factor),
                lasting: duration("for", lasting),
            },
            Action::Pause { lasting } => Action::Pause { lasting: duration("for", lasting) },
        }
    }
}

names! {
    /// What a process does in the cluster.
    Role, "a role", "roles":
    /// Runs tasks; several on a machine if it has several slots.
    Worker = "worker",
    /// Starts, watches and restarts the workers of its machine.
    Supervisor = "supervisor",
    /// Decides.
    Coordinator = "coordinator",
    /// Holds the input log.
    Broker = "broker",
    /// Holds checkpoints.
    Store = "store",
    /// Takes what sinks publish.
    Receiver = "receiver",
}

impl Role {
    /// Whether there is always exactly one.
    pub const fn is_single(self) -> bool {
        matches!(self, Role::Broker | Role::Store | Role::Receiver)
    }
}

/// To whom a fault is done. What strikes a machine strikes that of the process named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Any process of a role: the seed draws one.
    Any(Role),
    /// One process of a role, counted from 1: `worker-2`. Of a role with a single member the number
    /// is 1 and not written.
    Member(Role, u32),
    /// A worker that runs a task of this component at that moment: `worker-of:count`.
    WorkerOf(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Any(role) => write!(f, "{role}"),
            Target::Member(role, _) if role.is_single() => write!(f, "{role}"),
            Target::Member(role, number) => write!(f, "{role}-{number}"),
            Target::WorkerOf(component) => write!(f, "worker-of:{component}"),
        }
    }
}

impl Text for Target {
    const WHAT: &'static str = "a target";
    const EXAMPLE: &'static str = "worker-2";
    const PATTERN: &'static str =
        "^(worker-of:.+|(worker|supervisor|coordinator|broker|store|receiver)(-[1-9][0-9]*)?)$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        if let Some(component) = text.strip_prefix("worker-of:") {
            return match component {
                "" => Err(UnitError::new(
                    "`worker-of:` names no component",
                    "name one, such as \"worker-of:count\"",
                )),
                component => Ok(Target::WorkerOf(component.to_string())),
            };
        }
        let (name, number) = match text.rsplit_once('-') {
            Some((name, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                (name, digits.parse::<u32>().ok())
            }
            _ => (text, None),
        };
        let numbered = name.len() < text.len();
        let Some(role) = Role::ALL.iter().copied().find(|role| role.name() == name) else {
            let names = Role::NAMES.iter().copied().chain(["worker-of:"]);
            let message = format!("`{text}` is nobody: there is no role `{name}`");
            return Err(UnitError::new(message, suggest(name, names, "roles")));
        };
        match number {
            None if !numbered && role.is_single() => Ok(Target::Member(role, 1)),
            None if !numbered => Ok(Target::Any(role)),
            Some(number) if number > 0 => Ok(Target::Member(role, number)),
            _ => Err(UnitError::new(
                format!("`{text}` is nobody: the members of a role are numbered from 1"),
                format!("the first one is `{role}-1`"),
            )),
        }
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer)
    }
}

names! {
    /// What a fault can wait for: kinds of [`Observation`].
    EventKind, "an event", "events":
    /// A task executed one input.
    Executed = "executed",
    /// A task took its part of a checkpoint.
    Cut = "cut",
    /// A task started with the state of a checkpoint, or with none.
    Restored = "restored",
    /// A worker process is up.
    WorkerStarted = "worker-started",
    /// The coordinator suspects a worker.
    Suspected = "suspected",
    /// A new generation was decided.
    Granted = "granted",
    /// Every task of a generation runs.
    Running = "running",
    /// A checkpoint was triggered.
    CheckpointTriggered = "checkpoint-triggered",
    /// The coordinator took a task's acknowledgement.
    CheckpointAcked = "checkpoint-acked",
    /// A checkpoint is complete.
    CheckpointCompleted = "checkpoint-completed",
    /// A checkpoint was given up.
    CheckpointAborted = "checkpoint-aborted",
    /// A service learnt of a new generation.
    Fenced = "fenced",
    /// A sink task's transaction is durable at the receiver.
    PreCommitted = "pre-committed",
    /// An output became visible.
    Published = "published",
}

impl EventKind {
    /// The kind of an observation, if faults can wait for it.
    #[inline]
    pub const fn of(observation: &Observation) -> Option<EventKind> {
        Some(match observation {
            Observation::Executed { .. } => EventKind::Executed,
            Observation::Cut { .. } => EventKind::Cut,
            Observation::Restored { .. } => EventKind::Restored,
            Observation::WorkerStarted { .. } => EventKind::WorkerStarted,
            Observation::Suspected { .. } => EventKind::Suspected,
            Observation::Granted { .. } => EventKind::Granted,
            Observation::Running { .. } => EventKind::Running,
            Observation::CheckpointTriggered { .. } => EventKind::CheckpointTriggered,
            Observation::CheckpointAcked { .. } => EventKind::CheckpointAcked,
            Observation::CheckpointCompleted { .. } => EventKind::CheckpointCompleted,
            Observation::CheckpointAborted { .. } => EventKind::CheckpointAborted,
            Observation::Fenced { .. } => EventKind::Fenced,
            Observation::PreCommitted { .. } => EventKind::PreCommitted,
            Observation::Published { .. } => EventKind::Published,
            _ => return None,
        })
    }
}
