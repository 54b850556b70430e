//! An embedded key-value engine, redb, behind the engine's storage interface.
//!
//! [`Redb`] implements [`StorageEngine`](stormglass_engine::backend::StorageEngine): a real storage
//! engine whose every write and sync meets the simulated disk, so that torn, lost and lying writes
//! hit it as they would in life. It promises what the trait asks for, and:
//!
//! * **It is open only within one call.** Nothing of it is left between two events but the bytes of
//!   its file, so a clone of a run shares nothing with it.
//! * **The same calls do the same I/O**: the same writes and syncs, to the byte and in the same
//!   order, on any machine, in debug and release. A test pins them; an update of redb may change
//!   them, and with them every run that uses it.
//!
//! It is a crate of its own because redb needs the standard library, which the engine must not see.
//!
//! # The modules, in reading order
//!
//! * [`store`]: the engine's calls as transactions of redb.
//! * `image`: a file in memory that records what is done to it, and does it again on a disk.
mod image;
pub mod store;
