//! Which single fault turns the verdict: each is removed, or strikes a little sooner or later, and
//! the run is had again.

use serde::Serialize;
use stormglass_sim::time::{Instant, Span};

use super::Ending;
use crate::judge::law::Law;
use crate::outcome::Outcome;
use crate::plan::{Plan, Trigger};
use crate::run::{Run, Setup};

/// A fault, and how the run ends when it is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Critical {
    /// Its place in the plan, counted from 1.
    pub fault: usize,
    /// Without it.
    pub without: Ending,
    /// If it strikes [`MOVED`] sooner, or at the occasion before; none if it cannot.
    pub sooner: Option<Ending>,
    /// If it strikes so much later, or at the next occasion.
    pub later: Option<Ending>,
}

/// How the run ends without any fault.
pub fn without_any(setup: &Setup, law: Law) -> Ending {
    let mut plan = setup.plan.clone();
    plan.faults.clear();
    let setup = Setup { plan, record: false, past: None, ..setup.clone() };
    Ending::of(Run::new(setup), law)
}

/// By how much faults that strike at an instant are moved.
pub const MOVED: Span = Span::secs(1);

impl Critical {
    /// Whether the failure is gone without it.
    pub fn is_needed(&self) -> bool {
        self.without != Ending::Same
    }

    /// Whether the failure is gone if it strikes at another time.
    pub fn is_exact(&self) -> bool {
        [self.sooner, self.later].into_iter().flatten().any(|ending| ending != Ending::Same)
    }
}

/// Each fault that took effect in a run whose first broken law this is. It takes up to three runs a
/// fault; `tick` is told before each.
pub fn critical(
    setup: &Setup,
    outcome: &Outcome,
    law: Law,
    mut tick: impl FnMut(),
) -> Vec<Critical> {
    let mut ending = |plan: Plan| {
        tick();
        let setup = Setup { plan, record: false, past: None, ..setup.clone() };
        Ending::of(Run::new(setup), law)
    };
    let effective = outcome.faults.iter().filter(|fault| fault.took_effect);
    let one = effective.map(|fault| {
        let place = fault.number - 1;
        let mut less = setup.plan.clone();
        less.faults.remove(place);
        let mut moved = |later| moved(&setup.plan, place, later).map(&mut ending);
        let (sooner, later) = (moved(false), moved(true));
        Critical { fault: fault.number, without: ending(less), sooner, later }
    });
    one.collect()
}

/// The plan with a fault at another time; none if there is none.
fn moved(plan: &Plan, place: usize, later: bool) -> Option<Plan> {
    let mut plan = plan.clone();
    let fault = &mut plan.faults[place];
    match &mut fault.trigger {
        Trigger::At(at) if later => *at += MOVED,
        Trigger::At(at) => *at = Instant(at.nanos().checked_sub(MOVED.as_nanos())?),
        Trigger::On(on) if later => on.nth += 1,
        Trigger::On(on) if on.nth > 1 => on.nth -= 1,
        Trigger::On(_) => return None,
    }
    // What it has become in a run would stand in the way of its trigger.
    fault.resolved = None;
    Some(plan)
}
