//! Power cuts at random instants: a store is before a commit or after it, and nothing else.
//!
//! One process keeps a store and commits again and again; whatever it finds after a cut has to be
//! what some commit left, and no commit is lost that was reported as done, unless the disk lied.

use std::collections::BTreeMap;

use stormglass_embedded::store::Redb;
use stormglass_engine::backend::{StorageEngine, StorageError};
use stormglass_sim::fault::{DiskFailure, Fault};
use stormglass_sim::hash::Mixer;
use stormglass_sim::machine::MachineSpec;
use stormglass_sim::net::NetworkSpec;
use stormglass_sim::node::{
    Context, Event, Lane, MachineId, Message, NoName, NodeId, Observation, Process,
};
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::world::World;

mod host;

const KEEPER: NodeId = NodeId::new(0, 1);
const MACHINE: MachineId = MachineId(0);
const FILE: &str = "state/kv";

/// "Commit n is durable", said by the process to itself.
#[derive(Clone, Debug)]
struct Done(u64);
impl Message for Done {
    fn wire_size(&self) -> u64 {
        8
    }
    fn digest(&self, into: &mut Mixer) {
        into.word(self.0);
    }
}
impl Observation for Done {
    fn digest(&self, into: &mut Mixer) {
        into.word(self.0);
    }
}

#[derive(Clone, Debug, Default)]
struct Keeper {
    /// What it found when it started.
    found: Option<Result<u64, StorageError>>,
    /// The newest commit that is durable.
    done: Option<u64>,
    /// Commits of which it does not know whether they happened.
    unknown: u32,
}

impl Keeper {
    fn make(&mut self, at: u64, cx: &mut dyn Context<Self>) {
        match Redb.create(cx.blocking_disk(Lane(0)), FILE, &host::model(at)) {
            Ok(()) => cx.post(Lane(0), Done(at)),
            Err(_) => cx.exit(),
        }
    }
}

impl Process for Keeper {
    type Message = Done;
    type Observation = Done;
    type Probe = NoName;
    type Twist = NoName;
    type Site = NoName;

    fn on_event(&mut self, lane: Lane, event: Event<Done>, cx: &mut dyn Context<Self>) {
        match event {
            Event::Start => {
                let disk = cx.blocking_disk(lane);
                let found = Redb.scan(disk, FILE, &host::everything());
                let found = found.map(|entries| host::commit_of(&entries));
                self.found = Some(found);
                match found {
                    Ok(n) => cx.post(lane, Done(n)),
                    Err(_) => self.make(0, cx),
                }
            }
            Event::Posted { message: Done(n) } => {
                self.done = Some(n);
                let (next, all) = (n + 1, [host::everything()]);
                let (held, changes) = (host::mark(n), host::changes(next));
                match Redb.commit(cx.blocking_disk(lane), FILE, &held, &changes, &all) {
                    Ok(entries) => {
                        assert_eq!(host::commit_of(&entries), next);
                        cx.post(lane, Done(next));
                    }
                    Err(_) => {
                        self.unknown += 1;
                        self.make(n, cx);
                    }
                }
            }
            _ => {}
        }
    }
}

fn world(seed: u64) -> World<Keeper, ()> {
    let mut world = World::new(seed, NetworkSpec::default(), ());
    world.add_machine(MachineSpec::default());
    world.boot(KEEPER, Keeper::default());
    world
}

/// A draw in `0..below`.
fn draw(seed: u64, number: u64, below: u64) -> u64 {
    let mut mixer = Mixer::new();
    mixer.pair(seed, number);
    mixer.finish64() % below
}

/// What was durable before a cut, and what was found after it.
type Outcome = (Option<u64>, Result<u64, StorageError>);

/// So long before a cut something may be done to the disk: two commits.
const LATE: u64 = 6_000_000;

/// Cuts the power again and again at random instants, a third of them while the store recovers.
fn cut_often(seed: u64, cuts: u64, mut before: impl FnMut(&mut World<Keeper, ()>)) -> Vec<Outcome> {
    let (mut world, mut now) = (world(seed), 0);
    let mut outcomes = Vec::new();
    for cut in 0..cuts {
        let soon = draw(seed, cut, 3) == 0;
        now += 1 + draw(seed, cut + 1_000, if soon { 2_000_000 } else { 40_000_000 });
        world.run_until(world.now().max(Instant(now.saturating_sub(LATE))));
        before(&mut world);
        world.run_until(Instant(now));
        let keeper = world.process(KEEPER);
        // Nothing is durable yet that it has found only: it says so when it has read it.
        let done = keeper.and_then(|keeper| keeper.done);
        let earlier = keeper.and_then(|keeper| keeper.found?.ok());
        world.inject(&Fault::CrashMachine { machine: MACHINE }).expect("it runs");
        world.inject(&Fault::StartMachine { machine: MACHINE }).expect("it is down");
        now += 1;
        world.run_until(Instant(now));
        let found = world.process(KEEPER).and_then(|keeper| keeper.found);
        outcomes.push((done.or(earlier), found.expect("it has looked")));
    }
    outcomes
}

