//! Every planted bug breaks the law that it is about, and the sound core passes the same plans.

use stormglass_engine::names::Twist;
use stormglass_sim::node::Name;

use super::cluster::{Tally, harm};
use super::laws::{Law, Violation};
use super::plan::Plan;
use super::profile::Profile;
use super::{number, run};

/// A bug, the laws that tell of it, and the profiles that are asked in turn.
struct Planted {
    twist: Twist,
    laws: &'static [Law],
    profiles: &'static [Profile],
}

const fn row(twist: Twist, laws: &'static [Law], profiles: &'static [Profile]) -> Planted {
    Planted { twist, laws, profiles }
}

use Law::*;
use Profile::{Flow, Isolation, Lease, Membership, Points, Reads, Snapshots, Swarm, Votes};

const PLANTED: &[Planted] = &[
    row(Twist::RaftVoteUnchecked, &[LeaderCompleteness], &[Points, Isolation]),
    row(Twist::RaftVoteNotSynced, &[OneVote, ElectionQuorum], &[Votes]),
    row(Twist::RaftVoteKept, &[Progress], &[Votes, Points]),
    row(Twist::RaftTruncateAlways, &[DurableQuorum, StateMachineSafety], &[Flow, Swarm]),
    row(Twist::RaftAckBeforeSync, &[DurableQuorum], &[Points, Swarm]),
    row(Twist::RaftSelfAck, &[DurableQuorum], &[Points, Swarm]),
    row(Twist::RaftCommitByCounting, &[LeaderCompleteness], &[Points]),
    row(Twist::RaftCommitUnmatched, &[StateMachineSafety], &[Isolation, Points]),
    row(Twist::RaftQuorumEven, &[ElectionQuorum, DurableQuorum], &[Swarm, Isolation]),
    row(Twist::RaftMembershipLate, &[ElectionQuorum, DurableQuorum], &[Membership]),
    row(Twist::RaftMembershipUnguarded, &[OneChange], &[Membership]),
    row(Twist::RaftTransferUnchecked, &[ElectionQuorum, LeaderCompleteness], &[Membership]),
    row(Twist::RaftReadBeforeOwnTerm, &[LinearizableReads], &[Reads]),
    row(Twist::RaftReadWithoutQuorum, &[LinearizableReads], &[Reads]),
    row(Twist::RaftReadRetry, &[LinearizableReads], &[Reads]),
    row(Twist::RaftLeaseUnbounded, &[LinearizableReads], &[Lease]),
    row(Twist::RaftInflightLeak, &[Progress], &[Flow]),
    row(Twist::RaftVoteLostOnCompaction, &[Recovery, OneVote], &[Snapshots, Votes]),
];

/// The first plan that breaks one of the bug's laws, the law, and how many plans were tried.
fn hunt(
    planted: &Planted,
    most: u64,
    run: fn(&Plan, Twist) -> Result<Tally, Violation>,
) -> Option<(Law, Profile, u64)> {
    (0..most).find_map(|tried| {
        let profiles = planted.profiles;
        let profile = profiles[tried as usize % profiles.len()];
        let seed = tried / profiles.len() as u64;
        let violation = run(&profile.plan(seed), planted.twist).err()?;
        planted.laws.contains(&violation.law).then_some((violation.law, profile, tried + 1))
    })
}

#[test]
fn every_planted_bug_breaks_its_law() {
    let most = number("RAFT_LAWS_PLANTED", 1500);
    let mut missed = Vec::new();
    for planted in PLANTED {
        let name = planted.twist.name();
        match hunt(planted, most, |plan, twist| run(plan, Some(twist))) {
            Some((law, profile, tried)) => {
                println!("{name:<30} {law:?} in plan {tried} ({profile:?})");
                for tried in 0..tried {
                    let profiles = planted.profiles;
                    let profile = profiles[tried as usize % profiles.len()];
                    let clean = run(&profile.plan(tried / profiles.len() as u64), None);
                    assert!(clean.is_ok(), "{name}: the sound core fails too: {clean:?}");
                }
            }
            None => missed.push(name),
        }
    }
    assert!(missed.is_empty(), "not found in {most} plans each: {missed:?}");
}

/// Bugs that in the end break a law that clients can see, and that law. Not among them: the two
/// that only stop progress; and a membership that is used late or by a candidate only, for a joint
/// membership forgives both as long as one change is under way at a time.
const HARM: &[Planted] = &[
    row(Twist::RaftVoteUnchecked, &[LeaderCompleteness, StateMachineSafety], &[Points]),
    row(Twist::RaftVoteNotSynced, &[ElectionSafety], &[Votes]),
    row(Twist::RaftTruncateAlways, &[LeaderCompleteness, StateMachineSafety], &[Swarm]),
    row(Twist::RaftAckBeforeSync, &[LeaderCompleteness, StateMachineSafety], &[Points]),
    row(Twist::RaftSelfAck, &[LeaderCompleteness, StateMachineSafety], &[Points]),
    row(Twist::RaftQuorumEven, &[ElectionSafety, LeaderCompleteness, StateMachineSafety], &[Swarm]),
    row(
        Twist::RaftMembershipUnguarded,
        &[ElectionSafety, LeaderCompleteness, StateMachineSafety],
        &[Membership],
    ),
    row(Twist::RaftVoteLostOnCompaction, &[ElectionSafety], &[Votes]),
];

#[test]
fn bugs_that_are_caught_where_they_begin_do_harm_in_the_end() {
    let most = number("RAFT_LAWS_HARM", 3000);
    for planted in HARM {
        let name = planted.twist.name();
        let Some((law, profile, tried)) = hunt(planted, most, harm) else {
            panic!("{name} breaks none of {:?} in {most} plans", planted.laws);
        };
        println!("{name:<30} {law:?} in plan {tried} ({profile:?})");
    }
}

#[test]
fn no_planted_bug_is_forgotten() {
    for twist in Twist::ALL.iter().filter(|twist| twist.name().starts_with("raft-")) {
        assert!(PLANTED.iter().any(|planted| planted.twist == *twist), "{}", twist.name());
    }
}
