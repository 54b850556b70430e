//! The paper, sentence by sentence: each test quotes what it checks, with the section of the
//! dissertation. The dialogues show the longer stories.

use stormglass_engine::raft::{
    Body, Durable, Entry, Index, Kind, Membership, Message, Output, PersistId, Point, Raft,
    Refusal, ReplicaId, Role, Term, Write,
};
use stormglass_sim::time::Span;

use super::lab::{Lab, SETTINGS, Told, disk};

fn message(term: u32, kind: Kind) -> Message {
    Message { term: Term(term), kind }
}

fn append(term: u32, prev: (u64, u32), terms: &[u32], commit: u64) -> Message {
    let (prev, prev_term) = (Index(prev.0), Term(prev.1));
    let entry = |(index, term): (u64, &u32)| {
        let (index, term) = (Index(index), Term(*term));
        Entry { index, term, body: Body::Blank }
    };
    let entries = (prev.0 + 1..).zip(terms).map(entry).collect();
    message(term, Kind::Append { prev, prev_term, entries, commit: Index(commit) })
}

fn vote(term: u32, last: u64, last_term: u32) -> Message {
    let (last, last_term) = (Index(last), Term(last_term));
    message(term, Kind::Vote { last, last_term, transfer: false })
}

/// One replica of three, with this on its disk; the others are played by the test.
fn one(durable: &Durable) -> Lab {
    let mut lab = Lab::new(&[0, 1, 2]);
    lab.format(0, durable);
    lab.start(0);
    lab.told.clear();
    lab
}

/// What it answers to a message.
fn answers(lab: &mut Lab, from: u16, message: Message) -> Vec<Kind> {
    lab.call(0, |raft, now, out| raft.receive(ReplicaId(from), message, now, out));
    lab.net.drain(..).filter(|(_, to, _)| *to == from).map(|(.., message)| message.kind).collect()
}

fn granted(lab: &mut Lab, from: u16, message: Message) -> bool {
    answers(lab, from, message) == [Kind::VoteReply { granted: true }]
}

/// "If a candidate or leader discovers that its term is out of date, it immediately reverts to
/// follower state" (3.3).
#[test]
fn a_later_term_ends_any_role() {
    for role in [Role::Follower, Role::PreCandidate, Role::Candidate, Role::Leader] {
        let mut lab = Lab::started(3);
        let steps = [Role::Follower, Role::PreCandidate, Role::Candidate, Role::Leader];
        for step in steps.into_iter().take_while(|step| *step != role) {
            match step {
                Role::Follower => lab.time_out(0),
                Role::PreCandidate => {
                    let yes = Kind::PreVoteReply { next: Term(1), granted: true };
                    answers(&mut lab, 1, message(0, yes));
                }
                _ => _ = answers(&mut lab, 1, message(1, Kind::VoteReply { granted: true })),
            }
        }
        assert_eq!(lab.raft(0).role(), role);
        answers(&mut lab, 2, append(9, (0, 0), &[9], 0));
        assert_eq!((lab.raft(0).role(), lab.raft(0).term()), (Role::Follower, Term(9)));
        assert_eq!(lab.raft(0).leader(), Some(ReplicaId(2)));
    }
}

/// "If a server receives a request with a stale term number, it rejects the request" (3.3).
#[test]
fn a_stale_term_is_refused_and_changes_nothing() {
    let mut lab = one(&disk(5, &[1, 5]));
    assert_eq!(answers(&mut lab, 1, append(4, (2, 5), &[4], 2)), [Kind::Stale]);
    assert_eq!(lab.terms(0), [1, 5]);
    assert_eq!(lab.raft(0).commit(), Index(0));
    assert!(!granted(&mut lab, 1, vote(4, 9, 4)));
    assert_eq!(lab.raft(0).term(), Term(5));
}

