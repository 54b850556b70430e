//! Useful work against the interval between checkpoints: measured, and by the formula.
//!
//!     cargo run --release -p stormglass-scenarios --example interval [-- FAILURES [SEEDS]]
//!
//! Runs the catalog's `interval` at fixed intervals around the exact optimum and with the adaptive
//! one, each with nearly so many failures (1,200), spread over so many seeds (8). All rows see the
//! same failures. The columns: what was measured and its standard error; the exact formula, for the
//! rate of failures that the scenario states; the formula's model for the very failures of the
//! runs, where nothing is left to chance.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "an example reads its arguments and prints"
)]

use std::sync::Arc;

use stormglass_engine::coordinator::interval::formulas;
use stormglass_scenarios::catalog;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::topologies::Registry;
use stormglass_sim::time::Instant;

/// Of the catalog's scenario, in seconds: for how long a checkpoint stops its task, the mean time
/// between failures, and what a restart takes besides a fifth of a millisecond.
const COST: f64 = 1.0;
const MTBF: f64 = 20.0;
const RESTART: f64 = 1.0;
/// Records a second of its input, which is what the task could do.
const RATE: u64 = 10;
/// Fixed intervals, in units of the best one.
const TIMES: [f64; 9] = [1.0 / 3.0, 0.5, 0.75, 0.9, 1.0, 1.1, 1.33, 2.0, 3.0];

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let failures: u64 = numbers.next().unwrap_or(1_200);
    let seeds: u64 = numbers.next().unwrap_or(8).max(2);
    let best = formulas::optimum(COST, MTBF) + COST;
    println!("cost {COST} s, MTBF {MTBF} s, restart {RESTART} s: the best interval is {best:.2} s");
    println!("  interval  failures  useful work    error  formula    model");
    for interval in TIMES.map(|times| Some(best * times)).into_iter().chain([None]) {
        let failures = failures.div_ceil(seeds);
        let runs: Vec<Outcome> = (0..seeds).map(|seed| run(seed, failures, interval)).collect();
        let struck: usize = runs.iter().map(Outcome::effective_faults).sum();
        let useful = runs.iter().map(|outcome| outcome.useful_work.ppm as f64 / 1e6);
        let (useful, error) = mean(&useful.collect::<Vec<f64>>());
        let Some(interval) = interval else {
            println!("  adaptive  {struck:>8}  {useful:>11.4}  {error:>7.4}");
            continue;
        };
        // Who is down is not struck again.
        let restart = formulas::undisturbed(RESTART, MTBF);
        let formula = formulas::useful_work(interval, COST, MTBF, restart);
        let model: Vec<f64> = runs.iter().map(|outcome| model(outcome, interval)).collect();
        let (model, _) = mean(&model);
        println!(
            "{interval:>8.2} s  {struck:>8}  {useful:>11.4}  {error:>7.4}  {formula:>7.4}  \
             {model:>7.4}"
        );
    }
}

/// A run with about so many failures, at a fixed interval in seconds or the adaptive one.
fn run(seed: u64, failures: u64, interval: Option<f64>) -> Outcome {
    let records = failures * MTBF as u64 * RATE;
    let mut settings = vec![format!("input.words.count={records}")];
    if let Some(interval) = interval {
        for key in ["interval", "adaptive.min", "adaptive.max"] {
            settings.push(format!("checkpoint.{key}={}us", (interval * 1e6) as u64));
        }
    }
    let scenario = catalog::load("interval", &settings).expect("a scenario of the catalog");
    let setup = Setup::new(&Arc::new(scenario), &Registry::default(), &catalog::file, seed);
    let outcome = setup.expect("it is well").run();
    assert!(outcome.verdict.name() == "holds", "seed {seed}: {:?}", outcome.verdict);
    outcome
}

/// The share of useful work by the formula's model, for the failures of a run.
fn model(outcome: &Outcome, interval: f64) -> f64 {
    let all = outcome.useful_work.available.as_secs_f64();
    let failures = outcome.faults.iter().filter_map(|fault| fault.at).map(Instant::as_secs_f64);
    let (mut from, mut done) = (0.0, 0.0);
    for at in failures.chain([all]).filter(|at| *at <= all) {
        if at >= from {
            done += ((at - from) / interval).floor() * (interval - COST);
            from = at + RESTART;
        }
    }
    done / all
}

/// The mean and its standard error.
fn mean(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let square: f64 = samples.iter().map(|sample| (sample - mean) * (sample - mean)).sum();
    (mean, (square / (n - 1.0) / n).sqrt())
}
