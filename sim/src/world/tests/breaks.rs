//! Connections that break although nobody died, and single messages of old or broken kinds.

use super::*;
use crate::fault::{ArmedId, Break, Links, MessageAction, Party};
use crate::node::ConnId;

/// Opens a connection to B and writes a number every millisecond while it has it.
fn writer(me: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    match event {
        Event::Start => {
            me.memory = Vec::from([cx.connect(B).0, 0]);
            cx.set_timer(Lane(0), Span::millis(1), 0);
        }
        Event::Timer { .. } => {
            let _ = cx.write(ConnId(me.memory[0]), say(me.memory[1]));
            me.memory[1] += 1;
            if me.memory[1] < 50 {
                cx.set_timer(Lane(0), Span::millis(1), 0);
            }
        }
        _ => {}
    }
}

/// Writes one number back when somebody tells it to.
fn keeper(me: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    match event {
        Event::Accepted { conn, .. } => me.memory.push(conn.0),
        Event::Datagram { .. } => {
            let _ = cx.write(ConnId(me.memory[0]), say(999));
        }
        _ => {}
    }
}

fn broken(one: Party, other: Party, how: Break) -> (Lab, Effect) {
    let mut lab = lab(writer, keeper);
    lab.run_until(Instant(10_500_000));
    let effect = lab.hurt(Fault::Break { one, other, how });
    lab.run_until(ms(60_000));
    (lab, effect)
}

fn closes(lab: &Lab, node: NodeId) -> Vec<&str> {
    let mut seen = lab.seen(node);
    seen.retain(|text| text.starts_with("Closed"));
    seen.iter().map(|text| text.rsplit("reason: ").next().expect("a reason")).collect()
}

#[test]
fn a_reset_is_seen_by_both_and_loses_what_is_under_way() {
    let (lab, effect) = broken(Party::Machine(MA), Party::Node(B), Break::Reset);
    assert_eq!((effect.took_effect, effect.messages_lost), (true, 1));
    assert_eq!(
        (closes(&lab, A), closes(&lab, B)),
        (Vec::from(["Reset }"]), Vec::from(["Reset }"]))
    );
    assert_eq!(lab.heard(B).len(), 9);
    assert_eq!(lab.connections(), 0);
}

#[test]
fn who_is_not_meant_keeps_his_connections() {
    for (one, other) in [(Party::Node(C), Party::Node(B)), (Party::Node(A), Party::Node(A))] {
        let mut lab = lab(writer, keeper);
        lab.boot(C, actor(quiet));
        lab.run_until(Instant(10_500_000));
        let effect = lab.hurt(Fault::Break { one, other, how: Break::Reset });
        assert_eq!(effect, Effect::default());
        lab.run_until(ms(100));
        assert_eq!(lab.heard(B).len(), 50);
    }
}

#[test]
fn a_half_open_connection_is_found_out_by_writing() {
    // the reader forgets: the writer's next messages are answered by a reset
    let (lab, effect) = broken(Party::Node(B), Party::Node(A), Break::HalfOpen);
    assert!(effect.took_effect);
    assert_eq!(
        (closes(&lab, A), closes(&lab, B)),
        (Vec::from(["Reset }"]), Vec::from(["Reset }"]))
    );
    assert_eq!((lab.when(B, "Closed"), lab.when(A, "Closed")), (Instant(10_500_000), ms(12)));
    assert_eq!(lab.connections(), 0);
    // the writer forgets: the reader waits for ever, until it writes itself
    let (mut lab, effect) = broken(Party::Node(A), Party::Node(B), Break::HalfOpen);
    assert!(effect.took_effect);
    assert_eq!((closes(&lab, A).len(), closes(&lab, B).len()), (1, 0));
    assert_eq!(lab.heard(B).len(), 10, "what had left arrives");
    assert_eq!(lab.connections(), 1);
    lab.boot(
        NodeId::new(1, 5),
        actor(|_, _, event, cx| {
            if let Event::Start = event {
                cx.send(B, say(0));
            }
        }),
    );
    lab.run_until(ms(61_000));
    assert_eq!(closes(&lab, B), ["Reset }"]);
    assert_eq!(lab.connections(), 0);
}

#[test]
fn a_silent_connection_ends_by_patience_at_the_writer_and_never_at_the_reader() {
    let (lab, effect) = broken(Party::Node(A), Party::Node(B), Break::Silent);
    assert_eq!((effect.took_effect, effect.messages_lost), (true, 1));
    assert_eq!((closes(&lab, A), closes(&lab, B).len()), (Vec::from(["TimedOut }"]), 0));
    // the oldest unacknowledged one left at 9 ms; its arrival could not be told
    let gone = lab.when(A, "Closed");
    assert!((ms(15_008)..=ms(15_010)).contains(&gone), "{gone}");
    assert_eq!(lab.heard(B).len(), 9);
    // a connection of their own passes as before
    assert_eq!(lab.connections(), 1);
}

