//! Bad histories, written by hand: each breaks one law, and the step before it breaks none.

use stormglass_engine::raft::{Body, Durable, Entry, Index, Membership, Point, Snapshot};

use super::*;

fn id(number: u16) -> ReplicaId {
    ReplicaId(number)
}

fn entry(index: u64, term: u32, word: &str) -> Entry {
    let body = if word.is_empty() { Body::Blank } else { Body::Command(word.as_bytes().into()) };
    Entry { index: Index(index), term: Term(term), body }
}

fn of(voters: &[u16], outgoing: &[u16]) -> Membership {
    let some = |ids: &[u16]| ids.iter().copied().map(ReplicaId).collect();
    Membership { voters: some(voters), outgoing: some(outgoing), learners: Vec::new() }
}

fn change(index: u64, term: u32, to: Membership) -> Entry {
    Entry { index: Index(index), term: Term(term), body: Body::Membership(to.into()) }
}

/// Three replicas, of which the story tells what they do.
struct Story(Laws);

impl Story {
    fn vote(&mut self, voter: u16, term: u32, to: u16) -> Judged {
        self.0.durable_hard_state(id(voter), Term(term), Some(id(to)))?;
        self.0.told_vote(id(voter), Term(term), id(to))
    }
    fn elect(&mut self, leader: u16, term: u32, voters: &[u16]) -> Judged {
        for voter in voters {
            self.vote(*voter, term, leader)?;
        }
        self.0.point(id(leader), Point::Elected { term: Term(term) })
    }
    fn append(&mut self, who: u16, entry: &Entry) -> Judged {
        let (index, term, print) = (entry.index, entry.term, print(&entry.body));
        self.0.point(id(who), Point::Appended { index, term, print })?;
        self.0.writes(id(who), std::slice::from_ref(entry))
    }
    fn sync(&mut self, who: u16, entry: &Entry) -> Judged {
        self.0.durable_entries(id(who), std::slice::from_ref(entry))
    }
    /// An entry reaches the logs and disks of some.
    fn store(&mut self, who: &[u16], entry: &Entry) -> Judged {
        for who in who {
            self.append(*who, entry)?;
            self.sync(*who, entry)?;
        }
        Ok(())
    }
    fn truncate(&mut self, who: u16, from: u64) -> Judged {
        self.0.point(id(who), Point::Truncated { from: Index(from) })
    }
    fn commit(&mut self, who: u16, index: u64, term: u32) -> Judged {
        self.0.point(id(who), Point::Committed { index: Index(index), term: Term(term) })
    }
    fn apply(&mut self, who: u16, entry: &Entry) -> Judged {
        self.0.applied(id(who), entry)
    }
    /// Replica 0 leads term 1, and entry 1 is committed on it and replica 1.
    fn begin() -> Self {
        let mut story = Story(Laws::new(3, of(&[0, 1, 2], &[]), Asked::All));
        let begin = |story: &mut Story| {
            story.elect(0, 1, &[0, 1])?;
            story.store(&[0, 1], &entry(1, 1, ""))?;
            story.commit(0, 1, 1)?;
            story.commit(1, 1, 1)?;
            story.apply(0, &entry(1, 1, ""))
        };
        begin(&mut story).expect("a good beginning");
        story
    }
    fn snapshot(&self, index: u64, term: u32) -> Snapshot {
        Snapshot {
            index: Index(index),
            term: Term(term),
            membership: of(&[0, 1, 2], &[]),
            data: Vec::new().into(),
        }
    }
}

/// The law that a history breaks with its last step; the steps before it are fine.
fn breaks(
    law: Law,
    before: impl FnOnce(&mut Story) -> Judged,
    last: impl FnOnce(&mut Story) -> Judged,
) {
    let mut story = Story::begin();
    before(&mut story).expect("nothing is wrong yet");
    let violation = last(&mut story).expect_err("that is wrong");
    assert_eq!(violation.law, law, "{violation}");
}

#[test]
fn two_leaders_of_a_term() {
    breaks(
        Law::ElectionSafety,
        |s| s.elect(0, 2, &[0, 1]),
        |s| s.0.point(id(2), Point::Elected { term: Term(2) }),
    );
}

#[test]
fn a_leader_of_a_minority() {
    breaks(Law::ElectionQuorum, |s| s.vote(1, 2, 1), |s| s.elect(1, 2, &[]));
}

#[test]
fn a_leader_whose_own_vote_is_not_durable() {
    let told = |s: &mut Story| s.0.told_vote(id(2), Term(2), id(1));
    breaks(Law::ElectionQuorum, told, |s| s.elect(1, 2, &[]));
}

#[test]
fn a_leader_of_one_half_of_a_joint_membership() {
    let joint = change(2, 1, of(&[1, 2], &[0]));
    breaks(Law::ElectionQuorum, |s| s.store(&[1, 2][..1], &joint), |s| s.elect(1, 2, &[1, 2]));
}

#[test]
fn two_votes_in_a_term() {
    breaks(Law::OneVote, |s| s.vote(2, 5, 0), |s| s.0.told_vote(id(2), Term(5), id(1)));
}

