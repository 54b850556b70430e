//! Connections: order, buffers, cuts, patience, resets.

use super::*;
use crate::node::{CloseReason, ConnId, WriteError};
use crate::world::Ended;

/// Connects to B and writes `0..20` when asked to by a timer's token, or at once.
fn caller(me: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    match event {
        Event::Start => me.memory.push(cx.connect(B).0),
        Event::Opened { conn, .. } => {
            (0..20).for_each(|n| assert!(cx.write(conn, say(n)).is_ok()));
        }
        _ => {}
    }
}

fn lossy() -> NetworkSpec {
    let mut network = NetworkSpec::uniform(Span::millis(1), Span::millis(9));
    network.loss_ppm = 300_000;
    network
}

fn numbers(to: u64) -> Vec<u64> {
    (0..to).collect()
}

#[test]
fn opening_takes_a_round_trip_and_early_writes_leave_then() {
    let mut lab = lab(
        |_, _, event, cx| {
            if let Event::Start = event {
                let conn = cx.connect(B);
                assert!(cx.write(conn, say(0)).is_ok());
                assert!(cx.write(conn, say(1)).is_ok());
            }
        },
        |_, _, event, cx| {
            if let Event::Received { conn, .. } = event {
                assert!(cx.write(conn, say(9)).is_ok());
            }
        },
    );
    lab.run_until(ms(10));
    assert_eq!(lab.when(B, "Accepted"), ms(1));
    assert_eq!(lab.when(A, "Opened"), ms(2));
    assert_eq!(lab.when(B, "Received"), ms(3));
    assert_eq!(lab.heard(B), [0, 1]);
    assert_eq!(lab.heard(A), [9, 9]);
}

#[test]
fn nobody_there_refuses() {
    let mut lab = lab(
        |_, _, event, cx| {
            if let Event::Start = event {
                let conn = cx.connect(C);
                assert!(cx.write(conn, say(0)).is_ok());
            }
        },
        quiet,
    );
    assert_eq!(lab.run_until(ms(10)), Ended::Idle);
    assert!(lab.seen(A)[1].contains("Refused"));
    assert_eq!((lab.when(A, "Closed"), lab.connections()), (ms(2), 0));
}

#[test]
fn messages_arrive_once_and_in_order_whatever_is_lost() {
    for seed in 0..20 {
        let mut lab = lab_with(lossy(), caller, quiet);
        lab.kernel.chance = crate::chance::Chance::new(seed);
        lab.run_until(ms(60_000));
        assert_eq!(lab.heard(B), numbers(20), "seed {seed}");
    }
}

#[test]
fn a_cut_holds_what_is_in_flight_and_healing_sends_it_again_in_order() {
    for start in 0..8 {
        for symmetric in [false, true] {
            let mut lab = lab_with(lossy(), caller, quiet);
            lab.run_until(ms(start * 5));
            lab.cut(MA, MB, symmetric, Span::secs(3));
            lab.run_until(ms(1_000));
            let before = lab.heard(B).len();
            lab.cut(MA, MB, symmetric, Span::secs(3));
            lab.run_until(ms(3_900));
            assert_eq!(lab.heard(B).len(), before, "the second cut still holds");
            lab.run_until(ms(60_000));
            assert_eq!(lab.heard(B), numbers(20));
            assert!(!lab.seen(A).iter().any(|text| text.starts_with("Closed")));
        }
    }
}

#[test]
fn the_cut_says_how_many_messages_it_met() {
    let mut lab = lab(caller, quiet);
    lab.run_until(Instant(2_500_000));
    assert_eq!(lab.cut(MA, MB, true, Span::millis(10)).messages_lost, 20);
    lab.run_until(ms(13));
    assert_eq!(lab.heard(B), Vec::<u64>::new());
    lab.run_until(ms(14));
    assert_eq!(lab.heard(B), numbers(20));
}

#[test]
fn each_end_times_out_by_its_own_data_and_the_other_learns_when_it_sends() {
    let idle: Script = |me, _, event, cx| match event {
        Event::Start => me.memory.push(cx.connect(B).0),
        Event::Opened { .. } => {
            cx.set_timer(Lane(0), Span::millis(8), 0);
        }
        Event::Timer { .. } => {
            assert!(cx.write(ConnId(me.memory[0]), say(1)).is_ok());
        }
        _ => {}
    };
    let mut lab = lab(idle, |_, _, event, cx| match event {
        Event::Accepted { conn, .. } => {
            cx.set_timer(Lane(0), Span::secs(30), conn.0);
        }
        Event::Timer { token, .. } => {
            assert!(cx.write(ConnId(token), say(2)).is_ok());
        }
        _ => {}
    });
    lab.run_until(ms(5));
    lab.cut(MA, MB, true, Span::secs(40));
    lab.run_until(ms(39_000));
    assert!(lab.seen(A).last().is_some_and(|text| text.contains("TimedOut")));
    assert_eq!(lab.when(A, "Closed"), ms(15_010));
    assert!(!lab.seen(B).iter().any(|text| text.starts_with("Closed")));
    assert_eq!(lab.run_until(ms(50_000)), Ended::Idle);
    assert!(lab.seen(B).last().is_some_and(|text| text.contains("Reset")));
    assert_eq!((lab.when(B, "Closed"), lab.connections()), (ms(40_006), 0));
}

