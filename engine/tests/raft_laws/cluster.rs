//! A cluster of replicas with disks, clocks and a network, driven by one queue of events.
//!
//! It carries the outputs of each replica out in their order, and tells the laws of each before it
//! does. A crash at a point drops what follows in the list.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use stormglass_engine::names::{Switches, Twist};
use stormglass_engine::raft::{
    Entry, Index, Message, Output, PersistId, Raft, ReplicaId, Role, Snapshot, Term, Write, print,
};
use stormglass_sim::time::{Instant, Span};

use super::chance::Chance;
use super::disk::{Change, Disk};
use super::laws::{Asked, Judged, Law, Laws, Violation, broken, chained};
use super::plan::{Action, At, Plan, Who};

mod actions;
mod lull;
mod network;

use network::Network;

/// The number of the first event that has no precedence.
const FIRST: u64 = 1 << 32;

/// Something that happens at an instant.
#[derive(Clone, Debug)]
enum Event {
    Deliver { from: ReplicaId, to: ReplicaId, message: Message },
    Durable { who: ReplicaId, life: u32 },
    Restart { who: ReplicaId, life: u32 },
    Act(Action),
}

/// A fault that waits for its point.
#[derive(Clone, Copy, Debug)]
struct Armed {
    at: At,
    nth: u8,
    fault: Fault,
}

/// What happens there.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Crash { keep: u64, down: Span },
    Isolate { during: Span },
}

/// A machine with one replica on it.
#[derive(Clone, Debug)]
struct Machine {
    raft: Option<Raft>,
    life: u32,
    disk: Disk,
    /// Millionths of true time.
    clock: u64,
    paused: Instant,
    slow_disk: Instant,
    armed: Vec<Armed>,
    applied: u64,
    state: u64,
    /// Proposals of clients that wait here.
    proposals: BTreeSet<(Index, Term)>,
    /// Reads that wait until an index is applied.
    ready: Vec<Index>,
    /// The last read that was asked for here.
    asked: Option<u64>,
    /// Ticks in a row that did not move the deadline.
    idle_ticks: u32,
}

/// What happened in a run, to see that it was no walk in the park.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tally {
    /// Events that were handled.
    pub(crate) events: u64,
    /// Elections that were won.
    pub(crate) elections: u64,
    /// Entries that were committed.
    pub(crate) committed: u64,
    /// Reads that were served.
    pub(crate) reads: u64,
    /// Crashes, and those of them at a point.
    pub(crate) crashes: u64,
    /// Crashes at a point of the protocol.
    pub(crate) aimed: u64,
    /// Memberships that came into force somewhere.
    pub(crate) memberships: u64,
    /// Snapshots that replaced a log.
    pub(crate) installed: u64,
    /// Times that the planted bug made a difference.
    pub(crate) reached: u64,
}

/// A cluster under a plan.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    now: Instant,
    queue: BTreeMap<(Instant, u64), Event>,
    sequence: u64,
    /// The same for what is handled before everything else of its instant.
    early: u64,
    machines: Vec<Machine>,
    network: Network,
    laws: Laws,
    chance: Chance,
    plan: Plan,
    switches: Switches,
    requests: u64,
    tally: Tally,
    /// What happened, line by line, if somebody wants to read it.
    trace: Option<Vec<String>>,
}

/// Runs a plan to its end, and the lull after it.
pub(crate) fn run(plan: &Plan, twist: Option<Twist>) -> Result<Tally, Violation> {
    traced(plan, twist, Asked::All, false).0
}

/// The same, if only the laws about harm are asked.
pub(crate) fn harm(plan: &Plan, twist: Twist) -> Result<Tally, Violation> {
    traced(plan, Some(twist), Asked::Harm, false).0
}

/// The same, and what happened, line by line, if it is asked for.
pub(crate) fn traced(
    plan: &Plan,
    twist: Option<Twist>,
    asked: Asked,
    trace: bool,
) -> (Result<Tally, Violation>, Vec<String>) {
    let mut cluster = Cluster::new(plan, twist, asked, trace);
    let judged = catch_unwind(AssertUnwindSafe(|| cluster.run())).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        broken(Law::Assertion, text.unwrap_or_default())
    });
    if let Err(violation) = &judged {
        cluster.say(|| violation.to_string());
    }
    (judged, cluster.trace.unwrap_or_default())
}

