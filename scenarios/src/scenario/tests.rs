use stormglass_sim::time::Span;

use super::*;
use crate::catalog;

mod actions;
mod alternatives;
mod control;
mod interval;
mod mistakes;
mod operations;
mod settings;
mod sinks;
mod triggers;

/// A scenario with these lines after the required ones.
fn with(lines: &str) -> Result<Scenario, Problem> {
    let text = format!(
        "name = \"mine\"\ntopology.name = \"word-count\"\n\
         input = {{ rate = \"1k/s\", words = {{ count = 1000 }} }}\n{lines}"
    );
    let scenario = Scenario::parse(&text, "mine.toml")?;
    scenario.topology(&Registry::default())?;
    Ok(scenario)
}

fn wrong(lines: &str) -> String {
    with(lines).unwrap_err().to_string()
}

#[test]
fn what_is_not_written_is_the_default() {
    let source = Source::Words { count: 1_000, vocabulary: 5_000, skew_ppm: 1_000_000 };
    let built = Scenario::new("mine", "word-count", Rate::a_second(1_000), source);
    assert_eq!(with(""), Ok(built.clone()));
    assert_eq!(built.check(), Ok(()));
}

#[test]
fn everything_can_be_written() {
    let scenario = with(
        r#"
        summary = "all of it"
        guarantee = "exactly-once"
        topology.parallelism.count = 8
        topology.cpu.count = "20us"
        topology.snapshot-cpu.count = "30ms"
        topology.max-parallelism = 16
        topology.sinks.publish = "idempotent"
        assume = ["outage-below-transaction-timeout"]
        [sink]
        transaction-timeout = "1min"
        rewrite-after = "64KiB"
        [cluster]
        profile = "storm"
        workers = 5
        slots = 2
        coordinators = "3..5"
        clients = 2
        cores = 3
        racks = 4
        zones = 2
        detector = "phi"
        phi-threshold = 12.5
        scheduler = "default"
        monitor-interval = "5s"
        restart-delay = "0s"
        [checkpoint]
        interval = "500ms"
        timeout = "1min"
        min-pause = "100ms"
        adaptive = { min = "200ms", max = "5min", hysteresis = "15%" }
        retained = 2
        [flow]
        flush = "5ms"
        batch = 10
        credits = 100
        poll = "1ms"
        fetch = 50
        [network]
        latency = "1ms..10ms"
        bandwidth = "1Gbit/s"
        loss = "0.1%"
        duplicate = "5ppm"
        patience = "20s"
        keepalive = "40s"
        [disk]
        latency = "1ms"
        sync = "10ms"
        bandwidth = "100MB/s"
        [raft]
        election-timeout = "200ms..400ms"
        heartbeat = "40ms"
        append = "1KiB"
        inflight = "8KiB"
        chunk = "2KiB"
        snapshot-after = 50
        lease = true
        drift-bound = "25%"
        [clock]
        drift = "1%"
        offset = "5s"
        [phases]
        storm = "10%..90%"
        lull = "2min"
        [[operation]]
        at = "30%..35%"
        rebalance = { workers = 8, executors = { count = 4 } }
        [[operation]]
        at = "40%"
        leave = { who = "supervisor-3" }
        [[operation]]
        at = "storm"
        transfer = {}
        [[operation]]
        at = "1s"
        coordinators = { voters = [1, 2], learners = [3] }
        [[fault]]
        at = "10s"
        crash-machine = { who = "supervisor-5", down = "1s..2s" }
        [[fault]]
        on = { event = "raft-vote-granted", nth = "1..9" }
        times = 3
        crash = { who = "it", down = "1s" }
        [[fault]]
        at = "20%..30%"
        every = "2s..4s"
        chance = "60%"
        isolate = { who = "leader", for = "1s", ways = "out" }
        [[fault]]
        at = "storm"
        times = "2..4"
        drift-clock = { who = "follower", by = "-10%..10%", for = "5s" }
        [[fault]]
        at = "storm"
        poisson = "8s"
        step-clock = { who = "coordinator-2", by = "-10s..10s" }
        [[fault]]
        at = "storm"
        slow-link = { from = "worker-of:count", to = "store", extra = "50ms", for = "3s" }
        "#,
    )
    .unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&scenario).unwrap());
}

#[test]
fn storm_has_its_own_defaults() {
    let lines = "cluster = { profile = \"storm\", heartbeat-timeout = \"20s\" }";
    let cluster = with(lines).unwrap().cluster;
    assert_eq!(cluster.heartbeat_timeout, Span::secs(20));
    assert_eq!(cluster.worker_start_timeout, Span::secs(120));
    assert_eq!(cluster.monitor_interval, Span::secs(10));
}

#[test]
fn targets_are_printed_as_they_are_read() {
    use crate::units::Text;
    for text in [
        "worker",
        "worker-2",
        "store",
        "coordinator",
        "coordinator-1",
        "worker-of:a-b",
        "leader",
        "follower",
        "follower-2",
        "it",
        "operator",
    ] {
        assert_eq!(Target::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Target::parse("broker-1"), Target::parse("broker"));
    for event in EventKind::ALL {
        assert_eq!(EventKind::parse(event.name()), Ok(*event));
    }
}

#[test]
fn the_schema_knows_every_key() {
    let schema = schema();
    let text = schema.to_string();
    for key in [
        "heartbeat-timeout",
        "min-pause",
        "slow-disk",
        "crash-machine",
        "checkpoint-acked",
        "max-parallelism",
        "exactly-once",
        "snapshot-after",
        "phi-threshold",
        "raft-vote-granted",
        "drift-clock",
        "rebalance",
        "adaptive",
        "poisson",
        "snapshot-cpu",
    ] {
        assert!(text.contains(&format!("\"{key}\"")), "{key}");
    }
    assert_eq!(schema["additionalProperties"], serde_json::json!(false));
    assert_eq!(schema["required"], serde_json::json!(["name", "topology", "input"]));
    let interval = &schema["$defs"]["Checkpoint"]["properties"]["interval"];
    insta::assert_snapshot!(serde_json::to_string_pretty(interval).unwrap(), @r#"
    {
      "description": "From one trigger to the next. Default 2s.",
      "examples": [
        "2s"
      ],
      "pattern": "^[0-9]+(\\.[0-9]+)? *(ns|us|ms|s|min|h)$",
      "type": "string"
    }
    "#);
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}", setting in "[a-z.0-9=\" {}\\[\\]%]{0,30}") {
        let _ = Scenario::parse(&text, "odd.toml").map_err(|problem| problem.to_string());
        let _ = catalog::load("reference", &[setting]).map_err(|problem| problem.to_string());
    }

    #[test]
    fn no_damaged_scenario_panics(cut in 0..2_000usize, with in "[a-z.0-9=\" {}\\[\\]%\n]{0,4}") {
        let text = catalog::find("reference").unwrap();
        let cut = text.floor_char_boundary(cut);
        let damaged = format!("{}{with}{}", &text[..cut], text.get(cut + 2..).unwrap_or(""));
        if let Ok(scenario) = Scenario::parse(&damaged, "odd.toml") {
            let _ = scenario.topology(&Registry::default()).map_err(|problem| problem.to_string());
            let _ = crate::plan::generate(&scenario, 1, Span::secs(60));
        }
    }
}
