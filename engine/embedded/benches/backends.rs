//! What saving and restoring a key costs, for each state backend.
//!
//!     cargo bench -p stormglass-embedded
//!
//! CPU time of this thread in nanoseconds a key; where the system does not tell CPU time, wall
//! time. A task has 10,000 keys in 32 groups. A full checkpoint saves all of them, and every group
//! has changed; an increment saves the hundredth part of the keys that has changed.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a benchmark reads the machine's clock and prints"
)]

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant as Clock};

use stormglass_embedded::store::Redb;
use stormglass_engine::backend::log::{Log, Wanted, recover};
use stormglass_engine::backend::{Change, Entry, Mark, StorageEngine};
use stormglass_engine::ids::{CheckpointId, KeyGroup};
use stormglass_engine::java;
use stormglass_engine::snapshot::{Increment, Snapshot};
use stormglass_engine::state::KeyedState;
use stormglass_engine::state::delta::{Keys, Layers, range_of};
use stormglass_engine::value::Value;
use stormglass_sim::node::{BlockingDisk, DiskError};

const KEYS: i64 = 10_000;
const CHANGED: i64 = KEYS / 100;
const GROUPS: u16 = 32;
/// A measurement takes so long at least, and the median of several counts.
const LONG_ENOUGH: Duration = Duration::from_millis(100);
const TIMES: usize = 5;
const FILE: &str = "state/c1-t1/g1";

/// CPU time of this thread so far.
fn cpu(start: Clock) -> Duration {
    let nanos = fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next().and_then(|first| first.parse().ok()))
        .filter(|nanos| *nanos > 0);
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// The median cost of doing something once, in nanoseconds; what comes before it does not count.
fn nanos<T>(mut before: impl FnMut() -> T, mut once: impl FnMut(&mut T)) -> f64 {
    let start = Clock::now();
    let mut measured: Vec<f64> = (0..TIMES)
        .map(|_| {
            let (mut taken, mut times) = (Duration::ZERO, 0);
            while taken < LONG_ENOUGH {
                let mut prepared = before();
                let began = cpu(start);
                once(&mut prepared);
                taken += cpu(start) - began;
                times += 1;
            }
            taken.as_secs_f64() * 1e9 / f64::from(times)
        })
        .collect();
    measured.sort_by(f64::total_cmp);
    measured[TIMES / 2]
}

/// A disk that takes no time.
#[derive(Clone, Default)]
struct Plain(BTreeMap<String, Vec<u8>>);

impl Plain {
    fn file(&mut self, name: &str) -> &mut Vec<u8> {
        self.0.entry(name.to_string()).or_default()
    }
}

impl BlockingDisk for Plain {
    fn len(&mut self, file: &str) -> Result<u64, DiskError> {
        self.0.get(file).map(|bytes| bytes.len() as u64).ok_or(DiskError::NotFound)
    }
    fn read_at(&mut self, file: &str, offset: u64, out: &mut [u8]) -> Result<(), DiskError> {
        let from = offset as usize;
        let part = self.file(file).get(from..from + out.len()).ok_or(DiskError::PastEnd)?;
        out.copy_from_slice(part);
        Ok(())
    }
    fn write_at(&mut self, file: &str, offset: u64, data: &[u8]) -> Result<(), DiskError> {
        let (from, bytes) = (offset as usize, self.file(file));
        bytes.resize(bytes.len().max(from + data.len()), 0);
        bytes[from..from + data.len()].copy_from_slice(data);
        Ok(())
    }
    fn set_len(&mut self, file: &str, len: u64) -> Result<(), DiskError> {
        self.file(file).resize(len as usize, 0);
        Ok(())
    }
    fn sync(&mut self, _file: &str) -> Result<(), DiskError> {
        Ok(())
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        let bytes = self.0.remove(from).ok_or(DiskError::NotFound)?;
        self.0.insert(to.to_string(), bytes);
        Ok(())
    }
    fn remove(&mut self, file: &str) -> Result<(), DiskError> {
        self.0.remove(file).map(|_| ()).ok_or(DiskError::NotFound)
    }
    fn sync_dir(&mut self) -> Result<(), DiskError> {
        Ok(())
    }
}

fn touch(state: &mut KeyedState, keys: impl Iterator<Item = i64>) {
    for number in keys {
        let key = [Value::Str(format!("key-{number:06}").into())];
        state.select(java::deep_hash_code(key.iter()), &key);
        let count = state.get(0).and_then(Value::as_int).unwrap_or(0);
        state.put(0, Value::Int(count + 1));
    }
}

fn empty() -> KeyedState {
    KeyedState::new(0..GROUPS, GROUPS, 1)
}

/// The state, whose encodings are made, and which knows of no change.
fn full() -> KeyedState {
    let mut state = empty();
    state.track_changes();
    touch(&mut state, 0..KEYS);
    state.snapshot();
    state.take_changes();
    state
}

