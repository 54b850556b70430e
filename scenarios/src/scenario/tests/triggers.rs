use super::mistakes::{aimed, in_fault};
use super::*;
use crate::plan::{self, Plan, Trigger};
use crate::scenario::{Awaited, Event, On, Phase, Tasks, Time, When};
use crate::units::Share;

const CRASH: &str = "crash = { who = \"worker\" }";

fn on(lines: &str) -> OnSpec {
    let text = format!("[[fault]]\non = {{ {lines} }}\n{CRASH}");
    let scenario = with(&text).unwrap_or_else(|problem| panic!("{problem}"));
    match &scenario.faults[0].when {
        When::On(on) => on.clone(),
        other => panic!("{other:?}"),
    }
}

fn mistake(lines: &str) -> String {
    in_fault(&format!("on = {{ {lines} }}\n{CRASH}"))
}

#[test]
fn a_trigger_is_a_conjunction() {
    let plain = on("event = \"cut\", nth = \"3..9\"");
    assert_eq!(plain, On::new(Event::Seen(EventKind::Cut), Between { min: 3, max: 9 }));
    let whole = on("event = \"checkpoint-acked\", checkpoint = \"7..9\", share = \"50%\", \
                    of = \"count\", by = \"leader\", while = [\"serving\", \"restore\"], nth = 2, \
                    since = \"storm\", after = { phase = \"aligning\", while = \"serving\" }");
    let once = Between::just(1);
    let aligning = On::new(Event::Entered(Phase::Aligning), once);
    assert_eq!(
        whole,
        On {
            event: Event::Seen(EventKind::CheckpointAcked),
            nth: Between::just(2),
            tasks: Some(Tasks::Share(Share::percent(50))),
            checkpoint: Some(Between { min: 7, max: 9 }),
            generation: None,
            of: Some("count".to_string()),
            by: Some(Target::Leader),
            during: vec![Phase::Serving, Phase::Restore],
            since: Some(Time::Storm),
            after: Some(Box::new(On { during: vec![Phase::Serving], ..aligning })),
        }
    );
    let left = on("event = \"restored\", generation = 2, left = 1");
    assert_eq!((left.tasks, left.nth), (Some(Tasks::Left(1)), once));
}

#[test]
fn a_trigger_is_drawn_and_written_with_all_its_conditions() {
    let text =
        "[[fault]]\non = { event = \"cut\", checkpoint = \"3..9\", left = 1, since = \"20%..40%\", \
                after = { event = \"leads\", nth = \"1..5\", by = \"coordinator-1\" } }\n"
            .to_string() + CRASH;
    let scenario = with(&text).unwrap();
    let mut drawn = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let plan = plan::generate(&scenario.drawn(seed), seed, Span::secs(60)).unwrap();
        let json = plan.to_json();
        assert_eq!(Plan::from_json(&json, "x").unwrap_or_else(|p| panic!("{p}")), plan, "{json}");
        let Trigger::On(on) = &plan.faults[0].trigger else { panic!("{json}") };
        let since = on.since.unwrap();
        assert!(Span::secs(12) <= since && since <= Span::secs(24));
        drawn.insert((on.checkpoint.unwrap(), on.after.as_ref().unwrap().nth));
    }
    assert!(drawn.iter().all(|(cp, nth)| (3..=9).contains(cp) && (1..=5).contains(nth)));
    assert!(drawn.len() > 15, "each is drawn for itself: {drawn:?}");
}

#[test]
fn a_plain_trigger_is_written_as_it_always_was() {
    let plain: Awaited = On::new(Event::Seen(EventKind::Cut), 3);
    let json = serde_json::to_string(&Trigger::On(plain.clone())).unwrap();
    assert_eq!(json, r#"{"on":{"event":"cut","nth":3}}"#);
    assert_eq!(serde_json::from_str::<Trigger>(&json).unwrap(), Trigger::On(plain));
    // Draws are keyed by what a fault reads like.
    let stated = When::On(On::new(Event::Seen(EventKind::Cut), Between { min: 3, max: 9 }));
    assert_eq!(serde_json::to_string(&stated).unwrap(), r#"{"on":{"event":"cut","nth":"3..9"}}"#);
    let odd = r#"{"on":{"event":"cut","nht":3}}"#;
    assert!(serde_json::from_str::<Trigger>(odd).unwrap_err().to_string().contains("nht"));
    let absurd = r#"{"on":{"event":"leads","share":"50%"}}"#;
    let error = serde_json::from_str::<Trigger>(absurd).unwrap_err().to_string();
    assert!(error.contains("nobody knows how many tasks `leads` is to have"), "{error}");
}

#[test]
fn a_trigger_is_told_in_a_line() {
    let json = r#"{"on":{"event":"cut","nth":3,"left":1,"of":"count","checkpoint":7,"by":"worker",
        "while":["serving","aligning"],"since":"2s","after":{"phase":"restore"}}}"#;
    let Trigger::On(on) = serde_json::from_str(json).unwrap() else { panic!() };
    let told = "cut 3 left 1 of count checkpoint 7 by worker while serving, aligning since 2s \
                after restore 1";
    assert_eq!(on.to_string(), told);
}

