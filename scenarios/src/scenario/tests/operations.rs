use super::*;

/// The mistake in a scenario with these operations, each at its time.
fn asked(operations: &[(&str, &str)]) -> String {
    wrong(&text(operations))
}

fn text(operations: &[(&str, &str)]) -> String {
    let blocks =
        operations.iter().map(|(at, what)| format!("[[operation]]\nat = \"{at}\"\n{what}\n"));
    format!("cluster.coordinators = \"3..5\"\n{}", blocks.collect::<String>())
}

#[test]
fn an_operator_may_give_up() {
    let text = text(&[("50%", "patience = \"60ms\"\ntransfer = {}"), ("60%", "transfer = {}")]);
    let scenario = with(&text).unwrap();
    let patience = scenario.operations.iter().map(|operation| operation.patience);
    assert!(patience.eq([Some(Span::millis(60)), None]));
}

#[test]
fn operations_that_cannot_be() {
    insta::assert_snapshot!(asked(&[("50%", "")]), @r#"
    mine.toml:5:1: the operation does not say what is asked for
      |
    5 | [[operation]]
      | ^^^^^^^^^^^^^
    help: give it a request, such as `rebalance = { workers = 8 }`
    "#);
    let two = "transfer = {}\njoin = { who = \"supervisor-1\" }";
    insta::assert_snapshot!(asked(&[("50%", two)]), @r#"
    mine.toml:7:1: the operation asks for two things at once
      |
    7 | transfer = {}
      | ^^^^^^^^
    help: write one `[[operation]]` for each
    "#);
    insta::assert_snapshot!(asked(&[("50%", "rebalance = {}")]), @r#"
    mine.toml:7:13: the rebalance changes nothing
      |
    7 | rebalance = {}
      |             ^^
    help: write `workers = 8`
    "#);
    insta::assert_snapshot!(asked(&[("50%", "rebalance = { workers = 9 }")]), @r#"
    mine.toml:7:25: the cluster has slots for 1 to 4 workers
      |
    7 | rebalance = { workers = 9 }
      |                         ^
    "#);
    insta::assert_snapshot!(asked(&[("50%", "rebalance = { executors = { cuont = 1 } }")]), @r#"
    mine.toml:7:29: topology `word-count` has no component `cuont`
      |
    7 | rebalance = { executors = { cuont = 1 } }
      |                             ^^^^^
    help: did you mean `count`?
    "#);
    insta::assert_snapshot!(asked(&[("50%", "rebalance = { executors = { count = 0 } }")]), @r#"
    mine.toml:7:37: `count` needs at least 1 executor
      |
    7 | rebalance = { executors = { count = 0 } }
      |                                     ^
    "#);
    insta::assert_snapshot!(asked(&[("50%", "rebalance = { executors = { count = 99 } }")]), @r#"
    mine.toml:7:37: `count` has 4 tasks for 99 executors
      |
    7 | rebalance = { executors = { count = 99 } }
      |                                     ^^
    help: raise topology.parallelism.count
    "#);
    insta::assert_snapshot!(asked(&[("50%", "leave = { who = \"worker-1\" }")]), @r#"
    mine.toml:7:17: `worker-1` is no supervisor with a number
      |
    7 | leave = { who = "worker-1" }
      |                 ^^^^^^^^^^
    help: write one such as "supervisor-3"
    "#);
    insta::assert_snapshot!(asked(&[("50%", "join = { who = \"supervisor-5\" }")]), @r#"
    mine.toml:7:16: there is no supervisor-5: the cluster has 4 of them
      |
    7 | join = { who = "supervisor-5" }
      |                ^^^^^^^^^^^^^^
    help: raise `cluster.workers`: it counts those that join too
    "#);
    insta::assert_snapshot!(asked(&[("50%", "coordinators = { voters = [] }")]), @r#"
    mine.toml:7:27: nobody would vote
      |
    7 | coordinators = { voters = [] }
      |                           ^^
    "#);
    insta::assert_snapshot!(asked(&[("50%", "coordinators = { voters = [1, 4] }")]), @r#"
    mine.toml:7:27: there is no coordinator 4: every seed has 1 to 3
      |
    7 | coordinators = { voters = [1, 4] }
      |                           ^^^^^^
    "#);
    let twice = "coordinators = { voters = [1, 2], learners = [2] }";
    insta::assert_snapshot!(asked(&[("50%", twice)]), @r#"
    mine.toml:7:46: coordinator 2 is there twice
      |
    7 | coordinators = { voters = [1, 2], learners = [2] }
      |                                              ^^^
    "#);
    insta::assert_snapshot!(asked(&[("noon", "transfer = {}")]), @r#"
    mine.toml:6:6: `noon` is not a time
      |
    6 | at = "noon"
      |      ^^^^^^
    help: write "30s", "20%..40%" of the input's duration, or "storm"
    "#);
    insta::assert_snapshot!(wrong("[[operation]]\nat = \"50%\"\ntransfer = {}"), @r#"
    mine.toml:6:12: there is no other coordinator to lead
      |
    6 | transfer = {}
      |            ^^
    help: raise `cluster.coordinators`
    "#);
}

#[test]
fn a_supervisor_comes_and_goes_by_turns() {
    let (join, leave) = ("join = { who = \"supervisor-2\" }", "leave = { who = \"supervisor-2\" }");
    insta::assert_snapshot!(asked(&[("20%..40%", leave), ("30%..50%", join)]), @r#"
    mine.toml:9:6: supervisor-2 may come and go in any order
      |
    9 | at = "30%..50%"
      |      ^^^^^^^^^^
    help: give its operations times of one kind that do not overlap
    "#);
    insta::assert_snapshot!(asked(&[("20%", leave), ("30s", join)]), @r#"
    mine.toml:9:6: supervisor-2 may come and go in any order
      |
    9 | at = "30s"
      |      ^^^^^
    help: give its operations times of one kind that do not overlap
    "#);
    insta::assert_snapshot!(asked(&[("60%", join), ("20%", join)]), @r#"
    mine.toml:6:6: supervisor-2 does so twice in a row
      |
    6 | at = "60%"
      |      ^^^^^
    help: it joins and leaves by turns
    "#);
    let joining = |operations: &[(&str, &str)]| with(&text(operations)).unwrap().joining();
    assert_eq!(joining(&[("20%", leave), ("50%", join)]), [0; 0]);
    assert_eq!(joining(&[("50%", leave), ("20%..30%", join)]), [2]);
    assert_eq!(
        joining(&[("50%", "join = { who = \"supervisor-3\" }"), ("20%..30%", join)]),
        [2, 3]
    );
}
