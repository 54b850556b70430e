//! Log compaction, and snapshots on their way to those who are too far behind (chapter 5).

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::time::Instant;

use super::log::Log;
use super::membership::Memberships;
use super::message::Kind;
use super::progress::{State, Transmission, feed};
use super::{Index, Membership, Output, Point, Raft, ReplicaId, Snapshot, Term, Write};

/// A snapshot that is arriving. Forgotten when the term ends: another leader starts anew.
#[derive(Clone, Debug)]
pub(super) struct Receiving {
    index: Index,
    data: Vec<u8>,
}

/// One part of it.
pub(super) struct Part {
    pub(super) index: Index,
    pub(super) term: Term,
    pub(super) membership: Arc<Membership>,
    pub(super) offset: u64,
    pub(super) total: u64,
    pub(super) data: Arc<[u8]>,
}

impl Raft {
    /// Takes a snapshot of the state machine at `through`, which it has applied, in the place of
    /// the log up to there. One that is older than the last is ignored.
    ///
    /// # Panics
    /// If `through` has not been applied: nobody can have such a snapshot.
    pub fn compact(&mut self, through: Index, data: Arc<[u8]>, out: &mut Vec<Output>) {
        assert!(through <= self.applied, "a snapshot holds what is applied");
        if through <= self.log.base() {
            return;
        }
        let Some(term) = self.log.term_at(through) else { return };
        let membership = Membership::clone(&self.memberships.at(through).1);
        let snapshot = Arc::new(Snapshot { index: through, term, membership, data });
        self.log.compact(snapshot.clone());
        self.memberships.compact(through);
        out.push(Output::Point(Point::Compacted { index: through }));
        self.write_log(Write::Snapshot(snapshot), out);
        self.verify();
    }

    /// "The leader must occasionally send snapshots to followers that lag behind" (5).
    pub(super) fn begin_snapshot(&mut self, to: ReplicaId, out: &mut Vec<Output>) {
        let Some(progress) = self.leading.as_mut().and_then(|l| l.progress.get_mut(&to)) else {
            return;
        };
        let Some(snapshot) = self.log.snapshot().cloned() else { return };
        out.push(Output::Point(Point::SnapshotSent { to, index: snapshot.index }));
        let sending = Transmission { snapshot, acked: 0, sent: 0, asked: false };
        feed(self.switches, progress, State::Snapshot(sending), out);
        self.send_chunks(to, out);
    }

    /// Sends as many parts as may be under way, at least one.
    pub(super) fn send_chunks(&mut self, to: ReplicaId, out: &mut Vec<Output>) {
        let Some(leading) = &mut self.leading else { return };
        let Some(progress) = leading.progress.get_mut(&to) else { return };
        let State::Snapshot(sending) = &mut progress.state else { return };
        let snapshot = sending.snapshot.clone();
        let membership = Arc::new(snapshot.membership.clone());
        let chunk = self.settings.chunk_bytes.max(1) as usize;
        let window = self.settings.inflight_bytes as usize;
        let mut parts = Vec::new();
        let total = snapshot.data.len();
        // An empty snapshot is one empty part.
        let empty = total == 0 && !sending.asked;
        while empty && parts.is_empty() || sending.sent < total && sending.fits(chunk, window) {
            let end = total.min(sending.sent + chunk);
            parts.push((sending.sent, Arc::from(&snapshot.data[sending.sent..end])));
            sending.sent = end;
        }
        sending.asked = true;
        if !parts.is_empty() {
            progress.sent_in = leading.round;
        }
        for (offset, data) in parts {
            let part = Kind::Chunk {
                index: snapshot.index,
                last_term: snapshot.term,
                membership: membership.clone(),
                offset: offset as u64,
                total: total as u64,
                data,
            };
            self.send(to, part, out);
        }
    }

    pub(super) fn on_chunk(
        &mut self,
        from: ReplicaId,
        part: Part,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let Part { index, offset, total, .. } = part;
        if self.log.term_at(index) == Some(part.term) || index <= self.log.base() {
            // It has all that, and perhaps entries behind: it is to "retain log entries following
            // it" (figure 5.3).
            let has = index.max(self.log.base());
            self.commit_to(has, now, out);
            return self.promise(has, from, Kind::AppendReply { matched: has }, out);
        }
        if self.receiving.as_ref().is_none_or(|receiving| receiving.index < index) {
            self.receiving = Some(Receiving { index, data: Vec::new() });
        }
        let Some(receiving) = &mut self.receiving else { return };
        if receiving.index != index {
            return;
        }
        if offset == receiving.data.len() as u64 {
            receiving.data.extend_from_slice(&part.data);
        }
        let arrived = receiving.data.len() as u64;
        self.reply(from, Kind::ChunkReply { index, arrived }, out);
        if arrived == total {
            self.install(part, now, out);
            self.promise(index, from, Kind::AppendReply { matched: index }, out);
        }
    }

    /// "The follower discards its entire log; it is all superseded by the snapshot" (5).
    fn install(&mut self, part: Part, now: Instant, out: &mut Vec<Output>) {
        let Some(receiving) = self.receiving.take() else { return };
        let Part { index, term, membership, .. } = part;
        let whole = Membership::clone(&membership);
        let snapshot = Arc::new(Snapshot {
            index,
            term,
            membership: whole.clone(),
            data: receiving.data.into(),
        });
        out.push(Output::Point(Point::SnapshotInstalled { index, term }));
        self.log = Log::new(Some(snapshot.clone()), Vec::new());
        self.disk.cut(Index(1));
        self.memberships = Memberships::new(index, whole);
        self.write_log(Write::Snapshot(snapshot.clone()), out);
        self.commit = self.commit.max(index);
        self.applied = self.applied.max(index);
        self.reconfigure(now, out);
        out.push(Output::Restore(snapshot));
    }

    pub(super) fn on_chunk_reply(
        &mut self,
        from: ReplicaId,
        index: Index,
        arrived: u64,
        out: &mut Vec<Output>,
    ) {
        let Some(progress) = self.leading.as_mut().and_then(|l| l.progress.get_mut(&from)) else {
            return;
        };
        let State::Snapshot(sending) = &mut progress.state else { return };
        let arrived = usize::try_from(arrived).unwrap_or(usize::MAX);
        if sending.snapshot.index != index || arrived > sending.snapshot.data.len() {
            return;
        }
        if arrived > sending.acked {
            sending.acked = arrived;
            sending.sent = sending.sent.max(arrived);
            progress.idle = false;
        } else if arrived < sending.acked && progress.idle {
            // Not a late answer: nothing moves. It has been restarted and lost its part.
            (sending.acked, sending.sent) = (arrived, arrived);
            progress.idle = false;
        }
        self.send_chunks(from, out);
    }
}
