//! From a planned action to the words of `sim`.

use stormglass_engine::names;
use stormglass_sim::fault::{
    Break, ClockStep, DiskFailure, Fault, Links, MessageAction, Party, Weather, partition,
};
use stormglass_sim::hash::fingerprint;
use stormglass_sim::net::Latency;
use stormglass_sim::node::{FileName, MachineId, Name, NodeId};
use stormglass_sim::time::Span;

use super::Run;
use crate::plan::{Draw, PlannedAction as Action};
use crate::scenario::{Among, Domain, Role, Shape, Ways};
use crate::story::Cue;
use crate::units::{Drift, Step};

/// Half of what a heavy tail catches takes more than twice its least, a quarter four times.
const TAIL: u32 = 100;

/// Faults and their repairs, each so long after the action strikes.
pub(super) type Steps = Vec<(Span, Fault)>;

/// Whether something is made good again: nothing is struck by it.
pub(super) const fn is_repair(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Start { .. }
            | Fault::StartMachine { .. }
            | Fault::StartDomain { .. }
            | Fault::Heal { .. }
    )
}

impl Run {
    /// What an action is when done to a process or its machine; `cue` is the observation that
    /// fired it. None if the other end is nobody at this moment.
    pub(super) fn steps(&self, action: &Action, node: NodeId, cue: Cue) -> Option<Steps> {
        let machine = node.machine;
        let duration = action.lasting().copied().unwrap_or_default();
        let to = match action.to() {
            Some(to) => Some(self.world.watcher().resolve(to, cue)?),
            None => None,
        };
        let weather = |ways, weather| {
            let links = links(machine, to.map(|to| to.machine), ways);
            Fault::Weather { links, weather, duration }
        };
        let fault = match action {
            Action::Crash { .. }
            | Action::CrashMachine { .. }
            | Action::WipeAndRejoin { .. }
            | Action::PowerLoss { .. }
            | Action::RollingRestart { .. } => return Some(self.deaths(action, node)),
            Action::CrashLoop { times, after, down } => {
                let restart = down.unwrap_or_default();
                Fault::CrashLoop { node, times: *times, after: *after, restart }
            }
            Action::Pause { .. } => Fault::Pause { node, duration },
            Action::SlowCpu { factor, .. } => {
                Fault::SlowCpu { machine, factor_percent: factor.saturating_mul(100), duration }
            }
            Action::Isolate { ways, .. } => {
                Fault::Cut { links: links(machine, None, *ways), duration }
            }
            Action::Cut { symmetric, .. } => {
                let ways = if *symmetric { Ways::Both } else { Ways::Out };
                Fault::Cut { links: links(machine, to.map(|to| to.machine), ways), duration }
            }
            Action::Partition { shape, among, deal, .. } => {
                let group = self.dealt(machine, *among, *deal);
                Fault::Cut { links: fallen_apart(*shape, &group), duration }
            }
            Action::SlowLink { extra, .. } => weather(Ways::Out, Weather::slow(*extra)),
            Action::Clog { ways, .. }
            | Action::ThrottleLink { ways, .. }
            | Action::LosePackets { ways, .. }
            | Action::DuplicatePackets { ways, .. }
            | Action::ReorderPackets { ways, .. }
            | Action::CorruptPackets { ways, .. }
            | Action::HeavyTail { ways, .. } => weather(*ways, weather_of(action)),
            Action::ThrottleCard { speed, .. } => {
                Fault::SlowCard { machine, speed: speed.0, duration }
            }
            Action::BreakConnections { how, .. } => {
                return Some(self.breaks(node, to, (*how).into()));
            }
            Action::DropMessage { nth, .. }
            | Action::DelayMessage { nth, .. }
            | Action::DuplicateMessage { nth, .. }
            | Action::ReplayMessage { nth, .. }
            | Action::CorruptMessage { nth, .. }
            | Action::LoseReply { nth, .. } => {
                let action = tampering(action);
                Fault::Message { from: node, to: to?, nth: u64::from(*nth), action }
            }
            Action::SlowDisk { factor, .. } => {
                Fault::SlowDisk { machine, factor: *factor, duration }
            }
            Action::ThrottleDisk { speed, .. } => {
                Fault::ThrottleDisk { machine, bytes_per_second: speed.0, duration }
            }
            Action::StallDisk { .. } => Fault::StallDisk { machine, duration },
            Action::Rot { file, bit } => {
                let (file, bit) = (u64::from(*file), u64::from(*bit));
                Fault::RotFile { machine, prefix: self.files(node), file, bit }
            }
            Action::Wipe {} => Fault::WipeDisk { machine },
            Action::LoseDisk { .. } => Fault::LoseDisk { machine, duration },
            Action::FailReads { count, within }
            | Action::FailWrites { count, within }
            | Action::FailSyncs { count, within }
            | Action::ForgetfulSyncs { count, within }
            | Action::LyingSyncs { count, within }
            | Action::FullDisk { count, within }
            | Action::CorruptReads { count, within }
            | Action::RottenReads { count, within }
            | Action::MisdirectedReads { count, within }
            | Action::PhantomWrites { count, within }
            | Action::MisdirectedWrites { count, within } => Fault::FailDisk {
                machine,
                kind: failure(action),
                prefix: FileName::from(""),
                count: *count,
                within: *within,
            },
            Action::DriftClock { by: Drift(ppm), .. } => {
                Fault::DriftClock { machine, ppm: *ppm, duration }
            }
            Action::StepClock { by } => Fault::StepClock { machine, step: step(*by) },
            Action::SetClock { by } => Fault::SetClock { machine, offset: step(*by) },
            Action::FreezeClock { then, .. } => {
                Fault::FreezeClock { machine, duration, then: (*then).into() }
            }
            Action::SmearClock { by, .. } => {
                Fault::SmearClock { machine, step: step(*by), duration }
            }
            Action::StrobeClock { by, period, .. } => {
                Fault::StrobeClock { machine, delta: *by, period: *period, duration }
            }
            Action::LimitMemory { size, .. } => {
                Fault::LimitMemory { node, bytes: size.0, duration }
            }
            Action::RefuseMemory { at, count } => {
                let site = names::Site::from(*at).index() as u16;
                Fault::RefuseMemory { node, site, count: *count }
            }
            // They are asked of the process.
            Action::Rewind { .. } | Action::Trim { .. } => return Some(Vec::new()),
        };
        Some(vec![(Span::ZERO, fault)])
    }

