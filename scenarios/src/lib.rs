//! What is done to the engine, and how it is judged: scenarios, fault plans, runs and verdicts.
//!
//! ```
//! use std::sync::Arc;
//! use stormglass_scenarios::run::Setup;
//! use stormglass_scenarios::{catalog, topologies::Registry};
//!
//! let scenario = Arc::new(catalog::load("word-count", &["input.words.count=5000"]).unwrap());
//! let setup = Setup::new(&scenario, &Registry::default(), &catalog::file, 7).unwrap();
//! let outcome = setup.run();
//! assert_eq!(outcome.verdict.name(), "holds");
//! ```
//!
//! The crate promises:
//!
//! * **A run is a pure function** of scenario, seed and plan; whether anybody asks for its story
//!   never changes it.
//! * **A run is a value.** World, plan and judges together can be cloned, forked and sent between
//!   any two events.
//! * **Faults are data.** What a seed drew can be printed, edited and replayed; a trigger strikes
//!   at the very observation that fired it.
//! * **The judge shares no code with the judged**, but the traits, the values and the user's bolts.
//!
//! **Invariant:** it never prints and never reads the machine's clock or files; whoever calls hands
//! in a loader. Threads live in [`campaign`] alone.
//!
//! # The modules, in reading order
//!
//! * What people write: [`scenario`] in TOML or Rust; [`units`], its numbers; [`problem`], what a
//!   mistake is answered with; [`catalog`], what is shipped; [`topologies`], by name.
//! * What a seed makes of it: [`input`], the records; [`plan`], the faults; [`budget`], which of
//!   them must be survived.
//! * One run: [`run`] drives it; [`places`] says who is where; `story` listens, and hands on to
//!   [`judge`] (the laws) and `metrics` (recoveries, flow); [`outcome`] is what comes back, and
//!   [`chronicle`] what was written down meanwhile, if anybody asked.
//! * One run after the other: [`savepoint`], taken or retained by one and restored by the next.
//! * Many runs: [`campaign`]; [`coverage`], what they could have seen; [`signature`], what failures
//!   have in common; [`explore`], forks of those that show something new; [`bugs`], planted and
//!   hunted; [`sweep`], over a grid of settings.
//! * One run kept: [`case`], it as a file; [`shrink`], the smallest that fails for the same
//!   reason; [`explain`], why it failed; [`regression`], one that must not fail again.

pub mod budget;
pub mod bugs;
pub mod campaign;
pub mod case;
pub mod catalog;
pub mod chronicle;
pub mod coverage;
pub mod explain;
pub mod explore;
pub mod input;
pub mod judge;
mod metrics;
pub mod outcome;
pub mod places;
pub mod plan;
pub mod problem;
pub mod regression;
pub mod run;
pub mod savepoint;
pub mod scenario;
pub mod shrink;
pub mod signature;
mod story;
pub mod sweep;
pub mod topologies;
pub mod units;
