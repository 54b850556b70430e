//! Choices that actions offer, and values as a person would say them.

use stormglass_engine::names;
use stormglass_sim::fault;
use stormglass_sim::time::Span;

use crate::scenario::{Role, Target};
use crate::units::{Bandwidth, Drift, Share, Size, Step, Text, names};

/// A drawn value as a person would say it.
pub trait Word {
    /// In a word or two; nothing for what goes without saying.
    fn word(&self) -> String;
}

names! {
    /// Which ways of a machine's links are meant.
    #[derive(Default)]
    Ways, "a way", "ways":
    /// Whatever comes or goes.
    #[default]
    Both = "both",
    /// What it sends.
    Out = "out",
    /// What is sent to it.
    In = "in",
}

impl Ways {
    pub(super) const fn is_both(&self) -> bool {
        matches!(self, Ways::Both)
    }
}
impl Word for Ways {
    fn word(&self) -> String {
        match self {
            Ways::Both => String::new(),
            Ways::Out | Ways::In => format!("{self}bound"),
        }
    }
}

names! {
    /// How a group falls into parts.
    Shape, "a shape", "shapes":
    /// One member and all others.
    Isolate = "isolate",
    /// The largest minority and the rest.
    Minority = "minority",
    /// Two halves.
    Halves = "halves",
    /// Two halves, of which the second does not hear the first, and is heard.
    OneWay = "one-way",
    /// Two halves that see each other only through one member.
    Bridge = "bridge",
    /// Each sees a majority, and no two the same.
    MajoritiesRing = "majorities-ring",
}
impl Word for Shape {
    fn word(&self) -> String {
        self.to_string()
    }
}

names! {
    /// Whose links a partition cuts: those between members of a group.
    #[derive(Default)]
    Among, "a group", "groups":
    /// Everybody.
    #[default]
    All = "all",
    /// The coordinators.
    Coordinators = "coordinators",
    /// The machines of workers.
    Workers = "workers",
    /// The stores.
    Stores = "stores",
}

impl Among {
    pub(super) const fn is_all(&self) -> bool {
        matches!(self, Among::All)
    }
    /// Any member.
    pub(in crate::scenario) const fn anyone(self) -> Target {
        Target::Any(match self {
            Among::All | Among::Coordinators => Role::Coordinator,
            Among::Workers => Role::Supervisor,
            Among::Stores => Role::Store,
        })
    }
    /// The roles of its members' machines; none for everybody.
    pub const fn role(self) -> Option<Role> {
        match self {
            Among::All => None,
            Among::Coordinators => Some(Role::Coordinator),
            Among::Workers => Some(Role::Supervisor),
            Among::Stores => Some(Role::Store),
        }
    }
}
impl Word for Among {
    fn word(&self) -> String {
        if self.is_all() { String::new() } else { format!("among {self}") }
    }
}

names! {
    /// How connections break although nobody died.
    Breakage, "a way to break", "ways to break":
    /// Both ends are told.
    Reset = "reset",
    /// One end is told, and knows nothing of the connection any more.
    HalfOpen = "half-open",
    /// Nobody is told.
    Silent = "silent",
}

impl From<Breakage> for fault::Break {
    fn from(how: Breakage) -> Self {
        match how {
            Breakage::Reset => fault::Break::Reset,
            Breakage::HalfOpen => fault::Break::HalfOpen,
            Breakage::Silent => fault::Break::Silent,
        }
    }
}
impl Word for Breakage {
    fn word(&self) -> String {
        self.to_string()
    }
}

names! {
    /// Machines that share a power supply.
    #[derive(Default)]
    Domain, "a failure domain", "failure domains":
    /// Those of a rack.
    #[default]
    Rack = "rack",
    /// Those of all racks of a zone.
    Zone = "zone",
}

impl Domain {
    pub(super) const fn is_rack(&self) -> bool {
        matches!(self, Domain::Rack)
    }
}
impl Word for Domain {
    fn word(&self) -> String {
        format!("of its {self}")
    }
}

names! {
    /// What a power loss leaves of what was not synced.
    Leaves, "a remainder", "remainders":
    /// Some sectors, each by a draw of its own.
    Scattered = "scattered",
    /// The first ones of each file.
    Torn = "torn",
    /// Some, and garbage in the place of others.
    Garbage = "garbage",
    /// Nothing.
    Nothing = "nothing",
    /// Everything.
    Everything = "everything",
}

