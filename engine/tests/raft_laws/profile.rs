//! Profiles: where plans come from. Each plan first draws which faults exist at all, then scenes.
//!
//! A scene is a few actions that belong together: "cut the leader off, and let both sides take
//! proposals". Random faults alone hardly ever meet in the way that a subtle bug needs; a profile
//! says which scenes are likely.

use stormglass_engine::raft::{ClockBound, Membership, Settings};
use stormglass_sim::time::{Instant, Span};

use super::chance::Chance;
use super::plan::{Action, At, Plan, Those, Weather, Who};

mod scenes;

/// A kind of plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Profile {
    /// All faults, each plan with a part of them.
    Swarm,
    /// Crashes at points of the protocol, one entry a message.
    Points,
    /// Leaders that are cut off and come back, one entry a message.
    Isolation,
    /// Memberships that change while links are cut, leaders crash and leadership is handed over.
    Membership,
    /// Reads at leaders that stand still or are cut off.
    Reads,
    /// Reads under a lease, with clocks as far apart as the bound allows.
    Lease,
    /// Snapshots all the time, in small pieces, over a bad network.
    Snapshots,
    /// Votes: replicas crash as they vote, and are back at once.
    Votes,
    /// Many entries over a bad network with little room under way.
    Flow,
}

impl Profile {
    /// All of them.
    pub(crate) const ALL: &[Profile] = &[
        Profile::Swarm,
        Profile::Points,
        Profile::Isolation,
        Profile::Membership,
        Profile::Reads,
        Profile::Lease,
        Profile::Snapshots,
        Profile::Votes,
        Profile::Flow,
    ];

    /// The plan of a seed.
    pub(crate) fn plan(self, seed: u64) -> Plan {
        let mut chance = Chance::new(seed, 100 + self as u64);
        let replicas = self.replicas(&mut chance);
        let mut draft =
            Draft { replicas, actions: Vec::new(), now: Instant(chance.millis(0, 700).0), chance };
        let plan = Plan {
            seed,
            replicas,
            bootstrap: self.bootstrap(&mut draft),
            settings: self.settings(&mut draft.chance),
            weather: self.weather(&mut draft.chance),
            disk: draft.chance.pick(&[
                (Span::micros(50), Span::micros(200)),
                (Span::micros(500), Span::millis(4)),
                (Span::millis(1), Span::millis(30)),
            ]),
            clocks: self.clocks(replicas, &mut draft.chance),
            actions: Vec::new(),
            end: Instant::ZERO,
        };
        let weights = self.weights(&mut draft.chance);
        let end = draft.now + draft.chance.millis(1500, 4000);
        while draft.now < end {
            let scene = draft.weighted(&weights);
            scene(&mut draft);
        }
        draft.actions.sort_by_key(|(at, _)| *at);
        let end = draft.actions.last().map_or(end, |(at, _)| end.max(*at)) + Span::millis(100);
        Plan { actions: draft.actions, end, ..plan }
    }

    fn replicas(self, chance: &mut Chance) -> u16 {
        match self {
            Profile::Swarm => chance.within(1, 7) as u16,
            Profile::Membership => chance.within(4, 7) as u16,
            Profile::Votes => chance.pick(&[3, 3, 4]),
            Profile::Points | Profile::Isolation => chance.pick(&[3, 4, 5, 5]),
            _ => chance.within(2, 5) as u16,
        }
    }

    /// Mostly all vote; sometimes some only listen, or are not yet members.
    fn bootstrap(self, draft: &mut Draft) -> Membership {
        let (replicas, chance) = (u64::from(draft.replicas), &mut draft.chance);
        let part = match self {
            Profile::Membership => 70,
            Profile::Swarm => 30,
            _ => 0,
        };
        let voters = if chance.percent(part) { chance.within(1, replicas) } else { replicas };
        let learners = chance.below(replicas - voters + 1);
        let some = |from: u64, to: u64| {
            (from as u16..to as u16).map(stormglass_engine::raft::ReplicaId).collect()
        };
        Membership {
            voters: some(0, voters),
            outgoing: Vec::new(),
            learners: some(voters, voters + learners),
        }
    }

