//! Crash loops, failure domains, wiped disks, wall clocks and memory.

use super::*;
use crate::fault::{ArmedId, ClockStep, FaultError, Thaw};
use crate::machine::Domain;
use crate::node::DiskOp;
use crate::payload::Payload;

const CHILD: NodeId = NodeId::new(0, 5);

/// When the lives of a process began, in milliseconds.
fn starts(lab: &Lab, node: NodeId) -> Vec<u64> {
    let lines = lab.watcher.lines.iter();
    let starts = lines.filter(|(at, text)| at.node == node && text == "Start");
    starts.map(|(at, _)| at.time.nanos() / 1_000_000).collect()
}

fn looping(node: NodeId, times: u32, after: u64, restart: u64) -> Fault {
    let (after, restart) = (Span::millis(after), Span::millis(restart));
    Fault::CrashLoop { node, times, after, restart }
}

#[test]
fn a_crash_loop_ends_each_life_until_its_bound() {
    let mut lab = lab(quiet, quiet);
    lab.run_until(ms(1));
    let effect = lab.hurt(looping(B, 3, 2, 1));
    assert_eq!((effect.took_effect, effect.armed), (false, Some(ArmedId(0))));
    for (until, hits) in [(2, 0), (3, 1), (5, 1), (6, 2), (100, 3)] {
        lab.run_until(ms(until));
        assert_eq!(lab.armed_hits(ArmedId(0)), hits, "at {until} ms");
    }
    assert_eq!(starts(&lab, B), [0, 4, 7, 10]);
    assert!(lab.is_up(B));
}

#[test]
fn other_deaths_do_not_count_and_who_is_down_is_waited_for() {
    let mut lab = lab(quiet, quiet);
    lab.run_until(ms(1));
    lab.hurt(looping(B, 2, 4, 1));
    lab.run_until(ms(3));
    lab.hurt(Fault::Crash { node: B });
    lab.run_until(ms(10));
    assert_eq!((lab.is_up(B), lab.armed_hits(ArmedId(0))), (false, 0));
    lab.hurt(Fault::Start { node: B });
    // the machine is off when the init system wants to start it again after the first death
    lab.run_until(ms(14));
    lab.hurt(Fault::CrashMachine { machine: MB });
    lab.run_until(ms(20));
    lab.hurt(Fault::StartMachine { machine: MB });
    lab.run_until(ms(100));
    assert_eq!(starts(&lab, B), [0, 10, 20, 25]);
    assert_eq!(lab.armed_hits(ArmedId(0)), 2);
}

/// Starts a child, and again a millisecond after each of its ends.
fn parent(_: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    match event {
        Event::Start | Event::Timer { .. } => assert!(cx.launch(CHILD.port, actor(quiet))),
        Event::Exited { .. } => drop(cx.set_timer(Lane(0), Span::millis(1), 0)),
        _ => {}
    }
}

#[test]
fn a_child_in_a_crash_loop_is_started_by_its_parent_alone() {
    let mut lab = lab(parent, quiet);
    lab.run_until(ms(1));
    lab.hurt(looping(CHILD, 2, 1, 0));
    lab.run_until(ms(100));
    assert_eq!(starts(&lab, CHILD), [0, 3, 5]);
    assert_eq!(lab.seen(A)[1], "Exited { node: m0:5, exit: Crashed }");
    let zero = looping(CHILD, 0, 1, 1);
    assert_eq!(lab.inject(&zero).expect_err("never is not so many times"), FaultError::Zero);
}

/// Six machines, a process on each: racks of two, zones of two racks.
fn racks() -> Lab {
    let mut lab = World::new(1, calm(), Log::default());
    for number in 0..6 {
        let (rack, zone) = (number / 2, number / 4);
        lab.add_machine(MachineSpec { rack, zone, ..MachineSpec::default() });
        lab.boot(NodeId::new(number, 0), actor(writer));
    }
    lab
}

