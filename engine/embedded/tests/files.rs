//! What redb does to its file, and what it makes of one that is not as it left it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stormglass_embedded::store::Redb;
use stormglass_engine::backend::{StorageEngine, StorageError};
use stormglass_sim::hash::Mixer;
use stormglass_sim::node::{BlockingDisk, DiskError};

mod host;

const FILE: &str = "state/kv";

/// A disk that never fails, and keeps a digest of everything that is done to it.
#[derive(Clone, Debug, Default)]
struct Plain {
    files: BTreeMap<String, Vec<u8>>,
    trace: Mixer,
    syncs: u32,
    written: u64,
}

impl Plain {
    fn file(&mut self, name: &str) -> &mut Vec<u8> {
        self.files.entry(name.to_string()).or_default()
    }
    fn known(&self, name: &str) -> Result<&Vec<u8>, DiskError> {
        self.files.get(name).ok_or(DiskError::NotFound)
    }
    fn step(&mut self, kind: u64, offset: u64, data: &[u8]) {
        self.trace.pair(kind, offset);
        self.trace.bytes(data);
    }
}

impl BlockingDisk for Plain {
    fn len(&mut self, file: &str) -> Result<u64, DiskError> {
        Ok(self.known(file)?.len() as u64)
    }
    fn read_at(&mut self, file: &str, offset: u64, out: &mut [u8]) -> Result<(), DiskError> {
        self.step(1, offset, &[]);
        let from = offset as usize;
        let part = self.known(file)?.get(from..from + out.len()).ok_or(DiskError::PastEnd)?;
        out.copy_from_slice(part);
        Ok(())
    }
    fn write_at(&mut self, file: &str, offset: u64, data: &[u8]) -> Result<(), DiskError> {
        self.step(2, offset, data);
        self.written += data.len() as u64;
        let (from, bytes) = (offset as usize, self.file(file));
        bytes.resize(bytes.len().max(from + data.len()), 0);
        bytes[from..from + data.len()].copy_from_slice(data);
        Ok(())
    }
    fn set_len(&mut self, file: &str, len: u64) -> Result<(), DiskError> {
        self.step(3, len, &[]);
        self.file(file).resize(len as usize, 0);
        Ok(())
    }
    fn sync(&mut self, file: &str) -> Result<(), DiskError> {
        self.step(4, 0, file.as_bytes());
        self.syncs += 1;
        self.known(file).map(|_| ())
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.step(5, 0, to.as_bytes());
        let bytes = self.files.remove(from).ok_or(DiskError::NotFound)?;
        self.files.insert(to.to_string(), bytes);
        Ok(())
    }
    fn remove(&mut self, file: &str) -> Result<(), DiskError> {
        self.step(6, 0, file.as_bytes());
        self.files.remove(file).map(|_| ()).ok_or(DiskError::NotFound)
    }
    fn sync_dir(&mut self) -> Result<(), DiskError> {
        self.step(7, 0, &[]);
        Ok(())
    }
}

/// A store after so many commits.
fn store(commits: u64) -> Plain {
    let mut disk = Plain::default();
    Redb.create(&mut disk, FILE, &host::model(0)).expect("a disk that never fails");
    for n in 1..=commits {
        let (held, changes) = (host::mark(n - 1), host::changes(n));
        Redb.commit(&mut disk, FILE, &held, &changes, &[]).expect("a disk that never fails");
    }
    disk
}

fn scan(disk: &mut Plain) -> Result<u64, StorageError> {
    Redb.scan(disk, FILE, &host::everything()).map(|entries| host::commit_of(&entries))
}

/// Any run with this backend depends on the order and the bytes of redb's I/O: if an update changes
/// them, pinned digests change with it, and this test says why. Debug and release agree.
#[test]
fn a_fixed_history_does_the_io_that_is_pinned() {
    let mut disk = store(25);
    assert_eq!(scan(&mut disk), Ok(25));
    assert_eq!((disk.syncs, disk.written), (108, 1_348_416));
    assert_eq!(format!("{:016x}", disk.trace.finish64()), "a897a1ee3c2207d2");
}

#[test]
fn what_is_no_store_is_refused() {
    let mut disk = Plain::default();
    assert_eq!(scan(&mut disk), Err(StorageError::Missing));
    for bytes in [vec![], vec![0; 4096], vec![7; 100_000], store(1).files[FILE][..9000].to_vec()] {
        disk.files.insert(FILE.to_string(), bytes);
        assert_eq!(scan(&mut disk), Err(StorageError::Refused));
        let all = [host::everything()];
        let outcome = Redb.commit(&mut disk, FILE, &host::mark(0), &host::changes(1), &all);
        assert_eq!(outcome, Err(StorageError::Refused));
    }
}

#[test]
fn a_commit_follows_on_a_certain_one() {
    let (mut disk, older) = (store(5), store(4).files[FILE].clone());
    disk.files.insert(FILE.to_string(), older.clone());
    let (changes, all) = (host::changes(6), [host::everything()]);
    let outcome = Redb.commit(&mut disk, FILE, &host::mark(5), &changes, &all);
    assert_eq!((outcome, &disk.files[FILE]), (Err(StorageError::Refused), &older));
}

#[test]
fn a_store_is_made_in_the_place_of_another() {
    let mut disk = store(9);
    disk.files.insert(format!("{FILE}.new"), vec![1; 3_000_000]);
    Redb.create(&mut disk, FILE, &host::model(4)).expect("a disk that never fails");
    assert_eq!((scan(&mut disk), disk.files.len()), (Ok(4), 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..<_>::default() })]

    /// Flipped bits are refused, miss what is in use, or uncover an older commit that is whole.
    #[test]
    fn rot_never_becomes_state(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..8), 1..9),
    ) {
        let mut disk = store(12);
        let bytes = disk.file(FILE);
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        // A commit may or may not see it; it must not fall over it, nor go on with anything else.
        let (held, changes, all) = (host::mark(12), host::changes(13), [host::everything()]);
        if let Ok(entries) = Redb.commit(&mut disk.clone(), FILE, &held, &changes, &all) {
            prop_assert_eq!(host::commit_of(&entries), 13);
        }
        match scan(&mut disk) {
            Ok(found) => prop_assert!(found <= 12),
            Err(error) => prop_assert_eq!(error, StorageError::Refused),
        }
    }
}
