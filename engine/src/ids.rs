//! The numbers that name things, one type each.

use core::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

number!(
    /// A component of a topology: its position in name order.
    ComponentId(u16), "c"
);
number!(
    /// A task: one parallel instance of a component. Numbered from 1 over the components in name
    /// order, as in Storm (`StormCommon.stormTaskInfoImpl`). 0 is no task: the log broker.
    TaskId(u16), "t"
);
number!(
    /// A declared output stream: its position among its component's streams.
    StreamId(u16), "s"
);
number!(
    /// An assignment of tasks to workers. Every re-assignment has a higher one; 0 is "none yet".
    Generation(u32), "g"
);
number!(
    /// An attempt to execute a task; every deployment of the task is a new one.
    Attempt(u32), "a"
);
number!(
    /// A checkpoint. Ids rise and are never used twice, not even by a new coordinator.
    CheckpointId(u32), "chk"
);
number!(
    /// A transaction of the checkpoint spout (Storm's txid); 0 is none yet. A transaction that was
    /// rolled back is tried again under the same number.
    Txid(u32), "tx"
);
number!(
    /// A share of the keys: `floorMod(hash, max_parallelism)`.
    KeyGroup(u16), "kg"
);
number!(
    /// A partition of the input log.
    Partition(u16), "p"
);
number!(
    /// A tuple's place in the tree below its root: derived from its parent's by [`Child::step`].
    Child(u32), "."
);

/// Which tree below a record a tuple belongs to: the source task that read the record and the
/// how-manieth time it did, packed. A record that is read again is a new tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Tree(pub u32);

impl Tree {
    /// No tree: nobody follows the tuple.
    pub const NONE: Tree = Tree(0);

    /// The tree of a source task's `number`-th reading of a record, from 1.
    pub const fn new(source: TaskId, number: u16) -> Tree {
        Tree((source.0 as u32) << 16 | number as u32)
    }
    /// The source task.
    pub const fn source(self) -> TaskId {
        TaskId((self.0 >> 16) as u16)
    }
    /// Which reading.
    pub const fn number(self) -> u16 {
        self.0 as u16
    }
}

impl TaskId {
    /// Where source records come from: the log broker, which is not a task.
    pub const BROKER: TaskId = TaskId(0);
}

impl Child {
    /// The record itself.
    pub const ROOT: Child = Child(0);

    /// The number of the `index`-th tuple emitted while this one was executed, counted over all
    /// streams. Wrapping; distinct in trees two levels deep with fan-outs below 2^14 (small
    /// multiples of the golden ratio's share of 2^32 keep that far apart), and beyond that as
    /// distinct as a 32-bit hash.
    pub const fn step(self, index: u32) -> Child {
        Child(self.0.wrapping_mul(0x9e37_79b1).wrapping_add(index).wrapping_add(1))
    }
}

/// A record of the input log, packed: 16 bits of partition, 48 bits of offset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Root(pub u64);

impl Root {
    /// The record at `offset` of `partition`.
    ///
    /// # Panics
    /// If the offset needs more than 48 bits.
    pub const fn new(partition: Partition, offset: u64) -> Root {
        assert!(offset < 1 << 48, "an offset has 48 bits");
        Root(((partition.0 as u64) << 48) | offset)
    }
    /// Its partition.
    pub const fn partition(self) -> Partition {
        Partition((self.0 >> 48) as u16)
    }
    /// Its offset.
    pub const fn offset(self) -> u64 {
        self.0 & ((1 << 48) - 1)
    }
}
impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.partition(), self.offset())
    }
}
impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
