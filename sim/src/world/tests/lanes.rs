//! Instants inside a handler, lanes, cores, timers, pauses.

use super::*;
use crate::world::Ended;

#[test]
fn what_follows_work_leaves_when_it_is_done() {
    let mut lab = lab(
        |_, _, event, cx| {
            if let Event::Start = event {
                cx.send(B, say(1));
                cx.spend(Lane(0), Span::millis(3));
                cx.send(B, say(2));
                cx.set_timer(Lane(0), Span::millis(1), 9);
            }
        },
        quiet,
    );
    lab.run_until(ms(20));
    let times: Vec<Instant> =
        lab.watcher().lines.iter().filter(|l| l.0.node == B).map(|l| l.0.time).collect();
    assert_eq!(times, [ms(0), ms(1), ms(4)]);
    assert_eq!(lab.when(A, "Timer"), ms(4));
}

#[test]
fn a_crash_before_the_end_of_work_loses_what_had_not_left() {
    let script: Script = |_, _, event, cx| {
        if let Event::Start = event
            && cx.incarnation() == 1
        {
            cx.send(B, say(1));
            cx.spend(Lane(0), Span::millis(10));
            cx.send(B, say(2));
            cx.send(A, say(3));
            cx.post(Lane(1), say(4));
            cx.set_timer(Lane(0), Span::millis(1), 9);
            cx.launch(5, actor(quiet));
        }
    };
    let mut lab = lab(script, quiet);
    lab.run_until(ms(9));
    assert!(lab.hurt(Fault::Crash { node: A }).took_effect);
    assert!(!lab.hurt(Fault::Crash { node: A }).took_effect);
    lab.hurt(Fault::Start { node: A });
    assert_eq!(lab.run_until(ms(100)), Ended::Idle);
    assert_eq!(lab.heard(B), [1]);
    assert_eq!(lab.seen(A), ["Start", "Start"]);
    assert_eq!(lab.incarnation(A), 2);
    assert!(!lab.is_up(NodeId::new(0, 5)));

    let mut later = super::lab(script, quiet);
    later.run_until(ms(10));
    later.hurt(Fault::Crash { node: A });
    later.run_until(ms(100));
    assert_eq!(later.heard(B), [1, 2]);
}

#[test]
fn a_busy_lane_keeps_its_events_in_order_and_others_do_not_wait() {
    let mut lab = lab(
        |_, lane, event, cx| match event {
            Event::Start => {
                for number in 0..3 {
                    cx.post(Lane(1), say(number));
                    cx.post(Lane(2), say(10 + number));
                }
            }
            Event::Posted { .. } if lane == Lane(1) => cx.spend(lane, Span::millis(5)),
            _ => {}
        },
        quiet,
    );
    lab.run_until(ms(4));
    assert_eq!(lab.heard(A), [0, 10, 11, 12]);
    assert_eq!(lab.run_until(ms(50)), Ended::Idle);
    assert_eq!(lab.heard(A), [0, 10, 11, 12, 1, 2]);
    assert_eq!(lab.now(), ms(50));
    let last = lab.watcher().lines.last().expect("something was seen").0.time;
    assert_eq!(last, ms(10));
    // no event for the end of work if nothing waits for it
    assert_eq!(lab.events(), 2 + 6 + 2);
}

#[test]
fn work_waits_for_a_core() {
    let mut lab = World::new(1, calm(), Log::default());
    lab.add_machine(MachineSpec { cores: 2, ..MachineSpec::default() });
    lab.boot(
        A,
        actor(|_, lane, event, cx| match event {
            Event::Start => (1..=3).for_each(|lane| cx.post(Lane(lane), say(0))),
            Event::Posted { .. } if lane != Lane(0) => {
                cx.spend(lane, Span::millis(10));
                cx.post(Lane(0), say(u64::from(lane.0)));
            }
            _ => {}
        }),
    );
    lab.run_until(ms(10));
    assert_eq!(lab.heard(A), [0, 0, 0, 1, 2]);
    lab.run_until(ms(20));
    assert_eq!(lab.heard(A), [0, 0, 0, 1, 2, 3]);
    lab.hurt(Fault::SlowCpu { machine: MA, factor_percent: 300, duration: Span::secs(1) });
}

