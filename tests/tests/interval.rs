//! The catalog's `interval` meets the assumptions of the formulas for the best interval between
//! checkpoints: useful work follows the exact one, and the adaptive interval finds its optimum.
//!
//! The example `interval` of stormglass-scenarios does the same at length, and prints a table.

use std::sync::Arc;

use stormglass_engine::coordinator::interval::formulas;
use stormglass_engine::observation::Observation;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::{Action, FaultSpec, Target, When};
use stormglass_scenarios::units::{Between, Share};
use stormglass_sim::time::{Instant, Span};
use stormglass_tests::runs::{assert_holds, scenario, setup};

/// Of the scenario, in seconds: what a checkpoint costs, the mean time between failures, what a
/// restart takes besides a fifth of a millisecond, what it begins with.
const COST: f64 = 1.0;
const MTBF: f64 = 20.0;
const RESTART: f64 = 1.0;
const INITIAL: f64 = 20.0;
/// Records a second of its input.
const RATE: u64 = 10;

/// The best interval in seconds.
fn best() -> f64 {
    formulas::optimum(COST, MTBF) + COST
}

/// Runs with about so many failures in each seed; at a fixed interval, or the adaptive one.
fn runs(fixed: Option<f64>, failures: u64, seeds: u64) -> Vec<Outcome> {
    let mut settings = vec![format!("input.words.count={}", failures * MTBF as u64 * RATE)];
    if let Some(interval) = fixed {
        for key in ["interval", "adaptive.min", "adaptive.max"] {
            settings.push(format!("checkpoint.{key}={}us", (interval * 1e6) as u64));
        }
    }
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let scenario = scenario("interval", &settings);
    let run = |seed| {
        let outcome = setup(&scenario, seed).run();
        assert_holds(&outcome);
        outcome
    };
    (0..seeds).map(run).collect()
}

fn useful(runs: &[Outcome]) -> Vec<f64> {
    runs.iter().map(|outcome| outcome.useful_work.ppm as f64 / 1e6).collect()
}

/// The mean and its standard error.
fn mean(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let square: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
    (mean, (square / (n - 1.0) / n).sqrt())
}

/// Useful work as the formula's own model has it, for the very failures of a run: a checkpoint at
/// the end of each period, everything since the last one lost.
fn model(outcome: &Outcome, interval: f64) -> f64 {
    let all = outcome.useful_work.available.as_secs_f64();
    let failures = outcome.faults.iter().filter_map(|fault| fault.at).map(Instant::as_secs_f64);
    let (mut from, mut done) = (0.0, 0.0);
    for at in failures.chain([all]).filter(|at| *at <= all) {
        if at < from {
            continue;
        }
        let periods = ((at - from) / interval).floor();
        done += periods * (interval - COST);
        from = at + RESTART;
    }
    done / all
}

/// A thousand failures at each interval. Against the formula the failures' own chance is what
/// limits: four standard errors. Against the formula's model for the same failures nothing is left
/// to chance, and three thousandths are allowed.
///
/// The model found a bug: what a store answered waited for the next record on the task's thread, so
/// that a checkpoint was complete a record late, and every failure cost that much more.
#[test]
fn useful_work_follows_the_exact_formula() {
    for times in [1.0 / 3.0, 1.0, 3.0] {
        let interval = best() * times;
        let runs = runs(Some(interval), 145, 8);
        let failures: usize = runs.iter().map(Outcome::effective_faults).sum();
        assert!(failures >= 1_000, "{failures} failures only");
        let (measured, error) = mean(&useful(&runs));
        // Who is down is not struck again.
        let restart = formulas::undisturbed(RESTART, MTBF);
        let formula = formulas::useful_work(interval, COST, MTBF, restart);
        let said = format!("{interval:.2} s: {measured:.4} +- {error:.4}, formula {formula:.4}");
        assert!(error < 0.02 && (measured - formula).abs() < 4.0 * error, "{said}");
        let off: Vec<f64> = runs
            .iter()
            .map(|run| run.useful_work.ppm as f64 / 1e6 - model(run, interval))
            .collect();
        let (off, error) = mean(&off);
        assert!(off.abs() < 0.003, "{said}; off the model by {off:.4} +- {error:.4}");
    }
}

/// The interval in force when the 31st failure strikes, in seconds.
fn after_thirty(outcome: &Outcome) -> Option<f64> {
    let mut failures = outcome.faults.iter().filter(|fault| fault.took_effect);
    let at = failures.nth(30)?.at?;
    let before = outcome.checkpoints.intervals.iter().rfind(|change| change.at < at);
    Some(before.map_or(INITIAL, |change| change.interval.as_secs_f64()))
}

/// In which share of seeds an interval is within 25 % of the best one after 30 failures.
fn found(intervals: &[f64]) -> f64 {
    let near = intervals.iter().filter(|interval| (*interval / best() - 1.0).abs() <= 0.25);
    near.count() as f64 / intervals.len() as f64
}

#[test]
fn the_adaptive_interval_finds_the_optimum() {
    let runs = runs(None, 40, 40);
    let intervals: Vec<f64> = runs.iter().filter_map(after_thirty).collect();
    assert!(intervals.len() >= 36, "{} seeds had 31 failures", intervals.len());
    assert!(found(&intervals) >= 0.9, "{:.2} of {intervals:?}", found(&intervals));
    // An interval that nobody changes is never found to be near.
    for times in [1.0 / 3.0, 3.0] {
        assert_eq!(found(&[best() * times; 20]), 0.0);
    }
}

/// Over the same failures, from the first one on: it loses at most 1 % of useful work to the best
/// fixed interval. One that is three times too short or too long loses much more.
#[test]
fn the_adaptive_interval_is_as_good_as_the_best_fixed_one() {
    let work = |fixed: Option<f64>| mean(&useful(&runs(fixed, 130, 8))).0;
    let fixed = [0.75, 1.0, 1.33].map(|times| work(Some(best() * times)));
    let most = fixed.into_iter().fold(0.0, f64::max);
    let is_good = |work: f64| work >= most * 0.99;
    let adaptive = work(None);
    assert!(is_good(adaptive), "{adaptive:.4} of {fixed:.4?}");
    for times in [1.0 / 3.0, 3.0] {
        let off = work(Some(best() * times));
        assert!(!is_good(off), "{times:.2} times the best interval: {off:.4} of {most:.4}");
    }
}

/// What was observed is in the replicated metadata: the next leader goes by it at once, and does
/// not begin with the interval that was set.
#[test]
fn the_next_coordinator_knows_what_was_observed() {
    let mut scenario = (*scenario("interval", &["cluster.coordinators=3"])).clone();
    let (half, down) =
        (When::Share(Between::just(Share::percent(80))), Some(Between::just(Span::secs(5))));
    scenario.faults.push(FaultSpec::once(half, Action::Crash { down }, Target::Leader));
    let scenario = Arc::new(scenario);
    for seed in 0..4 {
        let outcome = Setup { record: true, ..setup(&scenario, seed) }.run();
        assert_holds(&outcome);
        let mut after = outcome.story.iter().map(|(_, what)| what);
        let leaders = after.by_ref().filter(|what| matches!(what, Observation::Leads { .. }));
        assert_eq!(leaders.take(2).count(), 2, "the leader was lost");
        let next = after.find_map(|what| match what {
            Observation::IntervalChanged { interval } => Some(interval.as_secs_f64()),
            _ => None,
        });
        let next = next.expect("a new leader begins with what was set, and goes by what it knows");
        assert!((next / best() - 1.0).abs() < 0.35, "seed {seed}: {next} s");
    }
}
