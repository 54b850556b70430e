//! What an application may hand in and a run must survive: rows that are no rows, files that are
//! none, scenarios built in Rust that make no sense, faults that find nobody. Each gets a counted
//! dead letter, one clear error or an honest verdict; never a panic, never silence.
//!
//! What a scenario's text may get wrong is tested beside its parser, plans and cases beside theirs.

use std::borrow::Cow;
use std::sync::Arc;

use stormglass_engine::component::{Bolt, BoltContext, Outcome as Done};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_scenarios::catalog;
use stormglass_scenarios::outcome::{Outcome, Unjudged};
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::{
    ActionSpec, Event, EventKind, FaultSpec, On, Scenario, Target, When,
};
use stormglass_scenarios::topologies::Registry;
use stormglass_scenarios::topologies::words::Words;
use stormglass_scenarios::units::Between;
use stormglass_sim::time::Span;
use stormglass_tests::runs::{assert_holds, scenario, setup, setup_with, short};

/// Runs the flights through the catalog's storm with a file of one's own in their place.
fn run_file(text: &str) -> Result<Outcome, String> {
    let rows = text.lines().count().max(2) - 1;
    let limit = format!("input.csv.limit={rows}");
    let scenario = scenario("flight-delays", &[&limit, "input.rate=200/s"]);
    let file = |_: &str| Ok::<Cow<'static, str>, String>(Cow::Owned(text.to_string()));
    let setup = Setup::new(&scenario, &Registry::default(), &file, 1);
    setup.map(Setup::run).map_err(|problem| problem.to_string())
}

#[test]
fn rows_that_are_none_become_dead_letters_through_all_faults() {
    let file = catalog::file("flights.csv").unwrap();
    let bad = ["", ",,,,", "2001-01-31T16:40,FLL,ISP,late,1093", "\u{1F327}", "a,b,c,d,e,f,g"];
    let mut text = String::new();
    let mut dead = 0;
    for (n, line) in file.lines().take(4_001).enumerate() {
        let row = if n > 0 && n % 7 == 0 { bad[n / 7 % bad.len()] } else { line };
        dead += u64::from(row != line);
        text += row;
        text += "\n";
    }
    let outcome = run_file(&text).unwrap();
    assert_holds(&outcome);
    assert_eq!(dead, 571);
    assert_eq!(outcome.published["dead-letters"], dead, "each is counted once, replayed or not");
    assert_eq!(outcome.published["publish"], 2 * (4_000 - dead));
    assert!(!outcome.recoveries.is_empty() && outcome.flow.replayed > 0);
}

#[test]
fn a_file_of_nothing_but_dead_letters_is_a_run_like_any_other() {
    let text = "header\n".to_string() + &"no flight at all\n".repeat(2_000);
    let outcome = run_file(&text).unwrap();
    assert_holds(&outcome);
    assert_eq!(outcome.published["dead-letters"], 2_000);
    assert_eq!(outcome.published["publish"], 0);
}

#[test]
fn a_file_without_a_row_is_refused() {
    for text in ["", "\n", "departure,origin,destination,delay,distance\n"] {
        let problem = run_file(text).unwrap_err();
        assert!(problem.contains("row") || problem.contains("empty"), "{problem}");
    }
}

#[test]
fn a_very_long_row_and_a_single_row_are_rows() {
    let long = format!("header\n{}\n", "x".repeat(1 << 20));
    for text in ["header\nSAN\n", long.as_str()] {
        let calm = Scenario { faults: vec![], ..(*scenario("flight-delays", &[])).clone() };
        let file = |_: &str| Ok::<Cow<'static, str>, String>(Cow::Owned(text.to_string()));
        let setup = Setup::new(&Arc::new(calm), &Registry::default(), &file, 1).unwrap();
        let outcome = setup.run();
        assert_holds(&outcome);
        assert_eq!(outcome.published["dead-letters"], 1);
    }
}

