//! The controller on histories by hand.

use std::vec::Vec;

use super::*;

const SETTINGS: Adaptive =
    Adaptive { min: Span::secs(2), max: Span::secs(600), hysteresis_permille: 100 };
const INITIAL: Span = Span::secs(30);

/// Failures at these gaps, with a checkpoint of a second's cost in each.
fn seen(gaps: impl IntoIterator<Item = f64>) -> Experience {
    let mut experience = Experience::default();
    experience.stopped(Span::secs(1));
    for gap in gaps {
        experience.ran(Span::nanos((gap * 1e9) as u64));
        experience.failed();
    }
    experience
}

/// Gaps of a Poisson process, drawn by a generator of three lines (Knuth's MMIX).
fn poisson(seed: u64, mean: f64) -> impl Iterator<Item = f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    core::iter::repeat_with(move || {
        for _ in 0..2 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        -mean * libm::log(((state >> 11) + 1) as f64 / (1u64 << 53) as f64)
    })
}

fn decided(experience: &Experience, interval: Span) -> Decision {
    let facts = Facts { settings: &SETTINGS, initial: INITIAL, interval, experience };
    decide(&facts)
}

/// How many times as long as the best one the interval is.
fn ratio(experience: &Experience, mtbf: f64) -> f64 {
    let best = formulas::optimum(1.0, mtbf) + 1.0;
    seconds(target(INITIAL, experience)) / best
}

#[test]
fn the_interval_that_is_set_holds_until_something_is_known() {
    assert_eq!(decided(&Experience::default(), INITIAL), Decision::Keep);
    // Once the cost is known, it is the best one for the rate that it would be the best one for.
    let mut experience = Experience::default();
    experience.stopped(Span::secs(1));
    assert_eq!(decided(&experience, INITIAL), Decision::Keep);
    let prior = seconds(target(INITIAL, &experience));
    assert!((29.0..32.0).contains(&prior), "{prior}");
}

#[test]
fn the_bounds_hold_at_once() {
    let outside = Span::secs(1);
    let facts = Facts {
        settings: &SETTINGS,
        initial: outside,
        interval: outside,
        experience: &Experience::default(),
    };
    assert_eq!(decide(&facts), Decision::Change(SETTINGS.min));
    assert_eq!(decided(&seen([0.1; 40]), INITIAL), Decision::Change(SETTINGS.min));
    assert_eq!(decided(&seen([1e7; 40]), INITIAL), Decision::Change(SETTINGS.max));
    // At the bound there is nothing to change any more.
    assert_eq!(decided(&seen([0.1; 40]), SETTINGS.min), Decision::Keep);
}

#[test]
fn small_changes_are_not_made() {
    let experience = seen([20.0; 40]);
    let Decision::Change(best) = decided(&experience, INITIAL) else { panic!("30 s is far off") };
    let keeps = |percent| decided(&experience, best.scale(percent, 100)) == Decision::Keep;
    assert_eq!([88, 93, 100, 110, 114].map(keeps), [false, true, true, true, false]);
}

#[test]
fn a_checkpoint_that_costs_nothing_is_taken_as_often_as_may_be() {
    let mut experience = Experience::default();
    experience.stopped(Span::ZERO);
    assert_eq!(decided(&experience, INITIAL), Decision::Change(SETTINGS.min));
}

#[test]
fn the_cost_is_an_average_of_the_last() {
    let mut experience = Experience::default();
    for cost in [1, 3, 2] {
        experience.stopped(Span::secs(cost));
    }
    assert_eq!(experience.cost, Span::secs(2));
    (0..20).for_each(|_| experience.stopped(Span::secs(5)));
    let cost = seconds(experience.cost);
    assert!((4.98..=5.0).contains(&cost), "{cost}");
}

#[test]
fn time_without_failures_makes_the_interval_longer() {
    let mut experience = seen([]);
    let mut longer = Vec::new();
    for _ in 0..6 {
        experience.ran(Span::secs(2_000));
        longer.push(target(INITIAL, &experience));
    }
    assert!(longer.is_sorted() && longer[0] > INITIAL, "{longer:?}");
    // 12,000 s without a failure speak against one in 450 s, not for none at all.
    assert!(longer[5] < Span::secs(300), "{longer:?}");
}

/// After 30 failures the best interval is known to 25 % at least nine times in ten, whatever was
/// set, and never known better than that by luck alone.
#[test]
fn thirty_failures_are_enough() {
    for initial in [1, 7, 30, 300] {
        let (mtbf, initial) = (20.0, Span::secs(initial));
        let best = formulas::optimum(1.0, mtbf) + 1.0;
        let within = |seed: &u64| {
            let experience = seen(poisson(*seed, mtbf).take(30));
            (seconds(target(initial, &experience)) / best - 1.0).abs() <= 0.25
        };
        let good = (0..1_000).filter(within).count();
        assert!(good >= 950, "{good} of 1,000 from an interval of {initial}");
    }
}

/// In the long run the interval is right on the average, and does not wander.
#[test]
fn many_failures_are_better() {
    let all: Vec<f64> =
        (0..400).map(|seed| ratio(&seen(poisson(seed, 20.0).take(300)), 20.0)).collect();
    let mean = all.iter().sum::<f64>() / 400.0;
    let square = all.iter().map(|ratio| (ratio - mean) * (ratio - mean)).sum::<f64>() / 400.0;
    assert!((0.98..1.02).contains(&mean), "{mean}");
    assert!(libm::sqrt(square) < 0.08, "{square}");
}

/// A rate that changes tenfold is followed in both directions: one that rises after two dozen
/// failures, which come fast, one that sinks after a dozen, for their absence tells.
#[test]
fn a_changed_rate_is_followed() {
    for (before, after, failures) in [(200.0, 20.0, 24), (20.0, 200.0, 12)] {
        let near = |seed: &u64| {
            let then = poisson(seed + 7_000, after).take(failures);
            let experience = seen(poisson(*seed, before).take(100).chain(then));
            (ratio(&experience, after) - 1.0).abs() < 0.5
        };
        let good = (0..200).filter(near).count();
        assert!(good >= 170, "{good} of 200 from {before} to {after}");
    }
}

#[test]
fn a_rate_is_found_wherever_it_is() {
    for (failures, exponent) in [0.0, 0.5, 1.0, 32.0]
        .into_iter()
        .zip([0; 4])
        .flat_map(|(k, _)| (-6..=9).map(move |exponent| (k, exponent)))
    {
        let nanos = (libm::exp10(f64::from(exponent)) * 1e9) as u64;
        let window =
            Window { failures_micro: (failures * 1e6) as u64, running: Span::nanos(nanos) };
        for initial in [1e-3, 1.0, 1e6] {
            let found = rate(&window, initial, 1.0);
            let apart = libm::log(found * initial * initial / 2.0);
            let off = failures - found * seconds(window.running) - apart / 4.0;
            assert!(off.abs() < 1e-9 * (1.0 + failures), "{window:?} {initial}: {found}");
        }
    }
}