#[test]
fn two_votes_in_a_term_on_a_disk() {
    let again = |s: &mut Story| s.0.durable_hard_state(id(2), Term(5), Some(id(1)));
    breaks(Law::OneVote, |s| s.0.durable_hard_state(id(2), Term(5), Some(id(0))), again);
}

#[test]
fn a_disk_that_goes_back_in_terms() {
    let back = |s: &mut Story| s.0.durable_hard_state(id(0), Term(0), None);
    breaks(Law::OneVote, |_| Ok(()), back);
}

#[test]
fn a_leader_that_cuts_its_log() {
    breaks(Law::LeaderAppendOnly, |s| s.append(0, &entry(2, 1, "a")), |s| s.truncate(0, 2));
}

#[test]
fn a_leader_that_installs_a_snapshot() {
    breaks(
        Law::LeaderAppendOnly,
        |_| Ok(()),
        |s| s.0.point(id(0), Point::SnapshotInstalled { index: Index(1), term: Term(1) }),
    );
}

#[test]
fn two_entries_of_an_index_and_term() {
    breaks(
        Law::LogMatching,
        |s| s.append(0, &entry(2, 1, "a")),
        |s| s.append(1, &entry(2, 1, "b")),
    );
}

#[test]
fn one_entry_after_different_ones() {
    let apart = |s: &mut Story| {
        s.append(0, &entry(2, 1, "a"))?;
        s.append(1, &entry(2, 2, "b"))?;
        s.append(0, &entry(3, 3, "c"))
    };
    breaks(Law::LogMatching, apart, |s| s.append(1, &entry(3, 3, "c")));
}

#[test]
fn a_gap_in_a_log() {
    breaks(Law::LogMatching, |_| Ok(()), |s| s.append(0, &entry(3, 1, "a")));
}

#[test]
fn a_leader_without_a_committed_entry() {
    breaks(Law::LeaderCompleteness, |_| Ok(()), |s| s.elect(2, 2, &[1, 2]));
}

#[test]
fn a_commit_that_a_later_leader_does_not_have() {
    // Figure 8: the entry of term 2 is counted in term 4, but replica 2 leads term 5 without it.
    let before = |s: &mut Story| {
        s.store(&[2], &entry(1, 1, ""))?;
        s.store(&[0], &entry(2, 2, "a"))?;
        s.elect(2, 5, &[1, 2])?;
        s.store(&[1], &entry(2, 2, "a"))
    };
    breaks(Law::LeaderCompleteness, before, |s| s.commit(0, 2, 4));
}

#[test]
fn the_term_of_the_commit_counts_and_not_that_of_the_entry() {
    // A leader of term 3 without an entry of term 1: it was committed in term 4 only.
    let mut story = Story::begin();
    let told = |s: &mut Story| {
        s.store(&[2], &entry(1, 1, ""))?;
        s.store(&[0], &entry(2, 1, "a"))?;
        s.elect(2, 3, &[1, 2])?;
        s.0.point(id(2), Point::SteppedDown { term: Term(3) })?;
        s.elect(0, 4, &[0, 1])?;
        s.store(&[1], &entry(2, 1, "a"))?;
        s.store(&[0, 1], &entry(3, 4, ""))?;
        s.commit(0, 3, 4)
    };
    assert_eq!(told(&mut story), Ok(()));
}

#[test]
fn two_entries_committed_at_an_index() {
    let before = |s: &mut Story| {
        s.store(&[2], &entry(1, 1, ""))?;
        s.store(&[0, 1], &entry(2, 1, "a"))?;
        s.store(&[2], &entry(2, 2, "b"))?;
        s.commit(0, 2, 1)
    };
    breaks(Law::StateMachineSafety, before, |s| s.commit(2, 2, 2));
}

#[test]
fn a_commit_of_what_is_not_there() {
    breaks(Law::StateMachineSafety, |_| Ok(()), |s| s.commit(0, 2, 1));
}

#[test]
fn an_entry_applied_twice_left_out_or_not_committed() {
    breaks(Law::StateMachineSafety, |_| Ok(()), |s| s.apply(0, &entry(1, 1, "")));
    let second = |s: &mut Story| {
        s.store(&[0, 1], &entry(2, 1, "a"))?;
        s.commit(0, 2, 1)?;
        s.commit(1, 2, 1)
    };
    breaks(Law::StateMachineSafety, second, |s| s.apply(1, &entry(2, 1, "a")));
    breaks(Law::StateMachineSafety, second, |s| s.apply(0, &entry(2, 1, "b")));
    let not_here = |s: &mut Story| s.apply(2, &entry(1, 1, ""));
    breaks(Law::StateMachineSafety, |s| s.append(2, &entry(1, 1, "")), not_here);
}

#[test]
fn an_applied_entry_cut_off() {
    let before = |s: &mut Story| s.0.point(id(0), Point::SteppedDown { term: Term(1) });
    breaks(Law::StateMachineSafety, before, |s| s.truncate(0, 1));
}

