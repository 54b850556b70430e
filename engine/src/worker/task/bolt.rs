//! A user's bolt at work: each tuple with the state of its key.

use alloc::boxed::Box;

use super::Failed;
use crate::component::Bolt;
use crate::ids::{KeyGroup, TaskId};
use crate::message::Data;
use crate::observation::Observation;
use crate::state::{Key, KeyedState};
use crate::topology::{Component, Grouping};
use crate::tuple::{Head, Tuple};
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
        for (head, values) in data.batch.iter() {
            let (root, child) = (head.root, head.child);
            let States { keyed, operator, .. } = &mut self.states;
            let mut state = keyed.as_mut();
            let mut broadcast = false;
            if state.is_some() || operator.is_some() {
                broadcast = is_broadcast(component, emitter, head);
                state = state.filter(|_| !broadcast);
            }
            let group = state.as_deref_mut().map(|state| {
                let fields = key_fields(component, emitter, head);
                select(state, head.hash, fields, values, &mut self.key)
            });
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
    fields: &[u16],
    values: &[Value],
    scratch: &mut Key,
) -> KeyGroup {
    if let [field] = *fields {
        return state.select(hash, core::slice::from_ref(&values[usize::from(field)]));
    }
    scratch.clear();
    scratch.extend(fields.iter().map(|at| values[usize::from(*at)].clone()));
    state.select(hash, scratch)
}

/// The positions of the grouping fields by which a tuple reached a keyed component.
fn key_fields<'a>(component: &'a Component, emitter: &Component, head: &Head) -> &'a [u16] {
    match component.input(emitter.id, head.stream).map(|input| &input.grouping) {
        Some(Grouping::Fields(at)) => at,
        _ => unreachable!("the builder checks that inputs of keyed components are fields-grouped"),
    }
}

/// Whether a tuple came over an input that every task gets: it has no key, and the same effect
/// everywhere.
fn is_broadcast(component: &Component, emitter: &Component, head: &Head) -> bool {
    let input = component.input(emitter.id, head.stream);
    input.is_some_and(|input| matches!(input.grouping, Grouping::All))
}
