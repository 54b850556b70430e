use super::*;

/// The mistake in a scenario with one fault.
pub(super) fn in_fault(lines: &str) -> String {
    wrong(&format!("[[fault]]\n{lines}"))
}

/// The mistake in a scenario with one action.
pub(super) fn aimed(action: &str) -> String {
    in_fault(&format!("at = \"50%\"\n{action}"))
}

/// The mistake in a whole text.
fn parse(text: &str) -> String {
    Scenario::parse(text, "mine.toml").unwrap_err().to_string()
}

const CRASH: &str = "crash = { who = \"worker\" }";
const PAUSE: &str = "pause = { who = \"worker\", for = \"1s\" }";

#[test]
fn unknown_keys_and_values() {
    insta::assert_snapshot!(wrong("[checkpoint]\nintervall = \"2s\""), @r#"
    mine.toml:5:1: unknown key `intervall`
      |
    5 | intervall = "2s"
      | ^^^^^^^^^
    help: did you mean `interval`?
    "#);
    insta::assert_snapshot!(wrong("[cluster]\nheartbeat_timeout = \"2s\""), @r#"
    mine.toml:5:1: unknown key `heartbeat_timeout`
      |
    5 | heartbeat_timeout = "2s"
      | ^^^^^^^^^^^^^^^^^
    help: did you mean `heartbeat-timeout`?
    "#);
    insta::assert_snapshot!(wrong("[phases]\nrain = true"), @r#"
    mine.toml:5:1: unknown key `rain`
      |
    5 | rain = true
      | ^^^^
    help: keys are storm, lull
    "#);
    assert!(
        wrong("[weather]\nrain = true").contains("keys are name, summary, guarantee, topology")
    );
    insta::assert_snapshot!(wrong("guarantee = \"exactly_once\""), @r#"
    mine.toml:4:13: `exactly_once` is not a guarantee
      |
    4 | guarantee = "exactly_once"
      |             ^^^^^^^^^^^^^^
    help: did you mean `exactly-once`?
    "#);
    insta::assert_snapshot!(wrong("cluster.profile = \"flink\""), @r#"
    mine.toml:4:19: `flink` is not a profile
      |
    4 | cluster.profile = "flink"
      |                   ^^^^^^^
    help: profiles are catalog, storm
    "#);
    let keys = in_fault("at = \"50%\"\nexplode = { who = \"worker\" }");
    assert!(keys.contains("mine.toml:6:1: unknown key `explode`"), "{keys}");
    assert!(keys.contains("help: keys are at, on, times, every, poisson, chance"), "{keys}");
    assert!(keys.contains("crash, crash-loop, pause, slow-cpu, crash-machine"), "{keys}");
    insta::assert_snapshot!(wrong("topology.parallelism.cuont = 3"), @r#"
    mine.toml:4:22: topology `word-count` has no component `cuont`
      |
    4 | topology.parallelism.cuont = 3
      |                      ^^^^^
    help: did you mean `count`?
    "#);
    insta::assert_snapshot!(wrong("topology.cpu.cuont = \"1ms\""), @r#"
    mine.toml:4:14: topology `word-count` has no component `cuont`
      |
    4 | topology.cpu.cuont = "1ms"
      |              ^^^^^
    help: did you mean `count`?
    "#);
    let on = "on = { event = \"checkpoint-acknowledged\", nth = 3 }";
    insta::assert_snapshot!(in_fault(&format!("{on}\n{PAUSE}")), @r#"
    mine.toml:5:16: `checkpoint-acknowledged` is not an event
      |
    5 | on = { event = "checkpoint-acknowledged", nth = 3 }
      |                ^^^^^^^^^^^^^^^^^^^^^^^^^
    help: did you mean `checkpoint-acked`?
    "#);
}

#[test]
fn wrong_types_and_missing_units() {
    insta::assert_snapshot!(wrong("checkpoint.interval = 5"), @r#"
    mine.toml:4:23: `5` is not a duration
      |
    4 | checkpoint.interval = 5
      |                       ^
    help: write a duration such as "2s"
    "#);
    insta::assert_snapshot!(wrong("checkpoint.interval = \"5\""), @r#"
    mine.toml:4:23: `5` has no unit
      |
    4 | checkpoint.interval = "5"
      |                       ^^^
    help: write a duration such as "2s"; units are ns, us, ms, s, min, h
    "#);
    insta::assert_snapshot!(wrong("checkpoint.interval = true"), @r#"
    mine.toml:4:23: expected a duration such as "2s", found boolean `true`
      |
    4 | checkpoint.interval = true
      |                       ^^^^
    "#);
    insta::assert_snapshot!(wrong("cluster.workers = -1"), @r#"
    mine.toml:4:19: expected a whole number from 0 to 65535, found integer `-1`
      |
    4 | cluster.workers = -1
      |                   ^^
    "#);
    insta::assert_snapshot!(wrong("cluster.workers = \"4\""), @r#"
    mine.toml:4:19: expected a whole number from 0 to 65535, found string "4"
      |
    4 | cluster.workers = "4"
      |                   ^^^
    "#);
    insta::assert_snapshot!(wrong("cluster = 4"), @r#"
    mine.toml:4:11: expected a table, found integer `4`
      |
    4 | cluster = 4
      |           ^
    "#);
    insta::assert_snapshot!(wrong("fault = 4"), @r#"
    mine.toml:4:9: expected a list, found integer `4`
      |
    4 | fault = 4
      |         ^
    "#);
    insta::assert_snapshot!(wrong("network.loss = 0.1"), @r#"
    mine.toml:4:16: `0.1` is not a share
      |
    4 | network.loss = 0.1
      |                ^^^
    help: write a share such as "0.1%"
    "#);
    insta::assert_snapshot!(wrong("cluster.workers = = 4"), @r#"
    mine.toml:4:19: extra `=`, expected nothing
      |
    4 | cluster.workers = = 4
      |                   ^
    "#);
    insta::assert_snapshot!(wrong("name = \"again\""), @r#"
    mine.toml:4:1: duplicate key
      |
    4 | name = "again"
      | ^^^^
    "#);
}

#[test]
fn missing_keys() {
    insta::assert_snapshot!(parse(""), @"mine.toml: the key `name` is missing");
    insta::assert_snapshot!(parse("name = 'x'\n[topology]\n"), @r#"
    mine.toml:2:1: the key `name` is missing
      |
    2 | [topology]
      | ^^^^^^^^^^
    "#);
    insta::assert_snapshot!(parse(
        "name = 'x'\ntopology.name = 'x'\ninput = { rate = '1/s' }"
    ), @r#"
    mine.toml:3:9: the input has no source
      |
    3 | input = { rate = '1/s' }
      |         ^^^^^^^^^^^^^^^^
    help: give it `csv = { file = ".." }` or `words = { count = .. }`
    "#);
    insta::assert_snapshot!(parse(
        "name = 'x'\ntopology.name = 'x'\n[input]\nrate = '1/s'\nwords.count = 1\ncsv.file = 'x'"
    ), @r#"
    mine.toml:5:1: the input has two sources
      |
    5 | words.count = 1
      | ^^^^^
    help: leave out `csv` or `words`
    "#);
    insta::assert_snapshot!(in_fault(CRASH), @r#"
    mine.toml:4:1: the fault does not say when it strikes
      |
    4 | [[fault]]
      | ^^^^^^^^^
    help: give it `at = "20%..40%"` or `on = { event = .., nth = .. }`
    "#);
    insta::assert_snapshot!(in_fault("at = \"50%\""), @r#"
    mine.toml:4:1: the fault does not say what happens
      |
    4 | [[fault]]
      | ^^^^^^^^^
    help: give it an action, such as `crash = { who = "worker-2" }`
    "#);
    insta::assert_snapshot!(in_fault("at = \"50%\"\ncrash = {}"), @r#"
    mine.toml:6:9: the key `who` is missing
      |
    6 | crash = {}
      |         ^^
    "#);
    let on = "on = { event = \"cut\", nth = 1 }";
    insta::assert_snapshot!(aimed(&format!("{on}\n{CRASH}")), @r#"
    mine.toml:6:1: the fault says twice when
      |
    6 | on = { event = "cut", nth = 1 }
      | ^^
    help: leave out `at` or `on`
    "#);
    insta::assert_snapshot!(in_fault(&format!("at = \"50%\"\n{CRASH}\n{PAUSE}")), @r#"
    mine.toml:7:1: the fault does two things at once
      |
    7 | pause = { who = "worker", for = "1s" }
      | ^^^^^
    help: write one `[[fault]]` for each action
    "#);
}

#[test]
fn what_makes_no_sense() {
    insta::assert_snapshot!(wrong("cluster.workers = 0"), @r#"
    mine.toml:4:19: a cluster needs at least 1 worker
      |
    4 | cluster.workers = 0
      |                   ^
    "#);
    insta::assert_snapshot!(wrong("checkpoint.interval = \"0s\""), @r#"
    mine.toml:4:23: the interval is 0
      |
    4 | checkpoint.interval = "0s"
      |                       ^^^^
    help: write a duration above zero, such as "1s"
    "#);
    insta::assert_snapshot!(wrong("cluster.heartbeat-timeout = \"1s\""), @r#"
    mine.toml:4:29: a timeout of 1s suspects every worker: heartbeats are 1s apart
      |
    4 | cluster.heartbeat-timeout = "1s"
      |                             ^^^^
    help: give it the time of several heartbeats
    "#);
    insta::assert_snapshot!(wrong("phases.storm = \"80%..20%\""), @r#"
    mine.toml:4:16: the range `80%..20%` ends before it begins
      |
    4 | phases.storm = "80%..20%"
      |                ^^^^^^^^^^
    help: write "20%..80%"
    "#);
    insta::assert_snapshot!(wrong("phases.storm = \"80%\""), @r#"
    mine.toml:4:16: the storm must end after it begins, and at 100% at the latest
      |
    4 | phases.storm = "80%"
      |                ^^^^^
    help: write a range such as "20%..80%"
    "#);
    insta::assert_snapshot!(wrong("topology.parallelism.count = 0"), @r#"
    mine.toml:4:30: component `count`: it has 0 tasks: a component needs at least 1
      |
    4 | topology.parallelism.count = 0
      |                              ^
    "#);
    let few = with("topology.max-parallelism = 2").unwrap_err();
    assert!(few.message.contains("only 2 key groups"), "{few}");
    assert_eq!(few.place.map(|place| (place.line, place.column)), Some((4, 28)));
    for (key, value) in [
        ("cluster.slots", "0"),
        ("cluster.cores", "0"),
        ("cluster.racks", "0"),
        ("cluster.zones", "0"),
        ("cluster.zones", "2"),
        ("cluster.coordinators", "0"),
        ("cluster.heartbeat-interval", "\"0s\""),
        ("cluster.monitor-interval", "\"0s\""),
        ("checkpoint.timeout", "\"0s\""),
        ("checkpoint.retained", "0"),
        ("flow.batch", "0"),
        ("flow.credits", "0"),
        ("flow.fetch", "0"),
        ("flow.flush", "\"0s\""),
        ("flow.poll", "\"0s\""),
        ("network.bandwidth", "\"0B/s\""),
        ("disk.bandwidth", "\"0B/s\""),
        ("topology.max-parallelism", "0"),
    ] {
        let problem = with(&format!("{key} = {value}")).unwrap_err();
        assert_eq!(problem.place.as_ref().map(|place| place.line), Some(4), "{problem}");
    }
}

#[test]
fn faults_aimed_at_nobody() {
    insta::assert_snapshot!(aimed("crash = { who = \"wroker\" }"), @r#"
    mine.toml:6:17: `wroker` is nobody: there is no role `wroker`
      |
    6 | crash = { who = "wroker" }
      |                 ^^^^^^^^
    help: did you mean `worker`?
    "#);
    let nobody = aimed("crash = { who = \"zookeeper\" }");
    assert!(nobody.contains("`zookeeper` is nobody: there is no role `zookeeper`"), "{nobody}");
    assert!(nobody.contains("help: roles are worker, supervisor, coordinator, broker"), "{nobody}");
    assert!(nobody.contains("leader, follower, it, worker-of:"), "{nobody}");
    insta::assert_snapshot!(aimed("crash = { who = \"worker-5\" }"), @r#"
    mine.toml:6:17: there is no worker-5: the cluster has 4 of them
      |
    6 | crash = { who = "worker-5" }
      |                 ^^^^^^^^^^
    help: the last one is `worker-4`
    "#);
    insta::assert_snapshot!(aimed("crash = { who = \"worker-0\" }"), @r#"
    mine.toml:6:17: `worker-0` is nobody: the members of a role are numbered from 1
      |
    6 | crash = { who = "worker-0" }
      |                 ^^^^^^^^^^
    help: the first one is `worker-1`
    "#);
    insta::assert_snapshot!(aimed(
        "slow-disk = { who = \"store-2\", factor = 9, for = \"1s\" }"
    ), @r#"
    mine.toml:6:21: there is only one store
      |
    6 | slow-disk = { who = "store-2", factor = 9, for = "1s" }
      |                     ^^^^^^^^^
    help: write "store"
    "#);
    insta::assert_snapshot!(aimed("crash = { who = \"worker-of:cuont\" }"), @r#"
    mine.toml:6:17: topology `word-count` has no component `cuont`
      |
    6 | crash = { who = "worker-of:cuont" }
      |                 ^^^^^^^^^^^^^^^^^
    help: did you mean `count`?
    "#);
    insta::assert_snapshot!(aimed("crash = { who = \"worker-of:\" }"), @r#"
    mine.toml:6:17: `worker-of:` names no component
      |
    6 | crash = { who = "worker-of:" }
      |                 ^^^^^^^^^^^^
    help: name one, such as "worker-of:count"
    "#);
    insta::assert_snapshot!(aimed(
        "cut = { from = \"worker-1\", to = \"supervisor-1\", for = \"1s\" }"
    ), @r#"
    mine.toml:6:33: `worker-1` and `supervisor-1` share one machine: they have no link
      |
    6 | cut = { from = "worker-1", to = "supervisor-1", for = "1s" }
      |                                 ^^^^^^^^^^^^^^
    "#);
}

#[test]
fn faults_that_cannot_be() {
    insta::assert_snapshot!(in_fault("at = \"50%\"\ncrash = { who = \"coordinator\" }"), @r#"
    mine.toml:6:17: nobody restarts a coordinator
      |
    6 | crash = { who = "coordinator" }
      |                 ^^^^^^^^^^^^^
    help: say how long it is down: `down = "2s"`
    "#);
    insta::assert_snapshot!(aimed("crash = { who = \"worker\", down = \"2s\" }"), @r#"
    mine.toml:6:34: a worker is restarted by its supervisor
      |
    6 | crash = { who = "worker", down = "2s" }
      |                                  ^^^^
    help: leave `down` out and see cluster.restart-delay
    "#);
    insta::assert_snapshot!(in_fault("at = \"90%\"\ncrash = { who = \"worker\" }"), @r#"
    mine.toml:5:6: the fault is outside the storm, which lasts from 20% to 80%
      |
    5 | at = "90%"
      |      ^^^^^
    help: move it, or set `phases.storm`
    "#);
    insta::assert_snapshot!(in_fault("at = \"noon\"\ncrash = { who = \"worker\" }"), @r#"
    mine.toml:5:6: `noon` is not a time
      |
    5 | at = "noon"
      |      ^^^^^^
    help: write "30s", "20%..40%" of the input's duration, or "storm"
    "#);
    insta::assert_snapshot!(aimed("pause = { who = \"worker\", for = \"0s\" }"), @r#"
    mine.toml:6:33: it takes no time at all
      |
    6 | pause = { who = "worker", for = "0s" }
      |                                 ^^^^
    help: write a duration above zero
    "#);
    insta::assert_snapshot!(in_fault(&format!("on = {{ event = \"cut\", nth = 0 }}\n{CRASH}")), @r#"
    mine.toml:5:29: nothing happens 0 times
      |
    5 | on = { event = "cut", nth = 0 }
      |                             ^
    help: the first time is 1
    "#);
}
