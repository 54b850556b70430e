//! Tuples, alone and in batches.

use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;

use crate::ids::{Child, ComponentId, Root, StreamId, Tree};
use crate::topology::Fields;
use crate::value::Value;

/// What the engine knows of a tuple besides its values. 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The record at the root of its tree.
    pub root: Root,
    /// Its place in the tree.
    pub child: Child,
    /// The hash of its grouping fields (0 unless fields-grouped): decides task and key group.
    pub hash: i32,
    /// The stream of its emitter that it came on.
    pub stream: StreamId,
    /// How many values it has.
    pub arity: u16,
    /// Its tree; none unless acking follows it.
    pub tree: Tree,
}

/// A tuple as a bolt sees it.
#[derive(Clone, Copy, Debug)]
pub struct Tuple<'a> {
    /// The values, in the order of the declared fields.
    pub values: &'a [Value],
    /// The declared fields.
    pub fields: &'a Fields,
    /// The component that emitted it.
    pub source: ComponentId,
    /// The name of the stream it came on.
    pub stream: &'a str,
    /// The record at the root of its tree.
    pub root: Root,
}

impl<'a> Tuple<'a> {
    /// The value of a declared field.
    pub fn get(&self, field: &str) -> Option<&'a Value> {
        self.fields.index_of(field).map(|at| &self.values[at])
    }
}

/// Tuples of one channel, in order: heads, and all values in one run.
///
/// Invariant: the arities of the heads add up to the number of values.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    heads: Vec<Head>,
    values: Vec<Value>,
    size: u64,
    mixer: Mixer,
}

impl PartialEq for Batch {
    fn eq(&self, other: &Self) -> bool {
        self.heads == other.heads && self.values == other.values
    }
}
impl Eq for Batch {}

/// Bytes that the wire spends on a tuple's head.
pub const HEAD_SIZE: u64 = 24;

impl Batch {
    /// A batch with room for `tuples` tuples of `arity` values.
    pub fn with_capacity(tuples: usize, arity: usize) -> Self {
        Batch {
            heads: Vec::with_capacity(tuples),
            values: Vec::with_capacity(tuples * arity),
            size: 0,
            mixer: Mixer::new(),
        }
    }
    /// Adds a tuple at the end.
    ///
    /// # Panics
    /// If the head's arity is not the number of values.
    #[inline]
    pub fn push(&mut self, head: Head, values: &[Value]) {
        assert_eq!(head.arity as usize, values.len(), "a head counts its values");
        self.mixer.pair(head.root.0, u64::from(head.child.0) << 32 | u64::from(head.hash as u32));
        self.mixer.word(u64::from(head.stream.0) | u64::from(head.tree.0) << 32);
        self.size += HEAD_SIZE;
        for value in values {
            value.digest(&mut self.mixer);
            self.size += value.size();
            self.values.push(value.clone());
        }
        self.heads.push(head);
    }
    /// Number of tuples.
    pub fn len(&self) -> usize {
        self.heads.len()
    }
    /// True without a tuple.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }
    /// Size on the wire in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
    /// The fingerprint of heads and values, computed as they were added.
    pub fn fingerprint(&self) -> u64 {
        self.mixer.finish64()
    }
    /// The tuples in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Head, &[Value])> {
        let mut rest = self.values.as_slice();
        self.heads.iter().map(move |head| {
            let (values, tail) = rest.split_at(head.arity as usize);
            rest = tail;
            (head, values)
        })
    }
}