    /// Deaths, and what brings the dead back.
    fn deaths(&self, action: &Action, node: NodeId) -> Steps {
        let machine = node.machine;
        let off = |machine| (Span::ZERO, Fault::CrashMachine { machine });
        let on = |down: Span| (down, Fault::StartMachine { machine });
        match action {
            Action::Crash { down } => {
                let mut steps = vec![(Span::ZERO, Fault::Crash { node })];
                // Its supervisor brings a worker back.
                if self.places.role_of(node).is_none_or(|(role, _)| role != Role::Worker) {
                    let down = down.unwrap_or(self.setup.scenario.cluster.restart_delay);
                    steps.push((down, Fault::Start { node }));
                }
                steps
            }
            Action::CrashMachine { down, leaves } => {
                let leaves = leaves.map(|leaves| {
                    (Span::ZERO, Fault::NextPowerLoss { machine, leaves: leaves.into() })
                });
                leaves.into_iter().chain([off(machine), on(*down)]).collect()
            }
            Action::WipeAndRejoin { down } => {
                vec![off(machine), (Span::ZERO, Fault::WipeDisk { machine }), on(*down)]
            }
            Action::PowerLoss { of, down, stagger } => {
                let Some((rack, zone)) = self.places.stands(machine) else { return Vec::new() };
                let domain = match of {
                    Domain::Rack => self.places.rack(rack),
                    Domain::Zone => self.places.zone(zone),
                };
                let on = Fault::StartDomain { domain, stagger: *stagger };
                vec![(Span::ZERO, Fault::CrashDomain { domain }), (*down, on)]
            }
            Action::RollingRestart { down, every } => {
                let turn = |(number, machine): (u64, MachineId)| {
                    let at = Span::nanos(every.as_nanos() * number);
                    let on = Fault::StartMachine { machine };
                    [(at, Fault::CrashMachine { machine }), (at + *down, on)]
                };
                (0..).zip(self.of_its_role(machine)).flat_map(turn).collect()
            }
            other => unreachable!("{} kills nobody at once", other.name()),
        }
    }

    /// The machines of the role that a machine has, itself first, then round the role.
    fn of_its_role(&self, machine: MachineId) -> Vec<MachineId> {
        let roles = Role::ALL.iter().map(|role| self.places.machines_of(*role));
        let mut its = roles.into_iter().find(|its| its.contains(&machine)).unwrap_or_default();
        let at = its.iter().position(|one| *one == machine).unwrap_or(0);
        its.rotate_left(at);
        its
    }

    /// The members of a group: one first, the others as they are dealt.
    fn dealt(&self, first: MachineId, among: Among, deal: u32) -> Vec<MachineId> {
        let mut group = match among.role() {
            Some(role) => self.places.machines_of(role),
            None => self.places.machines().collect(),
        };
        group.retain(|machine| *machine != first);
        let mut draw = Draw::new(deal.into(), &[fingerprint(b"deal")]);
        for left in (1..group.len()).rev() {
            group.swap(left, draw.below(left as u64 + 1) as usize);
        }
        group.insert(0, first);
        group
    }

    /// Connections of a process break: those with another, or all.
    fn breaks(&self, node: NodeId, to: Option<NodeId>, how: Break) -> Steps {
        let fault = |other| Fault::Break { one: Party::Node(node), other, how };
        match to {
            Some(to) => vec![(Span::ZERO, fault(Party::Node(to)))],
            None => {
                let others = self.places.others(node.machine).into_iter();
                others.map(|other| (Span::ZERO, fault(Party::Machine(other)))).collect()
            }
        }
    }

