//! The disk against a model of what is durable.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::chance::{Chance, Purpose};
use crate::disk::content::{Content, SECTOR};
use crate::fault::DiskFailure;
use crate::node::FileName;
use crate::payload::Payload;

mod faults;

const ME: Owner = Owner { slot: 0, incarnation: 1 };

fn disk(seed: u64) -> Disk {
    Disk::new(DiskSpec::default(), Chance::new(seed).draws(Purpose::Disk, 0))
}

#[derive(Clone, Debug)]
enum Act {
    Write(u8, usize, u8),
    Append(u8, usize, u8),
    WriteAt(u8, u64, usize, u8),
    SetLen(u8, u64),
    Sync(u8),
    Rename(u8, u8),
    Remove(u8),
    SyncDir,
    Power,
}

fn act() -> impl Strategy<Value = Act> {
    let file = || 0..4u8;
    prop_oneof![
        3 => (file(), 0..2_000usize, 1..255u8).prop_map(|(f, n, b)| Act::Write(f, n, b)),
        3 => (file(), 0..2_000usize, 1..255u8).prop_map(|(f, n, b)| Act::Append(f, n, b)),
        3 => (file(), 0..9_000u64, 1..2_000usize, 1..255u8)
            .prop_map(|(f, at, n, b)| Act::WriteAt(f, at, n, b)),
        1 => (file(), 0..9_000u64).prop_map(|(f, n)| Act::SetLen(f, n)),
        4 => file().prop_map(Act::Sync),
        2 => (file(), file()).prop_map(|(f, g)| Act::Rename(f, g)),
        1 => file().prop_map(Act::Remove),
        2 => Just(Act::SyncDir),
        1 => Just(Act::Power),
    ]
}

fn name(file: u8) -> FileName {
    format!("f{file}").into()
}

