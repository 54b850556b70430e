//! Shapes of partitions, as links to cut: pure functions over lists of machines.
//!
//! Where only some members are on one side, the order of the list decides which: whoever wants
//! others shuffles it first.

use alloc::vec::Vec;

use super::Links;
use crate::node::MachineId;

#[cfg(test)]
mod tests;

type Pairs = Vec<(MachineId, MachineId)>;

fn across(from: &[MachineId], to: &[MachineId]) -> Pairs {
    let mut pairs: Pairs =
        from.iter().flat_map(|one| to.iter().map(move |other| (*one, *other))).collect();
    pairs.retain(|(one, other)| one != other);
    pairs
}

/// Nothing passes from any of `from` to any of `to`; the way back is open.
pub fn one_way(from: &[MachineId], to: &[MachineId]) -> Links {
    Links::Pairs(across(from, to))
}

/// Nothing passes between the two sides; within each, everything does.
pub fn symmetric(one: &[MachineId], other: &[MachineId]) -> Links {
    let mut pairs = across(one, other);
    pairs.extend(across(other, one));
    Links::Pairs(pairs)
}

/// One machine and all others do not see each other.
pub fn isolate(machine: MachineId, all: &[MachineId]) -> Links {
    symmetric(&[machine], all)
}

/// The first of the list, the largest minority that there is, against the rest.
pub fn minority(all: &[MachineId]) -> Links {
    let (few, many) = all.split_at(all.len().saturating_sub(1) / 2);
    symmetric(few, many)
}

/// Two halves that see each other only through `bridge`, which sees both: a partial partition.
/// The bridge itself may be named in either half.
pub fn bridge(one: &[MachineId], bridge: MachineId, other: &[MachineId]) -> Links {
    let Links::Pairs(mut pairs) = symmetric(one, other) else { unreachable!("it lists pairs") };
    pairs.retain(|(from, to)| *from != bridge && *to != bridge);
    Links::Pairs(pairs)
}

/// Each machine hears a majority (itself included), and no two the same: its neighbours on the
/// ring that the list is. For an odd majority sight is mutual; for an even one each also hears one
/// more successor. Fewer than three machines have no such partition, and nothing is cut.
pub fn majorities_ring(all: &[MachineId]) -> Links {
    let (count, majority) = (all.len(), all.len() / 2 + 1);
    let mut pairs = Pairs::new();
    for (at, to) in all.iter().enumerate() {
        for (place, from) in all.iter().enumerate() {
            let ahead = (place + count - at) % count;
            let heard = ahead <= majority / 2 || count - ahead <= (majority - 1) / 2;
            if !heard {
                pairs.push((*from, *to));
            }
        }
    }
    Links::Pairs(pairs)
}
