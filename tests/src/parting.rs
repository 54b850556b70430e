//! Where two runs part, for the message of a test that found that they do.

use std::fmt::Write as _;

use stormglass_scenarios::run::Run;
use stormglass_sim::time::{Instant, Span};

/// How far two runs are driven side by side.
const HORIZON: Instant = Instant(600_000_000_000);

/// A paragraph that says when two runs part, in which event, and whose state differs then.
///
/// Runs are values: the instant is found by halving the time in which they part, each time from
/// clones of both at its beginning.
pub fn parting(left: &Run, right: &Run) -> String {
    let (mut left, mut right) = (left.clone(), right.clone());
    let start = left.now().max(right.now());
    let reached = |run: &Run, at: Instant| {
        let mut run = run.clone();
        run.advance(at.max(run.now()));
        run
    };
    left = reached(&left, start);
    right = reached(&right, start);
    let mut ahead = Span::secs(1);
    // In growing steps up to the first that ends in a difference,
    loop {
        let at = left.now().max(right.now()) + ahead;
        let (l, r) = (reached(&left, at), reached(&right, at));
        if l.digest() != r.digest() {
            break;
        }
        if at > HORIZON || l.now() < at {
            return "the two never part".to_string();
        }
        (left, right) = (l, r);
    }
    // then by halves.
    while ahead > Span::nanos(1) {
        ahead = Span::nanos(ahead.as_nanos().div_ceil(2));
        let at = left.now() + ahead;
        let (l, r) = (reached(&left, at), reached(&right, at));
        if l.digest() == r.digest() {
            (left, right) = (l, r);
        }
    }
    let (same, at) = (left.now(), left.now() + Span::nanos(1));
    let (l, r) = (reached(&left, at), reached(&right, at));
    let mut text = format!("they are the same until {same}");
    let (before, events) = (left.world().events(), (l.world().events(), r.world().events()));
    write!(text, ", event {before}, and part at {at}, by event {} and {}", events.0, events.1)
        .expect("a string takes all");
    for node in l.world().nodes() {
        let state = |run: &Run| format!("{:?}", run.world().process(node));
        let (one, two) = (state(&l), state(&r));
        if let Some(first) = first_difference(&one, &two) {
            let cut = |text: &str| text.chars().skip(first.saturating_sub(60)).take(160).collect();
            let (one, two): (String, String) = (cut(&one), cut(&two));
            write!(text, "\n{node} is\n    {one}\nand\n    {two}").expect("a string takes all");
        }
    }
    text
}

fn first_difference(one: &str, two: &str) -> Option<usize> {
    let both = one.chars().zip(two.chars());
    let shorter = one.chars().count().min(two.chars().count());
    both.into_iter().position(|(a, b)| a != b).or((one.len() != two.len()).then_some(shorter))
}
