//! A deterministic world for sans-I/O protocols.
//!
//! A [`Process`](node::Process) reacts to events and acts only through its
//! [`Context`](node::Context); a [`World`](world::World) hosts many of them on simulated machines.
//! The world promises:
//!
//! * **A run is a pure function** of its seed, what is booted and what is injected when: the same
//!   trace and [`Digest`](hash::Digest) on any machine, in debug and release.
//! * **A run is a value.** A world can be cloned between any two events; both go on alike. A
//!   [`fork`](world::World::fork) shares the past and has a future of its own.
//! * **Faults strike exactly.** Effects leave a handler at their instants; a crash loses what had
//!   not left, a power loss leaves the disk as it was at that instant, a cut meets what is in
//!   flight.
//! * **Draws are keyed** by purpose, owner and number: one more or fewer disturbs no other.
//! * **It costs what it does.** No ticks, no event for finished work nor for transport
//!   acknowledgements, no memory for what was delivered or cancelled.
//!
//! It does not know what a stream is, nor any protocol but its own.
//!
//! # A protocol in a page
//!
//! A counter that survives a power loss: a client repeats "add one" until it is acknowledged; the
//! server acknowledges when the new count is durable, and reads it from its disk when it starts.
//!
//! ```
//! use stormglass_sim::fault::Fault;
//! use stormglass_sim::hash::Mixer;
//! use stormglass_sim::machine::MachineSpec;
//! use stormglass_sim::net::NetworkSpec;
//! use stormglass_sim::node::*;
//! use stormglass_sim::payload::Payload;
//! use stormglass_sim::time::{Instant, Span};
//! use stormglass_sim::world::{Ended, World};
//!
//! const SERVER: NodeId = NodeId::new(0, 80);
//! const CLIENT: NodeId = NodeId::new(1, 0);
//!
//! /// "Make it n", and "it is n".
//! #[derive(Clone, Debug)]
//! struct Count(u64);
//! impl Message for Count {
//!     fn wire_size(&self) -> u64 { 32 }
//!     fn digest(&self, into: &mut Mixer) { into.word(self.0) }
//! }
//! #[derive(Clone, Debug)]
//! struct Acknowledged(u64);
//! impl Observation for Acknowledged {
//!     fn digest(&self, into: &mut Mixer) { into.word(self.0) }
//! }
//!
//! #[derive(Clone, Debug)]
//! enum Counter {
//!     Server { count: u64, ready: bool, waiting: Vec<(DiskTicket, NodeId, u64)> },
//!     Client { acknowledged: u64 },
//! }
//!
//! impl Process for Counter {
//!     type Message = Count;
//!     type Observation = Acknowledged;
//!     type Probe = NoName;
//!     type Twist = NoName;
//!     type Site = NoName;
//!
//!     fn on_event(&mut self, lane: Lane, event: Event<Count>, cx: &mut dyn Context<Self>) {
//!         match (self, event) {
//!             (Counter::Server { .. }, Event::Start) => {
//!                 cx.disk(lane, DiskOp::Read { file: "count".into() });
//!             }
//!             (Counter::Server { count, ready, waiting }, Event::Disk { ticket, result }) => {
//!                 if let Ok(DiskReply::Data(data)) = &result {
//!                     *count = u64::from_le_bytes(data.bytes().try_into().unwrap());
//!                 }
//!                 *ready = true;
//!                 waiting.retain(|(synced, client, n)| {
//!                     if *synced == ticket && result.is_ok() {
//!                         cx.send(*client, Count(*n));
//!                     }
//!                     *synced != ticket
//!                 });
//!             }
//!             (Counter::Server { count, ready, waiting }, Event::Datagram { from, message }) => {
//!                 let fits = (*count..=*count + 1).contains(&message.0);
//!                 if !*ready || !fits {
//!                     return; // not read yet, or long answered
//!                 }
//!                 *count = message.0;
//!                 // write elsewhere, make that durable, then put it in place
//!                 let data = Payload::new(count.to_le_bytes());
//!                 cx.disk(lane, DiskOp::Write { file: "new".into(), data });
//!                 cx.disk(lane, DiskOp::Sync { file: "new".into() });
//!                 cx.disk(lane, DiskOp::Rename { from: "new".into(), to: "count".into() });
//!                 waiting.push((cx.disk(lane, DiskOp::SyncDir), from, *count));
//!             }
//!             (Counter::Client { acknowledged }, event) => {
//!                 if let Event::Datagram { message: Count(n), .. } = event {
//!                     if n != *acknowledged + 1 {
//!                         return; // the answer to a repetition
//!                     }
//!                     *acknowledged = n;
//!                     cx.observe(Acknowledged(n));
//!                 } else {
//!                     cx.set_timer(lane, Span::millis(20), 0); // repeat what is not answered
//!                 }
//!                 cx.send(SERVER, Count(*acknowledged + 1));
//!             }
//!             _ => {}
//!         }
//!     }
//! }
//!
//! let network = NetworkSpec { loss_ppm: 50_000, ..NetworkSpec::default() };
//! let mut world = World::new(7, network, ());
//! world.add_machine(MachineSpec::default());
//! world.add_machine(MachineSpec::default());
//! world.boot(SERVER, Counter::Server { count: 0, ready: false, waiting: vec![] });
//! world.boot(CLIENT, Counter::Client { acknowledged: 0 });
//! world.run_until(Instant(1_000_000_000));
//!
//! let acknowledged = |world: &World<Counter, ()>| match world.process(CLIENT) {
//!     Some(Counter::Client { acknowledged }) => *acknowledged,
//!     _ => unreachable!("the client never crashes"),
//! };
//! let before = acknowledged(&world);
//! assert!(before > 100, "{before}");
//!
//! // In twenty futures the power fails, and what was acknowledged is still there.
//! for future in 0..20 {
//!     let mut world = world.fork(future);
//!     world.run_until(Instant(1_000_000_000 + future * 137_000));
//!     let before = acknowledged(&world);
//!     world.inject(&Fault::CrashMachine { machine: SERVER.machine }).unwrap();
//!     world.inject(&Fault::StartMachine { machine: SERVER.machine }).unwrap();
//!     assert_eq!(world.run_until(Instant(2_000_000_000)), Ended::Reached);
//!     assert_eq!(world.incarnation(SERVER), 2);
//!     assert!(acknowledged(&world) > before + 100);
//! }
//! ```
//!
//! # The modules, in reading order
//!
//! * [`time`], [`hash`], [`payload`]: nanoseconds, the pinned hash, immutable bulk.
//! * [`node`]: the vocabulary of processes, and all that an engine imports. **Invariant:** it knows
//!   no world; nothing in it draws, stores or schedules.
//! * [`watch`]: who listens to observations. [`fault`]: what can be done to a world, as data.
//! * [`machine`], [`net`]: what machines and networks are made of; cores, clocks, links, and the
//!   weathers of links.
//! * [`world`]: hosting, stepping, cloning, injecting. Its parts: the kernel (events and
//!   processes), the context (one handler), datagrams, the transport (connections), the injection
//!   of faults.
//! * [`trace`], [`divergence`]: the digest's marks; where two runs part. [`past`]: what
//!   caused what.
//! * Inside: `chance` (the only file that knows a random generator), `queue` (time and order),
//!   `conn` (the books of connections), `disk` (device, files, contents, and what goes wrong).
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod chance;
mod conn;
mod disk;
pub mod divergence;
pub mod fault;
pub mod hash;
pub mod machine;
pub mod net;
pub mod node;
pub mod past;
pub mod payload;
mod queue;
pub mod time;
pub mod trace;
pub mod watch;
pub mod world;
