//! What stores say to a worker, and what becomes of it.

use super::Worker;
use super::links::Env;
use super::stores::Done;
use super::task::Task;
use crate::ids::CheckpointId;
use crate::message::Message;
use crate::node::Cx;
use crate::permit::CommitPermit;

impl Worker {
    /// Takes an answer of a store.
    pub(super) fn file_message(&mut self, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::GetDone { task, generation, id, packet, packets, data } => {
                let Some(job) = &self.job else { return };
                let deployment = job.deployment.clone();
                let permit = self.restored_permit();
                self.with_task(task, generation, cx, |task, env| {
                    if !task.read(id, (packet, packets), data, &deployment, env) {
                        let checkpoint = permit.map(CommitPermit::checkpoint);
                        unreadable(task, checkpoint, env);
                    }
                    Ok(())
                });
                self.report_if_deployed(cx);
            }
            Message::PutTaken { id, pipeline, packets } => {
                self.with_task(id.task, id.generation, cx, |_, env| {
                    env.links.stores.taken(id, pipeline, packets, env.cx);
                    Ok(())
                });
            }
            Message::PutDone { id, pipeline, durable, stores } => {
                self.with_task(id.task, id.generation, cx, |task, env| {
                    match env.links.stores.done(id, pipeline, durable, stores, env.cx) {
                        Done::Durable => task.parts.stored(id, stores, env),
                        Done::Failed => task.parts.failed(id, env),
                        Done::Waiting => {}
                    }
                    Ok(())
                });
            }
            _ => {}
        }
    }

    /// The connection to a store is gone.
    pub(super) fn store_lost(&mut self, store: u16, cx: &mut Cx<'_>) {
        let restored = self.restored_permit().map(CommitPermit::checkpoint);
        self.with_tasks(cx, |tasks, env| {
            env.links.stores.lost(store, env.cx);
            tasks.iter_mut().for_each(|task| task.store_lost(store, restored, env));
            Ok(())
        });
    }
}

/// Says that what a task must restore cannot be read: for certain, or as far as it can tell now.
fn unreadable(task: &Task, checkpoint: Option<CheckpointId>, env: &mut Env<'_, '_>) {
    match checkpoint.filter(|_| task.is_lost()) {
        Some(checkpoint) => {
            let (generation, task) = (env.generation, task.id);
            env.tell_coordinator(Message::Unreadable { checkpoint, generation, task });
        }
        None => {
            let store = env.cluster.stores[0];
            env.broken(store, None);
        }
    }
}
