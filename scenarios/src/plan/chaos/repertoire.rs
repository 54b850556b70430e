//! What can be done to whom, and how strong it is at most: for every kind of action, without a
//! rest. Whoever adds a kind is asked here.

use std::collections::BTreeSet;

use stormglass_sim::time::Span;

use super::Field;
use crate::budget;
use crate::plan::{Plan, PlannedAction, PlannedFault, Trigger, VERSION};
use crate::scenario::{
    Action, ActionKind, ActionSpec, Among, Breakage, Domain, Leaves, Pick, Role, Scenario, Shape,
    Site, Target, Thaw, Ways,
};
use crate::units::{Bandwidth, Between, Drawn, Drift, Quantum, Share, Size, Stated, Step};

/// One way in which an action makes sense: quantities are ranges, and of a role the seed draws a
/// member.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Strain {
    pub(super) action: ActionSpec,
    pub(super) target: Target,
}

impl Strain {
    /// Tells it from all others.
    pub(super) fn name(&self) -> String {
        let action = serde_json::to_string(&self.action).expect("an action is plain data");
        format!("{action} {}", self.target)
    }
    fn least(&self) -> PlannedAction {
        self.action.map::<Drawn>(None, &mut Least)
    }
    /// Whether it is done to members of a role, so that a target of that role can take the place of
    /// its own.
    pub(super) fn is_on(&self, role: Role, target: &Target) -> bool {
        self.target.role() == Some(role) && self.action.to() != Some(target)
    }
    /// Whether the budget has room for it at all.
    pub(super) fn is_affordable(&self, field: &Field<'_>, trigger: Trigger) -> bool {
        let plan = Plan {
            version: VERSION,
            scenario: field.scenario.name.clone(),
            seed: 0,
            operations: Vec::new(),
            rare_events: Vec::new(),
            faults: Vec::new(),
            forks: Vec::new(),
        };
        let target = self.target.clone();
        let fault = PlannedFault { trigger, action: self.least(), target, resolved: None };
        budget::admits(field.scenario, &plan, &fault).is_ok()
    }
}

/// Any quantity, where only the kind of an action matters.
struct Least;

impl Pick<Stated, Drawn> for Least {
    fn pick<T: Quantum>(&mut self, _: &'static str, from: &Between<T>) -> T {
        from.min
    }
}

/// Who is there to be struck: all that the cluster is made of.
pub(super) fn roles(scenario: &Scenario) -> Vec<Role> {
    let of_cluster = Role::ALL.iter().copied().filter(|role| role.is_of_cluster());
    of_cluster.filter(|role| scenario.cluster.members(*role) > 0).collect()
}

/// Every way in which a kind of action makes sense in a scenario, and in its budget.
pub(super) fn strains(kind: ActionKind, field: &Field<'_>) -> Vec<Strain> {
    let mut strains = all(kind, field.scenario);
    let at = Trigger::At(field.storm.min);
    strains.retain(|strain| strain.is_affordable(field, at.clone()));
    strains
}

