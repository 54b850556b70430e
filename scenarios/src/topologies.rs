//! Topologies by name, so that TOML can use them: the shipped ones, and a user's own.
//!
//! ```
//! use stormglass_engine::topology::TopologyBuilder;
//! use stormglass_scenarios::topologies::{Registry, words};
//!
//! fn mine() -> TopologyBuilder {
//!     let mut builder = TopologyBuilder::new("mine");
//!     builder.spout("words", words::Words, 1);
//!     builder.sink("publish", 1).shuffle("words");
//!     builder
//! }
//! let registry = Registry::default().with("mine", mine);
//! let names: Vec<&str> = registry.names().collect();
//! assert_eq!(names.len(), 7);
//! assert!(names.contains(&"mine") && names.contains(&"word-count"));
//! ```

use std::collections::BTreeMap;

use stormglass_engine::topology::TopologyBuilder;

pub mod board;
pub mod checked;
pub mod documents;
pub mod flights;
pub mod shared;
#[cfg(test)]
mod tests;
pub mod words;

/// Topologies by name. The default one holds those that are shipped.
#[derive(Clone, Debug)]
pub struct Registry {
    builders: BTreeMap<String, fn() -> TopologyBuilder>,
}

impl Default for Registry {
    fn default() -> Self {
        let none = Registry { builders: BTreeMap::new() };
        none.with("word-count", words::topology)
            .with("flight-delays", flights::topology)
            .with("flight-board", board::topology)
            .with("checked-words", checked::checked)
            .with("documents", documents::topology)
            .with("strict-words", checked::strict)
    }
}

impl Registry {
    /// The same with one more; it replaces another of its name.
    #[must_use]
    pub fn with(mut self, name: &str, builder: fn() -> TopologyBuilder) -> Self {
        self.builders.insert(name.to_string(), builder);
        self
    }
    /// The topology of that name, to be widened and built.
    pub fn get(&self, name: &str) -> Option<TopologyBuilder> {
        self.builders.get(name).map(|builder| builder())
    }
    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.builders.keys().map(String::as_str)
    }
}
