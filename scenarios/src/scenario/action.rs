//! Actions: what is done to a process, a machine or a link.

use serde::{Deserialize, Serialize};
use stormglass_sim::time::Span;

use super::Target;
use crate::units::{Drawn, Drift, Form, Quantum, Stated, Step, names, text, text_option};

names! {
    /// Which ways of a machine's links are cut.
    Ways, "a way", "ways":
    /// Nothing comes or goes.
    Both = "both",
    /// Nothing that it sends arrives; it hears everybody.
    Out = "out",
    /// Nothing arrives at it; everybody hears it.
    In = "in",
}

impl Ways {
    const fn is_both(&self) -> bool {
        matches!(self, Ways::Both)
    }
}

/// What happens: quantities are ranges in a scenario, values in a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, bound = "")]
pub enum Action<F: Form> {
    /// The process dies; its machine and what it wrote to the page cache survive.
    Crash {
        /// Started again after this long; a worker is left to its supervisor.
        #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
        down: Option<F::Of<Span>>,
    },
    /// The machine dies with all its processes and loses what was not synced.
    CrashMachine {
        /// Back after this long.
        #[serde(with = "text")]
        down: F::Of<Span>,
    },
    /// The machine is cut from every other one.
    Isolate {
        /// Until it is healed.
        #[serde(rename = "for", with = "text")]
        lasting: F::Of<Span>,
        /// In which directions.
        #[serde(default = "both", skip_serializing_if = "Ways::is_both")]
        ways: Ways,
    },
    /// The link between two machines is cut.
    Cut {
        /// The receiving end.
        #[serde(with = "text")]
        to: Target,
        /// Until it is healed.
        #[serde(rename = "for", with = "text")]
        lasting: F::Of<Span>,
        /// Whether the other direction is cut as well.
        symmetric: bool,
    },
    /// The link from one machine to another takes longer; its other direction does not.
    SlowLink {
        /// The receiving end.
        #[serde(with = "text")]
        to: Target,
        /// By how much.
        #[serde(with = "text")]
        extra: F::Of<Span>,
        /// Until it is healed.
        #[serde(rename = "for", with = "text")]
        lasting: F::Of<Span>,
    },
    /// Every operation of the machine's disk takes longer.
    SlowDisk {
        /// How many times as long.
        #[serde(with = "text")]
        factor: F::Of<u32>,
        /// Until it is healed.
        #[serde(rename = "for", with = "text")]
        lasting: F::Of<Span>,
    },
    /// A bit of a checkpoint's file flips on a store's disk.
    Rot {
        /// Which of the files, the oldest first, counted round from 0.
        #[serde(with = "text")]
        file: F::Of<u32>,
        /// Which of its bits, counted round from 0.
        #[serde(with = "text")]
        bit: F::Of<u32>,
    },
    /// A store's disk is empty.
    Wipe {},
    /// The process stops and goes on later as if nothing had happened.
    Pause {
        /// For how long.
        #[serde(rename = "for", with = "text")]
        lasting: F::Of<Span>,
    },
    /// The machine's clocks run faster or slower than true time; they never jump.
    DriftClock {
        /// By how much.
        #[serde(with = "text")]
        by: F::Of<Drift>,
        /// Until they run as usual.
        #[serde(rename = "for", with = "text")]
        lasting: F::Of<Span>,
    },
    /// The machine's wall clock jumps; its monotonic clock does not.
    StepClock {
        /// How far.
        #[serde(with = "text")]
        by: F::Of<Step>,
    },
}

const fn both() -> Ways {
    Ways::Both
}

/// An action as a scenario states it.
pub type ActionSpec = Action<Stated>;