/// Writes a file and does not sync it.
fn writer(_: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    if let Event::Start = event {
        cx.disk(Lane(0), DiskOp::Write { file: "f".into(), data: Payload::new([7; 100]) });
    }
}

fn up(lab: &Lab) -> Vec<u16> {
    (0..6).filter(|number| lab.is_machine_up(MachineId(*number))).collect()
}

#[test]
fn the_power_of_a_rack_or_zone_fails_at_one_instant() {
    let mut lab = racks();
    lab.run_until(ms(1));
    let mut other = lab.clone();
    let rack = lab.hurt(Fault::CrashDomain { domain: Domain::Rack(1) });
    assert_eq!((up(&lab), rack.processes_lost), (Vec::from([0, 1, 4, 5]), 2));
    // the effects are those of the machines one by one
    let machine = |lab: &mut Lab, number| {
        lab.hurt(Fault::CrashMachine { machine: MachineId(number) }).bytes_lost
    };
    assert_eq!(rack.bytes_lost, machine(&mut other, 2) + machine(&mut other, 3));
    let zone = lab.hurt(Fault::CrashDomain { domain: Domain::Zone(0) });
    assert_eq!((up(&lab), zone.processes_lost), (Vec::from([4, 5]), 2));
    assert!(!lab.hurt(Fault::CrashDomain { domain: Domain::Rack(0) }).took_effect);
    let nowhere = Fault::CrashDomain { domain: Domain::Zone(2) };
    let refused = lab.inject(&nowhere).expect_err("nothing stands there");
    assert_eq!(refused, FaultError::UnknownDomain(Domain::Zone(2)));
    assert_eq!(lab.machines_in(Domain::Rack(2)).collect::<Vec<_>>(), [4, 5].map(MachineId));
}

#[test]
fn a_domain_starts_one_after_the_other_unless_the_power_fails_again() {
    let mut lab = racks();
    lab.run_until(ms(1));
    let domain = Domain::Zone(0);
    let stagger = Span::millis(10);
    assert!(!lab.hurt(Fault::StartDomain { domain, stagger }).took_effect, "all are up");
    lab.hurt(Fault::CrashDomain { domain });
    lab.hurt(Fault::StartMachine { machine: MachineId(1) });
    assert!(lab.hurt(Fault::StartDomain { domain, stagger }).took_effect);
    for (until, there) in [(10, 0..2), (11, 0..3)] {
        lab.run_until(ms(until));
        assert_eq!(up(&lab), there.chain(4..6).collect::<Vec<_>>());
    }
    assert!(lab.hurt(Fault::CrashDomain { domain: Domain::Rack(1) }).took_effect);
    lab.run_until(ms(100));
    assert_eq!(up(&lab), [0, 1, 4, 5], "neither of that rack starts any more");
    lab.hurt(Fault::StartDomain { domain, stagger: Span::ZERO });
    assert_eq!(up(&lab), [0, 1, 2, 3, 4, 5]);
    lab.run_until(ms(200));
    assert_eq!(starts(&lab, NodeId::new(2, 0)), [0, 11, 100]);
}

#[test]
fn who_is_wiped_while_it_is_off_rejoins_with_nothing() {
    let mut lab = lab(
        |_, _, event, cx| {
            if let Event::Start = event {
                cx.disk(Lane(0), DiskOp::Read { file: "f".into() });
                cx.disk(Lane(0), DiskOp::Write { file: "f".into(), data: Payload::new([7]) });
                cx.disk(Lane(0), DiskOp::Sync { file: "f".into() });
                cx.disk(Lane(0), DiskOp::SyncDir);
            }
        },
        quiet,
    );
    let mut reads = Vec::new();
    for wiped in [false, true, false] {
        lab.run_until(Instant(lab.now().nanos() + 10_000_000));
        reads.push(lab.durable_file(MA, "f").is_some());
        lab.hurt(Fault::CrashMachine { machine: MA });
        if wiped {
            let effect = lab.hurt(Fault::WipeDisk { machine: MA });
            assert_eq!((effect.took_effect, effect.bytes_lost), (true, 1));
            assert!(lab.durable_file(MA, "f").is_none());
        }
        lab.hurt(Fault::StartMachine { machine: MA });
        lab.watcher.lines.clear();
        lab.run_until(Instant(lab.now().nanos() + 10_000_000));
        reads.push(!lab.seen(A)[1].contains("NotFound"));
    }
    assert_eq!(reads, [true, true, true, false, true, true]);
    assert_eq!(lab.incarnation(A), 4);
}

