use alloc::vec;
use alloc::vec::Vec;

use super::super::{Body, ReplicaId};
use super::*;

/// Each kind, with every field as `n` says.
fn kinds(n: u64) -> Vec<Kind> {
    let (index, term, flag) = (Index(n), Term(n as u32), n % 2 == 1);
    let membership = Arc::new(Membership::new(vec![ReplicaId(n as u16)], vec![]));
    let data: Arc<[u8]> = Arc::from(&[n as u8; 3][..]);
    let entries = vec![
        Entry { index, term, body: Body::Blank },
        Entry { index, term, body: Body::Command(data.clone()) },
        Entry { index, term, body: Body::Membership(membership.clone()) },
    ];
    vec![
        Kind::PreVote { next: term, last: index, last_term: term },
        Kind::PreVoteReply { next: term, granted: flag },
        Kind::Vote { last: index, last_term: term, transfer: flag },
        Kind::VoteReply { granted: flag },
        Kind::Append { prev: index, prev_term: term, entries, commit: index },
        Kind::AppendReply { matched: index },
        Kind::AppendReject { prev: index, hint: index, hint_term: term },
        Kind::Heartbeat { round: n, commit: index },
        Kind::HeartbeatReply { round: n },
        Kind::Chunk { index, last_term: term, membership, offset: n, total: n, data },
        Kind::ChunkReply { index, arrived: n },
        Kind::TimeoutNow,
        Kind::Stale,
    ]
}

fn digest(term: u32, kind: Kind) -> u128 {
    let mut mixer = Mixer::new();
    Message { term: Term(term), kind }.digest(&mut mixer);
    mixer.finish()
}

#[test]
fn digests_tell_messages_apart() {
    let mut all: Vec<u128> = Vec::new();
    for (term, n) in [(1, 1), (1, 2), (2, 1)] {
        all.extend(kinds(n).into_iter().map(|kind| digest(term, kind)));
    }
    // The two that say nothing but their kind are the same in the second round.
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count - 2);
}

#[test]
fn every_entry_of_an_append_is_in_its_digest_and_on_the_wire() {
    let append = |entries: &[Entry]| {
        let (prev, prev_term) = (Index(0), Term(0));
        Kind::Append { prev, prev_term, entries: entries.to_vec(), commit: Index(0) }
    };
    let Kind::Append { entries, .. } = kinds(1).swap_remove(4) else { panic!("it moved") };
    let size = |kind| Message { term: Term(1), kind }.wire_size();
    for count in 0..entries.len() {
        let (less, more) = (append(&entries[..count]), append(&entries[..=count]));
        assert_ne!(digest(1, less.clone()), digest(1, more.clone()));
        assert_eq!(size(more) - size(less), entries[count].size());
    }
}

#[test]
fn a_part_of_a_snapshot_weighs_its_bytes() {
    let chunk = |bytes: usize| {
        let (index, last_term) = (Index(1), Term(1));
        let (membership, data) = (Arc::new(Membership::default()), Arc::from(vec![0; bytes]));
        let kind = Kind::Chunk { index, last_term, membership, offset: 0, total: 99, data };
        Message { term: Term(1), kind }.wire_size()
    };
    assert_eq!(chunk(99) - chunk(0), 99);
}
