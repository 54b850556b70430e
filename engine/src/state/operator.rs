//! The state of a task that belongs to no key: operator lists and broadcast maps.
//!
//! Canonical encoding: the number of cells as `u16`, then each cell's value; a cell never set is
//! null. Its fingerprint is `hash::fingerprint` of that encoding.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use stormglass_sim::payload::Payload;

use super::schema::Mapping;
use super::{decode_values, encode_values};
use crate::component::Cell;
use crate::component::state::CellKind;
use crate::value::Value;

#[cfg(test)]
mod tests;

/// The operator and broadcast state of one task.
#[derive(Clone, Debug)]
pub struct OperatorState {
    cells: Arc<[Cell]>,
    row: Vec<Value>,
    /// The encoding of `row`; none if it changed since it was made.
    encoded: Option<Payload>,
}

impl OperatorState {
    /// Empty state of these cells.
    pub fn new(cells: &[Cell]) -> Self {
        let row = vec![Value::Null; cells.len()];
        OperatorState { cells: cells.into(), row, encoded: None }
    }

    /// What is in a cell; none if it was never set.
    pub fn get(&self, slot: u16) -> Option<&Value> {
        self.row.get(usize::from(slot)).filter(|value| !matches!(value, Value::Null))
    }

    /// Hands out what is in a cell, to be changed in place.
    ///
    /// # Panics
    /// If the cell is not declared.
    pub fn update(&mut self, slot: u16, change: &mut dyn FnMut(&mut Value)) {
        let contents = self.row.get_mut(usize::from(slot));
        let contents = contents.unwrap_or_else(|| panic!("operator state {slot} is not declared"));
        self.encoded = None;
        change(contents);
    }

    /// Its encoding, which weighs what its cells weigh; shared while nothing changes.
    pub fn snapshot(&mut self) -> Payload {
        if let Some(encoded) = &self.encoded {
            return encoded.clone();
        }
        let mut out = Vec::new();
        encode_values(&self.row, &mut out);
        let encoded = Payload::new(out);
        let encoded = match self.cells.iter().any(|cell| cell.weight.is_some()) {
            true => {
                let sizes = self.cells.iter().zip(&self.row).map(|(cell, value)| cell.size(value));
                encoded.weighed(sizes.sum())
            }
            false => encoded,
        };
        self.encoded = Some(encoded.clone());
        encoded
    }

    /// Replaces all contents by a snapshot's.
    ///
    /// # Errors
    /// False if it is no encoding of as many cells as the mapping was made for.
    #[must_use]
    pub fn restore(&mut self, data: &Payload, mapping: &Mapping) -> bool {
        let Some(row) = decode(data, mapping) else { return false };
        (self.row, self.encoded) = (row, None);
        true
    }

    /// Replaces all contents by what falls to the `index`-th of `tasks` tasks of the parts that
    /// other tasks wrote, in the order of those tasks. Elements of lists are dealt out one by one
    /// in their order; broadcast maps are those of one part, for all are the same (Flink's
    /// `RoundRobinOperatorStateRepartitioner`).
    ///
    /// # Errors
    /// False if one is no encoding of as many cells as the mapping was made for.
    #[must_use]
    pub fn restore_share(
        &mut self,
        parts: &[Payload],
        mapping: &Mapping,
        index: u16,
        tasks: u16,
    ) -> bool {
        let rows: Option<Vec<Vec<Value>>> =
            parts.iter().map(|part| decode(part, mapping)).collect();
        let Some(rows) = rows else { return false };
        let share = |(slot, cell): (usize, &Cell)| {
            if cell.kind == CellKind::Broadcast {
                let part = rows.get(usize::from(index) % rows.len().max(1));
                return part.map_or(Value::Null, |row| row[slot].clone());
            }
            let all = rows.iter().filter_map(|row| match &row[slot] {
                Value::List(items) => Some(items.iter()),
                _ => None,
            });
            let mine = all.flatten().skip(usize::from(index)).step_by(usize::from(tasks.max(1)));
            match mine.cloned().collect::<Vec<Value>>() {
                none if none.is_empty() => Value::Null,
                mine => Value::List(Arc::new(mine)),
            }
        };
        self.row = self.cells.iter().enumerate().map(share).collect();
        self.encoded = None;
        true
    }
}

fn decode(data: &Payload, mapping: &Mapping) -> Option<Vec<Value>> {
    let mut bytes = data.bytes();
    let stored = decode_values(&mut bytes)?;
    (bytes.is_empty() && stored.len() == mapping.stored()).then(|| mapping.apply(&stored))
}