    /// How the names of the files begin that a process keeps.
    fn files(&self, node: NodeId) -> FileName {
        FileName::from(match self.places.role_of(node) {
            Some((Role::Coordinator, _)) => "coordinator/",
            Some((Role::Broker, _)) => "broker/",
            Some((Role::Store, _)) => "checkpoint/",
            Some((Role::Receiver, _)) => "receiver/",
            Some((Role::Worker | Role::Supervisor, _)) => "state/",
            Some((Role::Client | Role::Operator | Role::QueryClient, _)) | None => "",
        })
    }
}

/// The links of a machine, or those to another one.
fn links(machine: MachineId, to: Option<MachineId>, ways: Ways) -> Links {
    match (to, ways) {
        (None, Ways::Both) => Links::Of(machine),
        (None, Ways::Out) => Links::From(machine),
        (None, Ways::In) => Links::To(machine),
        (Some(to), Ways::Both) => partition::symmetric(&[machine], &[to]),
        (Some(to), Ways::Out) => Links::one(machine, to),
        (Some(to), Ways::In) => Links::one(to, machine),
    }
}

/// The links that a partition cuts in a group; its first member is the one it is about.
fn fallen_apart(shape: Shape, group: &[MachineId]) -> Links {
    let (half, other) = group.split_at(group.len() / 2);
    match shape {
        Shape::Isolate => partition::isolate(group[0], group),
        Shape::Minority => partition::minority(group),
        Shape::Halves => partition::symmetric(half, other),
        Shape::OneWay => partition::one_way(half, other),
        Shape::Bridge => partition::bridge(half, group[0], other),
        Shape::MajoritiesRing => partition::majorities_ring(group),
    }
}

/// What an action does to packets.
fn weather_of(action: &Action) -> Weather {
    let calm = Weather::default();
    match action {
        Action::Clog { .. } => Weather::clog(),
        Action::ThrottleLink { speed, .. } => Weather { speed: Some(speed.0), ..calm },
        Action::LosePackets { share, run, .. } => {
            Weather { loss_ppm: share.0, loss_run: *run, ..calm }
        }
        Action::DuplicatePackets { share, late, .. } => {
            Weather { duplicate_ppm: share.0, duplicate_late: *late, ..calm }
        }
        Action::ReorderPackets { share, late, .. } => {
            Weather { reorder_ppm: share.0, reorder_extra: *late, ..calm }
        }
        Action::CorruptPackets { share, .. } => Weather { corrupt_ppm: share.0, ..calm },
        Action::HeavyTail { share, extra, most, .. } => {
            let tail = Latency::Pareto { min: *extra, shape: TAIL, max: *most };
            Weather { tail_ppm: share.0, tail, ..calm }
        }
        other => unreachable!("{} is no weather", other.name()),
    }
}

/// What an action does to one message.
fn tampering(action: &Action) -> MessageAction {
    match action {
        Action::DropMessage { .. } => MessageAction::Drop,
        Action::DelayMessage { by, .. } => MessageAction::Delay(*by),
        Action::DuplicateMessage { .. } => MessageAction::Duplicate,
        Action::ReplayMessage { after, .. } => MessageAction::Replay(*after),
        Action::CorruptMessage { bit, .. } => MessageAction::Corrupt(u64::from(*bit)),
        Action::LoseReply { .. } => MessageAction::LoseReply,
        other => unreachable!("{} is done to no message", other.name()),
    }
}

/// What goes wrong with operations of a disk.
fn failure(action: &Action) -> DiskFailure {
    match action {
        Action::FailReads { .. } => DiskFailure::Reads,
        Action::FailWrites { .. } => DiskFailure::Writes,
        Action::FailSyncs { .. } => DiskFailure::Syncs,
        Action::ForgetfulSyncs { .. } => DiskFailure::ForgetfulSyncs,
        Action::LyingSyncs { .. } => DiskFailure::LyingSyncs,
        Action::FullDisk { .. } => DiskFailure::Full,
        Action::CorruptReads { .. } => DiskFailure::CorruptReads,
        Action::RottenReads { .. } => DiskFailure::RottenReads,
        Action::MisdirectedReads { .. } => DiskFailure::MisdirectedReads,
        Action::PhantomWrites { .. } => DiskFailure::PhantomWrites,
        Action::MisdirectedWrites { .. } => DiskFailure::MisdirectedWrites,
        other => unreachable!("{} is no failure of a disk", other.name()),
    }
}

/// A jump in the words of `sim`.
const fn step(Step(nanos): Step) -> ClockStep {
    let span = Span::nanos(nanos.unsigned_abs());
    if nanos < 0 { ClockStep::Back(span) } else { ClockStep::Forward(span) }
}