/// "Each server will vote for at most one candidate in a given term, on a first-come-first-served
/// basis" (3.4).
#[test]
fn one_vote_a_term() {
    let mut lab = one(&disk(1, &[1]));
    assert!(granted(&mut lab, 1, vote(2, 1, 1)));
    assert!(!granted(&mut lab, 2, vote(2, 1, 1)));
    assert!(granted(&mut lab, 1, vote(2, 1, 1)), "the same answer to the same request");
    assert!(granted(&mut lab, 2, vote(3, 1, 1)), "another term, another vote");
    assert_eq!(lab.on_disk(0).vote, Some(ReplicaId(2)));
}

/// "If the logs have last entries with different terms, then the log with the later term is more
/// up-to-date. If the logs end with the same term, then whichever log is longer is more
/// up-to-date" (3.6.1).
#[test]
fn only_a_log_that_is_as_current_gets_the_vote() {
    let own = disk(3, &[1, 2, 3]);
    for (last, last_term, wins) in
        [(3, 3, true), (4, 3, true), (1, 4, true), (2, 3, false), (9, 2, false), (0, 0, false)]
    {
        assert_eq!(
            granted(&mut one(&own), 1, vote(4, last, last_term)),
            wins,
            "{last}/{last_term}"
        );
        let (next, last, last_term) = (Term(4), Index(last), Term(last_term));
        let ask = message(3, Kind::PreVote { next, last, last_term });
        let answer = Kind::PreVoteReply { next, granted: wins };
        assert_eq!(answers(&mut one(&own), 1, ask), [answer]);
    }
}

/// "Election timeouts are chosen randomly from a fixed interval" (3.4), and anew for each election.
#[test]
fn election_timeouts_are_drawn_anew_within_their_bounds() {
    let mut lab = Lab::started(3);
    let mut drawn = Vec::new();
    for _ in 0..64 {
        drawn.push(lab.raft(0).deadline().since(lab.now));
        lab.time_out(0);
        lab.net.clear();
    }
    let (least, most) = SETTINGS.election_timeout;
    assert!(drawn.iter().all(|span| (least..=most).contains(span)));
    drawn.sort_unstable();
    drawn.dedup();
    assert!(drawn.len() > 60, "{}", drawn.len());
}

/// "A candidate wins an election if it receives votes from a majority of the servers in the full
/// cluster for the same term" (3.4): more than half, for even numbers too.
#[test]
fn more_than_half_elect() {
    for (voters, needed) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)] {
        let mut lab = Lab::new(&(0..voters).collect::<Vec<_>>());
        lab.start(0);
        lab.time_out(0);
        for from in 1..needed {
            let yes = Kind::PreVoteReply { next: Term(1), granted: true };
            assert_eq!(lab.raft(0).role(), Role::PreCandidate, "{voters} voters");
            answers(&mut lab, from, message(0, yes));
        }
        for from in 1..needed {
            assert_eq!(lab.raft(0).role(), Role::Candidate, "{voters} voters");
            answers(&mut lab, from, message(1, Kind::VoteReply { granted: true }));
        }
        assert_eq!(lab.raft(0).role(), Role::Leader, "{voters} voters");
    }
}

/// "If the leader's term is at least as large as the candidate's current term, then the candidate
/// recognizes the leader as legitimate and returns to follower state" (3.4).
#[test]
fn a_candidate_follows_the_leader_of_its_term() {
    let mut lab = Lab::started(3);
    lab.time_out(0);
    let yes = Kind::PreVoteReply { next: Term(1), granted: true };
    answers(&mut lab, 1, message(0, yes));
    assert_eq!(lab.raft(0).role(), Role::Candidate);
    answers(&mut lab, 2, message(1, Kind::Heartbeat { round: 1, commit: Index(0) }));
    assert_eq!(lab.raft(0).role(), Role::Follower);
    assert_eq!(lab.raft(0).leader(), Some(ReplicaId(2)));
    assert_eq!(lab.on_disk(0).vote, Some(ReplicaId(0)), "the vote stands");
}