fn all(kind: ActionKind, scenario: &Scenario) -> Vec<Strain> {
    let count = Between { min: 1, max: 5 };
    let within = Some(millis(200, 6_000));
    let nth = Between { min: 1, max: 200 };
    match kind {
        ActionKind::Crash => processes(scenario, |target| Action::Crash {
            down: is_served(target).then_some(millis(100, 3_000)),
        }),
        ActionKind::CrashLoop => processes(scenario, |target| Action::CrashLoop {
            times: (2..=4).into(),
            after: millis(20, 800),
            down: is_served(target).then_some(millis(50, 500)),
        }),
        ActionKind::Pause => processes(scenario, |_| Action::Pause { lasting: millis(50, 8_000) }),
        ActionKind::SlowCpu => machines(scenario, |_| Action::SlowCpu {
            factor: (2..=30).into(),
            lasting: millis(300, 6_000),
        }),
        ActionKind::CrashMachine => {
            let leaves = [None, Some(Leaves::Torn), Some(Leaves::Garbage), Some(Leaves::Nothing)];
            let one = |leaves| {
                let down = millis(300, 4_000);
                machines(scenario, move |_| Action::CrashMachine { down, leaves })
            };
            leaves.into_iter().flat_map(one).collect()
        }
        ActionKind::WipeAndRejoin => {
            machines(scenario, |_| Action::WipeAndRejoin { down: millis(300, 4_000) })
        }
        ActionKind::PowerLoss => {
            let one = |of| {
                let (down, stagger) = (millis(300, 4_000), millis(1, 400));
                machines(scenario, move |_| Action::PowerLoss { of, down, stagger })
            };
            Domain::ALL.iter().flat_map(|of| one(*of)).collect()
        }
        ActionKind::RollingRestart => {
            let roles = [Role::Worker, Role::Store, Role::Coordinator].map(Target::Any);
            let action =
                Action::RollingRestart { down: millis(100, 900), every: millis(1_000, 3_000) };
            roles.map(|target| Strain { action: action.clone(), target }).into()
        }
        ActionKind::Isolate => {
            let lasting = millis(100, 6_000);
            let one = |ways| machines(scenario, move |_| Action::Isolate { lasting, ways });
            Ways::ALL.iter().flat_map(|ways| one(*ways)).collect()
        }
        ActionKind::Cut => {
            let lasting = millis(100, 8_000);
            let cut = |symmetric| links(scenario, move |to| Action::Cut { to, lasting, symmetric });
            [true, false].into_iter().flat_map(cut).collect()
        }
        ActionKind::SlowLink => links(scenario, |to| {
            let (extra, lasting) = (millis(5, 1_500), millis(300, 8_000));
            Action::SlowLink { to, extra, lasting }
        }),
        ActionKind::Partition => partitions(scenario),
        ActionKind::Clog => {
            let lasting = millis(100, 6_000);
            weather(scenario, |to, ways| Action::Clog { to, ways, lasting })
        }
        ActionKind::ThrottleLink => weather(scenario, |to, ways| {
            let speed = (Bandwidth(5_000)..=Bandwidth(2_000_000)).into();
            Action::ThrottleLink { to, ways, speed, lasting: millis(300, 6_000) }
        }),
        ActionKind::ThrottleCard => machines(scenario, |_| Action::ThrottleCard {
            speed: (Bandwidth(20_000)..=Bandwidth(5_000_000)).into(),
            lasting: millis(300, 6_000),
        }),
        ActionKind::LosePackets => weather(scenario, |to, ways| {
            let (share, run) = (percent(1, 60), (1..=5).into());
            Action::LosePackets { to, ways, share, run, lasting: millis(300, 8_000) }
        }),
        ActionKind::DuplicatePackets => weather(scenario, |to, ways| {
            let (share, late) = (percent(1, 80), millis(0, 800));
            Action::DuplicatePackets { to, ways, share, late, lasting: millis(300, 8_000) }
        }),
        ActionKind::ReorderPackets => weather(scenario, |to, ways| {
            let (share, late) = (percent(1, 80), millis(1, 500));
            Action::ReorderPackets { to, ways, share, late, lasting: millis(300, 8_000) }
        }),
        ActionKind::CorruptPackets => weather(scenario, |to, ways| {
            let share = percent(1, 40);
            Action::CorruptPackets { to, ways, share, lasting: millis(300, 8_000) }
        }),
        ActionKind::HeavyTail => weather(scenario, |to, ways| {
            let (share, extra, most) = (percent(1, 50), millis(1, 30), millis(100, 4_000));
            Action::HeavyTail { to, ways, share, extra, most, lasting: millis(300, 8_000) }
        }),
        ActionKind::BreakConnections => {
            let one = |how: &Breakage| {
                let how = *how;
                let all = machines(scenario, move |_| Action::BreakConnections { to: None, how });
                let to = |to| Action::BreakConnections { to: Some(to), how };
                all.into_iter().chain(links(scenario, to))
            };
            Breakage::ALL.iter().flat_map(one).collect()
        }
        ActionKind::DropMessage => links(scenario, |to| Action::DropMessage { to, nth }),
        ActionKind::DelayMessage => {
            links(scenario, |to| Action::DelayMessage { to, nth, by: millis(1, 4_000) })
        }
        ActionKind::DuplicateMessage => links(scenario, |to| Action::DuplicateMessage { to, nth }),
        ActionKind::ReplayMessage => {
            links(scenario, |to| Action::ReplayMessage { to, nth, after: millis(100, 8_000) })
        }
        ActionKind::CorruptMessage => {
            links(scenario, |to| Action::CorruptMessage { to, nth, bit: Between::ANY })
        }
        ActionKind::LoseReply => links(scenario, |to| Action::LoseReply { to, nth }),
        ActionKind::SlowDisk => machines(scenario, |_| Action::SlowDisk {
            factor: (5..=300).into(),
            lasting: millis(300, 6_000),
        }),
        ActionKind::ThrottleDisk => machines(scenario, |_| Action::ThrottleDisk {
            speed: (Bandwidth(20_000)..=Bandwidth(5_000_000)).into(),
            lasting: millis(300, 6_000),
        }),
        ActionKind::StallDisk => {
            machines(scenario, |_| Action::StallDisk { lasting: millis(50, 5_000) })
        }
        ActionKind::Rot => {
            machines(scenario, |_| Action::Rot { file: Between::ANY, bit: Between::ANY })
        }
        ActionKind::Wipe => machines(scenario, |_| Action::Wipe {}),
        ActionKind::LoseDisk => {
            machines(scenario, |_| Action::LoseDisk { lasting: millis(300, 4_000) })
        }
        ActionKind::FailReads => machines(scenario, |_| Action::FailReads { count, within }),
        ActionKind::FailWrites => machines(scenario, |_| Action::FailWrites { count, within }),
        ActionKind::FailSyncs => machines(scenario, |_| Action::FailSyncs { count, within }),
        ActionKind::ForgetfulSyncs => {
            machines(scenario, |_| Action::ForgetfulSyncs { count, within })
        }
        ActionKind::LyingSyncs => machines(scenario, |_| Action::LyingSyncs { count, within }),
        ActionKind::FullDisk => machines(scenario, |_| Action::FullDisk { count, within }),
        ActionKind::CorruptReads => machines(scenario, |_| Action::CorruptReads { count, within }),
        ActionKind::RottenReads => machines(scenario, |_| Action::RottenReads { count, within }),
        ActionKind::MisdirectedReads => {
            machines(scenario, |_| Action::MisdirectedReads { count, within })
        }
        ActionKind::PhantomWrites => {
            machines(scenario, |_| Action::PhantomWrites { count, within })
        }
        ActionKind::MisdirectedWrites => {
            machines(scenario, |_| Action::MisdirectedWrites { count, within })
        }
        ActionKind::DriftClock => machines(scenario, |_| Action::DriftClock {
            by: (Drift(-50_000)..=Drift(50_000)).into(),
            lasting: millis(1_000, 10_000),
        }),
        ActionKind::StepClock => machines(scenario, |_| Action::StepClock { by: steps(60) }),
        ActionKind::SetClock => machines(scenario, |_| Action::SetClock { by: steps(60) }),
        ActionKind::FreezeClock => {
            let lasting = millis(100, 6_000);
            let one = |then| machines(scenario, move |_| Action::FreezeClock { lasting, then });
            Thaw::ALL.iter().flat_map(|then| one(*then)).collect()
        }
        // Back by less than it takes.
        ActionKind::SmearClock => machines(scenario, |_| Action::SmearClock {
            by: steps(2),
            lasting: millis(3_000, 10_000),
        }),
        ActionKind::StrobeClock => machines(scenario, |_| Action::StrobeClock {
            by: millis(4, 10_000),
            period: millis(10, 1_000),
            lasting: millis(200, 5_000),
        }),
        ActionKind::Rewind => {
            let (records, lasting) = ((1..=1_000).into(), millis(100, 4_000));
            let action = Action::Rewind { records, lasting };
            vec![Strain { action, target: Target::Any(Role::Broker) }]
        }
        // The broker has the only copy, so no budget has room for it.
        ActionKind::Trim => Vec::new(),
        ActionKind::LimitMemory => {
            let mut all = processes(scenario, |_| Action::LimitMemory {
                size: (Size(4 << 10)..=Size(4 << 20)).into(),
                lasting: millis(200, 5_000),
            });
            let asks = |strain: &Strain| {
                let role = strain.target.role();
                Site::ALL.iter().any(|site| Some(site.role()) == role)
            };
            all.retain(asks);
            all
        }
        ActionKind::RefuseMemory => {
            let one = |at: &Site| Strain {
                action: Action::RefuseMemory { at: *at, count: (1..=3).into() },
                target: Target::Any(at.role()),
            };
            Site::ALL.iter().map(one).collect()
        }
    }
}

