//! Mistakes in what lets the interval between checkpoints follow failures.

use super::mistakes::in_fault;
use super::wrong;

#[test]
fn intervals_that_cannot_be() {
    insta::assert_snapshot!(wrong("checkpoint.adaptive = { min = \"10s\", max = \"9s\" }"), @r#"
    mine.toml:4:44: the least interval is 10s, which is more
      |
    4 | checkpoint.adaptive = { min = "10s", max = "9s" }
      |                                            ^^^^
    help: write `max` larger than `min`
    "#);
    insta::assert_snapshot!(wrong("checkpoint.adaptive = { min = \"0s\", max = \"9s\" }"), @r#"
    mine.toml:4:31: the least interval is 0
      |
    4 | checkpoint.adaptive = { min = "0s", max = "9s" }
      |                               ^^^^
    help: write a duration above zero, such as "1s"
    "#);
    let wild = "checkpoint.adaptive = { min = \"1s\", max = \"9s\", hysteresis = \"200%\" }";
    assert!(wrong(wild).contains("`200%` is more than the whole"), "{}", wrong(wild));
    let half = wrong("checkpoint.adaptive = { min = \"1s\" }");
    assert!(half.contains("missing") && half.contains("max"), "{half}");
}

#[test]
fn snapshots_that_nobody_survives() {
    insta::assert_snapshot!(wrong("topology.snapshot-cpu.count = \"5s\""), @r#"
    mine.toml:4:31: an executor that is silent for 5s counts as failed
      |
    4 | topology.snapshot-cpu.count = "5s"
      |                               ^^^^
    help: write less, or raise cluster.heartbeat-timeout
    "#);
    insta::assert_snapshot!(wrong("topology.snapshot-cpu.cuont = \"1s\""), @r#"
    mine.toml:4:23: topology `word-count` has no component `cuont`
      |
    4 | topology.snapshot-cpu.cuont = "1s"
      |                       ^^^^^
    help: did you mean `count`?
    "#);
}

#[test]
fn faults_that_come_like_rain() {
    let rain = |lines: &str| in_fault(&format!("{lines}\ncrash = {{ who = \"worker\" }}"));
    insta::assert_snapshot!(rain("at = \"50%\"\npoisson = \"2s\""), @r#"
    mine.toml:6:11: such faults may come at any time of the storm
      |
    6 | poisson = "2s"
      |           ^^^^
    help: write `at = "storm"`
    "#);
    insta::assert_snapshot!(rain("at = \"storm\"\npoisson = \"2s\"\nevery = \"1s\""), @r#"
    mine.toml:6:11: the fault says twice how often
      |
    6 | poisson = "2s"
      |           ^^^^
    help: leave `every` out
    "#);
    insta::assert_snapshot!(rain("at = \"storm\"\npoisson = \"1ms\""), @r#"
    mine.toml:6:11: the times are less than 10ms apart
      |
    6 | poisson = "1ms"
      |           ^^^^^
    "#);
}
