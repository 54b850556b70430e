//! Useful work of stories by hand.

use stormglass_engine::observation::Observation as O;
use stormglass_sim::time::Span;

use super::*;
use crate::topologies::words;

/// Word count with one task each, 2 ms a word and 1 ms a count, in a storm from second 1 to 11.
fn useful() -> Useful {
    let mut builder = words::topology();
    for component in ["words", "count", "publish"] {
        assert!(builder.set_parallelism(component, 1));
    }
    assert!(builder.set_cpu("words", Span::millis(2)) && builder.set_cpu("count", Span::millis(1)));
    let storm = Between { min: second(1), max: second(11) };
    let mut useful = Useful::new(&Arc::new(builder.build().unwrap()), storm);
    granted(&mut useful, 1, None);
    useful
}
fn second(at: u64) -> Instant {
    Instant::ZERO + Span::secs(at)
}
fn granted(useful: &mut Useful, generation: u32, restore: Option<u32>) {
    let (generation, restore) = (Generation(generation), restore.map(CheckpointId));
    useful.observed(&O::Granted { generation, workers: 1, restore });
}
/// Both tasks take `n` inputs in a generation. In name order, `count` is task 1 and `words` 3.
fn work(useful: &mut Useful, n: u64, generation: u32) {
    for _ in 0..n {
        useful.executed(TaskId(1), Generation(generation));
        useful.executed(TaskId(3), Generation(generation));
    }
}
fn cut(useful: &mut Useful, checkpoint: u32, generation: u32) {
    let (checkpoint, generation) = (CheckpointId(checkpoint), Generation(generation));
    for task in [1, 2, 3].map(TaskId) {
        useful.observed(&O::Cut { task, generation, checkpoint });
    }
}
/// Looks when the storm begins, does something, looks when it ends.
fn in_storm(useful: &mut Useful, f: impl FnOnce(&mut Useful)) -> UsefulWork {
    useful.sampled(second(1));
    f(useful);
    useful.sampled(second(11));
    useful.facts(second(99))
}

#[test]
fn the_busiest_component_is_told() {
    let mut calm = useful();
    work(&mut calm, 5_000, 1);
    let work = in_storm(&mut calm, |useful| work(useful, 1_000, 1));
    assert_eq!(work.component, "words");
    assert_eq!((work.useful, work.available), (Span::secs(2), Span::secs(10)));
    assert_eq!(work.ppm, 200_000);
}

#[test]
fn what_is_done_again_counts_once() {
    let counted = in_storm(&mut useful(), |useful| {
        work(useful, 100, 1);
        cut(useful, 1, 1);
        work(useful, 60, 1);
        granted(useful, 2, Some(1));
        work(useful, 40, 2);
        // Twice lost, and only now further than ever.
        granted(useful, 3, Some(1));
        work(useful, 65, 3);
    });
    assert_eq!(counted.useful, Span::millis(2 * 165));
    // From nothing everything is done again.
    let nothing = in_storm(&mut useful(), |useful| {
        work(useful, 100, 1);
        granted(useful, 2, None);
        work(useful, 99, 2);
    });
    assert_eq!(nothing.useful, Span::millis(2 * 100));
}

#[test]
fn a_zombie_does_nothing_useful() {
    let work = in_storm(&mut useful(), |useful| {
        work(useful, 10, 1);
        cut(useful, 1, 1);
        granted(useful, 2, Some(1));
        work(useful, 50, 1);
        cut(useful, 2, 1);
        work(useful, 5, 2);
    });
    assert_eq!(work.useful, Span::millis(2 * 15));
}

#[test]
fn what_came_before_the_storm_is_not_counted() {
    let mut lost = useful();
    work(&mut lost, 100, 1);
    let work = in_storm(&mut lost, |useful| {
        granted(useful, 2, None);
        work(useful, 130, 2);
    });
    assert_eq!(work.useful, Span::millis(2 * 30));
    assert_eq!(useful().facts(second(99)), UsefulWork::default(), "there was no storm");
}
