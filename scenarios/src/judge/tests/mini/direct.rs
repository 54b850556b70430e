//! Sinks without transactions.

use stormglass_engine::ids::Generation;
use stormglass_engine::observation::Observation as O;
use stormglass_engine::topology::{Component, Delivery, Grouping, Kind};
use stormglass_engine::value::{Value, fingerprint};
use stormglass_sim::node::NodeId;

use super::{Code, Mini, Task};

impl Task {
    /// What a sink without transactions has just taken is visible, unless a newer generation runs.
    pub(super) fn write_at_once(
        &mut self,
        generation: Generation,
        component: &Component,
        (input, values): (usize, &[Value]),
        mini: &mut Mini,
    ) {
        let Code::Sink(outputs) = &mut self.code else { return };
        let (root, child, print) = outputs.pop().expect("just taken");
        let (task, sequence, receiver) = (self.id, self.written, NodeId::new(2, 7));
        self.written += 1;
        if mini.generation != generation.0 {
            return;
        }
        let what = match (&component.kind, &component.inputs[input].grouping) {
            (Kind::Sink(Delivery::Idempotent), Grouping::Fields(fields)) => {
                let key: Vec<Value> =
                    fields.iter().map(|at| values[usize::from(*at)].clone()).collect();
                let key = fingerprint(&key);
                O::Upserted { task, generation, sequence, key, root, child, print }
            }
            _ => O::Appended { task, generation, root, child, print },
        };
        mini.tell(receiver, what);
    }
}
