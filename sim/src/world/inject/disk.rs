//! Faults of disks.

use super::hit;
use crate::disk::strike::Armed;
use crate::fault::{Effect, Fault, FaultError};
use crate::node::Process;
use crate::time::Instant;
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
                let bytes_lost = self.machine(*machine).disk.lose(now, now + *duration);
                Ok(Effect { bytes_lost, ..hit(true) })
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
            other => unreachable!("{other:?} is no fault of a disk"),
        }
    }
}
