//! Faults of processes, machines, failure domains, clocks and memory.

use alloc::vec::Vec;

use super::hit;
use crate::disk::Owner;
use crate::fault::{ArmedId, ClockStep, Effect, Fault, FaultError, Thaw};
use crate::machine::Domain;
use crate::machine::clock::Clock;
use crate::machine::memory::{Limit, Refusal};
use crate::node::{Event, Exit, MachineId, Name, NodeId, Process};
use crate::time::Span;
use crate::world::kernel::{CrashLoop, Envelope, Kernel};

/// Processes.
impl<P: Process> Kernel<P> {
    pub(super) fn inject_machine(&mut self, fault: &Fault) -> Result<Effect, FaultError> {
        match fault {
            Fault::Crash { node } => self.crash(*node),
            Fault::Start { node } => self.start_again(*node),
            Fault::CrashLoop { node, times, after, restart } => {
                self.crash_loop(*node, *times, *after, *restart)
            }
            Fault::Pause { node, duration } => self.pause(*node, *duration),
            Fault::SlowCpu { machine, factor_percent, duration } => {
                self.slow_cpu(*machine, *factor_percent, *duration)
            }
            Fault::CrashMachine { machine } => self.crash_machine(*machine),
            Fault::StartMachine { machine } => self.start_machine(*machine),
            Fault::CrashDomain { domain } => self.crash_domain(*domain),
            Fault::StartDomain { domain, stagger } => self.start_domain(*domain, *stagger),
            other => unreachable!("{other:?} is no fault of processes and machines"),
        }
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

    fn crash_loop(
        &mut self,
        node: NodeId,
        times: u32,
        after: Span,
        restart: Span,
    ) -> Result<Effect, FaultError> {
        let slot = self.known_node(node)?;
        let id = self.arm(u64::from(times))?;
        self.crash_loops.push(CrashLoop { slot, left: times, after, restart, id });
        if self.nodes[slot as usize].alive {
            self.doom(slot, id);
        }
        Ok(Effect { armed: Some(id), ..Effect::default() })
    }

    /// Schedules the end of a process's present life in a crash loop.
    fn doom(&mut self, slot: u32, id: ArmedId) {
        let owner = Owner { slot, incarnation: self.nodes[slot as usize].incarnation };
        let of = self.crash_loops.iter().find(|of| of.id == id).expect("it goes on");
        self.queue.push_in_order(self.now + of.after, Envelope::Doom { owner, id });
    }

    /// A life begins; each crash loop of its address will end it.
    #[cold]
    pub(crate) fn begins_in_loop(&mut self, slot: u32) {
        let its = self.crash_loops.iter().filter(|of| of.slot == slot);
        let ids: Vec<ArmedId> = its.map(|of| of.id).collect();
        ids.into_iter().for_each(|id| self.doom(slot, id));
    }

    /// The end of a life in a crash loop, if it did not end before.
    pub(crate) fn dies_in_loop(&mut self, owner: Owner, id: ArmedId) {
        if !self.lives(owner) {
            return;
        }
        let slot = owner.slot;
        self.end(slot, Exit::Crashed, false);
        self.armed[id.0 as usize] += 1;
        let at = self.crash_loops.iter().position(|of| of.id == id).expect("it goes on");
        let of = &mut self.crash_loops[at];
        of.left -= 1;
        let starts = self.now + of.restart;
        if of.left == 0 {
            self.crash_loops.remove(at);
        }
        if self.nodes[slot as usize].image.is_some() {
            self.queue.push_in_order(starts, Envelope::Boot { slot });
        }
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
            self.postpone(node, owner, duration);
            self.machine(node.machine).disk.postpone(now, owner, duration);
        }
        Ok(hit(true))
    }

    /// What a process has not sent yet leaves later; what it has not asked of its disk yet is the
    /// disk's business.
    pub(super) fn postpone(&mut self, node: NodeId, owner: Owner, duration: Span) {
        let now = self.now;
        self.nodes[owner.slot as usize].departs += duration;
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
            let cause = self.queue.cause(handle);
            let later = self.queue.push_in_order(at + duration, envelope);
            self.queue.set_cause(later, cause);
        }
        self.connections_wait(owner, duration);
    }

    fn slow_cpu(
        &mut self,
        id: MachineId,
        percent: u32,
        duration: Span,
    ) -> Result<Effect, FaultError> {
        let slowdown = self.slowdown(id, duration, u64::from(percent))?;
        let now = self.now;
        self.machine(id).slow_cpu(now, slowdown);
        Ok(hit(percent != 100 && !duration.is_zero()))
    }
}

