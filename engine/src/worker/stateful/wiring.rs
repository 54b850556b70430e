//! How a worker's messages and timers reach the trees and transactions of its tasks.

use alloc::sync::Arc;

use crate::ids::TaskId;
use crate::message::Message;
use crate::message::acking::{Offsets, Step};
use crate::names::Twist;
use crate::node::Cx;
use crate::worker::Worker;
use crate::worker::links::Env;
use crate::worker::task::Task;
use crate::worker::token::{self, Token};

impl Worker {
    /// A message about trees, transactions or positions.
    pub(in crate::worker) fn stateful_message(&mut self, message: Message, cx: &mut Cx<'_>) {
        match message {
            // From the checkpoint spout it names no task: all that read from spouts take it.
            Message::Step(step) if step.to == TaskId::BROKER => {
                let Some(job) = self.job.as_ref().filter(|job| job.generation == step.generation)
                else {
                    return;
                };
                let assignment = job.deployment.assignment.clone();
                self.post_to_tasks(step.generation, cx, |to| {
                    let lane = assignment.lane_of(to);
                    Message::Step(Step { to, lane, ..step })
                });
            }
            Message::Step(step) => {
                self.with_task(step.to, step.generation, cx, |task, env| task.step(step, env));
            }
            Message::Acks(acks) => {
                self.with_task(acks.to, acks.generation, cx, |task, env| {
                    task.acked(&acks.acks, env);
                    Ok(())
                });
            }
            Message::Offsets(offsets) => {
                self.with_task(offsets.task, offsets.generation, cx, |task, env| {
                    task.offsets(&offsets, env);
                    Ok(())
                });
                self.report_if_deployed(cx);
            }
            other => self.file_message(other, cx),
        }
    }

    /// A timer of acking.
    pub(in crate::worker) fn stateful_timer(&mut self, token: Token, cx: &mut Cx<'_>) {
        match token {
            Token::Acks(task, generation) => {
                self.with_task(task, generation, cx, |task, env| {
                    task.flush_acks(env);
                    Ok(())
                });
            }
            Token::Commit(task, generation) => {
                self.with_task(task, generation, cx, |task, env| {
                    task.commit_offsets(env);
                    Ok(())
                });
            }
            Token::Tick(executor, generation) if generation == self.generation() => {
                self.with_tasks(cx, |tasks, env| {
                    tick(executor, tasks, env);
                    Ok(())
                });
            }
            _ => {}
        }
    }
}

/// An executor's tick: each of its source tasks makes one turn.
pub(in crate::worker) fn tick(executor: TaskId, tasks: &mut [Task], env: &mut Env<'_, '_>) {
    let lane = env.lane(executor);
    let mine = |task: &Task, env: &Env<'_, '_>| env.lane(task.id) == lane;
    let sources = tasks.iter().filter(|task| mine(task, env)).count();
    // Storm delivered the tick to each task of the executor, and the executor's handler turned
    // the timers of all of them each time.
    let turns = if sources > 1 && env.cx.twist(Twist::TickPerTask) { sources } else { 1 };
    for task in tasks.iter_mut() {
        if mine(task, env) {
            (0..turns).for_each(|_| task.turn(env));
        }
    }
    if let Some(acking) = env.cluster.recovery.acking() {
        let token = token::tick(executor, env.generation);
        env.cx.set_timer(lane, acking.message_timeout, token);
    }
}

/// A source asks the broker for its positions, or has them kept.
pub(in crate::worker) fn ask(offsets: Offsets, env: &mut Env<'_, '_>) {
    env.links.broker.send(Message::CommitOffsets(Arc::new(offsets)), env.cx);
}
