//! Barriers: what flows between the tuples before a checkpoint's cut and those after it.

use core::fmt;

use stormglass_sim::hash::Mixer;
use stormglass_sim::time::Span;

use crate::cluster::Barriers;
use crate::ids::CheckpointId;

/// What a checkpoint is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub enum CheckpointKind {
    /// To recover from failures. The next ones may share its files.
    #[default]
    Checkpoint,
    /// An operator's: whole, aligned, with files of its own that nothing deletes. Sinks learn
    /// nothing of its completion, so it makes nothing visible by itself.
    Savepoint,
    /// A savepoint after which the job ends: sources stop at its barrier, and sinks commit when it
    /// is complete.
    StopWithSavepoint,
}

impl CheckpointKind {
    /// All kinds.
    pub const ALL: [CheckpointKind; 3] =
        [CheckpointKind::Checkpoint, CheckpointKind::Savepoint, CheckpointKind::StopWithSavepoint];

    /// Whether an operator asked for it.
    #[must_use]
    pub const fn is_savepoint(self) -> bool {
        !matches!(self, CheckpointKind::Checkpoint)
    }
    /// Whether the job ends with it.
    #[must_use]
    pub const fn stops(self) -> bool {
        matches!(self, CheckpointKind::StopWithSavepoint)
    }
    /// Whether tasks are told of its completion (Flink: all but plain savepoints).
    #[must_use]
    pub const fn publishes(self) -> bool {
        !matches!(self, CheckpointKind::Savepoint)
    }
    /// Its name, as people write it.
    pub const fn name(self) -> &'static str {
        match self {
            CheckpointKind::Checkpoint => "checkpoint",
            CheckpointKind::Savepoint => "savepoint",
            CheckpointKind::StopWithSavepoint => "stop-with-savepoint",
        }
    }
}

/// Whether a barrier waits for the data before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Pace {
    /// It does, however long that takes.
    #[default]
    Waits,
    /// It does for a while: the checkpoint has lasted so long, time on links not counted. Each
    /// process measures its own share, so no two clocks are compared.
    Lasts(Span),
    /// It overtakes the data, which becomes part of the checkpoint.
    Overtakes,
}

impl Pace {
    /// That of a barrier at the source where its checkpoint starts. Savepoints are aligned.
    pub const fn of(barriers: Barriers, kind: CheckpointKind) -> Pace {
        match barriers {
            _ if kind.is_savepoint() => Pace::Waits,
            Barriers::Tracked | Barriers::Aligned => Pace::Waits,
            Barriers::Unaligned { timeout } if timeout.is_zero() => Pace::Overtakes,
            Barriers::Unaligned { .. } => Pace::Lasts(Span::ZERO),
        }
    }
}

/// What sources insert for a checkpoint, and bolts pass on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Barrier {
    /// The checkpoint.
    pub checkpoint: CheckpointId,
    /// What it is for.
    pub kind: CheckpointKind,
    /// The checkpoint whose files tasks may name again instead of writing the same anew: the latest
    /// complete one that is no savepoint, when this one was triggered.
    pub base: Option<CheckpointId>,
    /// Whether it waits: the sources say so.
    pub pace: Pace,
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.checkpoint)?;
        if self.kind.is_savepoint() {
            write!(f, " {}", self.kind.name())?;
        }
        self.base.map_or(Ok(()), |base| write!(f, " on {base}"))?;
        match self.pace {
            Pace::Waits => Ok(()),
            Pace::Lasts(span) => write!(f, " lasting {span}"),
            Pace::Overtakes => write!(f, " overtaking"),
        }
    }
}

impl Barrier {
    pub(crate) fn digest(self, into: &mut Mixer) {
        let base = self.base.map_or(0, |base| base.0);
        into.pair(u64::from(self.checkpoint.0) << 32 | u64::from(base), self.kind as u64);
        match self.pace {
            Pace::Waits => {}
            Pace::Lasts(span) => into.word(span.as_nanos()),
            Pace::Overtakes => into.word(u64::MAX),
        }
    }
}
