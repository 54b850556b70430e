//! What a plan does to a cluster, carried out.

use std::sync::Arc;

use stormglass_engine::raft::{
    Index, Kind, Membership, Message, Output, Point, Raft, Refusal, ReplicaId, Term,
};
use stormglass_sim::time::{Instant, Span};

use super::{Action, Armed, At, Cluster, Event, Fault, Judged, Who};
use crate::plan::Those;

/// The replicas of a mask.
pub(crate) fn members(mask: u8) -> Vec<ReplicaId> {
    (0..8).filter(|id| mask >> id & 1 == 1).map(ReplicaId).collect()
}

impl Cluster {
    fn leaders(&self) -> Vec<(Term, ReplicaId)> {
        let leads = |(id, machine): (u16, &super::Machine)| Some((machine.leads()?, ReplicaId(id)));
        (0..).zip(&self.machines).filter_map(leads).collect()
    }
    /// Who leads the highest term.
    pub(super) fn leader(&self) -> Option<ReplicaId> {
        self.leaders().into_iter().max().map(|(_, id)| id)
    }
    fn who(&self, who: Who) -> Option<ReplicaId> {
        match who {
            Who::Leader => self.leader(),
            Who::OldLeader => self.leaders().into_iter().min().map(|(_, id)| id),
            Who::Replica(id) => Some(ReplicaId(id % self.plan.replicas)),
            Who::Other(number) => {
                let leader = self.leader()?;
                let others: Vec<_> = self.ids().filter(|id| *id != leader).collect();
                others.get(usize::from(number) % others.len().max(1)).copied()
            }
        }
    }
    fn those(&self, those: Those) -> Option<u8> {
        let leader = || Some(1 << self.leader()?.0);
        Some(match those.leader {
            None => those.mask,
            Some(true) => those.mask | leader()?,
            Some(false) => those.mask & !leader()?,
        })
    }

    /// Carries an action out. One that finds nobody to be done to does nothing.
    pub(super) fn act(&mut self, action: Action) -> Judged {
        self.act_on(action).unwrap_or(Ok(()))
    }

    fn act_on(&mut self, action: Action) -> Option<Judged> {
        let now = self.now;
        self.say(|| format!("{action:?}"));
        match action {
            Action::Propose { to, commands, bytes } => {
                let to = self.awake(to, action)?;
                return Some(self.propose(to, commands, bytes).map(drop));
            }
            Action::Read { from, again } => {
                let from = self.awake(from, action)?;
                return Some(self.read(from, again));
            }
            Action::Change { at, voters, learners } => {
                let at = self.awake(at, action)?;
                let all = (1 << self.plan.replicas) - 1;
                let (voters, learners) = (members(voters & all), members(learners & !voters & all));
                return Some(self.ask(at, move |raft, now, out| {
                    raft.change_membership(voters, learners, now, out).is_ok()
                }));
            }
            Action::Transfer { at, to } => {
                let (at, to) = (self.awake(at, action)?, self.who(to)?);
                return Some(
                    self.ask(at, move |raft, now, out| raft.transfer(to, now, out).is_ok()),
                );
            }
            Action::Compact { who, bytes } => return Some(self.compact(self.who(who)?, bytes)),
            Action::Crash { who, keep, down } => {
                return Some(self.crash(self.who(who)?, keep, down));
            }
            Action::CrashAt { who, at, nth, keep, down } => {
                let who = self.who(who)?;
                let fault = Fault::Crash { keep, down };
                self.machine(who).armed.push(Armed { at, nth, fault });
            }
            Action::IsolateAt { who, at, nth, during } => {
                let who = self.who(who)?;
                let fault = Fault::Isolate { during };
                self.machine(who).armed.push(Armed { at, nth, fault });
            }
            Action::Pause { who, during } => {
                let who = self.who(who)?;
                self.machine(who).paused = now + during;
            }
            Action::SlowDisk { who, during } => {
                let who = self.who(who)?;
                self.machine(who).slow_disk = now + during;
            }
            Action::Cut { from, both, during } => {
                let from = self.those(from)?;
                if both {
                    self.isolate(from, during);
                } else {
                    self.network.cut(from, !from, now, now + during);
                }
            }
            Action::CutLink { from, to, during } => {
                let (from, to) = (self.who(from)?, self.who(to)?);
                self.network.cut(1 << from.0, 1 << to.0, now, now + during);
            }
            Action::Heal => self.network.heal(),
        }
        None
    }

    /// The chosen replica; a request to one that stands still waits until it moves on.
    fn awake(&mut self, who: Who, action: Action) -> Option<ReplicaId> {
        let who = self.who(who)?;
        let paused = self.machine(who).paused;
        if paused <= self.now {
            return Some(who);
        }
        let again = match action {
            Action::Propose { commands, bytes, .. } => {
                Action::Propose { to: Who::Replica(who.0), commands, bytes }
            }
            Action::Read { again, .. } => Action::Read { from: Who::Replica(who.0), again },
            Action::Change { voters, learners, .. } => {
                Action::Change { at: Who::Replica(who.0), voters, learners }
            }
            _ => return None,
        };
        // What clients say comes by another way than what replicas say: either may be first.
        if self.chance.percent(50) {
            self.early += 1;
            self.queue.insert((paused, self.early), Event::Act(again));
        } else {
            self.schedule(paused, Event::Act(again));
        }
        None
    }

