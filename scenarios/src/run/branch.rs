//! A run on the way: forks that plans tell of, and looks at what it has shown so far.

use std::sync::Arc;

use stormglass_engine::names::Twist;
use stormglass_sim::node::Name;

use super::strike::FaultState;
use super::{Run, Setup, time_of};
use crate::judge::law::Violation;
use crate::plan::{Fork, PlannedFault};

impl Run {
    /// A fork that its own plan tells of: whoever runs that plan comes to the same. More faults may
    /// strike it later, at times of their own.
    ///
    /// # Panics
    /// If one of them waits for an event, or is of the past.
    #[must_use]
    pub fn branch(&self, n: u64, faults: Vec<PlannedFault>) -> Run {
        let (now, mut branch) = (self.now(), self.fork(n));
        let setup = Arc::make_mut(&mut branch.setup);
        setup.plan.forks.push(Fork { at: now, n });
        for fault in faults {
            let at = time_of(&fault).filter(|at| *at > now).expect("it strikes later");
            branch.timed.push((at, setup.plan.faults.len()));
            branch.faults.push(FaultState::default());
            setup.plan.faults.push(fault);
        }
        branch.timed.sort();
        branch
    }

    /// What the run has shown for the first time since the last call, as small numbers that mean
    /// the same in every run; nothing unless [`Setup::covers`] is set.
    pub(crate) fn take_fresh(&mut self) -> Vec<u16> {
        let cover = self.world.watcher_mut().cover.as_mut();
        cover.map_or_else(Vec::new, |cover| cover.take_fresh())
    }

    /// What it is made of.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The violations that are known so far.
    pub fn violations(&self) -> &[Violation] {
        self.world.watcher().judges.violations()
    }

    /// The violation by which it is broken; none if it is not. Goes on no further than to the first
    /// one that is known at once: that is the first of the outcome, too, unless the run would have
    /// panicked after it.
    pub fn first_violation(mut self) -> Option<Violation> {
        Arc::make_mut(&mut self.setup).hasty = true;
        self.finish().violations().first().cloned()
    }

    /// How often each planted bug that is off could have acted, if that was counted.
    pub(super) fn occasions(&self) -> Vec<(&'static str, u64)> {
        let off = |twist: &Twist| self.setup.occasions && !self.setup.bugs.contains(twist);
        let count = |twist: Twist| (twist.name(), self.world.twist_occasions(twist));
        Twist::bugs().filter(off).map(count).filter(|(_, times)| *times > 0).collect()
    }
}
