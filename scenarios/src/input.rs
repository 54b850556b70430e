//! Inputs: the records of a run, made or read, each with its arrival.

use std::borrow::Cow;

use smol_str::SmolStr;
use stormglass_engine::component::Record;
use stormglass_engine::log::InputLog;
use stormglass_sim::hash::fingerprint;
use stormglass_sim::time::{Instant, Span};

use crate::plan::Draw;
use crate::problem::{Problem, suggest};
use crate::scenario::{Input, Source};
use crate::units::Rate;

mod disorder;
#[cfg(test)]
mod tests;
mod zipf;

pub(crate) use disorder::retention;
use disorder::{Arrivals, Poison, Shifts};
pub use zipf::{Zipf, word};

/// Finds the text of a file that a scenario names, or says in a sentence why it cannot.
/// [`catalog::file`](crate::catalog::file) is the one for the shipped scenarios.
pub type Loader<'a> = dyn Fn(&str) -> Result<Cow<'static, str>, String> + 'a;

/// Makes the input log of a seed.
///
/// # Errors
/// If a file cannot be read or holds no row.
pub fn build(input: &Input, seed: u64, loader: &Loader<'_>) -> Result<InputLog, Problem> {
    match &input.source {
        Source::Csv { file, limit } => {
            let text = loader(file).map_err(|why| Problem::new("", why))?;
            let mut lines = text.lines();
            if lines.next().is_none() {
                let problem = Problem::new("", format!("`{file}` is empty"));
                return Err(problem.help("it needs a header line and at least one row"));
            }
            let limit =
                limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
            let mut rows = lines.take(limit).map(SmolStr::new);
            let log = spread(input, seed, text.len() / 32, |_| rows.next());
            if log.is_empty() {
                let problem = Problem::new("", format!("`{file}` has a header but no row"));
                return Err(problem.help("it needs at least one row"));
            }
            Ok(log)
        }
        Source::Words { count, vocabulary, skew_ppm } => {
            let zipf = Zipf::new(*vocabulary, *skew_ppm);
            let words: Vec<SmolStr> = (0..*vocabulary).map(word).collect();
            let mut draw = Draw::new(seed, &[fingerprint(b"words")]);
            let mut shifts = Shifts::new(input.disorder.shift, *vocabulary, seed);
            let mut left = *count;
            let drawn = |nanos| {
                left = left.checked_sub(1)?;
                let rank = shifts.shifted(zipf.rank(draw.word()), nanos);
                Some(words[rank as usize].clone())
            };
            Ok(spread(input, seed, usize::try_from(*count).unwrap_or_default(), drawn))
        }
    }
}

/// When the last record arrives.
pub fn duration(log: &InputLog) -> Span {
    let ends = log.partitions.iter().filter_map(|partition| partition.records().last());
    ends.map(|record| record.arrival.since(Instant::ZERO)).max().unwrap_or_default()
}

/// When the `i`-th record arrives, counted from 0.
pub fn arrival(rate: Rate, i: u64) -> Instant {
    Instant::ZERO + rate.time_for(i + 1)
}

/// Deals records out to the partitions: texts by the nanosecond of their arrival.
fn spread(
    input: &Input,
    seed: u64,
    hint: usize,
    mut next: impl FnMut(u64) -> Option<SmolStr>,
) -> InputLog {
    let partitions = usize::from(input.partitions).max(1);
    let room = hint.min(1 << 24) / partitions + 1;
    let mut logs: Vec<Vec<Record>> = (0..partitions).map(|_| Vec::with_capacity(room)).collect();
    let mut arrivals = Arrivals::new(input.rate, input.disorder.burst, seed);
    let mut poison = Poison::new(input.disorder.poison, seed);
    let mut partition = 0;
    loop {
        let nanos = arrivals.next();
        let Some(text) = next(nanos) else { break };
        logs[partition].push(Record { arrival: Instant(nanos), text: poison.poisoned(text) });
        partition += 1;
        if partition == partitions {
            partition = 0;
        }
    }
    match input.disorder.repeats {
        None => InputLog::new(logs),
        Some(share) => {
            let repeats = disorder::repeats(&logs, share, seed);
            InputLog::new(logs).with_repeats(repeats)
        }
    }
}

/// The sentence for a file that is not there, given those that are.
pub fn no_such_file<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    format!("there is no file `{name}`; {}", suggest(name, known, "files"))
}
