//! A log for ShiViz, with vector clocks: <https://bestchai.bitbucket.io/shiviz/> draws it with the
//! expression that it suggests, `(?<event>.*)\n(?<host>\S*) (?<clock>{.*})`.
//!
//! Every observation of the window is an event of its process. A process's clock counts its own
//! events from 1; messages, and whatever else makes something happen at another process, carry
//! clocks along, whether they were observed or not.

use std::collections::BTreeMap;
use std::sync::Arc;

use stormglass_engine::observation::Observation;
use stormglass_sim::node::NodeId;
use stormglass_sim::past::Past;
use stormglass_sim::watch::Stamp;

use crate::words::{self, Names};

#[cfg(test)]
mod tests;

/// How many events of each process happened before.
type Clock = Arc<BTreeMap<NodeId, u64>>;

/// The log of what was observed in a window.
pub fn log(past: &Past, told: &[(Stamp, Observation)], names: &Names<'_>) -> String {
    let mut out = String::new();
    for ((at, what), clock) in told.iter().zip(clocks(past, told)) {
        let host = names.node(at.node);
        out.push_str(&format!("{} at {}\n", names.observation(what), words::instant(at.time)));
        let entries = clock.iter().map(|(node, n)| format!("\"{}\":{n}", names.node(*node)));
        out.push_str(&format!("{host} {{{}}}\n", entries.collect::<Vec<_>>().join(",")));
    }
    out
}

/// The clock of each observation.
fn clocks(past: &Past, told: &[(Stamp, Observation)]) -> Vec<Clock> {
    let [(first, _), ..] = told else { return Vec::new() };
    let mut clocks = Clocks::default();
    let mut next = first.event;
    let mut out = Vec::with_capacity(told.len());
    for (at, _) in told {
        while next <= at.event {
            clocks.happens(past, next);
            next += 1;
        }
        out.push(clocks.observed(at));
    }
    out
}

/// What each process and each event knows of all others.
#[derive(Debug, Default)]
struct Clocks {
    nodes: BTreeMap<NodeId, Clock>,
    events: BTreeMap<u64, Clock>,
}

impl Clocks {
    /// A process learns what the cause of its event knew.
    fn happens(&mut self, past: &Past, event: u64) {
        let Some(happening) = past.get(event) else { return };
        let Some(node) = happening.node else { return };
        let mut clock = self.nodes.get(&node).cloned().unwrap_or_default();
        if let Some(cause) = happening.cause.and_then(|cause| self.events.get(&cause)) {
            let news = |(node, n): &(&NodeId, &u64)| clock.get(node).is_none_or(|known| known < n);
            let news: Vec<(NodeId, u64)> =
                cause.iter().filter(news).map(|(node, n)| (*node, *n)).collect();
            if !news.is_empty() {
                Arc::make_mut(&mut clock).extend(news);
            }
        }
        self.know(node, event, clock);
    }

    /// Something is observed: the process's own clock ticks.
    fn observed(&mut self, at: &Stamp) -> Clock {
        let mut clock = self.nodes.get(&at.node).cloned().unwrap_or_default();
        *Arc::make_mut(&mut clock).entry(at.node).or_default() += 1;
        self.know(at.node, at.event, clock.clone());
        clock
    }

    /// An event that knows nothing yet has nothing to pass on.
    fn know(&mut self, node: NodeId, event: u64, clock: Clock) {
        if !clock.is_empty() {
            self.events.insert(event, clock.clone());
            self.nodes.insert(node, clock);
        }
    }
}
