//! Faults on datagrams, single messages, links, and bad injections.

use super::*;
use crate::fault::{ArmedId, FaultError, Links, MessageAction, Weather};
use crate::node::ConnId;
use crate::world::Ended;

/// Sends a numbered datagram every millisecond; answers each with its double.
fn ticker(me: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    match event {
        Event::Start => {
            cx.set_timer(Lane(0), Span::millis(1), 0);
        }
        Event::Timer { .. } if me.memory.len() < 8 => {
            let number = me.memory.len() as u64;
            me.memory.push(number);
            cx.send(B, say(number));
            cx.set_timer(Lane(0), Span::millis(1), 0);
        }
        _ => {}
    }
}

fn doubler(_: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    if let Event::Datagram { from, message } = event {
        cx.send(from, say(message.number * 2));
    }
}

fn tamper(nth: u64, action: MessageAction) -> Lab {
    let mut lab = lab(ticker, doubler);
    let effect = lab.hurt(Fault::Message { from: A, to: B, nth, action });
    assert_eq!((effect.took_effect, effect.armed), (false, Some(ArmedId(0))));
    assert_eq!(lab.armed_hits(ArmedId(0)), 0);
    assert_eq!(lab.run_until(ms(100)), Ended::Idle);
    assert_eq!(lab.armed_hits(ArmedId(0)), 1);
    lab
}

#[test]
fn one_datagram_is_dropped_delayed_doubled_or_never_answered() {
    let dropped = tamper(3, MessageAction::Drop);
    assert_eq!(dropped.heard(B), [0, 1, 3, 4, 5, 6, 7]);
    let delayed = tamper(1, MessageAction::Delay(Span::micros(2_500)));
    assert_eq!(delayed.heard(B), [1, 2, 0, 3, 4, 5, 6, 7]);
    let doubled = tamper(8, MessageAction::Duplicate);
    assert_eq!(doubled.heard(B), [0, 1, 2, 3, 4, 5, 6, 7, 7]);
    let unanswered = tamper(2, MessageAction::LoseReply);
    assert_eq!(unanswered.heard(B), [0, 1, 2, 3, 4, 5, 6, 7]);
    // the next datagram back is the answer to the one before, which was still under way
    assert_eq!(unanswered.heard(A).len(), 7);
}

fn asker(me: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    match event {
        Event::Start => me.memory.push(cx.connect(B).0),
        Event::Opened { conn, .. } | Event::Received { conn, .. } => {
            let number = me.memory.len() as u64;
            me.memory.push(number);
            if number <= 5 {
                assert!(cx.write(conn, say(number)).is_ok());
            }
        }
        _ => {}
    }
}

fn echo(_: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    if let Event::Received { conn, message, .. } = event {
        assert!(cx.write(conn, message).is_ok());
    }
}

#[test]
fn one_message_of_a_connection_is_retransmitted_delayed_or_never_answered() {
    let run = |action| {
        let mut lab = lab(asker, echo);
        lab.hurt(Fault::Message { from: A, to: B, nth: 3, action });
        lab.run_until(ms(1_000));
        assert_eq!(lab.armed_hits(ArmedId(0)), 1);
        lab
    };
    for action in [MessageAction::Drop, MessageAction::Delay(Span::millis(200))] {
        let lab = run(action);
        assert_eq!(lab.heard(A), [1, 2, 3, 4, 5]);
        let last = lab.watcher().lines.last().expect("an echo").0.time;
        assert_eq!(last, ms(2 + 10 + 200));
    }
    assert_eq!(run(MessageAction::Duplicate).heard(B), [1, 2, 3, 4, 5]);
    let broken = run(MessageAction::LoseReply);
    assert_eq!((broken.heard(B), broken.heard(A)), (Vec::from([1, 2, 3]), Vec::from([1, 2])));
    for node in [A, B] {
        assert!(broken.seen(node).last().is_some_and(|text| text.contains("Reset")));
    }
    assert_eq!(broken.connections(), 0);
}

#[test]
fn datagrams_meet_a_cut_at_departure_in_flight_and_at_arrival() {
    let mut lab = lab(ticker, quiet);
    // 0 leaves at 1 and arrives at 2; 1 leaves at 2; 2 at 3; 3 at 4; 4 at 5
    lab.run_until(Instant(2_100_000));
    let effect = lab.cut(MA, MB, false, Span::micros(100));
    assert_eq!((effect.took_effect, effect.messages_lost), (true, 1));
    lab.run_until(Instant(3_900_000));
    assert_eq!(lab.cut(MA, MB, false, Span::micros(200)).messages_lost, 1);
    lab.run_until(ms(50));
    assert_eq!(lab.heard(B), [0, 4, 5, 6, 7]);
}

