//! How far many runs are, on standard error: a bar on a terminal, now and then a line elsewhere.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Without a terminal, a line this often.
const EVERY: Duration = Duration::from_secs(10);

/// One line that is written over and over, if standard error is a terminal; gone at the end.
pub(super) struct Status {
    shown: bool,
}

impl Status {
    pub(super) fn new() -> Status {
        Status { shown: std::io::stderr().is_terminal() }
    }

    pub(super) fn show(&self, text: &str) {
        if self.shown {
            eprint!("\r\x1b[K{text}");
        }
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.show("");
    }
}

/// See the module's documentation.
pub(super) struct Progress {
    name: String,
    bar: Option<ProgressBar>,
    began: Instant,
    told: Instant,
    runs: u64,
    vacuous: u64,
    of: u64,
    failures: u64,
    ways: BTreeSet<String>,
}

impl Progress {
    pub(super) fn new(name: &str, of: u64) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(of), ProgressDrawTarget::stderr());
            let template = "{prefix} {bar:30} {pos}/{len}  {per_sec}  eta {eta}  {msg}";
            let style =
                ProgressStyle::with_template(template).expect("the template is well formed");
            bar.set_style(style);
            bar.set_prefix(name.to_string());
            bar.set_message("0 failed");
            bar
        });
        let began = Instant::now();
        Progress {
            name: name.to_string(),
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

    /// A run is done: of which seed, whether it was vacuous, and what it broke, if anything.
    pub(super) fn step(&mut self, seed: u64, vacuous: bool, broken: Option<String>) {
        self.runs += 1;
        self.vacuous += u64::from(vacuous);
        self.failures += u64::from(broken.is_some());
        let new = broken.filter(|way| self.ways.insert(way.clone()));
        if let Some(bar) = &self.bar {
            bar.set_message(self.failed());
            bar.inc(1);
        } else if let Some(way) = new {
            eprintln!("{}: seed {seed} is the first to break {way}", self.name);
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
        let Progress { name, runs, of, vacuous, .. } = self;
        let (failed, judged) = (self.failed(), runs - vacuous);
        let rate = judged as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        let without = match vacuous {
            0 => String::new(),
            vacuous => format!(", {vacuous} vacuous ones not counted"),
        };
        eprintln!("{name}: {runs} of {of} runs, {failed}, {rate:.1} seeds a second{without}");
    }
}
