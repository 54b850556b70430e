//! Verifies: that a process which was told that it has no tasks in the generation that runs gives
//! up those of an older one soon: within ten seconds of being heard to know (`single-owner`).
//!
//! Does not verify: that old tasks do no harm meanwhile (see `fencing`), or anything about
//! processes that nobody hears, or that nobody can tell.

use std::collections::BTreeMap;

use stormglass_engine::ids::Generation;
use stormglass_engine::observation::Observation;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Span;

use super::control::Settings;
use super::law::{Findings, Law, Witness};

/// A process may claim old tasks for so long while it is heard.
const GRACE: Span = Span::secs(10);

/// Who claims tasks of old generations.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners {
    /// When the newest generation that ran began to run.
    running: Option<(Generation, Witness)>,
    claims: BTreeMap<(NodeId, Generation), Claim>,
}

/// A claim of old tasks, heard again and again.
#[derive(Clone, Copy, Debug)]
struct Claim {
    first: Witness,
    last: Witness,
}

impl Owners {
    /// Takes note of an observation.
    pub(super) fn observed(&mut self, with: &Settings, seen: Witness, findings: &mut Findings) {
        match seen.what {
            Observation::Running { generation }
                if self.running.is_none_or(|(newest, _)| newest < generation) =>
            {
                self.running = Some((generation, seen));
            }
            Observation::Heard { node, generation, dismissed } if generation > Generation(0) => {
                let told = |(newest, _): (Generation, _)| newest <= dismissed;
                if self.running.is_some_and(told) {
                    self.heard(with, (node, generation), seen, findings);
                }
            }
            _ => {}
        }
    }

    fn heard(
        &mut self,
        with: &Settings,
        (node, generation): (NodeId, Generation),
        seen: Witness,
        findings: &mut Findings,
    ) {
        let Some((newest, running)) = self.running.filter(|(newest, _)| *newest > generation)
        else {
            return;
        };
        let claim =
            self.claims.entry((node, generation)).or_insert(Claim { first: seen, last: seen });
        // Who was not heard for a while may have been another life of it.
        if seen.at.since(claim.last.at) > with.heartbeat_timeout {
            claim.first = seen;
        }
        claim.last = seen;
        let lasted = seen.at.since(claim.first.at);
        if lasted > GRACE {
            let sentence = format!(
                "{node} claims tasks of generation {} and is heard for {lasted} while \
                 generation {} runs",
                generation.0, newest.0
            );
            let events = [running, claim.first, seen];
            findings.report(Law::SingleOwner, seen.at, sentence, &events);
        }
    }
}
