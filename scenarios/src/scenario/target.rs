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

names! {
    /// Who plays a part in a protocol at a moment. Of a checkpoint it is that of the observation
    /// that fired the trigger, or the newest under way; of several tasks, the first.
    Actor, "an actor", "actors":
    /// The worker of the task that the last barrier has not passed: others may wait for it. Once
    /// all have taken their parts, of the one that did so last.
    HolderOfLastBarrier = "holder-of-last-barrier",
    /// The worker of a task whose part of the checkpoint is not acknowledged; of one that has not
    /// even taken it, if there is any.
    SlowestToAck = "slowest-to-ack",
    /// The worker of the task whose part was acknowledged last.
    LastToAck = "last-to-ack",
    /// The worker of the sink whose transaction was pre-committed last, and is not visible.
    PreCommittedSink = "pre-committed-sink",
    /// The worker of a task that has not restored its state in a generation that does not run yet;
    /// if all have, of the one that did so last.
    RestoringWorker = "restoring-worker",
    /// The coordinator that stands for election, or was elected and does not serve yet.
    Candidate = "candidate",
    /// The coordinator that was elected and does not serve yet; otherwise the leader.
    NewLeader = "new-leader",
    /// The coordinator that granted its vote last.
    Voter = "voter",
}

impl Actor {
    /// What it does in the cluster.
    pub const fn role(self) -> Role {
        match self {
            Actor::Candidate | Actor::NewLeader | Actor::Voter => Role::Coordinator,
            _ => Role::Worker,
        }
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
    /// Who plays a part in a protocol at that moment: `holder-of-last-barrier`.
    Now(Actor),
    /// The supervisor that started a worker: `supervisor-of:pre-committed-sink`.
    SupervisorOf(Box<Target>),
    /// The process whose observation fired the fault's trigger.
    It,
    /// The member of a role that comes after `it`, round the role; the first if `it` has another
    /// role: `other-worker`.
    Other(Role),
}

impl Target {
    /// What whom it means does in the cluster; none if that depends on who it is.
    pub const fn role(&self) -> Option<Role> {
        Some(match self {
            Target::Any(role) | Target::Member(role, _) | Target::Other(role) => *role,
            Target::WorkerOf(_) => Role::Worker,
            Target::Leader | Target::Follower(_) => Role::Coordinator,
            Target::Now(actor) => actor.role(),
            Target::SupervisorOf(_) => Role::Supervisor,
            Target::It => return None,
        })
    }

    /// Whether it is a coordinator for certain.
    pub const fn is_coordinator(&self) -> bool {
        matches!(self.role(), Some(Role::Coordinator))
    }

    /// Whether it means somebody only in relation to `it`.
    pub fn needs_it(&self) -> bool {
        match self {
            Target::It | Target::Other(_) => true,
            Target::SupervisorOf(of) => of.needs_it(),
            _ => false,
        }
    }

    /// The component whose tasks it goes by.
    pub fn component(&self) -> Option<&str> {
        match self {
            Target::WorkerOf(component) => Some(component),
            Target::SupervisorOf(of) => of.component(),
            _ => None,
        }
    }

    /// What kind of process it is, whichever of its kind a seed drew: `worker`, `leader`.
    pub fn kind(&self) -> String {
        match self {
            Target::Member(role, _) => role.to_string(),
            Target::Follower(_) => "follower".to_string(),
            Target::SupervisorOf(of) => format!("supervisor-of:{}", of.kind()),
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
            Target::Now(actor) => f.write_str(actor.name()),
            Target::SupervisorOf(of) => write!(f, "supervisor-of:{of}"),
            Target::It => f.write_str("it"),
            Target::Other(role) => write!(f, "other-{role}"),
        }
    }
}

impl Text for Target {
    const WHAT: &'static str = "a target";
    const EXAMPLE: &'static str = "worker-2";
    const PATTERN: &'static str = "^(supervisor-of:)?(worker-of:.+|it|leader|broker|store|receiver\
        |operator|holder-of-last-barrier|slowest-to-ack|last-to-ack|pre-committed-sink\
        |restoring-worker|candidate|new-leader|voter\
        |other-(worker|supervisor|coordinator|store|client|query-client)\
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
        if let Some(of) = text.strip_prefix("supervisor-of:") {
            let of = Target::parse(of)?;
            return match of.role() {
                Some(Role::Worker) | None => Ok(Target::SupervisorOf(Box::new(of))),
                Some(_) => Err(UnitError::new(
                    format!("`{of}` has no supervisor"),
                    "name a worker, such as \"supervisor-of:worker-2\"",
                )),
            };
        }
        if let Some(actor) = Actor::ALL.iter().find(|actor| actor.name() == text) {
            return Ok(Target::Now(*actor));
        }
        if let Some(name) = text.strip_prefix("other-") {
            return other(text, name);
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
                let others = ["leader", "follower", "it", "worker-of:", "supervisor-of:"];
                let names = Role::NAMES.iter().chain(Actor::NAMES).copied().chain(others);
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

/// Any member of a role but `it`.
fn other(text: &str, name: &str) -> Result<Target, UnitError> {
    let role = Role::ALL.iter().copied().find(|role| role.name() == name);
    match role {
        Some(role) if role.is_single() => {
            let message = format!("`{text}` is nobody: there is only one {role}");
            Err(UnitError::new(message, format!("write \"{role}\"")))
        }
        Some(role) => Ok(Target::Other(role)),
        None => {
            let message = format!("`{text}` is nobody: there is no role `{name}`");
            Err(UnitError::new(message, suggest(name, Role::NAMES.iter().copied(), "roles")))
        }
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
