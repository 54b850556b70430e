//! The network: delay, loss, copies, late messages, cuts.

use stormglass_engine::raft::ReplicaId;
use stormglass_sim::time::{Instant, Span};

use super::Chance;
use crate::plan::Weather;

/// Nothing passes from some to some others for a while.
#[derive(Clone, Copy, Debug)]
struct Cut {
    from: u8,
    to: u8,
    until: Instant,
}

/// What lies between the replicas.
#[derive(Clone, Debug)]
pub(super) struct Network {
    weather: Weather,
    cuts: Vec<Cut>,
    chance: Chance,
}

fn bit(who: ReplicaId) -> u8 {
    1 << who.0
}

impl Network {
    pub(super) fn new(weather: Weather, seed: u64) -> Self {
        Network { weather, cuts: Vec::new(), chance: Chance::new(seed, 2) }
    }
    /// When a message arrives, if it does, and when its copy.
    pub(super) fn flight(
        &mut self,
        from: ReplicaId,
        to: ReplicaId,
        now: Instant,
    ) -> impl Iterator<Item = Instant> + use<> {
        let cut = self.is_cut(from, to, now);
        let Weather { delay, loss_ppm, duplicate_ppm, late_ppm, late } = self.weather;
        let chance = &mut self.chance;
        let lost = chance.ppm(loss_ppm) || cut;
        let twice = chance.ppm(duplicate_ppm) && !cut;
        let mut arrival = || {
            let held = if chance.ppm(late_ppm) { chance.span((Span::ZERO, late)) } else { Span(0) };
            now + chance.span(delay) + held
        };
        let first = (!lost).then(&mut arrival);
        let copy = twice.then(&mut arrival);
        first.into_iter().chain(copy)
    }
    pub(super) fn is_cut(&self, from: ReplicaId, to: ReplicaId, now: Instant) -> bool {
        self.cuts
            .iter()
            .any(|cut| cut.until > now && cut.from & bit(from) != 0 && cut.to & bit(to) != 0)
    }
    pub(super) fn cut(&mut self, from: u8, to: u8, now: Instant, until: Instant) {
        self.cuts.retain(|cut| cut.until > now);
        self.cuts.push(Cut { from, to, until });
    }
    pub(super) fn heal(&mut self) {
        self.cuts.clear();
    }
    /// From now on nothing is lost, copied or late.
    pub(super) fn calm(&mut self) {
        self.heal();
        self.weather = Weather { loss_ppm: 0, duplicate_ppm: 0, late_ppm: 0, ..self.weather };
    }
}
