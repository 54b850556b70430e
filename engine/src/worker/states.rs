//! The states of a bolt's task: of its keys, and of its own.

use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;

use crate::coordinator::metadata::Completed;
use crate::handle::FileRef;
use crate::ids::{CheckpointId, TaskId};
use crate::names::Twist;
use crate::observation::Observation;
use crate::snapshot::Snapshot;
use crate::state::KeyedState;
use crate::state::operator::OperatorState;
use crate::state::schema::{Mapping, RestoreError, StateName};
use crate::topology::{Component, Topology};

use super::links::Env;

mod backing;
pub(super) mod local;

use backing::Backing;

/// What a task of a bolt has of each scope; none where it declares nothing.
#[derive(Clone, Debug)]
pub(super) struct States {
    pub(super) keyed: Option<KeyedState>,
    pub(super) operator: Option<OperatorState>,
    /// What keyed state has besides the heap.
    backing: Backing,
}

impl States {
    /// Empty states of a component's task.
    pub(super) fn new(topology: &Topology, component: &Component, task: TaskId) -> Self {
        let keyed = component.is_keyed().then(|| {
            let index = task.0 - component.first_task.0;
            let groups = topology.key_groups(index, component.parallelism);
            let (all, cells) = (topology.max_parallelism(), &component.cells);
            KeyedState::new(groups, all, cells.len() as u16).weighing(cells)
        });
        let cells = &component.operator_cells;
        let operator = (!cells.is_empty()).then(|| OperatorState::new(cells));
        States { keyed, operator, backing: Backing::default() }
    }

    /// Keyed state alone.
    #[cfg(test)]
    pub(super) fn of(keyed: KeyedState) -> Self {
        States { keyed: Some(keyed), operator: None, backing: Backing::default() }
    }

    /// Whether the component declares none.
    pub(super) fn is_empty(&self) -> bool {
        self.keyed.is_none() && self.operator.is_none()
    }

    /// A fingerprint of all of them.
    pub(super) fn print(&mut self) -> u64 {
        let mut mixer = Mixer::new();
        for part in self.keyed.iter_mut().flat_map(KeyedState::snapshot) {
            let name = u64::from(part.group.0) << 32 | u64::from(part.keys);
            mixer.pair(name, part.data.fingerprint());
        }
        if let Some(operator) = &mut self.operator {
            mixer.word(operator.snapshot().fingerprint());
        }
        mixer.finish64()
    }

    /// Takes its states from a snapshot. False if that is damaged or another task's.
    ///
    /// # Panics
    /// If the snapshot's states do not fit the declared ones: no new attempt could mend that.
    #[must_use]
    pub(super) fn restore(
        &mut self,
        snapshot: &Snapshot,
        component: &Component,
        env: &mut Env<'_, '_>,
    ) -> bool {
        let (keyed, operator) = match mappings(&snapshot.states, component) {
            Ok(mappings) => mappings,
            Err(refusal) => panic!("component `{}` cannot be restored: {refusal}", component.name),
        };
        let mut groups = snapshot.groups.iter();
        let fits = match &mut self.keyed {
            Some(state) => groups.all(|group| state.restore_mapped(group, &keyed)),
            None => snapshot.groups.is_empty(),
        };
        if !fits || env.cx.twist(Twist::OperatorStateLost) {
            return fits;
        }
        match (&mut self.operator, &snapshot.operator) {
            (Some(state), Some(data)) => state.restore(data, &operator),
            (_, None) => true,
            (None, Some(_)) => operator.stored() == 0,
        }
    }

    /// Begins to keep its keyed state besides the heap, too: it starts with that of a checkpoint,
    /// or with none.
    pub(super) fn begin(
        &mut self,
        task: TaskId,
        restored: Option<(&Completed, &Snapshot)>,
        env: &mut Env<'_, '_>,
    ) {
        let Some(state) = &mut self.keyed else { return };
        // Rows that were brought to a new version are not what any file holds.
        let declared = declared(env.cluster.topology.component_of(task));
        let restored = restored.filter(|(_, snapshot)| snapshot.states == declared);
        self.backing = Backing::begin(task, state, restored, env);
    }

    /// A batch was executed.
    #[inline]
    pub(super) fn executed(&mut self, env: &mut Env<'_, '_>) {
        if let Some(state) = &mut self.keyed {
            self.backing.executed(state, env);
        }
    }

    /// Puts its states into a snapshot, and tells of them.
    pub(super) fn cut(
        &mut self,
        task: TaskId,
        checkpoint: CheckpointId,
        snapshot: &mut Snapshot,
        env: &mut Env<'_, '_>,
    ) {
        let (cluster, generation) = (env.cluster.clone(), env.generation);
        let component = cluster.topology.component_of(task);
        snapshot.states = declared(component);
        snapshot.operator = self.operator.as_mut().map(OperatorState::snapshot);
        if let Some(state) = &mut self.keyed {
            self.backing.cut(checkpoint, state, snapshot, env);
        }
        for part in &snapshot.groups {
            let (group, keys, print) = (part.group, part.keys, part.data.fingerprint());
            env.cx.observe(Observation::GroupCut {
                task,
                generation,
                checkpoint,
                group,
                keys,
                print,
            });
        }
        if let Some(data) = &snapshot.operator {
            let print = data.fingerprint();
            env.cx.observe(Observation::OperatorCut { task, generation, checkpoint, print });
        }
    }

    /// Leaves only what has changed since a checkpoint, of which this attempt may have made these
    /// files.
    pub(super) fn reduce(
        &mut self,
        base: CheckpointId,
        files: Option<&[FileRef]>,
        snapshot: &mut Snapshot,
        env: &mut Env<'_, '_>,
    ) {
        if let Some(state) = &self.keyed {
            self.backing.reduce(base, files, state, snapshot, env);
        }
    }
}

/// The states that a component declares, keyed ones first.
fn declared(component: &Component) -> Vec<StateName> {
    component.cells.iter().chain(&component.operator_cells).map(StateName::of).collect()
}

/// How a snapshot's keyed and operator states fit the declared ones.
fn mappings(
    stored: &[StateName],
    component: &Component,
) -> Result<(Mapping, Mapping), RestoreError> {
    let first = stored.iter().position(|state| !state.kind.is_keyed()).unwrap_or(stored.len());
    let (keyed, operator) = stored.split_at(first);
    Ok((Mapping::new(&component.cells, keyed)?, Mapping::new(&component.operator_cells, operator)?))
}
