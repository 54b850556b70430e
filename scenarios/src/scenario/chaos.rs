//! Chaos: generators of faults, of which a seed makes a part of its plan.
//!
//! A `[[fault]]` says what happens; a `[[chaos]]` says by which law of chance things happen. What
//! comes of it are ordinary faults, and never more than the cluster is built to survive: the
//! generators leave out what the budget does not admit.

use std::collections::BTreeMap;

use serde::Serialize;
use stormglass_sim::time::Span;

use super::{ActionKind, Role, Scenario};
use crate::problem::Problem;
use crate::units::{Between, Share, text, texts};

/// A generator as a scenario states it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChaosSpec {
    /// What it makes.
    pub generator: Generator,
    /// In how many of all seeds it is there at all.
    #[serde(with = "text", skip_serializing_if = "ChaosSpec::is_certain")]
    pub chance: Share,
}

/// By which law faults come.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generator {
    /// Each kind of fault is a Poisson process of its own, all through the storm, on whomever it
    /// can strike.
    Steady {
        /// The mean time between two faults of a kind.
        #[serde(serialize_with = "texts")]
        mean: BTreeMap<ActionKind, Span>,
    },
    /// Machines of a role lose power one after the other, some of them while others are still down
    /// (FoundationDB's machine attrition).
    Attrition {
        /// The role.
        who: Role,
        /// How many.
        kill: Between<u32>,
        /// So many are up at every time.
        leave: u32,
        /// How long each is down.
        down: Between<Span>,
        /// The mean time from one to the next.
        #[serde(with = "text")]
        live: Span,
        /// By how much more that is each time.
        #[serde(with = "text")]
        backoff: Share,
    },
    /// Several faults at nearly the same time on one process and the machine it runs on.
    Burst {
        /// The mean time between bursts.
        #[serde(with = "text")]
        mean: Span,
        /// How many faults each has.
        faults: Between<u32>,
        /// They come within this time.
        #[serde(with = "text")]
        within: Span,
    },
    /// One fault makes another likely, on somebody of the same role: whoever takes over.
    Cascade {
        /// The mean time between first faults.
        #[serde(with = "text")]
        mean: Span,
        /// How likely each fault is to make another.
        #[serde(with = "text")]
        spread: Share,
        /// After so long at most.
        #[serde(with = "text")]
        within: Span,
    },
    /// A random part of all machines is cut off, one by one in the first half of a window and
    /// healed one by one in its second half (FoundationDB's swizzled clogging).
    Swizzle {
        /// Which part.
        #[serde(with = "text")]
        share: Share,
        /// The length of the window.
        window: Between<Span>,
    },
    /// Every process of a role is restarted, one after the other, in an order that the seed draws.
    Rolling {
        /// The role.
        who: Role,
        /// How long each is down; a worker is left to its supervisor.
        down: Between<Span>,
        /// From the start of one to that of the next.
        every: Between<Span>,
    },
    /// Which kinds of faults there are at all differs by seed, then how strong they are, and how
    /// often (Groce's swarm testing).
    Swarm {
        /// The share of all kinds that a seed has.
        kinds: Between<Share>,
        /// How often each of them strikes.
        each: Between<u32>,
        /// How many of all kinds wait, but for their first fault, for something to happen instead
        /// of a time.
        #[serde(with = "text")]
        triggered: Share,
    },
    /// Every action on every role at every event, one triple a seed: neighbouring seeds walk
    /// through all of them.
    Aimed {},
}

impl Generator {
    /// Every name, as people write them.
    pub const NAMES: &'static [&'static str] =
        &["steady", "attrition", "burst", "cascade", "swizzle", "rolling", "swarm", "aimed"];

    /// Its name, as people write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Generator::Steady { .. } => "steady",
            Generator::Attrition { .. } => "attrition",
            Generator::Burst { .. } => "burst",
            Generator::Cascade { .. } => "cascade",
            Generator::Swizzle { .. } => "swizzle",
            Generator::Rolling { .. } => "rolling",
            Generator::Swarm { .. } => "swarm",
            Generator::Aimed {} => "aimed",
        }
    }
}

