//! Operations: what is asked of the cluster while it runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stormglass_sim::time::Span;

use super::{Role, Scenario, Target, When};
use crate::problem::Problem;
use crate::units::{Between, Share, text, text_option};

/// An operation as a scenario states it, at a range of times of which a seed draws one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperationSpec {
    /// When it is asked for: no trigger, for whoever asks is a process with a watch.
    pub when: When,
    /// What.
    pub operation: Operation,
    /// The operator gives up after this long without an answer; never if absent.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub patience: Option<Span>,
}

/// What an operator asks of the cluster. It asks again until the cluster has done it, or its
/// patience ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Operation {
    /// To run the topology on another number of workers or executors (Storm's `rebalance`).
    Rebalance {
        /// How many workers; as many as before if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workers: Option<u16>,
        /// How many executors by component; as many as before for the rest.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        executors: BTreeMap<String, u16>,
    },
    /// To do without a supervisor and its workers.
    Leave {
        /// Which supervisor.
        #[serde(with = "text")]
        who: Target,
    },
    /// To take in a supervisor that was no part of the cluster.
    Join {
        /// Which supervisor.
        #[serde(with = "text")]
        who: Target,
    },
    /// A savepoint: a checkpoint that its owner keeps.
    Savepoint {},
    /// To end the job with a savepoint. What comes of the input after it is nobody's business.
    StopWithSavepoint {},
    /// To hand leadership to another coordinator.
    Transfer {},
    /// To change who takes part in decisions; coordinators by number.
    Coordinators {
        /// Who votes.
        voters: Vec<u16>,
        /// Who only listens.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        learners: Vec<u16>,
    },
}

impl Operation {
    /// Its name, as people write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Operation::Rebalance { .. } => "rebalance",
            Operation::Leave { .. } => "leave",
            Operation::Join { .. } => "join",
            Operation::Savepoint {} => "savepoint",
            Operation::StopWithSavepoint {} => "stop-with-savepoint",
            Operation::Transfer {} => "transfer",
            Operation::Coordinators { .. } => "coordinators",
        }
    }

    /// The supervisor that it takes in or does without.
    pub const fn supervisor(&self) -> Option<u32> {
        match self {
            Operation::Leave { who: Target::Member(Role::Supervisor, number) }
            | Operation::Join { who: Target::Member(Role::Supervisor, number) } => Some(*number),
            _ => None,
        }
    }

    /// It in a few words, for people.
    pub fn words(&self) -> String {
        let list =
            |numbers: &[u16]| numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Operation::Rebalance { workers, executors } => {
                let workers = workers.iter().map(|n| format!("{n} workers"));
                let executors =
                    executors.iter().map(|(name, n)| format!("{n} executors of {name}"));
                format!("rebalance to {}", workers.chain(executors).collect::<Vec<_>>().join(", "))
            }
            Operation::Leave { who } => format!("{who} leaves"),
            Operation::Join { who } => format!("{who} joins"),
            Operation::Savepoint {} => "savepoint".to_string(),
            Operation::StopWithSavepoint {} => "stop with savepoint".to_string(),
            Operation::Transfer {} => "leadership to another coordinator".to_string(),
            Operation::Coordinators { voters, learners } if learners.is_empty() => {
                format!("coordinators {} vote", list(voters))
            }
            Operation::Coordinators { voters, learners } => {
                format!("coordinators {} vote, {} listen", list(voters), list(learners))
            }
        }
    }
}

/// The least and greatest share of the input at which an operation is asked for, or instants.
fn range(when: &When, scenario: &Scenario) -> Option<Between<u128>> {
    match when {
        When::At(Between { min, max }) => {
            Some(Between { min: min.as_nanos().into(), max: max.as_nanos().into() })
        }
        When::Share(Between { min, max }) => Some(Between { min: min.0.into(), max: max.0.into() }),
        When::Storm => {
            let percent = |n: u8| u128::from(Share::percent(n.into()).0);
            let phases = &scenario.phases;
            let (min, max) = (percent(phases.storm_from_percent), percent(phases.storm_to_percent));
            Some(Between { min, max })
        }
        When::On(_) => None,
    }
}

/// Those whose first operation is to join; [`check`] sees to it that the order is certain.
pub(super) fn joining(scenario: &Scenario) -> Vec<u32> {
    let mut first: BTreeMap<u32, (u128, bool)> = BTreeMap::new();
    for spec in &scenario.operations {
        let Some(number) = spec.operation.supervisor() else { continue };
        let at = range(&spec.when, scenario).map_or(0, |range| range.min);
        let joins = matches!(spec.operation, Operation::Join { .. });
        let known = first.entry(number).or_insert((at, joins));
        if at < known.0 {
            *known = (at, joins);
        }
    }
    first.into_iter().filter(|(_, (_, joins))| *joins).map(|(number, _)| number).collect()
}

pub(super) fn check(scenario: &Scenario) -> Result<(), Problem> {
    for (number, spec) in (1..).zip(&scenario.operations) {
        let path = format!("operation.{number}");
        time(scenario, &path, &spec.when)?;
        content(scenario, &format!("{path}.{}", spec.operation.name()), &spec.operation)?;
    }
    let all: Vec<u32> =
        scenario.operations.iter().filter_map(|s| s.operation.supervisor()).collect();
    all.iter().try_for_each(|supervisor| comings_and_goings(scenario, *supervisor))
}

fn time(scenario: &Scenario, path: &str, when: &When) -> Result<(), Problem> {
    let fail = |message: &str, help: &str| {
        Err(scenario.origin.problem(&format!("{path}.at"), message).help(help))
    };
    match when {
        When::At(Between { min, max }) if min > max => fail("it ends before it begins", ""),
        When::Share(Between { min, max }) if min > max => fail("it ends before it begins", ""),
        When::On(_) => fail("an operator has a watch and no triggers", "write a time"),
        _ => Ok(()),
    }
}

