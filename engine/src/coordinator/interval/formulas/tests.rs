//! The formulas against what is published, and against themselves.

use std::vec::Vec;

use super::*;

/// Equal to so many places.
fn close(is: f64, should: f64, within: f64) {
    assert!((is - should).abs() <= within, "{is} is not {should} within {within}");
}

/// Daly (2006), captions of the figures: a cost of 5 minutes and a restart of 10 minutes have their
/// optimum at 117, 57 and 9.1 minutes for an MTBF of 24 hours, 6 hours and 15 minutes.
#[test]
fn daly_published_these() {
    for (mtbf, first, higher, exact) in
        [(1_440.0, 115.4, 116.69, 116.69), (360.0, 55.8, 56.71, 56.71), (15.0, 10.8, 9.14, 9.17)]
    {
        close(daly_first_order(5.0, mtbf, 10.0), first, 0.05);
        close(daly(5.0, mtbf), higher, 0.005);
        close(optimum(5.0, mtbf), exact, 0.005);
    }
}

#[test]
fn one_failure_in_19_days_fits_half_an_hour() {
    // At a cost of 1 s, Young's interval of 1,800 s belongs to an MTBF of 18.75 days.
    close(young(1.0, 18.75 * 86_400.0), 1_800.0, 1e-6);
}

/// Costs in seconds against an MTBF: the best period and its useful work without restarts.
#[test]
fn the_table_of_optima() {
    let table = [
        (600.0, 1.0, 34.98, 0.943),
        (600.0, 5.0, 79.2, 0.876),
        (600.0, 30.0, 200.0, 0.716),
        (600.0, 60.0, 290.0, 0.617),
        (3_600.0, 30.0, 475.0, 0.876),
        (86_400.0, 5.0, 931.0, 0.989),
    ];
    for (mtbf, cost, period, useful) in table {
        let best = optimum(cost, mtbf) + cost;
        assert!((best / period - 1.0).abs() < 0.004, "{best} is not {period}");
        close(useful_work(best, cost, mtbf, 0.0), useful, 0.000_5);
    }
}

#[test]
fn no_other_period_is_better() {
    for cost in [1e-4, 0.01, 0.05, 0.5, 2.0, 10.0] {
        let best = optimum(cost, 1.0) + cost;
        let most = useful_work(best, cost, 1.0, 0.3);
        for percent in 1..400 {
            let other = best * f64::from(percent) / 100.0;
            assert!(useful_work(other, cost, 1.0, 0.3) <= most, "{other} is better than {best}");
        }
        // Nor does the restart move it.
        let least = [0.0, 0.3, 3.0].map(|restart| {
            let work = |period| useful_work(period, cost, 1.0, restart);
            work(best) > work(best * 1.01) && work(best) > work(best * 0.99)
        });
        assert_eq!(least, [true; 3]);
    }
}

#[test]
fn no_time_is_left_beside_the_cost() {
    assert_eq!(useful_work(1.0, 1.0, 20.0, 0.0), 0.0);
    assert_eq!(daly(2.0, 1.0), 1.0);
    assert_eq!(daly(3.0, 1.0), 1.0);
}

#[test]
fn a_restart_that_nothing_strikes_costs_its_own_time() {
    let restart = undisturbed(1.0, 20.0);
    close(libm::exp(restart / 20.0), 1.0 + 1.0 / 20.0, 1e-15);
    assert!(restart < 1.0);
}

#[test]
fn w_is_the_inverse() {
    let near: Vec<f64> = (1..=48).map(|n| BRANCH * (1.0 - libm::exp2(-f64::from(n)))).collect();
    let across = (-36..=1_000).map(|n| f64::from(n) / 100.0);
    let far = (1..=300).map(|n| libm::exp10(f64::from(n)));
    for x in near.into_iter().chain(across).chain(far) {
        let w = lambert_w0(x);
        assert!(w >= -1.0, "W({x}) = {w}");
        let again = w * libm::exp(w);
        // The power takes up the error of its argument.
        let within = 4.0 * f64::EPSILON * x.abs() * (2.0 + w.abs());
        assert!((again - x).abs() <= within, "W({x}) = {w} gives {again}");
    }
    assert_eq!(lambert_w0(0.0), 0.0);
    assert_eq!(lambert_w0(BRANCH), -1.0);
    assert_eq!(lambert_w0(-1.0), -1.0);
    close(lambert_w0(1.0), 0.567_143_290_409_783_8, 1e-15);
    close(lambert_w0(core::f64::consts::E), 1.0, 1e-15);
}

/// Near the branch point `W` itself says little: the distance from it must be right.
#[test]
fn w_is_exact_at_the_branch_point() {
    for n in 1..=13 {
        // A cost of so little in units of the MTBF: then `1 + W` satisfies y = 1 - exp(-y - cost).
        let cost = libm::exp10(-f64::from(n));
        let mut y = young(cost, 1.0);
        for _ in 0..60 {
            let off = y + libm::expm1(-y - cost);
            y -= off / -libm::expm1(-y - cost);
        }
        // An argument is known to its last bit, and the root doubles the digits that are lost.
        let within = y * (1e-13 + f64::EPSILON / cost);
        close(optimum(cost, 1.0), y, within);
    }
}