    fn ask(
        &mut self,
        who: ReplicaId,
        ask: impl FnOnce(&mut Raft, Instant, &mut Vec<Output>) -> bool,
    ) -> Judged {
        self.drive(who, |raft, now, out| {
            ask(raft, now, out);
        })
    }

    /// Proposes commands that no other proposal has. True if they were taken.
    pub(super) fn propose(
        &mut self,
        to: ReplicaId,
        commands: u8,
        bytes: u16,
    ) -> Result<bool, super::Violation> {
        let mut fresh = || -> Arc<[u8]> {
            self.requests += 1;
            let mut command = vec![0; usize::from(bytes).max(8)];
            command[..8].copy_from_slice(&self.requests.to_le_bytes());
            command.into()
        };
        let commands: Vec<_> = (0..commands).map(|_| fresh()).collect();
        let count = commands.len() as u64;
        let now = self.now;
        let machine = self.machine(to);
        let local = machine.local(now);
        let Some(raft) = &mut machine.raft else { return Ok(false) };
        let mut out = Vec::new();
        let taken: Result<(Index, Term), Refusal> = raft.propose(commands, local, &mut out);
        if let Ok((first, term)) = taken {
            machine.proposals.extend((0..count).map(|n| (Index(first.0 + n), term)));
        }
        self.carry_out(to, out)?;
        Ok(taken.is_ok())
    }

    fn read(&mut self, from: ReplicaId, again: bool) -> Judged {
        self.requests += 1;
        let fresh = self.requests;
        let asked = &mut self.machine(from).asked;
        let request = if again { asked.unwrap_or(fresh) } else { fresh };
        *asked = Some(request);
        self.laws.read_begins(request);
        self.ask(from, move |raft, now, out| raft.read(request, now, out).is_ok())
    }

    fn compact(&mut self, who: ReplicaId, bytes: u16) -> Judged {
        let machine = self.machine(who);
        let (applied, state) = (machine.applied, machine.state);
        let Some(raft) = &mut machine.raft else { return Ok(()) };
        let fresh = raft.durable().snapshot.is_none_or(|snapshot| snapshot.index.0 < applied);
        if applied == 0 || !fresh {
            return Ok(());
        }
        let mut data = state.to_le_bytes().to_vec();
        data.resize(8 + usize::from(bytes), 7);
        let mut out = Vec::new();
        raft.compact(Index(applied), data.into(), &mut out);
        self.carry_out(who, out)
    }

    /// Sends a message, unless the network loses it; aimed crashes come after it has left.
    pub(super) fn send(&mut self, from: ReplicaId, to: ReplicaId, message: Message) -> Judged {
        let aim = self.overhear(from, to, &message)?;
        let arrivals = self.network.flight(from, to, self.now);
        for at in arrivals {
            self.schedule(at, Event::Deliver { from, to, message: message.clone() });
        }
        match aim {
            Some(aim) => self.maybe_strike(from, |at| at == aim),
            None => Ok(()),
        }
    }

    /// Tells the laws of what a message promises, and says what kind of moment this is.
    fn overhear(
        &mut self,
        from: ReplicaId,
        to: ReplicaId,
        message: &Message,
    ) -> Result<Option<At>, super::Violation> {
        Ok(match message.kind {
            // Who asks for votes has voted for itself.
            Kind::Vote { .. } => {
                self.laws.told_vote(from, message.term, from)?;
                Some(At::VoteAsked)
            }
            Kind::VoteReply { granted: true } => {
                self.laws.told_vote(from, message.term, to)?;
                Some(At::VoteTold)
            }
            Kind::AppendReply { .. } => Some(At::Acknowledged),
            _ => None,
        })
    }

    pub(super) fn count(&mut self, point: &Point) {
        match point {
            Point::MembershipChanged { .. } => self.tally.memberships += 1,
            Point::SnapshotInstalled { .. } => self.tally.installed += 1,
            _ => {}
        }
    }

    /// Everybody is back, awake and reachable.
    pub(super) fn calm(&mut self) {
        let now = self.now;
        self.network.calm();
        for machine in &mut self.machines {
            machine.paused = machine.paused.min(now);
            machine.slow_disk = now;
            machine.armed.clear();
        }
        let down = (0..).zip(&self.machines).filter(|(_, machine)| machine.raft.is_none());
        let down: Vec<(u16, u32)> = down.map(|(id, machine)| (id, machine.life)).collect();
        for (id, life) in down {
            let at = now + Span::millis(u64::from(id));
            self.schedule(at, Event::Restart { who: ReplicaId(id), life });
        }
    }

    /// Who takes part, as the leader of the highest term sees it.
    pub(super) fn members(&self) -> Option<Membership> {
        let leader = &self.machines[usize::from(self.leader()?.0)];
        Some(leader.raft.as_ref()?.membership().clone())
    }
}
