//! The mechanism of faults.

use alloc::vec::Vec;

use crate::disk::Owner;
use crate::fault::{ArmedId, ClockStep, Damage, Effect, Fault, FaultError};
use crate::machine::Slowdown;
use crate::node::{Event, Exit, MachineId, NodeId, Process};
use crate::time::Span;
use crate::world::World;
use crate::world::kernel::{Envelope, Kernel};

mod disk;
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
            Fault::Crash { node } => self.crash(*node),
            Fault::Start { node } => self.start_again(*node),
            Fault::CrashMachine { machine } => self.crash_machine(*machine),
            Fault::StartMachine { machine } => self.start_machine(*machine),
            Fault::Pause { node, duration } => self.pause(*node, *duration),
            Fault::Cut { .. }
            | Fault::Clog { .. }
            | Fault::SlowLink { .. }
            | Fault::Message { .. } => self.inject_network(fault),
            Fault::SlowDisk { .. }
            | Fault::ThrottleDisk { .. }
            | Fault::StallDisk { .. }
            | Fault::FailDisk { .. }
            | Fault::LoseDisk { .. }
            | Fault::WipeDisk { .. }
            | Fault::RotFile { .. }
            | Fault::NextPowerLoss { .. } => self.inject_disk(fault),
            Fault::SlowCpu { machine, factor_percent, duration } => {
                let slowdown = self.slowdown(*machine, *duration, u64::from(*factor_percent))?;
                let now = self.now;
                self.machine(*machine).slow_cpu(now, slowdown);
                Ok(hit(*factor_percent != 100 && !duration.is_zero()))
            }
            Fault::StepClock { machine, step } => {
                self.known(*machine)?;
                let by = match step {
                    ClockStep::Forward(span) => i128::from(span.0),
                    ClockStep::Back(span) => -i128::from(span.0),
                };
                let now = self.now;
                self.machine(*machine).clock.step_wall(now, by);
                Ok(hit(by != 0))
            }
            Fault::DriftClock { machine, ppm, duration } => {
                self.known(*machine)?;
                if *ppm <= -1_000_000 {
                    return Err(FaultError::Backwards);
                }
                self.drift_clock(*machine, *ppm, *duration);
                Ok(hit(*ppm != 0 && !duration.is_zero()))
            }
        }?;
        self.trace.mixer.pair(self.now.0, 0xfa17 | (u64::from(effect.took_effect) << 32));
        Ok(effect)
    }

    /// Changes the rate of a machine's clocks, and with it when its timers go off.
    fn drift_clock(&mut self, id: MachineId, ppm: i32, duration: Span) {
        let now = self.now;
        let nodes = &self.nodes;
        let its = |e: &Envelope<P>| match e {
            Envelope::Timer { owner, .. } => nodes[owner.slot as usize].id.machine == id,
            _ => false,
        };
        let timers = self.queue.find(its);
        let clock = &mut self.machines[usize::from(id.0)].clock;
        let before = clock.clone();
        clock.drift(now, ppm, duration);
        for (at, handle) in timers {
            let left = before.monotonic(at).since(before.monotonic(now));
            let at = clock.when(now, left);
            self.queue.retime(handle, at);
        }
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

    fn crash(&mut self, node: NodeId) -> Result<Effect, FaultError> {
        let slot = self.known_node(node)?;
        if !self.nodes[slot as usize].alive {
            return Ok(hit(false));
        }
        self.end(slot, Exit::Crashed, false);
        Ok(Effect { processes_lost: 1, ..hit(true) })
    }

    fn start_again(&mut self, node: NodeId) -> Result<Effect, FaultError> {
        let slot = self.known_node(node)?;
        let place = &self.nodes[slot as usize];
        if place.image.is_none() {
            return Err(FaultError::NotBooted(node));
        }
        if !self.machines[usize::from(node.machine.0)].up {
            return Err(FaultError::MachineDown(node.machine));
        }
        if place.alive {
            return Ok(hit(false));
        }
        self.queue.push_in_order(self.now, Envelope::Boot { slot });
        Ok(hit(true))
    }

    fn crash_machine(&mut self, id: MachineId) -> Result<Effect, FaultError> {
        self.known(id)?;
        if !self.machine(id).up {
            return Ok(hit(false));
        }
        let now = self.now;
        let slots: Vec<u32> = self.machine(id).ports.iter().map(|p| p.1).collect();
        let mut effect = hit(true);
        for slot in slots {
            if self.nodes[slot as usize].alive {
                self.end(slot, Exit::Crashed, true);
                effect.processes_lost += 1;
            }
        }
        let machine = self.machine(id);
        machine.power_off(now);
        let losses = machine.disk.power_lost(now);
        effect.messages_lost = self.in_the_air(|_, to| to == id) + self.machine_silent(id);
        Ok(Effect { bytes_lost: losses.bytes, names_lost: losses.names, ..effect })
    }

    fn start_machine(&mut self, id: MachineId) -> Result<Effect, FaultError> {
        self.known(id)?;
        if self.machine(id).up {
            return Ok(hit(false));
        }
        self.machine(id).up = true;
        self.machine_answers(id);
        let slots: Vec<u32> = self.machine(id).ports.iter().map(|p| p.1).collect();
        for slot in slots {
            if self.nodes[slot as usize].image.is_some() {
                self.queue.push_in_order(self.now, Envelope::Boot { slot });
            }
        }
        Ok(hit(true))
    }

    fn pause(&mut self, node: NodeId, duration: Span) -> Result<Effect, FaultError> {
        let slot = self.known_node(node)?;
        let now = self.now;
        let place = &mut self.nodes[slot as usize];
        if !place.alive || duration.is_zero() {
            return Ok(hit(false));
        }
        place.paused_until = place.paused_until.max(now) + duration;
        for lane in &mut place.lanes {
            lane.busy_until = lane.busy_until.max(now) + duration;
        }
        let owner = Owner { slot, incarnation: place.incarnation };
        if place.departs > now {
            place.departs += duration;
            self.postpone(node, owner, duration);
        }
        Ok(hit(true))
    }

    /// What a process has not sent yet leaves later.
    fn postpone(&mut self, node: NodeId, owner: Owner, duration: Span) {
        let now = self.now;
        let unsent = |e: &Envelope<P>| match e {
            Envelope::Datagram { event: Event::Datagram { from, .. }, born, departs, .. } => {
                *from == node && *born == owner.incarnation && *departs > now
            }
            Envelope::Launch { parent: by, .. }
            | Envelope::Kill { by, .. }
            | Envelope::Exit { owner: by } => *by == owner,
            _ => false,
        };
        for (at, handle) in self.queue.find(unsent) {
            let mut envelope = self.queue.recall(handle).expect("it was just found");
            if let Envelope::Datagram { departs, .. } = &mut envelope {
                *departs += duration;
            }
            self.queue.push_in_order(at + duration, envelope);
        }
        self.connections_wait(owner, duration);
        self.machine(node.machine).disk.postpone(now, owner, duration);
    }
}
