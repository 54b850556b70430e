//! What can be done to whom, and how strong it is at most: for every kind of action, without a
//! rest. Whoever adds a kind is asked here.

use std::collections::BTreeSet;

use stormglass_sim::time::Span;

use super::Field;
use crate::budget;
use crate::plan::{Plan, PlannedAction, PlannedFault, Trigger, VERSION};
use crate::scenario::{Action, ActionKind, ActionSpec, Pick, Role, Scenario, Target, Ways};
use crate::units::{Between, Drawn, Drift, Quantum, Stated, Step};

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
    match kind {
        ActionKind::Crash => processes(scenario, |target| Action::Crash {
            down: is_served(target).then_some(millis(100, 3_000)),
        }),
        ActionKind::CrashMachine => {
            machines(scenario, |_| Action::CrashMachine { down: millis(300, 4_000), leaves: None })
        }
        ActionKind::Isolate => {
            let one = |ways| {
                machines(scenario, move |_| Action::Isolate { lasting: millis(100, 6_000), ways })
            };
            Ways::ALL.iter().flat_map(|ways| one(*ways)).collect()
        }
        ActionKind::Cut => {
            let cut = |symmetric| {
                links(scenario, move |to| Action::Cut {
                    to,
                    lasting: millis(100, 8_000),
                    symmetric,
                })
            };
            [true, false].into_iter().flat_map(cut).collect()
        }
        ActionKind::SlowLink => links(scenario, |to| {
            let (extra, lasting) = (millis(5, 1_500), millis(300, 8_000));
            Action::SlowLink { to, extra, lasting }
        }),
        ActionKind::SlowDisk => machines(scenario, |_| Action::SlowDisk {
            factor: (5..=300).into(),
            lasting: millis(300, 6_000),
        }),
        ActionKind::Rot => {
            let any = Between { min: 0, max: u32::MAX };
            vec![Strain {
                action: Action::Rot { file: any, bit: any },
                target: Target::Any(Role::Store),
            }]
        }
        ActionKind::Wipe => {
            vec![Strain { action: Action::Wipe {}, target: Target::Any(Role::Store) }]
        }
        ActionKind::Pause => processes(scenario, |_| Action::Pause { lasting: millis(50, 8_000) }),
        ActionKind::DriftClock => machines(scenario, |_| Action::DriftClock {
            by: (Drift(-50_000)..=Drift(50_000)).into(),
            lasting: millis(1_000, 10_000),
        }),
        ActionKind::StepClock => {
            let minute = Span::secs(60).as_nanos() as i64;
            machines(scenario, |_| Action::StepClock { by: (Step(-minute)..=Step(minute)).into() })
        }
        ActionKind::Rewind => {
            let (records, lasting) = ((1..=1_000).into(), millis(100, 4_000));
            let action = Action::Rewind { records, lasting };
            vec![Strain { action, target: Target::Any(Role::Broker) }]
        }
        // The broker has the only copy, so no budget has room for it.
        ActionKind::Trim => Vec::new(),
        // Stated by hand only, so far.
        ActionKind::CrashLoop
        | ActionKind::SlowCpu
        | ActionKind::WipeAndRejoin
        | ActionKind::PowerLoss
        | ActionKind::RollingRestart
        | ActionKind::ThrottleDisk
        | ActionKind::Partition
        | ActionKind::ThrottleLink
        | ActionKind::ThrottleCard
        | ActionKind::Clog
        | ActionKind::LosePackets
        | ActionKind::DuplicatePackets
        | ActionKind::ReorderPackets
        | ActionKind::CorruptPackets
        | ActionKind::HeavyTail
        | ActionKind::BreakConnections
        | ActionKind::DropMessage
        | ActionKind::DelayMessage
        | ActionKind::DuplicateMessage
        | ActionKind::ReplayMessage
        | ActionKind::CorruptMessage
        | ActionKind::LoseReply
        | ActionKind::StallDisk
        | ActionKind::LoseDisk
        | ActionKind::FailReads
        | ActionKind::FailWrites
        | ActionKind::FailSyncs
        | ActionKind::ForgetfulSyncs
        | ActionKind::LyingSyncs
        | ActionKind::FullDisk
        | ActionKind::CorruptReads
        | ActionKind::RottenReads
        | ActionKind::MisdirectedReads
        | ActionKind::PhantomWrites
        | ActionKind::MisdirectedWrites
        | ActionKind::SetClock
        | ActionKind::FreezeClock
        | ActionKind::SmearClock
        | ActionKind::StrobeClock
        | ActionKind::LimitMemory
        | ActionKind::RefuseMemory => Vec::new(),
    }
}

fn millis(min: u64, max: u64) -> Between<Span> {
    Between { min: Span::millis(min), max: Span::millis(max) }
}

/// Whether somebody has to say how long it is down: a worker is left to its supervisor.
fn is_served(target: &Target) -> bool {
    target.role() != Some(Role::Worker)
}

/// How long it goes on in all, until the last part of it has healed.
pub(super) fn extent(fault: &PlannedFault, _: &Scenario) -> Span {
    fault.action.lasting().copied().unwrap_or_default()
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
