use stormglass_engine::coordinator::interval::formulas;

use super::*;

#[test]
fn samples_are_told_in_a_few_numbers() {
    assert_eq!(Summary::of(&[]), Summary::default());
    let one = Summary::of(&[3.0]);
    assert_eq!((one.samples, one.mean, one.error, one.p5, one.p95), (1, 3.0, 0.0, 3.0, 3.0));
    let all = Summary::of(&[4.0, 0.0, 3.0, 1.0, 2.0]);
    assert_eq!(
        (all.mean, all.min, all.p5, all.p50, all.p95, all.max),
        (2.0, 0.0, 0.2, 2.0, 3.8, 4.0)
    );
    assert!((all.error - libm::sqrt(0.5)).abs() < 1e-12);
}

#[test]
fn a_cubic_is_found_again() {
    let curve = |x: f64| {
        let z = libm::log(x);
        1.0 + z - 2.0 * z * z + 0.25 * z * z * z
    };
    let points = [0.5, 1.0, 2.0, 4.0, 8.0].map(|x| Measured { x, y: curve(x), error: 0.0 });
    let fit = Cubic::fit(&points).unwrap();
    for x in [0.5, 0.7, 3.0, 8.0] {
        assert!((fit.at(x) - curve(x)).abs() < 1e-9, "{x}");
    }
    assert_eq!(Cubic::fit(&points[..3]), None);
    assert_eq!(Cubic::fit(&[points[0]; 5]), None);
}

/// What it is for: the optimum of the exact formula, of points around it.
#[test]
fn the_optimum_of_the_exact_formula_is_found() {
    let best = formulas::optimum(1.0, 20.0) + 1.0;
    for (from, to) in [(0.33, 3.0), (0.5, 4.0), (0.4, 2.0)] {
        let points: Vec<Measured> = (0..9)
            .map(|at| {
                let x = best * from * libm::pow(to / from, f64::from(at) / 8.0);
                Measured { x, y: formulas::useful_work(x, 1.0, 20.0, 1.0), error: 0.003 }
            })
            .collect();
        let found = Cubic::fit(&points).unwrap().greatest();
        assert!((found / best - 1.0).abs() < 0.07, "{found} for {best} in {from}..{to}");
    }
}