fn millis(min: u64, max: u64) -> Between<Span> {
    Between { min: Span::millis(min), max: Span::millis(max) }
}

fn percent(min: u32, max: u32) -> Between<Share> {
    Between { min: Share::percent(min), max: Share::percent(max) }
}

/// So many seconds back or ahead.
fn steps(seconds: u64) -> Between<Step> {
    let most = Span::secs(seconds).as_nanos() as i64;
    Between { min: Step(-most), max: Step(most) }
}

/// Whether somebody has to say how long it is down: a worker is left to its supervisor.
fn is_served(target: &Target) -> bool {
    target.role() != Some(Role::Worker)
}

/// How long it goes on in all, until the last part of it has healed.
pub(super) fn extent(fault: &PlannedFault, scenario: &Scenario) -> Span {
    let members =
        |role: Option<Role>| u64::from(role.map_or(1, |role| scenario.cluster.machines_of(role)));
    match &fault.action {
        Action::RollingRestart { down, every } => {
            *down + *every * members(fault.target.role()).saturating_sub(1)
        }
        Action::PowerLoss { down, stagger, .. } => {
            let all: u64 = roles(scenario).into_iter().map(|role| members(Some(role))).sum();
            *down + *stagger * all
        }
        Action::CrashLoop { times, after, down } => {
            let down = down.unwrap_or(scenario.cluster.restart_delay);
            (*after + down) * u64::from(*times)
        }
        Action::FailReads { within, .. }
        | Action::FailWrites { within, .. }
        | Action::FailSyncs { within, .. }
        | Action::ForgetfulSyncs { within, .. }
        | Action::LyingSyncs { within, .. }
        | Action::FullDisk { within, .. }
        | Action::CorruptReads { within, .. }
        | Action::RottenReads { within, .. }
        | Action::MisdirectedReads { within, .. }
        | Action::PhantomWrites { within, .. }
        | Action::MisdirectedWrites { within, .. } => within.unwrap_or_default(),
        action => action.lasting().copied().unwrap_or_default(),
    }
}

