//! One replica of the metadata log: Raft with this machine's disk, clock and network.
//!
//! Carries out what Raft asks for, in its order, and hands what concerns the coordinator on as
//! [`Told`]. Nobody can act on a decision before it is replicated, for a proposal's outcome
//! arrives as [`Told::Apply`], never as a return value.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{
    DiskError, DiskOp, DiskReply, DiskTicket, FileName, Lane, NodeId, TimerId,
};
use stormglass_sim::payload::Payload;
use stormglass_sim::time::{Instant, Span};

use crate::cluster::Cluster;
use crate::message::Message;
use crate::misread::{Look, Misread};
use crate::names::{Probe, Switches};
use crate::node::Cx;
use crate::observation::Observation;
use crate::raft::storage::{self, Frames};
use crate::raft::{
    self, Entry, Index, Membership, Output, PersistId, Point, Raft, Refusal, ReplicaId, Snapshot,
    Term, Write,
};
use crate::replace::{Progress, Proof, Replacement};

const MAIN: Lane = Lane(0);
/// How long a frame may be the last one of the log before it is sealed, if something happens then:
/// longer than a round of Raft takes, which would have to wait for the seal.
const SEAL_AFTER: Span = Span::millis(20);
/// The timer of the replica, among those of its process.
pub(super) const RAFT: u64 = 15 << 32;

/// This replica.
#[derive(Clone, Debug)]
pub struct Replica {
    cluster: Arc<Cluster>,
    file: FileName,
    /// The read of the log at the start, then its sync; none once it is done.
    recovery: Option<DiskTicket>,
    /// What was read and is not known to be durable yet.
    found: Option<Payload>,
    /// What seems to be torn at its end, and is being read again.
    torn: Option<(DiskTicket, Misread)>,
    raft: Option<Raft>,
    /// What Raft asked for and is not carried out yet.
    outputs: VecDeque<Output>,
    frames: Frames,
    /// What is to be written when the disk is done with the last frame.
    waiting: Vec<(PersistId, Write)>,
    /// The operation that makes the last frame durable.
    syncing: Option<(DiskTicket, PersistId)>,
    /// Since when the last frame has been durable, with nothing behind it that tells.
    unsealed: Option<Instant>,
    /// The sync of a seal, under way.
    sealing: Option<DiskTicket>,
    /// The file that is to take the place of the log's, and what is durable when it has.
    replacing: Option<(Replacement, PersistId)>,
    /// Whether this life has made the file's name durable.
    named: bool,
    /// The last index of the snapshot that the log begins after.
    compacted: Index,
    switches: Switches,
    timer: Option<(TimerId, Instant)>,
}

/// What concerns the coordinator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// This entry is committed: apply it now.
    Apply(Entry),
    /// The metadata is replaced by a snapshot.
    Restore(Arc<Snapshot>),
    /// A read may be answered now.
    ReadReady(u64),
    /// A read cannot be answered here.
    ReadLost(u64),
    /// This replica does not lead any more.
    SteppedDown,
}

/// The disk failed, or its contents rotted: this replica cannot know what it has promised, and must
/// not take part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken;