/// Machines and failure domains.
impl<P: Process> Kernel<P> {
    fn crash_machine(&mut self, id: MachineId) -> Result<Effect, FaultError> {
        self.known(id)?;
        let was_to_start = self.forget_start(id);
        if !self.machine(id).up {
            return Ok(hit(was_to_start));
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
        self.forget_start(id);
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

    /// A start that was due is not any more. False if none was.
    fn forget_start(&mut self, id: MachineId) -> bool {
        let handle = self.machine(id).starts.take();
        handle.is_some_and(|handle| self.queue.cancel(handle).is_some())
    }

    /// A start that was due is.
    pub(crate) fn power_on(&mut self, id: MachineId) {
        self.machine(id).starts = None;
        self.start_machine(id).expect("the machine exists");
    }

    fn machines_in(&self, domain: Domain) -> Result<Vec<MachineId>, FaultError> {
        let machines = (0..).map(MachineId).zip(&self.machines);
        let there = machines.filter(|(_, machine)| domain.holds(&machine.spec));
        let there: Vec<MachineId> = there.map(|(id, _)| id).collect();
        if there.is_empty() { Err(FaultError::UnknownDomain(domain)) } else { Ok(there) }
    }

    fn crash_domain(&mut self, domain: Domain) -> Result<Effect, FaultError> {
        let mut all = Effect::default();
        for id in self.machines_in(domain)? {
            let one = self.crash_machine(id)?;
            all.took_effect |= one.took_effect;
            all.processes_lost += one.processes_lost;
            all.messages_lost += one.messages_lost;
            all.bytes_lost += one.bytes_lost;
            all.names_lost += one.names_lost;
        }
        Ok(all)
    }

    fn start_domain(&mut self, domain: Domain, stagger: Span) -> Result<Effect, FaultError> {
        let mut down = self.machines_in(domain)?;
        down.retain(|id| !self.machine(*id).up);
        for (number, id) in (0..).zip(&down) {
            let at = self.now + stagger * number;
            if at == self.now {
                self.start_machine(*id)?;
            } else {
                self.forget_start(*id);
                let start = Envelope::PowerOn { machine: *id };
                let handle = self.queue.push_in_order(at, start);
                self.machine(*id).starts = Some(handle);
            }
        }
        Ok(hit(!down.is_empty()))
    }
}

/// Clocks.
impl<P: Process> Kernel<P> {
    pub(super) fn inject_clock(&mut self, fault: &Fault) -> Result<Effect, FaultError> {
        let now = self.now;
        match *fault {
            Fault::StepClock { machine, step } => {
                self.clock(machine)?.step_wall(now, step.nanos());
                Ok(hit(step.nanos() != 0))
            }
            Fault::SetClock { machine, offset } => {
                let clock = self.clock(machine)?;
                let before = clock.wall(now);
                clock.set_wall(now, offset.nanos());
                Ok(hit(clock.wall(now) != before))
            }
            Fault::DriftClock { machine, ppm, duration } => {
                if ppm <= -1_000_000 {
                    return Err(FaultError::Backwards);
                }
                self.drift_clock(machine, ppm, duration)
            }
            Fault::FreezeClock { machine, duration, then } => {
                self.clock(machine)?.freeze_wall(now, duration, then == Thaw::Jumps);
                Ok(hit(!duration.is_zero()))
            }
            Fault::SmearClock { machine, step, duration } => {
                let clock = self.clock(machine)?;
                let back = matches!(step, ClockStep::Back(span) if span >= duration);
                if back || duration.is_zero() {
                    return Err(FaultError::Backwards);
                }
                clock.smear_wall(now, step.nanos(), duration);
                Ok(hit(step.nanos() != 0))
            }
            Fault::StrobeClock { machine, delta, period, duration } => {
                let clock = self.clock(machine)?;
                if period.is_zero() {
                    return Err(FaultError::Zero);
                }
                clock.strobe_wall(now, delta.0.into(), period, duration);
                Ok(hit(!delta.is_zero() && !duration.is_zero()))
            }
            ref other => unreachable!("{other:?} is no fault of clocks"),
        }
    }

    fn clock(&mut self, id: MachineId) -> Result<&mut Clock, FaultError> {
        self.known(id)?;
        Ok(&mut self.machine(id).clock)
    }

    /// Changes the rate of a machine's clocks, and with it when its timers go off.
    fn drift_clock(
        &mut self,
        id: MachineId,
        ppm: i32,
        duration: Span,
    ) -> Result<Effect, FaultError> {
        self.known(id)?;
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
        Ok(hit(ppm != 0 && !duration.is_zero()))
    }
}

/// Memory.
impl<P: Process> Kernel<P> {
    pub(super) fn inject_memory(&mut self, fault: &Fault) -> Result<Effect, FaultError> {
        match fault {
            Fault::RefuseMemory { node, site, count } => self.refuse_memory(*node, *site, *count),
            Fault::LimitMemory { node, bytes, duration } => {
                self.limit_memory(*node, *bytes, *duration)
            }
            other => unreachable!("{other:?} is no fault of memory"),
        }
    }

    fn refuse_memory(&mut self, node: NodeId, site: u16, count: u32) -> Result<Effect, FaultError> {
        let slot = self.known_node(node)?;
        if usize::from(site) >= P::Site::ALL.len() {
            return Err(FaultError::UnknownSite(site));
        }
        let id = self.arm(u64::from(count))?;
        self.nodes[slot as usize].memory.refuse(Refusal { site, left: count, id });
        Ok(Effect { armed: Some(id), ..Effect::default() })
    }

    fn limit_memory(
        &mut self,
        node: NodeId,
        bytes: u64,
        duration: Span,
    ) -> Result<Effect, FaultError> {
        let slot = self.known_node(node)?;
        if duration.is_zero() {
            return Ok(hit(false));
        }
        let id = self.arm(1)?;
        let (now, until) = (self.now, self.now + duration);
        let armed = Effect { armed: Some(id), ..Effect::default() };
        let memory = &mut self.nodes[slot as usize].memory;
        memory.limit(now, Limit { bytes, until, id });
        if memory.exceeded(now).is_none() {
            return Ok(armed);
        }
        self.armed[id.0 as usize] += 1;
        self.end(slot, Exit::OutOfMemory, false);
        Ok(Effect { took_effect: true, processes_lost: 1, ..armed })
    }
}
