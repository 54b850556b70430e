//! The lull: faults have stopped, and the cluster has to get on with it.

use stormglass_sim::time::Span;

use super::{Cluster, Judged, Law, broken};

/// So long may it take from the end of the storm until a new entry is everywhere: many elections on
/// the slowest clock.
const PATIENCE: Span = Span::secs(10);
/// And so much longer for each entry that has piled up: a message there and back, over a slow disk.
const EACH: Span = Span::millis(90);
/// How often a client asks anew.
const PAUSE: Span = Span::millis(50);

impl Cluster {
    /// All replicas are up and connected: within bounded time an entry that is proposed from now on
    /// is committed, and applied by every member.
    pub(super) fn lull(&mut self) -> Judged {
        self.calm();
        let began = self.now;
        let lowest = self.machines.iter().map(|machine| machine.applied).min().unwrap_or(0);
        let old = self.laws.last_committed();
        let mut wanted = None;
        let patience = |wanted: Option<u64>| {
            PATIENCE + EACH * wanted.map_or(0, |wanted| wanted.saturating_sub(lowest))
        };
        while self.now.since(began) < patience(wanted) {
            self.run_until(self.now + PAUSE)?;
            if let Some(wanted) = wanted
                && self.everywhere(wanted)
            {
                return Ok(());
            }
            let Some(leader) = self.leader() else { continue };
            if self.propose(leader, 1, 16)? {
                let raft = self.machine(leader).raft.as_ref();
                let last = raft.map_or(0, |raft| raft.last_index().0);
                // An entry of this lull counts from the moment that it is committed.
                wanted = wanted.or(Some(last).filter(|last| *last > old));
            }
        }
        broken(Law::Progress, self.missing(wanted, self.now.since(began)))
    }

    fn everywhere(&self, index: u64) -> bool {
        let Some(members) = self.members() else { return false };
        let settled = members.outgoing.is_empty();
        let all = members.voters.iter().chain(&members.learners);
        settled && all.into_iter().all(|id| self.machines[usize::from(id.0)].applied >= index)
    }

    /// What has not come to pass.
    fn missing(&self, wanted: Option<u64>, waited: Span) -> String {
        let applied: Vec<u64> = self.machines.iter().map(|machine| machine.applied).collect();
        match (self.leader(), wanted) {
            (None, _) => format!("nobody leads {waited} after the storm"),
            (Some(leader), None) => format!("{leader} leads, but takes no entry for {waited}"),
            (Some(leader), Some(wanted)) => {
                let members = self.members();
                format!(
                    "{leader} leads, but after {waited} entry {wanted} is not applied by all of \
                     {members:?}: {applied:?}"
                )
            }
        }
    }
}