/// Plain files, all versions of each since it was last durable, all names it may have.
#[derive(Default)]
struct Model {
    live: BTreeMap<u8, usize>,
    durable: BTreeMap<u8, usize>,
    /// Names whose durable state is unknown until the directory is synced.
    loose: BTreeSet<u8>,
    /// By inode: present contents, durable contents, whether they may differ.
    inodes: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Model {
    fn open(&mut self, file: u8) -> &mut Vec<u8> {
        let next = self.inodes.len();
        let inode = *self.live.entry(file).or_insert(next);
        if inode == next {
            self.inodes.push((vec![], vec![]));
            self.loose.insert(file);
        }
        &mut self.inodes[inode].0
    }

    fn action(&mut self, act: &Act) -> Option<(Action, bool)> {
        let fill = |n: usize, b: u8| Payload::new(vec![b; n]);
        let mut found = true;
        let action = match *act {
            Act::Write(f, n, b) => {
                *self.open(f) = vec![b; n];
                Action::Op(DiskOp::Write { file: name(f), data: fill(n, b) })
            }
            Act::Append(f, n, b) => {
                self.open(f).extend(vec![b; n]);
                Action::Op(DiskOp::Append { file: name(f), data: fill(n, b) })
            }
            Act::WriteAt(f, offset, n, b) => {
                let (bytes, end) = (self.open(f), offset as usize + n);
                bytes.resize(bytes.len().max(end), 0);
                bytes[offset as usize..end].fill(b);
                Action::WriteAt { file: name(f), offset, data: fill(n, b) }
            }
            Act::SetLen(f, len) => {
                self.open(f).resize(len as usize, 0);
                Action::SetLen { file: name(f), len }
            }
            Act::Sync(f) => {
                found = self.live.contains_key(&f);
                if let Some(&inode) = self.live.get(&f) {
                    self.inodes[inode].1 = self.inodes[inode].0.clone();
                }
                Action::Op(DiskOp::Sync { file: name(f) })
            }
            Act::Rename(f, g) => {
                found = self.live.contains_key(&f);
                if let Some(inode) = self.live.remove(&f) {
                    self.live.insert(g, inode);
                    self.loose.extend([f, g]);
                }
                Action::Op(DiskOp::Rename { from: name(f), to: name(g) })
            }
            Act::Remove(f) => {
                found = self.live.remove(&f).is_some();
                self.loose.insert(f);
                Action::Op(DiskOp::Remove { file: name(f) })
            }
            Act::SyncDir => {
                self.durable = self.live.clone();
                self.loose.clear();
                Action::Op(DiskOp::SyncDir)
            }
            Act::Power => return None,
        };
        Some((action, found))
    }

    /// Every sector is new, old or (beyond what was durable) empty; no name is lost or invented
    /// that the directory's last sync settled.
    fn check_power_loss(&mut self, files: &Files) -> Result<(), TestCaseError> {
        let mut after = Model::default();
        for file in 0..4u8 {
            let left = files.content(&name(file)).map(Content::read);
            if !self.loose.contains(&file) {
                prop_assert_eq!(left.is_some(), self.durable.contains_key(&file));
            }
            let Some(left) = left else { continue };
            prop_assert_eq!(files.durable(&name(file)), Some(left.clone()));
            if let Some(&inode) = self.durable.get(&file).filter(|_| !self.loose.contains(&file)) {
                let (new, old) = &self.inodes[inode];
                check_sectors(left.bytes(), new, old)?;
            } else {
                let mut all = self.inodes.iter();
                let fits = all.any(|(new, old)| check_sectors(left.bytes(), new, old).is_ok());
                prop_assert!(fits, "contents that nobody wrote");
            }
            after.live.insert(file, after.inodes.len());
            after.inodes.push((left.bytes().to_vec(), left.bytes().to_vec()));
        }
        after.durable = after.live.clone();
        *self = after;
        Ok(())
    }
}

fn check_sectors(left: &[u8], new: &[u8], old: &[u8]) -> Result<(), TestCaseError> {
    prop_assert!(left.len() == new.len() || left.len() == old.len());
    for (n, sector) in left.chunks(SECTOR).enumerate() {
        let at = |from: &[u8]| {
            let mut bytes = from.get(n * SECTOR..).unwrap_or_default().to_vec();
            bytes.resize(sector.len(), 0);
            bytes.truncate(sector.len());
            bytes
        };
        let torn = sector == at(new) || sector == at(old);
        prop_assert!(torn, "sector {} is neither old nor new", n);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None,
        ..ProptestConfig::default() })]
    #[test]
    fn the_disk_agrees_with_a_model_of_durability(
        acts in prop::collection::vec((act(), any::<bool>()), 1..60),
        seed in any::<u64>(),
    ) {
        let (mut disk, mut model) = (disk(seed), Model::default());
        let mut now = Instant(0);
        for (ticket, (act, blocking)) in acts.into_iter().enumerate() {
            let Some((action, found)) = model.action(&act) else {
                disk.power_lost(now);
                model.check_power_loss(&disk.files)?;
                continue;
            };
            let outcome = match (action, blocking) {
                (Action::Op(op), false) => {
                    now = disk.submit(now, now, ME, ticket as u64, op);
                    let Finish::Done(outcome) = disk.finish(now, ticket as u64) else {
                        panic!("it completes when it said")
                    };
                    outcome
                }
                (action, _) => {
                    let (outcome, completes) = disk.block(now, now, ME, action);
                    now = completes;
                    outcome
                }
            };
            let expected = if found { Ok(DiskReply::Done) } else { Err(DiskError::NotFound) };
            prop_assert_eq!(outcome, expected);
            disk.settle(now);
            let mut used = 0;
            for file in 0..4u8 {
                let live = model.live.get(&file).map(|&i| model.inodes[i].0.clone());
                let read = disk.files.content(&name(file)).map(|c| c.read().bytes().to_vec());
                prop_assert_eq!(&read, &live);
                used += live.map_or(0, |l| l.len());
            }
            prop_assert!(disk.files.used() >= used as u64);
        }
    }
}

fn write(file: &str, bytes: &[u8]) -> DiskOp {
    DiskOp::Write { file: file.into(), data: Payload::new(bytes) }
}

fn read(disk: &Disk, file: &str) -> Option<String> {
    let bytes = disk.files.content(file)?.read().bytes().to_vec();
    String::from_utf8(bytes).ok()
}

