//! A user's bolt at work: each tuple with the state of its key.

use alloc::boxed::Box;

use super::Failed;
use crate::component::Bolt;
use crate::ids::{KeyGroup, StreamId, TaskId};
use crate::message::Data;
use crate::observation::Observation;
use crate::state::{Key, KeyedState};
use crate::topology::{Component, Grouping};
use crate::tuple::Tuple;
use crate::value::Value;
use crate::worker::emitter::Emitter;
use crate::worker::inputs::Inputs;
use crate::worker::links::Env;
use crate::worker::outbox::Outbox;
use crate::worker::stateful::Stepping;
use crate::worker::states::States;

/// A user's bolt.
#[derive(Clone, Debug)]
pub(super) struct BoltTask {
    pub(super) bolt: Box<dyn Bolt>,
    pub(super) inputs: Inputs,
    pub(super) states: States,
    /// Where a key of several fields is put together.
    pub(super) key: Key,
}

impl BoltTask {
    /// Executes the tuples of a batch.
    pub(super) fn execute(
        &mut self,
        task: TaskId,
        component: &Component,
        data: &Data,
        outbox: &mut Outbox,
        mut stepping: Option<&mut Stepping>,
        env: &mut Env<'_, '_>,
    ) -> Result<(), Failed> {
        let cluster = env.cluster.clone();
        let emitter = cluster.topology.component_of(data.from);
        let generation = env.generation;
        let States { keyed, operator, .. } = &mut self.states;
        // The grouping of the input that the last tuple came on: a batch is mostly of one stream.
        let mut input: Option<(StreamId, &Grouping)> = None;
        for (head, values) in data.batch.iter() {
            let (root, child) = (head.root, head.child);
            let grouping = match input {
                Some((stream, grouping)) if stream == head.stream => grouping,
                _ => grouping_of(component, emitter, head.stream),
            };
            input = Some((head.stream, grouping));
            // Every task gets such a tuple: it has no key, and the same effect everywhere.
            let broadcast = matches!(grouping, Grouping::All);
            let mut state = keyed.as_mut().filter(|_| !broadcast);
            let group = state
                .as_deref_mut()
                .map(|state| select(state, head.hash, grouping, values, &mut self.key));
            let from = data.from;
            env.cx.observe(Observation::Executed { task, from, generation, root, child, group });
            let stream = &emitter.streams[usize::from(head.stream.0)];
            let (source, fields) = (emitter.id, &stream.fields);
            let tuple = Tuple { values, fields, source, stream: &stream.name, root };
            if stepping.is_some() {
                outbox.follow(head.tree);
            }
            let mut cx = Emitter {
                env,
                outbox,
                state,
                operator: operator.as_mut(),
                broadcast,
                component,
                task,
                root,
                parent: child,
                emitted: 0,
                used: 0,
                clock: None,
            };
            let outcome = self.bolt.execute(&tuple, &mut cx);
            let unused = cx.unused();
            if unused != 0 {
                env.cx.observe(Observation::Ended { task, generation, root, unused });
            }
            if outcome.is_err() {
                env.cx.observe(Observation::TaskFailed { task, generation });
                return Err(Failed);
            }
            if let Some(stepping) = &mut stepping {
                stepping.executed(head, from, outbox.edges());
            }
        }
        Ok(())
    }
}

/// Makes the key of a tuple the current one.
#[inline]
fn select(
    state: &mut KeyedState,
    hash: i32,
    grouping: &Grouping,
    values: &[Value],
    scratch: &mut Key,
) -> KeyGroup {
    let Grouping::Fields(fields) = grouping else {
        unreachable!("the builder checks that inputs of keyed components are fields-grouped")
    };
    if let [field] = *fields.as_slice() {
        return state.select(hash, core::slice::from_ref(&values[usize::from(field)]));
    }
    scratch.clear();
    scratch.extend(fields.iter().map(|at| values[usize::from(*at)].clone()));
    state.select(hash, scratch)
}

/// How a stream of an emitter is grouped on its way to a component.
fn grouping_of<'a>(
    component: &'a Component,
    emitter: &Component,
    stream: StreamId,
) -> &'a Grouping {
    let input = component.input(emitter.id, stream);
    &input.expect("only what a component subscribes to is sent to it").grouping
}
