//! Faults of the network.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::fault::{Effect, Fault, FaultError};
use crate::net::Slow;
use crate::node::{MachineId, Process};
use crate::time::Span;
use crate::world::inject::hit;
use crate::world::kernel::{Envelope, Kernel, Tamper};

impl<P: Process> Kernel<P> {
    pub(super) fn inject_network(&mut self, fault: &Fault) -> Result<Effect, FaultError> {
        match fault {
            Fault::Cut { from, to, symmetric, duration } => {
                self.cut(from, to, *symmetric, *duration)
            }
            Fault::Clog { machine, duration, extra } => {
                self.known(*machine)?;
                self.slow_links(Some(*machine), None, *duration, *extra);
                self.slow_links(None, Some(*machine), *duration, *extra);
                Ok(hit(!duration.is_zero() && !extra.is_zero()))
            }
            Fault::SlowLink { from, to, extra, duration } => {
                self.known(*from)?;
                self.known(*to)?;
                self.slow_links(Some(*from), Some(*to), *duration, *extra);
                Ok(hit(from != to && !duration.is_zero() && !extra.is_zero()))
            }
            Fault::Message { from, to, nth, action } => {
                self.known(from.machine)?;
                self.known(to.machine)?;
                let id = self.arm(*nth)?;
                let (from, to, skip, action) = (*from, *to, nth - 1, *action);
                self.tampers.push(Tamper { from, to, skip, action, id: Some(id) });
                Ok(Effect { armed: Some(id), ..Effect::default() })
            }
            other => unreachable!("{other:?} is no fault of the network"),
        }
    }

    fn slow_links(
        &mut self,
        from: Option<MachineId>,
        to: Option<MachineId>,
        duration: Span,
        extra: Span,
    ) {
        let until = self.now + duration;
        self.net.slow_down(self.now, Slow { from, to, until, extra });
    }

    fn cut(
        &mut self,
        from: &[MachineId],
        to: &[MachineId],
        symmetric: bool,
        duration: Span,
    ) -> Result<Effect, FaultError> {
        from.iter().chain(to).try_for_each(|m| self.known(*m))?;
        let mut pairs = Vec::new();
        for &one in from {
            for &other in to {
                pairs.push((one, other));
                if symmetric {
                    pairs.push((other, one));
                }
            }
        }
        pairs.retain(|(one, other)| one != other);
        pairs.sort_unstable();
        pairs.dedup();
        if pairs.is_empty() || duration.is_zero() {
            return Ok(hit(false));
        }
        let mut lost = self.in_the_air(|f, t| pairs.binary_search(&(f, t)).is_ok());
        let mut links = Vec::with_capacity(pairs.len());
        for (one, other) in pairs {
            lost += self.link_cuts(one, other);
            let link = self.net.link(one, other, &self.chance);
            self.net.cut(link);
            self.links_changed(one, other);
            links.push(link);
        }
        let heals = self.now + duration;
        self.queue.push_in_order(heals, Envelope::Heal { links: Arc::from(links) });
        Ok(Effect { messages_lost: lost, ..hit(true) })
    }

    /// A cut heals.
    pub(crate) fn heal(&mut self, links: &[u32]) {
        for &id in links {
            if self.net.heal(id, self.now) {
                let link = &self.net.links[id as usize];
                let (from, to) = (link.from, link.to);
                self.links_changed(from, to);
            }
        }
    }
}