#[test]
fn a_cut_leaves_what_was_before_a_commit_or_after_it() {
    let (mut after, mut young) = (0, 0);
    for seed in 0..6 {
        for (done, found) in cut_often(seed, 50, |_| {}) {
            match (done, found) {
                (Some(done), Ok(found)) => {
                    assert!(found == done || found == done + 1, "{done} became {found}");
                    after += u32::from(found > done);
                }
                (None, Ok(0)) => young += 1,
                // It was cut while it was made: nobody was told of it.
                (None, Err(StorageError::Missing)) => young += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(after > 3, "{after} cuts fell behind the commit and before its end");
    assert!(young > 0, "no cut fell into the creation");
}

fn failing(kind: DiskFailure, count: u32) -> Fault {
    Fault::FailDisk { machine: MACHINE, kind, prefix: "".into(), count, within: None }
}

#[test]
fn a_disk_that_lies_leaves_an_older_commit_whole() {
    let (mut older, mut refused) = (0, 0);
    for seed in 0..6 {
        let lie = failing(DiskFailure::LyingSyncs, 7);
        let mut number = 0;
        let outcomes = cut_often(seed + 100, 40, |world| {
            number += 1;
            if draw(seed, number, 3) == 0 {
                world.inject(&lie).expect("it runs");
            }
        });
        for (done, found) in outcomes {
            match (done, found) {
                (Some(done), Ok(found)) => {
                    assert!(found <= done + 1, "{done} became {found}");
                    older += u32::from(found < done);
                }
                (_, Err(_)) => refused += 1,
                (None, Ok(found)) => assert_eq!(found, 0),
            }
        }
    }
    assert!(older > 3, "{older} stores went back silently: that is what checks are for");
    assert!(refused > 3, "{refused} stores were refused");
}

#[test]
fn a_failing_disk_makes_a_commit_unknown_and_the_store_new() {
    let mut unknown = 0;
    for seed in 0..4 {
        for kind in [DiskFailure::Writes, DiskFailure::Syncs, DiskFailure::Reads] {
            let mut world = world(seed);
            world.run_until(Instant(20_000_000 + draw(seed, 7, 20_000_000)));
            let done = world.process(KEEPER).and_then(|keeper| keeper.done);
            world.inject(&failing(kind, 1)).expect("it runs");
            world.run_until(Instant(80_000_000));
            let keeper = world.process(KEEPER).expect("one failure does not end it");
            assert!(keeper.done > done);
            unknown += keeper.unknown;
        }
    }
    assert_eq!(unknown, 12);
}

/// The disk did not do what it was asked for a while, and said it did: the file was as an older
/// commit had left it, and nothing in it was wrong. The next commit built on that, and read back
/// what nobody had written: the changes of the lost one were missing. Now a commit says which one
/// it follows on.
#[test]
fn a_store_that_has_gone_back_is_not_gone_on_with() {
    let mut unknown = BTreeMap::new();
    for seed in 0..12 {
        for kind in [
            DiskFailure::PhantomWrites,
            DiskFailure::MisdirectedWrites,
            DiskFailure::CorruptReads,
            DiskFailure::RottenReads,
        ] {
            let mut world = world(seed);
            world.run_until(Instant(20_000_000 + draw(seed, 7, 20_000_000)));
            let fault = match kind {
                DiskFailure::PhantomWrites => Fault::FailDisk {
                    machine: MACHINE,
                    kind,
                    prefix: "".into(),
                    count: u32::MAX,
                    within: Some(Span::micros(5_000 + 500 * seed)),
                },
                _ => failing(kind, 1 + seed as u32),
            };
            let armed = world.inject(&fault).expect("it runs").armed;
            world.run_until(Instant(80_000_000));
            let hits = armed.map_or(0, |id| world.armed_hits(id));
            assert!(hits > 0, "{kind:?}, seed {seed}");
            // The keeper compares all that is read back with what it should be.
            let keeper = world.process(KEEPER).expect("no failure ends it");
            *unknown.entry(format!("{kind:?}")).or_insert(0) += keeper.unknown;
        }
    }
    let noticed = unknown.values().all(|n| *n >= 3);
    assert!(noticed && unknown.len() == 4, "{unknown:?}");
}

#[test]
fn clones_have_the_future_of_a_world_that_was_never_cloned() {
    let end = Instant(100_000_000);
    let mut alone = world(3);
    alone.run_until(end);
    let mut original = world(3);
    for n in 0..20 {
        original.run_until(Instant(n * 3_777_777));
        let mut twin = original.clone();
        twin.run_until(end);
        assert_eq!(twin.digest(), alone.digest());
    }
    original.run_until(end);
    assert_eq!(original.digest(), alone.digest());
}