fn single(network: NetworkSpec, action: MessageAction) -> Lab {
    let mut lab = lab_with(
        network,
        |me, _, event, cx| {
            let number = me.memory.len() as u64;
            if matches!(event, Event::Start | Event::Timer { .. }) && number < 4 {
                me.memory.push(number);
                cx.send(B, say(number));
                cx.set_timer(Lane(0), Span::millis(1), 0);
            }
        },
        quiet,
    );
    lab.hurt(Fault::Message { from: A, to: B, nth: 2, action });
    lab
}

#[test]
fn an_old_datagram_arrives_again_after_a_cut_and_the_senders_death() {
    let mut lab = single(calm(), MessageAction::Replay(Span::secs(5)));
    lab.run_until(ms(100));
    assert_eq!(lab.armed_hits(ArmedId(0)), 1);
    assert_eq!((lab.heard(B).len(), lab.pending_events()), (4, 1));
    lab.cut(MA, MB, true, Span::secs(1));
    lab.hurt(Fault::Crash { node: A });
    lab.run_until(ms(10_000));
    assert_eq!(lab.heard(B), [0, 1, 2, 3, 1]);
    assert_eq!(arrival(&lab, 5), Instant(5_002_000_000));
    let mut cut = single(calm(), MessageAction::Replay(Span::secs(5)));
    cut.run_until(ms(4_000));
    cut.hurt(Fault::Cut { links: Links::Of(MB), duration: Span::secs(3) });
    cut.run_until(ms(10_000));
    assert_eq!(cut.heard(B).len(), 4, "a copy meets cuts as any packet does");
}

fn arrival(lab: &Lab, nth: usize) -> Instant {
    let mut lines = lab.watcher().lines.iter().filter(|line| line.0.node == B);
    lines.nth(nth).expect("so many arrived").0.time
}

#[test]
fn one_bit_of_one_message_flips() {
    for (checksums, heard) in [(true, Vec::from([0, 2, 3])), (false, Vec::from([0, 9, 2, 3]))] {
        let mut lab = single(NetworkSpec { checksums, ..calm() }, MessageAction::Corrupt(3));
        lab.run_until(ms(100));
        assert_eq!(lab.heard(B), heard);
        assert_eq!(lab.armed_hits(ArmedId(0)), 1);
        assert_eq!(lab.corrupted().noticed + lab.corrupted().delivered, 1);
    }
}

/// What an end that only reads learns, and when, of a connection that breaks at 20 ms.
fn reader_learns(keepalive: Option<Span>, how: impl Fn(&mut Lab)) -> Option<(Instant, String)> {
    fn opens(_: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
        if let Event::Start = event {
            cx.connect(B);
        }
    }
    let network = NetworkSpec { keepalive, ..calm() };
    let mut lab = lab_with(network, opens, quiet);
    lab.run_until(ms(20));
    how(&mut lab);
    lab.run_until(ms(500));
    let mut lines = lab.watcher().lines.iter();
    let closed = lines.rfind(|(at, text)| at.node == A && text.starts_with("Closed"));
    closed.map(|(at, text)| (at.time, text.clone()))
}

#[test]
fn an_end_that_only_reads_learns_by_its_probes_that_nothing_more_comes() {
    let (a, b) = (Party::Node(A), Party::Node(B));
    let breaks = |how| {
        move |lab: &mut Lab| {
            let fault = Fault::Break { one: b, other: a, how };
            assert!(lab.hurt(fault).took_effect);
        }
    };
    let keepalive = Some(Span::millis(100));
    for how in [Break::Silent, Break::HalfOpen] {
        assert_eq!(reader_learns(None, breaks(how)), None, "{how:?}");
    }
    let (at, text) = reader_learns(keepalive, breaks(Break::Silent)).expect("it learns");
    assert!(at == ms(120) && text.contains("TimedOut"), "{at:?} {text}");
    let (at, text) = reader_learns(keepalive, breaks(Break::HalfOpen)).expect("it learns");
    assert!(at == ms(120) && text.contains("Reset"), "{at:?} {text}");

    // A cut is noticed in the same way, and forgotten if it heals before.
    let cut = |span| {
        move |lab: &mut Lab| {
            lab.cut(MA, MB, false, span);
        }
    };
    assert_eq!(reader_learns(keepalive, cut(Span::millis(99))), None);
    let (at, text) = reader_learns(keepalive, cut(Span::millis(200))).expect("it learns");
    assert!(at == ms(120) && text.contains("TimedOut"), "{at:?} {text}");
}
