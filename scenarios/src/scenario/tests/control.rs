use super::mistakes::{aimed, in_fault};
use super::*;
use crate::units::Text;

#[test]
fn a_seed_draws_the_coordinators() {
    let scenario = with("cluster.coordinators = \"1..7\"").unwrap();
    let drawn = |seed| scenario.drawn(seed).cluster.coordinators;
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let Between { min, max } = drawn(seed);
        assert_eq!(min, max);
        seen.insert(min);
    }
    assert_eq!(Vec::from_iter(seen), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(drawn(7), drawn(7));
    assert_eq!(scenario.drawn(7).drawn(8), scenario.drawn(7), "what is drawn stays");
}

#[test]
fn a_seed_draws_the_rate_of_each_clock() {
    let scenario = with("clock.drift = \"1%\"").unwrap();
    let rates: Vec<i32> = (0..200).map(|machine| scenario.clock_ppm(1, machine)).collect();
    assert!(rates.iter().all(|ppm| (-10_000..=10_000).contains(ppm)), "{rates:?}");
    assert!(rates.iter().any(|ppm| *ppm < -5_000) && rates.iter().any(|ppm| *ppm > 5_000));
    assert!((0..200).all(|machine| with("").unwrap().clock_ppm(1, machine) == 0));
}

#[test]
fn a_seed_draws_what_each_wall_clock_shows_at_first() {
    let scenario = with("clock.offset = \"10s\"").unwrap();
    let offsets: Vec<Span> = (0..200).map(|machine| scenario.wall_offset(1, machine)).collect();
    assert!(offsets.iter().all(|offset| *offset <= Span::secs(10)), "{offsets:?}");
    assert!(offsets.iter().any(|offset| *offset < Span::secs(2)));
    assert!(offsets.iter().any(|offset| *offset > Span::secs(8)));
    assert_eq!(with("").unwrap().wall_offset(1, 3), Span::ZERO);
}

