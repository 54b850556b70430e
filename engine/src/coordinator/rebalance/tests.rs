use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::{Decision, Facts, Load, Meter, Rate, Settings, Tally, TaskLoad, decide};
use crate::coordinator::schedule::executors;
use crate::ids::{Generation, TaskId};

const A: NodeId = NodeId::new(1, 1);
const B: NodeId = NodeId::new(2, 1);
const NOW: Generation = Generation(3);

const SETTINGS: Settings =
    Settings { threshold_permille: 1_200, busy_permille: 100, cool_down: Span::secs(60) };

const fn at(seconds: u64) -> Instant {
    Instant(seconds * 1_000_000_000)
}

#[test]
fn load_is_acted_on_when_it_is_uneven_known_and_not_new() {
    use Decision::{Balanced, Cooling, Reassign, Unknown};
    let running = Some(at(100));
    let reassign = |worker, permille| Reassign { worker, permille };
    type Row<'a> = (&'a str, u64, Option<Instant>, &'a [Option<u32>], Decision);
    let table: [Row<'_>; 16] = [
        ("nothing runs", 999, None, &[Some(900), Some(100)], Unknown),
        ("no workers", 999, running, &[], Unknown),
        ("one is not measured yet", 999, running, &[Some(900), None], Unknown),
        ("as even as can be", 999, running, &[Some(500), Some(500)], Balanced),
        ("one worker is always even", 999, running, &[Some(900)], Balanced),
        ("1.2 of the mean is allowed", 999, running, &[Some(600), Some(400)], Balanced),
        ("more is not", 999, running, &[Some(601), Some(399)], reassign(0, 1_202)),
        ("the last of them", 999, running, &[Some(1), Some(1), Some(970)], reassign(2, 2_993)),
        ("the first of two alike", 999, running, &[Some(0), Some(9_000), Some(9_000)], {
            reassign(1, 1_500)
        }),
        ("a worker that has just joined", 999, running, &[Some(300), Some(0)], reassign(0, 2_000)),
        ("uneven idling", 999, running, &[Some(99), Some(0)], Balanced),
        ("busy enough", 999, running, &[Some(100), Some(0)], reassign(0, 2_000)),
        ("nobody does anything", 999, running, &[Some(0), Some(0)], Balanced),
        ("too soon", 159, running, &[Some(900), Some(100)], Cooling(at(160))),
        ("soon enough", 160, running, &[Some(900), Some(100)], reassign(0, 1_800)),
        ("too soon does not matter to the balanced", 101, running, &[Some(5), Some(5)], Balanced),
    ];
    for (situation, now, running_since, loads, decision) in table {
        let facts = Facts { now: at(now), running_since, loads, settings: &SETTINGS };
        assert_eq!(decide(&facts), decision, "{situation}");
    }
}

/// A report over so many milliseconds; each task with its tuples and milliseconds of CPU.
fn report(number: u32, over: u64, tasks: &[(u16, u64, u64)]) -> Load {
    let task = |(task, executed, cpu): &(u16, u64, u64)| TaskLoad {
        task: TaskId(*task),
        executed: *executed,
        cpu: Span::millis(*cpu),
    };
    let tasks = tasks.iter().map(task).collect();
    Load { generation: NOW, number, over: Span::millis(over), tasks }
}

fn meter() -> Meter {
    let mut meter = Meter::new(Span::secs(10));
    meter.reset(NOW);
    meter
}

#[test]
fn counts_become_rates_once_they_cover_the_window() {
    let mut meter = meter();
    assert!(meter.report(A, report(1, 6_000, &[(1, 600, 3_000), (2, 60, 30)])));
    assert!(!meter.covers(A));
    assert_eq!(meter.rates(A), None);
    assert_eq!(meter.worker_load(A), None);
    assert!(meter.report(A, report(2, 6_000, &[(1, 0, 600), (2, 60, 30)])));
    assert!(meter.covers(A));
    let rates: Vec<_> = meter.rates(A).unwrap().into_iter().collect();
    let first = Rate { executed: 50, cpu_permille: 300 };
    let second = Rate { executed: 10, cpu_permille: 5 };
    assert_eq!(rates, [(TaskId(1), first), (TaskId(2), second)]);
    assert_eq!(meter.worker_load(A), Some(305));
    assert_eq!(meter.worker_load(B), None, "another was not heard");
}

#[test]
fn the_oldest_report_goes_when_the_others_cover_the_window() {
    let mut meter = meter();
    let mut loads = Vec::new();
    for (number, cpu) in (1..).zip([5_000, 0, 0, 0, 1_000]) {
        assert!(meter.report(A, report(number, 5_000, &[(1, 0, cpu)])));
        loads.push(meter.worker_load(A));
    }
    assert_eq!(loads, [None, Some(500), Some(0), Some(0), Some(100)]);
}

