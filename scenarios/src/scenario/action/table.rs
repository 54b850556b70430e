//! The table of actions: what there is, to be said in one place.
//!
//! An entry is
//!
//! ```text
//! /// What it does.
//! Variant = "name" on Scope {
//!     /// Whom it strikes.
//!     who;
//!     /// A quantity or choice.
//!     field "key": Kind = what_it_is_if_left_out,
//! } says " and its words after the name, with {field} in them",
//! ```
//!
//! Kinds are those of [`field`](super::field). The order of entries is that of lists, the order of
//! fields that of plans; that order, names and keys are kept once they are out, for people's
//! scenarios and cases hold them, and the draws of a plan hang on how a fault is written. Of a
//! field that is added to an entry that is out, plans keep nothing while it is left out
//! (`#[serde(default, skip_serializing_if = "..")]`).
//!
//! In reading order: `processes` (and machines), `network`, `disks`, `clocks` (and memory),
//! `broker`. Each hands on to the next what it was given and its own.

mod broker;
mod clocks;
mod disks;
mod network;
mod processes;

pub(crate) use broker::broker;
pub(crate) use clocks::clocks;
pub(crate) use disks::disks;
pub(crate) use network::network;
pub(crate) use processes::processes;

/// What the entries are written with: to be in scope where the table is unfolded.
pub(in crate::scenario) mod vocabulary {
    pub(in crate::scenario) use super::super::field::{
        Down, Each, End, Field, Lasting, Maybe, MaybeEnd, Plain, Symmetric,
    };
    pub(in crate::scenario) use super::super::words::{
        Among, Breakage, Domain, Leaves, Shape, Site, Thaw, Ways,
    };
    pub(in crate::scenario) use crate::units::{Bandwidth, Between, Drift, Share, Size, Step};
}

/// Hands the table to a macro.
macro_rules! actions {
    ($macro:ident) => {
        $crate::scenario::action::table::processes! { $macro }
    };
}
pub(in crate::scenario) use actions;
