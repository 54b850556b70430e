use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::*;

fn entry(index: u64, term: u32, body: Body) -> Entry {
    Entry { index: Index(index), term: Term(term), body }
}

fn command(index: u64, term: u32) -> Entry {
    entry(index, term, Body::Command(Arc::from(&b"set a 1"[..])))
}

fn membership() -> Membership {
    Membership { outgoing: vec![ReplicaId(0)], ..Membership::new(ids(&[1, 2]), ids(&[3])) }
}

fn ids(numbers: &[u16]) -> Vec<ReplicaId> {
    numbers.iter().map(|number| ReplicaId(*number)).collect()
}

fn snapshot(index: u64, term: u32) -> Write {
    let (index, term, membership) = (Index(index), Term(term), membership());
    Write::Snapshot(Arc::new(Snapshot { index, term, membership, data: Arc::from(&b"state"[..]) }))
}

fn hard(term: u32, vote: Option<u16>) -> Write {
    Write::HardState { term: Term(term), vote: vote.map(ReplicaId) }
}

/// A small log with everything in it, as frames.
fn frames() -> Vec<Vec<Write>> {
    let change = entry(4, 2, Body::Membership(Arc::new(membership())));
    vec![
        vec![hard(1, Some(2))],
        vec![Write::Entries(vec![entry(1, 1, Body::Blank), command(2, 1), command(3, 1)])],
        vec![hard(2, None), Write::Entries(vec![command(3, 2), change])],
        vec![snapshot(2, 1)],
        vec![Write::Entries(vec![command(5, 2)])],
    ]
}

fn file(frames: &[Vec<Write>]) -> (Vec<u8>, Vec<usize>) {
    let (mut writer, mut bytes, mut ends) = (Frames::default(), Vec::new(), vec![0]);
    for writes in frames {
        bytes.extend(writer.encode(writes));
        ends.push(bytes.len());
    }
    (bytes, ends)
}

/// What the first frames hold, by the meaning of writes alone.
fn held(frames: &[Vec<Write>]) -> Durable {
    let mut durable = Durable::default();
    for write in frames.iter().flatten() {
        redo(&mut durable, write.clone()).expect("they fit");
    }
    durable
}

#[test]
fn a_file_gives_back_what_was_written() {
    let (bytes, _) = file(&frames());
    let (durable, whole) = recover(&bytes).expect("it is sound");
    assert_eq!(whole, bytes.len());
    assert_eq!((durable.term, durable.vote), (Term(2), None));
    let places: Vec<_> = durable.entries.iter().map(|e| (e.index.0, e.term.0)).collect();
    assert_eq!(places, [(3, 2), (4, 2), (5, 2)]);
    assert_eq!(durable.entries[1].body, Body::Membership(Arc::new(membership())));
    assert_eq!(durable.snapshot.expect("it is there").membership, membership());
    assert_eq!(recover(&[]), Ok((Durable::default(), 0)));
}

#[test]
fn a_torn_tail_is_cut_at_every_length() {
    let frames = frames();
    let (bytes, ends) = file(&frames);
    for len in 0..=bytes.len() {
        let (durable, whole) = recover(&bytes[..len]).expect("nothing decodable follows");
        let sound = ends.iter().rposition(|end| *end <= len).expect("zero is an end");
        assert_eq!(whole, ends[sound], "cut at {len}");
        assert_eq!(durable, held(&frames[..sound]), "cut at {len}");
    }
}

#[test]
fn every_flipped_byte_is_rot_or_a_torn_tail() {
    let frames = frames();
    let (bytes, ends) = file(&frames);
    let last = ends[ends.len() - 2];
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut rotten = bytes.clone();
            rotten[at] ^= 1 << bit;
            let got = recover(&rotten);
            if at >= last {
                assert_eq!(got, Ok((held(&frames[..frames.len() - 1]), last)), "{at}.{bit}");
            } else {
                let offset = *ends.iter().rfind(|end| **end <= at).expect("zero is an end");
                assert_eq!(got, Err(Rotten { offset }), "{at}.{bit}");
            }
        }
    }
}

/// A coordinator lost power, and while it was down the last frame of its log rotted. It took that
/// for a torn write, forgot an entry that it had confirmed, and elected a leader that did not have
/// it (swarm-input, seed 48160).
#[test]
fn behind_a_seal_nothing_that_rots_seems_torn() {
    let mut frames = frames();
    frames.push(Vec::new());
    let (bytes, ends) = file(&frames);
    let (durable, whole) = recover(&bytes).expect("it is sound");
    assert_eq!((durable, whole), (held(&frames), bytes.len()));
    let seal = ends[ends.len() - 2];
    for at in 0..bytes.len() {
        let mut rotten = bytes.clone();
        rotten[at] ^= 1 << (at % 8);
        let offset = *ends.iter().rfind(|end| **end <= at).expect("zero is an end");
        let got = recover(&rotten);
        match at >= seal {
            // It holds nothing, so nothing is lost with it.
            true => assert_eq!(got, Ok((held(&frames), seal)), "{at}"),
            false => assert_eq!(got, Err(Rotten { offset }), "{at}"),
        }
    }
}