impl ChaosSpec {
    /// Always there.
    pub const CERTAIN: Share = Share::percent(100);
    /// The least mean time between two faults.
    pub const LEAST_APART: Span = Span::millis(50);
    /// The most faults of a kind, or of a burst.
    pub const MOST_EACH: u32 = 100;

    /// A generator that is there in every seed.
    pub const fn always(generator: Generator) -> ChaosSpec {
        ChaosSpec { generator, chance: ChaosSpec::CERTAIN }
    }
    fn is_certain(chance: &Share) -> bool {
        *chance == ChaosSpec::CERTAIN
    }
}

/// Checks every generator of a scenario.
pub(super) fn check(scenario: &Scenario) -> Result<(), Problem> {
    for (number, spec) in (1..).zip(&scenario.chaos) {
        one(scenario, &format!("chaos.{number}"), spec)?;
    }
    Ok(())
}

fn one(scenario: &Scenario, path: &str, spec: &ChaosSpec) -> Result<(), Problem> {
    let table = format!("{path}.{}", spec.generator.name());
    let fail = |key: &str, message: String, help: &str| {
        Err(scenario.origin.problem(&format!("{table}.{key}"), message).help(help))
    };
    if spec.chance.0 == 0 {
        let message = "the generator is never there";
        let problem = scenario.origin.problem(&format!("{path}.chance"), message);
        return Err(problem.help("leave it out, or write such as \"60%\""));
    }
    for (key, mean) in spec.generator.means() {
        if mean < ChaosSpec::LEAST_APART {
            let message = format!("the times are less than {} apart", ChaosSpec::LEAST_APART);
            return fail(key, message, "");
        }
    }
    for (key, span) in spec.generator.spans() {
        if span.is_zero() {
            return fail(key, "it takes no time at all".into(), "write a duration above zero");
        }
    }
    match &spec.generator {
        Generator::Attrition { who, leave, .. } => {
            let members = scenario.cluster.machines_of(*who);
            if members <= *leave {
                let message = format!("there are {members} such machines, and {leave} stay up");
                return fail("leave", message, "leave fewer of them, or choose another role");
            }
            restarts(scenario, &format!("{table}.who"), *who)
        }
        Generator::Rolling { who, .. } => restarts(scenario, &format!("{table}.who"), *who),
        Generator::Burst { faults: often, .. } | Generator::Swarm { each: often, .. }
            if !(1..=ChaosSpec::MOST_EACH).contains(&often.min)
                || often.max > ChaosSpec::MOST_EACH =>
        {
            let key = if spec.generator.name() == "burst" { "faults" } else { "each" };
            fail(key, format!("write 1 to {}", ChaosSpec::MOST_EACH), "")
        }
        _ => Ok(()),
    }
}

/// Whether members of a role may crash and come back.
fn restarts(scenario: &Scenario, path: &str, who: Role) -> Result<(), Problem> {
    if !who.is_of_cluster() {
        let message = format!("a {who} is no part of the cluster");
        let problem = scenario.origin.problem(path, message);
        return Err(problem.help("choose who does the work, such as \"worker\""));
    }
    Ok(())
}

impl Generator {
    /// Its mean times, by key.
    fn means(&self) -> Vec<(&'static str, Span)> {
        match self {
            Generator::Steady { mean } => {
                mean.iter().map(|(kind, mean)| (kind.name(), *mean)).collect()
            }
            Generator::Attrition { live, .. } => vec![("live", *live)],
            Generator::Burst { mean, .. } | Generator::Cascade { mean, .. } => {
                vec![("mean", *mean)]
            }
            Generator::Rolling { every, .. } => vec![("every", every.min)],
            Generator::Swizzle { .. } | Generator::Swarm { .. } | Generator::Aimed {} => Vec::new(),
        }
    }

    /// The least of each of its other times, by key.
    fn spans(&self) -> Vec<(&'static str, Span)> {
        match self {
            Generator::Attrition { down, .. } | Generator::Rolling { down, .. } => {
                vec![("down", down.min)]
            }
            Generator::Burst { within, .. } | Generator::Cascade { within, .. } => {
                vec![("within", *within)]
            }
            Generator::Swizzle { window, .. } => vec![("window", window.min)],
            Generator::Steady { .. } | Generator::Swarm { .. } | Generator::Aimed {} => Vec::new(),
        }
    }
}