impl From<Leaves> for fault::PowerLoss {
    fn from(leaves: Leaves) -> Self {
        match leaves {
            Leaves::Scattered => fault::PowerLoss::Scattered,
            Leaves::Torn => fault::PowerLoss::Torn,
            Leaves::Garbage => fault::PowerLoss::Garbage,
            Leaves::Nothing => fault::PowerLoss::Nothing,
            Leaves::Everything => fault::PowerLoss::Everything,
        }
    }
}
impl Word for Leaves {
    fn word(&self) -> String {
        format!("leaves {self}")
    }
}

names! {
    /// How a frozen clock goes on.
    #[derive(Default)]
    Thaw, "a way to go on", "ways to go on":
    /// It jumps to the time that it would show.
    #[default]
    Jumps = "jumps",
    /// It goes on from where it stood, and is late from then on.
    Resumes = "resumes",
}

impl Thaw {
    pub(super) const fn is_jump(&self) -> bool {
        matches!(self, Thaw::Jumps)
    }
}
impl From<Thaw> for fault::Thaw {
    fn from(thaw: Thaw) -> Self {
        match thaw {
            Thaw::Jumps => fault::Thaw::Jumps,
            Thaw::Resumes => fault::Thaw::Resumes,
        }
    }
}
impl Word for Thaw {
    fn word(&self) -> String {
        if self.is_jump() { String::new() } else { format!("and {self}") }
    }
}

names! {
    /// What memory is asked for.
    Site, "a use of memory", "uses of memory":
    /// A task's state.
    TaskState = "task-state",
    /// A part of a checkpoint, from the cut until it is durable.
    Snapshot = "snapshot",
    /// What arrives on channels that wait for a barrier.
    InputBuffers = "input-buffers",
    /// What a barrier overtook.
    InFlight = "in-flight",
    /// The records that a source asks for.
    Fetch = "fetch",
    /// What a store has not written to its disk yet.
    StoreBuffers = "store-buffers",
}

impl Site {
    /// Who asks.
    pub const fn role(self) -> Role {
        match self {
            Site::StoreBuffers => Role::Store,
            _ => Role::Worker,
        }
    }
}
impl From<Site> for names::Site {
    fn from(site: Site) -> Self {
        match site {
            Site::TaskState => names::Site::TaskState,
            Site::Snapshot => names::Site::Snapshot,
            Site::InputBuffers => names::Site::InputBuffers,
            Site::InFlight => names::Site::InFlight,
            Site::Fetch => names::Site::Fetch,
            Site::StoreBuffers => names::Site::StoreBuffers,
        }
    }
}
impl Word for Site {
    fn word(&self) -> String {
        format!("at {self}")
    }
}

impl Word for Span {
    /// To the millisecond; what is shorter, as it is.
    fn word(&self) -> String {
        let rounded = Span::millis((self.as_nanos() + 500_000) / 1_000_000);
        if *self < Span::millis(1) { *self } else { rounded }.to_string()
    }
}
impl Word for u32 {
    fn word(&self) -> String {
        self.to_string()
    }
}
impl Word for Share {
    /// To the tenth of a percent, if it has one.
    fn word(&self) -> String {
        let rounded = (self.0 + 500) / 1_000 * 1_000;
        Share(if rounded == 0 { self.0 } else { rounded }).print()
    }
}
impl Word for Bandwidth {
    fn word(&self) -> String {
        self.print()
    }
}
impl Word for Size {
    fn word(&self) -> String {
        self.print()
    }
}
impl Word for Drift {
    /// To the tenth of a percent.
    fn word(&self) -> String {
        let tenths = (self.0.unsigned_abs() + 500) / 1_000;
        let which = if self.0 < 0 { "slower" } else { "faster" };
        format!("{}.{}% {which}", tenths / 10, tenths % 10)
    }
}
impl Word for Step {
    fn word(&self) -> String {
        let which = if self.0 < 0 { "back" } else { "ahead" };
        format!("{which} by {}", Span::nanos(self.0.unsigned_abs()).word())
    }
}
