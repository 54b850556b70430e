use super::*;
use crate::units::{Between, Share};

#[test]
fn settings() {
    let set = |setting: &str| catalog::load("reference", &[setting]);
    assert_eq!(set("checkpoint.interval=5s").unwrap().checkpoint.interval, Span::secs(5));
    assert_eq!(set(" checkpoint . interval = '5s' ").unwrap().checkpoint.interval, Span::secs(5));
    assert_eq!(set("cluster.workers=8").unwrap().cluster.workers, 8);
    assert_eq!(set("cluster.profile=storm").unwrap().cluster.profile, Profile::Storm);
    assert_eq!(set("network.loss=1%").unwrap().network.loss_ppm, 10_000);
    assert_eq!(set("topology.parallelism.count=8").unwrap().topology.parallelism["count"], 8);
    assert_eq!(set("topology.parallelism.words=1").unwrap().topology.parallelism["count"], 4);
    let half = Between::just(Share::percent(50));
    assert_eq!(set("fault.1.at=50%").unwrap().faults[0].when, When::Share(half));
    assert_eq!(set("fault=[]").unwrap().faults, []);
    let twice = catalog::load("reference", &["cluster.workers=8", "cluster.workers=9"]).unwrap();
    assert_eq!(twice.cluster.workers, 9);
    assert_eq!(twice.set("cluster.slots=2").unwrap().cluster.members(Role::Worker), 18);
    let (text, settings) = twice.origin.written().unwrap();
    assert_eq!(Scenario::parse_with(text, "again", settings), Ok(twice.clone()));

    let wrong = |setting: &str| match catalog::load("reference", &["cluster.cores=4", setting]) {
        Err(problem) => problem.to_string(),
        Ok(scenario) => scenario.topology(&Registry::default()).unwrap_err().to_string(),
    };
    insta::assert_snapshot!(wrong("checkpoint.intervall=5s"), @r#"
    --set:2:12: unknown key `intervall`
      |
    2 | checkpoint.intervall="5s"
      |            ^^^^^^^^^
    help: did you mean `interval`?
    "#);
    insta::assert_snapshot!(wrong("checkpoint.interval=5"), @r#"
    --set:2:21: `5` is not a duration
      |
    2 | checkpoint.interval=5
      |                     ^
    help: write a duration such as "2s"
    "#);
    insta::assert_snapshot!(wrong("checkpoint.interval=5 sec"), @r#"
    --set:2:21: `sec` is not a unit of duration
      |
    2 | checkpoint.interval="5 sec"
      |                     ^^^^^^^
    help: write a duration such as "2s"; units are ns, us, ms, s, min, h
    "#);
    insta::assert_snapshot!(wrong("chekpoint.interval=5s"), @r#"
    --set:2:1: unknown key `chekpoint`
      |
    2 | chekpoint.interval="5s"
      | ^^^^^^^^^
    help: did you mean `checkpoint`?
    "#);
    insta::assert_snapshot!(wrong("checkpoint=5s"), @r#"
    --set:2:12: expected a table, found string "5s"
      |
    2 | checkpoint="5s"
      |            ^^^^
    "#);
    insta::assert_snapshot!(wrong("cluster.workers=0"), @r#"
    --set:2:17: a cluster needs at least 1 worker
      |
    2 | cluster.workers=0
      |                 ^
    "#);
    insta::assert_snapshot!(wrong("cluster.workers"), @r#"
    --set: `cluster.workers` sets nothing
    help: write key=value, such as input.rate=5k/s
    "#);
    insta::assert_snapshot!(wrong("cluster..workers=1"), @r#"
    --set:2:9: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`
      |
    2 | cluster..workers=1
      |         ^
    "#);
    insta::assert_snapshot!(wrong("fault.8.at=50%"), @r#"
    --set:2:7: there is no fault `8`
      |
    2 | fault.8.at="50%"
      |       ^
    help: they are numbered from 1 to 7
    "#);
    insta::assert_snapshot!(wrong("fault.at=50%"), @r#"
    --set:2:7: there is no fault `at`
      |
    2 | fault.at="50%"
      |       ^^
    help: they are numbered from 1 to 7
    "#);
    insta::assert_snapshot!(wrong("fault.2.crash.who=worker-of:cont"), @r#"
    --set:2:19: topology `word-count` has no component `cont`
      |
    2 | fault.2.crash.who="worker-of:cont"
      |                   ^^^^^^^^^^^^^^^^
    help: did you mean `count`?
    "#);
    insta::assert_snapshot!(wrong("input.csv.file=flights.csv"), @r#"
    reference.toml:18:1: the input has two sources
       |
    18 | words = { count = 60_000, vocabulary = 5_000, skew = 1.0 }
       | ^^^^^
    help: leave out `csv` or `words`
    "#);
    insta::assert_snapshot!(wrong("=5"), @r#"
    --set:2:1: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`
      |
    2 | =5
      | ^
    "#);
}

#[test]
fn a_scenario_built_in_rust_is_checked_too() {
    let mut scenario = catalog::load("reference", &[] as &[&str]).unwrap();
    scenario.origin = Origin::default();
    scenario.cluster.workers = 1;
    scenario.faults[0].target = Target::Member(Role::Worker, 2);
    insta::assert_snapshot!(scenario.check().unwrap_err(), @r#"
    fault.1.crash.who: there is only one worker
    help: write "worker"
    "#);
    let set = scenario.set("cluster.workers=4").unwrap_err().to_string();
    assert_eq!(set, "a scenario built in Rust has no keys to set: change its fields");
    scenario.topology.name = "flight-delay".to_string();
    insta::assert_snapshot!(scenario.topology(&Registry::default()).unwrap_err(), @r#"
    topology.name: unknown topology `flight-delay`
    help: did you mean `flight-delays`?
    "#);
}
