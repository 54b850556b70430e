//! Aims strike exactly when and whom they name. A second world without faults, with a watcher that
//! only writes down, tells the same story up to the strike: whether that was the right moment is
//! judged by what it wrote, not by what the trigger knew.

use std::collections::BTreeSet;
use std::sync::Arc;

use stormglass_engine::ids::{CheckpointId, TaskId};
use stormglass_engine::node::Node;
use stormglass_engine::observation::Observation;
use stormglass_scenarios::catalog;
use stormglass_scenarios::outcome::{FaultOutcome, Outcome};
use stormglass_scenarios::places::Places;
use stormglass_scenarios::plan::Plan;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::{
    ActionSpec, FaultSpec, Need, Part, Phase, Protocol, Scenario, aimed,
};
use stormglass_scenarios::topologies::Registry;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Span;
use stormglass_sim::watch::{Stamp, Watch, Watcher};
use stormglass_tests::runs::{assert_holds, setup};

/// Word counts with three coordinators, and what is done to them.
fn scenario(faults: &str) -> Arc<Scenario> {
    let text = format!(
        "name = 'aim'\ntopology.name = 'word-count'\ncluster.coordinators = 3\n\
         checkpoint.interval = '300ms'\nstore = {{ nodes = 2, replication = 2 }}\n\
         input = {{ rate = '2k/s', words = {{ count = 12000 }} }}\n{faults}"
    );
    let scenario = Scenario::parse(&text, "aim.toml");
    Arc::new(scenario.unwrap_or_else(|problem| panic!("{problem}")))
}

/// Writes down.
#[derive(Clone, Debug, Default)]
struct Tap(Vec<(Stamp, Observation)>);

impl Watcher<Node> for Tap {
    fn observed(&mut self, at: Stamp, what: &Observation) -> Watch {
        self.0.push((at, *what));
        Watch::Continue
    }
}

/// A run whose first fault struck, and what was observed up to that.
struct Struck {
    setup: Setup,
    outcome: Outcome,
    /// The last one is the one that fired the trigger.
    before: Vec<(Stamp, Observation)>,
}

impl Struck {
    fn new(fault: &str, seed: u64) -> Struck {
        let scenario = scenario(&format!("[[fault]]\n{fault}"));
        let setup = setup(&scenario, seed);
        let outcome = setup.clone().run();
        assert_holds(&outcome);
        let resolved = outcome.plan.faults[0].resolved.clone().expect("its trigger fired");
        let Setup { scenario, topology, log, plan, .. } = &setup;
        let calm = Plan { faults: Vec::new(), ..plan.clone() };
        let places = Places::new(scenario);
        let mut world = places.build(scenario, topology, log, &calm, None, Tap::default());
        world.run_until(resolved.at + Span::nanos(1));
        let mut before = std::mem::take(&mut world.watcher_mut().0);
        before.truncate(resolved.observation.expect("it was no time") as usize);
        assert_eq!(before.last().expect("something fired it").0.time, resolved.at);
        Struck { setup, outcome, before }
    }

    fn fired(&self) -> (NodeId, Observation) {
        let (at, what) = self.before.last().expect("something fired it");
        (at.node, *what)
    }
    fn fault(&self) -> &FaultOutcome {
        &self.outcome.faults[0]
    }
    fn all(&self) -> impl Iterator<Item = &Observation> {
        self.before.iter().map(|(_, what)| what)
    }
    /// The worker of a task, as last assigned.
    fn worker(&self, wanted: TaskId) -> NodeId {
        let assigned = self.all().filter_map(|what| match *what {
            Observation::Assigned { task, node, .. } if task == wanted => Some(node),
            _ => None,
        });
        assigned.last().expect("every task has a worker")
    }
    fn name(&self, node: NodeId) -> String {
        Places::new(&self.setup.scenario).name(node)
    }
    fn tasks(&self) -> BTreeSet<TaskId> {
        (1..=self.setup.topology.tasks()).map(TaskId).collect()
    }

    /// The plan, written and read again, repeats the run to the byte.
    fn assert_repeats(&self) {
        let json = self.outcome.plan.to_json();
        let plan =
            Plan::from_json(&json, "plan.json").unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(plan, self.outcome.plan);
        let (registry, scenario) = (Registry::default(), &self.setup.scenario);
        let again = Setup::with_plan(scenario, &registry, &catalog::file, plan).unwrap().run();
        assert_eq!(again.digest, self.outcome.digest);
        assert_eq!(again, self.outcome);
    }
}

