//! Faults of the network.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::fault::{Effect, Fault, FaultError, Links, Party, Weather};
use crate::net::card::Throttle;
use crate::net::storm::Storm;
use crate::node::Process;
use crate::time::{Instant, Span};
use crate::world::datagrams::Tamper;
use crate::world::inject::hit;
use crate::world::kernel::{Envelope, Kernel};

impl<P: Process> Kernel<P> {
    pub(super) fn inject_network(&mut self, fault: &Fault) -> Result<Effect, FaultError> {
        match fault {
            Fault::Cut { links, duration } => self.cut(links, *duration),
            Fault::Weather { links, weather, duration } => {
                self.begin_weather(links, weather, *duration)
            }
            Fault::Heal { links } => self.heal_now(links),
            Fault::SlowCard { machine, speed, duration } => {
                self.known(*machine)?;
                let (now, id, until) = (self.now, self.arm(1)?, self.ends(*duration));
                let throttle = Throttle { until, speed: *speed, id };
                let slower = self.machine(*machine).card.slow_down(now, throttle);
                Ok(Effect { armed: Some(id), ..hit(slower) })
            }
            Fault::Break { one, other, how } => {
                self.known_party(*one)?;
                self.known_party(*other)?;
                Ok(self.break_connections(*one, *other, *how))
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

    fn known_party(&self, party: Party) -> Result<(), FaultError> {
        match party {
            Party::Machine(machine) => self.known(machine),
            Party::Node(node) => self.known_node(node).map(|_| ()),
        }
    }

    fn known_links(&self, links: &Links) -> Result<(), FaultError> {
        links.named().into_iter().try_for_each(|machine| self.known(machine))
    }

    /// When something ends that lasts so long; early enough that times after it fit.
    fn ends(&self, duration: Span) -> Instant {
        Instant(self.now.0.saturating_add(duration.0).min(Instant::FAR.0 / 2))
    }

    fn begin_weather(
        &mut self,
        links: &Links,
        weather: &Weather,
        duration: Span,
    ) -> Result<Effect, FaultError> {
        self.known_links(links)?;
        if !weather.tail.is_sound() {
            return Err(FaultError::NoLatency);
        }
        let id = self.arm(1)?;
        let machines = self.machines.len() as u16;
        let links = match links {
            Links::Pairs(_) => Links::Pairs(links.pairs(machines)),
            other => other.clone(),
        };
        let some = !links.pairs(machines).is_empty();
        let until = self.ends(duration);
        self.net.begin(self.now, Storm { links, weather: *weather, until, id });
        let took_effect = some && !duration.is_zero() && !weather.is_calm();
        Ok(Effect { armed: Some(id), ..hit(took_effect) })
    }

    fn cut(&mut self, links: &Links, duration: Span) -> Result<Effect, FaultError> {
        self.known_links(links)?;
        let pairs = links.pairs(self.machines.len() as u16);
        if pairs.is_empty() || duration.is_zero() {
            return Ok(hit(false));
        }
        let mut lost = self.in_the_air(|f, t| pairs.binary_search(&(f, t)).is_ok());
        let mut cut = Vec::with_capacity(pairs.len());
        for (one, other) in pairs {
            lost += self.link_cuts(one, other);
            let link = self.net.link(one, other, &self.chance);
            self.net.cut(link);
            self.links_changed(one, other);
            cut.push((link, self.net.links[link as usize].rescued));
        }
        let heals = self.ends(duration);
        self.queue.push_in_order(heals, Envelope::Heal { links: Arc::from(cut) });
        Ok(Effect { messages_lost: lost, ..hit(true) })
    }

    /// A cut heals.
    pub(crate) fn heal(&mut self, links: &[(u32, u16)]) {
        for &(id, rescued) in links {
            let still = self.net.links[id as usize].rescued == rescued;
            if still && self.net.heal(id, self.now) {
                let link = &self.net.links[id as usize];
                let (from, to) = (link.from, link.to);
                self.links_changed(from, to);
            }
        }
    }

    fn heal_now(&mut self, links: &Links) -> Result<Effect, FaultError> {
        self.known_links(links)?;
        let (now, machines) = (self.now, self.machines.len() as u16);
        let pairs = links.pairs(machines);
        let mut any = self.net.calm_down(now, &pairs, machines);
        for (from, to) in pairs {
            let Some(link) = self.net.known_link(from, to) else { continue };
            if self.net.rescue(link, now) {
                any = true;
                self.links_changed(from, to);
            }
        }
        Ok(hit(any))
    }
}