#[test]
fn snapshots_that_are_not_what_was_applied() {
    let ahead = |s: &mut Story| s.0.point(id(0), Point::Compacted { index: Index(2) });
    breaks(Law::StateMachineSafety, |_| Ok(()), ahead);
    let unknown = Point::SnapshotInstalled { index: Index(2), term: Term(1) };
    breaks(Law::StateMachineSafety, |_| Ok(()), |s| s.0.point(id(2), unknown));
    let state = |s: &mut Story| s.0.restored(id(2), &s.snapshot(1, 1), 17);
    breaks(Law::StateMachineSafety, |_| Ok(()), state);
    let right = chained(0, Term(1), print(&Body::Blank));
    let back = |s: &mut Story| s.0.restored(id(0), &s.snapshot(1, 1), right);
    breaks(Law::StateMachineSafety, |_| Ok(()), back);
    let members = |s: &mut Story| {
        let membership = of(&[0, 1], &[]);
        s.0.restored(id(2), &Snapshot { membership, ..s.snapshot(1, 1) }, right)
    };
    breaks(Law::StateMachineSafety, |_| Ok(()), members);
    let mut story = Story::begin();
    assert_eq!(story.0.restored(id(2), &story.snapshot(1, 1), right), Ok(()));
}

#[test]
fn a_commit_without_a_durable_quorum() {
    let before = |s: &mut Story| {
        s.store(&[0], &entry(2, 1, "a"))?;
        s.append(1, &entry(2, 1, "a"))
    };
    breaks(Law::DurableQuorum, before, |s| s.commit(0, 2, 1));
}

#[test]
fn a_commit_without_one_half_of_a_joint_membership() {
    let before = |s: &mut Story| s.store(&[0, 1], &change(2, 1, of(&[0, 1], &[2])));
    breaks(Law::DurableQuorum, before, |s| s.commit(0, 2, 1));
}

#[test]
fn a_committed_entry_overwritten_on_a_disk() {
    breaks(Law::DurableQuorum, |_| Ok(()), |s| s.sync(1, &entry(1, 2, "b")));
    let emptied = Durable { term: Term(1), vote: Some(id(0)), ..Durable::default() };
    breaks(Law::DurableQuorum, |_| Ok(()), |s| s.0.durable_file(id(1), &emptied));
}

#[test]
fn a_second_change_during_the_first() {
    let before = |s: &mut Story| s.store(&[0], &change(2, 1, of(&[0, 1], &[0, 1, 2])));
    breaks(Law::OneChange, before, |s| s.append(0, &change(3, 1, of(&[2], &[0, 1]))));
}

#[test]
fn a_change_before_an_entry_of_the_own_term_is_committed() {
    let before = |s: &mut Story| {
        s.0.point(id(0), Point::SteppedDown { term: Term(1) })?;
        s.elect(1, 2, &[1, 2])?;
        s.store(&[1], &entry(2, 2, ""))
    };
    breaks(Law::OneChange, before, |s| s.append(1, &change(3, 2, of(&[1], &[0, 1, 2]))));
}

#[test]
fn disks_that_give_back_something_else() {
    let right = Durable { term: Term(1), vote: Some(id(0)), ..Durable::default() };
    let with = |entries: Vec<Entry>| Durable { entries, ..right.clone() };
    let found = |durable: Durable| move |s: &mut Story| s.0.life(id(1), &durable);
    breaks(Law::Recovery, |_| Ok(()), found(with(vec![])));
    breaks(Law::Recovery, |_| Ok(()), found(with(vec![entry(1, 1, "b")])));
    breaks(Law::Recovery, |_| Ok(()), found(with(vec![entry(2, 1, "")])));
    let whole = with(vec![entry(1, 1, "")]);
    breaks(Law::Recovery, |_| Ok(()), found(Durable { vote: None, ..whole.clone() }));
    breaks(Law::Recovery, |_| Ok(()), found(Durable { term: Term(0), ..whole.clone() }));
    assert_eq!(Story::begin().0.life(id(1), &whole), Ok(()));
}

#[test]
fn a_log_taken_for_durable_that_is_not() {
    breaks(
        Law::Recovery,
        |s| s.append(0, &entry(2, 1, "a")),
        |s| s.0.point(id(0), Point::Persisted { last: Index(2) }),
    );
}

#[test]
fn a_stale_read() {
    let before = |s: &mut Story| {
        s.0.acknowledged(1);
        s.0.read_begins(7);
        s.0.acknowledged(2);
        s.0.read_ready(id(0), 7, 1)?;
        s.0.read_begins(8);
        Ok(())
    };
    breaks(Law::LinearizableReads, before, |s| s.0.read_ready(id(0), 8, 1));
}

#[test]
fn a_read_that_is_answered_twice() {
    let before = |s: &mut Story| {
        s.0.read_begins(7);
        s.0.read_ready(id(0), 7, 1)
    };
    breaks(Law::LinearizableReads, before, |s| s.0.read_ready(id(0), 7, 1));
}