/// "If the follower does not find an entry in its log with the same index and term, then it refuses
/// the new entries" (3.5).
#[test]
fn entries_are_taken_only_where_the_logs_agree() {
    let mut lab = one(&disk(2, &[1, 2]));
    let refused = |prev, hint, hint_term| {
        let (prev, hint, hint_term) = (Index(prev), Index(hint), Term(hint_term));
        vec![Kind::AppendReject { prev, hint, hint_term }]
    };
    assert_eq!(answers(&mut lab, 1, append(3, (3, 2), &[3], 0)), refused(3, 2, 2));
    assert_eq!(answers(&mut lab, 1, append(3, (2, 1), &[3], 0)), refused(2, 1, 1));
    assert_eq!(lab.terms(0), [1, 2]);
    let taken = answers(&mut lab, 1, append(3, (2, 2), &[3], 0));
    assert_eq!(taken, [Kind::AppendReply { matched: Index(3) }]);
    assert_eq!(lab.terms(0), [1, 2, 3]);
}

/// "If an existing entry conflicts with a new one (same index but different terms), delete the
/// existing entry and all that follow it" (figure 3.1): and only then.
#[test]
fn only_a_conflict_cuts_the_log() {
    for (offer, left) in [
        (append(4, (0, 0), &[1], 0), vec![1, 1, 2, 2]),
        (append(4, (1, 1), &[1, 2], 0), vec![1, 1, 2, 2]),
        (append(4, (2, 1), &[], 0), vec![1, 1, 2, 2]),
        (append(4, (1, 1), &[1, 3], 0), vec![1, 1, 3]),
        (append(4, (1, 1), &[1, 2, 2, 4], 0), vec![1, 1, 2, 2, 4]),
        (append(4, (0, 0), &[4], 0), vec![4]),
    ] {
        let mut lab = one(&disk(3, &[1, 1, 2, 2]));
        answers(&mut lab, 1, offer);
        assert_eq!(lab.terms(0), left);
        let on_disk: Vec<u32> = lab.on_disk(0).entries.iter().map(|entry| entry.term.0).collect();
        assert_eq!(on_disk, left, "and so does its file");
    }
}

/// "If leaderCommit > commitIndex, set commitIndex = min(leaderCommit, index of last new entry)"
/// (figure 3.1): what lies behind may still be cut off.
#[test]
fn a_follower_commits_no_further_than_it_matched() {
    let mut lab = one(&disk(3, &[1, 1, 2, 2]));
    answers(&mut lab, 1, append(4, (1, 1), &[1], 4));
    assert_eq!(lab.raft(0).commit(), Index(2));
    answers(&mut lab, 1, append(4, (1, 1), &[], 4));
    assert_eq!(lab.raft(0).commit(), Index(2), "it never goes back");
}

/// Term, vote and log are "updated on stable storage before responding to RPCs" (figure 3.1).
#[test]
fn nothing_is_promised_before_it_is_durable() {
    let mut lab = one(&disk(1, &[1]));
    lab.seats.get_mut(&0).expect("a seat").slow = true;
    assert_eq!(answers(&mut lab, 1, append(2, (1, 1), &[2, 2], 0)), []);
    assert_eq!(answers(&mut lab, 1, append(2, (3, 2), &[2], 0)), []);
    let answered = |lab: &mut Lab| {
        let kinds: Vec<Kind> = lab.net.drain(..).map(|(.., message)| message.kind).collect();
        kinds
    };
    lab.persist(0, 1);
    assert_eq!(answered(&mut lab), [], "the term alone promises no entry");
    lab.persist(0, 1);
    assert_eq!(answered(&mut lab), [Kind::AppendReply { matched: Index(3) }]);
    lab.persist(0, 1);
    assert_eq!(answered(&mut lab), [Kind::AppendReply { matched: Index(4) }]);
    // A heartbeat promises the term and nothing of the log.
    answers(&mut lab, 1, append(2, (4, 2), &[2], 0));
    let heartbeat = message(2, Kind::Heartbeat { round: 7, commit: Index(0) });
    assert_eq!(answers(&mut lab, 1, heartbeat), [Kind::HeartbeatReply { round: 7 }]);
    assert!(lab.is_writing(0));
}

