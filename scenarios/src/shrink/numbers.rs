//! What a run has much of and may have less of: records, machines, tasks.

use stormglass_sim::time::{Instant, Span};

use super::{Candidate, Shrinker};
use crate::plan::Trigger;
use crate::scenario::{Role, Source, Target};
use crate::units::{Drawn, Rate, Text as _};

/// How long after what comes before it something may as well be done.
const GAPS: [Span; 5] =
    [Span::secs(1), Span::secs(2), Span::secs(3), Span::secs(5), Span::secs(10)];

/// So many records nobody needs to count.
const FEW: u64 = 20;

impl Shrinker<'_> {
    /// A shorter input: it ends earlier, everything is done earlier, fewer records arrive.
    pub(super) fn records(&mut self) {
        loop {
            let before = self.accepted;
            self.shorter();
            self.earlier();
            self.thinner();
            if self.accepted == before {
                return;
            }
        }
    }

    fn shorter(&mut self) {
        let (Some(count), Some(path)) = (self.count(), self.count_path()) else { return };
        self.descend(count, |best, count| {
            let mut next = best.clone();
            next.text.set(path, count as i64);
            Some(next)
        });
    }

    /// Fewer records in the same time, unless they are few already.
    fn thinner(&mut self) {
        let (Some(count), Some(path)) = (self.count(), self.count_path()) else { return };
        if count <= FEW {
            return;
        }
        let Some(rate) = self.scenario().map(|scenario| scenario.input.rate) else { return };
        self.descend(rate.records, |best, records| {
            let mut next = best.clone();
            let less = u128::from(count) * u128::from(records) / u128::from(rate.records);
            next.text.set(path, i64::try_from(less).ok().filter(|less| *less > 0)?);
            next.text.set("input.rate", Rate { records, ..rate }.print());
            Some(next)
        });
    }

    /// Less time before the first fault or operation, and between them.
    fn earlier(&mut self) {
        for number in 0.. {
            let times = self.best.times();
            let Some(&at) = times.get(number) else { return };
            let before = number.checked_sub(1).map_or(Instant::ZERO, |before| times[before]);
            let Some(rate) = self.scenario().map(|scenario| scenario.input.rate) else { return };
            let (count, path) = (self.count(), self.count_path());
            let earlier = GAPS.iter().filter_map(|gap| {
                let by = at.since(before).as_nanos().checked_sub(gap.as_nanos())?;
                let by = Some(Span::nanos(by)).filter(|by| *by >= Span::millis(500))?;
                let mut next = self.best.clone();
                next.move_from(at, by);
                if let (Some(count), Some(path)) = (count, path) {
                    let records = u128::from(rate.records) * u128::from(by.as_nanos());
                    let less = records / u128::from(rate.per.as_nanos());
                    let left = count.saturating_sub(u64::try_from(less).ok()?).max(1);
                    next.text.set(path, left as i64);
                }
                Some(next)
            });
            let earlier = earlier.collect();
            self.first(earlier);
        }
    }

    /// Tries smaller numbers for one, and again between the last that was too small and the one
    /// that was not.
    fn descend(&mut self, from: u64, with: impl Fn(&Candidate, u64) -> Option<Candidate>) {
        let (mut floor, mut now) = (0, from);
        loop {
            let numbers = smaller(floor, now);
            let made: Vec<(u64, Candidate)> =
                numbers.into_iter().filter_map(|n| Some((n, with(&self.best, n)?))).collect();
            let Some(at) = self.first(made.iter().map(|(_, next)| next.clone()).collect()) else {
                return;
            };
            floor = at.checked_sub(1).map_or(floor, |before| made[before].0);
            now = made[at].0;
        }
    }

    /// Fewer processes and machines.
    pub(super) fn machines(&mut self) {
        let Some(scenario) = self.scenario() else { return };
        let cluster = &scenario.cluster;
        let (stores, replication) = (cluster.stores, scenario.store.replication);
        self.fewer("cluster.clients", 0, cluster.clients);
        self.fewer("cluster.coordinators", 1, cluster.coordinators.min);
        let mut less = Vec::new();
        for nodes in 1..=stores {
            for copies in (1..=replication.min(nodes)).filter(|n| (nodes, *n) < (stores, *n)) {
                let mut next = self.best.clone();
                next.text.set("store.nodes", i64::from(nodes));
                next.text.set("store.replication", i64::from(copies));
                less.push(next);
            }
        }
        self.first_clamped(less);
        self.fewer("cluster.workers", 1, cluster.workers);
        self.fewer("cluster.slots", 1, cluster.slots);
        self.fewer("cluster.racks", 1, cluster.racks);
        self.fewer("cluster.zones", 1, cluster.zones);
    }

    /// Narrower components, and fewer partitions.
    pub(super) fn tasks(&mut self) {
        let Some(setup) = self.bench.setup(&self.best).ok() else { return };
        let components = setup.topology.components().iter();
        let wide: Vec<(String, u16)> = components
            .map(|component| (component.name.to_string(), component.tasks().count() as u16))
            .filter(|(_, tasks)| *tasks > 1)
            .collect();
        let mut narrow = self.best.clone();
        for (name, _) in &wide {
            narrow.text.set(&format!("topology.parallelism.{name}"), 1);
        }
        if self.first(vec![narrow]).is_none() {
            for (name, tasks) in &wide {
                self.fewer(&format!("topology.parallelism.{name}"), 1, *tasks);
            }
        }
        self.fewer("input.partitions", 1, setup.scenario.input.partitions);
    }

    /// The least number for a key that does, below the one that it has.
    fn fewer(&mut self, path: &str, least: u16, now: u16) {
        let mut numbers: Vec<u16> = (least..now).take(3).collect();
        numbers.extend([now / 2, now - now.min(1)].into_iter().filter(|n| *n >= least && *n < now));
        numbers.sort_unstable();
        numbers.dedup();
        let made = numbers.into_iter().map(|number| {
            let mut next = self.best.clone();
            next.text.set(path, i64::from(number));
            next
        });
        let made = made.collect();
        self.first_clamped(made);
    }

    /// The first that does, each also with its faults done to those that are left.
    fn first_clamped(&mut self, candidates: Vec<Candidate>) {
        let mut all = Vec::new();
        for candidate in candidates {
            let Ok(scenario) = self.bench.scenario(&candidate) else { continue };
            let members = |role| scenario.cluster.members(role);
            let mut clamped = candidate.clone();
            for fault in &mut clamped.plan.faults {
                clamp(&mut fault.target, &members);
                if let Some(mut to) = fault.action.to().cloned() {
                    clamp(&mut to, &members);
                    fault.action = fault.action.map(Some(&to), &mut AsItIs);
                }
            }
            all.push(clamped);
        }
        self.first(all);
    }

    /// How many records the scenario asks for.
    fn count(&self) -> Option<u64> {
        match self.scenario()?.input.source {
            Source::Words { count, .. } => Some(count),
            Source::Csv { .. } => self.bench.setup(&self.best).ok().map(|setup| setup.log.len()),
        }
    }

    fn count_path(&self) -> Option<&'static str> {
        Some(match self.scenario()?.input.source {
            Source::Words { .. } => "input.words.count",
            Source::Csv { .. } => "input.csv.limit",
        })
    }
}