#[test]
fn without_acknowledgements_data_arrives_and_its_sender_times_out() {
    let mut lab = lab(caller, quiet);
    lab.run_until(Instant(2_500_000));
    lab.cut(MB, MA, false, Span::secs(60));
    lab.run_until(ms(59_000));
    assert_eq!(lab.heard(B), numbers(20));
    assert_eq!(lab.when(A, "Closed"), ms(15_002));
    assert!(lab.when(B, "Closed") < ms(15_010), "the reset passes the way that is open");
}

#[test]
fn a_request_that_never_passes_times_out() {
    let mut lab = lab(caller, quiet);
    lab.cut(MA, MB, true, Span::secs(60));
    assert_eq!(lab.run_until(ms(70_000)), Ended::Idle);
    assert_eq!(lab.when(A, "Closed"), ms(15_000));
    assert_eq!((lab.seen(B), lab.connections()), (Vec::from(["Start"]), 0));
}

/// A worker with a megabyte of state wrote a few words to its store, and then the megabyte. The
/// buffer was less than half full, so it was told that there was room, was refused, was told, at
/// the same instant, for ever: time stood still.
#[test]
fn what_does_not_fit_beside_a_little_waits_until_it_does() {
    const SIZES: [u64; 8] = [450, 600, 450, 900, 450, 1_000, 450, 50_000];
    let mut network = calm();
    network.send_buffer = 1_000;
    let mut lab = lab_with(
        network,
        |me, _, event, cx| {
            if let Event::Opened { conn, .. } | Event::Writable { conn } = event {
                while let Some(size) = SIZES.get(me.memory.len()) {
                    let number = me.memory.len() as u64;
                    let Ok(()) = cx.write(conn, Say { number, size: *size, lane: 0 }) else {
                        return;
                    };
                    me.memory.push(number);
                }
            } else if let Event::Start = event {
                cx.connect(B);
            }
        },
        quiet,
    );
    assert_eq!(lab.run_until(ms(100)), Ended::Idle);
    assert_eq!(lab.heard(B), numbers(8));
}

#[test]
fn a_full_buffer_refuses_and_says_when_there_is_room() {
    let mut network = calm();
    network.send_buffer = 1_000;
    let mut lab = lab_with(
        network,
        |me, _, event, cx| {
            if let Event::Opened { conn, .. } | Event::Writable { conn } = event {
                loop {
                    let next = me.memory.len() as u64;
                    match cx.write(conn, say(next)) {
                        Ok(()) => me.memory.push(next),
                        Err(WriteError::Full(back)) => return assert_eq!(back, say(next)),
                        Err(WriteError::Gone(_)) => panic!("it is open"),
                    }
                }
            } else if let Event::Start = event {
                cx.connect(B);
            }
        },
        quiet,
    );
    lab.run_until(Instant(3_100_000));
    assert_eq!(lab.heard(B), numbers(10));
    let after = lab.run_until(ms(103));
    assert_eq!(after, Ended::Reached);
    let heard = lab.heard(B);
    assert_eq!(heard, numbers(heard.len() as u64));
    // a buffer for each round trip of 2 ms
    assert!((450..=520).contains(&heard.len()), "{}", heard.len());
    // a cut stops it, healing starts it again
    lab.cut(MA, MB, true, Span::millis(50));
    lab.run_until(ms(153));
    let during = lab.heard(B).len();
    lab.run_until(ms(203));
    assert!(during <= heard.len() + 10 && lab.heard(B).len() > during + 200);
}

#[test]
fn closing_in_good_order_delivers_everything_first() {
    let mut lab = lab(
        |_, _, event, cx| {
            if let Event::Start = event {
                let conn = cx.connect(B);
                (0..5).for_each(|n| assert!(cx.write(conn, say(n)).is_ok()));
                cx.close(conn);
                assert!(matches!(cx.write(conn, say(9)), Err(WriteError::Gone(_))));
            }
        },
        |_, _, event, cx| {
            if let Event::Received { conn, .. } = event {
                let _ = cx.write(conn, say(77));
            }
        },
    );
    assert_eq!(lab.run_until(ms(20)), Ended::Idle);
    assert_eq!(lab.heard(B), numbers(5));
    assert!(lab.seen(B).last().is_some_and(|text| text.contains("reason: Closed")));
    assert_eq!((lab.seen(A), lab.connections()), (Vec::from(["Start"]), 0));
}

