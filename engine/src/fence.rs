//! The fence of a resource: it serves the newest generation it knows of, and refuses older ones.

use stormglass_sim::node::ConnId;

use crate::ids::{Generation, TaskId};
use crate::message::Message;
use crate::names::{Probe, Twist};
use crate::node::Cx;
use crate::observation::{Observation, Resource};

/// The newest generation that a resource knows of.
#[derive(Clone, Copy, Debug)]
pub struct Fence {
    resource: Resource,
    newest: Generation,
}

impl Fence {
    /// A fence that lets every generation pass.
    pub const fn new(resource: Resource) -> Self {
        Fence { resource, newest: Generation(0) }
    }

    /// The newest generation known.
    pub const fn newest(&self) -> Generation {
        self.newest
    }

    /// Learns of a generation. True if it is news.
    pub fn raise(&mut self, generation: Generation, cx: &mut Cx<'_>) -> bool {
        let news = generation > self.newest;
        if news {
            self.newest = generation;
            let (resource, node) = (self.resource, cx.me());
            cx.observe(Observation::Fenced { resource, node, generation });
        }
        news
    }

    /// Whether a request of this generation may pass; if not, its sender is told. A resource that
    /// has just started knows no generation: it hangs up, until the coordinator has told it.
    pub fn admits(
        &self,
        generation: Generation,
        task: TaskId,
        conn: ConnId,
        cx: &mut Cx<'_>,
    ) -> bool {
        let resource = self.resource;
        if self.newest == Generation(0) {
            cx.close(conn);
            return false;
        }
        if generation >= self.newest || cx.twist(Twist::ZombieAccepted) {
            cx.observe(Observation::Accepted { resource, generation, task });
            return true;
        }
        cx.probe(Probe::ZombieRefused);
        cx.observe(Observation::Refused { resource, generation, task });
        let _ = cx.write(conn, Message::Stale { generation: self.newest });
        false
    }
}
