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
//! fields that of plans; both, names and keys are kept once they are out, for people's scenarios
//! and cases hold them, and the draws of a plan hang on how a fault is written.

/// What the entries are written with: to be in scope where the table is unfolded.
pub(in crate::scenario) mod vocabulary {
    pub(in crate::scenario) use super::super::Ways;
    pub(in crate::scenario) use super::super::field::{
        Down, Each, End, Field, Lasting, Plain, Symmetric,
    };
    pub(in crate::scenario) use crate::units::{Between, Drift, Step};
}

/// Hands the table to a macro.
macro_rules! actions {
    ($macro:ident) => {
        $macro! {
            /// A process dies; its machine and what it wrote to the page cache survive.
            Crash = "crash" on Process {
                /// The process: "worker", "worker-2", "worker-of:count", "leader", "follower", "it", ...
                who;
                /// Started again after this long; left out for a worker, which its supervisor restarts.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                down "down": Down,
            } says "{down}",
            /// A machine dies with all its processes and loses what was not synced.
            CrashMachine = "crash-machine" on Machine {
                /// A process on the machine.
                who;
                /// Back after this long.
                down "down": Lasting,
            } says ", down {down}",
            /// A machine is cut from every other one.
            Isolate = "isolate" on Card {
                /// A process on the machine.
                who;
                /// For how long.
                lasting "for": Lasting,
                /// "out": nothing that it sends arrives; "in": nothing arrives at it. Default "both".
                #[serde(default, skip_serializing_if = "Ways::is_both")]
                ways "ways": Plain<Ways> = Ways::Both,
            } says "{ways} for {lasting}",
            /// The link between two machines is cut.
            Cut = "cut" on Link {
                /// The sending end.
                from;
                /// The receiving end.
                to "to": End,
                /// For how long.
                lasting "for": Lasting,
                /// Whether the other direction is cut as well. Default true.
                symmetric "symmetric": Symmetric = true,
            } says " from {to}{symmetric} for {lasting}",
            /// The link from one machine to another takes longer; its other direction does not.
            SlowLink = "slow-link" on Link {
                /// The sending end.
                from;
                /// The receiving end.
                to "to": End,
                /// By how much.
                extra "extra": Each<Span>,
                /// For how long.
                lasting "for": Lasting,
            } says " to {to} by {extra} for {lasting}",
            /// Every operation of a machine's disk takes longer.
            SlowDisk = "slow-disk" on Disk {
                /// A process on the machine.
                who;
                /// How many times as long: a number or a range such as "100..300".
                factor "factor": Each<u32>,
                /// For how long.
                lasting "for": Lasting,
            } says " x{factor} for {lasting}",
            /// A bit of a checkpoint's file flips on a store's disk.
            Rot = "rot" on Disk {
                /// The store.
                who;
                /// Which of its files, the oldest first, counted round from 0: a number or a range.
                /// Default any of them.
                file "file": Each<u32> = Between::ANY,
                /// Which of the file's bits, counted round from 0. Default any of them.
                bit "bit": Each<u32> = Between::ANY,
            } says "",
            /// A store's disk is empty.
            Wipe = "wipe" on Disk {
                /// The store.
                who;
            } says "",
            /// A process stops and goes on later as if nothing had happened.
            Pause = "pause" on Process {
                /// The process.
                who;
                /// For how long.
                lasting "for": Lasting,
            } says " for {lasting}",
            /// A machine's clocks run faster or slower than true time; they never jump.
            DriftClock = "drift-clock" on Clock {
                /// A process on the machine.
                who;
                /// By how much: "10%", "-10%" or a range such as "-10%..10%".
                by "by": Each<Drift>,
                /// Until they run as usual.
                lasting "for": Lasting,
            } says " {by} for {lasting}",
            /// A machine's wall clock jumps; its monotonic clock does not.
            StepClock = "step-clock" on Clock {
                /// A process on the machine.
                who;
                /// How far: "10s", "-10s" or a range such as "-10s..10s".
                by "by": Each<Step>,
            } says " {by}",
        }
    };
}
pub(in crate::scenario) use actions;