#[test]
fn a_crash_finds_the_device_as_it_was_at_that_instant() {
    let mut disk = disk(1);
    let first = disk.submit(Instant(0), Instant(0), ME, 1, write("a", b"one"));
    let late = Instant(first.0 + 1_000_000);
    let second = disk.submit(Instant(0), late, ME, 2, write("a", b"two"));
    assert!(first < late && late < second);
    // the process dies between the two departures: the second was never submitted
    disk.process_died(Instant(first.0 + 5), ME);
    assert_eq!(disk.finish(second, 1), Finish::Done(Ok(DiskReply::Done)));
    assert_eq!(disk.finish(second, 2), Finish::Lost);
    assert_eq!(read(&disk, "a").as_deref(), Some("one"));
}

#[test]
fn what_was_submitted_before_a_crash_is_the_kernels_business() {
    let mut disk = disk(1);
    let done = disk.submit(Instant(0), Instant(0), ME, 1, write("a", b"one"));
    disk.process_died(Instant(1), ME);
    assert_eq!(disk.finish(done, 1), Finish::Done(Ok(DiskReply::Done)));
    assert_eq!(read(&disk, "a").as_deref(), Some("one"));
}

#[test]
fn the_blocking_view_is_ahead_of_the_device_and_a_crash_takes_it_back() {
    let mut disk = disk(1);
    let data = Payload::new(*b"12345");
    let file: FileName = "a".into();
    let act = |at| Action::WriteAt { file: file.clone(), offset: at, data: data.clone() };
    let (_, first) = disk.block(Instant(0), Instant(0), ME, act(0));
    let (_, second) = disk.block(Instant(0), first, ME, act(5));
    let len = |disk: &mut Disk, at| disk.len(Instant(0), at, ME, "a").0;
    assert_eq!(len(&mut disk, second), Ok(10));
    let mut crashed = disk.clone();
    crashed.process_died(Instant(first.0 - 1), ME);
    crashed.settle(second);
    assert_eq!(read(&crashed, "a").as_deref(), Some("12345"));
    disk.settle(second);
    assert_eq!(read(&disk, "a").as_deref(), Some("1234512345"));
}

#[test]
fn a_synced_file_without_a_durable_name_may_vanish_and_with_one_it_stays() {
    let mut kept = 0;
    for seed in 0..64 {
        let mut disk = disk(seed);
        let mut now = Instant(0);
        let mut run = |disk: &mut Disk, op| now = disk.submit(now, now, ME, 0, op);
        run(&mut disk, write("old", b"old"));
        run(&mut disk, DiskOp::Sync { file: "old".into() });
        run(&mut disk, DiskOp::SyncDir);
        run(&mut disk, write("new", b"new"));
        run(&mut disk, DiskOp::Sync { file: "new".into() });
        let losses = disk.power_lost(now);
        assert_eq!(read(&disk, "old").as_deref(), Some("old"));
        assert_eq!(losses.names, u64::from(read(&disk, "new").is_none()));
        kept += 1 - losses.names;
    }
    assert!((16..48).contains(&kept), "{kept}");
}

#[test]
fn unsynced_data_may_be_torn_by_sectors() {
    let mut kinds = BTreeSet::new();
    for seed in 0..64 {
        let mut disk = disk(seed);
        let mut now = Instant(0);
        let mut run = |disk: &mut Disk, op| now = disk.submit(now, now, ME, 0, op);
        run(&mut disk, write("f", &[b'o'; 2 * SECTOR]));
        run(&mut disk, DiskOp::Sync { file: "f".into() });
        run(&mut disk, DiskOp::SyncDir);
        run(&mut disk, write("f", &[b'n'; 2 * SECTOR]));
        disk.power_lost(now);
        let left = read(&disk, "f").expect("the name is durable");
        kinds.insert([left.as_bytes()[0], left.as_bytes()[SECTOR]]);
    }
    assert_eq!(kinds.len(), 4, "old, new, and torn both ways");
}

