//! Random schedules against Raft's laws.
//!
//! A cluster of one to seven replicas lives through a *plan*: crashes (at points of the protocol
//! too), cuts, lost, doubled and late messages, slow disks, clocks that run apart, proposals,
//! reads, memberships, transfers, snapshots. The laws are asked after every step. Plans come from a
//! seed and a profile; one that fails is cut down to the actions that it needs and printed.
//!
//! `RAFT_LAWS=5000` runs so many plans of each profile, `RAFT_LAWS_FROM=300` begins at a seed.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "what was found is printed; the environment says how much is looked at"
)]

mod chance;
mod cluster;
mod disk;
mod laws;
mod plan;
mod planted;
mod profile;

use cluster::{Tally, run, traced};
use plan::Plan;
use profile::Profile;
use stormglass_engine::names::Twist;

/// A number from the environment.
fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().expect("a number"))
}

/// The failure of a plan, cut down, with its last steps.
fn report(profile: Profile, plan: Plan, twist: Option<Twist>) -> String {
    let Err(violation) = run(&plan, twist) else { return "it passes".to_string() };
    let law = violation.law;
    let fails = |plan: &Plan| run(plan, twist).is_err_and(|violation| violation.law == law);
    let plan = plan.shrink(fails);
    let (_, trace) = traced(&plan, twist, true);
    let last =
        trace[trace.len().saturating_sub(number("RAFT_LAWS_TRACE", 60) as usize)..].join("\n");
    format!("{violation}\n{profile:?}, {}\n{last}", plan.describe())
}

/// Runs plans of a profile.
fn campaign(profile: Profile) -> Tally {
    let (from, count) = (number("RAFT_LAWS_FROM", 0), number("RAFT_LAWS", 40));
    let mut all = Tally::default();
    for seed in from..from + count {
        let plan = profile.plan(seed);
        match run(&plan, None) {
            Ok(tally) => all.add(tally),
            Err(_) => panic!("{}", report(profile, plan, None)),
        }
    }
    all
}

#[test]
fn the_laws_hold() {
    for profile in Profile::ALL {
        let all = campaign(*profile);
        println!("{profile:?} {all:?}");
    }
}
