use alloc::vec::Vec;

use proptest::prelude::*;
use stormglass_sim::time::{Instant, Span};

use super::{Detector, Heartbeats};
use crate::names::{Switches, Twist};

const FIXED: Detector = Detector::Fixed { timeout: Span::secs(30) };
const PHI: Detector = Detector::Phi {
    threshold_milli: 8_000,
    window: 4,
    min_deviation: Span::millis(100),
    acceptable_pause: Span::ZERO,
    first: Span::secs(1),
};

const fn ms(millis: u64) -> Instant {
    Instant(millis * 1_000_000)
}

/// A heartbeat without a planted bug.
fn beat(beats: &mut Heartbeats, detector: &Detector, now: Instant) {
    let reached = beats.heard(detector, now, now.nanos() / 1_000_000_000, Switches::default());
    assert_eq!(reached, None);
}

/// Heard at these milliseconds, watched since 0.
fn heard_at(detector: &Detector, millis: &[u64]) -> Heartbeats {
    let mut beats = Heartbeats::new(Instant::ZERO);
    millis.iter().for_each(|at| beat(&mut beats, detector, ms(*at)));
    beats
}

/// Phi so many milliseconds after the last heartbeat.
fn phi_after(beats: &Heartbeats, detector: &Detector, millis: u64) -> u64 {
    beats.phi_milli(detector, beats.last_heard() + Span::millis(millis)).unwrap()
}

#[test]
fn the_fixed_detector_is_storms() {
    // Timed out when now - last >= 30 s, and watched from the start.
    let table: [(&[u64], u64, bool); 6] = [
        (&[], 29_999, false),
        (&[], 30_000, true),
        (&[1_000], 30_999, false),
        (&[1_000], 31_000, true),
        (&[1_000, 20_000], 49_999, false),
        (&[1_000, 20_000], 50_000, true),
    ];
    for (heartbeats, now, suspect) in table {
        let beats = heard_at(&FIXED, heartbeats);
        assert_eq!(beats.is_suspect(&FIXED, ms(now)), suspect, "{heartbeats:?} at {now}");
        assert_eq!(beats.due(&FIXED) <= ms(now), suspect, "{heartbeats:?} due");
        assert_eq!(beats.phi_milli(&FIXED, ms(now)), None);
        assert_eq!(beats.intervals(), 0, "it has no use for intervals");
    }
}

#[test]
fn phi_is_the_improbability_of_so_late_a_heartbeat() {
    // Before any interval: 750 and 1250 ms, so a mean of 1 s and a deviation of 250 ms. The tail of
    // the normal distribution, from its table: 0.5, 0.158655, 0.0227501, 0.00134990 beyond 0, 1, 2
    // and 3 deviations; 3.1671e-5 and 2.86652e-7 beyond 4 and 5.
    let beats = heard_at(&PHI, &[]);
    let table = [(0, 301), (1, 800), (2, 1_643), (3, 2_870), (4, 4_499), (5, 6_543)];
    for (deviations, exact) in table {
        let phi = phi_after(&beats, &PHI, 1_000 + 250 * deviations);
        assert!(phi.abs_diff(exact) <= exact / 8, "{deviations}: {phi}, the table says {exact}");
        assert!(deviations > 2 || phi.abs_diff(exact) <= 10, "{deviations}: {phi} of {exact}");
    }
    assert_eq!(phi_after(&beats, &PHI, 0), 0, "nobody is late at once");
}

#[test]
fn regular_heartbeats_are_missed_soon_and_irregular_ones_later() {
    // Seconds, exactly: the deviation is the least one. 1.5976 y + 0.070566 y^3 = 8 ln 10 at
    // y = 5.226.
    let regular = heard_at(&PHI, &[1_000, 2_000, 3_000, 4_000, 5_000]);
    assert_eq!(regular.due(&PHI).since(ms(5_000)).as_nanos() / 1_000_000, 1_522);
    // 600, 1400, 600, 1400: mean 1 s, deviation 400 ms.
    let irregular = heard_at(&PHI, &[1_000, 1_600, 3_000, 3_600, 5_000]);
    assert_eq!(irregular.due(&PHI).since(ms(5_000)).as_nanos() / 1_000_000, 3_090);
}

#[test]
fn a_pause_that_is_acceptable_only_shifts() {
    let pause = Span::secs(3);
    let Detector::Phi { threshold_milli, window, min_deviation, first, .. } = PHI else {
        unreachable!()
    };
    let patient =
        Detector::Phi { threshold_milli, window, min_deviation, first, acceptable_pause: pause };
    let beats = heard_at(&PHI, &[1_000, 1_900, 3_000]);
    assert_eq!(beats.due(&patient), beats.due(&PHI) + pause);
}