#[test]
fn coordinators_that_cannot_be() {
    insta::assert_snapshot!(wrong("cluster.coordinators = 9"), @r#"
    mine.toml:4:24: 9 coordinators are more than 7
      |
    4 | cluster.coordinators = 9
      |                        ^
    help: 7 survive the loss of 3; more only make every decision slower
    "#);
    insta::assert_snapshot!(wrong("cluster.coordinators = 0"), @r#"
    mine.toml:4:24: a cluster needs at least 1 coordinator
      |
    4 | cluster.coordinators = 0
      |                        ^
    "#);
    insta::assert_snapshot!(wrong("cluster.coordinators = \"5..3\""), @r#"
    mine.toml:4:24: the range `5..3` ends before it begins
      |
    4 | cluster.coordinators = "5..3"
      |                        ^^^^^^
    help: write "3..5"
    "#);
    insta::assert_snapshot!(wrong("cluster.coordinators = \"some\""), @r#"
    mine.toml:4:24: `some` is not a whole number below 65536
      |
    4 | cluster.coordinators = "some"
      |                        ^^^^^^
    help: write it in digits, such as 7
    "#);
}

#[test]
fn a_raft_that_never_elects() {
    insta::assert_snapshot!(wrong("raft.heartbeat = \"100ms\""), @r#"
    mine.toml:4:1: a timeout of 150ms deposes every leader: its heartbeats are 100ms apart
      |
    4 | raft.heartbeat = "100ms"
      | ^^^^
    help: give it the time of several heartbeats
    "#);
    insta::assert_snapshot!(wrong("raft.heartbeat = \"0s\""), @r#"
    mine.toml:4:18: the heartbeat is 0
      |
    4 | raft.heartbeat = "0s"
      |                  ^^^^
    help: write a duration above zero, such as "50ms"
    "#);
    let three = |line: &str| wrong(&format!("cluster.coordinators = 3\n{line}"));
    insta::assert_snapshot!(three("raft.election-timeout = \"200ms\""), @r#"
    mine.toml:5:25: all stand for election at once: the timeouts are all alike
      |
    5 | raft.election-timeout = "200ms"
      |                         ^^^^^^^
    help: write a range such as "150ms..300ms"
    "#);
    insta::assert_snapshot!(three("network.latency = \"50ms..100ms\""), @r#"
    mine.toml: nobody is elected within 150ms: to ask, sync a vote and answer takes up to 205ms
    help: give it several times as long
    "#);
    assert!(with("network.latency = \"50ms..100ms\"").is_ok(), "one needs no vote of another");
    insta::assert_snapshot!(wrong("raft.append = \"0B\""), @r#"
    mine.toml:4:15: a message needs room for an entry
      |
    4 | raft.append = "0B"
      |               ^^^^
    "#);
    insta::assert_snapshot!(wrong("raft.chunk = \"4GiB\""), @r#"
    mine.toml:4:14: no message is that large
      |
    4 | raft.chunk = "4GiB"
      |              ^^^^^^
    help: write less than "4GiB"
    "#);
    insta::assert_snapshot!(wrong("raft.snapshot-after = 0"), @r#"
    mine.toml:4:23: a snapshot covers at least 1 entry
      |
    4 | raft.snapshot-after = 0
      |                       ^
    "#);
    insta::assert_snapshot!(wrong("cluster.phi-threshold = 0"), @r#"
    mine.toml:4:25: a phi of 0 is out of range
      |
    4 | cluster.phi-threshold = 0
      |                         ^
    help: write a number from 0.1 to 100.0; 8.0 is common
    "#);
    insta::assert_snapshot!(wrong("cluster.scheduler = \"evn\""), @r#"
    mine.toml:4:21: `evn` is not a scheduler
      |
    4 | cluster.scheduler = "evn"
      |                     ^^^^^
    help: did you mean `even`?
    "#);
}

#[test]
fn a_lease_rests_on_its_bound() {
    let drift = |by: &str| {
        format!(
            "raft = {{ lease = true, drift-bound = \"10%\" }}\n[[fault]]\nat = \"storm\"\n\
             drift-clock = {{ who = \"coordinator\", by = \"{by}\", for = \"1s\" }}"
        )
    };
    assert!(with(&drift("-4%..5%")).is_ok());
    insta::assert_snapshot!(wrong(&drift("-10%..10%")), @r#"
    mine.toml:4:38: clocks may differ by 23%, and a lease trusts them to by 10% at most
      |
    4 | raft = { lease = true, drift-bound = "10%" }
      |                                      ^^^^^
    help: set `raft.drift-bound` to "23%", or no `lease`
    "#);
    assert!(with(&drift("-10%..10%").replace("lease = true", "lease = false")).is_ok());
    assert!(with(&drift("-30%..30%").replace("coordinator", "worker")).is_ok());
    insta::assert_snapshot!(wrong("clock.drift = \"6%\"\nraft.lease = true"), @r#"
    mine.toml:5:1: clocks may differ by 13%, and a lease trusts them to by 10% at most
      |
    5 | raft.lease = true
      | ^^^^
    help: set `raft.drift-bound` to "13%", or no `lease`
    "#);
    insta::assert_snapshot!(wrong("clock.drift = \"60%\""), @r#"
    mine.toml:4:15: a clock that runs at less than half its rate is broken
      |
    4 | clock.drift = "60%"
      |               ^^^^^
    help: write at most "50%"
    "#);
    let slow = "raft = { lease = true, drift-bound = \"100%\", heartbeat = \"75ms\" }";
    insta::assert_snapshot!(wrong(slow), @r#"
    mine.toml:4:58: a lease of 75ms ends before the next heartbeat renews it
      |
    4 | raft = { lease = true, drift-bound = "100%", heartbeat = "75ms" }
      |                                                          ^^^^^^
    help: make heartbeats more frequent, or the election timeout longer
    "#);
}

#[test]
fn faults_aimed_at_leaders_and_followers() {
    insta::assert_snapshot!(aimed("crash = { who = \"leader\" }"), @r#"
    mine.toml:6:17: nobody restarts a coordinator
      |
    6 | crash = { who = "leader" }
      |                 ^^^^^^^^
    help: say how long it is down: `down = "2s"`
    "#);
    insta::assert_snapshot!(aimed("crash = { who = \"leader-2\", down = \"1s\" }"), @r#"
    mine.toml:6:17: `leader-2` is nobody: there is one leader at most
      |
    6 | crash = { who = "leader-2", down = "1s" }
      |                 ^^^^^^^^^^
    help: write "leader"
    "#);
    insta::assert_snapshot!(aimed("crash = { who = \"follower\", down = \"1s\" }"), @r#"
    mine.toml:6:17: the only coordinator follows nobody
      |
    6 | crash = { who = "follower", down = "1s" }
      |                 ^^^^^^^^^^
    help: raise `cluster.coordinators`
    "#);
    insta::assert_snapshot!(aimed("crash = { who = \"it\", down = \"1s\" }"), @r#"
    mine.toml:6:17: `it` is whoever made the observation that a fault waits for
      |
    6 | crash = { who = "it", down = "1s" }
      |                 ^^^^
    help: give the fault a trigger: `on = { event = .. }`
    "#);
    insta::assert_snapshot!(aimed("pause = { who = \"client\", for = \"1s\" }"), @r#"
    mine.toml:6:17: there is no client
      |
    6 | pause = { who = "client", for = "1s" }
      |                 ^^^^^^^^
    help: set `cluster.clients`
    "#);
    insta::assert_snapshot!(aimed("pause = { who = \"operator\", for = \"1s\" }"), @r#"
    mine.toml:6:17: there is no operator: nothing is asked of the cluster
      |
    6 | pause = { who = "operator", for = "1s" }
      |                 ^^^^^^^^^^
    help: write an `[[operation]]` for it to carry out
    "#);
    let on = "on = { event = \"invoked\", nth = 1 }\ncrash = { who = \"it\", down = \"1s\" }";
    insta::assert_snapshot!(in_fault(on), @r#"
    mine.toml:6:17: `it` is no part of the cluster
      |
    6 | crash = { who = "it", down = "1s" }
      |                 ^^^^
    help: cut it off or pause it: it has to know what it asked for
    "#);
    let some = |who: &str| {
        wrong(&format!(
            "cluster.coordinators = \"2..5\"\n[[fault]]\nat = \"storm\"\n\
             crash = {{ who = \"{who}\", down = \"1s\" }}"
        ))
    };
    insta::assert_snapshot!(some("coordinator-3"), @r#"
    mine.toml:7:17: not every seed has a coordinator-3: the fewest have 2
      |
    7 | crash = { who = "coordinator-3", down = "1s" }
      |                 ^^^^^^^^^^^^^^^
    help: aim at any `coordinator`, or raise cluster.coordinators
    "#);
    insta::assert_snapshot!(some("follower-5"), @r#"
    mine.toml:7:17: there is no follower-5: the cluster has 4 of them at most
      |
    7 | crash = { who = "follower-5", down = "1s" }
      |                 ^^^^^^^^^^^^
    help: the last one is `follower-4`
    "#);
    assert!(
        in_fault("on = { event = \"leads\", nth = 1 }\ncrash = { who = \"it\" }")
            .contains("nobody restarts a coordinator")
    );
}

#[test]
fn faults_that_strike_often() {
    let often =
        |line: &str| in_fault(&format!("at = \"storm\"\n{line}\ncrash = {{ who = \"worker\" }}"));
    insta::assert_snapshot!(often("times = 0"), @r#"
    mine.toml:6:9: a fault strikes at least once
      |
    6 | times = 0
      |         ^
    help: write 1 or more, and a `chance` if it is not to be there in every seed
    "#);
    insta::assert_snapshot!(often("times = 2_000"), @r#"
    mine.toml:6:9: more than 1000 times are no scenario any more
      |
    6 | times = 2_000
      |         ^^^^^
    "#);
    insta::assert_snapshot!(often("chance = \"0%\""), @r#"
    mine.toml:6:10: the fault is never there
      |
    6 | chance = "0%"
      |          ^^^^
    help: leave it out, or write such as "60%"
    "#);
    insta::assert_snapshot!(often("every = \"1ms\""), @r#"
    mine.toml:6:9: the times are less than 10ms apart
      |
    6 | every = "1ms"
      |         ^^^^^
    "#);
    let on = "on = { event = \"cut\", nth = 3 }\nevery = \"1s\"\ncrash = { who = \"worker\" }";
    insta::assert_snapshot!(in_fault(on), @r#"
    mine.toml:6:9: a fault with a trigger has no times
      |
    6 | every = "1s"
      |         ^^^^
    help: leave it out: each time waits for an event of its own
    "#);
}

#[test]
fn clocks_that_cannot_be() {
    let drift = |by: &str| {
        aimed(&format!("drift-clock = {{ who = \"store\", by = \"{by}\", for = \"1s\" }}"))
    };
    insta::assert_snapshot!(drift("-60%"), @r#"
    mine.toml:6:37: a clock that runs at less than half its rate is broken
      |
    6 | drift-clock = { who = "store", by = "-60%", for = "1s" }
      |                                     ^^^^^^
    help: write at least "-50%"
    "#);
    insta::assert_snapshot!(drift("0%"), @r#"
    mine.toml:6:37: the clock does not drift
      |
    6 | drift-clock = { who = "store", by = "0%", for = "1s" }
      |                                     ^^^^
    help: write such as "10%"
    "#);
    insta::assert_snapshot!(drift("10%..-10%"), @r#"
    mine.toml:6:37: the range `10%..-10%` ends before it begins
      |
    6 | drift-clock = { who = "store", by = "10%..-10%", for = "1s" }
      |                                     ^^^^^^^^^^^
    help: write "-10%..10%"
    "#);
    insta::assert_snapshot!(drift("fast"), @r#"
    mine.toml:6:37: `fast` is not a share
      |
    6 | drift-clock = { who = "store", by = "fast", for = "1s" }
      |                                     ^^^^^^
    help: write a share such as "-10%"; units are %, ppm
    "#);
    let step = |by: &str| aimed(&format!("step-clock = {{ who = \"store\", by = \"{by}\" }}"));
    insta::assert_snapshot!(step("0s"), @r#"
    mine.toml:6:36: the clock does not jump
      |
    6 | step-clock = { who = "store", by = "0s" }
      |                                    ^^^^
    help: write such as "-10s"
    "#);
    insta::assert_snapshot!(step("-5"), @r#"
    mine.toml:6:36: `-5` has no unit
      |
    6 | step-clock = { who = "store", by = "-5" }
      |                                    ^^^^
    help: write a duration such as "-2s"; units are ns, us, ms, s, min, h
    "#);
    let ways = "isolate = { who = \"store\", for = \"1s\", ways = \"none\" }";
    insta::assert_snapshot!(aimed(ways), @r#"
    mine.toml:6:47: `none` is not a way
      |
    6 | isolate = { who = "store", for = "1s", ways = "none" }
      |                                               ^^^^^^
    help: ways are both, out, in
    "#);
}

#[test]
fn signed_quantities_are_read_as_they_are_printed() {
    use crate::units::{Drift, Quantum, Step};
    for (text, ppm) in [("-10%", -100_000), ("0.5%", 5_000), ("+1%", 10_000), ("-25ppm", -25)] {
        let drift = Drift::parse(text).unwrap();
        assert_eq!((drift, Drift::parse(&drift.print())), (Drift(ppm), Ok(drift)));
        assert_eq!(Drift::of_word(drift.word()), drift);
    }
    for nanos in [-2_000_000_000, -1, 0, 1, i64::MAX] {
        assert_eq!(Step::parse(&Step(nanos).print()), Ok(Step(nanos)));
        assert_eq!(Step::of_word(Step(nanos).word()), Step(nanos));
    }
    assert!(Step(-3).word() < Step(-2).word() && Step(-1).word() < Step(0).word());
    let range = Between::<Drift>::parse("-10%..5%").unwrap();
    assert_eq!(
        (range, range.print()),
        ((Drift(-100_000)..=Drift(50_000)).into(), "-10%..5%".to_string())
    );
}
