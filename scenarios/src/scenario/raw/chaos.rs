//! Generators of faults as they are written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use stormglass_sim::time::Span;

use crate::scenario::Role;
use crate::units::{Between, Quantity, Share};

/// A generator of faults: one of the keys says which.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Chaos")]
pub(in crate::scenario) struct RawChaos {
    /// In how many of all seeds it is there at all. Default 100%.
    pub chance: Option<Quantity<Share>>,
    /// The mean time between two faults of a kind, by kind: { crash = "8s", pause = "10s" }. Each
    /// kind is a Poisson process that lasts as long as the storm, on whomever it can strike.
    pub steady: Option<BTreeMap<String, Quantity<Span>>>,
    /// Machines of a role lose power one after the other.
    pub attrition: Option<RawAttrition>,
    /// Several faults at nearly the same time on one process and its machine.
    pub burst: Option<RawBurst>,
    /// One fault makes another likely, on somebody of the same role.
    pub cascade: Option<RawCascade>,
    /// A random part of all machines is cut off one by one, and healed one by one.
    pub swizzle: Option<RawSwizzle>,
    /// Every process of a role is restarted, one after the other.
    pub rolling: Option<RawRolling>,
    /// Which kinds of faults there are at all differs by seed.
    pub swarm: Option<RawSwarm>,
    /// Every action on every role at every event, one triple a seed.
    pub aimed: Option<RawAimed>,
}

/// Machines of a role lose power one after the other.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Attrition")]
pub(in crate::scenario) struct RawAttrition {
    /// The role.
    pub who: Quantity<Role>,
    /// How many: a number or a range.
    pub kill: Quantity<Between<u32>>,
    /// So many are up at every time. Default 1.
    pub leave: Option<u32>,
    /// How long each is down. Default "500ms..3s".
    pub down: Option<Quantity<Between<Span>>>,
    /// The mean time from one to the next. Default "2s".
    pub live: Option<Quantity<Span>>,
    /// By how much more that is each time. Default "50%".
    pub backoff: Option<Quantity<Share>>,
}

/// Several faults at nearly the same time on one process and its machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Burst")]
pub(in crate::scenario) struct RawBurst {
    /// The mean time between bursts.
    pub mean: Quantity<Span>,
    /// How many faults each has: a number or a range. Default "2..4".
    pub faults: Option<Quantity<Between<u32>>>,
    /// They come within this time. Default "500ms".
    pub within: Option<Quantity<Span>>,
}

/// One fault makes another likely, on somebody of the same role.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Cascade")]
pub(in crate::scenario) struct RawCascade {
    /// The mean time between first faults.
    pub mean: Quantity<Span>,
    /// How likely each fault is to make another. Default "60%".
    pub spread: Option<Quantity<Share>>,
    /// After so long at most. Default "2s".
    pub within: Option<Quantity<Span>>,
}

/// A random part of all machines is cut off one by one, and healed one by one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Swizzle")]
pub(in crate::scenario) struct RawSwizzle {
    /// Which part. Default "50%".
    pub share: Option<Quantity<Share>>,
    /// The length of the window: in its first half they are cut off, in its second they heal.
    pub window: Quantity<Between<Span>>,
}

/// Every process of a role is restarted, one after the other.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Rolling")]
pub(in crate::scenario) struct RawRolling {
    /// The role.
    pub who: Quantity<Role>,
    /// How long each is down; a worker is left to its supervisor. Default "200ms..1s".
    pub down: Option<Quantity<Between<Span>>>,
    /// From the start of one to that of the next. Default "1s..3s".
    pub every: Option<Quantity<Between<Span>>>,
}

/// Which kinds of faults there are at all differs by seed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Swarm")]
pub(in crate::scenario) struct RawSwarm {
    /// The share of all kinds that a seed has: a share or a range. Default "10%..60%".
    pub kinds: Option<Quantity<Between<Share>>>,
    /// How often each of them strikes: a number or a range. Default "1..4".
    pub each: Option<Quantity<Between<u32>>>,
    /// How many of all kinds wait, but for their first fault, for something to happen instead of a
    /// time. Default "25%".
    pub triggered: Option<Quantity<Share>>,
}

/// Every action on every role at every event, one triple a seed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Aimed")]
pub(in crate::scenario) struct RawAimed {}
