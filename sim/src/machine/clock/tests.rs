use super::*;

const SECOND: u64 = 1_000_000_000;

fn sec(n: u64) -> Instant {
    Instant(n * SECOND)
}

#[test]
fn a_clock_runs_at_its_rate_before_and_after_a_drift() {
    let mut clock = Clock::new(0, Span::secs(100));
    clock.drift(sec(10), 100_000, Span::secs(20));
    for (truth, local) in [(0, 0), (10, 10), (20, 21), (30, 32), (40, 42)] {
        if truth >= 10 {
            assert_eq!(clock.monotonic(sec(truth)), sec(local), "at {truth} s");
            assert_eq!(clock.wall(sec(truth)), sec(100 + local));
        }
    }
    let mut slow = Clock::new(-100_000, Span::ZERO);
    assert_eq!(slow.monotonic(sec(10)), sec(9));
    slow.drift(sec(10), -500_000, Span::secs(4));
    assert_eq!((slow.monotonic(sec(14)), slow.monotonic(sec(24))), (sec(11), sec(20)));
}

#[test]
fn a_timer_knows_the_end_of_a_drift() {
    let mut clock = Clock::new(0, Span::ZERO);
    clock.drift(sec(10), 1_000_000, Span::secs(5));
    assert_eq!(clock.when(sec(10), Span::secs(4)), sec(12), "twice as fast");
    assert_eq!(clock.when(sec(10), Span::secs(10)), sec(15), "just to the end");
    assert_eq!(clock.when(sec(14), Span::secs(3)), sec(16), "half of it after the end");
    assert_eq!(clock.when(sec(20), Span::secs(3)), sec(23));
}

#[test]
fn a_drift_takes_the_place_of_another() {
    let mut clock = Clock::new(0, Span::ZERO);
    clock.drift(sec(0), 500_000, Span::secs(10));
    clock.drift(sec(4), -500_000, Span::secs(4));
    assert_eq!([4, 8, 10].map(|at| clock.monotonic(sec(at))), [6, 8, 10].map(sec));
}

proptest::proptest! {
    #[test]
    fn no_clock_jumps_or_goes_back(
        usual in -999_999..2_000_000i32,
        drifts in proptest::collection::vec((0..50u64, -999_999..2_000_000i32, 0..80u64), 0..4),
        after in 0..200u64,
    ) {
        let mut clock = Clock::new(usual, Span::ZERO);
        let mut drifts = drifts;
        drifts.sort_unstable();
        let fastest = 3;
        let mut before = Instant::ZERO;
        for now in 0..150u64 {
            for (_, ppm, lasting) in drifts.iter().filter(|(at, ..)| *at == now) {
                let shows = clock.monotonic(Instant(now));
                clock.drift(Instant(now), *ppm, Span(*lasting));
                assert_eq!(clock.monotonic(Instant(now)), shows, "it does not jump");
            }
            let shows = clock.monotonic(Instant(now));
            assert!(before <= shows && shows.since(before).0 <= fastest);
            before = shows;
            let when = clock.when(Instant(now), Span(after));
            assert!(clock.monotonic(when) >= shows + Span(after), "not too early");
            let earlier = Instant(when.0.saturating_sub(1)).max(Instant(now));
            let early = clock.monotonic(earlier) >= shows + Span(after);
            assert!(earlier == when || !early, "the first such instant");
        }
    }
}