#[test]
fn intervals_leave_the_window_and_the_guess_leaves_first() {
    // The window has room for 4: after 2 intervals both guesses are still there, after 4 none.
    let mut beats = heard_at(&PHI, &[0]);
    let mut now = 0;
    let mut dues = Vec::new();
    for _ in 0..9 {
        dues.push(beats.due(&PHI).since(beats.last_heard()));
        now += 200;
        beat(&mut beats, &PHI, ms(now));
        assert!(beats.intervals() <= 4);
    }
    assert!(dues[..4].iter().all(|due| *due > Span::secs(2)), "{dues:?}");
    assert!(dues[4..].iter().all(|due| due.as_nanos() / 1_000_000 == 722), "{dues:?}");
}

#[test]
fn an_outage_is_not_an_interval() {
    // Neither are heartbeats that become so rare: it is suspected each time.
    let mut beats = heard_at(&PHI, &[0, 1_000, 2_000, 3_000]);
    let before = beats.due(&PHI).since(ms(3_000));
    assert!(beats.is_suspect(&PHI, ms(60_000)));
    beat(&mut beats, &PHI, ms(60_000));
    assert!(!beats.is_suspect(&PHI, ms(60_000)));
    assert_eq!(beats.due(&PHI).since(ms(60_000)), before);
    beat(&mut beats, &PHI, ms(120_000));
    assert_eq!(beats.due(&PHI).since(ms(120_000)), before);
}

#[test]
fn a_new_life_begins_without_a_past() {
    for detector in [FIXED, PHI] {
        let mut beats = heard_at(&detector, &[0, 10, 20, 30, 40]);
        assert!(beats.is_suspect(&detector, ms(90_000)));
        beats.reset(ms(90_000));
        assert_eq!(beats, Heartbeats::new(ms(90_000)));
        assert!(!beats.is_suspect(&detector, ms(90_001)));
        // What passed before the first heartbeat of this life is not an interval.
        beat(&mut beats, &detector, ms(90_500));
        assert_eq!(beats.intervals(), 0);
    }
}

#[test]
fn any_heartbeat_counts_whatever_its_second_but_not_with_the_bug() {
    let bug = Switches::of(|twist| twist == Twist::HeartbeatBySecond);
    for (switches, second, reached, last) in [
        (Switches::default(), 7, None, 2_000),
        (Switches::default(), 8, None, 2_000),
        (bug, 7, Some(Twist::HeartbeatBySecond), 1_000),
        (bug, 8, None, 2_000),
        (bug, 6, None, 2_000),
    ] {
        let mut beats = Heartbeats::new(Instant::ZERO);
        assert_eq!(beats.heard(&FIXED, ms(1_000), 7, switches), None, "the first is news");
        assert_eq!(beats.heard(&FIXED, ms(2_000), second, switches), reached, "{second}");
        assert_eq!(beats.last_heard(), ms(last), "{second}");
        beats.reset(ms(3_000));
        assert_eq!(beats.heard(&FIXED, ms(4_000), second, switches), None, "a new life");
    }
}

#[test]
fn flaws_are_told() {
    let phi = |threshold_milli, window, first| Detector::Phi {
        threshold_milli,
        window,
        min_deviation: Span::ZERO,
        acceptable_pause: Span::ZERO,
        first,
    };
    let second = Span::secs(1);
    for (detector, flaw) in [
        (FIXED, None),
        (PHI, None),
        (Detector::Fixed { timeout: Span::ZERO }, Some("timeout")),
        (phi(301, 2, second), Some("0.301")),
        (phi(302, 2, second), None),
        (phi(8_000, 1, second), Some("window")),
        (phi(8_000, 2, Span::ZERO), Some("first")),
    ] {
        let told = detector.flaw();
        let right = flaw.is_none_or(|word| told.is_some_and(|told| told.contains(word)));
        assert!(right && told.is_some() == flaw.is_some(), "{detector:?}: {told:?}");
    }
}

#[test]
fn absurd_settings_and_silences_do_not_overflow() {
    let absurd = Detector::Phi {
        threshold_milli: u32::MAX,
        window: 0,
        min_deviation: Span(u64::MAX),
        acceptable_pause: Span(u64::MAX),
        first: Span(u64::MAX),
    };
    let mut beats = Heartbeats::new(Instant::ZERO);
    for now in [0, u64::MAX / 2, u64::MAX] {
        beat(&mut beats, &absurd, Instant(now));
    }
    assert_eq!(beats.due(&absurd), Instant::FAR);
    assert_eq!(beats.due(&Detector::Fixed { timeout: Span(u64::MAX) }), Instant::FAR);
}