#[test]
fn the_leader_when_checkpoint_7_is_half_acknowledged() {
    let struck = Struck::new(
        "on = { event = 'checkpoint-acked', checkpoint = 7, share = '50%' }\n\
         crash = { who = 'leader', down = '1s' }",
        3,
    );
    let seventh = CheckpointId(7);
    let acked = |what: &Observation| match *what {
        Observation::CheckpointAcked { checkpoint, task, .. } if checkpoint == seventh => {
            Some(task)
        }
        _ => None,
    };
    let (by, what) = struck.fired();
    assert!(acked(&what).is_some(), "{what:?}");
    let tasks: BTreeSet<TaskId> = struck.all().filter_map(acked).collect();
    assert_eq!(tasks.len(), struck.tasks().len().div_ceil(2), "this one made it half");
    let leads = |(at, what): &(Stamp, Observation)| {
        matches!(what, Observation::Leads { .. }).then_some(at.node)
    };
    let leader = struck.before.iter().rev().find_map(leads).expect("somebody leads");
    assert_eq!((struck.name(leader), leader), (struck.fault().target.clone(), by));
    assert_eq!(struck.fault().part, Some(Part::Leader));
    let phases = struck.fault().phases.expect("it struck");
    assert_eq!(phases.of(Protocol::Checkpoint), Phase::HalfAcknowledged);
    assert_eq!(struck.outcome.leaders.changes, 1, "another one leads");
    struck.assert_repeats();
}

#[test]
fn the_worker_that_holds_the_last_barrier() {
    let struck = Struck::new(
        "on = { event = 'cut', checkpoint = '5..9', left = 1 }\n\
         crash = { who = 'holder-of-last-barrier' }",
        5,
    );
    let (_, what) = struck.fired();
    let Observation::Cut { checkpoint: this, .. } = what else { panic!("{what:?}") };
    assert!((5..=9).contains(&this.0));
    let cut = |what: &Observation| match *what {
        Observation::Cut { checkpoint, task, .. } if checkpoint == this => Some(task),
        _ => None,
    };
    let cut: BTreeSet<TaskId> = struck.all().filter_map(cut).collect();
    let missing: Vec<TaskId> = struck.tasks().difference(&cut).copied().collect();
    assert_eq!(missing.len(), 1, "the barrier has passed all others");
    assert_eq!(struck.name(struck.worker(missing[0])), struck.fault().target);
    assert!(struck.fault().took_effect);
    assert_eq!(struck.outcome.restored_checkpoints(), 1);
    struck.assert_repeats();
}

#[test]
fn the_sink_between_pre_commit_and_commit() {
    let struck = Struck::new(
        "on = { phase = 'pre-committed', checkpoint = 6 }\ncrash = { who = 'pre-committed-sink' }",
        7,
    );
    let (_, what) = struck.fired();
    let Observation::PreCommitted { task, checkpoint: this, generation, .. } = what else {
        panic!("{what:?}")
    };
    let ended = |what: &&Observation| match **what {
        Observation::Published { task: of, checkpoint, .. } => (of, checkpoint) == (task, this),
        Observation::CheckpointCompleted { checkpoint, .. } => checkpoint >= this,
        _ => false,
    };
    assert_eq!(struck.all().find(ended), None, "it is not committed");
    assert_eq!(struck.name(struck.worker(task)), struck.fault().target);
    let phases = struck.fault().phases.expect("it struck");
    assert_eq!(phases.of(Protocol::Sink), Phase::PreCommitted);
    assert!(generation.0 == 1 && struck.fault().took_effect);
    struck.assert_repeats();
}

#[test]
fn what_comes_after_something_waits_for_it() {
    let struck = Struck::new(
        "on = { event = 'published', of = 'publish', while = ['serving', 'committing'], nth = 2, \
         after = { event = 'raft-committed', by = 'follower', since = '40%' } }\n\
         pause = { who = 'other-worker', for = '300ms' }",
        2,
    );
    let since = Span::secs(6).scale(40, 100);
    let first = struck.before.iter().position(|(at, what)| {
        let committed =
            matches!(what, Observation::Raft(stormglass_engine::raft::Point::Committed { .. }));
        let late = at.time.since(stormglass_sim::time::Instant::ZERO) >= since;
        let name = struck.name(at.node);
        let leads = struck.before.iter().rev().find(|(other, what)| {
            other.time <= at.time && matches!(what, Observation::Leads { .. })
        });
        committed && late && Some(name) != leads.map(|(leader, _)| struck.name(leader.node))
    });
    let after = &struck.before[first.expect("it came first") + 1..];
    let published = |what: &Observation| matches!(what, Observation::Published { .. });
    let times = after.iter().filter(|(_, what)| published(what)).count();
    assert!(published(&struck.fired().1) && times >= 2, "{times}");
    assert_eq!(struck.fault().target, "worker-1", "the receiver is no worker");
    struck.assert_repeats();
}

