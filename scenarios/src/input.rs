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

#[cfg(test)]
mod tests;
mod zipf;

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
            let log = spread(input, text.len() / 32, lines.take(limit).map(SmolStr::new));
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
            let drawn = (0..*count).map(|_| words[zipf.rank(draw.word()) as usize].clone());
            Ok(spread(input, usize::try_from(*count).unwrap_or_default(), drawn))
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

/// Deals records out to the partitions.
fn spread(input: &Input, hint: usize, texts: impl Iterator<Item = SmolStr>) -> InputLog {
    let partitions = usize::from(input.partitions).max(1);
    let room = hint.min(1 << 24) / partitions + 1;
    let mut logs: Vec<Vec<Record>> = (0..partitions).map(|_| Vec::with_capacity(room)).collect();
    // As `arrival`, without a division a record: whole steps, and a remainder carried along.
    let Rate { records, per } = input.rate;
    let (step, part) = (per.as_nanos() / records, per.as_nanos() % records);
    let (mut nanos, mut carried, mut partition) = (0, 0, 0);
    for text in texts {
        nanos += step;
        carried += part;
        if carried >= records {
            carried -= records;
            nanos += 1;
        }
        logs[partition].push(Record { arrival: Instant(nanos), text });
        partition += 1;
        if partition == partitions {
            partition = 0;
        }
    }
    InputLog::new(logs)
}

/// The sentence for a file that is not there, given those that are.
pub fn no_such_file<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    format!("there is no file `{name}`; {}", suggest(name, known, "files"))
}
