//! A worker and the coordinator that leads: who that is, and what it is told.

use alloc::sync::Arc;

use stormglass_sim::node::{ConnId, NodeId};

use super::{MAIN, RECONNECT, Worker, token};
use crate::ids::TaskId;
use crate::message::Message;
use crate::names::{Probe, Twist};
use crate::node::Cx;
use crate::raft::Term;

impl Worker {
    pub(super) fn heartbeat(&self, cx: &mut Cx<'_>) {
        if cx.twist(Twist::HeartbeatSkipped) {
            return;
        }
        let beat = self.beat(cx);
        for coordinator in &self.cluster.coordinators {
            cx.send(*coordinator, beat.clone());
        }
    }

    fn beat(&self, cx: &Cx<'_>) -> Message {
        let (generation, dismissed) = (self.generation(), self.dismissed);
        Message::Heartbeat { generation, dismissed, sent: cx.wall_clock() }
    }

    /// Looks whether an executor stands still: then the coordinator is told, and the worker ends.
    pub(super) fn watch_executors(&mut self, cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        for task in job.tasks.iter_mut().filter(|task| task.moved) {
            task.moved = false;
            job.beats.moves(job.deployment.assignment.lane_of(task.id));
        }
        let Some(silent) = job.beats.tick(&self.cluster.control, cx) else { return };
        let (generation, executor) = (job.generation, TaskId(silent.0));
        cx.probe(Probe::ExecutorSilent);
        if let Some(conn) = self.control {
            let _ = cx.write(conn, Message::Silent { generation, executor });
        }
        cx.exit();
    }

    /// Says what its tasks did, if load decides where they run.
    pub(super) fn report_load(&mut self, cx: &mut Cx<'_>) {
        let (Some(job), Some(conn)) = (&mut self.job, self.control) else { return };
        let Some(tally) = &mut job.tally else { return };
        let load = tally.report(cx.now());
        let _ = cx.write(conn, Message::Load(Arc::new(load)));
    }

    /// Looks for the coordinator that leads: it answers the heartbeat of a worker that has no
    /// connection to it.
    pub(super) fn seek(&mut self, cx: &mut Cx<'_>) {
        self.heartbeat(cx);
        if !self.seeking {
            self.seeking = true;
            cx.set_timer(MAIN, RECONNECT, token::SEEK);
        }
    }

    /// A coordinator says that it leads. If there is a connection to it, it may know nothing of
    /// that any more (one that is half open, for all that this end can tell): to write shows it.
    pub(super) fn follow(&mut self, leader: NodeId, term: Term, cx: &mut Cx<'_>) {
        if term < self.term {
            return;
        }
        if let Some(conn) = self.control.filter(|_| term == self.term) {
            let beat = self.beat(cx);
            let _ = cx.write(conn, beat);
            return;
        }
        if let Some(old) = self.control.take() {
            cx.close(old);
        }
        self.term = term;
        self.control = Some(cx.connect(leader));
    }

    pub(super) fn register(&self, conn: ConnId, cx: &mut Cx<'_>) {
        let (incarnation, generation) = (cx.incarnation(), self.generation());
        // A job that has lost a connection for good does not run, whoever still believes it does.
        let running = self.job.as_ref().is_some_and(|job| job.running && job.links.intact());
        let _ = cx.write(conn, Message::Register { incarnation, generation, running });
    }
}