/// Each phase and part, as they are enumerated, can be aimed at; and where nothing has to happen
/// first, the phase is the one in which the fault finds the protocol.
#[test]
fn every_aim_can_be_taken() {
    let calm = scenario("");
    let pause = || {
        let lasting = stormglass_scenarios::units::Between::just(Span::millis(20));
        ActionSpec::Pause { lasting }
    };
    let mut pairs = 0;
    for &phase in Phase::ALL {
        let mut aims = Vec::new();
        for &part in Part::ALL {
            let Some((when, target)) = aimed(phase, part) else { continue };
            let mut one = (*calm).clone();
            one.faults.push(FaultSpec::once(when, pause(), target.clone()));
            one.check().unwrap_or_else(|problem| panic!("{phase} {part}: {problem}"));
            aims.extend(one.faults);
            pairs += 1;
        }
        if !matches!(phase.need(), Need::Nothing | Need::Transactions) || aims.is_empty() {
            continue;
        }
        for aim in aims {
            let mut one = (*calm).clone();
            one.faults.push(aim);
            let outcome = setup(&Arc::new(one), 11).run();
            let fault = &outcome.faults[0];
            assert!(fault.took_effect, "{} at {phase}", fault.target);
            assert_holds(&outcome);
            assert!(fault.phases.expect("it struck").are(phase), "{} {fault:?}", fault.target);
        }
    }
    assert!(pairs > 100, "{pairs} pairs are few");
    assert_eq!(aimed(Phase::Election, Part::Leader), None, "nobody leads then");
    let (_, target) = aimed(Phase::Aligning, Part::Worker).expect("it concerns all workers");
    assert_eq!(target.to_string(), "holder-of-last-barrier");
}

/// What makes a phase come: operations and faults.
fn provocation(need: Need) -> Option<&'static str> {
    Some(match need {
        Need::Nothing | Need::Transactions => "",
        // Of a crash the broken connection tells at once: nothing else is observed before.
        Need::WorkerLost => {
            "cluster.heartbeat-interval = '100ms'\ncluster.heartbeat-timeout = '500ms'\n\
             [[fault]]\nat = '40%'\nisolate = { who = 'worker-2', for = '3s' }"
        }
        Need::LeaderLost => "[[fault]]\nat = '40%'\ncrash = { who = 'leader', down = '1s' }",
        Need::Transfer => "[[operation]]\nat = '40%'\ntransfer = {}",
        Need::MembershipChange => {
            "[[operation]]\nat = '40%'\ncoordinators = { voters = [1, 2], learners = [3] }"
        }
        Need::CoordinatorLags => {
            "[raft]\nsnapshot-after = 20\n[[fault]]\nat = '40%'\n\
             crash = { who = 'follower', down = '2s' }"
        }
        Need::Rebalance => "[[operation]]\nat = '40%'\nrebalance = { workers = 3 }",
        Need::StopWithSavepoint => return None,
    })
}

#[test]
fn every_phase_comes_when_it_is_provoked() {
    for &phase in Phase::ALL {
        let aims = || Part::ALL.iter().filter_map(|part| aimed(phase, *part));
        let (Some(first), Some((_, target))) = (provocation(phase.need()), aims().next()) else {
            continue;
        };
        let text = format!(
            "{first}\n[[fault]]\non = {{ phase = '{phase}', since = '30%' }}\n\
             pause = {{ who = '{target}', for = '20ms' }}"
        );
        let outcome = setup(&scenario(&text), 4).run();
        assert_holds(&outcome);
        let fault = outcome.faults.last().expect("there is one");
        let phases = fault.phases.unwrap_or_else(|| panic!("{phase} never came"));
        assert!(phases.are(phase), "{phases} and not {phase}");
    }
}