#[test]
fn operations_queue_for_the_device_by_logical_size() {
    let spec = DiskSpec { bytes_per_second: 1_000_000, ..DiskSpec::default() };
    let mut disk = Disk::new(spec, Chance::new(1).draws(Purpose::Disk, 0));
    let data = Payload::weighing(vec![1], 500_000);
    let op = DiskOp::Append { file: "a".into(), data };
    let first = disk.submit(Instant(0), Instant(0), ME, 1, op.clone());
    let second = disk.submit(Instant(0), Instant(0), ME, 2, op);
    assert_eq!(first, Instant(500_020_000));
    assert_eq!(second, Instant(1_000_040_000));
    let third = disk.submit(Instant(0), Instant(0), ME, 3, DiskOp::SyncDir);
    assert_eq!(third, Instant(1_000_540_000));
    assert_eq!(disk.stall(Instant(600_000_000), Span::secs(1)), [], "nobody is blocked");
    assert_eq!(disk.finish(third, 2), Finish::Later(Instant(2_000_040_000)));
    assert_eq!(disk.files.used(), 500_000);
}

#[test]
fn a_payload_weighs_what_it_is_said_to() {
    let light = Payload::weighing(vec![7; 900], 4);
    assert_eq!((light.size(), light.bytes().len()), (4, 900));
    assert_eq!(light.fingerprint(), Payload::new(vec![7; 900]).fingerprint());
    assert_eq!(light.clone().weighed(900), Payload::new(vec![7; 900]));
    let mut disk = disk(1);
    let op = DiskOp::Write { file: "a".into(), data: light };
    let at = disk.submit(Instant(0), Instant(0), ME, 1, op);
    assert_eq!(disk.finish(at, 1), Finish::Done(Ok(DiskReply::Done)));
    assert_eq!(disk.files.used(), 4);
}

fn arm(disk: &mut Disk, kind: DiskFailure, id: u32) {
    let (prefix, until) = ("".into(), Instant::FAR);
    disk.arm(Instant(0), Armed { kind, prefix, left: 1, pending: 0, until, id: ArmedId(id) });
}

#[test]
fn armed_failures_hit_the_next_operations_of_their_kind() {
    let mut disk = disk(1);
    let mut now = Instant(0);
    let mut run = |disk: &mut Disk, op| {
        now = disk.submit(now, now, ME, 0, op);
        let Finish::Done(outcome) = disk.finish(now, 0) else { panic!("it is done") };
        outcome
    };
    arm(&mut disk, DiskFailure::LyingSyncs, 0);
    arm(&mut disk, DiskFailure::Full, 1);
    arm(&mut disk, DiskFailure::Reads, 2);
    assert_eq!(run(&mut disk, write("a", b"x")), Err(DiskError::Full));
    assert_eq!(run(&mut disk, write("a", b"x")), Ok(DiskReply::Done));
    assert_eq!(run(&mut disk, DiskOp::Sync { file: "a".into() }), Ok(DiskReply::Done));
    assert_eq!(run(&mut disk, DiskOp::SyncDir), Ok(DiskReply::Done));
    assert_eq!(disk.files.durable("a").map(|d| d.size()), Some(0), "the sync lied");
    assert_eq!(run(&mut disk, DiskOp::Read { file: "a".into() }), Err(DiskError::Io));
    let data = DiskReply::Data(Payload::new(*b"x"));
    assert_eq!(run(&mut disk, DiskOp::Read { file: "a".into() }), Ok(data));
    assert_eq!(disk.hits, [ArmedId(1), ArmedId(0), ArmedId(2)]);
}

#[test]
fn a_full_disk_refuses() {
    let spec = DiskSpec { capacity: 10, ..DiskSpec::default() };
    let mut disk = Disk::new(spec, Chance::new(1).draws(Purpose::Disk, 0));
    let full = disk.block(Instant(0), Instant(0), ME, Action::Op(write("a", b"12345678901")));
    assert_eq!(full.0, Err(DiskError::Full));
    let fits = disk.block(full.1, full.1, ME, Action::Op(write("a", b"1234567890")));
    assert_eq!(fits.0, Ok(DiskReply::Done));
    let more = Action::SetLen { file: "a".into(), len: 11 };
    assert_eq!(disk.block(fits.1, fits.1, ME, more).0, Err(DiskError::Full));
}