impl Candidate {
    /// When faults strike that wait for nothing, and operations are asked for; in order.
    fn times(&self) -> Vec<Instant> {
        let faults = self.plan.faults.iter().filter_map(|fault| fault.at());
        let operations = self.plan.operations.iter().map(|operation| operation.at);
        let mut times: Vec<Instant> = faults.chain(operations).collect();
        times.sort_unstable();
        times.dedup();
        times
    }

    /// Moves whatever is done from an instant on to an earlier time.
    fn move_from(&mut self, from: Instant, by: Span) {
        let earlier = |at: &mut Instant| {
            if *at >= from {
                *at = Instant(at.nanos().saturating_sub(by.as_nanos()));
            }
        };
        for fault in &mut self.plan.faults {
            match &mut fault.trigger {
                Trigger::At(at) => earlier(at),
                Trigger::On(on) => {
                    let mut on = Some(on);
                    while let Some(now) = on {
                        if let Some(since) = &mut now.since {
                            let mut at = Instant::ZERO + *since;
                            earlier(&mut at);
                            *since = at.since(Instant::ZERO);
                        }
                        on = now.after.as_deref_mut();
                    }
                }
            }
        }
        self.plan.operations.iter_mut().for_each(|operation| earlier(&mut operation.at));
    }
}

/// Leaves every quantity as it is.
struct AsItIs;

impl crate::scenario::Pick<Drawn, Drawn> for AsItIs {
    fn pick<T: crate::units::Quantum>(&mut self, _: &'static str, from: &T) -> T {
        *from
    }
}

/// Whoever is gone is replaced by the last one who is left.
fn clamp(target: &mut Target, members: &dyn Fn(Role) -> u32) {
    match target {
        Target::Member(Role::Store, _) if members(Role::Store) == 1 => {
            *target = Target::Any(Role::Store);
        }
        Target::Member(role, number) => *number = (*number).min(members(*role).max(1)),
        Target::SupervisorOf(of) => clamp(of, members),
        _ => {}
    }
}

/// Numbers between two to be tried, the smallest first, each as a person would write it.
pub(super) fn smaller(floor: u64, now: u64) -> Vec<u64> {
    let span = now.saturating_sub(floor);
    let mut numbers = Vec::new();
    for divisor in [64, 16, 6, 3, 2] {
        numbers.push(round(floor + span / divisor));
    }
    numbers.push(round(floor + span * 3 / 4));
    numbers.retain(|n| *n > floor && *n < now && *n > 0);
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// To one digit.
fn round(n: u64) -> u64 {
    crate::units::rounded(n, 1)
}
