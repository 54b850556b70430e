//! What clients and operators ask of the coordinator.

use stormglass_sim::node::NodeId;

use super::Coordinator;
use super::checkpoints::Asker;
use super::metadata::{Applied, Command, Request};
use super::reads::Wanted;
use crate::barrier::CheckpointKind;
use crate::message::{Ask, Asked, Message};
use crate::node::Cx;
use crate::observation::Call;
use crate::raft::Refusal;

impl Coordinator {
    /// A client asks something. Retries are the same operation, and answered as one.
    pub(super) fn asked(&mut self, client: NodeId, ask: &Ask, cx: &mut Cx<'_>) {
        let number = ask.number;
        if let Asked::Call(key, Call::Read) = ask.what {
            // Raft knows when a new leader may answer, and who else might.
            return self.reads.ask(client, number, Wanted::Register(key), &mut self.ledger, cx);
        }
        if let Asked::Placement = ask.what {
            return self.reads.ask(client, number, Wanted::Placement, &mut self.ledger, cx);
        }
        if self.master.is_none() {
            let leader = self.ledger.replica.leader().filter(|leader| *leader != cx.me());
            return cx.send(client, Message::Elsewhere { number, leader });
        }
        let sequence = u64::from(number);
        let command = match &ask.what {
            Asked::Savepoint(kind) => {
                return self.asked_savepoint(*kind, Asker { client, sequence }, cx);
            }
            Asked::Placement => return,
            Asked::Call(key, call) => Command::Update { key: *key, call: *call },
            Asked::Command(command) => command.clone(),
            Asked::Transfer => {
                let begun = self.ledger.replica.transfer(cx).map(|()| true);
                return reply(client, number, begun, cx);
            }
            Asked::Membership { voters, learners } => {
                let (voters, learners) = (voters.clone(), learners.clone());
                let done = self.ledger.replica.change_membership(voters, learners, cx);
                return reply(client, number, done, cx);
            }
        };
        let request = Request { client, sequence, command };
        self.ledger.replica.propose(request.encode(), cx);
    }

    /// An operator wants a savepoint. Its completion is the request that is decided.
    fn asked_savepoint(&mut self, kind: CheckpointKind, asker: Asker, cx: &mut Cx<'_>) {
        let Asker { client, sequence } = asker;
        if let Some(answer) = self.ledger.metadata.answered(client, sequence) {
            return cx.send(client, Message::Answer { number: sequence as u32, answer });
        }
        if let Some(master) = &mut self.master {
            master.ask_savepoint(kind, asker, &mut self.ledger, cx);
        }
    }
}

/// Tells a client whether something is done. What is not yet it will ask again.
fn reply(client: NodeId, number: u32, done: Result<bool, Refusal>, cx: &mut Cx<'_>) {
    let answer = match done {
        Ok(true) => Some(0),
        Err(Refusal::BadMembership) => None,
        Ok(false) | Err(_) => return,
    };
    cx.send(client, Message::Answer { number, answer });
}

/// Tells a client what became of its request. Coordinators ask themselves, and know already.
pub(super) fn answer(request: &Request, applied: &Applied, cx: &mut Cx<'_>) {
    if request.client != cx.me() {
        let (number, answer) = (request.sequence as u32, applied.answer());
        cx.send(request.client, Message::Answer { number, answer });
    }
}
