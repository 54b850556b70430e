//! Rare events of the engine: which of them exist in a run.

use stormglass_engine::names::Twist;
use stormglass_sim::hash::fingerprint;
use stormglass_sim::node::Name;

use super::Draw;
use crate::problem::suggest;
use crate::units::{Share, Text, UnitError};

/// A rare event that is switched on: where it can happen, it does in as many cases as its
/// [rarity](Twist::rarity) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RareEvent(Twist);

impl RareEvent {
    /// The place in the engine.
    pub const fn twist(self) -> Twist {
        self.0
    }

    /// How often it happens where it can, in millionths.
    pub fn ppm(self) -> u32 {
        self.0.rarity().expect("a rare event has a rarity")
    }

    /// Those that a seed switches on, each with this probability and by its name alone.
    pub(super) fn draw(seed: u64, share: Share) -> Vec<RareEvent> {
        let exists = |event: &Twist| {
            let purpose = ["rare event", event.name()].map(|word| fingerprint(word.as_bytes()));
            Draw::new(seed, &purpose).below(1_000_000) < u64::from(share.0)
        };
        Twist::rare_events().filter(exists).map(RareEvent).collect()
    }
}

impl Text for RareEvent {
    const WHAT: &'static str = "a rare event";
    const EXAMPLE: &'static str = "fetch-short";
    const PATTERN: &'static str = "^[a-z-]+$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        let found = Twist::rare_events().find(|event| event.name() == text);
        found.map(RareEvent).ok_or_else(|| {
            let names = Twist::rare_events().map(Twist::name);
            let message = format!("`{text}` is no rare event");
            UnitError::new(message, suggest(text, names, "rare events"))
        })
    }
    fn print(&self) -> String {
        self.0.name().to_string()
    }
}

impl serde::Serialize for RareEvent {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.name())
    }
}
impl<'de> serde::Deserialize<'de> for RareEvent {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        crate::units::text::deserialize(from)
    }
}