#[test]
fn a_crash_resets_after_what_was_sent_and_the_next_life_hears_nothing_old() {
    let mut lab = lab(caller, |_, _, event, cx| match event {
        Event::Accepted { conn, .. } if cx.incarnation() == 1 => {
            (0..3).for_each(|n| assert!(cx.write(conn, say(n)).is_ok()));
            cx.spend(Lane(0), Span::millis(5));
            assert!(cx.write(conn, say(3)).is_ok());
        }
        _ => {}
    });
    lab.run_until(ms(1));
    lab.hurt(Fault::Crash { node: B });
    lab.hurt(Fault::Start { node: B });
    assert_eq!(lab.run_until(ms(100)), Ended::Idle);
    assert_eq!(lab.heard(A), [0, 1, 2]);
    assert!(lab.seen(A).last().is_some_and(|text| text.contains("Reset")));
    assert_eq!(lab.when(A, "Closed").since(lab.when(A, "Received")), Span(3));
    assert_eq!(lab.seen(B).len(), 3, "start, accepted, start");
    assert_eq!(lab.connections(), 0);
}

#[test]
fn processes_of_one_machine_see_resets_too() {
    let peer = NodeId::new(0, 1);
    let mut lab = lab(
        |_, _, event, cx| {
            if let Event::Start = event {
                cx.connect(NodeId::new(0, 1));
            }
        },
        quiet,
    );
    lab.boot(peer, actor(quiet));
    lab.run_until(ms(1));
    lab.cut(MA, MA, true, Span::secs(9));
    lab.hurt(Fault::Crash { node: peer });
    lab.run_until(ms(2));
    assert!(lab.seen(A).last().is_some_and(|text| text.contains("Reset")));
}

#[test]
fn a_crash_behind_a_cut_is_learnt_when_it_heals() {
    let mut lab = lab(caller, quiet);
    lab.run_until(ms(50));
    lab.cut(MA, MB, true, Span::secs(5));
    lab.hurt(Fault::Crash { node: B });
    lab.run_until(ms(5_049));
    assert!(!lab.seen(A).iter().any(|text| text.starts_with("Closed")));
    lab.run_until(ms(5_052));
    assert_eq!(lab.when(A, "Closed"), ms(5_051));
}

#[test]
fn a_machine_dies_silently_and_answers_with_resets_when_it_is_back() {
    let mut lab = lab(caller, quiet);
    lab.run_until(Instant(2_500_000));
    let effect = lab.hurt(Fault::CrashMachine { machine: MB });
    assert_eq!((effect.processes_lost, effect.messages_lost), (1, 20));
    let mut other = lab.clone();
    lab.run_until(ms(5_000));
    assert!(!lab.seen(A).iter().any(|text| text.starts_with("Closed")));
    lab.hurt(Fault::StartMachine { machine: MB });
    lab.run_until(ms(5_010));
    assert!(lab.seen(A).last().is_some_and(|text| text.contains("Reset")));
    assert_eq!((lab.seen(B).len(), lab.incarnation(B)), (3, 2));
    assert_eq!(lab.connections(), 0);
    // and if it does not come back, by patience
    other.run_until(ms(60_000));
    assert_eq!(other.when(A, "Closed"), ms(15_002));
    assert!(other.seen(A).last().is_some_and(|text| text.contains("TimedOut")));
}

#[test]
fn both_ends_may_die_at_once() {
    let mut lab = lab(caller, quiet);
    lab.run_until(Instant(2_500_000));
    lab.hurt(Fault::Crash { node: A });
    lab.hurt(Fault::Crash { node: B });
    assert_eq!(lab.connections(), 0);
    assert_eq!(lab.run_until(ms(100)), Ended::Idle);
    let reason = CloseReason::Reset;
    assert_ne!(reason, CloseReason::TimedOut);
}

#[test]
fn an_acceptor_learns_of_a_crash_whenever_it_comes() {
    let eager: Script = |me, _, event, cx| match event {
        Event::Start if cx.incarnation() == 1 => {
            me.memory.push(cx.connect(B).0);
            cx.set_timer(Lane(0), Span::micros(300), 0);
        }
        Event::Timer { .. } => {
            let _ = cx.write(ConnId(me.memory[0]), say(1));
            cx.set_timer(Lane(0), Span::micros(300), 0);
        }
        _ => {}
    };
    for at in 1..200 {
        let mut lab =
            lab_with(NetworkSpec::uniform(Span::millis(1), Span::millis(9)), eager, quiet);
        lab.kernel.chance = crate::chance::Chance::new(at);
        lab.run_until(Instant(at * 100_000));
        lab.hurt(Fault::Crash { node: A });
        assert_eq!(lab.run_until(ms(100)), Ended::Idle);
        assert_eq!(lab.connections(), 0, "crashed at {at}00 us");
        let count = |what: &str| lab.seen(B).iter().filter(|t| t.starts_with(what)).count();
        assert_eq!(count("Accepted"), count("Closed"), "crashed at {at}00 us");
    }
}
