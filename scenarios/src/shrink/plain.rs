//! Times, quantities and triggers as a person would write them: `1s` for `1.3746s`, and the first
//! time for the seventeenth.

use stormglass_sim::time::{Instant, Span};

use super::{Candidate, Shrinker};
use crate::plan::{PlannedFault, Trigger};
use crate::scenario::{Awaited, On, Pick};
use crate::units::{Drawn, Quantum};

/// Instants are multiples of one of these, the first that does.
const STEPS: [Span; 6] = [
    Span::secs(1),
    Span::millis(500),
    Span::millis(100),
    Span::millis(10),
    Span::millis(1),
    Span::micros(1),
];
/// What lasts longer may last so long.
const LASTING: [Span; 4] = [Span::secs(1), Span::secs(2), Span::secs(5), Span::secs(10)];
/// However long it lasts.
const ANY: Span = Span::nanos(u64::MAX);
/// Quantities have so many digits.
const DIGITS: [u32; 3] = [1, 2, 3];

impl Shrinker<'_> {
    /// Everything at once, then fault by fault what that was too coarse for.
    pub(super) fn plain(&mut self) {
        let faults = 0..self.best.plan.faults.len();
        for fault in faults.clone() {
            self.trigger(fault);
        }
        self.quantities(&|_| true);
        faults.clone().for_each(|fault| self.quantities(&|at| at == fault));
        self.times(&|_| true);
        let count = faults.len() + self.best.plan.operations.len();
        (0..count).for_each(|one| self.times(&|at| at == one));
        self.in_order();
    }

    /// Faults in the order in which they strike; those that wait for something come last.
    fn in_order(&mut self) {
        let mut next = self.best.clone();
        next.plan.faults.sort_by_key(|fault| fault.at().unwrap_or(Instant::FAR));
        self.first(vec![next]);
    }

    /// Shorter and rounder.
    fn quantities(&mut self, which: &dyn Fn(usize) -> bool) {
        let with = |pick: Plain| {
            let mut next = self.best.clone();
            let chosen = next.plan.faults.iter_mut().enumerate().filter(|(at, _)| which(*at));
            for (_, fault) in chosen {
                fault.action = fault.action.map(None, &mut { pick });
            }
            next
        };
        let shorter: Vec<Candidate> = (LASTING.iter())
            .map(|most| with(Plain { digits: 1, most: *most }))
            .chain(DIGITS.iter().map(|digits| with(Plain { digits: *digits, most: ANY })))
            .collect();
        self.first(shorter);
    }

    /// Rounder; faults are counted first, operations after them.
    fn times(&mut self, which: &dyn Fn(usize) -> bool) {
        let rounder = STEPS.iter().map(|step| {
            let mut next = self.best.clone();
            let count = next.plan.faults.len();
            let faults = next.plan.faults.iter_mut().enumerate().filter(|(at, _)| which(*at));
            for (_, fault) in faults {
                if let Trigger::At(at) = &mut fault.trigger {
                    *at = nearest(*at, *step);
                }
            }
            let operations = next.plan.operations.iter_mut().enumerate();
            for (_, operation) in operations.filter(|(at, _)| which(count + at)) {
                operation.at = nearest(operation.at, *step);
            }
            next.plan.operations.sort_by_key(|operation| operation.at);
            next
        });
        let rounder = rounder.collect();
        self.first(rounder);
    }

    /// A trigger with fewer conditions and smaller numbers; a time if it needs several conditions
    /// nevertheless and a round time does.
    fn trigger(&mut self, fault: usize) {
        loop {
            let Trigger::On(on) = &self.best.plan.faults[fault].trigger else { return };
            let simpler: Vec<Candidate> =
                simpler(on).into_iter().map(|on| self.waiting(fault, Trigger::On(on))).collect();
            if self.first(simpler).is_none() {
                break;
            }
        }
        let Trigger::On(on) = &self.best.plan.faults[fault].trigger else { return };
        if conditions(on) < 2 {
            return;
        }
        let Some(outcome) = self.bench.run(&self.best) else { return };
        let Some(resolved) = &outcome.plan.faults[fault].resolved else { return };
        let times = STEPS
            .iter()
            .take(3)
            .map(|step| self.waiting(fault, Trigger::At(nearest(resolved.at, *step))));
        let times = times.collect();
        self.first(times);
    }

    /// The best candidate with another trigger of a fault.
    fn waiting(&self, fault: usize, trigger: Trigger) -> Candidate {
        let mut next = self.best.clone();
        let fault: &mut PlannedFault = &mut next.plan.faults[fault];
        fault.trigger = trigger;
        next
    }
}

/// Simpler triggers, the simplest first.
fn simpler(on: &Awaited) -> Vec<Awaited> {
    let plain = |nth| On::new(on.event, nth);
    let mut all = vec![plain(1), plain(on.nth)];
    let mut with = |change: &dyn Fn(&mut Awaited)| {
        let mut next = on.clone();
        change(&mut next);
        all.push(next);
    };
    with(&|on| on.after = None);
    with(&|on| on.since = None);
    with(&|on| on.during.clear());
    with(&|on| on.tasks = None);
    with(&|on| on.by = None);
    with(&|on| on.of = None);
    with(&|on| on.generation = None);
    with(&|on| on.checkpoint = None);
    for n in 1..=3 {
        with(&|on| on.checkpoint = on.checkpoint.map(|id| id.min(n)));
        with(&|on| on.generation = on.generation.map(|id| id.min(n)));
    }
    for n in super::numbers::smaller(0, on.nth.into()) {
        with(&|on| on.nth = n as u32);
    }
    for step in STEPS {
        with(&|on| {
            let at = on.since.map(|since| nearest(Instant::ZERO + since, step));
            on.since = at.map(|at| at.since(Instant::ZERO));
        });
    }
    all.retain(|next| next != on);
    all.dedup();
    all
}

/// How much there is to say of a trigger besides its event and number.
fn conditions(on: &Awaited) -> usize {
    let many = |on: &Awaited| {
        usize::from(on.tasks.is_some())
            + usize::from(on.checkpoint.is_some())
            + usize::from(on.generation.is_some())
            + usize::from(on.of.is_some())
            + usize::from(on.by.is_some())
            + usize::from(on.since.is_some())
            + on.during.len()
            + usize::from(on.after.is_some())
    };
    on.chain().map(many).sum()
}

/// The nearest multiple, and not nothing.
pub(super) fn nearest(at: Instant, step: Span) -> Instant {
    let step = step.as_nanos();
    Instant(((at.nanos() + step / 2) / step).max(1) * step)
}

/// Quantities that are short and round.
#[derive(Clone, Copy)]
struct Plain {
    digits: u32,
    most: Span,
}

impl Pick<Drawn, Drawn> for Plain {
    fn pick<T: Quantum>(&mut self, _: &'static str, from: &T) -> T {
        from.at_most(self.most).rounded(self.digits)
    }
}
