//! What the tests share: the history that a store is taken through, and its model.

use stormglass_engine::backend::{Change, Entry, KeyRange};
use stormglass_sim::hash::Mixer;

/// The key under which a store keeps which commit it is at.
const MARK: &[u8] = b"!";
/// The other keys.
const KEYS: u64 = 60;

/// All keys.
pub(crate) fn everything() -> KeyRange {
    Vec::new()..vec![0xff; 8]
}

fn key(number: u64) -> Vec<u8> {
    format!("key {number:02}").into_bytes()
}

/// What commit `n` does to a key: nothing, a value, or its end.
fn touch(n: u64, key: u64) -> Option<Option<Vec<u8>>> {
    let mut mixer = Mixer::new();
    mixer.pair(n, key);
    let draw = mixer.finish64();
    match draw % 16 {
        0 => Some(None),
        1..4 => Some(Some(vec![draw as u8; (draw >> 8) as usize % 700])),
        _ => None,
    }
}

/// The mark of a store at commit `n`.
pub(crate) fn mark(n: u64) -> Entry {
    (MARK.to_vec(), n.to_le_bytes().to_vec())
}

/// What commit `n` changes, its mark included.
pub(crate) fn changes(n: u64) -> Vec<Change> {
    let (at, value) = mark(n);
    let mark = Change { key: at, value: Some(value) };
    let touched = (0..KEYS).filter_map(|at| Some(Change { key: key(at), value: touch(n, at)? }));
    std::iter::once(mark).chain(touched).collect()
}

/// What a store holds after commits 1 to `n`.
pub(crate) fn model(n: u64) -> Vec<Entry> {
    let last = |at| (1..=n).rev().find_map(|n| touch(n, at)).flatten();
    let keys = (0..KEYS).filter_map(|at| Some((key(at), last(at)?)));
    std::iter::once(mark(n)).chain(keys).collect()
}

/// The commit that a store is at.
///
/// # Panics
/// If it holds anything but what that commit left.
pub(crate) fn commit_of(entries: &[Entry]) -> u64 {
    let (key, mark) = entries.first().expect("a store has its mark");
    assert_eq!(key, MARK);
    let n = u64::from_le_bytes(mark[..].try_into().expect("a number"));
    assert!(entries == model(n), "the store is torn: it claims to be at commit {n}");
    n
}