#[test]
fn a_cancelled_timer_is_never_seen_even_if_it_waited_for_its_lane() {
    let mut lab = lab(
        |me, lane, event, cx| match event {
            Event::Start => {
                let early = cx.set_timer(Lane(1), Span::millis(2), 1);
                let never = cx.set_timer(Lane(0), Span::millis(2), 2);
                assert!(cx.cancel_timer(never) && !cx.cancel_timer(never));
                me.memory.push(early.0);
                cx.post(Lane(1), say(0));
                cx.set_timer(Lane(0), Span::millis(3), 3);
            }
            Event::Posted { .. } => cx.spend(lane, Span::millis(5)),
            Event::Timer { token: 3, .. } => {
                let waiting = crate::node::TimerId(me.memory[0]);
                assert!(cx.cancel_timer(waiting) && !cx.cancel_timer(waiting));
            }
            other => panic!("{other:?}"),
        },
        quiet,
    );
    lab.run_until(ms(50));
    assert_eq!(lab.seen(A).len(), 3);
}

#[test]
fn clocks_run_at_their_own_rates() {
    let mut lab = World::new(1, calm(), Log::default());
    let wall_offset = Span::secs(1_000);
    lab.add_machine(MachineSpec { clock_ppm: 100_000, wall_offset, ..MachineSpec::default() });
    lab.boot(
        A,
        actor(|_, _, event, cx| {
            let clocks = (cx.now(), cx.wall_clock());
            note(cx, clocks);
            if let Event::Start = event {
                cx.set_timer(Lane(0), Span::millis(11), 0);
            }
        }),
    );
    lab.run_until(ms(9));
    let step = crate::fault::ClockStep::Back(Span::secs(500));
    lab.hurt(Fault::StepClock { machine: MA, step });
    lab.run_until(ms(20));
    assert_eq!(lab.when(A, "Timer"), ms(10));
    assert_eq!(lab.seen(A)[3], "(11ms, 500.011s)");
}

#[test]
fn a_paused_process_goes_on_where_it_stood() {
    let mut lab = lab(
        |_, _, event, cx| match event {
            Event::Start => {
                cx.set_timer(Lane(0), Span::millis(5), 1);
                cx.set_timer(Lane(3), Span::millis(6), 2);
            }
            _ => cx.spend(Lane(0), Span::millis(1)),
        },
        quiet,
    );
    lab.run_until(ms(1));
    assert!(lab.hurt(Fault::Pause { node: A, duration: Span::millis(20) }).took_effect);
    lab.run_until(ms(60));
    assert_eq!(lab.when(A, "Timer"), ms(21));
    assert!(lab.watcher().lines.iter().skip(2).all(|(at, _)| at.time >= ms(21)));
    assert_eq!(lab.seen(A).len(), 3);
}

#[test]
fn work_under_way_when_a_process_pauses_ends_later() {
    let mut lab = lab(
        |_, _, event, cx| {
            if let Event::Start = event {
                cx.spend(Lane(0), Span::millis(10));
                cx.send(B, say(1));
            }
        },
        quiet,
    );
    lab.run_until(ms(5));
    lab.hurt(Fault::Pause { node: A, duration: Span::millis(20) });
    lab.run_until(ms(60));
    assert_eq!(lab.when(B, "Datagram"), ms(31));
}

#[test]
fn what_is_told_from_outside_waits_like_everything_else() {
    let script: Script = |_, lane, event, cx| {
        if let Event::Start = event {
            cx.spend(lane, Span::millis(5));
        }
    };
    let mut lab = lab(script, quiet);
    lab.run_until(ms(1));
    assert!(lab.tell(A, say(7)));
    lab.run_until(ms(4));
    assert_eq!(lab.heard(A), [0; 0], "it is at work");
    lab.run_until(ms(6));
    assert_eq!((lab.heard(A), lab.when(A, "Posted")), (Vec::from([7]), ms(5)));
    lab.hurt(Fault::Crash { node: A });
    assert!(!lab.tell(A, say(8)), "nobody is there");
}
