//! One run: a scenario, a seed and a plan become a world, are driven to the end and judged.
//!
//! A [`Run`] is a value: everything that decides its future is in it, `clone` continues the same
//! future, and it can be sent to another thread between two steps. `strike` does the
//! faults, as `steps` puts them into the words of `sim`; `proofs` says what they destroyed,
//! `services` starts again who has ended, `durable` gathers what a run leaves to others, `branch`
//! forks it and looks at it on the way.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use stormglass_engine::coordinator::metadata::Completed;
use stormglass_engine::log::InputLog;
use stormglass_engine::names::{Probe, Twist};
use stormglass_engine::node::Node;
use stormglass_engine::observation::Observation;
use stormglass_engine::topology::Topology;
use stormglass_sim::fault::{Effect, Fault, FaultError};
use stormglass_sim::hash::Digest;
use stormglass_sim::node::{Name, NodeId};
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::Stamp;
use stormglass_sim::world::{Ended, World};

use crate::input::{self, Loader};
use crate::judge::control::Settings;
use crate::judge::excuse::Copies;
use crate::judge::expiry::Claim;
use crate::judge::law::{Law, Violation};
use crate::metrics::SAMPLE;
use crate::outcome::{FaultOutcome, InputFacts, Outcome, Unjudged, Verdict};
use crate::places::Places;
use crate::plan::{self, Fork, Plan, PlannedAction, PlannedFault, Resolved, Trigger};
use crate::problem::Problem;
use crate::savepoint::Savepoint;
use crate::scenario::{self, Assumption, Detector, Mode, Recovery, Role, Scenario};
use crate::story::{Cue, Fired, Story};
use crate::topologies::Registry;
use crate::units::{Between, Drift};

mod branch;
mod durable;
mod proofs;
mod services;
mod steps;
mod strike;

use strike::{FaultState, Later};

/// What a panic carries.
type Panic = Box<dyn std::any::Any + Send>;

/// How long a run goes on after everything is done and healed, so that what comes back late (a
/// zombie, a lost message) is seen and judged too.
const AFTERMATH: Span = Span::secs(3);

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The scenario, as the seed has it.
    pub scenario: Arc<Scenario>,
    /// Its topology.
    pub topology: Arc<Topology>,
    /// The input.
    pub log: InputLog,
    /// Seed and faults.
    pub plan: Plan,
    /// Planted bugs to switch on.
    pub bugs: Vec<Twist>,
    /// Whether the outcome is to tell what the control plane did. It changes nothing else.
    pub record: bool,
    /// Whether the outcome is to tell what caused what, and of which kernel events the contents. It
    /// changes nothing else.
    pub past: Option<BTreeSet<u64>>,
    /// Whether the outcome is to have a chronicle. It changes nothing else.
    pub chronicle: bool,
    /// Whether [`Run::retained`] is going to be asked. It changes nothing else.
    pub retain: bool,
    /// Whether the outcome is to tell the occasions of planted bugs that are not switched on, too.
    /// It changes nothing else.
    pub occasions: bool,
    /// Whether [`Run::take_fresh`] is going to be asked. It changes nothing else.
    pub covers: bool,
    /// Whether the run ends soon after the first violation instead of at its end. What is judged at
    /// the end is judged all the same, and other laws may be found broken.
    pub hasty: bool,
    /// The savepoint that it starts from, if it is not the first run of its job.
    pub from: Option<Arc<Savepoint>>,
}

impl Setup {
    /// Draws the input and the plan of a seed.
    ///
    /// # Errors
    /// If the scenario makes no sense, or asks for something that does not exist.
    pub fn new(
        scenario: &Arc<Scenario>,
        registry: &Registry,
        loader: &Loader<'_>,
        seed: u64,
    ) -> Result<Setup, Problem> {
        Setup::make(scenario, registry, seed, |scenario| {
            let log = scenario.input(seed, loader)?;
            let plan = plan::generate(scenario, seed, input::duration(&log))?;
            Ok((log, plan))
        })
    }

    /// A run that goes on where another ended with a savepoint: on the same input, with other
    /// numbers of tasks if the scenario says so.
    ///
    /// # Errors
    /// As [`Setup::new`], or if the topology is another one, or has other key groups.
    pub fn from_savepoint(
        scenario: &Arc<Scenario>,
        registry: &Registry,
        seed: u64,
        savepoint: &Arc<Savepoint>,
    ) -> Result<Setup, Problem> {
        let setup = Setup::make(scenario, registry, seed, |scenario| {
            let log = savepoint.log.clone();
            let plan = plan::generate(scenario, seed, input::duration(&log))?;
            Ok((log, plan))
        })?;
        savepoint.fits(&setup.scenario, &setup.topology)?;
        Ok(Setup { from: Some(Arc::clone(savepoint)), ..setup })
    }

