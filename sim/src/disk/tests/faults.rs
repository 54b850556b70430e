//! What goes wrong on a disk, kind by kind.

use super::*;
use crate::fault::{DamageKind, PowerLoss};

/// A disk, and the instant at which its last operation was done.
struct Bench {
    disk: Disk,
    now: Instant,
}

impl Bench {
    fn new(seed: u64) -> Self {
        Bench { disk: disk(seed), now: Instant(0) }
    }

    fn run(&mut self, op: DiskOp) -> Outcome {
        self.now = self.disk.submit(self.now, self.now, ME, 0, op);
        match self.disk.finish(self.now, 0) {
            Finish::Done(outcome) => outcome,
            other => panic!("it is done: {other:?}"),
        }
    }

    fn put(&mut self, file: &str, bytes: &[u8]) -> Outcome {
        self.run(write(file, bytes))
    }

    fn sync(&mut self, file: &str) -> Outcome {
        self.run(DiskOp::Sync { file: file.into() })
    }

    /// A file that is durable, and its name.
    fn keep(&mut self, file: &str, bytes: &[u8]) {
        let sync_dir = |bench: &mut Bench| bench.run(DiskOp::SyncDir);
        assert_eq!(self.put(file, bytes), DONE);
        assert_eq!((self.sync(file), sync_dir(self)), (DONE, DONE));
    }

    fn arm(&mut self, kind: DiskFailure, prefix: &str, id: u32) {
        let (prefix, until) = (prefix.into(), Instant::FAR);
        let armed = Armed { kind, prefix, left: 1, pending: 0, until, id: ArmedId(id) };
        self.disk.arm(self.now, armed);
    }

    fn read(&mut self, file: &str) -> Result<Vec<u8>, DiskError> {
        match self.run(DiskOp::Read { file: file.into() })? {
            DiskReply::Data(data) => Ok(data.bytes().to_vec()),
            other => panic!("a read gives data: {other:?}"),
        }
    }

    fn peek(&mut self, file: &str, offset: u64, len: usize) -> Result<Vec<u8>, DiskError> {
        let mut out = vec![0; len];
        let (outcome, at) = self.disk.read_at(self.now, self.now, ME, (file, offset), &mut out);
        self.now = at;
        outcome.map(|()| out)
    }

    fn power(&mut self, leaves: PowerLoss) -> Losses {
        self.disk.at_power_loss(leaves, ArmedId(99));
        self.disk.power_lost(self.now)
    }

    fn damage(&self) -> Vec<(String, DamageKind)> {
        let damage = self.disk.files_at(self.now).damage();
        damage.iter().map(|d| (d.file.as_ref().into(), d.kind)).collect()
    }
}

const DONE: Outcome = Ok(DiskReply::Done);

fn hurt(file: &str, kind: DamageKind) -> (String, DamageKind) {
    (file.into(), kind)
}

#[test]
fn a_phantom_write_leaves_what_was_there_and_zeros_where_nothing_was() {
    let mut bench = Bench::new(1);
    bench.keep("log", b"one");
    bench.arm(DiskFailure::PhantomWrites, "", 0);
    assert_eq!(bench.put("log", b"twofold"), DONE);
    assert_eq!(bench.read("log").unwrap(), b"one\0\0\0\0");
    assert_eq!(bench.damage(), [], "nobody was told that it is durable");
    bench.arm(DiskFailure::PhantomWrites, "", 1);
    let data = Payload::new(*b"xy");
    let op = DiskOp::Append { file: "log".into(), data: data.clone() };
    assert_eq!(bench.run(op), DONE);
    let action = Action::WriteAt { file: "log".into(), offset: 1, data };
    bench.arm(DiskFailure::PhantomWrites, "", 2);
    let (outcome, at) = bench.disk.block(bench.now, bench.now, ME, action);
    bench.now = at;
    assert_eq!((outcome, bench.read("log").unwrap()), (DONE, b"one\0\0\0\0\0\0".to_vec()));
    assert_eq!(bench.disk.hits, [ArmedId(0), ArmedId(1), ArmedId(2)]);
    assert_eq!(bench.sync("log"), DONE);
    assert_eq!(bench.damage(), [hurt("log", DamageKind::NeverWritten)]);
}

