//! Whom a fault strikes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::problem::suggest;
use crate::units::{Text, UnitError, names, text};

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
    /// Holds checkpoints; one of several if the scenario says so.
    Store = "store",
    /// Takes what sinks publish.
    Receiver = "receiver",
    /// Uses the replicated metadata.
    Client = "client",
    /// Carries out the operations of the scenario, if it has any.
    Operator = "operator",
    /// Reads keyed state from outside of the topology.
    QueryClient = "query-client",
}

impl Role {
    /// Whether there is never more than one, so that it needs no number.
    pub const fn is_single(self) -> bool {
        matches!(self, Role::Broker | Role::Receiver | Role::Operator)
    }
    /// Whether the cluster is made of such; all others only use it.
    pub const fn is_of_cluster(self) -> bool {
        !matches!(self, Role::Client | Role::Operator | Role::QueryClient)
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
    /// The coordinator that leads at that moment; nobody if none does.
    Leader,
    /// A coordinator that does not lead at that moment: the so-manieth after the leader, round the
    /// cluster, or of all if nobody leads. `follower` without a number: the seed draws one.
    Follower(Option<u32>),
    /// The process whose observation fired the fault's trigger.
    It,
}

impl Target {
    /// Whether it is a coordinator for certain.
    pub const fn is_coordinator(&self) -> bool {
        matches!(
            self,
            Target::Leader
                | Target::Follower(_)
                | Target::Any(Role::Coordinator)
                | Target::Member(Role::Coordinator, _)
        )
    }

    /// What kind of process it is, whichever of its kind a seed drew: `worker`, `leader`.
    pub fn kind(&self) -> String {
        match self {
            Target::Member(role, _) => role.to_string(),
            Target::Follower(_) => "follower".to_string(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Any(role) => write!(f, "{role}"),
            Target::Member(role, _) if role.is_single() => write!(f, "{role}"),
            Target::Member(role, number) => write!(f, "{role}-{number}"),
            Target::WorkerOf(component) => write!(f, "worker-of:{component}"),
            Target::Leader => f.write_str("leader"),
            Target::Follower(None) => f.write_str("follower"),
            Target::Follower(Some(number)) => write!(f, "follower-{number}"),
            Target::It => f.write_str("it"),
        }
    }
}

impl Text for Target {
    const WHAT: &'static str = "a target";
    const EXAMPLE: &'static str = "worker-2";
    const PATTERN: &'static str = "^(worker-of:.+|it|leader|broker|store|receiver|operator\
        |(worker|supervisor|coordinator|follower|client|query-client|broker|store|receiver)\
        (-[1-9][0-9]*)?)$";

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
        match text {
            "leader" => return Ok(Target::Leader),
            "follower" => return Ok(Target::Follower(None)),
            "it" => return Ok(Target::It),
            _ => {}
        }
        let (name, number) = match text.rsplit_once('-') {
            Some((name, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                (name, digits.parse::<u32>().ok())
            }
            _ => (text, None),
        };
        let numbered = name.len() < text.len();
        let role = Role::ALL.iter().copied().find(|role| role.name() == name);
        let first = || {
            UnitError::new(
                format!("`{text}` is nobody: the members of a role are numbered from 1"),
                format!("the first one is `{name}-1`"),
            )
        };
        match (role, number) {
            (Some(role), None) if !numbered && role.is_single() => Ok(Target::Member(role, 1)),
            (Some(role), None) if !numbered => Ok(Target::Any(role)),
            (Some(role), Some(number)) if number > 0 => Ok(Target::Member(role, number)),
            (None, Some(number)) if name == "follower" && number > 0 => {
                Ok(Target::Follower(Some(number)))
            }
            (None, _) if name == "leader" && numbered => {
                let message = format!("`{text}` is nobody: there is one leader at most");
                Err(UnitError::new(message, "write \"leader\""))
            }
            (None, _) if name != "follower" => {
                let others = ["leader", "follower", "it", "worker-of:"];
                let names = Role::NAMES.iter().copied().chain(others);
                let message = format!("`{text}` is nobody: there is no role `{name}`");
                Err(UnitError::new(message, suggest(name, names, "roles")))
            }
            _ => Err(first()),
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
