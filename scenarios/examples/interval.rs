//! Useful work against the interval between checkpoints: measured, and by the formula.
//!
//!     cargo run --release -p stormglass-scenarios --example interval [-- FAILURES [SEEDS]]
//!
//! Runs the catalog's `interval` at fixed intervals around the exact optimum and with the adaptive
//! one, each with about so many failures (1,000), spread over so many seeds (20). All rows see the
//! same failures.

#![expect(clippy::disallowed_macros, reason = "an example prints")]

use std::sync::Arc;

use stormglass_engine::coordinator::interval::formulas;
use stormglass_scenarios::catalog;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::topologies::Registry;

/// Of the catalog's scenario: seconds that a checkpoint stops its task, the mean time between
/// failures, and what a restart takes besides a few milliseconds.
const COST: f64 = 1.0;
const MTBF: f64 = 20.0;
const RESTART: f64 = 1.0;
/// Records a second of input, which is what the task could do.
const RATE: u64 = 10;

fn run(seed: u64, failures: u64, settings: &[String]) -> Outcome {
    let records = failures * MTBF as u64 * RATE;
    let mut settings = settings.to_vec();
    settings.push(format!("input.words.count={records}"));
    let scenario = catalog::load("interval", &settings).expect("a scenario of the catalog");
    let scenario = Arc::new(scenario);
    let setup = Setup::new(&scenario, &Registry::default(), &catalog::file, seed);
    let outcome = setup.expect("it is well").run();
    assert!(outcome.verdict.name() == "holds", "seed {seed}: {:?}", outcome.verdict);
    outcome
}

/// The mean and its standard error.
fn mean(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let square: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
    (mean, (square / (n - 1.0).max(1.0) / n).sqrt())
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let failures: u64 = numbers.next().unwrap_or(1_000);
    let seeds: u64 = numbers.next().unwrap_or(20);
    let best = formulas::optimum(COST, MTBF) + COST;
    println!("cost {COST} s, MTBF {MTBF} s, restart {RESTART} s: the best interval is {best:.2} s");
    println!(
        "{:>10} {:>8} {:>9} {:>9} {:>8}",
        "interval", "failures", "measured", "formula", "error"
    );
    let times = [0.5, 1.0, 2.0];
    for times in times.into_iter().map(Some).chain([None]) {
        let (name, settings, interval) = match times {
            Some(times) => {
                let interval = (best * times * 1e3).round() / 1e3;
                let fixed = format!("{}ms", (interval * 1e3) as u64);
                let settings = ["interval", "adaptive.min", "adaptive.max"]
                    .map(|key| format!("checkpoint.{key}={fixed}"));
                (format!("{interval:.2} s"), settings.to_vec(), interval)
            }
            None => ("adaptive".to_string(), Vec::new(), best),
        };
        let runs: Vec<Outcome> =
            (0..seeds).map(|seed| run(seed, failures.div_ceil(seeds), &settings)).collect();
        let effective: usize = runs.iter().map(Outcome::effective_faults).sum();
        let measured: Vec<f64> =
            runs.iter().map(|outcome| outcome.useful_work.ppm as f64 / 1e6).collect();
        let (measured, error) = mean(&measured);
        let restart = formulas::undisturbed(RESTART, MTBF);
        let formula = formulas::useful_work(interval, COST, MTBF, restart);
        let diffs: Vec<f64> = runs
            .iter()
            .map(|outcome| {
                let all = outcome.useful_work.available.as_secs_f64();
                let (mut from, mut done) = (0.0, 0.0);
                let ends = outcome.faults.iter().map(|f| f.at.unwrap().as_secs_f64()).chain([all]);
                for at in ends {
                    if at < from {
                        continue;
                    }
                    while from + interval <= at {
                        from += interval;
                        done += interval - COST;
                    }
                    from = at + RESTART;
                }
                outcome.useful_work.ppm as f64 / 1e6 - done / all
            })
            .collect();
        println!("{:?}", mean(&diffs));
        println!("{name:>10} {effective:>8} {measured:>9.4} {formula:>9.4} {error:>8.4}");
    }
}