#[test]
fn what_is_written_again_before_the_sync_was_written() {
    let mut bench = Bench::new(1);
    bench.keep("log", b"one");
    bench.arm(DiskFailure::PhantomWrites, "", 0);
    assert_eq!((bench.put("log", b"two"), bench.put("log", b"two")), (DONE, DONE));
    assert_eq!((bench.sync("log"), bench.damage()), (DONE, vec![]));
}

#[test]
fn a_failure_that_changes_nothing_stays_armed() {
    let mut bench = Bench::new(1);
    bench.keep("a", b"one");
    bench.arm(DiskFailure::PhantomWrites, "", 0);
    bench.arm(DiskFailure::LyingSyncs, "", 1);
    bench.arm(DiskFailure::MisdirectedWrites, "b", 2);
    bench.arm(DiskFailure::CorruptReads, "", 3);
    bench.arm(DiskFailure::Syncs, "b", 4);
    assert_eq!((bench.put("a", b"one"), bench.sync("a")), (DONE, DONE), "as it was, and clean");
    assert_eq!(bench.put("b", b""), DONE, "nothing to misdirect, and nowhere to");
    assert_eq!(bench.read("b").unwrap(), b"");
    assert_eq!(bench.disk.hits, []);
    assert_eq!(bench.run(DiskOp::SyncDir), DONE, "a lie: b has a new name");
    assert_eq!(bench.run(DiskOp::SyncDir), Err(DiskError::Io));
    assert_eq!(bench.disk.hits, [ArmedId(1), ArmedId(4)]);
}

/// A burst in the blocking view, of which nothing has completed yet.
#[test]
fn what_could_not_change_one_write_meets_the_next() {
    let mut bench = Bench::new(1);
    bench.keep("db", b"old");
    bench.arm(DiskFailure::PhantomWrites, "", 0);
    let now = bench.now;
    for data in [b"old", b"new", b"end"] {
        let data = Payload::new(*data);
        let action = Action::WriteAt { file: "db".into(), offset: 0, data };
        bench.now = bench.disk.block(now, bench.now, ME, action).1;
        let expected = if bench.disk.log.len() < 3 { b"old" } else { b"end" };
        assert_eq!(bench.disk.newest().content("db").unwrap().read().bytes(), expected);
    }
    assert_eq!(bench.disk.hits_at(now, ArmedId(0)), 0);
    assert_eq!(bench.disk.hits_at(bench.now, ArmedId(0)), 1);
}

#[test]
fn a_write_that_was_never_submitted_was_not_struck() {
    let mut bench = Bench::new(1);
    bench.arm(DiskFailure::PhantomWrites, "", 0);
    let late = Instant(bench.now.0 + 1_000);
    bench.disk.submit(bench.now, late, ME, 1, write("a", b"one"));
    bench.disk.process_died(bench.now, ME);
    assert_eq!(bench.disk.hits_at(Instant(1_000_000), ArmedId(0)), 0);
    let done = bench.disk.submit(late, late, ME, 2, write("a", b"one"));
    assert_eq!(bench.disk.hits_at(late, ArmedId(0)), 0, "it is under way");
    assert_eq!(bench.disk.hits_at(done, ArmedId(0)), 1);
    let again = bench.disk.submit(done, done, ME, 3, write("b", b"one"));
    bench.disk.arm(done, Armed { left: 1, ..armed_for("b") });
    let power = Instant(again.0 - 1);
    bench.disk.power_lost(power);
    assert_eq!(bench.disk.hits_at(again, ArmedId(7)), 0);
}

fn armed_for(prefix: &str) -> Armed {
    let (kind, until, id) = (DiskFailure::PhantomWrites, Instant::FAR, ArmedId(7));
    Armed { kind, prefix: prefix.into(), left: 1, pending: 0, until, id }
}

