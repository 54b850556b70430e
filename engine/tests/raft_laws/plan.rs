//! A plan: a cluster and what is done to it when, as plain data that can be printed and cut down.

use stormglass_engine::raft::{Membership, Point, Settings};
use stormglass_sim::time::{Instant, Span};

/// A replica, chosen when the action happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    /// Who leads the highest term.
    Leader,
    /// Who leads the lowest term, if several believe that they lead.
    OldLeader,
    /// A replica by its number.
    Replica(u16),
    /// One of those that do not lead, by its number among them.
    Other(u16),
}

/// Some replicas, chosen when the action happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Those {
    /// A bit for each.
    pub(crate) mask: u8,
    /// Whether the leader is one of them, whatever its bit says.
    pub(crate) leader: Option<bool>,
}

/// Points at which a crash can be aimed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum At {
    /// The next point, whichever.
    Any,
    /// [`Point::Campaigned`].
    Campaigned,
    /// [`Point::VoteGranted`].
    VoteGranted,
    /// [`Point::Elected`].
    Elected,
    /// [`Point::Appended`].
    Appended,
    /// [`Point::Truncated`].
    Truncated,
    /// [`Point::Persisted`].
    Persisted,
    /// [`Point::Committed`].
    Committed,
    /// [`Point::MembershipChanged`].
    MembershipChanged,
    /// [`Point::Compacted`] or [`Point::SnapshotInstalled`].
    Snapshot,
    /// [`Point::TransferBegan`].
    TransferBegan,
    /// It asked another for its vote.
    VoteAsked,
    /// It told another that it has its vote.
    VoteTold,
    /// It acknowledged entries.
    Acknowledged,
}

impl At {
    /// Whether a point is such a one.
    pub(crate) fn is(self, point: &Point) -> bool {
        match point {
            _ if self == At::Any => true,
            Point::Campaigned { .. } => self == At::Campaigned,
            Point::VoteGranted { .. } => self == At::VoteGranted,
            Point::Elected { .. } => self == At::Elected,
            Point::Appended { .. } => self == At::Appended,
            Point::Truncated { .. } => self == At::Truncated,
            Point::Persisted { .. } => self == At::Persisted,
            Point::Committed { .. } => self == At::Committed,
            Point::MembershipChanged { .. } => self == At::MembershipChanged,
            Point::Compacted { .. } | Point::SnapshotInstalled { .. } => self == At::Snapshot,
            Point::TransferBegan { .. } => self == At::TransferBegan,
            _ => false,
        }
    }
}

/// What is done to a cluster at an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// A client proposes commands of so many bytes.
    Propose { to: Who, commands: u8, bytes: u16 },
    /// A client reads; or asks `again` for the last read that it asked of this replica.
    Read { from: Who, again: bool },
    /// An operator asks for a membership of these voters and learners.
    Change { at: Who, voters: u8, learners: u8 },
    /// An operator asks a leader to hand over.
    Transfer { at: Who, to: Who },
    /// A replica makes a snapshot of its state, of so many bytes.
    Compact { who: Who, bytes: u16 },
    /// A replica loses its power, and comes back later. `keep` draws what its disk keeps.
    Crash { who: Who, keep: u64, down: Span },
    /// The same at the `nth` such point from now on.
    CrashAt { who: Who, at: At, nth: u8, keep: u64, down: Span },
    /// A replica is cut off from all others at the `nth` such point from now on.
    IsolateAt { who: Who, at: At, nth: u8, during: Span },
    /// A replica stands still.
    Pause { who: Who, during: Span },
    /// Its disk takes longer.
    SlowDisk { who: Who, during: Span },
    /// Nothing passes from some to the others, nor back if `both`.
    Cut { from: Those, both: bool, during: Span },
    /// Nothing passes from one to another.
    CutLink { from: Who, to: Who, during: Span },
    /// The network drops and delays nothing beyond its usual measure, and nothing is cut.
    Heal,
}

/// What the network does by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Weather {
    /// Time from one replica to another.
    pub(crate) delay: (Span, Span),
    /// Messages that are lost, in millionths.
    pub(crate) loss_ppm: u32,
    /// Messages that arrive twice, in millionths.
    pub(crate) duplicate_ppm: u32,
    /// Messages that are held back, in millionths.
    pub(crate) late_ppm: u32,
    /// For how long those are held back at most.
    pub(crate) late: Span,
}

/// A cluster and its fate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    /// What everything left open is drawn from.
    pub(crate) seed: u64,
    /// How many replicas there are, members or not.
    pub(crate) replicas: u16,
    /// The membership that the log begins with.
    pub(crate) bootstrap: Membership,
    /// How they are tuned.
    pub(crate) settings: Settings,
    /// The network.
    pub(crate) weather: Weather,
    /// How long a write takes to be durable.
    pub(crate) disk: (Span, Span),
    /// How fast each clock runs: millionths of true time.
    pub(crate) clocks: Vec<u64>,
    /// What is done, in order.
    pub(crate) actions: Vec<(Instant, Action)>,
    /// When it is over.
    pub(crate) end: Instant,
}

impl Plan {
    /// A shorter plan that fails in the same way: actions are left out by halves, quarters and so
    /// on as long as `fails` agrees.
    pub(crate) fn shrink(mut self, mut fails: impl FnMut(&Plan) -> bool) -> Plan {
        let mut size = self.actions.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < self.actions.len() {
                let mut fewer = self.clone();
                fewer.actions.drain(at..(at + size).min(self.actions.len()));
                if fails(&fewer) {
                    self = fewer;
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
        self
    }

    /// The plan for people.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!(
            "seed {}: {} replicas, voters {:?}, learners {:?}\n{:?}\n{:?}\n\
             disk {:?}, clocks {:?}\n",
            self.seed,
            self.replicas,
            self.bootstrap.voters,
            self.bootstrap.learners,
            self.settings,
            self.weather,
            self.disk,
            self.clocks
        );
        for (at, action) in &self.actions {
            text += &format!("{at} {action:?}\n");
        }
        text + &format!("{} end of the storm\n", self.end)
    }
}