    /// The same with another plan: one that was read, edited or shrunk. It brings its own seed.
    ///
    /// # Errors
    /// As [`Setup::new`], or if the plan is for another scenario.
    pub fn with_plan(
        scenario: &Arc<Scenario>,
        registry: &Registry,
        loader: &Loader<'_>,
        plan: Plan,
    ) -> Result<Setup, Problem> {
        if plan.scenario != scenario.name {
            let message =
                format!("the plan is for `{}`, not for `{}`", plan.scenario, scenario.name);
            return Err(Problem::new("", message));
        }
        Setup::make(scenario, registry, plan.seed, |scenario| {
            Ok((scenario.input(plan.seed, loader)?, plan))
        })
    }

    /// The scenario as the seed has it, with the input and the plan that are made for it.
    fn make(
        scenario: &Scenario,
        registry: &Registry,
        seed: u64,
        input: impl FnOnce(&Scenario) -> Result<(InputLog, Plan), Problem>,
    ) -> Result<Setup, Problem> {
        scenario.check()?;
        let scenario = Arc::new(scenario.drawn(seed));
        let topology = scenario.topology(registry)?;
        let (log, plan) = input(&scenario)?;
        Ok(Setup {
            scenario,
            topology,
            log,
            plan,
            bugs: Vec::new(),
            record: false,
            past: None,
            chronicle: false,
            retain: false,
            occasions: false,
            covers: false,
            hasty: false,
            from: None,
        })
    }

    /// Runs to the end.
    pub fn run(self) -> Outcome {
        Run::new(self).finish()
    }
}

/// A run under way.
#[derive(Clone, Debug)]
pub struct Run {
    setup: Arc<Setup>,
    places: Places,
    world: World<Node, Story>,
    /// Faults that strike at a time and have not struck, by their place in the plan.
    timed: Vec<(Instant, usize)>,
    /// What is still to come of faults that have struck.
    later: Vec<Later>,
    /// Where it is still to leave the future of its seed.
    forks: Vec<Fork>,
    /// Services that ended by themselves, and when they start again.
    ended: Vec<(Instant, NodeId)>,
    /// How often each of them has, since the last fault healed.
    endings: Vec<services::Endings>,
    faults: Vec<FaultState>,
    /// The checkpoints that coordinators retain, if faults may destroy them.
    completed: Vec<Arc<Completed>>,
    /// When the last fault that struck so far has healed.
    healed: Instant,
    duration: Span,
    next_sample: Instant,
    complete_at: Option<Instant>,
    /// Whether it is over, as the driver saw it when it last had something to do.
    over: bool,
}

impl Run {
    /// A run at time zero.
    pub fn new(setup: Setup) -> Run {
        let places = Places::new(&setup.scenario);
        let duration = input::duration(&setup.log);
        let Between { min, max } = scenario::storm(&setup.scenario, duration);
        let storm = Between { min: Instant::ZERO + min, max: Instant::ZERO + max };
        let Setup { scenario, topology, log, plan, bugs, record, past, retain, from, .. } = &setup;
        let settings = judging(scenario, &places, plan);
        let mut story = Story::new(topology, log, &places, settings, &plan.faults, storm);
        story.record = record.then(Vec::new);
        story.metrics.recorder = setup.chronicle.then(Box::default);
        if setup.covers {
            story.cover();
        }
        if *retain {
            story.judges.keep_heritages(usize::from(scenario.checkpoint.retained));
        }
        let origin = from.as_ref().map(|savepoint| {
            story.judges.inherit(savepoint.checkpoint(), &savepoint.heritage);
            story.metrics.inherit(savepoint.checkpoint(), savepoint.heritage.positions());
            savepoint.origin(topology)
        });
        let mut world = places.build(scenario, topology, log, plan, origin, story);
        if let Some(wanted) = past {
            world.keep_past(wanted.clone());
        }
        bugs.iter().for_each(|bug| world.enable_twist(*bug));
        if setup.occasions {
            world.watch_twists();
        }
        for event in &plan.rare_events {
            world.enable_twist_rarely(event.twist(), event.ppm());
        }
        let mut timed: Vec<(Instant, usize)> = Vec::new();
        for (number, fault) in plan.faults.iter().enumerate() {
            timed.extend(time_of(fault).map(|at| (at, number)));
        }
        timed.sort();
        Run {
            faults: vec![FaultState::default(); plan.faults.len()],
            completed: Vec::new(),
            places,
            world,
            timed,
            later: Vec::new(),
            forks: plan.forks.clone(),
            ended: Vec::new(),
            endings: Vec::new(),
            healed: Instant::ZERO,
            duration,
            next_sample: Instant::ZERO + SAMPLE,
            complete_at: None,
            over: false,
            setup: Arc::new(setup),
        }
    }