/// What the answer must say, and the mistake.
type Mistake = (&'static str, fn(&mut Scenario));

#[test]
fn a_scenario_built_in_rust_is_checked() {
    let mistakes: &[Mistake] = &[
        ("at least 1 worker", |s| s.cluster.workers = 0),
        ("at least 1 slot", |s| s.cluster.slots = 0),
        ("at least 1 core", |s| s.cluster.cores = 0),
        ("at least 1 coordinator", |s| s.cluster.coordinators = Between::just(0)),
        ("heartbeat-interval is 0", |s| s.cluster.heartbeat_interval = Span::ZERO),
        ("the interval is 0", |s| s.checkpoint.interval = Span::ZERO),
        ("at least 1 checkpoint", |s| s.checkpoint.retained = 0),
        ("at least 1 tuple", |s| s.flow.batch = 0),
        ("at least 1 credit", |s| s.flow.credits = 0),
        ("the flush is 0", |s| s.flow.flush = Span::ZERO),
        ("at least 1 partition", |s| s.input.partitions = 0),
        ("a rate of 0", |s| s.input.rate.records = 0),
        ("some bandwidth", |s| s.disk.bandwidth = 0),
        ("the range ends", |s| s.network.latency_min = Span::secs(9)),
        ("the storm must end", |s| s.phases.storm_from_percent = 90),
        ("`no-such-topology`", |s| s.topology.name = "no-such-topology".to_string()),
        ("`no-such-component`", |s| {
            s.topology.parallelism.insert("no-such-component".to_string(), 2);
        }),
        ("`count`", |s| {
            s.topology.parallelism.insert("count".to_string(), 0);
        }),
    ];
    let sound = scenario("word-count", short("word-count"));
    for (says, make) in mistakes {
        let mut wrong = (*sound).clone();
        make(&mut wrong);
        let checked = wrong.check().and_then(|()| wrong.topology(&Registry::default()));
        let problem = checked.map(|_| ()).expect_err(says).to_string();
        assert!(problem.contains(says), "{says:?} is not in: {problem}");
    }
}

#[test]
fn a_fault_that_finds_nobody_is_told_and_disturbs_nothing() {
    let calm =
        Scenario { faults: vec![], ..(*scenario("word-count", short("word-count"))).clone() };
    let mut never = calm.clone();
    let crash = ActionSpec::Crash { down: None };
    never.faults.push(FaultSpec::once(
        When::On(On::new(Event::Seen(EventKind::CheckpointAborted), Between::just(1_000))),
        crash.clone(),
        Target::WorkerOf("count".to_string()),
    ));
    let outcome = setup(&never.into(), 1).run();
    let unjudged = outcome.unjudged().unwrap_or_else(|| panic!("{:?}", outcome.verdict));
    assert_eq!(*unjudged, Unjudged::vacuous());
    assert_eq!(outcome.faults[0].at, None);
    assert!(outcome.is_vacuous());

    let mut nobody = calm;
    let target = Target::WorkerOf("no-such-component".to_string());
    nobody.faults.push(FaultSpec::once(When::Storm, crash, target));
    let nobody = Setup::new(&nobody.into(), &Registry::default(), &catalog::file, 1);
    let problem = nobody.map(|_| ()).expect_err("there is no such component").to_string();
    assert!(problem.contains("no-such-component"), "{problem}");
}

/// Emits on a stream that it has not declared.
#[derive(Clone, Debug)]
struct Careless;

impl Bolt for Careless {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word"]);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Done {
        cx.emit_to("no-such-stream", tuple.values);
        Ok(())
    }
}

fn careless() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("careless");
    builder.spout("words", Words, 1);
    builder.bolt("careless", Careless, 1).shuffle("words");
    builder.sink("publish", 1).shuffle("careless");
    builder
}

#[test]
fn a_bolt_that_emits_on_a_stream_it_has_not_declared_is_named() {
    let mut calm = (*scenario("word-count", short("word-count"))).clone();
    calm.faults.clear();
    calm.topology.name = "careless".to_string();
    calm.topology.parallelism.clear();
    let registry = Registry::default().with("careless", careless);
    let outcome = setup_with(&calm.into(), &registry, 1).run();
    let [violation, ..] = outcome.violations() else { panic!("{:?}", outcome.verdict) };
    for part in ["`careless`", "`no-such-stream`"] {
        assert!(violation.sentence.contains(part), "{}", violation.sentence);
    }
}