/// A vote goes out only when it is durable, and a candidate's own counts only then (3.8).
#[test]
fn nobody_votes_in_memory() {
    let mut lab = Lab::started(1);
    lab.seats.get_mut(&0).expect("a seat").slow = true;
    lab.time_out(0);
    assert_eq!(lab.raft(0).role(), Role::Candidate);
    lab.persist(0, 1);
    assert_eq!(lab.raft(0).role(), Role::Leader);
    assert_eq!(lab.raft(0).commit(), Index(0), "its blank entry is not durable");
    lab.persist(0, 1);
    assert_eq!(lab.raft(0).commit(), Index(1));
}

/// What was cut off while it was being written is not taken for durable when that write is done.
#[test]
fn a_write_that_was_overtaken_makes_nothing_durable() {
    let mut lab = one(&disk(1, &[1]));
    lab.seats.get_mut(&0).expect("a seat").slow = true;
    answers(&mut lab, 1, append(2, (1, 1), &[2, 2, 2], 0));
    answers(&mut lab, 2, append(3, (2, 2), &[3], 0));
    lab.told.clear();
    lab.persist(0, 2);
    assert_eq!(lab.points(0), [Point::Persisted { last: Index(2) }], "entry 3 is another now");
    assert!(lab.net.is_empty(), "the leader of term 2 does not count it");
    lab.persist(0, 2);
    let reply = Kind::AppendReply { matched: Index(3) };
    assert_eq!(lab.on_the_way(0, 2), [&message(3, reply)]);
}

/// "A leader never overwrites or deletes entries in its log; it only appends new entries" (figure
/// 3.2), and "Raft never commits log entries from previous terms by counting replicas" (3.6.2).
#[test]
fn older_terms_are_committed_with_an_entry_of_the_own() {
    let mut lab = one(&disk(2, &[1, 2, 2]));
    lab.time_out(0);
    answers(&mut lab, 1, message(2, Kind::PreVoteReply { next: Term(3), granted: true }));
    answers(&mut lab, 1, message(3, Kind::VoteReply { granted: true }));
    assert_eq!(lab.terms(0), [1, 2, 2, 3]);
    answers(&mut lab, 1, message(3, Kind::AppendReply { matched: Index(3) }));
    assert_eq!(lab.raft(0).commit(), Index(0));
    answers(&mut lab, 1, message(3, Kind::AppendReply { matched: Index(4) }));
    assert_eq!(lab.raft(0).commit(), Index(4));
    assert!(lab.raft(0).may_lead());
}

/// Answers that are late, doubled, or about what the leader does not have change nothing.
#[test]
fn stale_answers_do_no_harm() {
    let mut lab = Lab::started(3);
    lab.elect(0);
    for word in ["a", "b", "c"] {
        lab.propose(0, word);
    }
    lab.settle();
    assert_eq!(lab.raft(0).commit(), Index(4));
    let reject = |prev, hint| {
        let (prev, hint, hint_term) = (Index(prev), Index(hint), Term(0));
        Kind::AppendReject { prev, hint, hint_term }
    };
    for kind in [
        Kind::AppendReply { matched: Index(1) },
        Kind::AppendReply { matched: Index(u64::MAX) },
        reject(2, 1),
        reject(u64::MAX, u64::MAX),
        Kind::HeartbeatReply { round: u64::MAX },
        Kind::ChunkReply { index: Index(3), arrived: u64::MAX },
        Kind::VoteReply { granted: true },
        Kind::TimeoutNow,
    ] {
        assert_eq!(answers(&mut lab, 1, message(1, kind.clone())), [], "{kind:?}");
        assert_eq!(lab.raft(0).role(), Role::Leader);
    }
    lab.propose(0, "d");
    let sent = lab.on_the_way(0, 1);
    assert!(matches!(&sent[..], [Message { kind: Kind::Append { prev: Index(4), .. }, .. }]));
}