#[test]
fn a_misdirected_write_strikes_another_file_or_another_sector() {
    let (mut others, mut same) = (0, 0);
    let old = [b'o'; 2 * SECTOR];
    for seed in 0..32 {
        let mut bench = Bench::new(seed);
        for file in ["z", "db/a", "db/b"] {
            bench.keep(file, &old);
        }
        bench.arm(DiskFailure::MisdirectedWrites, "db/", 0);
        let data = Payload::new(*b"new");
        let action = Action::WriteAt { file: "db/a".into(), offset: 5, data };
        let (outcome, at) = bench.disk.block(bench.now, bench.now, ME, action);
        bench.now = at;
        assert_eq!((outcome, bench.disk.hits_at(at, ArmedId(0))), (DONE, 1));
        let (a, b) = (bench.read("db/a").unwrap(), bench.read("db/b").unwrap());
        assert_eq!(bench.read("z").unwrap(), old, "not under the prefix");
        assert_eq!(a[5..8], *b"ooo");
        if b == old {
            assert_eq!(a[SECTOR..SECTOR + 3], *b"new");
            assert_eq!(bench.damage(), [hurt("db/a", DamageKind::Overwritten)]);
            same += 1;
        } else {
            assert_eq!((&a, &b[5..8]), (&old.to_vec(), &b"new"[..]));
            assert_eq!(bench.damage(), [hurt("db/b", DamageKind::Overwritten)]);
            others += 1;
        }
        assert_eq!(bench.sync("db/a"), DONE);
        assert!(bench.damage().contains(&hurt("db/a", DamageKind::NeverWritten)));
    }
    assert!(others > 8 && same > 8, "{others} and {same}");
}

#[test]
fn a_stray_write_is_on_the_device_and_no_file_grows() {
    let mut bench = Bench::new(3);
    bench.keep("victim", b"durable");
    assert_eq!(bench.put("victim", b"in the cache"), DONE);
    bench.arm(DiskFailure::MisdirectedWrites, "", 0);
    assert_eq!(bench.put("other", b"a long write"), DONE);
    assert_eq!(bench.read("victim").unwrap(), b"in the cache");
    bench.power(PowerLoss::Nothing);
    assert_eq!(bench.read("victim").unwrap(), b"a long ");
}

#[test]
fn a_corrupt_read_is_right_the_next_time_and_a_rotten_one_is_not() {
    let mut bench = Bench::new(2);
    bench.keep("f", b"contents");
    let wrong = |bytes: Vec<u8>| {
        bytes.iter().zip(b"contents").map(|(a, b)| (a ^ b).count_ones()).sum::<u32>()
    };
    for (kind, id) in [(DiskFailure::CorruptReads, 0), (DiskFailure::RottenReads, 2)] {
        let rots = kind == DiskFailure::RottenReads;
        for blocking in [false, true] {
            let mut bench = Bench { disk: bench.disk.clone(), now: bench.now };
            let read = |bench: &mut Bench| {
                if blocking { bench.peek("f", 0, 8) } else { bench.read("f") }
            };
            bench.arm(kind, "", id);
            assert_eq!(wrong(read(&mut bench).unwrap()), 1);
            assert_eq!(wrong(read(&mut bench).unwrap()), u32::from(rots));
            bench.power(PowerLoss::Nothing);
            assert_eq!(wrong(bench.read("f").unwrap()), u32::from(rots));
            let damage = if rots { vec![hurt("f", DamageKind::Rotted)] } else { vec![] };
            assert_eq!(bench.damage(), damage);
            assert_eq!(bench.disk.hits_at(bench.now, ArmedId(id)), 1);
        }
    }
}

#[test]
fn a_misdirected_read_gives_what_is_elsewhere() {
    let mut bench = Bench::new(2);
    bench.keep("f", b"contents");
    bench.arm(DiskFailure::MisdirectedReads, "", 0);
    assert_eq!(bench.read("f").unwrap(), b"contents", "there is no other place");
    bench.keep("g", b"other");
    assert_eq!(bench.read("f").unwrap(), b"other\0\0\0");
    assert_eq!(bench.read("f").unwrap(), b"contents");
    bench.arm(DiskFailure::MisdirectedReads, "", 1);
    assert_eq!(bench.peek("f", 1, 3).unwrap(), b"the");
    assert_eq!(bench.peek("f", 1, 3).unwrap(), b"ont");
    assert_eq!((bench.disk.hits.len(), bench.damage()), (2, vec![]));
}

