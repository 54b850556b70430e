//! The mechanism of faults.

use alloc::vec::Vec;

use crate::disk::Owner;
use crate::fault::{ArmedId, Damage, Effect, Fault, FaultError};
use crate::machine::Slowdown;
use crate::node::{Event, MachineId, Message, NodeId, Process};
use crate::time::Span;
use crate::world::World;
use crate::world::kernel::{Envelope, Kernel};

mod disk;
mod machine;
mod network;

impl<P: Process, W> World<P, W> {
    /// Does a fault to the world, at this instant. Not from within a handler: a watcher answers
    /// *yield* or *stop* instead.
    ///
    /// # Errors
    /// If the fault aims at a machine or process that never existed, or asks for the impossible;
    /// then nothing has changed.
    pub fn inject(&mut self, fault: &Fault) -> Result<Effect, FaultError> {
        self.kernel.inject(fault)
    }

    /// Somebody outside of the world tells a process something, at the console of its machine: it
    /// comes at this instant, as if the process had posted it to itself. False if it is not up.
    pub fn tell(&mut self, to: NodeId, message: P::Message) -> bool {
        let kernel = &mut self.kernel;
        let Some(slot) = kernel.slot(to).filter(|slot| kernel.nodes[*slot as usize].alive) else {
            return false;
        };
        let incarnation = kernel.nodes[slot as usize].incarnation;
        let (owner, lane) = (Owner { slot, incarnation }, message.lane());
        let event = Event::Posted { message };
        kernel.queue.push_in_order(kernel.now, Envelope::Event { owner, lane, event });
        true
    }

    /// How often an armed fault has hit.
    pub fn armed_hits(&self, id: ArmedId) -> u64 {
        let messages = self.kernel.armed.get(id.0 as usize).copied().unwrap_or(0);
        let now = self.kernel.now;
        self.kernel.machines.iter().fold(messages, |sum, m| sum + m.disk.hits_at(now, id))
    }

    /// What faults have destroyed on a machine's disk of what was durable there, or had been
    /// acknowledged to be, in the order of the instants; the first 4,096 files if they are more. A
    /// file that is not among them, and was synced under a synced name, is still there.
    pub fn damage(&self, machine: MachineId) -> Vec<Damage> {
        let machine = self.kernel.machines.get(usize::from(machine.0));
        machine.map_or(Vec::new(), |m| m.disk.files_at(self.kernel.now).damage())
    }
}

fn hit(took_effect: bool) -> Effect {
    Effect { took_effect, ..Effect::default() }
}

impl<P: Process> Kernel<P> {
    fn known(&self, machine: MachineId) -> Result<(), FaultError> {
        let known = usize::from(machine.0) < self.machines.len();
        if known { Ok(()) } else { Err(FaultError::UnknownMachine(machine)) }
    }

    fn known_node(&self, node: NodeId) -> Result<u32, FaultError> {
        self.known(node.machine)?;
        self.slot(node).ok_or(FaultError::UnknownNode(node))
    }

    fn inject(&mut self, fault: &Fault) -> Result<Effect, FaultError> {
        let effect = match fault {
            Fault::Crash { .. }
            | Fault::Start { .. }
            | Fault::CrashLoop { .. }
            | Fault::Pause { .. }
            | Fault::SlowCpu { .. }
            | Fault::CrashMachine { .. }
            | Fault::StartMachine { .. }
            | Fault::CrashDomain { .. }
            | Fault::StartDomain { .. } => self.inject_machine(fault),
            Fault::StepClock { .. }
            | Fault::SetClock { .. }
            | Fault::DriftClock { .. }
            | Fault::FreezeClock { .. }
            | Fault::SmearClock { .. }
            | Fault::StrobeClock { .. } => self.inject_clock(fault),
            Fault::RefuseMemory { .. } | Fault::LimitMemory { .. } => self.inject_memory(fault),
            Fault::Cut { .. }
            | Fault::Weather { .. }
            | Fault::Heal { .. }
            | Fault::SlowCard { .. }
            | Fault::Break { .. }
            | Fault::Message { .. } => self.inject_network(fault),
            Fault::SlowDisk { .. }
            | Fault::ThrottleDisk { .. }
            | Fault::StallDisk { .. }
            | Fault::FailDisk { .. }
            | Fault::LoseDisk { .. }
            | Fault::WipeDisk { .. }
            | Fault::RotFile { .. }
            | Fault::NextPowerLoss { .. } => self.inject_disk(fault),
        }?;
        self.trace.mixer.pair(self.now.0, 0xfa17 | (u64::from(effect.took_effect) << 32));
        Ok(effect)
    }

    fn arm(&mut self, count: u64) -> Result<ArmedId, FaultError> {
        if count == 0 {
            return Err(FaultError::Zero);
        }
        self.armed.push(0);
        Ok(ArmedId(self.armed.len() as u32 - 1))
    }

    fn slowdown(
        &self,
        machine: MachineId,
        duration: Span,
        percent: u64,
    ) -> Result<Slowdown, FaultError> {
        self.known(machine)?;
        if percent == 0 {
            return Err(FaultError::Zero);
        }
        Ok(Slowdown { until: self.now + duration, percent })
    }

    /// Datagrams under way that `meets` by the machines that they go from and to.
    fn in_the_air(&self, meets: impl Fn(MachineId, MachineId) -> bool) -> u64 {
        let now = self.now;
        let hit = |e: &&Envelope<P>| match e {
            Envelope::Datagram { to, event: Event::Datagram { from, .. }, departs, .. } => {
                to.machine != from.machine && *departs <= now && meets(from.machine, to.machine)
            }
            _ => false,
        };
        self.queue.items().filter(hit).count() as u64
    }
}