/// Makes quantities of one form from those of another.
pub(crate) trait Pick<F: Form, G: Form> {
    /// The quantity for a key.
    fn pick<T: Quantum>(&mut self, key: &'static str, from: &F::Of<T>) -> G::Of<T>;
}

impl<F: Form> Action<F> {
    /// Its name, as people write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Action::Crash { .. } => "crash",
            Action::CrashMachine { .. } => "crash-machine",
            Action::Isolate { .. } => "isolate",
            Action::Cut { .. } => "cut",
            Action::SlowLink { .. } => "slow-link",
            Action::SlowDisk { .. } => "slow-disk",
            Action::Rot { .. } => "rot",
            Action::Wipe {} => "wipe",
            Action::Pause { .. } => "pause",
            Action::DriftClock { .. } => "drift-clock",
            Action::StepClock { .. } => "step-clock",
        }
    }
    /// The other end, if it is done to a link.
    pub const fn to(&self) -> Option<&Target> {
        match self {
            Action::Cut { to, .. } | Action::SlowLink { to, .. } => Some(to),
            _ => None,
        }
    }
    /// How long it lasts; none for a jump, and for the crash of a process that is left to its
    /// supervisor.
    pub const fn lasting(&self) -> Option<&F::Of<Span>> {
        match self {
            Action::Crash { down } => down.as_ref(),
            Action::CrashMachine { down } => Some(down),
            Action::Isolate { lasting, .. }
            | Action::Cut { lasting, .. }
            | Action::SlowLink { lasting, .. }
            | Action::SlowDisk { lasting, .. }
            | Action::Pause { lasting }
            | Action::DriftClock { lasting, .. } => Some(lasting),
            Action::StepClock { .. } | Action::Rot { .. } | Action::Wipe {} => None,
        }
    }

    /// Whether what was durable is durable no more.
    pub const fn destroys(&self) -> bool {
        matches!(self, Action::Rot { .. } | Action::Wipe {})
    }

    /// The same action with other quantities, and another receiving end if it has one.
    pub(crate) fn map<G: Form>(&self, to: Option<Target>, pick: &mut impl Pick<F, G>) -> Action<G> {
        let end = |old: &Target| to.clone().unwrap_or_else(|| old.clone());
        match self {
            Action::Crash { down } => {
                Action::Crash { down: down.as_ref().map(|down| pick.pick::<Span>("down", down)) }
            }
            Action::CrashMachine { down } => {
                Action::CrashMachine { down: pick.pick::<Span>("down", down) }
            }
            Action::Isolate { lasting, ways } => {
                Action::Isolate { lasting: pick.pick::<Span>("for", lasting), ways: *ways }
            }
            Action::Cut { to, lasting, symmetric } => Action::Cut {
                to: end(to),
                lasting: pick.pick::<Span>("for", lasting),
                symmetric: *symmetric,
            },
            Action::SlowLink { to, extra, lasting } => Action::SlowLink {
                to: end(to),
                extra: pick.pick::<Span>("extra", extra),
                lasting: pick.pick::<Span>("for", lasting),
            },
            Action::SlowDisk { factor, lasting } => Action::SlowDisk {
                factor: pick.pick::<u32>("factor", factor),
                lasting: pick.pick::<Span>("for", lasting),
            },
            Action::Rot { file, bit } => Action::Rot {
                file: pick.pick::<u32>("file", file),
                bit: pick.pick::<u32>("bit", bit),
            },
            Action::Wipe {} => Action::Wipe {},
            Action::Pause { lasting } => {
                Action::Pause { lasting: pick.pick::<Span>("for", lasting) }
            }
            Action::DriftClock { by, lasting } => Action::DriftClock {
                by: pick.pick::<Drift>("by", by),
                lasting: pick.pick::<Span>("for", lasting),
            },
            Action::StepClock { by } => Action::StepClock { by: pick.pick::<Step>("by", by) },
        }
    }
}

impl Action<Drawn> {
    /// What kind of fault it is when done to a kind of target, as campaigns count them: quantities
    /// and numbers do not matter.
    pub fn kind(&self, target: &Target) -> String {
        let (name, target) = (self.name(), target.kind());
        match self {
            Action::Isolate { ways: Ways::Out, .. } => format!("{name} {target} outbound"),
            Action::Isolate { ways: Ways::In, .. } => format!("{name} {target} inbound"),
            Action::Cut { to, symmetric: false, .. } => {
                format!("{name} {target} to {} one way", to.kind())
            }
            Action::Cut { to, .. } | Action::SlowLink { to, .. } => {
                format!("{name} {target} to {}", to.kind())
            }
            _ => format!("{name} {target}"),
        }
    }
}