    /// True time.
    pub fn now(&self) -> Instant {
        self.world.now()
    }
    /// The digest so far.
    pub fn digest(&self) -> Digest {
        self.world.digest()
    }
    /// The world, to look into.
    pub fn world(&self) -> &World<Node, impl stormglass_sim::watch::Watcher<Node> + Clone + use<>> {
        &self.world
    }

    /// Who is where.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Does a fault to the world by hand, at this instant and beside those of the plan. The outcome
    /// does not list it.
    ///
    /// # Errors
    /// If there is nothing that it could strike.
    pub fn disturb(&mut self, fault: &Fault) -> Result<Effect, FaultError> {
        self.tell_metrics(fault);
        self.world.inject(fault)
    }

    /// A fault is about to strike.
    fn tell_metrics(&mut self, fault: &Fault) {
        let now = self.world.now();
        for fault in self.single(fault) {
            self.world.watcher_mut().metrics.injected(now, &fault);
        }
    }

    /// A fault by its machines: who watches the story knows processes and machines, no domains.
    fn single(&self, fault: &Fault) -> Vec<Fault> {
        match fault {
            Fault::CrashDomain { domain } => {
                let machines = self.world.machines_in(*domain);
                machines.map(|machine| Fault::CrashMachine { machine }).collect()
            }
            other => vec![other.clone()],
        }
    }

    /// The same run up to here, with every draw from here on made anew. `n` tells forks apart.
    #[must_use]
    pub fn fork(&self, n: u64) -> Run {
        Run { world: self.world.fork(n), ..self.clone() }
    }

    /// Goes on up to an instant. False if the run is over.
    pub fn advance(&mut self, until: Instant) -> bool {
        while self.world.now() < until {
            if self.over {
                return false;
            }
            self.slice(until);
        }
        true
    }

    /// Goes on to the end and judges. A panic of the engine or of user code breaks the run.
    pub fn finish(self) -> Outcome {
        self.finish_with_savepoint().0
    }