/// A term begins only once the candidate would win (9.6): an election that cannot be won leaves the
/// term alone.
#[test]
fn a_pre_vote_changes_no_term() {
    let mut lab = Lab::started(3);
    for _ in 0..5 {
        lab.time_out(0);
        let no = Kind::PreVoteReply { next: Term(1), granted: false };
        answers(&mut lab, 1, message(0, no.clone()));
        answers(&mut lab, 2, message(0, no));
        assert_eq!(lab.raft(0).role(), Role::Follower);
    }
    assert_eq!(lab.raft(0).term(), Term(0));
}

/// "If a server receives a RequestVote request within the minimum election timeout of hearing from
/// a current leader, it does not update its term or grant its vote" (4.2.3), unless the leader
/// itself asked for the election (3.10).
#[test]
fn who_hears_a_leader_does_not_vote() {
    let mut lab = one(&disk(1, &[1]));
    answers(&mut lab, 1, message(1, Kind::Heartbeat { round: 1, commit: Index(1) }));
    lab.now += Span::millis(99);
    assert_eq!(answers(&mut lab, 2, vote(2, 1, 1)), []);
    assert_eq!(lab.raft(0).term(), Term(1));
    let asked = Kind::Vote { last: Index(1), last_term: Term(1), transfer: true };
    assert!(granted(&mut lab.clone(), 2, message(2, asked)));
    lab.now += Span::millis(1);
    assert!(granted(&mut lab, 2, vote(2, 1, 1)));
}

/// "A leader steps down if an election timeout elapses without a successful round of
/// heartbeats to a majority of its cluster" (6.2); its learners do not count.
#[test]
fn a_leader_needs_to_hear_a_quorum_of_voters() {
    let mut lab = Lab::new(&[0, 1, 2]);
    lab.bootstrap.learners = vec![ReplicaId(3), ReplicaId(4)];
    (0..5).for_each(|id| lab.start(id));
    lab.elect(0);
    for (down, leads) in [(2, true), (1, false)] {
        lab.crash(down);
        for _ in 0..12 {
            lab.time_out(0);
            lab.settle();
        }
        assert_eq!(lab.raft(0).role() == Role::Leader, leads);
    }
}

/// Somebody has to vote, nobody is voter and learner, and changes come one after the other, from a
/// leader that has committed in its term (4.1, 4.3).
#[test]
fn memberships_that_make_no_sense_are_refused() {
    let mut lab = Lab::started(3);
    let change = |lab: &mut Lab, voters: &[u16], learners: &[u16]| {
        let ids = |ids: &[u16]| ids.iter().map(|id| ReplicaId(*id)).collect::<Vec<_>>();
        let (voters, learners) = (ids(voters), ids(learners));
        lab.call(0, |raft, now, out| raft.change_membership(voters, learners, now, out))
            .expect("it runs")
    };
    assert_eq!(change(&mut lab, &[0], &[]), Err(Refusal::NotLeader(None)));
    lab.now += Span::millis(200);
    lab.time_out(0);
    while lab.raft(0).role() != Role::Leader {
        lab.deliver(0);
    }
    assert_eq!(
        change(&mut lab, &[0, 1], &[]),
        Err(Refusal::ChangePending),
        "nothing committed yet"
    );
    lab.settle();
    assert_eq!(change(&mut lab, &[], &[0]), Err(Refusal::BadMembership));
    assert_eq!(change(&mut lab, &[0, 1], &[1]), Err(Refusal::BadMembership));
    assert_eq!(change(&mut lab, &[1, 0, 1], &[]), Ok(Index(2)));
    assert_eq!(change(&mut lab, &[0, 1, 2], &[]), Err(Refusal::ChangePending));
    lab.settle();
    assert_eq!(
        *lab.raft(0).membership(),
        Membership::new(vec![ReplicaId(0), ReplicaId(1)], vec![])
    );
}

