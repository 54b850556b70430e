//! Faults of processes, machines, failure domains, clocks and memory, each against a small protocol
//! that has a protection against it. Left out, the outcome is wrong under the fault, and right
//! without it; with it the outcome is right under the fault, or there is none: it stops and does
//! not lie.
//!
//! One row a mechanism; every row is run over the same seeds.

use std::collections::BTreeSet;

use stormglass_sim::fault::Fault;
use stormglass_sim::hash::Mixer;
use stormglass_sim::machine::MachineSpec;
use stormglass_sim::net::NetworkSpec;
use stormglass_sim::node::{
    Context, Event, Lane, MachineId, Message, Name, NoName, NodeId, Observation, Process,
};
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::{Stamp, Watch, Watcher};
use stormglass_sim::world::World;

mod detector;
mod lease;
mod register;
mod relay;
mod total;

const SEEDS: u64 = 20;
const MAIN: Lane = Lane(0);

/// What the processes of all protocols say.
#[derive(Clone, Copy, Debug)]
enum Say {
    /// A request, with whatever tells it from others.
    Ask(u64),
    /// Its answer: what was asked for, and the request.
    Answer(u64, u64),
    /// Do this: a number, and who or which life says so.
    Do(u64, u64),
    /// It is done.
    Done(u64),
}

impl Message for Say {
    fn wire_size(&self) -> u64 {
        100
    }
    fn digest(&self, into: &mut Mixer) {
        let (Say::Ask(a) | Say::Answer(a, _) | Say::Do(a, _) | Say::Done(a)) = self;
        into.word(*a);
    }
}

/// What they tell: a number under a name.
#[derive(Clone, Copy, Debug)]
struct Told(&'static str, u64);

impl Observation for Told {
    fn digest(&self, into: &mut Mixer) {
        into.bytes(self.0.as_bytes());
        into.word(self.1);
    }
}

/// Where they ask for memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    Buffer,
}

impl Name for Site {
    const ALL: &'static [Self] = &[Site::Buffer];
    fn index(self) -> usize {
        self as usize
    }
    fn name(self) -> &'static str {
        "buffer"
    }
}

/// A process of one of the protocols.
#[derive(Clone, Debug)]
enum Actor {
    Detector(detector::Actor),
    Lease(lease::Actor),
    Register(register::Actor),
    Relay(relay::Actor),
    Total(total::Actor),
}

type Cx<'a> = dyn Context<Actor> + 'a;

impl Process for Actor {
    type Message = Say;
    type Observation = Told;
    type Probe = NoName;
    type Twist = NoName;
    type Site = Site;

    fn on_event(&mut self, _: Lane, event: Event<Say>, cx: &mut Cx<'_>) {
        match self {
            Actor::Detector(of) => of.on_event(event, cx),
            Actor::Lease(of) => of.on_event(event, cx),
            Actor::Register(of) => of.on_event(event, cx),
            Actor::Relay(of) => of.on_event(event, cx),
            Actor::Total(of) => of.on_event(event, cx),
        }
    }
}

/// All that was told, in order.
#[derive(Clone, Debug, Default)]
struct Log(Vec<(Instant, Told)>);

impl Watcher<Actor> for Log {
    fn observed(&mut self, at: Stamp, told: &Told) -> Watch {
        self.0.push((at.time, *told));
        Watch::Continue
    }
}