#[test]
fn a_frame_counts_only_where_it_was_written() {
    let (bytes, ends) = file(&frames());
    let mut twice = bytes[..ends[1]].to_vec();
    twice.extend_from_slice(&bytes[..ends[1]]);
    assert_eq!(recover(&twice), Err(Rotten { offset: ends[1] }));
    // A frame that vanished in the middle is missed.
    let mut short = bytes[..ends[1]].to_vec();
    short.extend_from_slice(&bytes[ends[2]..]);
    assert_eq!(recover(&short), Err(Rotten { offset: ends[1] }));
    // Nor may anything be written behind a torn frame that was not cut off.
    let mut behind = bytes[..ends[1] - 1].to_vec();
    behind.extend_from_slice(&bytes[ends[1]..]);
    assert_eq!(recover(&behind), Err(Rotten { offset: 0 }));
}

#[test]
fn frames_that_contradict_each_other_are_rotten() {
    for bad in [
        vec![Write::Entries(vec![command(2, 1)])],
        vec![Write::Entries(vec![command(1, 1), command(3, 1)])],
        vec![Write::Entries(vec![])],
        vec![snapshot(5, 1), Write::Entries(vec![command(5, 1)])],
        vec![snapshot(5, 1), snapshot(4, 1)],
    ] {
        let (bytes, _) = file(&[bad]);
        assert_eq!(recover(&bytes), Err(Rotten { offset: 0 }));
    }
}

#[test]
fn a_snapshot_keeps_what_follows_on_it_and_drops_what_does_not() {
    let log = Write::Entries(vec![command(1, 1), command(2, 1), command(3, 1)]);
    let left = |snapshot| held(&[vec![log.clone(), snapshot]]).entries.len();
    assert_eq!(left(snapshot(2, 1)), 1);
    assert_eq!(left(snapshot(2, 2)), 0, "another log");
    assert_eq!(left(snapshot(9, 1)), 0, "behind the end");
}

#[test]
fn a_rewritten_file_holds_the_same_and_can_be_gone_on_with() {
    let durable = held(&frames());
    let unheard = |_| panic!("nothing is planted");
    let mut bytes = rewrite(&durable, Switches::default(), unheard);
    assert_eq!(recover(&bytes), Ok((durable.clone(), bytes.len())));
    let more = Frames::after(bytes.len()).encode(&[Write::Entries(vec![command(6, 2)])]);
    bytes.extend(more);
    let (later, whole) = recover(&bytes).expect("it is sound");
    assert_eq!((later.entries.len(), whole), (durable.entries.len() + 1, bytes.len()));
}

#[test]
fn the_planted_bug_forgets_term_and_vote_and_says_so() {
    let switches = Switches::of(|twist| twist == Twist::RaftVoteLostOnCompaction);
    let mut heard = Vec::new();
    let durable = Durable { term: Term(7), vote: Some(ReplicaId(2)), ..Durable::default() };
    let bytes = rewrite(&durable, switches, |twist| heard.push(twist));
    let (durable, _) = recover(&bytes).expect("it is sound");
    assert_eq!((durable.term, durable.vote), (Term(1), None));
    assert_eq!(heard, [Twist::RaftVoteLostOnCompaction]);
    rewrite(&Durable::default(), switches, |_| panic!("nothing to forget"));
}

/// A log had been rewritten, into one frame, and that rotted. It was taken for a frame that a crash
/// had torn, and cut off: the replica went on with nothing, free to vote and to confirm anew what
/// it had voted and confirmed before.
#[test]
fn a_rewritten_file_that_rots_is_not_an_empty_one() {
    let data = Arc::from(vec![7; FIRST_MOST]);
    let snapshot = Snapshot { index: Index(9), term: Term(3), membership: membership(), data };
    let mut durable = Durable { term: Term(4), vote: Some(ReplicaId(1)), ..Durable::default() };
    durable.snapshot = Some(Arc::new(snapshot));
    let bytes = rewrite(&durable, Switches::default(), |_| {});
    assert_eq!(recover(&bytes), Ok((durable, bytes.len())));
    let rotten = Err(Rotten { offset: 0 });
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        assert_eq!(recover(&bytes), rotten, "byte {at}");
    }
    assert_eq!(recover(&vec![0; bytes.len()]), rotten, "a write that never took place");
    assert_eq!(recover(&bytes[24..]), rotten, "another place of the disk");
    // A short first frame may be a torn one, of a replica that has promised nothing yet.
    let first = Frames::default().encode(&[hard(1, Some(2))]);
    assert!(first.len() <= FIRST_MOST);
    assert_eq!(recover(&vec![0; first.len()]), Ok((Durable::default(), 0)));
}
