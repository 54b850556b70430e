//! A run is a value: it can be cloned, forked and sent between any two events, and a clone has
//! the future of its original, whoever goes first.

use std::thread;

use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::run::{Run, Setup};
use stormglass_sim::time::{Instant, Span};
use stormglass_tests::runs::{assert_clones_share_its_future, scenario, setup, short};

const fn is_a_value<T: Clone + Send + Sync + 'static>() {}
const _: () = is_a_value::<Run>();
const _: () = is_a_value::<Setup>();
const _: () = is_a_value::<Outcome>();

fn reference() -> Setup {
    let settings = [short("reference"), &["input.words.count=8000"]].concat();
    setup(&scenario("reference", &settings), 3)
}

/// A run that has got so far.
fn at(setup: &Setup, instant: Instant) -> Run {
    let mut run = Run::new(setup.clone());
    assert!(run.advance(instant), "{instant} is after the end");
    run
}

/// A run was looked into shortly before its end, between two moments at which the driver had
/// something to do, and `finish` took that for a moment at which to end: its digest was another.
#[test]
fn whoever_looks_in_does_not_change_the_end() {
    let setup = reference();
    let alone = setup.clone().run();
    let end = alone.ended.since(Instant::ZERO).as_nanos();
    for before in (0..250).step_by(7) {
        let instant = Instant(end - before * 1_000_000 - 1);
        assert_eq!(at(&setup, instant).finish(), alone, "looked in at {instant}");
    }
}

#[test]
fn clone_and_original_have_one_future_in_either_order() {
    assert_clones_share_its_future(&reference());
}

#[test]
fn clone_and_original_keep_apart_step_by_step() {
    let setup = reference();
    let alone = setup.clone().run();
    let mut left = at(&setup, Instant(3_000_000_000));
    let mut right = left.clone();
    for step in 0..40 {
        let to = left.now().max(right.now()) + Span::millis(100);
        let first = if step % 2 == 0 { &mut left } else { &mut right };
        first.advance(to);
    }
    assert_eq!(right.finish(), alone);
    assert_eq!(left.finish(), alone);
}

#[test]
fn a_fork_shares_the_past_and_has_a_future_of_its_own() {
    let setup = reference();
    let run = at(&setup, Instant(3_000_000_000));
    let (one, two) = (run.fork(1), run.fork(2));
    assert_eq!(one.digest(), run.digest());
    let again = run.fork(1);
    let [run, one, two, again] = [run, one, two, again].map(Run::finish);
    assert_ne!(one.digest, run.digest);
    assert_ne!(two.digest, run.digest);
    assert_ne!(one.digest, two.digest);
    assert_eq!(one, again, "a fork is a function of the run and its number");
    for outcome in [one, two] {
        assert_eq!(outcome.verdict.name(), "holds", "{:#?}", outcome.verdict);
        assert_eq!(outcome.input, run.input);
    }
}

#[test]
fn a_run_goes_on_in_other_threads() {
    let setup = reference();
    let alone = setup.clone().run();
    let run = at(&setup, Instant(4_000_000_000));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let clone = run.clone();
            thread::spawn(move || clone.finish())
        })
        .collect();
    assert_eq!(run.finish(), alone);
    for thread in threads {
        assert_eq!(thread.join().unwrap(), alone);
    }
}
