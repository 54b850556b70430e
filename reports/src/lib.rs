//! Everything that a person sees: the command line, the summary of a run, the paragraph that
//! explains a failure, the timeline, and the tables of campaigns and planted bugs.
//!
//! A user's own program with his own topologies is a line:
//!
//! ```no_run
//! use stormglass_engine::topology::TopologyBuilder;
//! use stormglass_scenarios::topologies::{Registry, words};
//!
//! fn mine() -> TopologyBuilder {
//!     let mut builder = TopologyBuilder::new("mine");
//!     builder.spout("words", words::Words, 1);
//!     builder.sink("publish", 1).shuffle("words");
//!     builder
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     stormglass::cli::main(&Registry::default().with("mine", mine))
//! }
//! ```
//!
//! What goes to standard output depends on the arguments and the files read, and on nothing else:
//! not on the machine, the time or the number of threads. Progress and notes go to standard error.
//!
//! In reading order:
//!
//! - [`cli`]: arguments, exit codes, and what happens if this program itself fails.
//! - [`command`]: one module a command, each from arguments to a page of text.
//! - [`files`]: scenarios, plans and cases on the file system; [`pinned`]: cases that a test runs;
//!   [`version`]: which program wrote one.
//! - [`summary`]: one run on one page; [`failure`]: why it is broken; [`timeline`]: event by event.
//! - [`testing`]: storms in a user's own tests.
//! - [`spark`]: what flowed over time, a line each.
//! - [`words`]: numbers, durations and observations as people read them; [`facts`]: observations as
//!   programs do.
//! - [`html`]: a run as a page for a browser; [`export`]: a run for other programs.
//! - [`figure`]: what sweeps show, as plots, tables and pages; [`plot`]: plots as SVG and PNG.
//! - [`page`]: colours, tables and line breaks; [`shell`]: commands that can be typed.

pub mod cli;
pub mod command;
pub mod export;
pub mod facts;
pub mod failure;
pub mod figure;
pub mod files;
pub mod html;
pub mod page;
pub mod pinned;
pub mod plot;
pub mod shell;
pub mod spark;
pub mod summary;
pub mod testing;
pub mod timeline;
pub mod version;
pub mod words;
