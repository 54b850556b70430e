//! Where two runs part: the first event that differs.

use alloc::string::{String, ToString};

use crate::node::Process;
use crate::time::Instant;
use crate::watch::Watcher;
use crate::world::{Step, World};

/// One side of a divergence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// When the event happened; the last instant, if there was none.
    pub time: Instant,
    /// The event with its process, as text; none if this run had no event left.
    pub text: Option<String>,
}

/// The first event in which two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Its number, counted from 1 in each run's whole history.
    pub event: u64,
    /// What the first run did.
    pub left: Side,
    /// What the second run did.
    pub right: Side,
}

/// Runs two worlds side by side, without injections, until they differ or both are idle.
///
/// A world in which timers are set for ever never comes to rest: use [`first_divergence_before`].
pub fn first_divergence<P: Process, W: Watcher<P>>(
    left: World<P, W>,
    right: World<P, W>,
) -> Option<Divergence> {
    first_divergence_before(left, right, Instant::FAR)
}

/// As [`first_divergence`], and not beyond an instant.
pub fn first_divergence_before<P: Process, W: Watcher<P>>(
    mut left: World<P, W>,
    mut right: World<P, W>,
    until: Instant,
) -> Option<Divergence> {
    left.describe_events(true);
    right.describe_events(true);
    loop {
        let steps = (left.step(), right.step());
        if left.digest() != right.digest() || (steps.0 == Step::Idle) != (steps.1 == Step::Idle) {
            let event = left.events().max(right.events());
            let (left, right) = (side(&left, steps.0), side(&right, steps.1));
            return Some(Divergence { event, left, right });
        }
        if steps == (Step::Idle, Step::Idle) || left.now() > until {
            return None;
        }
    }
}

fn side<P: Process, W: Watcher<P>>(world: &World<P, W>, step: Step) -> Side {
    let text = world.last_event().filter(|_| step != Step::Idle).map(ToString::to_string);
    Side { time: world.now(), text }
}
