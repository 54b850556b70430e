//! The scenes, and how likely each is in a profile.

use stormglass_sim::time::Span;

use super::{Action, At, Chance, Draft, Profile, Scene, Those, Who};

impl Profile {
    /// Scenes with their weights. In a swarm each exists in about half of the plans.
    pub(super) fn weights(self, chance: &mut Chance) -> Vec<(u64, Scene)> {
        let mut weights: Vec<(u64, Scene)> = vec![(10, propose), (4, read), (2, quiet)];
        let special: &[(u64, Scene)] = match self {
            Profile::Swarm => {
                let all = SWARM.iter().filter(|_| chance.percent(50));
                weights.extend(all);
                &[]
            }
            Profile::Points => &[
                (12, crash_at),
                (3, crash),
                (2, isolate),
                (4, one_by_one),
                (3, figure_eight),
                (3, forget),
            ],
            Profile::Isolation => &[(10, isolate), (3, crash_at), (1, crash), (2, cut_link)],
            Profile::Membership => &[
                (8, change),
                (5, change_and_hand_over),
                (5, change_at_once),
                (3, change_twice),
                (4, isolate_changing),
                (2, transfer),
                (2, crash_at),
                (1, compact),
            ],
            Profile::Reads => &[(8, stale_read), (5, new_leader_read), (4, pause), (2, transfer)],
            Profile::Lease => &[
                (8, stale_read),
                (4, lease_race),
                (4, pause),
                (3, transfer),
                (3, crash),
                (2, new_leader_read),
            ],
            Profile::Snapshots => &[(12, compact), (4, isolate), (4, crash_at), (2, crash)],
            Profile::Votes => &[
                (10, crash_voter),
                (3, vote_again),
                (3, compact_and_vote_again),
                (4, crash_at),
                (4, compact),
                (2, pause),
            ],
            Profile::Flow => &[(20, burst), (3, cut_link), (2, isolate), (1, pause)],
        };
        weights.extend(special);
        weights
    }
}

/// All scenes of a swarm.
const SWARM: &[(u64, Scene)] = &[
    (4, crash),
    (6, crash_at),
    (4, crash_voter),
    (2, vote_again),
    (2, compact_and_vote_again),
    (2, forget),
    (4, isolate),
    (3, cut_link),
    (3, cut_some),
    (3, pause),
    (3, stale_read),
    (3, new_leader_read),
    (4, change),
    (3, change_at_once),
    (2, change_twice),
    (3, change_and_hand_over),
    (3, isolate_changing),
    (3, transfer),
    (5, compact),
    (3, burst),
    (2, slow_disk),
    (2, one_by_one),
    (2, figure_eight),
    (2, lease_race),
];

fn propose(draft: &mut Draft) {
    let to = if draft.chance.percent(80) { Who::Leader } else { draft.anyone() };
    let commands = draft.chance.within(1, 3) as u8;
    let bytes = draft.chance.pick(&[8, 20, 100]);
    draft.act(Action::Propose { to, commands, bytes });
    draft.wait(1, 60);
}

fn burst(draft: &mut Draft) {
    for _ in 0..draft.chance.within(2, 12) {
        let bytes = draft.chance.pick(&[8, 30, 200]);
        draft.act(Action::Propose { to: Who::Leader, commands: 4, bytes });
        draft.wait(0, 8);
    }
}

fn read(draft: &mut Draft) {
    let from = if draft.chance.percent(70) { Who::Leader } else { Who::OldLeader };
    let again = draft.chance.percent(30);
    draft.act(Action::Read { from, again });
    draft.wait(1, 20);
}

fn quiet(draft: &mut Draft) {
    draft.wait(50, 500);
}

fn crash(draft: &mut Draft) {
    let who = draft.anyone();
    let down = draft.chance.millis(0, 500);
    draft.crash(who, down);
    draft.wait(1, 200);
}

