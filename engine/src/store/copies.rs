//! Copies from store to store, ordered by the coordinator: a file that lost a replica gets another.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use stormglass_sim::node::ConnId;
use stormglass_sim::payload::Payload;

use super::Store;
use super::flow::Name;
use crate::handle::Flaw;
use crate::message::Message;
use crate::node::Cx;
use crate::pipeline::{Copy, Upload};

/// The copies under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies(BTreeMap<Name, Copying>);

#[derive(Clone, Debug)]
struct Copying {
    /// Who ordered it.
    by: ConnId,
    /// To whom it goes, and through which connection.
    to: (u16, ConnId),
    upload: Upload,
}

impl Store {
    /// What is to be copied was read, and is sound or not.
    pub(super) fn copy(
        &mut self,
        by: ConnId,
        copy: &Copy,
        data: Result<Payload, Flaw>,
        cx: &mut Cx<'_>,
    ) {
        let Copy { file, to, generation, pipeline } = *copy;
        let data = match data {
            Ok(data) => data,
            Err(flaw) => {
                if flaw != Flaw::Unknown {
                    let store = self.place(cx);
                    self.replies.write(by, Message::Flawed { id: file.id, store }, cx);
                }
                let done = Message::Copied { id: file.id, to, durable: false };
                return self.replies.write(by, done, cx);
            }
        };
        let packet = self.cluster.store.packet;
        let mut upload = Upload::new(file.id, generation, data, packet).numbered(pipeline);
        upload.begin(Vec::from([to]));
        let to = (to, self.peer(to, cx));
        self.copies.0.insert((file.id, pipeline), Copying { by, to, upload });
        self.pump((file.id, pipeline), cx);
    }

    /// Sends what may be under way.
    fn pump(&mut self, name: Name, cx: &mut Cx<'_>) {
        let Some(copying) = self.copies.0.get_mut(&name) else { return };
        while let Some(put) = copying.upload.packet() {
            self.replies.write(copying.to.1, Message::Put(put), cx);
        }
    }

    /// Packets of a copy have come to it. False if it is no copy of here.
    pub(super) fn copy_taken(&mut self, name: Name, packets: u32, cx: &mut Cx<'_>) -> bool {
        let Some(copying) = self.copies.0.get_mut(&name) else { return false };
        copying.upload.taken(name.1, packets);
        self.pump(name, cx);
        true
    }

    /// A copy is done, or failed. False if it is no copy of here.
    pub(super) fn copy_done(&mut self, name: Name, durable: bool, cx: &mut Cx<'_>) -> bool {
        let Some(copying) = self.copies.0.remove(&name) else { return false };
        let done = Message::Copied { id: name.0, to: copying.to.0, durable };
        self.replies.write(copying.by, done, cx);
        true
    }

    /// The connection to another store is gone.
    pub(super) fn copies_lost(&mut self, conn: ConnId, cx: &mut Cx<'_>) {
        let over = self.copies.0.iter().filter(|(_, copying)| copying.to.1 == conn);
        for name in over.map(|(name, _)| *name).collect::<Vec<_>>() {
            self.copy_done(name, false, cx);
        }
    }
}
