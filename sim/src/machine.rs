//! Machines: cores, clocks and what they are made of.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::disk::Disk;
use crate::fault::PowerLoss;
use crate::net::card::Card;
use crate::queue::Handle;
use crate::time::{Instant, Span};

pub(crate) mod clock;
pub(crate) mod memory;

use clock::Clock;

/// What a machine is made of, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineSpec {
    /// Cores that [`spend`](crate::node::Context::spend) occupies; at least one.
    pub cores: u16,
    /// The failure domain above racks.
    pub zone: u16,
    /// The failure domain above machines; racks are numbered through all zones.
    pub rack: u16,
    /// Its disk.
    pub disk: DiskSpec,
    /// Its network card's speed in each direction, bytes per second; none is unlimited.
    pub nic: Option<u64>,
    /// How much faster than true time its clocks run, in millionths; above -1,000,000.
    pub clock_ppm: i32,
    /// What its wall clock shows at time zero.
    pub wall_offset: Span,
}

/// Machines that share a power supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Those of a rack.
    Rack(u16),
    /// Those of all racks of a zone.
    Zone(u16),
}

impl Domain {
    /// Whether a machine stands there.
    pub fn holds(self, machine: &MachineSpec) -> bool {
        match self {
            Domain::Rack(rack) => machine.rack == rack,
            Domain::Zone(zone) => machine.zone == zone,
        }
    }
}
impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Domain::Rack(rack) => write!(f, "rack {rack}"),
            Domain::Zone(zone) => write!(f, "zone {zone}"),
        }
    }
}

/// What a disk is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpec {
    /// Time of any operation that is not a sync.
    pub latency: Span,
    /// Time of a sync, of a file or of the directory.
    pub sync_latency: Span,
    /// Bytes per second that are read or written; logical sizes count.
    pub bytes_per_second: u64,
    /// Bytes that fit, by logical size.
    pub capacity: u64,
    /// What a power loss leaves of what is not synced.
    pub power_loss: PowerLoss,
}

impl Default for DiskSpec {
    /// A common solid-state disk: 20 us, 500 us a sync, 500 MB/s, 1 TB.
    fn default() -> Self {
        DiskSpec {
            latency: Span::micros(20),
            sync_latency: Span::micros(500),
            bytes_per_second: 500_000_000,
            capacity: 1_000_000_000_000,
            power_loss: PowerLoss::Scattered,
        }
    }
}

impl Default for MachineSpec {
    /// Four cores, a common disk, an unlimited card, true clocks.
    fn default() -> Self {
        MachineSpec {
            cores: 4,
            zone: 0,
            rack: 0,
            disk: DiskSpec::default(),
            nic: None,
            clock_ppm: 0,
            wall_offset: Span::ZERO,
        }
    }
}

/// A percentage that holds until an instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slowdown {
    pub(crate) until: Instant,
    pub(crate) percent: u64,
}

/// What holds at an instant: of several the slowest, for work is not the slower for two reasons to
/// be slow. 100 without any.
pub(crate) fn slowest(slowdowns: &[Slowdown], at: Instant) -> u64 {
    let hold = slowdowns.iter().filter(|slow| slow.until > at);
    hold.map(|slow| slow.percent).max().unwrap_or(100)
}

/// A machine of a world.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) spec: MachineSpec,
    pub(crate) up: bool,
    /// The event that will start it, if one is due.
    pub(crate) starts: Option<Handle>,
    /// When each core is free.
    cores: Vec<Instant>,
    slowdowns: Vec<Slowdown>,
    pub(crate) clock: Clock,
    pub(crate) card: Card,
    pub(crate) disk: Disk,
    /// (port, index of the process), sorted by port.
    pub(crate) ports: Vec<(u16, u32)>,
}

impl Machine {
    pub(crate) fn new(spec: MachineSpec, disk: Disk) -> Self {
        assert!(spec.cores > 0, "a machine has a core");
        Machine {
            up: true,
            starts: None,
            cores: vec![Instant::ZERO; usize::from(spec.cores)],
            slowdowns: Vec::new(),
            clock: Clock::new(spec.clock_ppm, spec.wall_offset),
            card: Card::new(spec.nic),
            disk,
            ports: Vec::new(),
            spec,
        }
    }

    /// The process at a port.
    #[inline]
    pub(crate) fn port(&self, port: u16) -> Option<u32> {
        if let [(only, slot)] = self.ports[..] {
            return (only == port).then_some(slot);
        }
        let at = self.ports.binary_search_by_key(&port, |p| p.0).ok()?;
        Some(self.ports[at].1)
    }

    /// Occupies the core that is free first, from `from` on; gives back the end of the work.
    pub(crate) fn work(&mut self, from: Instant, duration: Span) -> Instant {
        let core = self.cores.iter_mut().min_by_key(|c| **c).expect("a machine has a core");
        let start = from.max(*core);
        let percent = slowest(&self.slowdowns, start);
        let end = start + if percent == 100 { duration } else { duration.scale(percent, 100) };
        *core = end;
        end
    }

    /// Slows the CPU down; of several slowdowns the slowest holds.
    pub(crate) fn slow_cpu(&mut self, now: Instant, slowdown: Slowdown) {
        self.slowdowns.retain(|s| s.until > now);
        self.slowdowns.push(slowdown);
    }

    /// Nobody works on a machine without power.
    pub(crate) fn power_off(&mut self, now: Instant) {
        self.up = false;
        self.cores.fill(now);
        self.card.clear(now);
    }
}