    /// As [`Run::finish`]; hands on all that is observed meanwhile, every virtual second, and keeps
    /// nothing of it.
    pub fn finish_telling(mut self, mut listen: impl FnMut(&[(Stamp, Observation)])) -> Outcome {
        self.world.watcher_mut().told = Some(Vec::new());
        let mut hand_on = |run: &mut Run| {
            let told = run.world.watcher_mut().told.as_mut();
            let told = told.map(std::mem::take).unwrap_or_default();
            listen(&told);
        };
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            while self.advance(self.now() + Span::secs(1)) {
                hand_on(&mut self);
            }
        }));
        hand_on(&mut self);
        self.ended(panicked.err()).0
    }

    /// Goes on to the end and judges, and keeps the savepoint with which the job ended, if it did.
    pub fn finish_with_savepoint(mut self) -> (Outcome, Option<Arc<Savepoint>>) {
        let panicked = catch_unwind(AssertUnwindSafe(|| while self.advance(Instant::FAR) {}));
        self.ended(panicked.err())
    }

    /// Judges a run that has come to its end, or panicked.
    fn ended(mut self, panicked: Option<Panic>) -> (Outcome, Option<Arc<Savepoint>>) {
        let mut violations = Vec::new();
        match panicked {
            Some(payload) => violations.push(self.panic_violation(&*payload)),
            None => {
                if self.complete_at.is_none() {
                    self.prove();
                }
                let failing = self.failing();
                let story = self.world.watcher_mut();
                if self.complete_at.is_none() {
                    let pending = story.judges.pending();
                    let after = self.setup.scenario.phases.lull;
                    story.judges.progress(pending.as_deref(), after, failing.as_deref());
                }
                story.judges.finish();
            }
        }
        violations.extend(self.world.watcher().judges.violations().iter().cloned());
        let savepoint = self.savepoint();
        (self.outcome(violations), savepoint)
    }

    /// The run is over when everything is done and some time has passed since, or when time is up.
    fn is_over(&self) -> bool {
        let now = self.world.now();
        if self.setup.hasty && !self.world.watcher().judges.violations().is_empty() {
            return true;
        }
        let quiet = self.timed.is_empty() && self.later.is_empty();
        if let Some(complete) = self.complete_at {
            let aftermath = complete.max(self.healed) + AFTERMATH;
            return quiet && now >= aftermath && !self.world.watcher().metrics.outages.is_open()
                || now >= self.deadline();
        }
        quiet && now >= self.deadline()
    }

    fn deadline(&self) -> Instant {
        let end_of_input = Instant::ZERO + self.duration;
        end_of_input.max(self.healed) + self.setup.scenario.phases.lull
    }

    /// Runs to the next moment at which the driver has something to do.
    fn slice(&mut self, until: Instant) {
        let next_fault = self.timed.first().map_or(Instant::FAR, |(at, _)| *at);
        let next_later = self.later.iter().map(|later| later.at).min().unwrap_or(Instant::FAR);
        let due = next_fault.min(next_later).min(self.next_sample);
        // Nothing else happens where it forks: it does not show in whoever forks a run by hand.
        let fork = self.forks.first().copied().filter(|fork| fork.at <= until);
        if let Some(Fork { at, n }) = fork.filter(|fork| fork.at <= self.world.now()) {
            debug_assert!(at == self.world.now(), "no instant is passed over");
            self.world = self.world.fork(n);
            self.forks.remove(0);
            return;
        }
        let until = fork.map_or(until, |fork| fork.at);
        match self.world.run_until(until.min(due)) {
            Ended::Yielded | Ended::Stopped(_) => {
                let durable = std::mem::take(&mut self.world.watcher_mut().durable);
                durable.into_iter().for_each(|what| self.noted(what));
                let fired = std::mem::take(&mut self.world.watcher_mut().fired);
                if fired.is_empty() {
                    return;
                }
                fired.into_iter().for_each(|fired| self.strike(fired));
            }
            // Whoever looks in here must not change when the run ends.
            Ended::Reached | Ended::Idle if until < due => return,
            Ended::Reached | Ended::Idle => self.due(),
        }
        self.over = self.is_over();
    }

    /// Does what is due at this instant.
    fn due(&mut self) {
        let now = self.world.now();
        self.follow_up();
        while let Some((_, fault)) = self.timed.first().copied().filter(|(at, _)| *at <= now) {
            self.timed.remove(0);
            let whom = self.setup.plan.faults[fault].whom();
            let target = self.world.watcher().resolve(&whom, Cue::default());
            let observation = 0;
            self.strike(Fired { fault, target, cue: Cue::default(), observation });
        }
        if now >= self.next_sample {
            self.next_sample += SAMPLE;
            self.keep_services();
            self.look_round();
            let story = self.world.watcher_mut();
            story.metrics.sample(now);
            if self.complete_at.is_none() && story.judges.is_complete() {
                self.complete_at = Some(now);
            }
        }
    }

    fn panic_violation(&self, payload: &(dyn std::any::Any + Send)) -> Violation {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("a panic without a message");
        let story = self.world.watcher();
        let place = match story.last_executed {
            Some((task, _, _)) => {
                let component = self.setup.topology.component(story.component_of(task));
                format!("; the last tuple was executed by `{}`", component.name)
            }
            None => String::new(),
        };
        let (event, seed) = (self.world.events(), self.setup.plan.seed);
        let sentence = format!("panicked in event {event} of seed {seed}: {text}{place}");
        Violation { law: Law::NoPanic, sentence, at: self.world.now(), events: Vec::new() }
    }

    fn outcome(&self, violations: Vec<Violation>) -> Outcome {
        let Setup { scenario, log, plan, bugs, .. } = &*self.setup;
        let story = self.world.watcher();
        let (now, world) = (self.world.now(), &self.world);
        let mut resolved = plan.clone();
        for (fault, state) in resolved.faults.iter_mut().zip(&self.faults) {
            fault.resolved.clone_from(&state.resolved);
        }
        let mut outcome = Outcome {
            scenario: scenario.name.clone(),
            seed: plan.seed,
            coordinators: scenario.cluster.coordinators.min,
            drew: scenario.drew.clone(),
            bugs: bugs.iter().map(|bug| bug.name().to_string()).collect(),
            verdict: Verdict::Holds,
            digest: world.digest(),
            ended: now,
            input: InputFacts {
                records: log.len(),
                duration: self.duration,
                partitions: log.partitions.len() as u16,
            },
            faults: self.fault_outcomes(plan),
            recoveries: story.metrics.outages.all(now, |node| self.places.name(node)),
            checkpoints: story.metrics.checkpoint_facts(),
            flow: story.metrics.flow_facts(world.events()),
            useful_work: story.metrics.useful_work(now),
            duplicates: story.judges.duplicates(),
            leaders: story.metrics.leader_facts(),
            detection: story.metrics.detection_facts(),
            published: story.metrics.published(),
            plan: resolved,
            probes: Probe::ALL.iter().map(|p| (p.name(), world.probe_hits(*p))).collect(),
            rare_events: (plan.rare_events.iter())
                .map(|event| (event.twist().name(), world.twist_fired(event.twist())))
                .collect(),
            reached: bugs.iter().map(|t| (t.name(), world.twist_fired(*t))).collect(),
            occasions: self.occasions(),
            story: story.record.clone().unwrap_or_default(),
            past: world.past().cloned().map(Arc::new),
            chronicle: (story.metrics.recorder.as_ref())
                .map(|recorder| recorder.chronicle(self.bands())),
        };
        if !violations.is_empty() {
            outcome.verdict = Verdict::Broken { violations };
        } else if let Some(unjudged) = story.judges.unjudged() {
            outcome.verdict = Verdict::CouldNotJudge(unjudged);
        } else if outcome.is_vacuous() {
            outcome.verdict = Verdict::CouldNotJudge(Unjudged::vacuous());
        }
        outcome
    }

    fn fault_outcomes(&self, plan: &Plan) -> Vec<FaultOutcome> {
        let both = plan.faults.iter().zip(&self.faults).enumerate();
        both.map(|(at, (planned, state))| FaultOutcome {
            number: at + 1,
            kind: planned.kind(),
            what: planned.action.words(),
            target: match &state.resolved {
                Some(resolved) => resolved.target.clone(),
                None => planned.target.to_string(),
            },
            at: state.resolved.as_ref().map(|resolved| resolved.at),
            took_effect: self.took_effect(at, state),
            phases: state.phases,
            part: state.part,
            in_flight: state.in_flight,
            messages_lost: state.messages_lost,
        })
        .collect()
    }
}

