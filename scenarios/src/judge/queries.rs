//! Verifies: that an answer to a query which says that it was current was given by an owner of the
//! newest generation granted until then, and is the one that this owner gave (`current-answers`).
//!
//! Does not verify: that the row is right (the oracle does, when a checkpoint covers what its owner
//! had executed), or that every query is answered.

use std::collections::BTreeMap;

use stormglass_engine::ids::Generation;
use stormglass_engine::observation::Observation;
use stormglass_sim::node::NodeId;

use super::law::{Findings, Law, Witness};

/// What owners have answered and no client has used yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Queries {
    newest: Option<(Generation, Witness)>,
    /// By client and question.
    given: BTreeMap<(NodeId, u32), Given>,
}

/// An answer of an owner.
#[derive(Clone, Copy, Debug)]
struct Given {
    seen: Witness,
    generation: Generation,
    row: u64,
    /// The grant that had come before it and was newer.
    overtaken: Option<(Generation, Witness)>,
}

impl Queries {
    /// Takes note of an observation.
    pub(super) fn observed(&mut self, seen: Witness, findings: &mut Findings) {
        match seen.what {
            Observation::Granted { generation, .. }
                if self.newest.is_none_or(|(newest, _)| newest < generation) =>
            {
                self.newest = Some((generation, seen));
            }
            Observation::Queried { operation, generation, row, .. } => {
                let overtaken = self.newest.filter(|(newest, _)| *newest > generation);
                let given = Given { seen, generation, row, overtaken };
                self.given.insert((operation.client, operation.number), given);
            }
            Observation::QueryAnswered { operation, question, generation, row } => {
                let given = self.given.get(&(operation.client, question)).copied();
                self.answered(given, (generation, row), seen, findings);
                self.forget(operation.client);
            }
            Observation::QueryRefused { operation } => self.forget(operation.client),
            _ => {}
        }
    }

    /// A client has one query at a time: earlier answers are of no use to it.
    fn forget(&mut self, client: NodeId) {
        self.given.retain(|(of, _), _| *of != client);
    }

    fn answered(
        &self,
        given: Option<Given>,
        (generation, row): (Generation, u64),
        seen: Witness,
        findings: &mut Findings,
    ) {
        let same = |given: &Given| (given.generation, given.row) == (generation, row);
        let Some(given) = given.filter(same) else {
            let sentence = format!(
                "a query was answered with a row of generation {} that no owner gave",
                generation.0
            );
            return findings.report(Law::CurrentAnswers, seen.at, sentence, &[seen]);
        };
        if let Some((newer, granted)) = given.overtaken {
            let sentence = format!(
                "an answer of generation {} was taken for current, though generation {} had been \
                 granted before it was given",
                generation.0, newer.0
            );
            let events = [granted, given.seen, seen];
            findings.report(Law::CurrentAnswers, seen.at, sentence, &events);
        }
    }
}
