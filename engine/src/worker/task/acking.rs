//! A task where acking takes the place of barriers.

use alloc::vec::Vec;

use super::{Failed, Role, Stage, Task};
use crate::ids::Root;
use crate::message::Deployment;
use crate::message::acking::{Ack, Offsets, Step};
use crate::snapshot::Snapshot;
use crate::worker::links::Env;
use crate::worker::restore::Reading;
use crate::worker::stateful::ask;
use crate::worker::token;

impl Task {
    /// Asks for its part of the state to restore: a source for its positions, a keyed bolt for its
    /// file. The others have none.
    pub(super) fn request_state(&mut self, deployment: &Deployment, env: &mut Env<'_, '_>) {
        match &self.role {
            Role::Source(_) => self.request_positions(env),
            Role::Bolt(_) | Role::Sink(_) => {
                let part = deployment
                    .restore
                    .as_ref()
                    .map(|(completed, _)| &completed.parts[usize::from(self.id.0) - 1]);
                match part.filter(|part| !part.files.is_empty()) {
                    Some(part) => self.stage = Stage::Reading(Reading::begin(self.id, part, env)),
                    None => self.has_state(deployment, env),
                }
            }
        }
    }

    fn request_positions(&self, env: &mut Env<'_, '_>) {
        let (positions, commit) = (Vec::new(), false);
        let component = env.cluster.topology.component_of(self.id).id;
        let (task, generation, lane) = (self.id, env.generation, env.lane(self.id));
        ask(Offsets { task, generation, component, positions, commit, lane }, env);
    }

    /// A keyed bolt's file came. False if it does not fit.
    pub(super) fn take_version(
        &mut self,
        snapshot: &Snapshot,
        deployment: &Deployment,
        env: &mut Env<'_, '_>,
    ) -> bool {
        let cluster = env.cluster.clone();
        let component = cluster.topology.component_of(self.id);
        let fits = match &mut self.role {
            Role::Bolt(bolt) => bolt.states.restore(snapshot, component, env),
            Role::Source(_) | Role::Sink(_) => false,
        };
        if fits {
            self.has_state(deployment, env);
        }
        fits
    }

    /// It has its state.
    pub(super) fn has_state(&mut self, deployment: &Deployment, env: &mut Env<'_, '_>) {
        let version = deployment.restore.as_ref().map(|(completed, _)| completed.checkpoint);
        if let (Role::Bolt(bolt), Some(stepping)) = (&mut self.role, &mut self.stepping)
            && !bolt.states.is_empty()
        {
            stepping.restored(&mut bolt.states, version, deployment.transaction, env);
        }
        self.become_ready(version, env);
    }

    /// The broker says which positions are durable.
    pub(in crate::worker) fn offsets(&mut self, offsets: &Offsets, env: &mut Env<'_, '_>) {
        let Role::Source(source) = &mut self.role else { return };
        if offsets.commit {
            if let Some(tracker) = &mut source.tracker {
                tracker.kept.clone_from(&offsets.positions);
            }
        } else if matches!(self.stage, Stage::Recovering) {
            let kept = |start: Root| {
                let of_it = offsets.positions.iter().find(|(p, _)| *p == start.partition());
                of_it.map_or(start, |(partition, offset)| Root::new(*partition, *offset))
            };
            let positions = source.beginning(env).into_iter().map(kept).collect();
            source.seek(positions);
            self.become_ready(self.restores, env);
        }
    }

    /// Sources begin to keep time.
    pub(super) fn start_acking(&mut self, env: &mut Env<'_, '_>) {
        let Some(acking) = env.cluster.recovery.acking() else { return };
        let Role::Source(_) = &self.role else { return };
        let (lane, generation) = (env.lane(self.id), env.generation);
        env.cx.set_timer(lane, acking.commit_interval, token::commit(self.id, generation));
        // One of an executor's tasks stands for all of them.
        if lane.0 == self.id.0 {
            env.cx.set_timer(lane, acking.message_timeout, token::tick(self.id, generation));
        }
    }

    /// Has its positions kept, if they have moved.
    pub(in crate::worker) fn commit_offsets(&mut self, env: &mut Env<'_, '_>) {
        let Some(acking) = env.cluster.recovery.acking() else { return };
        let Role::Source(source) = &mut self.role else { return };
        let Some(tracker) = &source.tracker else { return };
        let (lane, generation) = (env.lane(self.id), env.generation);
        env.cx.set_timer(lane, acking.commit_interval, token::commit(self.id, generation));
        let positions = tracker.pending.positions();
        if positions != tracker.kept && env.running {
            let (task, commit) = (self.id, true);
            let component = env.cluster.topology.component_of(task).id;
            ask(Offsets { task, generation, component, positions, commit, lane }, env);
        }
    }

    /// The time of its records makes a turn.
    pub(in crate::worker) fn turn(&mut self, env: &mut Env<'_, '_>) {
        if let Role::Source(source) = &mut self.role {
            source.turn(env);
            source.poll(self.outbox.is_stalled(), env);
        }
    }

    /// Its acker hears of tuples.
    pub(in crate::worker) fn acked(&mut self, acks: &[Ack], env: &mut Env<'_, '_>) {
        let Role::Source(source) = &mut self.role else { return };
        for ack in acks {
            let Some(tracker) = &mut source.tracker else { return };
            let (root, number) = (ack.root, ack.tree.number());
            let verdict = match ack.edges {
                Some(edges) => tracker.acker.ack(root, number, edges),
                None => tracker.acker.fail(root, number),
            };
            source.judged(root, number, verdict, env);
        }
        source.poll(self.outbox.is_stalled(), env);
    }

    /// A checkpoint tuple.
    pub(in crate::worker) fn step(
        &mut self,
        step: Step,
        env: &mut Env<'_, '_>,
    ) -> Result<(), Failed> {
        let Some(stepping) = &mut self.stepping else { return Ok(()) };
        let states = match &mut self.role {
            Role::Bolt(bolt) => Some(&mut bolt.states).filter(|states| !states.is_empty()),
            Role::Source(_) | Role::Sink(_) => None,
        };
        if stepping.step(step, states, &mut self.parts, &mut self.outbox, env) {
            self.wake(env);
            self.settle(env);
        }
        Ok(())
    }

    /// After a handler that may have emitted or acked.
    pub(in crate::worker) fn settle(&mut self, env: &mut Env<'_, '_>) {
        self.outbox.settle(env);
        if let Some(stepping) = &mut self.stepping {
            stepping.settle(env);
        }
    }

    /// Tells the ackers what was acked.
    pub(in crate::worker) fn flush_acks(&mut self, env: &mut Env<'_, '_>) {
        if let Some(stepping) = &mut self.stepping {
            stepping.flush(env);
        }
    }

    /// The broker is back: what it has not answered is asked again.
    pub(in crate::worker) fn broker_back(&mut self, env: &mut Env<'_, '_>) {
        let waits = matches!((&self.stage, &self.role), (Stage::Recovering, Role::Source(_)));
        if waits && env.cluster.recovery.acking().is_some() {
            self.request_positions(env);
        }
        self.poll(env);
    }
}
