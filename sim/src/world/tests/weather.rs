//! Weathers of links, narrow cards, broken connections: what each does, and that it says so.

use super::*;
use crate::fault::{FaultError, Links, Weather};
use crate::net::{Corrupted, Latency};
use crate::node::ConnId;

const ALWAYS: u32 = 1_000_000;

/// Sends a numbered datagram to B every millisecond, 100 in all; to C as well.
fn hundred(me: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    let number = me.memory.len() as u64;
    if matches!(event, Event::Start | Event::Timer { .. }) && number < 100 {
        me.memory.push(number);
        cx.send(B, say(number));
        cx.send(C, say(number));
        cx.set_timer(Lane(0), Span::millis(1), 0);
    }
}

fn three(network: NetworkSpec, a: Script, b: Script) -> Lab {
    let mut lab = lab_with(network, a, b);
    lab.boot(C, actor(quiet));
    lab
}

fn rolling() -> NetworkSpec {
    NetworkSpec::uniform(Span::micros(100), Span::micros(900))
}

/// Arrivals at a process: when, and what.
fn arrivals(lab: &Lab, node: NodeId) -> Vec<(Instant, String)> {
    let lines = lab.watcher().lines.iter().filter(|(at, _)| at.node == node);
    lines.map(|(at, text)| (at.time, text.clone())).collect()
}

fn weather(lab: &mut Lab, links: Links, weather: Weather, duration: Span) -> ArmedHits {
    let effect = lab.hurt(Fault::Weather { links, weather, duration });
    assert!(effect.took_effect);
    ArmedHits(effect.armed.expect("a weather counts its hits"))
}

struct ArmedHits(crate::fault::ArmedId);
impl ArmedHits {
    fn of(&self, lab: &Lab) -> u64 {
        lab.armed_hits(self.0)
    }
}

/// A hundred datagrams from A to B in a weather; what B heard, the world, and the hits.
fn in_weather(network: NetworkSpec, what: Weather) -> (Vec<u64>, Lab, u64) {
    let mut lab = three(network, hundred, quiet);
    let hits = weather(&mut lab, Links::one(MA, MB), what, Span::secs(1));
    lab.run_until(ms(5_000));
    let count = hits.of(&lab);
    assert_eq!(lab.heard(C).len(), 100, "the other link has no weather");
    (lab.heard(B), lab, count)
}

#[test]
fn a_weather_loses_doubles_and_reorders_as_often_as_it_says() {
    let half = ALWAYS / 2;
    let (heard, _, hits) = in_weather(rolling(), Weather { loss_ppm: half, ..Weather::default() });
    assert!((35..=65).contains(&heard.len()));
    assert_eq!(hits, 100 - heard.len() as u64);

    let double = Weather { duplicate_ppm: half, ..Weather::default() };
    let (heard, _, hits) = in_weather(rolling(), double);
    assert!((135..=165).contains(&heard.len()));
    assert_eq!(hits, heard.len() as u64 - 100);

    let late = Weather { duplicate_late: Span::secs(4), ..double };
    let (heard, ..) = in_weather(rolling(), late);
    assert!(heard.iter().rposition(|n| *n < 50).expect("early ones") > 110, "old copies come late");

    let reorder =
        Weather { reorder_ppm: half, reorder_extra: Span::millis(20), ..Weather::default() };
    let (heard, _, hits) = in_weather(calm(), reorder);
    assert_eq!(heard.len(), 100);
    assert!(heard.windows(2).filter(|pair| pair[0] > pair[1]).count() > 20);
    assert!((35..=65).contains(&hits));
}

#[test]
fn losses_come_in_runs_where_that_is_asked_for() {
    let what = Weather { loss_ppm: 300_000, loss_run: 10, ..Weather::default() };
    let (heard, _, hits) = in_weather(calm(), what);
    assert_eq!(hits, 100 - heard.len() as u64);
    assert!((10..=60).contains(&hits) && hits.is_multiple_of(10), "{hits}");
    assert!((0..10u64).all(|run| {
        let of = heard.iter().filter(|n| **n / 10 == run).count();
        of == 0 || of == 10
    }));
}

