//! What a run measured, at its end, as text for Prometheus (exposition format 0.0.4): base units,
//! counters that end in `_total`, quantiles as summaries. A node exporter's textfile collector or a
//! push gateway takes it as it is.

use std::fmt::Write;

use stormglass_scenarios::outcome::{Outcome, Quantiles};

use crate::summary::{PHASES, phases};

#[cfg(test)]
mod tests;

/// What is written so far.
struct Page {
    text: String,
    /// The labels of every sample.
    labels: String,
}

/// The text.
pub fn text(outcome: &Outcome) -> String {
    let labels = pairs(&[("scenario", &outcome.scenario), ("seed", &outcome.seed.to_string())]);
    let mut page = Page { text: String::new(), labels };
    page.run(outcome);
    page.flow(outcome);
    page.checkpoints(outcome);
    page.recoveries(outcome);
    page.control(outcome);
    page.counted("probe_hits_total", "Hits of each probe.", "probe", &outcome.probes);
    page.text
}

impl Page {
    fn run(&mut self, outcome: &Outcome) {
        let Outcome { verdict, digest, ended, input, .. } = outcome;
        let (digest, verdict) = (digest.to_string(), verdict.name());
        self.family("run_info", "gauge", "The run; its value is always 1.");
        self.sample("run_info", &[("verdict", verdict), ("digest", &digest)], "1");
        self.gauge("run_seconds", "Virtual time at the end of the run.", &nanos(ended.nanos()));
        self.counter("input_records_total", "Records of the input.", input.records);
        self.counter("faults_total", "Faults of the plan.", outcome.faults.len() as u64);
        let effective = outcome.effective_faults() as u64;
        self.counter("faults_effective_total", "Faults that took effect.", effective);
        let broken = outcome.violations().len() as u64;
        self.counter("violations_total", "Laws that were broken.", broken);
    }

    fn flow(&mut self, outcome: &Outcome) {
        let flow = &outcome.flow;
        self.counter("read_records_total", "Records that sources read.", flow.read);
        let again = "Records that sources read again after a restore.";
        self.counter("replayed_records_total", again, flow.replayed);
        self.counter("tuple_hops_total", "Tuples that bolts and sinks executed.", flow.hops);
        let rate = thousandths(flow.records_per_second_milli);
        self.gauge("throughput_records_per_second", "Records read a virtual second.", &rate);
        self.summary("latency_seconds", "From arrival to visible.", &flow.latency);
        self.gauge("lag_records_max", "The largest lag.", &flow.max_lag.to_string());
        let calm = "The 99th percentile of the lag while nothing was disturbed.";
        self.gauge("lag_records_calm", calm, &flow.calm_lag.to_string());
        self.counter("kernel_events_total", "Events of the simulated world.", flow.kernel_events);
        let published: Vec<(&str, u64)> =
            outcome.published.iter().map(|(sink, n)| (sink.as_str(), *n)).collect();
        self.counted("published_outputs_total", "Visible outputs.", "sink", &published);
        let duplicates = &outcome.duplicates;
        let counts = [("update", duplicates.updates), ("output", duplicates.outputs)];
        let help = "What took effect more than once, where the claim allows it.";
        self.counted("duplicates_total", help, "of", &counts);
        let share = format!("{}.{:06}", outcome.useful_work.ppm / 1_000_000, {
            outcome.useful_work.ppm % 1_000_000
        });
        let help = "Share of the busiest component's time that went into what counts.";
        self.gauge("useful_work_ratio", help, &share);
    }

    fn checkpoints(&mut self, outcome: &Outcome) {
        let facts = &outcome.checkpoints;
        self.counter("checkpoints_triggered_total", "Checkpoints triggered.", facts.triggered);
        self.counter("checkpoints_completed_total", "Checkpoints completed.", facts.completed);
        let aborted: Vec<(&str, u64)> =
            facts.aborted.iter().map(|(why, n)| (why.as_str(), *n)).collect();
        self.counted("checkpoints_aborted_total", "Checkpoints given up.", "reason", &aborted);
        self.summary("checkpoint_seconds", "From trigger to completion.", &facts.duration);
        let help = "Logical size of the last completed checkpoint.";
        self.gauge("checkpoint_last_bytes", help, &facts.last_bytes.to_string());
    }

    fn recoveries(&mut self, outcome: &Outcome) {
        let recoveries = &outcome.recoveries;
        self.counter("outages_total", "Outages.", recoveries.len() as u64);
        let name = "outage_seconds_total";
        self.family(name, "counter", "Time in each phase of the outages.");
        for (at, (phase, _)) in PHASES.iter().enumerate() {
            let time: u64 = recoveries.iter().map(|recovery| phases(recovery)[at].as_nanos()).sum();
            self.sample(name, &[("phase", phase)], &nanos(time));
        }
    }

    fn control(&mut self, outcome: &Outcome) {
        let (leaders, detection) = (&outcome.leaders, &outcome.detection);
        self.counter("elections_total", "Elections won.", leaders.elections);
        self.summary("leaderless_seconds", "Without a leader.", &leaders.leaderless);
        let help = "Operations of clients on the metadata.";
        self.counter("metadata_operations_total", help, leaders.operations);
        self.summary("metadata_response_seconds", "From question to answer.", &leaders.response);
        self.counter("suspicions_total", "Suspicions of workers.", detection.suspicions);
        self.counter("suspicions_wrong_total", "Wrong ones.", detection.wrong);
        self.summary("detection_seconds", "From the fault to suspicion.", &detection.delay);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.text, "# HELP stormglass_{name} {help}");
        let _ = writeln!(self.text, "# TYPE stormglass_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        let more = if labels.is_empty() { String::new() } else { ",".to_string() + &pairs(labels) };
        let _ = writeln!(self.text, "stormglass_{name}{{{}{more}}} {value}", self.labels);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "counter", help);
        self.sample(name, &[], &value.to_string());
    }

    fn gauge(&mut self, name: &str, help: &str, value: &str) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    fn counted(&mut self, name: &str, help: &str, label: &str, counts: &[(&str, u64)]) {
        if !counts.is_empty() {
            self.family(name, "counter", help);
        }
        for (what, count) in counts {
            self.sample(name, &[(label, what)], &count.to_string());
        }
    }

    fn summary(&mut self, name: &str, help: &str, of: &Quantiles) {
        self.family(name, "summary", help);
        if of.count > 0 {
            for (quantile, span) in [("0.5", of.p50), ("0.95", of.p95), ("0.99", of.p99)] {
                self.sample(name, &[("quantile", quantile)], &nanos(span.as_nanos()));
            }
            self.sample(name, &[("quantile", "1")], &nanos(of.max.as_nanos()));
        }
        self.sample(&format!("{name}_count"), &[], &of.count.to_string());
    }
}

/// Labels with their values.
fn pairs(labels: &[(&str, &str)]) -> String {
    let escaped =
        |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    pairs.collect::<Vec<_>>().join(",")
}

/// Seconds, from nanoseconds: exact.
fn nanos(n: u64) -> String {
    let text = format!("{}.{:09}", n / 1_000_000_000, n % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn thousandths(n: u64) -> String {
    format!("{}.{:03}", n / 1_000, n % 1_000)
}