#[test]
fn cuts_of_a_link_add_up_and_one_way_is_one_way() {
    let mut lab = lab(ticker, doubler);
    lab.run_until(Instant(500_000));
    lab.cut(MA, MB, false, Span::millis(2));
    lab.cut(MA, MB, true, Span::millis(4));
    lab.run_until(ms(50));
    assert_eq!(lab.heard(B), [4, 5, 6, 7]);
    assert_eq!(lab.heard(A), [8, 10, 12, 14]);
    let mut back = super::lab(ticker, doubler);
    back.cut(MB, MA, false, Span::secs(1));
    back.run_until(ms(50));
    assert_eq!((back.heard(B).len(), back.heard(A).len()), (8, 0));
}

#[test]
fn clogs_and_slow_links_add_their_latency_for_their_time() {
    let mut lab = lab(ticker, quiet);
    let extra = Span::millis(10);
    let (weather, duration) = (Weather::slow(extra), Span::micros(1_500));
    let clog = Fault::Weather { links: Links::Of(MB), weather, duration };
    assert!(lab.hurt(clog).took_effect);
    let (links, duration) = (Links::one(MB, MA), Span::secs(1));
    lab.hurt(Fault::Weather { links, weather, duration });
    lab.run_until(ms(50));
    assert_eq!(lab.heard(B), [1, 2, 3, 4, 5, 6, 7, 0]);
    assert_eq!(lab.watcher().lines.last().expect("seen").0.time, ms(12));
}

#[test]
fn network_cards_queue() {
    let mut lab = World::new(1, calm(), Log::default());
    let slow = MachineSpec { nic: Some(100_000), ..MachineSpec::default() };
    lab.add_machine(slow);
    lab.add_machine(MachineSpec::default());
    lab.boot(B, actor(quiet));
    lab.boot(
        A,
        actor(|_, _, event, cx| {
            if let Event::Start = event {
                (0..4).for_each(|n| cx.send(B, say(n)));
            }
        }),
    );
    lab.run_until(ms(50));
    let times: Vec<Instant> = lab.watcher().lines[2..].iter().map(|l| l.0.time).collect();
    assert_eq!(times, [ms(2), ms(3), ms(4), ms(5)]);
}

/// Notes what its clocks show, every local millisecond.
fn watchmaker(_: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    if matches!(event, Event::Start | Event::Timer { .. }) {
        cx.observe(Note(format!("shows {} and {}", cx.now(), cx.wall_clock())));
        cx.set_timer(Lane(0), Span::millis(1), 0);
    }
}

#[test]
fn a_drifting_clock_runs_faster_for_its_time() {
    let mut lab = lab(watchmaker, quiet);
    lab.run_until(Instant(1_500_000));
    let duration = Span::millis(2);
    let drift = Fault::DriftClock { machine: MA, ppm: 1_000_000, duration };
    assert!(lab.hurt(drift).took_effect);
    lab.run_until(Instant(5_000_000));
    let shown = lab.watcher().lines.iter().filter(|line| line.1.contains("shows"));
    let seen: Vec<(u64, &str)> =
        shown.map(|line| (line.0.time.nanos() / 1_000, line.1.as_str())).collect();
    let expected = [
        (0, "shows 0s and 0s"),
        (1_000, "shows 1ms and 1ms"),
        // set before the drift: it goes by the clock as it runs now
        (1_750, "shows 2ms and 2ms"),
        (2_250, "shows 3ms and 3ms"),
        (2_750, "shows 4ms and 4ms"),
        (3_250, "shows 5ms and 5ms"),
        (4_000, "shows 6ms and 6ms"),
        (5_000, "shows 7ms and 7ms"),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn what_cannot_be_hit_is_refused_or_has_no_effect() {
    let mut lab = lab(quiet, quiet);
    lab.run_until(ms(1));
    let before = lab.digest();
    let (nowhere, nobody) = (MachineId(9), NodeId::new(0, 9));
    let machine = FaultError::UnknownMachine(nowhere);
    let refused = |lab: &mut Lab, fault| lab.inject(&fault).expect_err("it aims at nothing");
    assert_eq!(refused(&mut lab, Fault::CrashMachine { machine: nowhere }), machine);
    assert_eq!(refused(&mut lab, Fault::Crash { node: nobody }), FaultError::UnknownNode(nobody));
    let action = MessageAction::Drop;
    let zeroth = Fault::Message { from: A, to: B, nth: 0, action };
    assert_eq!(refused(&mut lab, zeroth), FaultError::Zero);
    let still = Fault::DriftClock { machine: MA, ppm: -1_000_000, duration: Span::secs(1) };
    assert_eq!(refused(&mut lab, still), FaultError::Backwards);
    let cut = Fault::Cut { links: Links::one(MA, nowhere), duration: Span::secs(1) };
    assert_eq!(refused(&mut lab, cut), machine);
    assert_eq!(lab.digest(), before);
    assert!(!lab.hurt(Fault::Start { node: A }).took_effect);
    assert!(!lab.hurt(Fault::StartMachine { machine: MA }).took_effect);
    assert!(!lab.cut(MA, MA, true, Span::secs(1)).took_effect);
    lab.hurt(Fault::CrashMachine { machine: MA });
    let start = Fault::Start { node: A };
    assert_eq!(refused(&mut lab, start), FaultError::MachineDown(MA));
    assert_eq!(ConnId(1), ConnId(1));
}
