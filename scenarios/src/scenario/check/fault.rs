//! Faults: whether they can be, and strike somebody.

use super::{action, trigger};
use crate::problem::Problem;
use crate::scenario::{Cluster, FaultSpec, Role, Scenario, Target, When};
use crate::units::{Between, Share};

/// The keys that name a fault's ends.
pub(super) fn ends(fault: &FaultSpec) -> impl Iterator<Item = (&'static str, &Target)> {
    let first = fault.action.kind().entry().keys[0].name;
    std::iter::once((first, &fault.target)).chain(fault.action.to().map(|to| ("to", to)))
}

pub(super) fn check(scenario: &Scenario, path: &str, fault: &FaultSpec) -> Result<(), Problem> {
    let name = fault.action.name();
    let fail = |key: &str, message: String, help: String| {
        Err(scenario.origin.problem(&format!("{path}.{name}.{key}"), message).help(help))
    };
    match &fault.when {
        When::At(between) if between.min > between.max => {
            return Err(scenario.origin.problem(&format!("{path}.at"), "it ends before it begins"));
        }
        When::Share(share) => check_share(scenario, &format!("{path}.at"), *share)?,
        When::On(on) => trigger::check(scenario, path, fault, on)?,
        _ => {}
    }
    often(scenario, path, fault)?;
    for (key, target) in ends(fault) {
        if let Err((message, help)) = reach(scenario, fault, target) {
            return fail(key, message, help);
        }
    }
    if let Err((key, message, help)) =
        action::check(&scenario.cluster, &fault.action, &fault.target, role(fault, &fault.target))
    {
        return fail(key, message, help);
    }
    if let Some(to) = fault.action.to()
        && same_machine(&scenario.cluster, &fault.target, to)
    {
        let message = format!("`{}` and `{to}` share one machine: they have no link", fault.target);
        return fail("to", message, String::new());
    }
    Ok(())
}

pub(super) fn check_share(
    scenario: &Scenario,
    path: &str,
    share: Between<Share>,
) -> Result<(), Problem> {
    let (from, to) = (scenario.phases.storm_from_percent, scenario.phases.storm_to_percent);
    let storm = Share::percent(from.into())..=Share::percent(to.into());
    if storm.contains(&share.min) && storm.contains(&share.max) && share.min <= share.max {
        return Ok(());
    }
    let message = format!("the fault is outside the storm, which lasts from {from}% to {to}%");
    let problem = scenario.origin.problem(path, message);
    Err(problem.help("move it, or set `phases.storm`"))
}

/// How often it strikes, and in how many seeds.
fn often(scenario: &Scenario, path: &str, fault: &FaultSpec) -> Result<(), Problem> {
    let fail = |key: &str, message: &str, help: &str| {
        Err(scenario.origin.problem(&format!("{path}.{key}"), message).help(help))
    };
    if fault.times.min == 0 || fault.times.min > fault.times.max {
        let help = "write 1 or more, and a `chance` if it is not to be there in every seed";
        return fail("times", "a fault strikes at least once", help);
    }
    if fault.chance.0 == 0 {
        return fail(
            "chance",
            "the fault is never there",
            "leave it out, or write such as \"60%\"",
        );
    }
    if let Some(mean) = fault.poisson {
        if fault.when != When::Storm {
            let help = "write `at = \"storm\"`";
            return fail("poisson", "such faults may come at any time of the storm", help);
        }
        if fault.every.is_some() {
            return fail("poisson", "the fault says twice how often", "leave `every` out");
        }
        if mean < FaultSpec::LEAST_APART {
            let message = format!("the times are less than {} apart", FaultSpec::LEAST_APART);
            return fail("poisson", &message, "");
        }
        return Ok(());
    }
    let Some(every) = fault.every else {
        let most = FaultSpec::MOST_TIMES;
        let message = format!("more than {most} times are no scenario any more");
        return if fault.times.max > most { fail("times", &message, "") } else { Ok(()) };
    };
    if every.min < FaultSpec::LEAST_APART {
        let message = format!("the times are less than {} apart", FaultSpec::LEAST_APART);
        return fail("every", &message, "");
    }
    match fault.when {
        When::On(_) => {
            let help = "leave it out: each time waits for an event of its own";
            fail("every", "a fault with a trigger has no times", help)
        }
        _ => Ok(()),
    }
}

/// The role of whom a target means.
fn role(fault: &FaultSpec, target: &Target) -> Role {
    target.role().unwrap_or(match &fault.when {
        When::On(on) => on.role(),
        _ => Role::Coordinator,
    })
}

