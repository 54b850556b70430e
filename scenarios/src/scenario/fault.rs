//! Faults: to whom what is done, how often, and when.

use serde::Serialize;
use stormglass_sim::time::Span;

use super::{ActionSpec, OnSpec, Target};
use crate::units::{Between, Share, text, text_option};

/// A fault as a scenario states it: ranges, of which a seed draws.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultSpec {
    /// When it strikes.
    pub when: When,
    /// What happens.
    pub action: ActionSpec,
    /// To whom; of a link, the sending end.
    pub target: Target,
    /// How often, each time drawn anew; `u32::MAX` for as often as the storm has room for.
    #[serde(skip_serializing_if = "FaultSpec::is_once")]
    pub times: Between<u32>,
    /// From one time to the next; none if each has a time of its own. What would strike after the
    /// storm is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Between<Span>>,
    /// The mean time from one to the next, the first included, if they are a Poisson process: gaps
    /// are exponential, from the beginning of the storm to its end.
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    pub poisson: Option<Span>,
    /// In how many of all seeds it exists at all.
    #[serde(with = "text", skip_serializing_if = "FaultSpec::is_certain")]
    pub chance: Share,
}

impl FaultSpec {
    /// Always there.
    pub const CERTAIN: Share = Share::percent(100);

    /// The most times of a fault without `every`.
    pub const MOST_TIMES: u32 = 1_000;
    /// The least time from one to the next.
    pub const LEAST_APART: Span = Span::millis(10);

    /// A fault that strikes once in every seed.
    pub const fn once(when: When, action: ActionSpec, target: Target) -> FaultSpec {
        let times = Between::just(1);
        let (every, poisson, chance) = (None, None, FaultSpec::CERTAIN);
        FaultSpec { when, action, target, times, every, poisson, chance }
    }
    fn is_once(times: &Between<u32>) -> bool {
        *times == Between::just(1) || *times == Between::just(u32::MAX)
    }
    fn is_certain(chance: &Share) -> bool {
        *chance == FaultSpec::CERTAIN
    }
}

/// When a fault strikes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// At a time since the start of the run.
    At(Between<Span>),
    /// When a share of the input's duration has passed.
    Share(Between<Share>),
    /// At any time of the storm.
    Storm,
    /// As soon as something has been observed so many times.
    On(OnSpec),
}
