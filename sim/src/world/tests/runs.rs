//! A run as a value: clones, forks, ties, watchers, digests.

use super::*;
use crate::divergence::first_divergence_before;
use crate::fault::{Links, Weather};
use crate::world::{Ended, Step};

/// Sends at random to everybody, for ever.
fn gossip(_: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    match event {
        Event::Start => {
            cx.connect(if cx.me() == A { B } else { A });
            cx.set_timer(Lane(0), Span::micros(700), 0);
        }
        Event::Timer { .. } => {
            let to = [A, B][cx.below(2) as usize];
            let number = cx.random();
            cx.send(to, say(number));
            cx.set_timer(Lane(0), Span(1 + number % 1_000_000), 0);
        }
        Event::Opened { conn, .. } | Event::Received { conn, .. } => {
            let number = cx.random();
            let _ = cx.write(conn, say(number));
        }
        _ => {}
    }
}

fn stormy(seed: u64) -> Lab {
    let mut network = NetworkSpec::uniform(Span::micros(500), Span::millis(9));
    network.loss_ppm = 50_000;
    network.duplicate_ppm = 50_000;
    network.reorder_ppm = 50_000;
    let mut lab = World::new(seed, network, Log::default());
    for _ in 0..3 {
        lab.add_machine(MachineSpec::default());
    }
    lab.boot(A, actor(gossip));
    lab.boot(B, actor(gossip));
    lab
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_does_not() {
    let digest = |seed| {
        let mut lab = stormy(seed);
        assert_eq!(lab.run_until(ms(300)), Ended::Reached);
        (lab.digest(), lab.events())
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}

#[test]
fn slices_and_single_steps_make_no_difference() {
    let mut whole = stormy(3);
    whole.run_until(ms(200));
    let mut sliced = stormy(3);
    for slice in 1..=2_000 {
        sliced.run_until(Instant(slice * 100_000));
    }
    assert_eq!(whole.digest(), sliced.digest());
    let mut stepped = stormy(3);
    while stepped.events() < whole.events() {
        assert_eq!(stepped.step(), Step::Handled);
    }
    assert_eq!(whole.digest(), stepped.digest());
}

#[test]
fn a_clone_goes_on_alike_in_either_order() {
    for at in (0..200).step_by(7) {
        let mut one = stormy(4);
        one.run_until(ms(at));
        let mut other = one.clone();
        let crash = Fault::Crash { node: A };
        if at % 2 == 0 {
            one.hurt(crash.clone());
            one.run_until(ms(250));
            other.hurt(crash);
            other.run_until(ms(250));
        } else {
            other.run_until(ms(250));
            one.run_until(ms(250));
        }
        assert_eq!(one.digest(), other.digest());
        assert_eq!(one.watcher().lines, other.watcher().lines);
    }
}

#[test]
fn forks_share_a_past_and_differ_in_their_future() {
    let mut lab = stormy(5);
    lab.run_until(ms(50));
    let digest_at = |mut lab: Lab, at| {
        lab.run_until(ms(at));
        lab.digest()
    };
    assert_eq!(digest_at(lab.fork(1), 50), lab.digest());
    assert_eq!(digest_at(lab.fork(1), 150), digest_at(lab.fork(1), 150));
    assert_ne!(digest_at(lab.fork(1), 150), digest_at(lab.fork(2), 150));
    assert_ne!(digest_at(lab.fork(1), 150), digest_at(lab.clone(), 150));
}

#[test]
fn describing_events_does_not_change_them() {
    let (mut plain, mut described) = (stormy(6), stormy(6));
    described.describe_events(true);
    plain.run_until(ms(100));
    described.run_until(ms(100));
    assert_eq!(plain.digest(), described.digest());
    assert_eq!(plain.last_event(), None);
    assert!(described.last_event().is_some_and(|text| !text.is_empty()));
}

#[test]
fn the_first_divergence_shows_both_sides() {
    let mut one = stormy(7);
    one.run_until(ms(50));
    let mut other = one.clone();
    assert_eq!(first_divergence_before(one.clone(), other.clone(), ms(120)), None);
    let weather = Weather::slow(Span::millis(3));
    other.hurt(Fault::Weather { links: Links::Of(MB), weather, duration: Span::secs(1) });
    other.kernel.trace = one.kernel.trace.clone();
    let found = first_divergence_before(one.clone(), other, ms(120)).expect("they differ");
    assert!(found.event > one.events());
    assert_ne!(found.left, found.right);
    assert!(found.left.text.is_some() && found.right.text.is_some());
}

#[test]
fn marks_stay_few() {
    let mut lab = lab(
        |_, _, _, cx| {
            cx.set_timer(Lane(0), Span::nanos(10), 0);
        },
        quiet,
    );
    lab.watcher.lines.clear();
    for _ in 0..60_000 {
        lab.step();
    }
    assert_eq!(lab.marks().len(), 60_000 / 4_096);
    assert!(lab.marks().iter().all(|m| m.events.is_multiple_of(4_096)));
}

#[test]
fn a_watcher_that_yields_stops_time_after_the_handler() {
    let mut lab = lab(
        |_, _, event, cx| {
            if let Event::Start = event {
                cx.send(B, say(1));
            }
        },
        |_, _, event, cx| {
            if let Event::Datagram { .. } = event {
                note(cx, "after");
                cx.send(A, say(2));
            }
        },
    );
    lab.watcher_mut().pause = Some("Datagram { from: m0:0");
    assert_eq!(lab.run_until(ms(10)), Ended::Yielded);
    assert_eq!(lab.now(), ms(1));
    assert_eq!(lab.seen(B).last(), Some(&"\"after\""));
    lab.watcher_mut().pause = None;
    assert_eq!(lab.run_until(ms(10)), Ended::Idle);
    assert_eq!(lab.heard(A), [2]);
}

#[test]
fn a_watcher_that_stops_crashes_exactly_there() {
    let mut lab = lab(quiet, |_, _, event, cx| {
        if let Event::Start = event
            && cx.incarnation() == 1
        {
            cx.send(A, say(1));
            cx.spend(Lane(0), Span::millis(1));
            cx.send(A, say(2));
            note(cx, "vote");
            note(cx, "unseen");
            cx.send(A, say(3));
            cx.disk(Lane(0), crate::node::DiskOp::SyncDir);
            cx.set_timer(Lane(0), Span::millis(1), 0);
            cx.launch(4, actor(quiet));
            cx.exit();
        }
    });
    lab.watcher_mut().stop = Some("\"vote\"");
    assert_eq!(lab.run_until(ms(50)), Ended::Stopped(B));
    assert!(!lab.is_up(B) && lab.process(B).is_none());
    assert_eq!(lab.run_until(ms(50)), Ended::Idle);
    assert_eq!(lab.seen(B), ["Start", "\"vote\""]);
    assert_eq!(lab.heard(A), [1]);
    lab.hurt(Fault::Start { node: B });
    lab.run_until(ms(60));
    assert_eq!((lab.incarnation(B), lab.is_up(B)), (2, true));
}

#[test]
fn twists_answer_only_where_they_are_enabled_and_probes_count() {
    let mut lab = lab(
        |_, _, event, cx| {
            if let Event::Start = event {
                cx.probe(Quirk::Odd);
                cx.probe(Quirk::Odd);
                let answers = (cx.twist(Quirk::Odd), cx.twist(Quirk::Even), cx.twist(Quirk::Even));
                note(cx, answers);
            }
        },
        quiet,
    );
    lab.enable_twist(Quirk::Even);
    lab.run_until(ms(1));
    assert_eq!(lab.seen(A)[1], "(false, true, true)");
    assert_eq!((lab.twist_fired(Quirk::Odd), lab.twist_fired(Quirk::Even)), (0, 2));
    assert_eq!((lab.twist_occasions(Quirk::Odd), lab.twist_occasions(Quirk::Even)), (1, 2));
    assert_eq!((lab.probe_hits(Quirk::Odd), lab.probe_hits(Quirk::Even)), (2, 0));
}

#[test]
fn rare_events_are_drawn_by_name_process_and_number() {
    let fired = |seed, ppm, nodes: &[NodeId]| {
        let asking: Script = |_, _, event, cx| {
            if let Event::Start = event {
                let answers: Vec<bool> = (0..64).map(|_| cx.twist(Quirk::Odd)).collect();
                note(cx, answers);
            }
        };
        let mut lab: Lab = World::new(seed, calm(), Log::default());
        lab.add_machine(MachineSpec::default());
        lab.add_machine(MachineSpec::default());
        lab.enable_twist_rarely(Quirk::Odd, ppm);
        nodes.iter().for_each(|node| lab.boot(*node, actor(asking)));
        lab.run_until(ms(1));
        let told: Vec<String> = nodes.iter().map(|node| lab.seen(*node)[1].to_string()).collect();
        (told, lab.twist_fired(Quirk::Odd))
    };
    let (told, times) = fired(1, 250_000, &[A, B]);
    assert!((10..=60).contains(&times), "{times} of 128");
    assert_eq!(told.iter().map(|told| told.matches("true").count()).sum::<usize>() as u64, times);
    assert_ne!(told[0], told[1], "each process has draws of its own");
    assert_eq!(fired(1, 250_000, &[B]).0[0], told[1], "whoever else asks changes nothing");
    assert_ne!(fired(2, 250_000, &[A]).0[0], told[0], "another seed");
    assert_eq!((fired(1, 0, &[A]).1, fired(1, 1_000_000, &[A]).1), (0, 64));
}

#[test]
fn scrambled_ties_change_the_order_of_equals_and_nothing_ordered() {
    let run = |seed, scramble| {
        let mut lab: Lab = World::new(seed, calm(), Log::default());
        lab.add_machine(MachineSpec::default());
        lab.add_machine(MachineSpec::default());
        lab.boot(B, actor(quiet));
        lab.boot(
            A,
            actor(|_, _, event, cx| match event {
                Event::Start => {
                    (0..20).for_each(|n| cx.send(B, say(n)));
                    (0..20).for_each(|n| cx.post(Lane(1), say(n)));
                    cx.connect(B);
                }
                Event::Opened { conn, .. } => {
                    (100..120).for_each(|n| assert!(cx.write(conn, say(n)).is_ok()));
                }
                _ => {}
            }),
        );
        lab.scramble_ties(scramble);
        lab.run_until(ms(50));
        (lab.heard(A), lab.heard(B))
    };
    let in_order: Vec<u64> = (0..20).collect();
    let (posts, plain) = run(1, false);
    assert_eq!((posts, &plain[..20]), (in_order.clone(), &in_order[..]));
    let (posts, one) = run(1, true);
    assert_eq!(posts, in_order);
    assert_ne!(one, plain);
    assert_eq!(one[20..], plain[20..]);
    assert_ne!(one, run(2, true).1);
    assert_eq!(one, run(1, true).1);
}

#[test]
fn memory_follows_what_is_alive() {
    let mut lab = lab_with(
        calm(),
        |_, _, event, cx| match event {
            Event::Start => {
                cx.connect(B);
                cx.send(B, say(1));
            }
            Event::Opened { conn, .. } | Event::Received { conn, .. } => {
                let far = cx.set_timer(Lane(0), Span::secs(100), 0);
                assert!(cx.write(conn, say(1)).is_ok());
                assert!(cx.cancel_timer(far));
            }
            Event::Datagram { from, .. } => cx.send(from, say(1)),
            _ => {}
        },
        |_, _, event, cx| match event {
            Event::Received { conn, .. } => assert!(cx.write(conn, say(2)).is_ok()),
            Event::Datagram { from, .. } => cx.send(from, say(2)),
            _ => {}
        },
    );
    let mut room = 0;
    for second in 1..=20 {
        lab.run_until(ms(second * 1_000));
        lab.watcher_mut().lines.clear();
        if second == 2 {
            room = lab.event_room();
        }
    }
    assert!(lab.events() > 35_000);
    assert_eq!(lab.event_room(), room);
    assert!(room < 10 && lab.connections() == 1);
}