/// A crash at a point, with something that leads to it.
fn crash_at(draft: &mut Draft) {
    let at = draft.chance.pick(&[
        At::Any,
        At::Campaigned,
        At::VoteGranted,
        At::VoteAsked,
        At::VoteTold,
        At::Elected,
        At::Appended,
        At::Appended,
        At::Truncated,
        At::Persisted,
        At::Acknowledged,
        At::Committed,
        At::Committed,
        At::MembershipChanged,
        At::Snapshot,
        At::TransferBegan,
    ]);
    let who = draft.anyone();
    let nth = draft.chance.pick(&[1, 1, 1, 2, 3, 6]);
    let down = draft.chance.pick(&[Span::ZERO, Span::millis(30), Span::millis(350)]);
    draft.crash_at(who, at, nth, down);
    match at {
        At::Campaigned | At::VoteGranted | At::VoteAsked | At::VoteTold | At::Elected => {
            let leader = draft.chance.millis(0, 500);
            draft.crash(Who::Leader, leader);
        }
        _ => draft.act(Action::Propose { to: Who::Leader, commands: 2, bytes: 8 }),
    }
    draft.wait(1, 400);
}

/// The leader reaches one other at a time, gets an entry there, and crashes: the picture of the
/// paper's figure 8, over and over.
fn one_by_one(draft: &mut Draft) {
    for _ in 0..draft.chance.within(2, 4) {
        let those = draft.leader_with(1);
        let during = draft.chance.millis(20, 250);
        draft.act(Action::Cut { from: those, both: true, during });
        draft.act(Action::Propose { to: Who::Leader, commands: 1, bytes: 8 });
        let at = draft.chance.pick(&[At::Appended, At::Persisted, At::Committed, At::Elected]);
        let nth = draft.chance.within(1, 3) as u8;
        let down = draft.chance.millis(0, 600);
        draft.crash_at(Who::Leader, at, nth, down);
        draft.wait(10, 150);
        if draft.chance.percent(60) {
            draft.crash(Who::Leader, down);
        }
        draft.act(Action::Heal);
        draft.wait(50, 450);
    }
}

/// The paper's figure 8. Replica 0 leads and has an entry that only half of them get. While it is
/// down another is elected, and cut off before anybody hears of its own first entry. Replica 0
/// comes back, sends its old entry to one more, and crashes as soon as it believes that to be
/// committed. The one that was cut off has the later term.
fn figure_eight(draft: &mut Draft) {
    let few = 1 << (u64::from(draft.replicas).div_ceil(2) - 1);
    draft.act(Action::Transfer { at: Who::Leader, to: Who::Replica(0) });
    draft.wait(30, 120);
    let down = draft.chance.millis(300, 500);
    let from = Those { mask: few - 1, leader: None };
    draft.act(Action::Cut { from, both: true, during: down + Span::millis(20) });
    draft.act(Action::Propose { to: Who::Replica(0), commands: 1, bytes: 8 });
    draft.wait(15, 40);
    draft.crash(Who::Replica(0), down);
    let during = draft.chance.millis(500, 900);
    for id in 1..draft.replicas {
        draft.isolate_at(Who::Replica(id), At::Elected, during);
    }
    draft.now += down;
    draft.wait(0, 10);
    for id in 0..draft.replicas {
        let down = draft.chance.millis(300, 500);
        draft.crash_at(Who::Replica(id), At::Committed, 1, down);
    }
    draft.wait(400, 900);
}

/// Votes are told, their voter crashes, and is asked again at once.
fn crash_voter(draft: &mut Draft) {
    let at = draft.chance.pick(&[At::VoteTold, At::VoteTold, At::VoteAsked, At::VoteGranted]);
    for id in 0..draft.replicas {
        if draft.chance.percent(70) {
            let who = Who::Replica(id);
            draft.crash_at(who, at, 1, Span::ZERO);
        }
    }
    if draft.chance.percent(60) {
        let during = draft.chance.millis(100, 400);
        let (from, to) = (Who::Replica(draft.replica()), Who::Replica(draft.replica()));
        draft.act(Action::CutLink { from, to, during });
    }
    let down = draft.chance.millis(0, 400);
    draft.crash(Who::Leader, down);
    draft.wait(150, 600);
}

