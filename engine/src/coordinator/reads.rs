//! Reads that wait for Raft's word that they may be answered.

use alloc::collections::BTreeMap;

use stormglass_sim::node::NodeId;

use super::Ledger;
use crate::message::Message;
use crate::node::Cx;

/// Reads under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    /// By the number that Raft knows them by: who asked, the operation, what it wants.
    waiting: BTreeMap<u64, (NodeId, u32, Wanted)>,
}

/// What is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// A register.
    Register(u16),
    /// The current assignment.
    Placement,
}

impl Reads {
    /// Asks Raft to confirm a read. A client's retry is the same read.
    pub(super) fn ask(
        &mut self,
        client: NodeId,
        number: u32,
        wanted: Wanted,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let request = client.word() << 32 | u64::from(number);
        self.waiting.insert(request, (client, number, wanted));
        if !ledger.replica.read(request, cx) {
            self.lost(request, ledger, cx);
        }
    }

    /// A read may be answered from what is applied.
    pub(super) fn ready(&mut self, request: u64, ledger: &Ledger, cx: &mut Cx<'_>) {
        let Some((client, number, wanted)) = self.waiting.remove(&request) else { return };
        cx.send(
            client,
            match wanted {
                Wanted::Register(key) => {
                    let answer = Some(ledger.metadata.register(key));
                    Message::Answer { number, answer }
                }
                Wanted::Placement => {
                    let assignment = ledger.metadata.assignment().cloned();
                    Message::Placement { number, assignment }
                }
            },
        );
    }

    /// It must be asked elsewhere.
    pub(super) fn lost(&mut self, request: u64, ledger: &Ledger, cx: &mut Cx<'_>) {
        if let Some((client, number, _)) = self.waiting.remove(&request) {
            let leader = ledger.replica.leader().filter(|leader| *leader != cx.me());
            cx.send(client, Message::Elsewhere { number, leader });
        }
    }
}
