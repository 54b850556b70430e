//! Random schedules against Raft's laws.
//!
//! A cluster of one to seven replicas lives through a *plan*: crashes (at points of the protocol
//! too), cuts, lost, doubled and late messages, slow disks, clocks that run apart, proposals,
//! reads, memberships, transfers, snapshots. The laws are asked after every step. Plans come from a
//! seed and a profile; one that fails is cut down to the actions that it needs and printed.
//!
//! `RAFT_LAWS=5000` runs so many plans of each profile, `RAFT_LAWS_FROM=300` begins at a seed,
//! `RAFT_LAWS_TRACE=500` shows so many last steps of a failure. `RAFT_LAWS_PLANTED` and
//! `RAFT_LAWS_HARM` say how many plans a planted bug may take until it is found.

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
use laws::Asked;
use plan::{Action, Plan};
use profile::Profile;
use stormglass_engine::names::Twist;

/// Plans of each profile, unless the environment wants more.
const PLANS: u64 = 400;

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
    let (_, trace) = traced(&plan, twist, Asked::All, true);
    let last =
        trace[trace.len().saturating_sub(number("RAFT_LAWS_TRACE", 60) as usize)..].join("\n");
    format!("{violation}\n{profile:?}, {}\n{last}", plan.describe())
}

/// Runs so many plans of a profile.
fn campaign(profile: Profile, count: u64) -> Tally {
    let from = number("RAFT_LAWS_FROM", 0);
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

/// What a profile promises to do to each plan at the mean, in hundredths.
fn promised(profile: Profile) -> Tally {
    let least = Tally { events: 40_000, elections: 200, committed: 1000, ..Tally::default() };
    match profile {
        Profile::Swarm => Tally { crashes: 100, aimed: 30, memberships: 100, reads: 300, ..least },
        Profile::Points => Tally { crashes: 300, aimed: 100, ..least },
        Profile::Isolation => Tally { crashes: 100, reads: 100, ..least },
        Profile::Membership => Tally { memberships: 2000, installed: 3, ..least },
        Profile::Reads | Profile::Lease => Tally { reads: 1000, ..least },
        Profile::Snapshots => Tally { installed: 30, ..least },
        Profile::Votes => Tally { crashes: 500, aimed: 300, ..least },
        Profile::Flow => Tally { committed: 20_000, ..least },
    }
}

#[test]
fn the_laws_hold() {
    let count = number("RAFT_LAWS", PLANS);
    for profile in Profile::ALL {
        let all = campaign(*profile, count);
        println!("{profile:?} {all:?}");
        let least = promised(*profile);
        let enough = count < PLANS || all.reaches(&least, count);
        assert!(enough, "{profile:?} was too calm: {all:?} in {count} plans, promised {least:?}");
    }
}

#[test]
fn a_plan_has_one_fate() {
    for profile in Profile::ALL {
        let plan = profile.plan(7);
        assert_eq!(plan, profile.plan(7));
        let once = traced(&plan, None, Asked::All, true);
        assert_eq!(once, traced(&plan, None, Asked::All, true), "{profile:?}");
    }
}

#[test]
fn a_plan_that_fails_is_cut_down_to_what_it_needs() {
    let plan = Profile::Points.plan(1);
    let whole = plan.actions.len();
    let needed = |plan: &Plan| {
        plan.actions.iter().filter(|(_, action)| matches!(action, Action::Crash { .. })).count() > 1
    };
    assert!(needed(&plan) && whole > 2);
    assert_eq!(plan.shrink(needed).actions.len(), 2);
}