fn detector() -> impl Strategy<Value = Detector> {
    let fixed = (1u64..60_000).prop_map(|t| Detector::Fixed { timeout: Span::millis(t) });
    let phi = (302u32..16_000, 2u16..20, 0u64..500, 0u64..3_000, 1u64..10_000);
    let phi = phi.prop_map(|(threshold_milli, window, deviation, pause, first)| Detector::Phi {
        threshold_milli,
        window,
        min_deviation: Span::millis(deviation),
        acceptable_pause: Span::millis(pause),
        first: Span::millis(first),
    });
    prop_oneof![fixed, phi]
}

/// Heartbeats with such gaps in milliseconds.
fn history(detector: &Detector, gaps: &[u64]) -> Heartbeats {
    let mut beats = Heartbeats::new(ms(5));
    let mut now = 5;
    for gap in gaps {
        now += gap;
        beat(&mut beats, detector, ms(now));
    }
    beats
}

proptest! {
    /// Silence only ever raises suspicion.
    #[test]
    fn silence_only_raises_suspicion(
        detector in detector(),
        gaps in prop::collection::vec(0u64..5_000, 0..30),
        mut silences in prop::collection::vec(0u64..100_000, 2..10),
    ) {
        let beats = history(&detector, &gaps);
        silences.sort_unstable();
        let at = |silence: &u64| beats.last_heard() + Span::millis(*silence);
        for pair in silences.windows(2) {
            let [less, more] = [at(&pair[0]), at(&pair[1])];
            prop_assert!(beats.phi_milli(&detector, less) <= beats.phi_milli(&detector, more));
            prop_assert!(!beats.is_suspect(&detector, less) || beats.is_suspect(&detector, more));
        }
    }

    /// It is suspect from the due instant on and not before.
    #[test]
    fn due_is_the_first_suspect_instant(
        detector in detector(),
        gaps in prop::collection::vec(0u64..5_000, 0..30),
    ) {
        let beats = history(&detector, &gaps);
        let due = beats.due(&detector);
        prop_assert!(due > beats.last_heard());
        prop_assert!(beats.is_suspect(&detector, due));
        prop_assert!(!beats.is_suspect(&detector, due - Span::nanos(1)));
    }

    /// A heartbeat clears every suspicion, and is what the silence is counted from.
    #[test]
    fn a_heartbeat_clears(
        detector in detector(),
        gaps in prop::collection::vec(0u64..5_000, 0..30),
        silence in 0u64..1_000_000,
    ) {
        let mut beats = history(&detector, &gaps);
        let now = beats.last_heard() + Span::millis(silence);
        beat(&mut beats, &detector, now);
        prop_assert_eq!(beats.last_heard(), now);
        prop_assert!(!beats.is_suspect(&detector, now));
        prop_assert!(beats.phi_milli(&detector, now).is_none_or(|phi| phi <= 301));
    }

    /// The fixed detector accuses nobody who was heard within the timeout, however it beats.
    #[test]
    fn the_fixed_detector_never_accuses_before_the_timeout(
        timeout in 1u64..10_000,
        gaps in prop::collection::vec(0u64..20_000, 0..30),
    ) {
        let detector = Detector::Fixed { timeout: Span::millis(timeout) };
        let beats = history(&detector, &gaps);
        prop_assert_eq!(beats.due(&detector).since(beats.last_heard()), Span::millis(timeout));
    }

    /// Whatever was expected at first: once regular heartbeats fill the window, a process is
    /// suspected 5.2 least deviations after one is missed, at any interval.
    #[test]
    fn phi_adapts_to_the_interval(interval in 10u64..60_000, rarer in 0u64..60_000) {
        let detector = Detector::Phi {
            threshold_milli: 8_000,
            window: 10,
            min_deviation: Span::millis(100),
            acceptable_pause: Span::ZERO,
            first: Span::millis(interval + rarer),
        };
        let beats = history(&detector, &[interval; 11]);
        let after = beats.due(&detector).since(beats.last_heard()).as_nanos() / 1_000_000;
        prop_assert_eq!(after, interval + 522);
    }

    /// Sums kept as intervals come and go are those of the last ones.
    #[test]
    fn the_window_holds_the_last_intervals(gaps in prop::collection::vec(0u64..500, 6..40)) {
        let long = history(&PHI, &gaps);
        // Gaps below 522 ms are never suspicious here, so each is learnt.
        let short = history(&PHI, &gaps[gaps.len() - 5..]);
        let silence = |beats: &Heartbeats| beats.due(&PHI).since(beats.last_heard());
        prop_assert_eq!(long.intervals(), 4);
        prop_assert_eq!(silence(&long), silence(&short));
    }
}
