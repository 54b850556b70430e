//! What must hold between the settings of the control plane.

use stormglass_sim::time::Span;

use crate::problem::Problem;
use crate::scenario::{Action, Cluster, Scenario, Target};
use crate::units::{Share, Text};

pub(super) fn check(scenario: &Scenario) -> Result<(), Problem> {
    coordinators(scenario)?;
    raft(scenario)?;
    if scenario.cluster.coordinators.max > 1 {
        timing(scenario)?;
    }
    clocks(scenario)
}

fn coordinators(scenario: &Scenario) -> Result<(), Problem> {
    let fail = |message: String, help: &str| {
        Err(scenario.origin.problem("cluster.coordinators", message).help(help))
    };
    let coordinators = scenario.cluster.coordinators;
    if coordinators.min == 0 || coordinators.min > coordinators.max {
        return fail("a cluster needs at least 1 coordinator".into(), "");
    }
    let most = Cluster::MOST_COORDINATORS;
    if coordinators.max > most {
        let message = format!("{} coordinators are more than {most}", coordinators.max);
        let help = "7 survive the loss of 3; more only make every decision slower";
        return fail(message, help);
    }
    Ok(())
}

fn raft(scenario: &Scenario) -> Result<(), Problem> {
    let raft = &scenario.raft;
    let fail = |path: &str, message: String, help: &str| {
        Err(scenario.origin.problem(path, message).help(help))
    };
    let (heartbeat, timeout) = (raft.heartbeat, raft.election_timeout);
    if heartbeat.is_zero() {
        let help = "write a duration above zero, such as \"50ms\"";
        return fail("raft.heartbeat", "the heartbeat is 0".into(), help);
    }
    if timeout.min < heartbeat * 2 {
        let message = format!(
            "a timeout of {} deposes every leader: its heartbeats are {heartbeat} apart",
            timeout.min
        );
        let help = "give it the time of several heartbeats";
        return fail("raft.election-timeout", message, help);
    }
    let sizes = [
        ("raft.append", raft.append_bytes, "a message needs room for an entry"),
        ("raft.inflight", raft.inflight_bytes, "something must be under way"),
        ("raft.chunk", raft.chunk_bytes, "a part of a snapshot has some size"),
        ("raft.snapshot-after", raft.snapshot_after, "a snapshot covers at least 1 entry"),
    ];
    match sizes.into_iter().find(|(_, size, _)| *size == 0) {
        Some((path, _, message)) => fail(path, message.into(), ""),
        None => Ok(()),
    }
}

/// What only matters if there is somebody to vote.
fn timing(scenario: &Scenario) -> Result<(), Problem> {
    let (timeout, network) = (scenario.raft.election_timeout, &scenario.network);
    let fail = |message: String, help: &str| {
        Err(scenario.origin.problem("raft.election-timeout", message).help(help))
    };
    if timeout.min == timeout.max {
        let message = "all stand for election at once: the timeouts are all alike".into();
        return fail(message, "write a range such as \"150ms..300ms\"");
    }
    let ballot = network.latency_max * 2 + scenario.disk.sync;
    if timeout.min <= ballot {
        let message = format!(
            "nobody is elected within {}: to ask, sync a vote and answer takes up to {ballot}",
            timeout.min
        );
        return fail(message, "give it several times as long");
    }
    Ok(())
}

/// The least and the greatest rate of a coordinator's clock against true time, in millionths
/// above or below it.
fn rates(scenario: &Scenario) -> (i64, i64) {
    let usual = i64::from(scenario.clock.drift_ppm);
    let mut rates = (-usual, usual);
    for fault in &scenario.faults {
        let Action::DriftClock { by, .. } = &fault.action else { continue };
        if fault.target.is_coordinator() || fault.target == Target::It {
            rates = (rates.0.min(by.min.0.into()), rates.1.max(by.max.0.into()));
        }
    }
    rates
}

fn clocks(scenario: &Scenario) -> Result<(), Problem> {
    const WHOLE: i64 = 1_000_000;
    let half = Share::percent(50);
    if scenario.clock.drift_ppm > half.0 {
        let message = "a clock that runs at less than half its rate is broken";
        let problem = scenario.origin.problem("clock.drift", message);
        return Err(problem.help(format!("write at most \"{}\"", half.print())));
    }
    let raft = &scenario.raft;
    if !raft.lease {
        return Ok(());
    }
    let (slowest, fastest) = rates(scenario);
    let apart = (WHOLE + fastest) * WHOLE / (WHOLE + slowest) - WHOLE;
    if apart > raft.drift_bound_ppm.into() {
        let [apart, bound] = [apart as u32, raft.drift_bound_ppm]
            .map(|ppm| Share(ppm.div_ceil(10_000) * 10_000).print());
        let message =
            format!("clocks may differ by {apart}, and a lease trusts them to by {bound} at most");
        let problem = scenario.origin.problem("raft.drift-bound", message);
        return Err(problem.help(format!("set `raft.drift-bound` to \"{apart}\", or no `lease`")));
    }
    let (timeout, heartbeat) = (raft.election_timeout.min, raft.heartbeat);
    let lease = timeout.scale(WHOLE as u64, WHOLE as u64 + u64::from(raft.drift_bound_ppm));
    if lease <= heartbeat + Span::nanos(1) {
        let message = format!("a lease of {lease} ends before the next heartbeat renews it");
        let problem = scenario.origin.problem("raft.heartbeat", message);
        return Err(problem.help("make heartbeats more frequent, or the election timeout longer"));
    }
    Ok(())
}