#[test]
fn reports_that_do_not_count() {
    let mut meter = meter();
    let full = |number| report(number, 10_000, &[(1, 10, 1_000)]);
    assert!(meter.report(A, full(5)));
    let before = meter.rates(A);
    let busy = |number| report(number, 10_000, &[(1, 999, 9_000)]);
    for (situation, load) in [
        ("doubled", busy(5)),
        ("overtaken", busy(4)),
        ("of an older generation", Load { generation: Generation(2), ..busy(6) }),
        ("of a generation not heard of yet", Load { generation: Generation(4), ..busy(6) }),
    ] {
        assert!(!meter.report(A, load), "{situation}");
        assert_eq!(meter.rates(A), before, "{situation}");
    }
    assert!(meter.report(B, full(5)), "numbers are each worker's own");
    assert!(meter.report(A, full(8)), "one that was lost leaves no hole: it was not measured");
    meter.reset(Generation(4));
    assert!(!meter.covers(A));
    assert!(meter.report(A, Load { generation: Generation(4), ..full(1) }), "numbers begin anew");
}

#[test]
fn a_tally_reports_what_was_done_since() {
    let mut tally = Tally::new(NOW, [TaskId(2), TaskId(1)], at(5));
    tally.add(TaskId(1), 10, Span::millis(4));
    tally.add(TaskId(1), 20, Span::millis(6));
    assert_eq!(tally.report(at(7)), report(1, 2_000, &[(1, 30, 10), (2, 0, 0)]));
    tally.add(TaskId(2), 5, Span::millis(1));
    assert_eq!(tally.report(at(8)), report(2, 1_000, &[(1, 0, 0), (2, 5, 1)]));
}

#[test]
fn a_schedule_is_given_the_load_of_each_executor() {
    let mut meter = meter();
    // Executors {1, 2}, {3}, {4}; task 4 was never heard of, as if it did nothing.
    let executors = executors(&[(3, 2), (1, 1)]);
    assert!(meter.report(A, report(1, 10_000, &[(1, 0, 1_000), (2, 0, 2_000)])));
    assert_eq!(meter.executor_loads(&executors, &[A, B]), None);
    assert!(meter.report(B, report(1, 20_000, &[(3, 0, 1_000)])));
    assert_eq!(meter.executor_loads(&executors, &[A, B]), Some(vec![300, 50, 0]));
}

#[test]
fn reports_over_no_time_or_of_absurd_loads_do_no_harm() {
    let mut meter = Meter::new(Span::ZERO);
    meter.reset(NOW);
    assert!(meter.report(A, report(1, 0, &[(1, 5, 5)])));
    assert_eq!(meter.worker_load(A), Some(0));
    let absurd = TaskLoad { task: TaskId(1), executed: u64::MAX, cpu: Span(u64::MAX) };
    let load = Load { generation: NOW, number: 2, over: Span::nanos(1), tasks: vec![absurd] };
    assert!(meter.report(A, load));
    assert_eq!(meter.worker_load(A), Some(u32::MAX));
}

proptest! {
    /// However its time is cut into reports, steady work is measured as what it is.
    #[test]
    fn steady_work_has_one_rate(
        cuts in prop::collection::vec(1u64..5_000, 1..60),
        permille in 0u64..4_000,
    ) {
        let mut meter = meter();
        for (number, over) in (1..).zip(&cuts) {
            let task = TaskLoad {
                task: TaskId(1),
                executed: over * 7,
                // Milliseconds, per mille: microseconds.
                cpu: Span::micros(over * permille),
            };
            let over = Span::millis(*over);
            let load = Load { generation: NOW, number, over, tasks: vec![task] };
            prop_assert!(meter.report(A, load));
        }
        if cuts.iter().sum::<u64>() < 10_000 {
            prop_assert!(!meter.covers(A));
        } else {
            let rate = Rate { executed: 7_000, cpu_permille: permille as u32 };
            prop_assert_eq!(meter.rates(A).unwrap()[&TaskId(1)], rate);
            // No more reports are kept than the window needs.
            let kept = &meter.workers[&A].kept;
            let all_but_one: u64 = kept.iter().skip(1).map(|load| load.over.as_nanos()).sum();
            prop_assert!(all_but_one < 10_000_000_000);
        }
    }

    /// Only who carries most is named, and more than its share.
    #[test]
    fn the_most_loaded_is_named(loads in prop::collection::vec(0u32..5_000, 1..9)) {
        let measured: Vec<_> = loads.iter().copied().map(Some).collect();
        let facts = Facts {
            now: at(999),
            running_since: Some(at(1)),
            loads: &measured,
            settings: &SETTINGS,
        };
        let peak = *loads.iter().max().unwrap();
        let total: u32 = loads.iter().sum();
        let uneven = peak * loads.len() as u32 * 10 > total * 12;
        match decide(&facts) {
            Decision::Reassign { worker, permille } => {
                prop_assert_eq!(loads[worker], peak);
                prop_assert!(uneven && permille >= 1_200 && peak >= 100);
            }
            Decision::Balanced => {
                prop_assert!(!uneven || peak < 100);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