/// While the leader is cut off the others elect. Whoever gives its vote crashes and is back at
/// once; whoever is elected is cut off; then the old leader is back, and asks in the very same
/// term.
fn vote_again(draft: &mut Draft) {
    draft.act(Action::Transfer { at: Who::Leader, to: Who::Replica(0) });
    draft.wait(50, 150);
    let during = draft.chance.millis(250, 450);
    let from = Those { mask: 1, leader: None };
    draft.act(Action::Cut { from, both: true, during });
    for id in 1..draft.replicas {
        draft.crash_at(Who::Replica(id), At::VoteTold, 1, Span::ZERO);
        let during = draft.chance.millis(600, 900);
        draft.isolate_at(Who::Replica(id), At::Elected, during);
    }
    draft.wait(700, 1200);
}

/// The same, but the vote was durable: a snapshot is made and the file written anew before the
/// crash.
fn compact_and_vote_again(draft: &mut Draft) {
    draft.act(Action::Transfer { at: Who::Leader, to: Who::Replica(0) });
    draft.act(Action::Propose { to: Who::Leader, commands: 1, bytes: 8 });
    draft.wait(50, 150);
    let during = draft.chance.millis(480, 650);
    let from = Those { mask: 1, leader: None };
    draft.act(Action::Cut { from, both: true, during });
    for id in 1..draft.replicas {
        let during = draft.chance.millis(900, 1200);
        draft.isolate_at(Who::Replica(id), At::Elected, during);
    }
    draft.wait(380, 420);
    for id in 1..draft.replicas {
        draft.act(Action::Compact { who: Who::Replica(id), bytes: 0 });
    }
    draft.wait(30, 50);
    (1..draft.replicas).for_each(|id| draft.crash(Who::Replica(id), Span::ZERO));
    draft.wait(500, 1000);
}

/// Only just a quorum is connected, and loses an entry as soon as it is acknowledged: by a crash,
/// or because who has it is cut off. Then the others are back.
fn forget(draft: &mut Draft) {
    draft.act(Action::Transfer { at: Who::Leader, to: Who::Replica(0) });
    draft.wait(50, 150);
    let quorum = draft.replicas / 2 + 1;
    let during = draft.chance.millis(60, 120);
    let from = Those { mask: (1 << quorum) - 1, leader: None };
    draft.act(Action::Cut { from, both: true, during });
    if draft.chance.percent(60) {
        draft.act(Action::SlowDisk { who: Who::Replica(0), during });
    }
    let crash = draft.chance.percent(50);
    for id in 1..quorum {
        if crash {
            draft.crash_at(Who::Replica(id), At::Acknowledged, 1, Span::ZERO);
        } else {
            draft.isolate_at(Who::Replica(id), At::Acknowledged, Span::millis(800));
        }
    }
    let down = draft.chance.pick(&[Span::ZERO, Span::millis(700)]);
    draft.crash_at(Who::Replica(0), At::Committed, 1, down);
    draft.act(Action::Propose { to: Who::Replica(0), commands: 1, bytes: 8 });
    draft.wait(500, 900);
}

/// A leader is cut off, alone or with a few; both sides take proposals; then all meet again.
fn isolate(draft: &mut Draft) {
    let those = draft.leader_with(1);
    let during = draft.chance.millis(30, 900);
    let both = draft.chance.percent(75);
    draft.act(Action::Cut { from: those, both, during });
    let old = draft.chance.within(0, 4) as u8;
    draft.act(Action::Propose { to: Who::OldLeader, commands: old.max(1), bytes: 8 });
    for _ in 0..draft.chance.within(1, 6) {
        draft.wait(5, 200);
        draft.act(Action::Propose { to: Who::Leader, commands: 1, bytes: 8 });
        if draft.chance.percent(40) {
            draft.act(Action::Read { from: Who::OldLeader, again: false });
        }
    }
    if draft.chance.percent(30) {
        let down = draft.chance.millis(0, 400);
        draft.crash(Who::Leader, down);
    }
    if draft.chance.percent(40) {
        draft.act(Action::Heal);
    }
    draft.wait(10, 200);
}

