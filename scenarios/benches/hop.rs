//! What a tuple-hop costs, with digest, observations and all judges on.
//!
//!     cargo bench -p stormglass-scenarios [-- --json]
//!
//! A hop is the execution of a tuple by a bolt or a sink. Costs are CPU time of this thread, the
//! median of several measurements of about a third of a second each; where the system does not
//! tell CPU time, wall time.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a benchmark reads the machine's clock and prints"
)]

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use stormglass_scenarios::catalog;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::run::{Run, Setup};
use stormglass_scenarios::topologies::Registry;
use stormglass_sim::time::Instant;

/// Measurements of which the median is taken.
const TIMES: usize = 7;
/// A measurement takes so long at least: much longer than the clock's step.
const LONG_ENOUGH: Duration = Duration::from_millis(300);
const FORKS: u32 = 200;

/// CPU time of this thread so far.
fn cpu(start: Clock) -> Duration {
    let nanos = fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next().and_then(|first| first.parse().ok()))
        .filter(|nanos| *nanos > 0);
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// The median cost of doing something once, in seconds.
fn seconds(mut once: impl FnMut()) -> f64 {
    let start = Clock::now();
    once();
    let mut measured: Vec<f64> = (0..TIMES)
        .map(|_| {
            let (began, mut times) = (cpu(start), 0);
            loop {
                once();
                times += 1;
                let taken = cpu(start) - began;
                if taken >= LONG_ENOUGH {
                    return taken.as_secs_f64() / f64::from(times);
                }
            }
        })
        .collect();
    measured.sort_by(f64::total_cmp);
    measured[TIMES / 2]
}

fn setup(name: &str, settings: &[&str], calm: bool) -> Setup {
    let mut scenario = catalog::load(name, settings).expect("a scenario of the catalog");
    if calm {
        scenario.faults.clear();
    }
    let (scenario, registry) = (Arc::new(scenario), Registry::default());
    Setup::new(&scenario, &registry, &catalog::file, 7).expect("it is well")
}

fn held(setup: &Setup) -> Outcome {
    let outcome = setup.clone().run();
    assert!(outcome.verdict.name() == "holds", "{:?}", outcome.verdict);
    outcome
}

/// A run's name, its outcome, and what it takes.
struct Row {
    name: &'static str,
    outcome: Outcome,
    cpu: f64,
}

impl Row {
    fn new(name: &'static str, setup: &Setup) -> Row {
        let outcome = held(setup);
        let cpu = seconds(|| {
            black_box(setup.clone().run());
        });
        Row { name, outcome, cpu }
    }
    fn hops(&self) -> f64 {
        self.outcome.flow.hops as f64
    }
    fn nanos_a_hop(&self) -> f64 {
        self.cpu * 1e9 / self.hops()
    }
    fn events_a_hop(&self) -> f64 {
        self.outcome.flow.kernel_events as f64 / self.hops()
    }
    fn virtual_seconds(&self) -> f64 {
        self.outcome.ended.nanos() as f64 / 1e9 / self.cpu
    }
}

/// Microseconds of a clone in the middle of a run, and of a clone that is dropped again.
fn fork(setup: &Setup) -> (f64, f64) {
    let mut run = Run::new(setup.clone());
    let middle = held(setup).ended.nanos() / 2;
    assert!(run.advance(Instant(middle)), "the middle is before the end");
    let start = Clock::now();
    let clones: Vec<Run> = (0..FORKS).map(|_| run.clone()).collect();
    let cloned = start.elapsed();
    drop(black_box(clones));
    let micros = |taken: Duration| taken.as_secs_f64() * 1e6 / f64::from(FORKS);
    (micros(cloned), micros(start.elapsed()))
}

fn main() {
    let calm_words = setup("word-count", &["input.words.count=100_000"], true);
    let rows = [
        Row::new("word-count, calm, 100,000 words", &calm_words),
        Row::new("word-count", &setup("word-count", &[], false)),
        Row::new("reference", &setup("reference", &[], false)),
        Row::new("flight-delays", &setup("flight-delays", &[], false)),
    ];
    let input = seconds(|| {
        black_box(setup("flight-delays", &[], false));
    });
    let (clone, whole) = fork(&setup("flight-delays", &[], false));
    if std::env::args().any(|argument| argument == "--json") {
        for row in &rows {
            println!(
                "{{\"run\":\"{}\",\"cpu_seconds\":{:.4},\"hops\":{},\"ns_per_hop\":{:.1},\
                 \"events_per_hop\":{:.3},\"virtual_seconds_per_cpu_second\":{:.0}}}",
                row.name,
                row.cpu,
                row.outcome.flow.hops,
                row.nanos_a_hop(),
                row.events_a_hop(),
                row.virtual_seconds(),
            );
        }
        println!(
            "{{\"input_cpu_seconds\":{input:.4},\"clone_us\":{clone:.1},\
             \"clone_and_drop_us\":{whole:.1}}}"
        );
        return;
    }
    println!(
        "{:<32} {:>8} {:>9} {:>7} {:>10} {:>14}",
        "run", "CPU s", "hops", "ns/hop", "events/hop", "virtual s/CPU s"
    );
    for row in &rows {
        println!(
            "{:<32} {:>8.4} {:>9} {:>7.0} {:>10.3} {:>15.0}",
            row.name,
            row.cpu,
            row.outcome.flow.hops,
            row.nanos_a_hop(),
            row.events_a_hop(),
            row.virtual_seconds(),
        );
    }
    println!("reading and planning flight-delays takes {input:.4} CPU s more");
    println!("a fork of flight-delays in mid-run takes {clone:.0} us, {whole:.0} us with its end");
}