#[test]
fn a_tail_delays_some_packets_a_lot() {
    let tail = Latency::Pareto { min: Span::millis(1), shape: 100, max: Span::millis(500) };
    let (_, lab, hits) =
        in_weather(calm(), Weather { tail_ppm: ALWAYS, tail, ..Weather::default() });
    assert_eq!(hits, 100);
    let mut late: Vec<u64> = Vec::new();
    for (at, text) in arrivals(&lab, B).iter().skip(1) {
        let number: u64 = text.split("message: ").nth(1).expect("a datagram")[..]
            .trim_end_matches(" }")
            .parse()
            .expect("a number");
        late.push(at.since(ms(number + 1)).0);
    }
    late.sort_unstable();
    assert!(late[0] >= 1_000_000 && (1_500_000..3_000_000).contains(&late[50]), "{late:?}");
    assert!(late[98] > 20_000_000 && late[99] <= 500_000_000, "{late:?}");
    let (links, duration) = (Links::All, Span::secs(1));
    let tail = Latency::Pareto { min: Span::ZERO, shape: 100, max: Span::millis(500) };
    let what = Weather { tail_ppm: 1, tail, ..Weather::default() };
    let fault = Fault::Weather { links, weather: what, duration };
    assert_eq!(three(calm(), quiet, quiet).inject(&fault), Err(FaultError::NoLatency));
}

#[test]
fn checksums_find_flipped_bits_and_without_them_they_arrive() {
    let what = Weather { corrupt_ppm: ALWAYS / 2, ..Weather::default() };
    let (heard, lab, hits) = in_weather(calm(), what);
    assert_eq!(hits, 100 - heard.len() as u64);
    assert!((35..=65).contains(&hits));
    assert_eq!(lab.corrupted(), Corrupted { noticed: hits, delivered: 0 });
    let open = NetworkSpec { checksums: false, ..calm() };
    let (heard, lab, hits) = in_weather(open.clone(), what);
    let wrong = heard.iter().filter(|n| **n >= 128).count() as u64;
    let Corrupted { noticed, delivered } = lab.corrupted();
    assert_eq!(noticed + delivered, hits);
    assert!((delivered / 2..=delivered).contains(&wrong), "most bits are high ones");
    assert_eq!(heard.len() as u64, 100 - noticed, "what makes no sense is dropped");
    assert!(noticed > 5 && delivered > 5);
    // the same as a property of the whole network
    let mut lab = three(NetworkSpec { corrupt_ppm: ALWAYS, ..open }, hundred, quiet);
    lab.run_until(ms(500));
    assert_eq!(lab.corrupted().noticed + lab.corrupted().delivered, 200);
}

#[test]
fn weathers_add_up_and_end() {
    let mut lab = three(calm(), hundred, quiet);
    let (slow, lossy) = (Weather::slow(Span::millis(3)), Span::millis(50));
    let one = weather(&mut lab, Links::From(MA), slow, Span::millis(20));
    let two = weather(&mut lab, Links::To(MB), slow, Span::millis(10));
    let half = Weather { loss_ppm: ALWAYS / 2, ..Weather::default() };
    lab.run_until(Instant(39_500_000));
    let (three, four) = (
        weather(&mut lab, Links::Of(MB), half, lossy),
        weather(&mut lab, Links::one(MA, MB), half, lossy),
    );
    lab.run_until(ms(500));
    let at = |node, nth: usize| arrivals(&lab, node)[nth + 1].0;
    assert_eq!((at(B, 0), at(C, 0)), (ms(7), ms(4)));
    assert_eq!(arrivals(&lab, C)[100].0, ms(100));
    assert_eq!((one.of(&lab), two.of(&lab)), (40, 10));
    assert_eq!(lab.heard(B).len(), 50, "two halves are a whole");
    assert_eq!(three.of(&lab) + four.of(&lab), 50);
    assert!(three.of(&lab) > 10 && four.of(&lab) > 10);
}

#[test]
fn a_narrow_link_queues_and_is_wide_again_afterwards() {
    // 100 bytes a millisecond come, 50 pass for 40 ms: 20 pass, and then the other 20 at once
    let narrow = Weather { speed: Some(50_000), ..Weather::default() };
    let mut lab = three(calm(), hundred, quiet);
    let hits = weather(&mut lab, Links::one(MA, MB), narrow, Span::millis(40));
    lab.run_until(ms(500));
    assert_eq!(lab.heard(B), (0..100).collect::<Vec<_>>());
    let seen = arrivals(&lab, B);
    assert_eq!((seen[1].0, seen[2].0, seen[20].0), (ms(3), ms(5), ms(41)));
    assert!(seen[21..=40].iter().all(|s| s.0 == ms(41)), "what had waited");
    assert_eq!((seen[41].0, hits.of(&lab)), (ms(41), 40));
    assert_eq!(seen[42].0, ms(42));
}