impl Replica {
    /// A replica that has not started.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Replica {
            cluster,
            file: FileName::from("coordinator/raft.log"),
            recovery: None,
            found: None,
            torn: None,
            raft: None,
            outputs: VecDeque::new(),
            frames: Frames::default(),
            waiting: Vec::new(),
            syncing: None,
            unsealed: None,
            sealing: None,
            replacing: None,
            named: false,
            compacted: Index(0),
            switches: Switches::default(),
            timer: None,
        }
    }

    /// Starts reading the log.
    pub fn start(&mut self, cx: &mut Cx<'_>) {
        let watched = cx.twists_are_watched();
        self.switches = Switches::of(|twist| cx.twist_is_on(twist)).watched(watched);
        self.recovery = Some(cx.disk(MAIN, DiskOp::Read { file: self.file.clone() }));
    }

    /// The planted bugs of this life, for parts that know no context.
    pub fn switches(&self) -> Switches {
        self.switches
    }

    /// The term; 0 while the log is being read.
    pub fn term(&self) -> Term {
        self.raft.as_ref().map_or(Term(0), Raft::term)
    }

    /// Whether it leads, and has applied everything that earlier leaders committed.
    pub fn may_lead(&self) -> bool {
        self.outputs.is_empty() && self.raft.as_ref().is_some_and(Raft::may_lead)
    }

    /// Who leads, as far as it knows.
    pub fn leader(&self) -> Option<NodeId> {
        let leader = self.raft.as_ref()?.leader()?;
        self.cluster.coordinators.get(usize::from(leader.0)).copied()
    }

    fn with_raft<T>(&mut self, f: impl FnOnce(&mut Raft, &mut Vec<Output>) -> T) -> Option<T> {
        let raft = self.raft.as_mut()?;
        let mut out = Vec::new();
        let result = f(raft, &mut out);
        self.outputs.extend(out);
        Some(result)
    }

    /// Proposes a command, if it leads; [`Told::Apply`] follows, unless leadership is lost.
    pub fn propose(&mut self, command: Arc<[u8]>, cx: &mut Cx<'_>) -> bool {
        let now = cx.now();
        self.with_raft(|raft, out| raft.propose(Vec::from([command]), now, out).is_ok())
            .unwrap_or(false)
    }

    /// Asks to read; [`Told::ReadReady`] or [`Told::ReadLost`] follow if this is true.
    pub fn read(&mut self, request: u64, cx: &mut Cx<'_>) -> bool {
        let now = cx.now();
        self.with_raft(|raft, out| raft.read(request, now, out).is_ok()).unwrap_or(false)
    }

    /// Hands leadership to the follower whose number is next.
    ///
    /// # Errors
    /// As [`Raft::transfer`]; a leader that is alone has no such follower.
    pub fn transfer(&mut self, cx: &mut Cx<'_>) -> Result<(), Refusal> {
        let now = cx.now();
        let transfer = |raft: &mut Raft, out: &mut Vec<Output>| {
            let (me, voters) = (raft.id(), raft.membership().voters.clone());
            let mut others = voters.iter().filter(|id| **id != me);
            let next = others.clone().find(|id| **id > me).or(others.next());
            raft.transfer(*next.ok_or(Refusal::BadMembership)?, now, out)
        };
        self.with_raft(transfer).unwrap_or(Err(Refusal::NotLeader(None)))
    }

    /// Changes who takes part. True if it is done; else it may be under way.
    ///
    /// # Errors
    /// As [`Raft::change_membership`]; who is no coordinator cannot take part.
    pub fn change_membership(
        &mut self,
        voters: Vec<ReplicaId>,
        learners: Vec<ReplicaId>,
        cx: &mut Cx<'_>,
    ) -> Result<bool, Refusal> {
        let (now, coordinators) = (cx.now(), self.cluster.coordinators.len());
        if voters.iter().chain(&learners).any(|id| usize::from(id.0) >= coordinators) {
            return Err(Refusal::BadMembership);
        }
        let wanted = Membership::new(voters.clone(), learners.clone());
        let change = |raft: &mut Raft, out: &mut Vec<Output>| {
            if raft.is_settled_on(&wanted) {
                return Ok(true);
            }
            raft.change_membership(voters, learners, now, out).map(|_| false)
        };
        self.with_raft(change).unwrap_or(Err(Refusal::NotLeader(None)))
    }

    /// Takes a message of another replica.
    pub fn receive(&mut self, from: NodeId, message: raft::Message, cx: &mut Cx<'_>) {
        let Some(at) = self.cluster.coordinators.iter().position(|node| *node == from) else {
            return;
        };
        let now = cx.now();
        self.with_raft(|raft, out| raft.receive(ReplicaId(at as u16), message, now, out));
    }

    /// Lets time pass. True if anything came of it.
    pub fn tick(&mut self, cx: &mut Cx<'_>) -> bool {
        let now = cx.now();
        self.with_raft(|raft, out| {
            let due = raft.deadline() <= now;
            if due {
                raft.tick(now, out);
            }
            due
        })
        .unwrap_or(false)
    }

    /// Whether a timer was the replica's, which has fired.
    pub fn takes_timer(&mut self, timer: TimerId) -> bool {
        self.timer.take_if(|(own, _)| *own == timer).is_some()
    }

    /// Takes a disk event.
    ///
    /// # Errors
    /// If nothing can be known of what is durable.
    pub fn on_disk(
        &mut self,
        ticket: DiskTicket,
        result: Result<DiskReply, DiskError>,
        cx: &mut Cx<'_>,
    ) -> Result<(), Broken> {
        if self.recovery == Some(ticket) {
            self.recovery = None;
            return match (self.found.take(), result) {
                (None, Ok(DiskReply::Data(log))) => {
                    // An earlier life may have died before its sync: what it wrote can be read,
                    // and must not be promised on before it is durable.
                    self.found = Some(log);
                    self.named = true;
                    cx.disk(MAIN, DiskOp::SyncDir);
                    let file = self.file.clone();
                    self.recovery = Some(cx.disk(MAIN, DiskOp::Sync { file }));
                    Ok(())
                }
                (None, Err(DiskError::NotFound)) => self.recover(&Payload::empty(), None, cx),
                (Some(log), Ok(_)) => self.recover(&log, None, cx),
                _ => Err(Broken),
            };
        }
        if let Some((_, before)) = self.torn.take_if(|(of, _)| *of == ticket) {
            return match result {
                Ok(DiskReply::Data(log)) => self.recover(&log, Some(before), cx),
                _ => Err(Broken),
            };
        }
        if result.is_err() {
            return Err(Broken);
        }
        self.sealing.take_if(|of| *of == ticket);
        if let Some((_, through)) = self.syncing.take_if(|(of, _)| *of == ticket) {
            self.persisted(through, cx);
        }
        let Some((mut new, through)) = self.replacing.take() else { return Ok(()) };
        match new.on_disk(ticket, result.as_ref(), |op| cx.disk(MAIN, op)) {
            Progress::More => self.replacing = Some((new, through)),
            Progress::Failed => return Err(Broken),
            Progress::Done => {
                self.named = true;
                self.persisted(through, cx);
            }
        }
        Ok(())
    }

    /// The last frame is durable.
    fn persisted(&mut self, through: PersistId, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.unsealed = Some(now);
        self.with_raft(|raft, out| raft.persisted(through, now, out));
    }

    /// Begins with what was read; `before` is what seemed to be torn when it was read last.
    fn recover(
        &mut self,
        log: &Payload,
        before: Option<Misread>,
        cx: &mut Cx<'_>,
    ) -> Result<(), Broken> {
        if before.as_ref().is_some_and(|before| !before.is(log)) {
            return Err(Broken);
        }
        let bytes = log.bytes();
        let Ok((durable, whole)) = storage::recover(bytes) else {
            cx.probe(Probe::LogRotten);
            return Err(Broken);
        };
        // What is misread looks like a torn frame, too.
        if whole < bytes.len()
            && let Look::Again(misread) = Misread::look(before, log)
        {
            let file = self.file.clone();
            self.torn = Some((cx.disk(MAIN, DiskOp::Read { file }), misread));
            return Ok(());
        }
        self.frames = Frames::after(whole);
        if whole < bytes.len() {
            // Behind a torn frame nothing would be found again.
            cx.probe(Probe::LogTorn);
            self.replace(bytes[..whole].to_vec(), PersistId(0), cx);
        }
        self.unsealed = (whole > 0).then_some(cx.now());
        self.compacted = durable.snapshot.as_ref().map_or(Index(0), |snapshot| snapshot.index);
        let me = self.cluster.coordinators.iter().position(|node| *node == cx.me());
        let id = ReplicaId(me.expect("a coordinator is one of the coordinators") as u16);
        let voters = (0..self.cluster.coordinators.len() as u16).map(ReplicaId).collect();
        let bootstrap = Membership::new(voters, Vec::new());
        let (settings, random, now) = (self.cluster.raft.protocol, cx.random(), cx.now());
        let (switches, mut out) = (self.switches, Vec::new());
        let raft = Raft::new(id, bootstrap, settings, durable, switches, random, now, &mut out);
        self.raft = Some(raft);
        self.outputs.extend(out);
        Ok(())
    }

    /// Writes a file that takes the place of the log's.
    fn replace(&mut self, bytes: Vec<u8>, through: PersistId, cx: &mut Cx<'_>) {
        self.frames = Frames::after(bytes.len());
        let (new, data) = (FileName::from("coordinator/raft.new"), Payload::new(bytes));
        let disk = |op| cx.disk(MAIN, op);
        let new = Replacement::begin(new, self.file.clone(), data, Proof::Synced, disk);
        self.replacing = Some((new, through));
    }

    /// The next thing that concerns the coordinator; what concerns disk and network is done on the
    /// way.
    pub fn next(&mut self, cx: &mut Cx<'_>) -> Option<Told> {
        while let Some(output) = self.outputs.pop_front() {
            match output {
                Output::Point(point) => {
                    cx.observe(Observation::Raft(point));
                    if let Point::SteppedDown { .. } = point {
                        return Some(Told::SteppedDown);
                    }
                }
                Output::Persist(id, write) => self.waiting.push((id, write)),
                Output::Send(to, message) => {
                    let to = self.cluster.coordinators[usize::from(to.0)];
                    cx.send(to, Message::Raft(Arc::new(message)));
                }
                Output::Apply(entry) => return Some(Told::Apply(entry)),
                Output::Restore(snapshot) => {
                    self.compacted = self.compacted.max(snapshot.index);
                    return Some(Told::Restore(snapshot));
                }
                Output::ReadReady { request, .. } => return Some(Told::ReadReady(request)),
                Output::ReadLost { request } => return Some(Told::ReadLost(request)),
                Output::Reached(twist) => drop(cx.twist(twist)),
            }
        }
        None
    }

    /// Writes what waits, as one frame, if the last one is durable; if nothing does, a seal is due.
    fn write(&mut self, cx: &mut Cx<'_>) {
        if self.syncing.is_some() || self.replacing.is_some() || self.sealing.is_some() {
            return;
        }
        let Some(&(through, _)) = self.waiting.last() else { return self.seal(cx) };
        let waiting = core::mem::take(&mut self.waiting);
        let writes: Vec<Write> = waiting.into_iter().map(|(_, write)| write).collect();
        if writes.iter().any(|write| matches!(write, Write::Snapshot(_))) {
            let durable = self.raft.as_ref().expect("it wrote").durable();
            let reached = |twist| {
                cx.twist(twist);
            };
            let bytes = storage::rewrite(&durable, self.switches, reached);
            return self.replace(bytes, through, cx);
        }
        let first = self.frames == Frames::default();
        let frame = self.frames.encode(&writes);
        if first && frame.len() > storage::FIRST_MOST {
            return self.replace(frame, through, cx);
        }
        let data = Payload::new(frame);
        cx.disk(MAIN, DiskOp::Append { file: self.file.clone(), data });
        if !self.named {
            self.named = true;
            cx.disk(MAIN, DiskOp::SyncDir);
        }
        let ticket = cx.disk(MAIN, DiskOp::Sync { file: self.file.clone() });
        self.syncing = Some((ticket, through));
    }

    /// Writes a frame of nothing behind one that has been the last for a while: from then on rot in
    /// that one cannot be taken for a write that was torn.
    fn seal(&mut self, cx: &mut Cx<'_>) {
        if self.unsealed.take_if(|since| cx.now() >= *since + SEAL_AFTER).is_some() {
            let data = Payload::new(self.frames.encode(&[]));
            cx.disk(MAIN, DiskOp::Append { file: self.file.clone(), data });
            self.sealing = Some(cx.disk(MAIN, DiskOp::Sync { file: self.file.clone() }));
        }
    }

    /// At the end of an event: what is to be written, and the next timer.
    pub fn settle(&mut self, cx: &mut Cx<'_>) {
        self.write(cx);
        let Some(deadline) = self.raft.as_ref().map(Raft::deadline) else { return };
        if self.timer.is_some_and(|(_, at)| at <= deadline) || deadline == Instant::FAR {
            return;
        }
        if let Some((timer, _)) = self.timer.take() {
            cx.cancel_timer(timer);
        }
        let after = deadline.max(cx.now()).since(cx.now());
        self.timer = Some((cx.set_timer(MAIN, after, RAFT), deadline));
    }

    /// Cuts the log behind what is applied if it has grown long enough, or at all if it is to be
    /// `early`; `encode` makes the snapshot.
    pub fn compact_if_long(&mut self, early: bool, encode: impl FnOnce() -> Arc<[u8]>) {
        let long = if early { 1 } else { u64::from(self.cluster.raft.snapshot_after) };
        let Some(applied) = self.raft.as_ref().map(Raft::applied) else { return };
        if applied.0 >= self.compacted.0 + long {
            self.compacted = applied;
            self.with_raft(|raft, out| raft.compact(applied, encode(), out));
        }
    }
}
