//! Faults of a plan, done to the world.

use stormglass_engine::message::Message;
use stormglass_engine::message::console::{Console, Request};
use stormglass_sim::fault::{ArmedId, Fault};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use super::Run;
use super::steps::is_repair;
use crate::chronicle::Band;
use crate::metrics::Struck;
use crate::plan::{PlannedAction, Resolved};
use crate::scenario::{ActionKind, Moment, Part};
use crate::story::Fired;

/// What became of a fault so far.
#[derive(Clone, Debug, Default)]
pub(super) struct FaultState {
    pub resolved: Option<Resolved>,
    /// Whether it hit something when it was done.
    pub hit: bool,
    /// What it left armed: whether that hit is known at the end.
    pub armed: Vec<ArmedId>,
    /// Whom it struck, and until when it lasts.
    pub lasts: Option<(NodeId, Instant)>,
    pub messages_lost: u64,
    pub in_flight: u64,
    pub phases: Option<Moment>,
    pub part: Option<Part>,
}

/// Something that follows from a fault that has struck: its later part, or a repair.
#[derive(Clone, Debug)]
pub(super) struct Later {
    pub at: Instant,
    /// The place of the fault in the plan.
    number: usize,
    pub what: Fault,
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
        // A process that the trigger itself stopped is down already, and that was this fault.
        let stopped = observation.is_some() && !was_up && action.kind() == ActionKind::Crash;
        self.faults[fault].hit |= stopped;
        if let Some(request) = request(&action) {
            // What comes of it is told later, by the number of the fault.
            let console = Console { number: fault as u32, request };
            self.world.tell(node, Message::Console(console));
        }
        let steps = self.steps(&action, node, cue).unwrap_or_default();
        let last = steps.last().map_or(now, |(after, _)| now + *after);
        let lasts = now + action.lasting().copied().unwrap_or_default();
        self.healed = self.healed.max(lasts).max(last);
        self.faults[fault].lasts = Some((node, lasts.max(last)));
        for (after, what) in steps {
            match after.is_zero() {
                true => self.inject(fault, &what),
                false => self.later.push(Later { at: now + after, number: fault, what }),
            }
        }
        let state = &self.faults[fault];
        if state.hit || !state.armed.is_empty() {
            let struck = Struck { fault: fault + 1, at: now, node, offsets };
            let story = self.world.watcher_mut();
            story.metrics.outages.struck(struck);
        }
        self.look_round();
    }

    /// Does what is due of what follows from faults.
    pub(super) fn follow_up(&mut self) {
        let now = self.world.now();
        while let Some(at) = self.later.iter().position(|later| later.at <= now) {
            let Later { number, what, .. } = self.later.remove(at);
            self.inject(number, &what);
            self.look_round();
        }
    }

    fn inject(&mut self, number: usize, what: &Fault) {
        let (now, repair) = (self.world.now(), is_repair(what));
        if !repair {
            self.tell_metrics(what);
        }
        let single = self.single(what);
        // What never ran cannot be struck; what something else has started, or whose machine is
        // down, needs no repair.
        let effect = self.world.inject(what).unwrap_or_default();
        if !repair {
            let state = &mut self.faults[number];
            if effect.took_effect || state.hit {
                let whom = &mut self.world.watcher_mut().whom;
                single.iter().for_each(|what| whom.struck(now, what));
            }
            state.hit |= effect.took_effect && effect.armed.is_none();
            state.armed.extend(effect.armed);
            state.messages_lost += effect.messages_lost;
        }
    }

    /// Looks who is up, if somebody writes that down.
    pub(super) fn look_round(&mut self) {
        if self.world.watcher().metrics.recorder.is_none() {
            return;
        }
        let now = self.world.now();
        let look = |node| (node, self.world.incarnation(node), self.world.is_up(node));
        let seen: Vec<_> = self.world.nodes().map(look).collect();
        let recorder = self.world.watcher_mut().metrics.recorder.as_mut();
        let recorder = recorder.expect("it has just been there");
        for (node, incarnation, up) in seen {
            recorder.looked(now, node, incarnation, up);
        }
    }

    /// How long each fault lasted that struck somebody.
    pub(super) fn bands(&self) -> Vec<Band> {
        let struck = self.faults.iter().enumerate().filter_map(|(at, state)| {
            let ((node, until), resolved) = (state.lasts?, state.resolved.as_ref()?);
            Some(Band { fault: at + 1, node, from: resolved.at, until })
        });
        struck.collect()
    }

    /// Whether the fault at a place of the plan hit something so far.
    pub(super) fn took_effect(&self, fault: usize, state: &FaultState) -> bool {
        state.hit
            || state.armed.iter().any(|id| self.world.armed_hits(*id) > 0)
            || self.world.watcher().done.contains(&(fault as u32))
    }
}

/// What an action asks of the process that it strikes, if it is done at the process's console.
const fn request(action: &PlannedAction) -> Option<Request> {
    match action {
        PlannedAction::Rewind { records, lasting } => {
            Some(Request::Rewind { records: *records, lasting: *lasting })
        }
        PlannedAction::Trim { keep } => Some(Request::Trim { keep: *keep }),
        _ => None,
    }
}