impl Cluster {
    fn new(plan: &Plan, twist: Option<Twist>, asked: Asked, trace: bool) -> Self {
        let machine = |clock: &u64| Machine {
            raft: None,
            life: 0,
            disk: Disk::default(),
            clock: *clock,
            paused: Instant::ZERO,
            slow_disk: Instant::ZERO,
            armed: Vec::new(),
            applied: 0,
            state: 0,
            proposals: BTreeSet::new(),
            ready: Vec::new(),
            asked: None,
            idle_ticks: 0,
        };
        let mut cluster = Cluster {
            now: Instant::ZERO,
            queue: BTreeMap::new(),
            sequence: FIRST,
            early: 0,
            machines: plan.clocks.iter().map(machine).collect(),
            network: Network::new(plan.weather, plan.seed),
            laws: Laws::new(plan.replicas, plan.bootstrap.clone(), asked),
            chance: Chance::new(plan.seed, 1),
            plan: plan.clone(),
            switches: Switches::of(|one| Some(one) == twist),
            requests: 0,
            tally: Tally::default(),
            trace: trace.then(Vec::new),
        };
        for (at, action) in &plan.actions {
            cluster.schedule(*at, Event::Act(*action));
        }
        cluster
    }

    fn run(&mut self) -> Result<Tally, Violation> {
        self.storm()?;
        self.lull()?;
        self.tally.elections = self.laws.elections() as u64;
        self.tally.committed = self.laws.last_committed();
        Ok(self.tally)
    }

    fn storm(&mut self) -> Judged {
        for who in self.ids() {
            self.start(who)?;
        }
        self.run_until(self.plan.end)
    }

    fn ids(&self) -> impl Iterator<Item = ReplicaId> + use<> {
        (0..self.plan.replicas).map(ReplicaId)
    }

    fn machine(&mut self, who: ReplicaId) -> &mut Machine {
        &mut self.machines[usize::from(who.0)]
    }

    fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{} {}", self.now, line()));
        }
    }

    fn schedule(&mut self, at: Instant, event: Event) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), event);
    }

    /// Who has to be ticked next, and when.
    fn next_tick(&self) -> Option<(Instant, ReplicaId)> {
        let ticks = self.machines.iter().zip(0..).filter_map(|(machine, id)| {
            let due = machine.truth(machine.raft.as_ref()?.deadline());
            Some((due.max(machine.paused).max(self.now), ReplicaId(id)))
        });
        ticks.min()
    }

    fn run_until(&mut self, until: Instant) -> Judged {
        loop {
            let tick = self.next_tick();
            let event = self.queue.first_key_value().map(|(key, _)| *key);
            let next = tick.map(|tick| tick.0).into_iter().chain(event.map(|key| key.0)).min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = next;
            self.tally.events += 1;
            match (event, tick) {
                (Some(key), _) if key.0 == next => {
                    let event = self.queue.remove(&key).expect("it is there");
                    self.happen(event)?;
                }
                (_, Some((_, who))) => self.tick(who)?,
                _ => unreachable!("one of them is next"),
            }
        }
        self.now = until;
        Ok(())
    }

    fn tick(&mut self, who: ReplicaId) -> Judged {
        self.drive(who, |raft, now, out| raft.tick(now, out))?;
        let now = self.now;
        let machine = self.machine(who);
        let Some(raft) = &machine.raft else { return Ok(()) };
        let late = machine.truth(raft.deadline()) <= now;
        machine.idle_ticks = if late { machine.idle_ticks + 1 } else { 0 };
        if machine.idle_ticks > 100 {
            return broken(Law::Progress, format!("{who} ticks without end"));
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Judged {
        let paused = match &event {
            Event::Deliver { to, .. } => self.machine(*to).paused,
            Event::Durable { who, .. } => self.machine(*who).paused,
            _ => self.now,
        };
        if paused > self.now {
            self.schedule(paused, event);
            return Ok(());
        }
        match event {
            Event::Deliver { from, to, message } => {
                if self.machine(to).raft.is_none() || self.network.is_cut(from, to, self.now) {
                    return Ok(());
                }
                self.say(|| format!("{from}->{to} {message:?}"));
                self.drive(to, |raft, now, out| raft.receive(from, message, now, out))
            }
            Event::Durable { who, life } => {
                if self.machine(who).life != life {
                    return Ok(());
                }
                let done = self.machine(who).disk.done();
                let (through, changes) = done.expect("a frame was under way");
                self.durable(who, changes)?;
                self.drive(who, |raft, now, out| raft.persisted(through, now, out))
            }
            Event::Restart { who, life } if self.machine(who).life == life => self.start(who),
            Event::Restart { .. } => Ok(()),
            Event::Act(action) => self.act(action),
        }
    }

    fn durable(&mut self, who: ReplicaId, changes: Vec<Change>) -> Judged {
        for change in changes {
            match change {
                Change::HardState(term, vote) => self.laws.durable_hard_state(who, term, vote)?,
                Change::Entries(entries) => self.laws.durable_entries(who, &entries)?,
                Change::File(held) => self.laws.durable_file(who, &held)?,
            }
        }
        Ok(())
    }

    fn start(&mut self, who: ReplicaId) -> Judged {
        let durable = match self.machine(who).disk.recover() {
            Ok(durable) => durable,
            Err(rotten) => return broken(Law::Recovery, format!("{who}: {rotten}")),
        };
        self.say(|| format!("{who} starts with {durable:?}"));
        self.laws.life(who, &durable)?;
        let (bootstrap, settings) = (self.plan.bootstrap.clone(), self.plan.settings);
        let (random, switches) = (self.chance.word(), self.switches);
        let now = self.now;
        let machine = self.machine(who);
        machine.life += 1;
        let now = machine.local(now);
        let mut out = Vec::new();
        let raft = Raft::new(who, bootstrap, settings, durable, switches, random, now, &mut out);
        machine.raft = Some(raft);
        self.carry_out(who, out)
    }

    fn crash(&mut self, who: ReplicaId, keep: u64, down: Span) -> Judged {
        let at = self.now + down;
        let machine = self.machine(who);
        if machine.raft.take().is_none() {
            return Ok(());
        }
        machine.life += 1;
        (machine.applied, machine.state) = (0, 0);
        machine.armed.clear();
        machine.proposals.clear();
        machine.ready.clear();
        machine.asked = None;
        machine.paused = Instant::ZERO;
        let life = machine.life;
        let changes = machine.disk.crash(keep);
        self.tally.crashes += 1;
        self.say(|| format!("{who} crashes, {} writes remain", changes.len()));
        self.schedule(at, Event::Restart { who, life });
        self.durable(who, changes)
    }

    /// Has a replica do something, and carries out what comes of it.
    fn drive(
        &mut self,
        who: ReplicaId,
        does: impl FnOnce(&mut Raft, Instant, &mut Vec<Output>),
    ) -> Judged {
        let now = self.now;
        let machine = self.machine(who);
        let local = machine.local(now);
        let Some(raft) = &mut machine.raft else { return Ok(()) };
        let mut out = Vec::new();
        does(raft, local, &mut out);
        self.carry_out(who, out)
    }

    fn carry_out(&mut self, who: ReplicaId, out: Vec<Output>) -> Judged {
        let life = self.machine(who).life;
        for output in out {
            self.carry_out_one(who, output)?;
            if self.machine(who).life != life {
                return Ok(());
            }
        }
        self.begin_write(who);
        self.serve(who);
        Ok(())
    }

    fn carry_out_one(&mut self, who: ReplicaId, output: Output) -> Judged {
        if !matches!(output, Output::Send(..)) {
            self.say(|| format!("{who} {output:?}"));
        }
        match output {
            Output::Point(point) => {
                self.count(&point);
                self.laws.point(who, point)?;
                self.maybe_strike(who, |at| at.is(&point))
            }
            Output::Persist(id, write) => self.persist(who, id, write),
            Output::Send(to, message) => self.send(who, to, message),
            Output::Apply(entry) => self.apply(who, &entry),
            Output::Restore(snapshot) => self.restore(who, &snapshot),
            Output::ReadReady { request, index } => {
                self.laws.read_ready(who, request, index.0)?;
                self.machine(who).ready.push(index);
                self.tally.reads += 1;
                Ok(())
            }
            Output::ReadLost { .. } => Ok(()),
            Output::Reached(_) => {
                self.tally.reached += 1;
                Ok(())
            }
        }
    }

    fn apply(&mut self, who: ReplicaId, entry: &Entry) -> Judged {
        self.laws.applied(who, entry)?;
        let machine = self.machine(who);
        machine.applied = entry.index.0;
        machine.state = chained(machine.state, entry.term, print(&entry.body));
        machine.proposals.retain(|(index, _)| *index >= entry.index);
        if machine.proposals.remove(&(entry.index, entry.term)) {
            self.laws.acknowledged(entry.index.0);
        }
        Ok(())
    }

    fn restore(&mut self, who: ReplicaId, snapshot: &Snapshot) -> Judged {
        let state = snapshot.data.first_chunk().map_or(0, |state| u64::from_le_bytes(*state));
        self.laws.restored(who, snapshot, state)?;
        let machine = self.machine(who);
        (machine.applied, machine.state) = (snapshot.index.0, state);
        Ok(())
    }

    /// Serves the reads whose entries are applied: their clients now know of all that is.
    fn serve(&mut self, who: ReplicaId) {
        let machine = self.machine(who);
        let (applied, before) = (machine.applied, machine.ready.len());
        machine.ready.retain(|index| index.0 > applied);
        if machine.ready.len() < before {
            self.laws.acknowledged(applied);
        }
    }

    fn persist(&mut self, who: ReplicaId, id: PersistId, write: Write) -> Judged {
        if let Write::Entries(entries) = &write {
            self.laws.writes(who, entries)?;
        }
        self.machine(who).disk.write(id, write);
        // A driver may write at once, or when it is through with the list.
        if self.chance.percent(50) {
            self.begin_write(who);
        }
        Ok(())
    }

    fn begin_write(&mut self, who: ReplicaId) {
        let (now, switches) = (self.now, self.switches);
        let machine = &mut self.machines[usize::from(who.0)];
        let Some(raft) = &machine.raft else { return };
        let mut reached = 0;
        if machine.disk.begin(raft, switches, |_| reached += 1) {
            let slower = if machine.slow_disk > now { 20 } else { 1 };
            let life = machine.life;
            let took = self.chance.span(self.plan.disk) * slower;
            self.schedule(now + took, Event::Durable { who, life });
        }
        self.tally.reached += reached;
    }

    /// Nothing passes between some and the others.
    fn isolate(&mut self, some: u8, during: Span) {
        let (now, until) = (self.now, self.now + during);
        self.network.cut(some, !some, now, until);
        self.network.cut(!some, some, now, until);
    }

    /// The fault that waits for this very point.
    fn maybe_strike(&mut self, who: ReplicaId, is: impl Fn(At) -> bool) -> Judged {
        let machine = self.machine(who);
        let Some(at) = machine.armed.iter().position(|armed| is(armed.at)) else { return Ok(()) };
        machine.armed[at].nth -= 1;
        if machine.armed[at].nth > 0 {
            return Ok(());
        }
        let fault = machine.armed.remove(at).fault;
        self.tally.aimed += 1;
        match fault {
            Fault::Crash { keep, down } => self.crash(who, keep, down),
            Fault::Isolate { during } => {
                self.say(|| format!("{who} is cut off"));
                self.isolate(1 << who.0, during);
                Ok(())
            }
        }
    }
}

impl Tally {
    /// Whether it has at least so many hundredths of each, for each of so many plans.
    pub(crate) fn reaches(&self, hundredths: &Tally, plans: u64) -> bool {
        let all = |tally: &Tally| {
            let Tally { events, elections, committed, reads, crashes, aimed, .. } = *tally;
            [
                events,
                elections,
                committed,
                reads,
                crashes,
                aimed,
                tally.memberships,
                tally.installed,
            ]
        };
        all(self).into_iter().zip(all(hundredths)).all(|(is, least)| is * 100 >= least * plans)
    }
    /// Adds those of another run.
    pub(crate) fn add(&mut self, other: Tally) {
        self.events += other.events;
        self.elections += other.elections;
        self.committed += other.committed;
        self.reads += other.reads;
        self.crashes += other.crashes;
        self.aimed += other.aimed;
        self.memberships += other.memberships;
        self.installed += other.installed;
        self.reached += other.reached;
    }
}

impl Machine {
    /// What its clock shows.
    fn local(&self, truth: Instant) -> Instant {
        Instant((u128::from(truth.0) * u128::from(self.clock) / 1_000_000) as u64)
    }
    /// The first true instant at which its clock shows that.
    fn truth(&self, local: Instant) -> Instant {
        let truth = (u128::from(local.0) * 1_000_000).div_ceil(u128::from(self.clock));
        Instant(u64::try_from(truth).unwrap_or(u64::MAX))
    }
    fn leads(&self) -> Option<Term> {
        let raft = self.raft.as_ref()?;
        (raft.role() == Role::Leader).then(|| raft.term())
    }
}