#[test]
fn a_clog_holds_everything_until_its_end_and_can_be_lifted_for_what_follows() {
    let mut lab = three(calm(), hundred, quiet);
    weather(&mut lab, Links::Of(MB), Weather::clog(), Span::millis(30));
    lab.run_until(Instant(9_500_000));
    assert!(lab.hurt(Fault::Heal { links: Links::one(MA, MB) }).took_effect);
    assert!(!lab.hurt(Fault::Heal { links: Links::one(MA, MB) }).took_effect);
    lab.run_until(ms(500));
    let seen = arrivals(&lab, B);
    assert!(seen[1..=90].windows(2).all(|w| w[0].0 <= w[1].0));
    // ten had been sent: they wait; the eleventh went on at once
    let early = seen.iter().filter(|s| s.0 < ms(31)).count() - 1;
    assert_eq!((early, seen[1].0), (20, ms(11)));
    let held: Vec<_> = seen.iter().filter(|s| s.0 == ms(31)).collect();
    assert_eq!(held.len(), 11, "ten that were held and the one that is due");
}

#[test]
fn healing_ends_cuts_before_their_time_and_once() {
    let mut lab = three(calm(), hundred, quiet);
    lab.cut(MA, MB, true, Span::millis(50));
    lab.cut(MA, MB, false, Span::millis(30));
    lab.run_until(Instant(9_500_000));
    assert!(lab.hurt(Fault::Heal { links: Links::All }).took_effect);
    lab.run_until(Instant(19_500_000));
    assert_eq!(lab.heard(B).first(), Some(&10));
    // a cut of its own is not healed by the ends of those before
    lab.cut(MA, MB, false, Span::millis(60));
    lab.run_until(ms(500));
    assert_eq!(lab.heard(B), (10..19).chain(80..100).collect::<Vec<_>>());
}

#[test]
fn a_weather_moves_no_draw_of_another_link_nor_of_its_own() {
    let network = NetworkSpec { loss_ppm: 100_000, duplicate_ppm: 100_000, ..rolling() };
    let spread = |me: &mut Actor, lane: Lane, event: Event<Say>, cx: Cx<'_>| {
        hundred(me, lane, event, cx);
    };
    let plain = {
        let mut lab = three(network.clone(), spread, hundred);
        lab.run_until(ms(2_000));
        lab
    };
    let tail =
        Latency::Exponential { min: Span::ZERO, mean: Span::millis(1), max: Span::millis(9) };
    let foul = Weather {
        extra: Span::micros(50),
        tail_ppm: 200_000,
        tail,
        loss_ppm: 300_000,
        duplicate_ppm: 300_000,
        reorder_ppm: 300_000,
        reorder_extra: Span::millis(3),
        corrupt_ppm: 100_000,
        ..Weather::default()
    };
    let mut lab = three(network.clone(), spread, hundred);
    let hits = weather(&mut lab, Links::one(MA, MB), foul, Span::millis(50));
    lab.run_until(ms(2_000));
    assert!(hits.of(&lab) > 30);
    let from = |lab: &Lab, node, sender: &str| -> Vec<_> {
        arrivals(lab, node).into_iter().filter(|s| s.1.contains(sender)).collect()
    };
    // links A->C and B->C: the same packets, to the nanosecond
    assert_eq!(from(&plain, C, "m0:0"), from(&lab, C, "m0:0"));
    assert_eq!(from(&plain, C, "m1:0"), from(&lab, C, "m1:0"));
    // link A->B itself: the packets after the weather have the draws that they had
    let after = |lab: &Lab| -> Vec<_> {
        let mut all = from(lab, B, "m0:0");
        all.retain(|s| s.0 > ms(65));
        all
    };
    assert_eq!(after(&plain), after(&lab));
    assert_ne!(from(&plain, B, "m0:0"), from(&lab, B, "m0:0"));
    // a second weather leaves what the first does as it is
    let loss = Weather { loss_ppm: 300_000, ..Weather::default() };
    let heard = |second: Option<Weather>| {
        let mut lab = three(network.clone(), spread, quiet);
        weather(&mut lab, Links::one(MA, MB), loss, Span::secs(1));
        if let Some(second) = second {
            weather(&mut lab, Links::one(MA, MB), second, Span::secs(1));
        }
        lab.run_until(ms(2_000));
        lab.heard(B)
    };
    let (alone, slow) = (heard(None), heard(Some(Weather::slow(Span::millis(7)))));
    assert_eq!(alone, slow);
    let more = heard(Some(loss));
    assert!(more.len() < alone.len() - 10 && more.iter().all(|n| alone.contains(n)));
}

#[test]
fn a_narrow_card_serves_all_its_links_and_recovers() {
    let mut lab = three(calm(), hundred, quiet);
    // 200 bytes a millisecond leave A, 100 pass for 40 ms
    let slow = Fault::SlowCard { machine: MA, speed: 100_000, duration: Span::millis(40) };
    let effect = lab.hurt(slow);
    assert!(effect.took_effect);
    lab.run_until(ms(500));
    let (b, c) = (arrivals(&lab, B), arrivals(&lab, C));
    assert_eq!((b[1].0, c[1].0, b[2].0, c[2].0), (ms(2), ms(3), ms(4), ms(5)));
    assert_eq!((b[20].0, c[20].0, b[40].0, b[60].0), (ms(40), ms(41), ms(41), ms(60)));
    let hits = lab.armed_hits(effect.armed.expect("it counts"));
    assert_eq!(hits, 40, "messages that began to pass while it was narrow");
}

