//! The stream processor: topologies on a cluster that fails, with exactly-once effects.
//!
//! A [`Node`](node::Node) is one process of the cluster: coordinator, supervisor, worker, broker,
//! store or receiver. Each is a state machine without I/O that acts only through the
//! [`Context`](stormglass_sim::node::Context) of its host. The crate promises:
//!
//! * **Exactly once.** With checkpoints, every record takes effect once, in keyed state and in
//!   published output, through crashes, partitions, zombies and slow disks.
//! * **An attempt is part of every name.** Whatever crosses a failure (a file, an acknowledgement,
//!   a commit) carries its generation, and its attempt where a task is meant.
//! * **Decisions are pure.** What the coordinator decides is a function of facts, with table tests
//!   of its own; what it must not forget changes by replicated commands alone.
//! * **One story.** Processes tell what they do as [`Observation`](observation::Observation)s; they
//!   do not know who listens.
//!
//! **Invariant:** it does not know that it is being tested. Of the simulated world it imports the
//! vocabulary of nodes, time, hash and payload, and nothing else; a test holds it to that.
//!
//! # The modules, in reading order
//!
//! * What users write: [`value`] and [`tuple`](mod@tuple), what flows; [`component`], spouts and
//!   bolts; [`topology`], how they are wired.
//! * Names: [`ids`], the numbers that name things; [`names`], probes and planted bugs;
//!   [`observation`], what is told; [`message`], what processes say to each other.
//! * The way of data: [`log`], the input; [`broker`] serves it; [`java`] and [`grouping`], who gets
//!   a tuple; [`worker`] runs tasks: source, inputs, emitter, outbox, sink.
//! * At least once, instead of checkpoints: trees of tuples are acked, and stateful bolts commit,
//!   in the worker's `acking` and `stateful`; [`coordinator::checkpoint_spout`] leads them.
//! * The way of a checkpoint: [`barrier`], what begins it; [`state`], by key group; [`backend`],
//!   where it lies; [`snapshot`], its file; [`handle`], the file's name; [`pipeline`] brings it to
//!   several [`store`]s, which keep it; [`permit`], what only a completed checkpoint mints;
//!   [`receiver`] commits with it; [`origin`], the savepoint of another job.
//! * The way of a failure: [`coordinator`] suspects, decides and re-assigns; [`fence`] refuses what
//!   is old; [`supervisor`] restarts workers; [`replies`] wait for a way back; a [`misread`] file
//!   is read again; one that is to [`replace`] another takes its name when it is durable.
//! * The way of a question: [`query`] clients read the state of a key at its owner.
//! * The way of metadata: [`client`]s ask, [`raft`] replicates what the coordinators must not
//!   forget.
//! * Together: [`cluster`], who is where and how it is tuned; [`node`], any process of it.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod backend;
pub mod barrier;
pub mod broker;
pub mod client;
pub mod cluster;
pub mod component;
pub mod coordinator;
pub mod fence;
pub mod grouping;
pub mod handle;
pub mod ids;
pub mod java;
pub mod log;
pub mod message;
pub mod misread;
pub mod names;
pub mod node;
pub mod observation;
pub mod origin;
pub mod permit;
pub mod pipeline;
pub mod query;
pub mod raft;
pub mod receiver;
pub mod replace;
pub mod replies;
pub mod snapshot;
pub mod state;
pub mod store;
pub mod supervisor;
pub mod topology;
pub mod tuple;
pub mod value;
pub mod worker;