/// The same after each hundredth key has changed.
fn changed(state: &KeyedState) -> (KeyedState, Keys) {
    let mut state = state.clone();
    touch(&mut state, (0..KEYS).step_by((KEYS / CHANGED) as usize));
    let keys = state.take_changes().into_iter().collect();
    (state, keys)
}

fn line(backend: &str, what: &str, nanos: f64, keys: i64) {
    println!("{backend:<10} {what:<34} {:>9.0} ns a key", nanos / keys as f64);
}

/// What memory and file save: the whole state, or an increment.
fn whole(state: &KeyedState) -> (Snapshot, Snapshot) {
    let groups = || Snapshot { groups: state.clone().snapshot(), ..Snapshot::default() };
    let nanos_full = nanos(
        || changed(state).0,
        |state| {
            let snapshot = Snapshot { groups: state.snapshot(), ..Snapshot::default() };
            black_box(snapshot.encode());
        },
    );
    line("file", "snapshot, full", nanos_full, KEYS);
    let increment = |(state, keys): &(KeyedState, Keys)| Snapshot {
        increment: Some(Increment { changed: state.delta(keys), ..Increment::default() }),
        ..Snapshot::default()
    };
    let taken = nanos(|| changed(state), |of| drop(black_box(increment(of).encode())));
    line("file", "snapshot, increment", taken, CHANGED);
    (groups(), increment(&changed(state)))
}

fn restore(snapshot: &Snapshot) {
    let mut state = empty();
    assert!(snapshot.groups.iter().all(|group| state.restore(group)), "it is well");
    black_box(state);
}

fn restores(base: &Snapshot, increment: &Snapshot) {
    let (base, increment) = (base.encode(), increment.encode());
    let taken = nanos(|| (), |()| restore(&Snapshot::decode(&base).expect("it is well")));
    line("file", "restore, full", taken, KEYS);
    let taken = nanos(
        || (),
        |()| {
            let files = [&base, &increment, &increment, &increment];
            let files = files.map(|file| Snapshot::decode(file).expect("it is well"));
            restore(&Snapshot::over(files.into()).expect("they fit"));
        },
    );
    line("file", "restore, base and 3 increments", taken, KEYS);
}

fn from_entries(entries: &[Entry]) {
    let mut layers = Layers::default();
    layers.lay_entries(entries).expect("they are rows");
    restore(&Snapshot { groups: layers.finish(), ..Snapshot::default() });
}

fn log(state: &KeyedState) {
    let mark = Mark { checkpoint: CheckpointId(1), ..Mark::default() };
    let (entries, weight) = state.entries();
    let (log, base) = Log::begin(FILE, None, &entries, weight);
    let frames = |(log, state, keys): &mut (Log, KeyedState, Keys)| {
        let (changes, weight) = state.changed_entries(keys);
        [log.changes(&changes, weight), log.mark((mark, &[]))]
    };
    let before = || {
        let (state, keys) = changed(state);
        (log, state, keys)
    };
    let taken = nanos(before, |of| drop(black_box(frames(of))));
    line("log", "changes written to the log", taken, CHANGED);
    let mut file = base.bytes().to_vec();
    frames(&mut before()).iter().for_each(|frame| file.extend_from_slice(frame.bytes()));
    let taken = nanos(
        || (),
        |()| from_entries(&recover(FILE, &file, Wanted::At(mark)).expect("it is marked").0),
    );
    line("log", "restore from the local log", taken, KEYS);
}

fn embedded(state: &KeyedState) {
    let (entries, _) = state.entries();
    let taken = nanos(Plain::default, |disk| {
        Redb.create(disk, FILE, &entries).expect("a disk without faults");
    });
    line("embedded", "store made with all keys", taken, KEYS);
    let mut disk = Plain::default();
    Redb.create(&mut disk, FILE, &entries).expect("a disk without faults");
    let commit = |disk: &mut Plain, changes: &[Change]| {
        let all: Vec<_> = (0..GROUPS).map(|group| range_of(KeyGroup(group))).collect();
        let stored =
            Redb.commit(disk, FILE, &entries[0], changes, &all).expect("a disk without faults");
        let mut layers = Layers::default();
        layers.lay_entries(&stored).expect("they are rows");
        black_box(layers.finish());
    };
    let before = |(state, keys): (KeyedState, Keys)| (disk.clone(), state.changed_entries(&keys).0);
    let taken = nanos(|| before(changed(state)), |(disk, changes)| commit(disk, changes));
    line("embedded", "cut: 1 % committed, all read back", taken, KEYS);
    let everything = Vec::new()..vec![0xff; 5];
    let scan = |disk: &mut Plain| {
        let entries = Redb.scan(disk, FILE, &everything).expect("a disk without faults");
        from_entries(&entries);
    };
    let taken = nanos(|| disk.clone(), scan);
    line("embedded", "restore from the local store", taken, KEYS);
}

fn main() {
    let state = full();
    let (base, increment) = whole(&state);
    restores(&base, &increment);
    log(&state);
    embedded(&state);
}