fn content(scenario: &Scenario, path: &str, operation: &Operation) -> Result<(), Problem> {
    let fail = |key: &str, message: String, help: &str| {
        Err(scenario.origin.problem(&format!("{path}{key}"), message).help(help))
    };
    let cluster = &scenario.cluster;
    match operation {
        Operation::Rebalance { workers: None, executors } if executors.is_empty() => {
            fail("", "the rebalance changes nothing".into(), "write `workers = 8`")
        }
        Operation::Rebalance { workers: Some(workers), .. }
            if *workers == 0 || u32::from(*workers) > cluster.members(Role::Worker) =>
        {
            let most = cluster.members(Role::Worker);
            let message = format!("the cluster has slots for 1 to {most} workers");
            fail(".workers", message, "")
        }
        Operation::Rebalance { executors, .. } => {
            match executors.iter().find(|(_, executors)| **executors == 0) {
                Some((component, _)) => {
                    let message = format!("`{component}` needs at least 1 executor");
                    fail(&format!(".executors.{component}"), message, "")
                }
                None => Ok(()),
            }
        }
        Operation::Leave { who } | Operation::Join { who } => match who {
            Target::Member(Role::Supervisor, n) if *n <= cluster.members(Role::Supervisor) => {
                Ok(())
            }
            Target::Member(Role::Supervisor, _) => {
                let most = cluster.members(Role::Supervisor);
                let message = format!("there is no {who}: the cluster has {most} of them");
                fail(".who", message, "raise `cluster.workers`: it counts those that join too")
            }
            _ => {
                let message = format!("`{who}` is no supervisor with a number");
                fail(".who", message, "write one such as \"supervisor-3\"")
            }
        },
        Operation::Transfer {} if cluster.coordinators.max < 2 => {
            let message = "there is no other coordinator to lead".to_string();
            fail("", message, "raise `cluster.coordinators`")
        }
        Operation::Transfer {} | Operation::Savepoint {} => Ok(()),
        Operation::StopWithSavepoint {} if operations_after(scenario, path) => {
            let message = "the job may have ended when other operations are asked for".to_string();
            fail("", message, "let it be the last operation")
        }
        Operation::StopWithSavepoint {} => Ok(()),
        Operation::Coordinators { voters, learners } => members(scenario, path, voters, learners),
    }
}

/// Whether an operation may be asked for after the one at `path`.
fn operations_after(scenario: &Scenario, path: &str) -> bool {
    let number = |at: usize| format!("operation.{}.", at + 1);
    let mine = (0..scenario.operations.len()).find(|at| path.starts_with(&number(*at)));
    let Some(mine) = mine else { return false };
    let absolute = |spec: &OperationSpec| matches!(spec.when, When::At(_));
    let stop = &scenario.operations[mine];
    let Some(begins) = range(&stop.when, scenario) else { return false };
    scenario.operations.iter().enumerate().filter(|(at, _)| *at != mine).any(|(_, spec)| {
        let ends = range(&spec.when, scenario).map_or(0, |range| range.max);
        absolute(spec) != absolute(stop) || ends > begins.min
    })
}

fn members(
    scenario: &Scenario,
    path: &str,
    voters: &[u16],
    learners: &[u16],
) -> Result<(), Problem> {
    let fail =
        |key: &str, message: String| Err(scenario.origin.problem(&format!("{path}{key}"), message));
    if voters.is_empty() {
        return fail(".voters", "nobody would vote".into());
    }
    let most = scenario.cluster.coordinators.min;
    let mut seen = Vec::new();
    for (key, number) in
        voters.iter().map(|n| (".voters", n)).chain(learners.iter().map(|n| (".learners", n)))
    {
        if !(1..=most).contains(number) {
            let message = format!("there is no coordinator {number}: every seed has 1 to {most}");
            return fail(key, message);
        }
        if seen.contains(number) {
            return fail(key, format!("coordinator {number} is there twice"));
        }
        seen.push(*number);
    }
    Ok(())
}

/// A supervisor comes and goes by turns, in an order that is the same in every seed.
fn comings_and_goings(scenario: &Scenario, supervisor: u32) -> Result<(), Problem> {
    let of = |spec: &&(usize, &OperationSpec)| spec.1.operation.supervisor() == Some(supervisor);
    let numbered: Vec<(usize, &OperationSpec)> = (1..).zip(&scenario.operations).collect();
    let mut mine: Vec<_> = numbered.iter().filter(of).collect();
    mine.sort_by_key(|(_, spec)| range(&spec.when, scenario).map(|range| range.min));
    for pair in mine.windows(2) {
        let [(_, before), (number, after)] = pair else { continue };
        let fail = |message: String, help: &str| {
            Err(scenario.origin.problem(&format!("operation.{number}.at"), message).help(help))
        };
        let absolute = |spec: &OperationSpec| matches!(spec.when, When::At(_));
        let (Some(one), Some(two)) = (range(&before.when, scenario), range(&after.when, scenario))
        else {
            continue;
        };
        if absolute(before) != absolute(after) || two.min <= one.max {
            let message = format!("supervisor-{supervisor} may come and go in any order");
            return fail(message, "give its operations times of one kind that do not overlap");
        }
        if before.operation.name() == after.operation.name() {
            let message = format!("supervisor-{supervisor} does so twice in a row");
            return fail(message, "it joins and leaves by turns");
        }
    }
    Ok(())
}
