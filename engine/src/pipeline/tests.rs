use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::ids::{Attempt, CheckpointId, TaskId};

fn id(checkpoint: u32) -> FileId {
    let (generation, attempt) = (Generation(1), Attempt(1));
    FileId { checkpoint: CheckpointId(checkpoint), generation, attempt, task: TaskId(3), number: 0 }
}

#[test]
fn packets_join_to_the_file() {
    let bytes: Vec<u8> = (0..100).collect();
    for (logical, packet) in [(100, 1_000), (100, 30), (1_000, 64), (100, 100), (120, 10)] {
        let file = Payload::weighing(bytes.clone(), logical);
        let all: Vec<Payload> =
            (0..packets(logical, packet)).map(|n| cut(&file, packet, n)).collect();
        assert!(all.iter().all(|one| one.size() <= packet));
        let joined = join(&all);
        assert_eq!(joined, file);
        assert_eq!(checksum(&joined), checksum(&file));
    }
    assert_eq!(packets(0, 10), 1, "an empty file is one packet");
}

#[test]
fn only_so_many_packets_are_under_way() {
    let mut upload = Upload::new(id(1), Generation(1), Payload::weighing(vec![1, 2], 100), 1);
    assert!(upload.packet().is_none(), "it waits for stores");
    upload.begin(vec![2, 0]);
    let sent = core::iter::from_fn(|| upload.packet()).count();
    assert_eq!(sent as u32, WINDOW);
    upload.taken(1, 4);
    upload.taken(7, 90);
    assert_eq!(core::iter::from_fn(|| upload.packet()).count(), 4);
    upload.broken(Replicas::one(2));
    assert!(upload.packet().is_none() && upload.head().is_none());
    upload.begin(vec![1, 0]);
    let first = upload.packet().expect("it starts anew");
    assert_eq!((first.pipeline, first.packet, first.onward.as_slice()), (2, 0, [0].as_slice()));
}

#[test]
fn files_are_spread_evenly_and_move_little() {
    let mut firsts = [0; 4];
    for checkpoint in 1..=4_000 {
        let all = preferred(id(checkpoint), 0..4);
        firsts[usize::from(all[0])] += 1;
        let without: Vec<u16> = all.iter().copied().filter(|store| *store != 2).collect();
        assert_eq!(preferred(id(checkpoint), [0, 1, 3].into_iter()), without);
    }
    assert!(firsts.iter().all(|n| (900..1_100).contains(n)), "{firsts:?}");
}