fn cut_link(draft: &mut Draft) {
    let (from, to) = (draft.anyone(), draft.anyone());
    let during = draft.chance.millis(20, 800);
    draft.act(Action::CutLink { from, to, during });
    draft.wait(1, 100);
}

fn cut_some(draft: &mut Draft) {
    let from = Those { mask: draft.mask(), leader: None };
    let during = draft.chance.millis(20, 800);
    let both = draft.chance.percent(50);
    draft.act(Action::Cut { from, both, during });
    draft.wait(1, 300);
}

fn pause(draft: &mut Draft) {
    let who = draft.anyone();
    let during = draft.chance.millis(10, 700);
    draft.act(Action::Pause { who, during });
    draft.wait(1, 300);
}

fn slow_disk(draft: &mut Draft) {
    let who = draft.anyone();
    let during = draft.chance.millis(10, 700);
    draft.act(Action::SlowDisk { who, during });
    draft.wait(1, 300);
}

/// A leader stands still or is cut off until another one has taken writes, and is asked to read.
fn stale_read(draft: &mut Draft) {
    let during = draft.chance.millis(100, 600);
    match draft.chance.below(3) {
        0 => {
            draft.act(Action::Read { from: Who::Leader, again: false });
            draft.wait(0, 3);
            draft.act(Action::Pause { who: Who::Leader, during });
            for again in [false, true] {
                draft.act(Action::Read { from: Who::Leader, again });
            }
        }
        1 => {
            let from = Those { mask: 0, leader: Some(true) };
            draft.act(Action::Cut { from, both: true, during });
        }
        // It hears nothing, but what it says is heard: or the other way round.
        _ => {
            let leader = draft.chance.percent(50);
            let from = Those { mask: if leader { 0 } else { 0xff }, leader: Some(leader) };
            draft.act(Action::Cut { from, both: false, during });
        }
    }
    for _ in 0..draft.chance.within(6, 14) {
        draft.wait(5, 60);
        draft.act(Action::Propose { to: Who::Leader, commands: 1, bytes: 8 });
        let again = draft.chance.percent(30);
        draft.act(Action::Read { from: Who::OldLeader, again });
    }
}

/// The replica with the slowest clock leads and is cut off; the others elect and write as fast as
/// they can, and it is asked all the time.
fn lease_race(draft: &mut Draft) {
    draft.act(Action::Transfer { at: Who::Leader, to: Who::Replica(0) });
    draft.wait(100, 250);
    let during = draft.chance.millis(250, 350);
    let from = Those { mask: 1, leader: None };
    draft.act(Action::Cut { from, both: true, during });
    draft.wait(80, 100);
    for _ in 0..30 {
        draft.act(Action::Propose { to: Who::Leader, commands: 1, bytes: 8 });
        draft.wait(1, 2);
        draft.act(Action::Read { from: Who::OldLeader, again: false });
        draft.wait(1, 3);
    }
    draft.wait(150, 400);
}

/// A leader goes, and whoever comes is asked to read at once.
fn new_leader_read(draft: &mut Draft) {
    draft.act(Action::Propose { to: Who::Leader, commands: 2, bytes: 8 });
    draft.wait(0, 20);
    if draft.chance.percent(60) {
        let down = draft.chance.millis(100, 500);
        draft.crash(Who::Leader, down);
    } else {
        let to = Who::Other(draft.replica());
        draft.act(Action::Transfer { at: Who::Leader, to });
    }
    for _ in 0..draft.chance.within(20, 60) {
        draft.wait(2, 12);
        draft.act(Action::Read { from: Who::Leader, again: false });
    }
}

fn transfer(draft: &mut Draft) {
    draft.act(Action::Propose { to: Who::Leader, commands: 1, bytes: 8 });
    let to = Who::Other(draft.replica());
    draft.act(Action::Transfer { at: Who::Leader, to });
    draft.wait(0, 10);
    draft.act(Action::Read { from: Who::OldLeader, again: false });
    draft.wait(1, 200);
}