impl Log {
    fn numbers(&self, name: &str) -> Vec<u64> {
        let of_name = self.0.iter().filter(|(_, told)| told.0 == name);
        of_name.map(|(_, told)| told.1).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    /// Something is missing, but nothing that was said is untrue.
    Stopped,
    Wrong(String),
}

/// Faults, and when they strike, in microseconds.
type Plan = Vec<(u64, Fault)>;

/// A mechanism, and a protocol with a protection against it.
struct Row {
    name: &'static str,
    /// The protocol at time zero, with or without the protection.
    world: fn(u64, bool) -> World<Actor, Log>,
    /// What happens in any case.
    given: fn(u64) -> Plan,
    /// The fault.
    plan: fn(u64) -> Plan,
    verdict: fn(&Log) -> Verdict,
    /// In so many seeds at least the fault bites where there is no protection.
    bites: u64,
    /// Whether a protected run may stop instead.
    may_stop: bool,
}

impl Row {
    fn run(&self, seed: u64, protected: bool, disturbed: bool) -> Verdict {
        let mut world = (self.world)(seed, protected);
        let mut plan = (self.given)(seed);
        if disturbed {
            plan.extend((self.plan)(seed));
        }
        plan.sort_by_key(|(at, _)| *at);
        for (at, fault) in &plan {
            world.run_until(us(*at));
            world.inject(fault).unwrap_or_else(|error| panic!("{}: {fault:?}: {error}", self.name));
        }
        world.run_until(us(2_000_000));
        (self.verdict)(world.watcher())
    }

    fn check(&self) {
        let mut bitten = 0;
        for seed in 0..SEEDS {
            let calm = self.run(seed, false, false);
            assert_eq!(calm, Verdict::Right, "{}: undisturbed, seed {seed}", self.name);
            bitten += u64::from(matches!(self.run(seed, false, true), Verdict::Wrong(_)));
            let protected = self.run(seed, true, true);
            let well = protected == Verdict::Right;
            let stops = protected == Verdict::Stopped && self.may_stop;
            assert!(well || stops, "{}: protected, seed {seed}: {protected:?}", self.name);
        }
        assert!(bitten >= self.bites, "{}: wrong in {bitten} seeds only", self.name);
    }
}

fn us(n: u64) -> Instant {
    Instant(n * 1_000)
}

/// Up to 20 ms that differ from seed to seed, in microseconds.
fn jitter(seed: u64) -> u64 {
    seed * 7_919 % 20_000
}

fn nothing(_: u64) -> Plan {
    Plan::new()
}

/// So many machines on a quick network, their wall clocks well after their origin.
fn machines(seed: u64, count: u16, spec: impl Fn(u16) -> MachineSpec) -> World<Actor, Log> {
    let network = NetworkSpec::uniform(Span::micros(500), Span::micros(800));
    let mut world = World::new(seed, network, Log::default());
    for number in 0..count {
        world.add_machine(MachineSpec { wall_offset: EPOCH, ..spec(number) });
    }
    world
}

const EPOCH: Span = Span::secs(1_000);

fn plain(_: u16) -> MachineSpec {
    MachineSpec::default()
}

/// The first process of a machine.
const fn on(machine: u16) -> NodeId {
    NodeId::new(machine, 0)
}

const fn machine(number: u16) -> MachineId {
    MachineId(number)
}

fn rows() -> Vec<Row> {
    [lease::rows(), detector::rows(), register::rows(), relay::rows(), total::rows()]
        .into_iter()
        .flatten()
        .collect()
}

macro_rules! checks {
    ($($module:ident)*) => {
        $(#[test] fn $module() {
            crate::$module::rows().iter().for_each(Row::check);
        })*
    };
}

mod checks {
    use super::Row;
    checks! { lease detector register relay total }
}

#[test]
fn every_mechanism_has_a_row() {
    let kind = |fault: &Fault| {
        let text = format!("{fault:?}");
        text.split(' ').next().unwrap_or_default().to_string()
    };
    let shown: BTreeSet<String> =
        rows().iter().flat_map(|row| (row.plan)(0)).map(|(_, fault)| kind(&fault)).collect();
    let all = "Crash CrashDomain CrashLoop CrashMachine DriftClock FreezeClock LimitMemory Pause \
               RefuseMemory SetClock SlowCpu SmearClock Start StartDomain StartMachine StepClock \
               StrobeClock WipeDisk";
    assert_eq!(shown, all.split(' ').map(str::to_string).collect());
}
