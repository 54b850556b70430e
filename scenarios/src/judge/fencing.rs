//! Verifies: that generations rise; that broker, enough stores and (if there is a sink) receiver
//! know of a generation before any of its tasks starts with restored state; that from then on
//! nothing accepts anything from an older generation, and no process accepts what it has itself
//! fenced (`fencing`).
//!
//! Of `n` stores with `r` replicas of each file, `n - r + 1` are enough: `r` stores of a pipeline
//! and these cannot all be different ones, so each pipeline has a store that refuses what is older,
//! and nothing older becomes durable in all of its pipeline. A store that nobody could tell may go
//! on accepting packets: they come to nothing.
//!
//! Does not verify: that refusals happen, or that replicas of one resource agree.

use stormglass_engine::ids::{Generation, TaskId};
use stormglass_engine::observation::{Observation, Resource};
use stormglass_engine::topology::Kind;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use super::law::{Findings, Law, Witness};
use super::plan::Plan;

/// Who was told of which generation.
#[derive(Clone, Debug)]
pub(super) struct Fencing {
    /// The resources that must be fenced before a generation starts.
    required: Vec<(Resource, usize)>,
    /// The newest generation that each process of a resource learnt of.
    fences: Vec<(Resource, NodeId, Generation, Instant)>,
    granted: Option<Generation>,
    /// The first restore of the newest generation that has any.
    running: Option<Witness>,
    running_generation: Generation,
}

impl Fencing {
    /// Nothing granted yet.
    pub(super) fn new(plan: &Plan, stores: usize) -> Self {
        let mut required = vec![(Resource::Broker, 1), (Resource::Store, stores)];
        if plan.topology.components().iter().any(|c| matches!(c.kind, Kind::Sink(_))) {
            required.push((Resource::Receiver, 1));
        }
        let (fences, running_generation) = (Vec::new(), Generation(0));
        Fencing { required, fences, granted: None, running: None, running_generation }
    }

    /// A generation was granted. False if it is not a newer one.
    pub(super) fn granted(
        &mut self,
        generation: Generation,
        seen: Witness,
        findings: &mut Findings,
    ) -> bool {
        if let Some(newest) = self.granted.filter(|newest| *newest >= generation) {
            let sentence =
                format!("generation {} was granted after generation {}", generation.0, newest.0);
            findings.report(Law::Fencing, seen.at, sentence, &[seen]);
            return false;
        }
        self.granted = Some(generation);
        true
    }

    /// Anything else that concerns fences.
    pub(super) fn observed(&mut self, plan: &Plan, seen: Witness, findings: &mut Findings) {
        match seen.what {
            Observation::Fenced { resource, node, generation } => {
                self.fenced(resource, node, generation, seen.at);
            }
            Observation::Restored { task, generation, .. } => {
                self.restored(plan, task, generation, seen, findings);
            }
            Observation::Accepted { resource, generation, task } => {
                self.accepted(plan, (resource, generation, task), seen, findings);
            }
            _ => {}
        }
    }

    fn fenced(&mut self, resource: Resource, node: NodeId, generation: Generation, at: Instant) {
        let known = self.fences.iter_mut().find(|fence| fence.0 == resource && fence.1 == node);
        match known {
            Some(fence) if fence.2 < generation => (fence.2, fence.3) = (generation, at),
            Some(_) => {}
            None => self.fences.push((resource, node, generation, at)),
        }
    }

    fn restored(
        &mut self,
        plan: &Plan,
        task: TaskId,
        generation: Generation,
        seen: Witness,
        findings: &mut Findings,
    ) {
        if self.running.is_some() && generation <= self.running_generation {
            return;
        }
        for (resource, enough) in &self.required {
            let fences = self.fences.iter();
            let fenced =
                fences.filter(|(of, _, newest, _)| of == resource && *newest >= generation);
            let fenced = fenced.count();
            if fenced < *enough {
                let of_several = match enough {
                    1 => String::new(),
                    _ => format!(": {fenced} processes of {enough}"),
                };
                let sentence = format!(
                    "{} was restored in generation {} before the {} was fenced for it{of_several}",
                    plan.name(task),
                    generation.0,
                    noun(*resource),
                );
                findings.report(Law::Fencing, seen.at, sentence, &[seen]);
            }
        }
        (self.running, self.running_generation) = (Some(seen), generation);
    }

    #[inline]
    fn accepted(
        &mut self,
        plan: &Plan,
        (resource, generation, task): (Resource, Generation, TaskId),
        seen: Witness,
        findings: &mut Findings,
    ) {
        // A store that nobody told of a newer generation does no harm: see above.
        let told = |fence: &&(Resource, NodeId, Generation, Instant)| {
            fence.0 == resource && fence.1 == seen.node
        };
        let untold = resource == Resource::Store
            && self.fences.iter().find(told).is_none_or(|fence| fence.2 <= generation);
        if generation < self.running_generation && !untold {
            let newer = self.running_generation.0;
            let what = format!("after generation {newer} had started");
            let events = self.running.into_iter().chain([seen]).collect::<Vec<_>>();
            report(plan, (resource, generation, task), &what, seen.at, &events, findings);
        }
        let fence = |fence: &&(Resource, NodeId, Generation, Instant)| {
            fence.0 == resource && fence.1 == seen.node && generation < fence.2
        };
        if let Some(&(resource, node, newer, at)) = self.fences.iter().find(fence) {
            let what = format!("though it had fenced off all before generation {}", newer.0);
            let fenced = Observation::Fenced { resource, node, generation: newer };
            let events = [Witness { at, node, what: fenced }, seen];
            report(plan, (resource, generation, task), &what, seen.at, &events, findings);
        }
    }
}

#[cold]
fn report(
    plan: &Plan,
    (resource, generation, task): (Resource, Generation, TaskId),
    what: &str,
    at: Instant,
    events: &[Witness],
    findings: &mut Findings,
) {
    let (name, resource) = (plan.name(task), noun(resource));
    let sentence = format!("the {resource} accepted {name} of generation {} {what}", generation.0);
    findings.report(Law::Fencing, at, sentence, events);
}

const fn noun(resource: Resource) -> &'static str {
    match resource {
        Resource::Broker => "broker",
        Resource::Store => "store",
        Resource::Receiver => "receiver",
        Resource::Checkpoints => "checkpoint coordinator",
    }
}
