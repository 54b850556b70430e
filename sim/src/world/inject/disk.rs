//! Faults of disks.

use super::hit;
use crate::fault::{Effect, Fault, FaultError};
use crate::node::Process;
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
                self.machine(*machine).disk.stall(now, *duration);
                Ok(hit(!duration.is_zero()))
            }
            Fault::FailDisk { machine, kind, count } => {
                self.known(*machine)?;
                let id = self.arm(u64::from(*count))?;
                self.machine(*machine).disk.arm(*kind, *count, id);
                Ok(Effect { armed: Some(id), ..Effect::default() })
            }
            Fault::WipeDisk { machine } => {
                self.known(*machine)?;
                let bytes_lost = self.machine(*machine).disk.wipe(now);
                Ok(Effect { bytes_lost, ..hit(bytes_lost > 0) })
            }
            Fault::RotFile { machine, prefix, file, bit } => {
                self.known(*machine)?;
                Ok(hit(self.machine(*machine).disk.rot(now, prefix, *file, *bit)))
            }
            _ => unreachable!("not a fault of a disk"),
        }
    }
}
