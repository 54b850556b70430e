//! A checkpoint that waits for nothing: what is on the channels is in flight.

use stormglass_engine::ids::TaskId;
use stormglass_engine::observation::Observation as O;
use stormglass_sim::hash::Mixer;

use super::{Item, Mini, node};

impl Mini {
    /// Takes a checkpoint everywhere at one instant, unless one is under way. Of each channel the
    /// receiving task keeps a part, and the emitting one the rest.
    pub(in crate::judge::tests) fn freeze(&mut self) {
        if self.triggered.is_some() {
            return;
        }
        self.trigger();
        let (Some(checkpoint), Some(mut cluster)) = (self.triggered, self.cluster.take()) else {
            return;
        };
        let channels = cluster.channels.clone();
        for at in 0..cluster.tasks.len() {
            cluster.cut(at, checkpoint, self);
        }
        cluster.channels.clone_from(&channels);
        for (from, of_sender) in (0..).map(TaskId).zip(&channels) {
            for (to, items) in (0..).map(TaskId).zip(of_sender) {
                let arrived = self.dice.below(items.len() + 1);
                let rest = items.iter().skip(arrived);
                for (task, items) in
                    [(to, items.iter().take(arrived).collect()), (from, rest.collect::<Vec<_>>())]
                {
                    let tuples = items.len() as u32;
                    if tuples > 0 {
                        let (generation, print) = (cluster.generation, print(&items));
                        let what = O::InFlight {
                            task,
                            generation,
                            checkpoint,
                            from,
                            to,
                            tuples,
                            bytes: 0,
                            print,
                        };
                        self.tell(node(task), what);
                    }
                }
            }
        }
        self.frozen = channels;
        self.complete(&mut cluster);
        self.cluster = Some(cluster);
    }
}

/// A fingerprint over the names of tuples, in order.
fn print(items: &[&Item]) -> u64 {
    let mut mixer = Mixer::new();
    for item in items {
        if let Item::Tuple { root, child, .. } = item {
            mixer.pair(root.0, child.0.into());
        }
    }
    mixer.finish64()
}
