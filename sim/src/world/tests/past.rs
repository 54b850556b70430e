//! What caused what.

use super::*;
use crate::past::Way;

/// Sends its neighbour what it counts, by datagram and by connection, and is busy meanwhile.
fn chatter(actor: &mut Actor, lane: Lane, event: Event<Say>, cx: Cx<'_>) {
    let peer = if cx.me() == A { B } else { A };
    match event {
        Event::Start => {
            cx.connect(peer);
            cx.set_timer(lane, Span::millis(1), 0);
        }
        Event::Timer { .. } => {
            actor.memory.push(0);
            cx.spend(lane, Span::micros(300));
            cx.send(peer, say(actor.memory.len() as u64));
            cx.set_timer(lane, Span::micros(900), 0);
        }
        Event::Opened { conn, .. } | Event::Received { conn, .. } => {
            cx.spend(lane, Span::micros(200));
            let _ = cx.write(conn, say(0));
        }
        _ => {}
    }
}

/// Delays, losses, busy lanes, a cut, a pause, a crash.
fn struck(mut lab: Lab) -> Lab {
    lab.run_until(ms(30));
    lab.cut(MA, MB, true, Span::millis(20));
    lab.run_until(ms(80));
    lab.hurt(Fault::Pause { node: A, duration: Span::millis(9) });
    lab.run_until(ms(120));
    lab.hurt(Fault::Crash { node: B });
    lab.run_until(ms(140));
    lab.hurt(Fault::Start { node: B });
    lab.run_until(ms(200));
    lab
}

fn world() -> Lab {
    let mut network = NetworkSpec::uniform(Span::micros(500), Span::millis(3));
    network.duplicate_ppm = 50_000;
    network.reorder_ppm = 50_000;
    lab_with(network, chatter, chatter)
}

#[test]
fn a_message_is_caused_by_its_sender_and_a_timer_by_its_owner() {
    let mut lab = world();
    lab.keep_past((0..100_000).collect());
    let lab = struck(lab);
    let past = lab.past().expect("it is kept");
    let mut seen = [0; 4];
    for (number, event) in past.all() {
        let Some(node) = event.node else { continue };
        let cause = event.cause.map(|cause| {
            assert!(cause < number, "causes come first");
            *past.get(cause).expect("all of it is kept")
        });
        match event.way {
            Way::Message => {
                let cause = cause.expect("somebody sent it");
                assert_eq!(cause.node, Some(if node == A { B } else { A }), "event {number}");
                let text = past.text(number).expect("it is wanted");
                let sent = past.text(event.cause.unwrap_or(0)).expect("it is wanted");
                let ways: &[&str] = if text.starts_with("Datagram") {
                    seen[0] += 1;
                    &["Timer"]
                } else {
                    seen[1] += 1;
                    &["Opened", "Received"]
                };
                assert!(ways.iter().any(|way| sent.starts_with(way)), "{text} by {sent}");
            }
            Way::Timer => {
                assert_eq!(cause.and_then(|cause| cause.node), Some(node), "event {number}");
                seen[2] += 1;
            }
            Way::Start => {
                assert_eq!(cause, None);
                seen[3] += 1;
            }
            _ => {}
        }
    }
    assert!(seen[..3].iter().all(|&times| times > 20) && seen[3] == 3, "{seen:?}");
}

#[test]
fn keeping_the_past_changes_nothing_and_may_begin_at_any_time() {
    let plain = struck(world());
    let mut kept = world();
    kept.run_until(ms(20));
    let before = kept.events();
    kept.keep_past([before + 1].into());
    let kept = struck(kept);
    assert_eq!(plain.digest(), kept.digest());
    let past = kept.past().expect("it is kept");
    assert_eq!(past.get(before), None);
    assert_eq!(past.get(kept.events() + 1), None);
    assert!(past.get(before + 1).is_some() && past.get(kept.events()).is_some());
    assert_eq!(past.all().count() as u64, kept.events() - before);
}

#[test]
fn what_a_fault_does_has_no_cause_in_the_world() {
    let mut lab = world();
    lab.keep_past(Default::default());
    lab.run_until(ms(50));
    let before = lab.events();
    lab.hurt(Fault::Crash { node: B });
    lab.run_until(ms(60));
    let past = lab.past().expect("it is kept");
    let news = past.all().find(|(number, event)| {
        *number > before && event.node == Some(A) && event.way == Way::Connection
    });
    assert_eq!(news.expect("the connection is reset").1.cause, None);
}