/// What the judges have to know of a cluster.
fn judging(scenario: &Scenario, places: &Places, plan: &Plan) -> Settings {
    let cluster = &scenario.cluster;
    let drifts = plan.faults.iter().filter_map(|fault| match fault.action {
        PlannedAction::DriftClock { by: Drift(ppm), .. } => u32::try_from(ppm).ok(),
        _ => None,
    });
    Settings {
        coordinators: places.all(Role::Coordinator),
        patience: match cluster.detector {
            Detector::Fixed => cluster.heartbeat_timeout,
            Detector::Phi => cluster.heartbeat_interval,
        },
        clock_ppm: drifts.max().unwrap_or(0).max(scenario.clock.drift_ppm),
        retained: usize::from(scenario.checkpoint.retained),
        destroys: plan.faults.iter().any(|fault| fault.action.destroys()),
        copies: Copies {
            coordinators: places.all(Role::Coordinator),
            stores: places.all(Role::Store),
            receiver: places.single(Role::Receiver),
        },
        fenced_stores: usize::from(cluster.stores + 1 - scenario.store.replication),
        heartbeat_timeout: cluster.heartbeat_timeout,
        transactions: Claim {
            timeout: scenario.sink.transaction_timeout,
            assumed: scenario.assume.contains(&Assumption::OutageBelowTransactionTimeout),
        },
        tolerated_failures: scenario.checkpoint.tolerated_failures,
        message_timeout: match scenario.recovery {
            Recovery::Checkpoints => None,
            Recovery::StatefulBolts => Some(scenario.acking.message_timeout),
        },
        retention: input::retention(&scenario.input, plan.seed),
        trims: plan.faults.iter().any(|fault| matches!(fault.action, PlannedAction::Trim { .. })),
        exact: scenario.checkpoint.mode == Mode::ExactlyOnce,
    }
}

/// When a fault strikes, if it is at a time.
fn time_of(fault: &PlannedFault) -> Option<Instant> {
    match (&fault.resolved, &fault.trigger) {
        (Some(Resolved { at, observation: None, .. }), _) => Some(*at),
        (None, Trigger::At(at)) => Some(*at),
        _ => None,
    }
}
