//! Faults of disks.

use super::hit;
use crate::disk::strike::Armed;
use crate::fault::{Effect, Fault, FaultError};
use crate::node::{Exit, MachineId, Process};
use crate::time::{Instant, Span};
use crate::world::kernel::Kernel;

impl<P: Process> Kernel<P> {
    /// Does a fault to a disk.
    ///
    /// # Panics
    /// If the fault is another one.
    pub(super) fn inject_disk(&mut self, fault: &Fault) -> Result<Effect, FaultError> {
        let now = self.now;
        match fault {
            Fault::SlowDisk { machine, factor, duration } => {
                let slowdown = self.slowdown(*machine, *duration, u64::from(*factor) * 100)?;
                self.machine(*machine).disk.slow_down(now, slowdown);
                Ok(hit(*factor != 1 && !duration.is_zero()))
            }
            Fault::StallDisk { machine, duration } => {
                self.known(*machine)?;
                self.stall_disk(*machine, *duration);
                Ok(hit(!duration.is_zero()))
            }
            Fault::ThrottleDisk { machine, bytes_per_second, duration } => {
                self.known(*machine)?;
                if *bytes_per_second == 0 {
                    return Err(FaultError::Zero);
                }
                let disk = &mut self.machine(*machine).disk;
                Ok(hit(disk.throttle(now, now + *duration, *bytes_per_second)))
            }
            Fault::FailDisk { machine, kind, prefix, count, within } => {
                self.known(*machine)?;
                let id = self.arm(u64::from(*count))?;
                let until = within.map_or(Instant::FAR, |within| now + within);
                let (kind, prefix, left) = (*kind, prefix.clone(), *count);
                let armed = Armed { kind, prefix, left, pending: 0, until, id };
                self.machine(*machine).disk.arm(now, armed);
                Ok(Effect { armed: Some(id), ..Effect::default() })
            }
            Fault::NextPowerLoss { machine, leaves } => {
                self.known(*machine)?;
                let id = self.arm(1)?;
                self.machine(*machine).disk.at_power_loss(*leaves, id);
                Ok(Effect { armed: Some(id), ..Effect::default() })
            }
            Fault::LoseDisk { machine, duration } => {
                self.known(*machine)?;
                if duration.is_zero() {
                    return Ok(hit(false));
                }
                let processes_lost = self.abort_waiting(*machine);
                let bytes_lost = self.machine(*machine).disk.lose(now, now + *duration);
                Ok(Effect { processes_lost, bytes_lost, ..hit(true) })
            }
            Fault::WipeDisk { machine } => {
                self.known(*machine)?;
                let processes_lost = self.abort_waiting(*machine);
                let bytes_lost = self.machine(*machine).disk.wipe(now);
                Ok(Effect { processes_lost, bytes_lost, ..hit(bytes_lost > 0) })
            }
            Fault::RotFile { machine, prefix, file, bit } => {
                self.known(*machine)?;
                Ok(hit(self.machine(*machine).disk.rot(now, prefix, *file, *bit)))
            }
            other => unreachable!("{other:?} is no fault of a disk"),
        }
    }

    /// A disk does nothing for a while; who waits for it in the blocking view goes on as much
    /// later.
    fn stall_disk(&mut self, machine: MachineId, duration: Span) {
        let now = self.now;
        for owner in self.machine(machine).disk.stall(now, duration) {
            if !self.lives(owner) {
                continue;
            }
            let node = &mut self.nodes[owner.slot as usize];
            for lane in node.lanes.iter_mut().filter(|lane| lane.busy_until > now) {
                lane.busy_until += duration;
            }
            let id = node.id;
            self.postpone(id, owner, duration);
        }
    }

    /// Ends the processes that wait for a disk in the blocking view when that is gone: their
    /// handlers, which have run already, cannot hear of an I/O error any more, and what they do
    /// after it must not happen.
    fn abort_waiting(&mut self, machine: MachineId) -> u64 {
        let now = self.now;
        let mut waiting = self.machine(machine).disk.waiting(now);
        waiting.retain(|owner| self.lives(*owner));
        waiting.iter().for_each(|owner| self.end(owner.slot, Exit::Crashed, false));
        waiting.len() as u64
    }
}
