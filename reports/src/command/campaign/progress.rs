//! How far a campaign is, on standard error: a bar on a terminal, now and then a line elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use stormglass_scenarios::outcome::Outcome;

/// Without a terminal, a line this often.
const EVERY: Duration = Duration::from_secs(10);

pub(super) struct Progress {
    scenario: String,
    bar: Option<ProgressBar>,
    began: Instant,
    told: Instant,
    runs: u64,
    of: u64,
    failures: u64,
}

impl Progress {
    pub(super) fn new(scenario: &str, of: u64) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(of), ProgressDrawTarget::stderr());
            let template = "{prefix} {bar:30} {pos}/{len}  {per_sec}  eta {eta}  {msg}";
            let style =
                ProgressStyle::with_template(template).expect("the template is well formed");
            bar.set_style(style);
            bar.set_prefix(scenario.to_string());
            bar.set_message("0 failed");
            bar
        });
        let began = Instant::now();
        let scenario = scenario.to_string();
        Progress { scenario, bar, began, told: began, runs: 0, of, failures: 0 }
    }

    pub(super) fn step(&mut self, outcome: &Outcome) {
        self.runs += 1;
        let broken = outcome.violations().first();
        self.failures += u64::from(broken.is_some());
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{} failed", self.failures));
            bar.inc(1);
        } else if let Some(violation) = broken.filter(|_| self.failures == 1) {
            let (seed, law) = (outcome.seed, violation.law.name());
            eprintln!("{}: first failure at seed {seed}: {law}", self.scenario);
        } else if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            self.tell();
        }
    }

    pub(super) fn finish(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.tell();
    }

    fn tell(&self) {
        let Progress { scenario, runs, of, failures, .. } = self;
        let rate = *runs as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        eprintln!("{scenario}: {runs} of {of} runs, {failures} failed, {rate:.1} runs a second");
    }
}
