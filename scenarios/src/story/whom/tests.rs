use stormglass_engine::raft::{Point, Term};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Span;

use super::*;
use crate::scenario::Scenario;
use crate::topologies::Registry;

fn whom(coordinators: u16) -> Whom {
    let text = format!(
        "name = 'x'\ntopology.name = 'word-count'\ncluster.coordinators = {coordinators}\n\
         input = {{ rate = '1k/s', words = {{ count = 10 }} }}"
    );
    let scenario = Scenario::parse(&text, "x.toml").unwrap();
    Whom::new(&scenario.topology(&Registry::default()).unwrap(), &Places::new(&scenario), false)
}

/// Coordinators have the first machines.
fn coordinator(number: u16) -> NodeId {
    NodeId::new(number - 1, 1)
}

fn leads(whom: &mut Whom, number: u16, term: u32) {
    whom.observed(coordinator(number), &Observation::Leads { term: Term(term) });
}

fn leader(whom: &Whom) -> Option<NodeId> {
    whom.resolve(&Target::Leader, Cue::default())
}

fn follower(whom: &Whom, number: u32) -> Option<NodeId> {
    whom.resolve(&Target::Follower(Some(number)), Cue::default())
}

#[test]
fn a_leader_leads_until_it_steps_down() {
    let mut whom = whom(3);
    assert_eq!(leader(&whom), None);
    leads(&mut whom, 2, 5);
    assert_eq!(leader(&whom), Some(coordinator(2)));
    let down = Observation::Raft(Point::SteppedDown { term: Term(5) });
    whom.observed(coordinator(3), &down);
    assert_eq!(leader(&whom), Some(coordinator(2)), "somebody else did");
    whom.observed(coordinator(2), &down);
    assert_eq!(leader(&whom), None);
}

#[test]
fn the_newest_leader_counts() {
    let mut whom = whom(3);
    leads(&mut whom, 1, 5);
    leads(&mut whom, 3, 7);
    leads(&mut whom, 2, 6);
    assert_eq!(leader(&whom), Some(coordinator(3)), "an older one learns late that it leads");
    whom.observed(coordinator(1), &Observation::Raft(Point::SteppedDown { term: Term(5) }));
    assert_eq!(leader(&whom), Some(coordinator(3)));
}

#[test]
fn who_dies_does_not_lead() {
    let crash = |number| Fault::Crash { node: coordinator(number) };
    let power = |number| Fault::CrashMachine { machine: coordinator(number).machine };
    let pause = Fault::Pause { node: coordinator(2), duration: Span::secs(1) };
    for (fault, still) in
        [(crash(2), false), (crash(1), true), (power(2), false), (power(3), true), (pause, true)]
    {
        let mut whom = whom(3);
        leads(&mut whom, 2, 1);
        whom.struck(Instant::ZERO, &fault);
        assert_eq!(leader(&whom).is_some(), still, "{fault:?}");
    }
    let mut whom = whom(3);
    leads(&mut whom, 2, 1);
    let reborn = Observation::Raft(Point::Recovered { term: Term(1), last: Default::default() });
    whom.observed(coordinator(2), &reborn);
    assert_eq!(leader(&whom), None, "a new life has forgotten it");
}

#[test]
fn followers_are_counted_after_the_leader() {
    let mut whom = whom(4);
    assert_eq!(follower(&whom, 3), Some(coordinator(3)), "nobody leads: all follow");
    leads(&mut whom, 3, 1);
    let all: Vec<_> = (1..=4).map(|number| follower(&whom, number)).collect();
    assert_eq!(all, [4, 1, 2, 4].map(|number| Some(coordinator(number))));
    let mut alone = self::whom(1);
    leads(&mut alone, 1, 1);
    assert_eq!(follower(&alone, 1), None, "the leader does not follow itself");
}

#[test]
fn it_is_who_fired_the_trigger() {
    let whom = whom(3);
    let cue = |number| Cue { by: Some(coordinator(number)), checkpoint: None };
    assert_eq!(whom.resolve(&Target::It, cue(3)), Some(coordinator(3)));
    assert_eq!(whom.resolve(&Target::It, Cue::default()), None);
    let other = Target::Other(Role::Coordinator);
    let others: Vec<_> = (1..=3).map(|number| whom.resolve(&other, cue(number))).collect();
    assert_eq!(others, [2, 3, 1].map(|number| Some(coordinator(number))));
    let alone = self::whom(1);
    assert_eq!(alone.resolve(&other, cue(1)), None);
    let first = whom.places.node(Role::Store, 1);
    assert_eq!(whom.resolve(&Target::Other(Role::Store), cue(1)), first, "it is no store");
}
