use std::collections::BTreeSet;
use std::sync::Arc;

use stormglass_engine::names::Twist;
use stormglass_sim::time::{Instant, Span};

use super::pool::Pool;
use super::{Limit, explore};
use crate::bugs::worlds::{Source, Worlds};
use crate::judge::law::Law;
use crate::run::{Run, Setup};
use crate::topologies::Registry;
use crate::{catalog, plan};

fn swarm(seed: u64) -> Setup {
    let scenario = Arc::new(catalog::load("swarm", &["input.words.count=2000"]).unwrap());
    Setup::new(&scenario, &Registry::default(), &catalog::file, seed).unwrap()
}

/// A fork is data: its plan, read back from its text, makes the same run.
#[test]
fn a_fork_is_as_its_plan_says() {
    let setup = swarm(3);
    let mut run = Run::new(setup.clone());
    run.advance(Instant::ZERO + Span::millis(2_345));
    let other = plan::generate(&setup.scenario, 99, crate::input::duration(&setup.log)).unwrap();
    let later = other.faults.into_iter().filter(|fault| fault.at() > Some(run.now()));
    let later = later.filter(|fault| super::is_plain(&fault.action)).take(2).collect();
    let mut once = run.branch(7, later);
    once.advance(Instant::ZERO + Span::millis(4_567));
    let twice = once.branch(8, Vec::new());
    let plan = twice.setup().plan.clone();
    assert_eq!(plan.forks.iter().map(|fork| fork.n).collect::<Vec<_>>(), [7, 8]);
    let read = plan::Plan::from_json(&plan.to_json(), "fork.json").unwrap();
    assert_eq!(read, plan);
    let (first, second) = (once.finish(), twice.finish());
    let again = Setup { plan: read, ..setup.clone() }.run();
    assert_eq!(again.digest, second.digest);
    assert_ne!(again.digest, first.digest, "each fork has a future of its own");
    assert_ne!(first.digest, setup.run().digest);
    // What became of its faults is part of its plan, and makes the same run, too.
    let replayed = Setup { plan: again.plan.clone(), ..swarm(3) }.run();
    assert_eq!(replayed.digest, again.digest);
}

/// Whoever looks changes nothing, exploration finds what is planted, and what it finds is a plan.
#[test]
fn exploration_finds_a_planted_bug_and_says_how() {
    let covered = Setup { covers: true, ..swarm(5) }.run();
    assert_eq!(covered.digest, swarm(5).run().digest);
    let worlds = Worlds::of(Source::Random).unwrap();
    let bugs = vec![Twist::CommittableForgotten];
    let planted = |number| Ok(Setup { bugs: bugs.clone(), ..worlds.setup(number)? });
    let (kinds, limit) = (worlds.kinds(), Limit { runs: 300, events: u64::MAX });
    let progress = &mut |_: &_| {};
    let any = explore(&planted, 0, kinds, limit, &|_| true, progress).unwrap();
    assert_eq!(explore(&planted, 0, kinds, limit, &|_| true, progress).unwrap(), any);
    let found = any.found.expect("many runs show it");
    let setup =
        Setup { bugs: bugs.clone(), plan: found.plan, ..worlds.setup(found.number).unwrap() };
    assert_eq!(setup.run().violations()[0], found.violation);
    let few = Limit { runs: 48, events: u64::MAX };
    let none = explore(&planted, 0, kinds, few, &|v| v.law == Law::OneVote, progress).unwrap();
    assert_eq!((none.runs, none.found), (48, None));
    assert!(none.forks > 0 && none.seen > 100, "{} {}", none.forks, none.seen);
}

/// Each scenario of the catalog is there with a third of its input, and as it is.
#[test]
fn worlds_are_there_short_and_whole() {
    let worlds = Worlds::of(Source::Random).unwrap();
    let (kinds, explored) = (worlds.kinds(), worlds.explored().unwrap());
    assert_eq!(explored.kinds(), 2 * kinds);
    for kind in 0..kinds {
        let short = explored.setup(kind).unwrap();
        let whole = explored.setup(kind + kinds).unwrap();
        assert_eq!(short.scenario.name, whole.scenario.name);
        let third = whole.log.len().div_ceil(3);
        assert!(short.log.len() <= third, "{}", short.scenario.name);
        assert!(short.log.len() + 1 >= third, "{}", short.scenario.name);
    }
}

/// What few seeds have is met early: all pairs of two settings of the general storm, long before
/// the seeds in their order show the last one.
#[test]
fn rare_settings_are_met_early() {
    let world = |seed| Ok(swarm(seed));
    let mut pool = Pool::new(0, 1);
    let pair = |setup: &Setup| {
        let drew = |name: &str| setup.scenario.drew[name].clone();
        (drew("backend"), drew("mode"))
    };
    let until_all = |next: &mut dyn FnMut(u64) -> Setup| {
        let mut met = BTreeSet::new();
        (1..).find(|n| met.insert(pair(&next(*n))) && met.len() == 6 * 4).unwrap()
    };
    let in_order = until_all(&mut |n| swarm(n - 1));
    let mut taken = BTreeSet::new();
    let by_rarity = until_all(&mut |_| {
        let (number, setup) = pool.take(0, &world).unwrap();
        assert!(taken.insert(number), "each world comes once");
        setup
    });
    assert!(by_rarity * 2 < in_order, "{by_rarity} worlds instead of {in_order}");
}