#[test]
fn the_blocking_view_fails_as_the_other_does() {
    let mut bench = Bench::new(2);
    bench.keep("f", b"contents");
    bench.arm(DiskFailure::Reads, "g", 0);
    bench.arm(DiskFailure::Reads, "f", 1);
    assert_eq!(bench.peek("f", 0, 8), Err(DiskError::Io));
    assert_eq!(bench.peek("f", 0, 8).unwrap(), b"contents");
    assert_eq!(bench.peek("f", 4, 8), Err(DiskError::PastEnd));
    assert_eq!(bench.disk.len(bench.now, bench.now, ME, "g").0, Err(DiskError::Io));
    assert_eq!(bench.disk.len(bench.now, bench.now, ME, "g").0, Err(DiskError::NotFound));
}

/// PostgreSQL's story of 2018: it took a failed `fsync` for one that can be tried again. Linux had
/// marked the pages clean, so the second try succeeded, and the data was gone.
#[test]
fn a_forgetful_sync_fails_and_the_next_one_succeeds_without_the_data() {
    let mut bench = Bench::new(1);
    bench.keep("log", b"one");
    let data = Payload::new(*b"two");
    let append = DiskOp::Append { file: "log".into(), data };
    bench.arm(DiskFailure::ForgetfulSyncs, "", 0);
    assert_eq!((bench.run(append), bench.sync("log")), (DONE, Err(DiskError::Io)));
    assert_eq!((bench.damage(), bench.sync("log")), (vec![], DONE));
    assert_eq!(bench.damage(), [hurt("log", DamageKind::NeverWritten)]);
    bench.power(PowerLoss::Everything);
    assert_eq!(bench.read("log").unwrap(), b"one\0\0\0");
    // in pages too
    let mut bench = Bench::new(1);
    bench.keep("db", &[b'o'; 5000]);
    let action = |at, data: &[u8]| {
        let data = Payload::new(data);
        Action::WriteAt { file: "db".into(), offset: at, data }
    };
    for action in [action(10, b"one"), action(4_998, b"end")] {
        bench.now = bench.disk.block(bench.now, bench.now, ME, action).1;
    }
    bench.arm(DiskFailure::ForgetfulSyncs, "", 0);
    assert_eq!((bench.sync("db"), bench.sync("db")), (Err(DiskError::Io), DONE));
    let mut left = vec![b'o'; 5000];
    left.push(0);
    assert_eq!(bench.read("db").unwrap(), left);
}

#[test]
fn a_lying_sync_does_damage_at_the_power_loss_unless_an_honest_one_comes_before() {
    for honest in [false, true] {
        let mut bench = Bench::new(1);
        bench.keep("f", b"one");
        bench.arm(DiskFailure::LyingSyncs, "", 0);
        assert_eq!((bench.put("f", b"two"), bench.sync("f")), (DONE, DONE));
        assert_eq!((bench.read("f").unwrap(), bench.damage()), (b"two".to_vec(), vec![]));
        if honest {
            bench.sync("f").unwrap();
        }
        assert_eq!(bench.put("f", b"six"), DONE);
        bench.power(PowerLoss::Nothing);
        let damage = if honest { vec![] } else { vec![hurt("f", DamageKind::NeverSynced)] };
        assert_eq!(bench.damage(), damage);
    }
    // what replaced it since may be there instead
    let mut bench = Bench::new(1);
    bench.keep("f", b"one");
    bench.arm(DiskFailure::LyingSyncs, "", 0);
    assert_eq!((bench.put("f", b"two"), bench.sync("f")), (DONE, DONE));
    assert_eq!(bench.put("f", b"six"), DONE);
    bench.power(PowerLoss::Everything);
    assert_eq!(bench.damage(), []);
}

