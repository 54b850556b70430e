//! Faults of a plan, done to the world: from actions and targets to the mechanisms of `sim`.

use stormglass_sim::fault::{ClockStep, Effect, Fault, Links, Weather, partition};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Span;

use super::Run;
use crate::metrics::Struck;
use crate::plan::{PlannedAction, Resolved};
use crate::scenario::{ActionKind, Moment, Part, Role, Ways};
use crate::story::{Cue, Fired};
use crate::units::{Drift, Step};

/// Where a store's files lie on its disk.
const CHECKPOINTS: &str = "checkpoint/";

/// What became of a fault so far.
#[derive(Clone, Debug, Default)]
pub(super) struct FaultState {
    pub resolved: Option<Resolved>,
    pub effect: Effect,
    pub in_flight: u64,
    pub phases: Option<Moment>,
    pub part: Option<Part>,
}

impl Run {
    /// Does a fault to its target.
    pub(super) fn strike(&mut self, Fired { fault, target, cue, observation }: Fired) {
        let now = self.world.now();
        let planned = &self.setup.plan.faults[fault];
        let observation = Some(observation).filter(|number| *number > 0);
        let state = &mut self.faults[fault];
        let story = self.world.watcher();
        state.in_flight = story.judges.in_flight();
        state.phases = Some(story.moment(now));
        state.part = target.and_then(|node| story.whom.part(node));
        let Some(node) = target else {
            let target = planned.target.to_string();
            state.resolved = Some(Resolved { at: now, target, observation });
            return;
        };
        state.resolved = Some(Resolved { at: now, target: self.places.name(node), observation });
        let offsets = self.world.watcher().metrics.furthest().to_vec();
        let action = planned.action.clone();
        let was_up = self.world.is_up(node);
        let effect = self.inject(&action, node, cue);
        let state = &mut self.faults[fault];
        // A process that the trigger itself stopped is down already, and that was this fault.
        let stopped = observation.is_some() && !was_up && action.kind() == ActionKind::Crash;
        state.effect = effect;
        state.effect.took_effect |= stopped;
        if state.effect.took_effect {
            let struck = Struck { fault: fault + 1, at: now, node, offsets };
            let story = self.world.watcher_mut();
            story.metrics.outages.struck(struck);
            story.whom.struck(now, &action, node);
        }
    }

    /// Does an action to a process or its machine; `cue` is the observation that fired it.
    fn inject(&mut self, action: &PlannedAction, node: NodeId, cue: Cue) -> Effect {
        let now = self.world.now();
        let machine = node.machine;
        let end = |to| self.world.watcher().resolve(to, cue).map(|node| node.machine);
        let duration = action.lasting().copied().unwrap_or_default();
        let fault = match action {
            PlannedAction::Crash { down } => {
                let is_worker = self.places.role_of(node).is_some_and(|(r, _)| r == Role::Worker);
                if !is_worker {
                    let down = down.unwrap_or(self.setup.scenario.cluster.restart_delay);
                    self.repairs.push((now + down, Fault::Start { node }));
                }
                Fault::Crash { node }
            }
            PlannedAction::CrashMachine { down } => {
                self.repairs.push((now + *down, Fault::StartMachine { machine }));
                Fault::CrashMachine { machine }
            }
            PlannedAction::Isolate { ways, .. } => {
                let links = match ways {
                    Ways::In => Links::To(machine),
                    Ways::Out => Links::From(machine),
                    Ways::Both => Links::Of(machine),
                };
                Fault::Cut { links, duration }
            }
            PlannedAction::Cut { to, symmetric, .. } => {
                let Some(to) = end(to) else { return Effect::default() };
                let shape = if *symmetric { partition::symmetric } else { partition::one_way };
                Fault::Cut { links: shape(&[machine], &[to]), duration }
            }
            PlannedAction::SlowLink { to, extra, .. } => {
                let Some(to) = end(to) else { return Effect::default() };
                let links = Links::one(machine, to);
                Fault::Weather { links, weather: Weather::slow(*extra), duration }
            }
            PlannedAction::SlowDisk { factor, .. } => {
                Fault::SlowDisk { machine, factor: *factor, duration }
            }
            PlannedAction::Rot { file, bit } => {
                let (file, bit) = (u64::from(*file), u64::from(*bit));
                // Of a store it is a checkpoint's file, of others whatever they keep.
                let of_store = self.places.role_of(node).is_some_and(|(r, _)| r == Role::Store);
                let prefix = if of_store { CHECKPOINTS.into() } else { "".into() };
                Fault::RotFile { machine, prefix, file, bit }
            }
            PlannedAction::Wipe {} => Fault::WipeDisk { machine },
            PlannedAction::Pause { .. } => Fault::Pause { node, duration },
            PlannedAction::DriftClock { by: Drift(ppm), .. } => {
                Fault::DriftClock { machine, ppm: *ppm, duration }
            }
            PlannedAction::StepClock { by: Step(nanos) } => {
                let span = Span::nanos(nanos.unsigned_abs());
                let back = *nanos < 0;
                let step = if back { ClockStep::Back(span) } else { ClockStep::Forward(span) };
                Fault::StepClock { machine, step }
            }
        };
        self.healed = self.healed.max(now + duration);
        self.tell_metrics(&fault);
        self.world.inject(&fault).unwrap_or_default()
    }
}