    fn settings(self, chance: &mut Chance) -> Settings {
        let single = matches!(self, Profile::Points | Profile::Isolation) || chance.percent(30);
        let append_bytes = if single { 1 } else { chance.pick(&[64, 300, 4096]) };
        let lease = match self {
            Profile::Lease => true,
            Profile::Swarm => chance.percent(25),
            _ => false,
        };
        Settings {
            election_timeout: (Span::millis(150), Span::millis(300)),
            heartbeat: chance.pick(&[Span::millis(30), Span::millis(60)]),
            append_bytes,
            inflight_bytes: match self {
                Profile::Flow => chance.pick(&[64, 200]),
                _ => chance.pick(&[64, 1000, 100_000]),
            },
            chunk_bytes: chance.pick(&[16, 100, 2000]),
            lease: lease.then_some(ClockBound { drift_ppm: DRIFT_PPM }),
        }
    }

    fn weather(self, chance: &mut Chance) -> Weather {
        let bad = chance.percent(match self {
            Profile::Flow | Profile::Snapshots => 90,
            Profile::Swarm => 50,
            _ => 20,
        });
        let mut some = |most: u64| if bad { chance.below(most) as u32 } else { 0 };
        let (loss_ppm, duplicate_ppm, late_ppm) = (some(150_000), some(100_000), some(100_000));
        Weather {
            delay: chance.pick(&[
                (Span::micros(200), Span::millis(1)),
                (Span::millis(1), Span::millis(5)),
                (Span::millis(1), Span::millis(20)),
            ]),
            loss_ppm,
            duplicate_ppm,
            late_ppm,
            // Some come when nobody remembers them.
            late: chance.pick(&[Span::millis(20), Span::millis(400), Span::secs(3)]),
        }
    }

    /// Clocks may differ by any measure unless a lease rests on them.
    fn clocks(self, replicas: u16, chance: &mut Chance) -> Vec<u64> {
        let apart = match self {
            Profile::Lease => true,
            _ => chance.percent(30),
        };
        let extremes = [1_000_000, 1_000_000 + u64::from(DRIFT_PPM)];
        let first_is_slow = chance.percent(50);
        let mut one = |id: u16| {
            let between = extremes[0] + chance.below(u64::from(DRIFT_PPM));
            match (apart, first_is_slow) {
                (false, _) => extremes[0],
                (true, true) => extremes[usize::from(id > 0)],
                (true, false) if chance.percent(70) => chance.pick(&extremes),
                (true, false) => between,
            }
        };
        (0..replicas).map(&mut one).collect()
    }
}

/// How much faster one clock may run than another, where a lease rests on it.
const DRIFT_PPM: u32 = 400_000;

/// Something that adds actions to a plan.
type Scene = fn(&mut Draft);

/// A plan in the making.
struct Draft {
    replicas: u16,
    chance: Chance,
    now: Instant,
    actions: Vec<(Instant, Action)>,
}

impl Draft {
    fn weighted(&mut self, weights: &[(u64, Scene)]) -> Scene {
        let all: u64 = weights.iter().map(|(weight, _)| weight).sum();
        let mut drawn = self.chance.below(all);
        for (weight, scene) in weights {
            if drawn < *weight {
                return *scene;
            }
            drawn -= weight;
        }
        unreachable!("it is below the sum")
    }
    fn act(&mut self, action: Action) {
        self.actions.push((self.now, action));
    }
    fn crash(&mut self, who: Who, down: Span) {
        let keep = self.chance.word();
        self.act(Action::Crash { who, keep, down });
    }
    fn isolate_at(&mut self, who: Who, at: At, during: Span) {
        self.act(Action::IsolateAt { who, at, nth: 1, during });
    }
    fn crash_at(&mut self, who: Who, at: At, nth: u8, down: Span) {
        let keep = self.chance.word();
        self.act(Action::CrashAt { who, at, nth, keep, down });
    }
    fn wait(&mut self, from: u64, to: u64) {
        self.now += self.chance.millis(from, to);
    }
    fn replica(&mut self) -> u16 {
        self.chance.below(self.replicas.into()) as u16
    }
    fn mask(&mut self) -> u8 {
        self.chance.below(1 << self.replicas) as u8
    }
    /// Anybody, but often the leader.
    fn anyone(&mut self) -> Who {
        match self.chance.below(4) {
            0 | 1 => Who::Leader,
            2 => Who::Other(self.replica()),
            _ => Who::Replica(self.replica()),
        }
    }
    /// The leader, with at most so many others.
    fn leader_with(&mut self, most: u64) -> Those {
        let others = self.chance.below(most + 1);
        let mask = (0..others).fold(0, |mask, _| mask | 1 << self.replica());
        Those { mask, leader: Some(true) }
    }
}