/// The coordinators by what they do at that moment.
fn coordinators(scenario: &Scenario) -> Vec<Target> {
    match scenario.cluster.coordinators.min {
        0 | 1 => vec![Target::Leader],
        _ => vec![Target::Leader, Target::Follower(None)],
    }
}

/// Done to a process.
fn processes(scenario: &Scenario, action: impl Fn(&Target) -> ActionSpec) -> Vec<Strain> {
    let others = [Role::Worker, Role::Supervisor, Role::Broker, Role::Store, Role::Receiver];
    let targets = coordinators(scenario).into_iter().chain(others.map(Target::Any));
    targets.map(|target| Strain { action: action(&target), target }).collect()
}

/// Done to a machine, named by the process that matters on it.
fn machines(scenario: &Scenario, action: impl Fn(&Target) -> ActionSpec) -> Vec<Strain> {
    let mut all = processes(scenario, action);
    // It shares the machine of its worker.
    all.retain(|strain| strain.target != Target::Any(Role::Supervisor));
    all
}

/// Done to the link from one machine to another, both ways of which are used.
fn links(scenario: &Scenario, action: impl Fn(Target) -> ActionSpec) -> Vec<Strain> {
    let worker = || Target::Any(Role::Worker);
    let mut pairs = vec![(worker(), Target::Leader)];
    if scenario.cluster.workers > 1 {
        pairs.push((worker(), worker()));
    }
    if scenario.cluster.coordinators.min > 1 {
        pairs.push((Target::Leader, Target::Follower(None)));
    }
    for service in [Role::Broker, Role::Store, Role::Receiver] {
        pairs.push((worker(), Target::Any(service)));
        pairs.push((Target::Leader, Target::Any(service)));
    }
    if scenario.cluster.stores > 1 {
        pairs.push((Target::Any(Role::Store), Target::Any(Role::Store)));
    }
    let back = pairs.clone().into_iter().map(|(from, to)| (to, from));
    let mut both: Vec<(Target, Target)> = pairs.into_iter().chain(back).collect();
    let mut seen = BTreeSet::new();
    both.retain(|pair| seen.insert(pair.clone()));
    both.into_iter().map(|(target, to)| Strain { action: action(to), target }).collect()
}

/// Done to all links of a machine, or to one of them.
fn weather(
    scenario: &Scenario,
    action: impl Fn(Option<Target>, Ways) -> ActionSpec,
) -> Vec<Strain> {
    let action = &action;
    let all = |ways: &Ways| machines(scenario, |_| action(None, *ways));
    let one = links(scenario, |to| action(Some(to), Ways::Out));
    Ways::ALL.iter().flat_map(all).chain(one).collect()
}

/// Every shape in which a group with enough members can fall apart.
fn partitions(scenario: &Scenario) -> Vec<Strain> {
    let groups = [
        (Among::All, Target::Leader),
        (Among::All, Target::Any(Role::Worker)),
        (Among::Coordinators, Target::Leader),
        (Among::Workers, Target::Any(Role::Worker)),
        (Among::Stores, Target::Any(Role::Store)),
    ];
    let mut all = Vec::new();
    for (among, target) in groups {
        let members = match (among, target.role()) {
            (Among::All, _) | (_, None) => u32::MAX,
            (_, Some(role)) => scenario.cluster.machines_of(role),
        };
        // What every shape takes; two make a link, which has actions of its own.
        if members < 3 {
            continue;
        }
        for shape in Shape::ALL.iter().copied() {
            let (lasting, deal) = (millis(300, 8_000), Between::ANY);
            let action = Action::Partition { shape, among, lasting, deal };
            all.push(Strain { action, target: target.clone() });
        }
    }
    all
}