/// Whether the cluster of every seed has whom a target names.
pub(super) fn reach(
    scenario: &Scenario,
    fault: &FaultSpec,
    target: &Target,
) -> Result<(), (String, String)> {
    let cluster = &scenario.cluster;
    let (role, number) = match target {
        target if target.needs_it() && !matches!(fault.when, When::On(_)) => {
            let message = "`it` is whoever made the observation that a fault waits for".to_string();
            return Err((message, "give the fault a trigger: `on = { event = .. }`".into()));
        }
        Target::Any(Role::Operator) | Target::Member(Role::Operator, _) => {
            return match (scenario.operations.is_empty(), target) {
                (false, Target::Member(_, 1)) => Ok(()),
                (false, _) => {
                    Err(("there is only one operator".into(), "write \"operator\"".into()))
                }
                (true, _) => {
                    let help = "write an `[[operation]]` for it to carry out".to_string();
                    Err(("there is no operator: nothing is asked of the cluster".into(), help))
                }
            };
        }
        Target::Any(Role::Client) if cluster.clients == 0 => {
            return Err(("there is no client".into(), "set `cluster.clients`".into()));
        }
        target if target.needs_it() && matches!(&fault.when, When::On(on) if on.is_phase()) => {
            let message = "a phase is entered by nobody: there is no `it`".to_string();
            return Err((message, "name whom you mean, such as \"leader\"".into()));
        }
        Target::SupervisorOf(of) => return reach(scenario, fault, of),
        Target::Other(role) if cluster.members(*role) < 2 => {
            return Err((format!("there is no other {role}"), format!("raise `cluster.{role}s`")));
        }
        Target::Leader | Target::Any(_) | Target::WorkerOf(_) | Target::It => return Ok(()),
        Target::Now(_) | Target::Other(_) => return Ok(()),
        Target::Follower(_) if cluster.coordinators.max < 2 => {
            let help = "raise `cluster.coordinators`".to_string();
            return Err(("the only coordinator follows nobody".into(), help));
        }
        Target::Follower(None) => return Ok(()),
        Target::Follower(Some(number)) => {
            let followers = u32::from(cluster.coordinators.max) - 1;
            return match *number <= followers {
                true => Ok(()),
                false => Err((
                    format!("there is no {target}: the cluster has {followers} of them at most"),
                    format!("the last one is `follower-{followers}`"),
                )),
            };
        }
        Target::Member(role, number) => (*role, number),
    };
    let members = cluster.members(role);
    let varies = role == Role::Coordinator && cluster.coordinators.max > cluster.coordinators.min;
    match members {
        _ if (1..=members).contains(number) => Ok(()),
        _ if varies => Err((
            format!("not every seed has a {role}-{number}: the fewest have {members}"),
            format!("aim at any `{role}`, or raise cluster.{role}s"),
        )),
        0 => Err((format!("there is no {role}"), format!("set `cluster.{role}s`"))),
        1 => Err((format!("there is only one {role}"), format!("write \"{role}\""))),
        _ => Err((
            format!("there is no {role}-{number}: the cluster has {members} of them"),
            format!("the last one is `{role}-{members}`"),
        )),
    }
}

/// The members that a target may mean, if that is known before the run.
fn members(cluster: &Cluster, target: &Target) -> Option<Vec<(Role, u32)>> {
    match target {
        Target::Any(role) => Some((1..=cluster.members(*role)).map(|n| (*role, n)).collect()),
        Target::Member(role, number) => Some(vec![(*role, *number)]),
        Target::WorkerOf(_) => members(cluster, &Target::Any(Role::Worker)),
        _ => None,
    }
}

/// Whether two ends share their machine, whoever is drawn.
fn same_machine(cluster: &Cluster, from: &Target, to: &Target) -> bool {
    let largest = Between::just(cluster.coordinators.max);
    let cluster = &Cluster { coordinators: largest, ..cluster.clone() };
    members(cluster, from).is_some() && candidates(cluster, from, Some(to)).is_empty()
}

/// The members that a target may mean, in order, without those that share a machine with `other`
/// however that is drawn. Whoever is only known at the moment itself is not among them; a follower
/// is any of them.
pub(crate) fn candidates(
    cluster: &Cluster,
    target: &Target,
    other: Option<&Target>,
) -> Vec<Target> {
    if *target == Target::Follower(None) {
        let followers = u32::from(cluster.coordinators.min).saturating_sub(1).max(1);
        return (1..=followers).map(|number| Target::Follower(Some(number))).collect();
    }
    let others = other.and_then(|other| members(cluster, other));
    let elsewhere = |&(role, number): &(Role, u32)| match &others {
        None => true,
        Some(others) => others
            .iter()
            .any(|&(other, n)| cluster.machine_of(other, n) != cluster.machine_of(role, number)),
    };
    let kept = members(cluster, target).unwrap_or_default().into_iter().filter(elsewhere);
    // The only store has no number.
    let named = |(role, number)| match role {
        Role::Store if cluster.stores == 1 => Target::Any(role),
        role => Target::Member(role, number),
    };
    kept.map(named).collect()
}
