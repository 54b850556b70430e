//! Which rare events and planted bugs are switched on, how often each was asked for, and how often
//! it happened.

use alloc::vec::Vec;

use crate::chance::{Chance, Draws, Purpose};
use crate::hash::fingerprint;
use crate::node::{Name, NodeId};

/// Out of so many.
const ALWAYS: u32 = 1_000_000;

/// The twists of a world, by their index.
#[derive(Clone, Debug)]
pub(crate) struct Twists {
    all: Vec<Twist>,
    /// Whether parts that know no context are to report their occasions, too.
    watched: bool,
}

#[derive(Clone, Debug)]
struct Twist {
    /// How often it happens when it is asked for, in millionths; never if it is off.
    ppm: u32,
    /// How often it was asked for, on or off.
    occasions: u64,
    /// How often it happened.
    fired: u64,
    /// How often each process asked: (process, times). Empty unless chance decides.
    asked: Vec<(NodeId, u64)>,
    draws: Draws,
}

impl Twists {
    /// All of them off.
    pub(crate) fn new<T: Name>(chance: &Chance) -> Self {
        let twist = |name: &T| Twist {
            ppm: 0,
            occasions: 0,
            fired: 0,
            asked: Vec::new(),
            draws: chance.draws(Purpose::Twist, fingerprint(name.name().as_bytes())),
        };
        Twists { all: T::ALL.iter().map(twist).collect(), watched: false }
    }

    /// Gives every twist new draws.
    pub(crate) fn reseed<T: Name>(&mut self, chance: &Chance) {
        let fresh = Twists::new::<T>(chance);
        for (twist, fresh) in self.all.iter_mut().zip(fresh.all) {
            twist.draws = fresh.draws;
        }
    }

    pub(crate) fn enable(&mut self, index: usize) {
        self.all[index].ppm = ALWAYS;
    }

    pub(crate) fn enable_rarely(&mut self, index: usize, ppm: u32) {
        self.all[index].ppm = ppm.min(ALWAYS);
    }

    pub(crate) fn is_on(&self, index: usize) -> bool {
        self.all[index].ppm > 0
    }

    pub(crate) fn watch(&mut self) {
        self.watched = true;
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.watched
    }

    pub(crate) fn occasions(&self, index: usize) -> u64 {
        self.all[index].occasions
    }

    pub(crate) fn fired(&self, index: usize) -> u64 {
        self.all[index].fired
    }

    /// Whether a twist happens to a process that asks for it.
    #[inline]
    pub(crate) fn ask(&mut self, index: usize, node: NodeId) -> bool {
        let twist = &mut self.all[index];
        twist.occasions += 1;
        if twist.ppm == 0 {
            return false;
        }
        let fires = twist.ppm == ALWAYS || twist.draw(node);
        twist.fired += u64::from(fires);
        fires
    }
}

impl Twist {
    /// Each process has draws of its own, so that one that asks more often changes no other's.
    fn draw(&mut self, node: NodeId) -> bool {
        let at = match self.asked.binary_search_by_key(&node, |asked| asked.0) {
            Ok(at) => at,
            Err(at) => {
                self.asked.insert(at, (node, 0));
                at
            }
        };
        let number = self.asked[at].1;
        self.asked[at].1 += 1;
        self.draws.ppm(number, node.word(), self.ppm)
    }
}