/// Notes what its wall clock shows every millisecond of its monotonic one.
fn looks_up(_: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    if matches!(event, Event::Start | Event::Timer { .. }) {
        cx.observe(Note(format!("shows {}", cx.wall_clock().nanos() / 1_000_000)));
        cx.set_timer(Lane(0), Span::millis(1), 0);
    }
}

/// What A's wall clock shows at each millisecond from 2 on, after a fault at 1 ms.
fn shown(fault: &Fault) -> Vec<u64> {
    let mut lab = lab(looks_up, quiet);
    lab.run_until(ms(1));
    assert!(lab.inject(fault).expect("it can be done").took_effect);
    lab.run_until(ms(8));
    let shows = lab.seen(A).into_iter().filter_map(|text| text.strip_prefix("shows "));
    shows.skip(2).map(|number| number.parse().expect("a number")).collect()
}

#[test]
fn wall_clocks_are_set_frozen_smeared_and_strobed_and_timers_do_not_care() {
    let (machine, forward) = (MA, |n| ClockStep::Forward(Span::millis(n)));
    let set = Fault::SetClock { machine, offset: forward(10) };
    assert_eq!(shown(&set), [12, 13, 14, 15, 16, 17, 18]);
    let duration = Span::micros(2_500);
    let jumps = Fault::FreezeClock { machine, duration, then: Thaw::Jumps };
    assert_eq!(shown(&jumps), [1, 1, 4, 5, 6, 7, 8]);
    let duration = Span::millis(3);
    let resumes = Fault::FreezeClock { machine, duration, then: Thaw::Resumes };
    assert_eq!(shown(&resumes), [1, 1, 1, 2, 3, 4, 5]);
    let smear = Fault::SmearClock { machine, step: forward(6), duration };
    assert_eq!(shown(&smear), [4, 7, 10, 11, 12, 13, 14]);
    let (delta, period) = (Span::millis(10), Span::millis(1));
    let strobe = Fault::StrobeClock { machine, delta, period, duration: Span::millis(5) };
    assert_eq!(shown(&strobe), [2, 13, 4, 15, 6, 7, 8]);
}

#[test]
fn clocks_are_not_asked_for_the_impossible() {
    let mut lab = lab(quiet, quiet);
    let (machine, duration) = (MA, Span::millis(3));
    let step = ClockStep::Back(duration);
    let smear = Fault::SmearClock { machine, step, duration };
    assert_eq!(lab.inject(&smear), Err(FaultError::Backwards));
    let strobe = Fault::StrobeClock { machine, delta: duration, period: Span::ZERO, duration };
    assert_eq!(lab.inject(&strobe), Err(FaultError::Zero));
    let offset = ClockStep::Forward(Span::ZERO);
    assert!(!lab.hurt(Fault::SetClock { machine, offset }).took_effect, "it is right already");
}

/// Asks for as many bytes as it is told, at the site of the lane; says so if it is refused.
fn hoarder(_: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    if let Event::Datagram { message, .. } = event {
        cx.send(B, say(0));
        let (part, bytes) = ((message.number / 1_000) as u32, message.number % 1_000);
        if !cx.reserve(Quirk::Odd, part, bytes) {
            note(cx, "refused");
        }
        cx.send(B, say(1));
    }
}