#[test]
fn triggers_that_cannot_be() {
    insta::assert_snapshot!(mistake("nth = 3"), @r#"
    mine.toml:5:6: the trigger does not say what it waits for
      |
    5 | on = { nth = 3 }
      |      ^^^^^^^^^^^
    help: give it an `event` or a `phase`
    "#);
    insta::assert_snapshot!(mistake("event = \"cut\""), @r#"
    mine.toml:5:6: the trigger does not say which `cut`
      |
    5 | on = { event = "cut" }
      |      ^^^^^^^^^^^^^^^^^
    help: give it `nth`, or a condition
    "#);
    insta::assert_snapshot!(mistake("event = \"cut\", phase = \"aligning\""), @r#"
    mine.toml:5:31: the trigger waits for two things at once
      |
    5 | on = { event = "cut", phase = "aligning" }
      |                               ^^^^^^^^^^
    help: leave out `event` or `phase`; a phase may stand in `while`
    "#);
    insta::assert_snapshot!(mistake("phase = \"alining\""), @r#"
    mine.toml:5:16: `alining` is not a phase
      |
    5 | on = { phase = "alining" }
      |                ^^^^^^^^^
    help: did you mean `aligning`?
    "#);
    insta::assert_snapshot!(mistake("event = \"cut\", while = [\"aligning\", \"restoring\"]"), @r#"
    mine.toml:5:44: `restoring` is not a phase
      |
    5 | on = { event = "cut", while = ["aligning", "restoring"] }
      |                                            ^^^^^^^^^^^
    help: did you mean `restore`?
    "#);
    insta::assert_snapshot!(mistake("event = \"cut\", while = 7"), @r#"
    mine.toml:5:31: expected a phase or a list of them, found integer `7`
      |
    5 | on = { event = "cut", while = 7 }
      |                               ^
    "#);
    insta::assert_snapshot!(mistake("event = \"leads\", share = \"50%\""), @r#"
    mine.toml:5:33: nobody knows how many tasks `leads` is to have
      |
    5 | on = { event = "leads", share = "50%" }
      |                                 ^^^^^
    help: wait for cut, barrier-sent, notified, restored, checkpoint-acked, pre-committed, published
    "#);
    insta::assert_snapshot!(mistake("event = \"cut\", share = \"0%\""), @r#"
    mine.toml:5:31: a share of the tasks is more than nothing and at most 100%
      |
    5 | on = { event = "cut", share = "0%" }
      |                               ^^^^
    help: write such as "50%"
    "#);
    insta::assert_snapshot!(mistake("event = \"cut\", share = \"50%\", left = 1"), @r#"
    mine.toml:5:45: the trigger says twice how many tasks
      |
    5 | on = { event = "cut", share = "50%", left = 1 }
      |                                             ^
    help: leave out `share` or `left`
    "#);
    insta::assert_snapshot!(mistake("event = \"cut\", checkpoint = 0"), @r#"
    mine.toml:5:36: there is no checkpoint 0
      |
    5 | on = { event = "cut", checkpoint = 0 }
      |                                    ^
    help: the first checkpoint is 1
    "#);
    insta::assert_snapshot!(mistake("event = \"raft-elected\", checkpoint = 3"), @r#"
    mine.toml:5:45: `raft-elected` is not about a checkpoint
      |
    5 | on = { event = "raft-elected", checkpoint = 3 }
      |                                             ^
    help: leave `checkpoint` out, or wait for something else
    "#);
    insta::assert_snapshot!(mistake("event = \"checkpoint-acked\", generation = 3"), @r#"
    mine.toml:5:49: `checkpoint-acked` is not about a generation
      |
    5 | on = { event = "checkpoint-acked", generation = 3 }
      |                                                 ^
    help: leave `generation` out, or wait for something else
    "#);
    insta::assert_snapshot!(mistake("event = \"cut\", by = \"worker-99\""), @r#"
    mine.toml:5:28: there is no worker-99: the cluster has 4 of them
      |
    5 | on = { event = "cut", by = "worker-99" }
      |                            ^^^^^^^^^^^
    help: the last one is `worker-4`
    "#);
    insta::assert_snapshot!(mistake("event = \"cut\", by = \"it\""), @r#"
    mine.toml:5:28: `it` is whoever makes the observation: that is always so
      |
    5 | on = { event = "cut", by = "it" }
      |                            ^^^^
    help: name a role, a process or "leader"
    "#);
    insta::assert_snapshot!(mistake("phase = \"restore\", by = \"leader\""), @r#"
    mine.toml:5:32: a phase is entered by nobody
      |
    5 | on = { phase = "restore", by = "leader" }
      |                                ^^^^^^^^
    help: leave `by` out, or wait for an event
    "#);
    insta::assert_snapshot!(mistake("event = \"cut\", since = \"2%\""), @r#"
    mine.toml:5:31: the fault is outside the storm, which lasts from 20% to 80%
      |
    5 | on = { event = "cut", since = "2%" }
      |                               ^^^^
    help: move it, or set `phases.storm`
    "#);
    insta::assert_snapshot!(
        mistake("event = \"cut\", nth = 1, after = { event = \"leads\", nth = 0 }"), @r#"
        mine.toml:5:65: nothing happens 0 times
          |
        5 | on = { event = "cut", nth = 1, after = { event = "leads", nth = 0 } }
          |                                                                 ^
        help: the first time is 1
        "#
    );
    insta::assert_snapshot!(
        in_fault("on = { phase = \"restore\" }\ncrash = { who = \"it\", down = \"1s\" }"), @r#"
        mine.toml:6:17: a phase is entered by nobody: there is no `it`
          |
        6 | crash = { who = "it", down = "1s" }
          |                 ^^^^
        help: name whom you mean, such as "leader"
        "#
    );
}

#[test]
fn who_plays_a_part_has_a_name() {
    insta::assert_snapshot!(aimed("crash = { who = \"holder-of-last-barier\" }"), @r#"
    mine.toml:6:17: `holder-of-last-barier` is nobody: there is no role `holder-of-last-barier`
      |
    6 | crash = { who = "holder-of-last-barier" }
      |                 ^^^^^^^^^^^^^^^^^^^^^^^
    help: did you mean `holder-of-last-barrier`?
    "#);
    insta::assert_snapshot!(aimed("crash = { who = \"supervisor-of:leader\", down = \"1s\" }"), @r#"
    mine.toml:6:17: `leader` has no supervisor
      |
    6 | crash = { who = "supervisor-of:leader", down = "1s" }
      |                 ^^^^^^^^^^^^^^^^^^^^^^
    help: name a worker, such as "supervisor-of:worker-2"
    "#);
    insta::assert_snapshot!(aimed("crash = { who = \"other-broker\", down = \"1s\" }"), @r#"
    mine.toml:6:17: `other-broker` is nobody: there is only one broker
      |
    6 | crash = { who = "other-broker", down = "1s" }
      |                 ^^^^^^^^^^^^^^
    help: write "broker"
    "#);
    insta::assert_snapshot!(aimed("crash = { who = \"other-worker\" }"), @r#"
    mine.toml:6:17: `it` is whoever made the observation that a fault waits for
      |
    6 | crash = { who = "other-worker" }
      |                 ^^^^^^^^^^^^^^
    help: give the fault a trigger: `on = { event = .. }`
    "#);
    insta::assert_snapshot!(aimed("crash = { who = \"candidate\" }"), @r#"
    mine.toml:6:17: nobody restarts a coordinator
      |
    6 | crash = { who = "candidate" }
      |                 ^^^^^^^^^^^
    help: say how long it is down: `down = "2s"`
    "#);
    let unknown =
        "[[fault]]\non = { event = \"cut\", of = \"cuont\", nth = 2 }\n".to_string() + CRASH;
    let problem = wrong(&unknown);
    insta::assert_snapshot!(problem, @r#"
    mine.toml:5:28: topology `word-count` has no component `cuont`
      |
    5 | on = { event = "cut", of = "cuont", nth = 2 }
      |                            ^^^^^^^
    help: did you mean `count`?
    "#);
}