fn some_membership(draft: &mut Draft, at: Who) -> Action {
    let (voters, learners) = (draft.mask(), draft.mask());
    let voters = if voters == 0 { 1 << draft.replica() } else { voters };
    Action::Change { at, voters, learners }
}

fn change(draft: &mut Draft) {
    let change = some_membership(draft, Who::Leader);
    draft.act(change);
    draft.wait(1, 300);
}

/// A membership changes, some do not hear of it, and leadership is handed over.
fn change_and_hand_over(draft: &mut Draft) {
    let to = Who::Other(draft.replica());
    if draft.chance.percent(60) {
        let during = draft.chance.millis(5, 300);
        let other = Who::Other(draft.replica());
        draft.act(Action::CutLink { from: Who::Leader, to: other, during });
    }
    if draft.chance.percent(50) {
        let during = draft.chance.millis(50, 300);
        draft.act(Action::SlowDisk { who: to, during });
    }
    let change = some_membership(draft, Who::Leader);
    draft.act(change);
    draft.wait(0, 15);
    draft.act(Action::Transfer { at: Who::Leader, to });
    draft.wait(10, 250);
}

/// Whoever is elected is asked at once to change the membership, and again during the change.
fn change_at_once(draft: &mut Draft) {
    if draft.chance.percent(50) {
        let down = draft.chance.millis(0, 500);
        draft.crash(Who::Leader, down);
    }
    let during = draft.chance.millis(100, 600);
    let from = draft.leader_with(1);
    draft.act(Action::Cut { from, both: true, during });
    for _ in 0..draft.chance.within(5, 20) {
        let at = if draft.chance.percent(50) { Who::Leader } else { Who::OldLeader };
        let change = some_membership(draft, at);
        draft.act(change);
        draft.wait(2, 40);
    }
}

/// A leader that is cut off with a minority asks for a membership of just these, and for another
/// one before that is committed: whose old half would be the minority, and decide alone.
fn change_twice(draft: &mut Draft) {
    draft.act(Action::Transfer { at: Who::Leader, to: Who::Replica(0) });
    draft.wait(50, 150);
    let few = draft.chance.pick(&[0b001, 0b011, 0b011]);
    let during = draft.chance.millis(400, 800);
    let from = Those { mask: few, leader: None };
    draft.act(Action::Cut { from, both: true, during });
    for voters in [few, few, 0b001] {
        draft.act(Action::Change { at: Who::Replica(0), voters, learners: 0 });
        draft.wait(1, 20);
    }
    for _ in 0..8 {
        draft.act(Action::Propose { to: Who::Leader, commands: 1, bytes: 8 });
        draft.act(Action::Propose { to: Who::OldLeader, commands: 1, bytes: 8 });
        draft.wait(30, 90);
    }
}

/// A leader that is cut off changes the membership as far as it can; so does the next one.
fn isolate_changing(draft: &mut Draft) {
    let those = draft.leader_with(2);
    let during = draft.chance.millis(200, 900);
    draft.act(Action::Cut { from: those, both: true, during });
    let change = some_membership(draft, Who::OldLeader);
    draft.act(change);
    draft.wait(100, 500);
    draft.act(Action::Propose { to: Who::Leader, commands: 1, bytes: 8 });
    if draft.chance.percent(60) {
        let change = some_membership(draft, Who::Leader);
        draft.act(change);
    }
    draft.wait(50, 300);
    draft.act(Action::Heal);
    draft.wait(10, 300);
}

fn compact(draft: &mut Draft) {
    draft.act(Action::Propose { to: Who::Leader, commands: 3, bytes: 20 });
    draft.wait(5, 60);
    let who = draft.anyone();
    let bytes = draft.chance.pick(&[0, 50, 400]);
    draft.act(Action::Compact { who, bytes });
    draft.wait(1, 60);
}