/// Writes a number to B every millisecond, 100 in all.
fn hundred_lines(me: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    match event {
        Event::Start => {
            me.memory.push(cx.connect(B).0);
            cx.set_timer(Lane(0), Span::millis(3), 0);
        }
        Event::Timer { .. } if me.memory.len() <= 100 => {
            let number = me.memory.len() as u64 - 1;
            me.memory.push(number);
            assert!(cx.write(ConnId(me.memory[0]), say(number)).is_ok());
            cx.set_timer(Lane(0), Span::millis(1), 0);
        }
        _ => {}
    }
}

/// A hundred messages of a connection in a weather: what B heard, when the last came, the world,
/// and the hits.
fn lines_in_weather(network: NetworkSpec, what: Weather) -> (Vec<u64>, Instant, Lab, u64) {
    let mut lab = lab_with(network, hundred_lines, quiet);
    lab.run_until(Instant(2_500_000));
    let hits = weather(&mut lab, Links::one(MA, MB), what, Span::millis(50));
    lab.run_until(ms(60_000));
    let (last, count) = (arrivals(&lab, B).last().expect("it started").0, hits.of(&lab));
    (lab.heard(B), last, lab, count)
}

#[test]
fn connections_are_late_in_any_weather_and_have_no_holes() {
    let whole: Vec<u64> = (0..100).collect();
    let calm_weather = Weather::default();
    let tail =
        Latency::Exponential { min: Span::millis(1), mean: Span::millis(50), max: Span::secs(1) };
    for (what, late) in [
        (Weather { loss_ppm: 300_000, ..calm_weather }, true),
        (Weather { loss_ppm: 300_000, loss_run: 8, ..calm_weather }, true),
        // the first retransmission leaves after the end
        (Weather { loss_ppm: ALWAYS, ..calm_weather }, true),
        (Weather { corrupt_ppm: 300_000, ..calm_weather }, true),
        (Weather { tail_ppm: 300_000, tail, ..calm_weather }, true),
        (Weather::slow(Span::millis(400)), true),
        (Weather::clog(), false),
        (Weather { speed: Some(10_000), ..calm_weather }, false),
    ] {
        let (heard, last, _, hits) = lines_in_weather(calm(), what);
        assert_eq!(heard, whole, "{what:?}");
        assert!(hits >= 10 && (last > ms(103)) == late, "{what:?}: {hits} hits, {last}");
        assert!(last < ms(700), "{what:?}: {last}");
    }
    let doubled = Weather { duplicate_ppm: ALWAYS, reorder_ppm: ALWAYS, ..calm_weather };
    let strange = Weather { reorder_extra: Span::secs(1), ..doubled };
    let (heard, last, _, hits) = lines_in_weather(calm(), strange);
    assert_eq!((heard, last, hits), (whole, ms(103), 0), "connections drop copies, keep order");
}

#[test]
fn flipped_bits_reach_a_reader_only_without_checksums() {
    let what = Weather { corrupt_ppm: ALWAYS / 2, ..Weather::default() };
    let (heard, _, lab, _) = lines_in_weather(calm(), what);
    assert_eq!((heard.len(), lab.corrupted().delivered), (100, 0));
    assert!(lab.corrupted().noticed > 10);
    let (heard, _, lab, hits) = lines_in_weather(NetworkSpec { checksums: false, ..calm() }, what);
    let wrong = heard.iter().zip(0..).filter(|(heard, number)| *heard != number).count() as u64;
    assert_eq!((heard.len(), lab.corrupted().delivered), (100, wrong));
    assert!(wrong > 5 && lab.corrupted().noticed > 5);
    assert!(hits >= wrong + lab.corrupted().noticed);
}

#[test]
fn a_network_may_have_a_heavy_tail_itself() {
    let latency = Latency::Pareto { min: Span::micros(500), shape: 100, max: Span::millis(200) };
    let mut lab = three(NetworkSpec { latency, ..calm() }, hundred, quiet);
    lab.run_until(ms(1_000));
    let heard = lab.heard(B);
    assert_eq!(heard.len(), 100);
    assert!(heard.windows(2).any(|pair| pair[0] > pair[1]), "some are overtaken");
    assert!(arrivals(&lab, B).iter().skip(1).all(|s| s.0 >= Instant(500_000)));
    assert!(!Latency::Pareto { min: Span::ZERO, shape: 100, max: Span::ZERO }.is_sound());
}
