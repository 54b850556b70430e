//! Useful work against the interval between checkpoints: what the formulas say, and what is
//! measured.
//!
//! The formulas (`stormglass_engine::coordinator::interval::formulas`) assume that failures are a
//! Poisson process, that a checkpoint stops the job for a fixed time and holds at the end of it
//! all that was done before, and that a failure stops it for a fixed time. [`Assumptions`] finds
//! these numbers in a scenario. Where a scenario differs from them, [`Gap`] says how far what is
//! measured differs, and how much of that is explained: work that ran on while a checkpoint was
//! under way is lost with it, and an outage lasts longer than the restart.

use stormglass_engine::coordinator::interval::formulas;
use stormglass_sim::time::Instant;

use super::Point;
use super::facts::{Facts, Measure, failures};
use super::statistics::{Cubic, Measured, mean};
use crate::outcome::Outcome;
use crate::scenario::{Action, Role, Scenario};

#[cfg(test)]
mod tests;

/// What the formulas take for granted of a scenario, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assumptions {
    /// For how long a checkpoint stops the component that it stops longest.
    pub cost: f64,
    /// The mean time between failures.
    pub mtbf: f64,
    /// How long a failure stops processing.
    pub restart: f64,
}

impl Assumptions {
    /// Of a scenario whose worker crashes at the times of a Poisson process; none of another one.
    pub fn of(scenario: &Scenario) -> Option<Assumptions> {
        let crashes = scenario.faults.iter().find(|fault| {
            fault.poisson.is_some()
                && matches!(fault.action, Action::Crash { .. })
                && fault.target.role() == Some(Role::Worker)
        })?;
        let costs = scenario.topology.snapshot_cpu.values();
        Some(Assumptions {
            cost: costs.max().map_or(0.0, |cost| cost.as_secs_f64()),
            mtbf: crashes.poisson?.as_secs_f64(),
            restart: scenario.cluster.restart_delay.as_secs_f64(),
        })
    }

    /// The share of useful work at a period, by the exact formula. Who is down is not struck again.
    pub fn useful_work(&self, period: f64) -> f64 {
        let restart = formulas::undisturbed(self.restart, self.mtbf);
        formulas::useful_work(period, self.cost, self.mtbf, restart)
    }

    /// The best period by the exact formula.
    pub fn best(&self) -> f64 {
        formulas::optimum(self.cost, self.mtbf) + self.cost
    }
    /// The best period by Young's formula (1974).
    pub fn young(&self) -> f64 {
        formulas::young(self.cost, self.mtbf) + self.cost
    }
    /// The best period by Daly's formula of higher order (2006).
    pub fn daly(&self) -> f64 {
        formulas::daly(self.cost, self.mtbf) + self.cost
    }
}

/// The share of useful work by the formula's model for the very failures of a run, in millionths:
/// nothing is left to chance. None where the interval is not fixed or the formula has no say.
pub(super) fn model(outcome: &Outcome, scenario: &Scenario) -> Option<u64> {
    let Assumptions { cost, restart, .. } = Assumptions::of(scenario)?;
    let fixed = scenario.checkpoint.adaptive.as_ref().is_none_or(|of| of.min == of.max);
    let interval = scenario.checkpoint.interval.as_secs_f64();
    if !fixed || interval <= cost {
        return None;
    }
    let all = outcome.useful_work.available.as_secs_f64();
    let (mut from, mut done) = (0.0, 0.0);
    for at in failures(outcome).map(Instant::as_secs_f64).filter(|at| *at <= all) {
        if at >= from {
            done += libm::floor((at - from) / interval) * (interval - cost);
            from = at + restart;
        }
    }
    if all > from {
        // No failure ends the last period: what is done of it is kept.
        let periods = libm::floor((all - from) / interval);
        let rest = all - from - periods * interval;
        done += periods * (interval - cost) + libm::fmin(rest, interval - cost);
    }
    (all > 0.0).then(|| libm::round(done / all * 1e6) as u64)
}

/// Useful work at one interval: measured, and by the formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// From one trigger to the next, in seconds.
    pub interval: f64,
    /// How many failures there were.
    pub failures: u64,
    /// The mean share of useful work over the runs.
    pub measured: f64,
    /// Its standard error.
    pub error: f64,
    /// By the exact formula.
    pub formula: f64,
    /// By the formula's model for the very failures of the runs, in the mean.
    pub model: f64,
    /// What explains a difference.
    pub gap: Gap,
}

/// Why measured useful work is not what the formula says: each term is the share of time that it
/// costs beyond what the formula charges, estimated from what was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gap {
    /// Work that ran on while the checkpoint before a failure was under way: it is lost although
    /// its interval was over.
    pub under_way: f64,
    /// Outages that last longer than the restart.
    pub outage: f64,
}

impl Compared {
    /// How many standard errors lie between the measurement and the formula.
    pub fn errors(&self) -> f64 {
        libm::fabs(self.measured - self.formula) / self.error.max(1e-12)
    }
    /// What the formula says, less what explains a difference.
    pub fn explained(&self) -> f64 {
        self.formula - self.gap.under_way - self.gap.outage
    }
}

/// Compares each point that is a number with the formula.
pub fn compare(assumptions: Assumptions, points: &[(f64, &Point)]) -> Vec<Compared> {
    let one = |(interval, point): &(f64, &Point)| {
        let facts = || point.runs.iter().map(|run| &run.facts);
        let (measured, error) = mean(&point.samples(Measure::UsefulWork));
        let models: Vec<f64> =
            facts().filter_map(|facts| facts.model_ppm).map(|ppm| ppm as f64 / 1e6).collect();
        Compared {
            interval: *interval,
            failures: facts().map(|facts| facts.faults).sum(),
            measured,
            error,
            formula: assumptions.useful_work(*interval),
            model: mean(&models).0,
            gap: gap(assumptions, *interval, &facts().collect::<Vec<_>>()),
        }
    };
    points.iter().map(one).collect()
}

fn gap(assumptions: Assumptions, interval: f64, facts: &[&Facts]) -> Gap {
    let Assumptions { cost, mtbf, restart } = assumptions;
    let over_runs =
        |of: fn(&Facts) -> f64| mean(&facts.iter().map(|f| of(f)).collect::<Vec<_>>()).0;
    let checkpoint = over_runs(|facts| facts.checkpoint[1] as f64 / 1e9);
    let outages: Vec<f64> = facts
        .iter()
        .flat_map(|facts| &facts.outages)
        .map(|outage| outage[..3].iter().sum::<u64>() as f64 / 1e9)
        .collect();
    // A failure a mean time between failures, each of which costs so much more; and as much of
    // that time is useful as of any other.
    let share = (interval - cost).max(0.0) / interval;
    let cycle = mtbf + restart;
    let outage = match outages.is_empty() {
        true => 0.0,
        false => (mean(&outages).0 - restart).max(0.0),
    };
    Gap {
        under_way: (checkpoint - cost).max(0.0) * share / cycle,
        outage: outage * assumptions.useful_work(interval) / cycle,
    }
}

/// The interval at which a curve through what was measured is greatest, in seconds; none for fewer
/// than four points.
pub fn fitted(compared: &[Compared]) -> Option<(Cubic, f64)> {
    let points: Vec<Measured> = compared
        .iter()
        .map(|one| Measured { x: one.interval, y: one.measured, error: one.error })
        .collect();
    Cubic::fit(&points).map(|curve| (curve, curve.greatest()))
}