/// Starts a hoarder, and again at once when it is gone; has it ask for these in turn.
fn asker<const N: usize>(me: &mut Actor, asks: [u64; N], event: &Event<Say>, cx: Cx<'_>) {
    match event {
        Event::Start | Event::Exited { .. } => drop(cx.launch(CHILD.port, actor(hoarder))),
        _ => {}
    }
    if let Event::Start | Event::Timer { .. } = event {
        if let Some(number) = asks.get(me.memory.len().wrapping_sub(1)) {
            cx.send(CHILD, say(*number));
        }
        me.memory.push(0);
        cx.set_timer(Lane(0), Span::millis(1), 0);
    }
}

#[test]
fn who_holds_more_than_it_may_dies_on_the_spot() {
    let mut lab =
        lab(|me, _, event, cx| asker(me, [400, 1_300, 400, 1_300, 2_300], &event, cx), quiet);
    lab.run_until(Instant(500_000));
    let (bytes, duration) = (700, Span::millis(4));
    let effect = lab.hurt(Fault::LimitMemory { node: CHILD, bytes, duration });
    assert_eq!((effect.took_effect, effect.armed), (false, Some(ArmedId(0))));
    lab.run_until(Instant(2_500_000));
    assert_eq!((lab.memory_held(CHILD), lab.incarnation(CHILD)), (700, 1), "it may hold that");
    let tighter = Fault::LimitMemory { node: CHILD, bytes: 699, duration: Span::micros(1) };
    let effect = lab.hurt(tighter);
    assert_eq!((effect.took_effect, effect.processes_lost), (true, 1));
    assert_eq!((lab.armed_hits(ArmedId(0)), lab.armed_hits(ArmedId(1))), (0, 1));
    lab.run_until(Instant(4_900_000));
    assert_eq!((lab.incarnation(CHILD), lab.memory_held(CHILD)), (2, 700), "a life of its own");
    lab.run_until(ms(20));
    assert_eq!(lab.incarnation(CHILD), 2, "the limit is over");
    assert_eq!(lab.memory_held(CHILD), 1_000);
    let exits = lab.seen(A).into_iter().filter(|text| text.starts_with("Exited"));
    assert_eq!(exits.collect::<Vec<_>>(), ["Exited { node: m0:5, exit: OutOfMemory }"]);
}

#[test]
fn nothing_follows_the_request_that_kills() {
    let mut lab = lab(|me, _, event, cx| asker(me, [800], &event, cx), quiet);
    lab.run_until(Instant(500_000));
    let (bytes, duration) = (700, Span::secs(1));
    lab.hurt(Fault::LimitMemory { node: CHILD, bytes, duration });
    lab.run_until(ms(20));
    assert_eq!(lab.heard(B), [0], "what it had sent before left");
    assert_eq!((lab.armed_hits(ArmedId(0)), lab.incarnation(CHILD)), (1, 2));
}

#[test]
fn requests_for_memory_are_refused_at_their_site_as_often_as_asked() {
    let mut lab = lab(|me, _, event, cx| asker(me, [100, 50, 200, 300], &event, cx), quiet);
    lab.run_until(Instant(1_500_000));
    let refuse = |site| Fault::RefuseMemory { node: CHILD, site, count: 1 };
    assert_eq!(lab.inject(&refuse(2)), Err(FaultError::UnknownSite(2)));
    let other = lab.hurt(refuse(Quirk::Even as u16)).armed.expect("it waits");
    let armed = lab.hurt(refuse(Quirk::Odd as u16)).armed.expect("it waits");
    lab.run_until(Instant(2_500_000));
    assert_eq!((lab.memory_held(CHILD), lab.armed_hits(armed)), (50, 0), "less is no request");
    lab.run_until(Instant(3_500_000));
    assert_eq!((lab.memory_held(CHILD), lab.armed_hits(armed)), (50, 1));
    lab.run_until(ms(20));
    assert_eq!((lab.memory_held(CHILD), lab.armed_hits(other)), (300, 0));
    let refused = lab.seen(CHILD).into_iter().filter(|text| *text == "\"refused\"");
    assert_eq!((refused.count(), lab.heard(B).len()), (1, 8));
}
