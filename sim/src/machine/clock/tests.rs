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

#[test]
fn a_set_wall_clock_differs_from_true_time_by_so_much() {
    let mut clock = Clock::new(100_000, Span::secs(100));
    assert_eq!(clock.wall(sec(10)), sec(111));
    clock.set_wall(sec(10), 5 * i128::from(SECOND));
    assert_eq!([10, 20].map(|at| clock.wall(sec(at))), [15, 26].map(sec), "at its own rate");
    clock.set_wall(sec(20), -100 * i128::from(SECOND));
    assert_eq!(clock.wall(sec(20)), sec(0), "not before its origin");
    assert_eq!(clock.monotonic(sec(20)), sec(22));
}

#[test]
fn a_frozen_wall_clock_jumps_or_resumes() {
    for (jumps, then) in [(true, [14, 20]), (false, [10, 16])] {
        let mut clock = Clock::new(0, Span::ZERO);
        clock.freeze_wall(sec(10), Span::secs(4), jumps);
        assert_eq!([10, 12, 13].map(|at| clock.wall(sec(at))), [10; 3].map(sec));
        assert_eq!([14, 20].map(|at| clock.wall(sec(at))), then.map(sec));
        // whatever happens later, what is over stays as it was
        clock.drift(sec(20), 1_000_000, Span::secs(10));
        clock.step_wall(sec(22), i128::from(SECOND));
        assert_eq!(clock.wall(sec(24)), sec(then[1] + 9));
    }
}

#[test]
fn steps_move_a_frozen_clock_and_drifts_do_not() {
    for (jumps, then) in [(true, 16), (false, 9)] {
        let mut clock = Clock::new(0, Span::ZERO);
        clock.freeze_wall(sec(10), Span::secs(4), jumps);
        clock.step_wall(sec(11), -3 * i128::from(SECOND));
        clock.drift(sec(11), 1_000_000, Span::secs(100));
        assert_eq!([11, 13].map(|at| clock.wall(sec(at))), [7, 7].map(sec));
        assert_eq!(clock.wall(sec(15)), sec(then), "it ran for a second");
    }
}

#[test]
fn a_freeze_ends_the_one_before_in_its_own_way() {
    let mut clock = Clock::new(0, Span::ZERO);
    clock.freeze_wall(sec(10), Span::secs(10), false);
    clock.freeze_wall(sec(14), Span::secs(2), true);
    assert_eq!([14, 15, 16, 20].map(|at| clock.wall(sec(at))), [10, 10, 12, 16].map(sec));
    clock.freeze_wall(sec(20), Span::secs(10), true);
    clock.freeze_wall(sec(24), Span::secs(2), false);
    assert_eq!([24, 25, 26, 27].map(|at| clock.wall(sec(at))), [20, 20, 20, 21].map(sec));
}

#[test]
fn smears_and_strobes_add_up() {
    let mut clock = Clock::new(0, Span::secs(100));
    let second = i128::from(SECOND);
    clock.smear_wall(sec(10), -5 * second, Span::secs(10));
    assert_eq!([10, 12, 20, 22].map(|at| clock.wall(sec(at))), [110, 111, 115, 117].map(sec));
    clock.strobe_wall(sec(12), 40 * second, Span::secs(2), Span::secs(7));
    let shows = [(12, 151), (13, 151), (14, 112), (16, 153), (18, 114), (19, 114), (30, 125)];
    for (at, shown) in shows {
        let half = at % 2;
        let expected = Instant(shown * SECOND + half * SECOND / 2);
        assert_eq!(clock.wall(sec(at)), expected, "at {at} s");
    }
    clock.step_wall(sec(30), second);
    assert_eq!(clock.wall(sec(31)), sec(127));
    assert!(clock.shifts.is_empty(), "what is over is forgotten");
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
