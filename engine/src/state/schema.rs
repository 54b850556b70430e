//! What a snapshot says of the states in it, and how it fits what a bolt declares.
//!
//! A state is known by its name. One of the declared name, kind and version is restored as it is;
//! an older version through a migration that its descriptor registers; a declared state of which
//! the snapshot says nothing starts empty. Everything else is refused with what does not fit: a
//! state that is dropped or misread in silence is lost (Flink refuses a savepoint whose state none
//! claims, unless told to drop it, and a serializer that does not fit).

use alloc::vec::Vec;
use core::fmt;

use smol_str::SmolStr;

use crate::component::Cell;
use crate::component::state::{CellKind, Change};
use crate::snapshot::{Reader, put};
use crate::value::Value;

#[cfg(test)]
mod tests;

/// What a snapshot says of one state. Those of each scope come in the order of their slots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateName {
    /// Its name.
    pub name: SmolStr,
    /// What it is.
    pub kind: CellKind,
    /// The version of its contents.
    pub version: u16,
    /// Whether times of writing lie in its contents.
    pub expires: bool,
}

/// Why a state cannot be restored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RestoreError {
    /// The checkpoint holds a state that the bolt does not declare.
    Undeclared {
        /// Its name.
        name: SmolStr,
        /// Its version.
        version: u16,
    },
    /// The versions differ, and no migration leads from the one to the other.
    Version {
        /// The state.
        name: SmolStr,
        /// The version in the checkpoint.
        stored: u16,
        /// The version that the bolt declares.
        declared: u16,
    },
    /// The kinds differ.
    Kind {
        /// The state.
        name: SmolStr,
        /// The kind in the checkpoint.
        stored: CellKind,
        /// The kind that the bolt declares.
        declared: CellKind,
    },
    /// One has a time-to-live, the other has not.
    Expiry {
        /// The state.
        name: SmolStr,
        /// Whether that in the checkpoint has.
        stored: bool,
    },
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RestoreError::Undeclared { name, version } => write!(
                f,
                "the checkpoint holds state `{name}` (version {version}), which the bolt does not \
                 declare: declare it, or migrate it away before"
            ),
            RestoreError::Version { name, stored, declared } => write!(
                f,
                "state `{name}` has version {stored} in the checkpoint and version {declared} in \
                 the bolt, which registers no migration from {stored}"
            ),
            RestoreError::Kind { name, stored, declared } => {
                write!(
                    f,
                    "state `{name}` is {stored} state in the checkpoint and {declared} state"
                )?;
                f.write_str(" in the bolt: give the new one another name")
            }
            RestoreError::Expiry { name, stored } => {
                let (checkpoint, bolt) = if *stored { ("a", "no") } else { ("no", "a") };
                write!(
                    f,
                    "state `{name}` has {checkpoint} time-to-live in the checkpoint and {bolt} \
                     time-to-live in the bolt: give the new one another name"
                )
            }
        }
    }
}

impl StateName {
    /// What a snapshot says of a declared cell.
    pub fn of(cell: &Cell) -> Self {
        let (name, expires) = (SmolStr::new_static(cell.name), cell.ttl.is_some());
        StateName { name, kind: cell.kind, version: cell.version, expires }
    }

    /// Appends its bytes: kind and expiry, version, name.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.kind as u8, u8::from(self.expires)]);
        out.extend_from_slice(&self.version.to_le_bytes());
        put(out, self.name.len() as u32);
        out.extend_from_slice(self.name.as_bytes());
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let &[kind, expires] = reader.take(2)? else { return None };
        let (version, len) = (reader.u16()?, reader.u32()? as usize);
        let name = SmolStr::new(core::str::from_utf8(reader.take(len)?).ok()?);
        let kind = *CellKind::ALL.get(usize::from(kind))?;
        (expires < 2).then_some(StateName { name, kind, version, expires: expires == 1 })
    }
}

/// Where each declared cell of one scope comes from.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// By declared slot: the stored slot, and what becomes of its contents.
    from: Vec<Option<(usize, Option<Change>)>>,
    cells: Vec<Cell>,
    stored: usize,
}

impl Mapping {
    /// How the states of one scope that a snapshot holds fit the declared ones.
    ///
    /// # Errors
    /// The first state that does not fit.
    pub fn new(declared: &[Cell], stored: &[StateName]) -> Result<Self, RestoreError> {
        let mut from = alloc::vec![None; declared.len()];
        for (at, state) in stored.iter().enumerate() {
            let Some(slot) = declared.iter().position(|cell| cell.name == state.name) else {
                let (name, version) = (state.name.clone(), state.version);
                return Err(RestoreError::Undeclared { name, version });
            };
            from[slot] = Some((at, fits(&declared[slot], state)?));
        }
        Ok(Mapping { from, cells: declared.to_vec(), stored: stored.len() })
    }

    /// Whether rows can be taken as they are.
    pub fn is_identity(&self) -> bool {
        let same =
            |(slot, from): (usize, &Option<_>)| matches!(from, Some((at, None)) if *at == slot);
        self.stored == self.from.len() && self.from.iter().enumerate().all(same)
    }

    /// Cells in a stored row.
    pub fn stored(&self) -> usize {
        self.stored
    }

    /// A stored row as the bolt declares it.
    pub fn apply(&self, stored: &[Value]) -> Vec<Value> {
        let cells = self.from.iter().zip(&self.cells).map(|(from, cell)| {
            let Some((at, change)) = from else { return Value::Null };
            let contents = stored.get(*at).cloned().unwrap_or(Value::Null);
            match change {
                Some(change) => cell.migrate(contents, *change),
                None => contents,
            }
        });
        cells.collect()
    }
}

/// What becomes of the contents of a stored state; none if they stay.
fn fits(cell: &Cell, state: &StateName) -> Result<Option<Change>, RestoreError> {
    let name = state.name.clone();
    if cell.kind != state.kind {
        return Err(RestoreError::Kind { name, stored: state.kind, declared: cell.kind });
    }
    if cell.ttl.is_some() != state.expires {
        return Err(RestoreError::Expiry { name, stored: state.expires });
    }
    if cell.version == state.version {
        return Ok(None);
    }
    let migration = cell.migrations.iter().find(|migration| migration.from == state.version);
    let (stored, declared) = (state.version, cell.version);
    let migration = migration.ok_or(RestoreError::Version { name, stored, declared })?;
    Ok(Some(migration.change))
}
