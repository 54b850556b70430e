//! Spark lines: what flowed over time in one line each, with the faults below.
//!
//! ```text
//! line   = label, signs, 2 blanks, "up to " the largest value
//! sign   = blank for nothing, or one of 8 blocks: its height grows with the square root of the
//!          value, so that a burst of replay does not flatten all the rest
//! faults = "!" where a fault takes effect, "," where it strikes nothing, "-" as long as it lasts
//! ```

use stormglass_scenarios::chronicle::{Bucket, Chronicle, Series};
use stormglass_sim::time::{Instant, Span};

use crate::page::Style;
use crate::summary::Report;
use crate::words::{self, count};

#[cfg(test)]
mod tests;

/// Signs of a line at most.
const SIGNS: usize = 56;
/// Columns of the labels.
const LABEL: usize = 14;
/// From almost nothing to the most; nothing at all is a blank.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The lines of a run that was written down; nothing for another one.
pub fn page(report: &Report<'_>) -> String {
    let Some(chronicle) = &report.outcome.chronicle else { return String::new() };
    let series = &chronicle.series;
    let signs = series.buckets.len().min(SIGNS);
    if signs < 2 {
        return String::new();
    }
    let whole = series.width * series.buckets.len() as u64;
    let sign = Span::nanos(whole.as_nanos() / signs as u64);
    let mut out = report.heading(&format!("Over time, {} a sign", words::span(sign)));
    let mut row = |label: &str, values: &[u64], most: String| {
        let label = report.paint.text(Style::Dim, label) + &" ".repeat(LABEL - label.len());
        out.push_str(&format!("  {label}{}  {most}\n", line(values)));
    };
    let rate = |of: fn(&Bucket) -> u64| rates(series, signs, of);
    let most = |values: &[u64]| values.iter().copied().max().unwrap_or(0);
    let per_second = |values: &[u64], what: &str| {
        let most = match most(values) {
            small if small < 1_000_000 => words::thousandths(small),
            large => count(large / 1_000),
        };
        format!("up to {most} {what}/s")
    };
    let read = rate(|bucket| bucket.read + bucket.again);
    row("read", &read, per_second(&read, "records"));
    let visible = rate(|bucket| bucket.visible);
    row("visible", &visible, per_second(&visible, "outputs"));
    let latency = peaks(series, signs, |bucket| bucket.latency.p99.as_nanos());
    row("latency p99", &latency, format!("up to {}", words::span(Span::nanos(most(&latency)))));
    let lag = peaks(series, signs, |bucket| bucket.lag);
    row("lag", &lag, format!("up to {} records", count(most(&lag))));
    let marks = marks(report, chronicle, signs, whole);
    if !marks.is_empty() {
        let label = report.paint.text(Style::Dim, "faults") + &" ".repeat(LABEL - "faults".len());
        out.push_str(&format!("  {label}{}\n", report.paint.text(Style::Yellow, &marks)));
    }
    out
}

/// The buckets of each sign.
fn shares(series: &Series, signs: usize) -> impl Iterator<Item = &[Bucket]> {
    let buckets = &series.buckets;
    let at = move |sign: usize| sign * buckets.len() / signs;
    (0..signs).map(move |sign| &buckets[at(sign)..at(sign + 1)])
}

/// What flowed in a second, on average over each sign, in thousandths.
fn rates(series: &Series, signs: usize, of: impl Fn(&Bucket) -> u64) -> Vec<u64> {
    let rate = |share: &[Bucket]| {
        let sum: u128 = share.iter().map(|bucket| u128::from(of(bucket))).sum();
        let nanos = u128::from(series.width.as_nanos()) * share.len() as u128;
        u64::try_from(sum * 1_000_000_000_000 / nanos).unwrap_or(u64::MAX)
    };
    shares(series, signs).map(rate).collect()
}

/// The largest value in each sign.
fn peaks(series: &Series, signs: usize, of: impl Fn(&Bucket) -> u64) -> Vec<u64> {
    shares(series, signs).map(|share| share.iter().map(&of).max().unwrap_or(0)).collect()
}

/// Values as blocks, by their square roots to the scale of the largest.
pub fn line(values: &[u64]) -> String {
    let most = u128::from(values.iter().copied().max().unwrap_or(0).max(1));
    let block = |value: &u64| match *value {
        0 => ' ',
        // Eight times the root of the share is the root of 64 times it.
        value => BLOCKS[((u128::from(value) * 64).div_ceil(most) - 1).isqrt() as usize],
    };
    values.iter().map(block).collect()
}

/// `!` where a fault takes effect, `,` where it strikes nothing, `-` as long as it lasts.
fn marks(report: &Report<'_>, chronicle: &Chronicle, signs: usize, whole: Span) -> String {
    let place = |at: Instant| {
        let place = u128::from(at.nanos()) * signs as u128 / u128::from(whole.as_nanos().max(1));
        (place as usize).min(signs - 1)
    };
    let mut marks = vec![' '; signs];
    for band in &chronicle.bands {
        marks[place(band.from)..=place(band.until)].fill('-');
    }
    for fault in &report.outcome.faults {
        if let Some(at) = fault.at {
            let mark = &mut marks[place(at)];
            if *mark != '!' {
                *mark = if fault.took_effect { '!' } else { ',' };
            }
        }
    }
    marks.iter().collect::<String>().trim_end().to_string()
}