#[test]
fn a_lying_sync_of_the_directory_lies_about_the_names_it_is_aimed_at() {
    let mut bench = Bench::new(1);
    for file in ["raft/new", "other"] {
        assert_eq!((bench.put(file, b"x"), bench.sync(file)), (DONE, DONE));
    }
    let rename = DiskOp::Rename { from: "raft/new".into(), to: "raft/log".into() };
    assert_eq!(bench.run(rename), DONE);
    bench.arm(DiskFailure::LyingSyncs, "raft/", 0);
    assert_eq!(bench.run(DiskOp::SyncDir), DONE);
    bench.power(PowerLoss::Nothing);
    assert_eq!(bench.read("other").unwrap(), b"x");
    assert_eq!(bench.read("raft/log"), Err(DiskError::NotFound));
    let lost = |file| hurt(file, DamageKind::NeverSynced);
    assert!(bench.damage().contains(&lost("raft/log")), "{:?}", bench.damage());
}

#[test]
fn a_power_loss_leaves_what_it_is_told_to() {
    let sectors = |bytes: &[u8]| -> String {
        bytes.chunks(SECTOR).map(|sector| char::from(sector[7])).collect()
    };
    let mut torn = BTreeSet::new();
    let (mut scattered, mut garbage) = (0, 0);
    for seed in 0..64 {
        let mut bench = Bench::new(seed);
        bench.keep("f", &[b'o'; 3 * SECTOR]);
        assert_eq!(bench.put("f", &[b'n'; 4 * SECTOR]), DONE);
        assert_eq!(bench.put("g", b"no name"), DONE);
        let left = |mode| {
            let mut bench = Bench { disk: bench.disk.clone(), now: bench.now };
            assert!(bench.power(mode).met_something);
            assert_eq!(bench.disk.hits, [ArmedId(99)]);
            assert!(!bench.power(mode).met_something, "once");
            (sectors(&bench.read("f").unwrap()), bench.read("g").ok())
        };
        assert_eq!(left(PowerLoss::Nothing), ("ooo".into(), None));
        assert_eq!(left(PowerLoss::Everything), ("nnnn".into(), Some(b"no name".to_vec())));
        torn.insert(left(PowerLoss::Torn).0);
        scattered += u32::from(left(PowerLoss::Scattered).0.contains("on"));
        let wild = left(PowerLoss::Garbage).0;
        garbage += u32::from(wild.chars().any(|c| !"on\0".contains(c)));
    }
    assert_eq!(torn, ["nnn", "nnnn", "nno", "noo", "ooo"].map(String::from).into());
    assert!(scattered > 16 && garbage > 16, "{scattered} {garbage}");
}

#[test]
fn garbage_is_only_where_something_was_to_change() {
    for seed in 0..64 {
        let mut bench = Bench::new(seed);
        bench.keep("log", b"durable ");
        let data = Payload::new(*b"and not");
        assert_eq!(bench.run(DiskOp::Append { file: "log".into(), data }), DONE);
        bench.power(PowerLoss::Garbage);
        assert_eq!(bench.read("log").unwrap()[..8], *b"durable ");
    }
}

/// One power loss more, or a file more, and what another leaves of a file is the same.
#[test]
fn draws_are_keyed_by_the_instant_and_the_file() {
    for seed in 0..16 {
        let left = |before: bool| {
            let mut bench = Bench::new(seed);
            bench.keep("f", &[b'o'; 8 * SECTOR]);
            if before {
                bench.put("other", &[b'n'; 8 * SECTOR]).unwrap();
                bench.disk.power_lost(bench.now);
                bench.put("f2", b"x").unwrap();
            }
            bench.put("f", &[b'n'; 8 * SECTOR]).unwrap();
            bench.disk.power_lost(Instant(1_000_000_000));
            bench.now = Instant(1_000_000_000);
            bench.read("f").unwrap()
        };
        assert_eq!(left(false), left(true));
    }
}

