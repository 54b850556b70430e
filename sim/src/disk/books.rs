//! What a disk has promised and does not keep, and what of it came to light.

use alloc::vec::Vec;

use crate::disk::content::Content;
use crate::fault::{Damage, DamageKind};
use crate::node::FileName;
use crate::time::Instant;

/// Damages of a machine that are kept at most: the first ones, and the last instant of each.
pub(crate) const DAMAGES: usize = 4_096;

/// A part of a file that a write should have filled and did not.
#[derive(Clone, Debug)]
struct Hollow {
    inode: u32,
    from: u64,
    to: u64,
}

/// The books of a disk; empty unless a fault makes an entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    hollows: Vec<Hollow>,
    /// Files whose contents a lying sync has claimed to be durable, as they were then.
    pub(crate) claims: Vec<(u32, Content)>,
    damage: Vec<(u32, Damage)>,
}

impl Books {
    pub(crate) fn hollow(&mut self, inode: u32, from: u64, to: u64) {
        self.hollows.push(Hollow { inode, from, to });
    }

    /// A part of a file was written as it should be.
    pub(crate) fn written(&mut self, inode: u32, from: u64, to: u64) {
        self.hollows.retain(|h| h.inode != inode || h.from < from || h.to > to);
    }

    /// A lying sync has claimed a file's contents.
    pub(crate) fn claim(&mut self, inode: u32, content: Content) {
        self.claims.retain(|claim| claim.0 != inode);
        self.claims.push((inode, content));
    }

    /// A file was synced, and said so. Gives back whether it is as it should be.
    pub(crate) fn synced(&mut self, inode: u32) -> bool {
        self.claims.retain(|claim| claim.0 != inode);
        let before = self.hollows.len();
        self.hollows.retain(|h| h.inode != inode);
        self.hollows.len() == before
    }

    /// The machine lost power: what was not synced was not promised.
    pub(crate) fn power_lost(&mut self) -> Vec<(u32, Content)> {
        self.hollows.clear();
        core::mem::take(&mut self.claims)
    }

    pub(crate) fn damaged(&mut self, inode: u32, file: &FileName, kind: DamageKind, at: Instant) {
        let known = |d: &&mut (u32, Damage)| d.0 == inode && d.1.kind == kind && d.1.file == *file;
        if let Some((_, damage)) = self.damage.iter_mut().find(known) {
            damage.at = at;
        } else if self.damage.len() < DAMAGES {
            self.damage.push((inode, Damage { file: file.clone(), kind, at }));
        }
    }

    pub(crate) fn renamed(&mut self, inode: u32, to: &FileName) {
        for (_, damage) in self.damage.iter_mut().filter(|d| d.0 == inode) {
            damage.file = to.clone();
        }
    }

    /// What is left of the books when the files are gone.
    pub(crate) fn closed(&self) -> Books {
        Books { damage: self.damage.clone(), ..Books::default() }
    }

    pub(crate) fn damage(&self) -> Vec<Damage> {
        let mut damage: Vec<_> = self.damage.iter().map(|d| d.1.clone()).collect();
        damage.sort_by_key(|d| d.at);
        damage
    }
}
