//! How far a campaign is, on standard error: a bar on a terminal, now and then a line elsewhere.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use stormglass_scenarios::signature::Signature;

use super::row::Row;

/// Without a terminal, a line this often.
const EVERY: Duration = Duration::from_secs(10);

pub(super) struct Progress {
    scenario: String,
    bar: Option<ProgressBar>,
    began: Instant,
    told: Instant,
    runs: u64,
    vacuous: u64,
    of: u64,
    failures: u64,
    ways: BTreeSet<Signature>,
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
        Progress {
            scenario: scenario.to_string(),
            bar,
            began,
            told: began,
            runs: 0,
            vacuous: 0,
            of,
            failures: 0,
            ways: BTreeSet::new(),
        }
    }

    pub(super) fn step(&mut self, row: &Row) {
        self.runs += 1;
        self.vacuous += u64::from(row.vacuous);
        let broken = row.failure();
        self.failures += u64::from(broken.is_some());
        let is_new = broken.is_some_and(|signature| self.ways.insert(signature.clone()));
        if let Some(bar) = &self.bar {
            bar.set_message(self.failed());
            bar.inc(1);
        } else if let Some(signature) = broken.filter(|_| is_new) {
            eprintln!("{}: seed {} is the first to break {signature}", self.scenario, row.seed);
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

    fn failed(&self) -> String {
        match self.ways.len() {
            0 | 1 => format!("{} failed", self.failures),
            ways => format!("{} failed in {ways} ways", self.failures),
        }
    }

    /// Vacuous seeds are not counted in the rate: nothing was tested by them.
    fn tell(&self) {
        let Progress { scenario, runs, of, vacuous, .. } = self;
        let (failed, judged) = (self.failed(), runs - vacuous);
        let rate = judged as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        let without = match vacuous {
            0 => String::new(),
            vacuous => format!(", {vacuous} vacuous ones not counted"),
        };
        eprintln!("{scenario}: {runs} of {of} runs, {failed}, {rate:.1} seeds a second{without}");
    }
}