#[test]
fn a_lost_disk_fails_everything_until_an_empty_one_is_there() {
    let mut bench = Bench::new(1);
    bench.keep("a", b"one");
    bench.put("never-durable", b"two").unwrap();
    let pending = bench.disk.submit(bench.now, bench.now, ME, 7, write("b", b"x"));
    let back = Instant(bench.now.0 + 1_000_000_000);
    assert_eq!(bench.disk.lose(bench.now, back), 6);
    assert_eq!(bench.disk.finish(pending, 7), Finish::Done(Err(DiskError::Io)));
    bench.now = pending;
    let list = || DiskOp::List { prefix: "".into() };
    assert_eq!((bench.run(list()), bench.sync("a")), (Err(DiskError::Io), Err(DiskError::Io)));
    assert_eq!(bench.peek("a", 0, 1), Err(DiskError::Io));
    assert_eq!(bench.disk.len(bench.now, bench.now, ME, "a").0, Err(DiskError::Io));
    bench.disk.power_lost(bench.now);
    bench.now = back;
    assert_eq!(bench.run(list()), Ok(DiskReply::Names(vec![])));
    bench.keep("a", b"two");
    assert_eq!(bench.damage(), [hurt("a", DamageKind::Wiped)]);
}

#[test]
fn a_throttle_makes_large_operations_slow() {
    let mut bench = Bench::new(1);
    let mut time = |bytes: usize| {
        let before = bench.now;
        bench.put("a", &vec![1; bytes]).unwrap();
        bench.now.0 - before.0
    };
    let (small, large) = (time(1), time(1_000_000));
    assert!(!bench.disk.throttle(bench.now, Instant::FAR, u64::MAX), "it is not that fast");
    assert!(bench.disk.throttle(bench.now, bench.now + Span::secs(2), 1_000_000));
    let mut time = |bytes: usize| {
        let before = bench.now;
        bench.put("a", &vec![1; bytes]).unwrap();
        bench.now.0 - before.0
    };
    assert!(time(1) < small + 1_000);
    assert_eq!(time(1_000_000), 1_000_020_000);
    assert_eq!(time(1_000_000), 1_000_020_000, "it began before the end");
    assert_eq!(time(1_000_000), large);
}

#[test]
fn a_failure_is_aimed_at_names_and_ends_with_its_time() {
    let mut bench = Bench::new(1);
    let armed = Armed {
        kind: DiskFailure::Full,
        prefix: "raft/".into(),
        left: u32::MAX,
        pending: 0,
        until: Instant(1_000_000),
        id: ArmedId(0),
    };
    bench.disk.arm(bench.now, armed);
    assert_eq!(bench.put("log", b"x"), DONE);
    for _ in 0..3 {
        assert_eq!(bench.put("raft/log", b"x"), Err(DiskError::Full));
    }
    bench.now = Instant(1_000_000);
    assert_eq!(bench.put("raft/log", b"x"), DONE);
    assert_eq!(bench.disk.hits_at(bench.now, ArmedId(0)), 3);
}

#[test]
fn damage_goes_by_the_name_that_the_file_has_now() {
    let mut bench = Bench::new(1);
    bench.arm(DiskFailure::PhantomWrites, "", 0);
    assert_eq!((bench.put("new", b"x"), bench.sync("new")), (DONE, DONE));
    assert_eq!(bench.damage(), [hurt("new", DamageKind::NeverWritten)]);
    let rename = DiskOp::Rename { from: "new".into(), to: "file".into() };
    assert_eq!((bench.run(rename), bench.run(DiskOp::SyncDir)), (DONE, DONE));
    assert_eq!(bench.damage(), [hurt("file", DamageKind::NeverWritten)]);
    assert!(bench.disk.rot(bench.now, "fi", 0, 3));
    bench.now += Span(1);
    assert_eq!(bench.damage().len(), 2);
}

#[test]
fn rot_of_what_is_only_cached_is_no_damage() {
    let mut bench = Bench::new(1);
    bench.keep("log", b"one");
    let data = Payload::new(*b"two");
    bench.run(DiskOp::Append { file: "log".into(), data }).unwrap();
    assert!(bench.disk.rot(bench.now, "log", 0, 8 * 4));
    assert_eq!(bench.damage(), []);
    assert!(bench.disk.rot(bench.now, "log", 0, 8 * 2));
    assert_eq!(bench.damage(), [hurt("log", DamageKind::Rotted)]);
    bench.power(PowerLoss::Nothing);
    assert_eq!(bench.read("log").unwrap(), b"ond");
}
