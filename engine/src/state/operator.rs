//! The state of a task that belongs to no key: operator lists and broadcast maps.
//!
//! Canonical encoding: the number of cells as `u16`, then each cell's value; a cell never set is
//! null. Its fingerprint is `hash::fingerprint` of that encoding.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use stormglass_sim::payload::Payload;

use super::schema::{Mapping, StateName};
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
}

/// What falls to the `index`-th of `tasks` tasks of the states that other tasks wrote, in the order
/// of those tasks. As many as before keep what each had. Others are dealt the elements of lists one
/// by one, those of the first task first; the broadcast map is that of one part, for all are the
/// same (Flink's `RoundRobinOperatorStateRepartitioner`). A list of which nothing falls to a task
/// is as one never set. None if a part is no encoding of these states.
pub fn deal(parts: &[Payload], states: &[StateName], index: u16, tasks: u16) -> Option<Payload> {
    if parts.len() == usize::from(tasks) {
        return parts.get(usize::from(index)).cloned();
    }
    let rows: Vec<Vec<Value>> = parts.iter().map(decode_row).collect::<Option<_>>()?;
    if rows.is_empty() || rows.iter().any(|row| row.len() != states.len()) {
        return None;
    }
    let share = |(slot, state): (usize, &StateName)| {
        if state.kind == CellKind::Broadcast {
            return rows[usize::from(index) % rows.len()][slot].clone();
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
    let row: Vec<Value> = states.iter().enumerate().map(share).collect();
    let mut out = Vec::new();
    encode_values(&row, &mut out);
    Some(Payload::new(out))
}

fn decode(data: &Payload, mapping: &Mapping) -> Option<Vec<Value>> {
    let stored = decode_row(data)?;
    (stored.len() == mapping.stored()).then(|| mapping.apply(&stored))
}

fn decode_row(data: &Payload) -> Option<Vec<Value>> {
    let mut bytes = data.bytes();
    decode_values(&mut bytes).filter(|_| bytes.is_empty())
}