/// A snapshot of its own takes the place of the log up to there (section 5); the file that the
/// driver rewrites holds it and what is behind.
#[test]
fn a_snapshot_replaces_the_log_before_it() {
    let mut lab = Lab::started(1);
    lab.elect(0);
    lab.propose(0, "a");
    lab.propose(0, "b");
    lab.told.clear();
    lab.call(0, |raft, _, out| raft.compact(Index(2), b"a"[..].into(), out));
    assert_eq!(lab.points(0)[0], Point::Compacted { index: Index(2) });
    let wrote = lab.told.iter().any(|told| {
        matches!(told, Told::Did(0, Output::Persist(_, Write::Snapshot(s))) if s.index == Index(2))
    });
    assert!(wrote);
    assert_eq!(lab.terms(0), [1]);
    assert_eq!(lab.raft(0).durable(), lab.on_disk(0));
    lab.call(0, |raft, _, out| raft.compact(Index(1), b""[..].into(), out));
    assert_eq!(lab.raft(0).durable(), lab.on_disk(0), "an older one is ignored");
    lab.crash(0);
    lab.start(0);
    lab.elect(0);
    assert_eq!(lab.seats[&0].machine, b"ab");
}

/// What is confirmed twice, or in one go, is the same as what is confirmed one by one.
#[test]
fn confirmations_may_be_joined_and_repeated() {
    let (mut out, mut lab) = (Vec::new(), one(&disk(1, &[1])));
    lab.seats.get_mut(&0).expect("a seat").slow = true;
    answers(&mut lab, 1, append(2, (1, 1), &[2], 0));
    answers(&mut lab, 1, append(2, (2, 2), &[2], 0));
    let mut raft: Raft = lab.raft(0).clone();
    raft.persisted(PersistId(3), lab.now, &mut out);
    let sent = out.iter().filter(|output| matches!(output, Output::Send(..))).count();
    assert_eq!(sent, 2);
    out.clear();
    raft.persisted(PersistId(3), lab.now, &mut out);
    raft.persisted(PersistId(1), lab.now, &mut out);
    assert!(out.is_empty());
}

/// Messages "may be reordered" by the network (3.1): a pipeline whose messages overtake each other
/// loses none of them, and is not sent again from the start.
#[test]
fn reordered_messages_are_put_in_order() {
    let mut lab = Lab::started(2);
    lab.elect(0);
    (0..20).for_each(|_| _ = lab.propose(0, "x"));
    let sent = lab.net.len();
    lab.net.reverse();
    (0..sent).for_each(|_| lab.deliver(0));
    assert_eq!(lab.raft(1).last_index(), lab.raft(0).last_index());
    // What was kept belongs to its leader: another term forgets it.
    let mut lab = one(&disk(2, &[1, 2]));
    answers(&mut lab, 1, append(2, (3, 2), &[2], 0));
    answers(&mut lab, 2, append(3, (2, 2), &[3], 0));
    assert_eq!(lab.terms(0), [1, 2, 3]);
    // Nor is anything kept while it is not sure that the logs agree.
    let mut lab = one(&disk(2, &[1, 1]));
    answers(&mut lab, 1, append(2, (3, 2), &[2], 0));
    answers(&mut lab, 1, append(2, (2, 1), &[2], 0));
    assert_eq!(lab.terms(0), [1, 1, 2]);
    // Nobody keeps more than a leader has under way.
    let mut lab = one(&disk(2, &[2]));
    for index in 2..1_000 {
        answers(&mut lab, 1, append(2, (index, 2), &[2], 0));
    }
    answers(&mut lab, 1, append(2, (1, 2), &[2], 0));
    assert!(lab.raft(0).last_index() > Index(100));
    let most = u64::from(SETTINGS.inflight_bytes) / 17 + 3;
    assert!(lab.raft(0).last_index().0 <= most);
}
