use stormglass_scenarios::sweep::work::Gap;

use super::*;

const PARAMETERS: Assumptions = Assumptions { cost: 1.0, mtbf: 20.0, restart: 1.0 };

/// Points around the best interval, measured by a law.
fn found(from: f64, to: f64, error: f64, law: impl Fn(f64) -> f64) -> Found {
    let one = |step: i32| {
        let interval = from * libm::pow(to / from, f64::from(step) / 8.0);
        Compared {
            interval,
            failures: 500,
            measured: law(interval),
            error,
            formula: PARAMETERS.useful_work(interval),
            model: law(interval),
            gap: Gap { under_way: 0.02, outage: 0.01 },
        }
    };
    let compared: Vec<Compared> = (0..=8).map(one).collect();
    let overhead = vec![[0.1, 0.1, 0.1]; compared.len()];
    Found { assumptions: PARAMETERS, fitted: fitted(&compared), compared, adaptive: None, overhead }
}

#[test]
fn the_title_is_found_from_the_data() {
    let exact = |interval| PARAMETERS.useful_work(interval);
    let says = title(&found(2.2, 20.0, 0.003, exact));
    assert!(
        says.starts_with("Below 6.")
            && says.ends_with(" s every checkpoint costs more than it saves"),
        "{says}"
    );
    // Where checkpoints cost nothing.
    let free = Assumptions { cost: 0.001, ..PARAMETERS };
    assert_eq!(
        title(&found(2.2, 20.0, 0.003, |interval| free.useful_work(interval))),
        "Down to 2.2 s shorter is better: failures cost more than checkpoints"
    );
    // Where failures are rare.
    let calm = Assumptions { mtbf: 5_000.0, ..PARAMETERS };
    assert_eq!(
        title(&found(2.2, 20.0, 0.003, |interval| calm.useful_work(interval))),
        "Up to 20 s longer is better: checkpoints cost more than failures"
    );
    assert_eq!(
        title(&found(2.2, 20.0, 0.003, |_| 0.7)),
        "From 2.2 s to 20 s the interval makes no difference that could be seen"
    );
}

#[test]
fn the_verdict_says_whether_the_formula_holds() {
    let exact = |interval| PARAMETERS.useful_work(interval);
    let holds = found(2.2, 20.0, 0.003, |interval| exact(interval) + 0.005).verdict();
    assert!(holds.starts_with("Measured useful work agrees with the exact formula within three"));
    assert!(holds.contains("these are 0.3 % at most"), "{holds}");
    assert!(holds.contains("from the exact optimum of 6.68 s"), "{holds}");
    let differs = found(2.2, 20.0, 0.003, |interval| exact(interval) - 0.03).verdict();
    assert!(differs.contains("at 9 of 9 intervals, by 3 % at most"), "{differs}");
    assert!(differs.contains("explains up to 2 %, outages longer than the restart up to 1 %"));
}

#[test]
fn the_table_has_a_line_for_each_interval() {
    let mut found = found(2.2, 20.0, 0.003, |interval| PARAMETERS.useful_work(interval));
    found.adaptive = Some((0.7, 0.002, 6.9));
    let page = found.page();
    assert_eq!(page.lines().count(), 1 + 9 + 1 + 2);
    assert!(page.contains("adaptive") && page.contains("ends at 6.9 s"), "{page}");
}
