//! Reads that wait for Raft's word that they may be answered.

use alloc::collections::BTreeMap;

use stormglass_sim::node::NodeId;

use super::Ledger;
use crate::message::Message;
use crate::node::Cx;

/// Reads under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    /// By the number that Raft knows them by: who asked, the operation, the register.
    waiting: BTreeMap<u64, (NodeId, u32, u16)>,
}

impl Reads {
    /// Asks Raft to confirm a read. A client's retry is the same read.
    pub(super) fn ask(
        &mut self,
        client: NodeId,
        number: u32,
        key: u16,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let request = client.word() << 32 | u64::from(number);
        self.waiting.insert(request, (client, number, key));
        if !ledger.replica.read(request, cx) {
            self.lost(request, ledger, cx);
        }
    }

    /// A read may be answered from what is applied.
    pub(super) fn ready(&mut self, request: u64, ledger: &Ledger, cx: &mut Cx<'_>) {
        if let Some((client, number, key)) = self.waiting.remove(&request) {
            let answer = Some(ledger.metadata.register(key));
            cx.send(client, Message::Answer { number, answer });
        }
    }

    /// It must be asked elsewhere.
    pub(super) fn lost(&mut self, request: u64, ledger: &Ledger, cx: &mut Cx<'_>) {
        if let Some((client, number, _)) = self.waiting.remove(&request) {
            let leader = ledger.replica.leader().filter(|leader| *leader != cx.me());
            cx.send(client, Message::Elsewhere { number, leader });
        }
    }
}
