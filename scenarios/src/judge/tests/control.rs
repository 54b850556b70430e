//! Who may be accused, who may own, and that the judges of the control plane are all asked.

use stormglass_engine::ids::{Generation, TaskId};
use stormglass_engine::observation::{Call, Observation as O, Operation, Suspicion};
use stormglass_engine::raft::{Index, Point, Term};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::super::control::{Control, Settings};
use super::super::expiry::Claim;
use super::super::law::{Findings, Law, Witness};
use super::mini::{Event, Mini};
use super::{broken, fresh, judge, topologies};

const LEADER: NodeId = NodeId::new(0, 1);
const OTHER: NodeId = NodeId::new(1, 1);
const WORKER: NodeId = NodeId::new(7, 2);
const SILENT: O = O::Suspected { node: WORKER, reason: Suspicion::HeartbeatTimeout };

/// What is found in a story whose times are milliseconds.
fn found(clock_ppm: u32, story: &[(u64, NodeId, O)]) -> Vec<(Law, String)> {
    let mut control = Control::new(Settings {
        copies: super::copies(3),
        retained: 1,
        destroys: false,
        fenced_stores: 1,
        coordinators: vec![LEADER, OTHER],
        patience: Span::secs(5),
        clock_ppm,
        transactions: Claim { timeout: Span::secs(900), assumed: false },
        heartbeat_timeout: Span::secs(5),
        tolerated_failures: None,
        message_timeout: None,
        retention: None,
        trims: false,
        exact: true,
    });
    let mut findings = Findings::default();
    for (at, node, what) in story {
        let at = Instant(at * 1_000_000);
        control.observed(Witness { at, node: *node, what: *what }, &mut findings);
    }
    control.finish(&mut findings);
    assert_eq!(control.undecided(), None);
    findings.all().iter().map(|v| (v.law, v.sentence.clone())).collect()
}

fn heard(generation: u32) -> O {
    O::Heard { node: WORKER, generation: Generation(generation), dismissed: Generation(9) }
}
fn running(generation: u32) -> O {
    O::Running { generation: Generation(generation) }
}

#[test]
fn nobody_is_accused_whose_heartbeat_came() {
    let early = [(1_000, LEADER, heard(1)), (5_900, LEADER, SILENT)];
    let sentence = "m0:1 accused m7:2 of silence 4.9s after its heartbeat, but its detector waits \
                    5s";
    assert_eq!(found(0, &early), [(Law::FairSuspicion, sentence.to_string())]);
    assert_eq!(found(0, &[early[0], (6_000, LEADER, SILENT)]), []);
    // A later heartbeat counts.
    let again = [early[0], (2_000, LEADER, heard(1)), (6_500, LEADER, SILENT)];
    assert_eq!(found(0, &again).len(), 1);
}

#[test]
fn a_clock_may_run_fast() {
    let story = [(1_000, LEADER, heard(1)), (5_990, LEADER, SILENT)];
    assert_eq!(found(1_000, &story).len(), 1);
    assert_eq!(found(2_010, &story), []);
}

#[test]
fn what_others_heard_or_another_life_does_not_count() {
    assert_eq!(found(0, &[(1_000, OTHER, heard(1)), (2_000, LEADER, SILENT)]), []);
    let back = O::Raft(Point::Recovered { term: Term(0), last: Index(0) });
    let heard_and_back =
        [(1_000, LEADER, heard(1)), (1_500, LEADER, back), (2_000, LEADER, SILENT)];
    assert_eq!(found(0, &heard_and_back), []);
    let other = [(1_000, LEADER, heard(1)), (1_500, OTHER, back), (2_000, LEADER, SILENT)];
    assert_eq!(found(0, &other).len(), 1);
}

#[test]
fn other_reasons_are_no_matter_of_silence() {
    for reason in [Suspicion::ConnectionLost, Suspicion::Reincarnated, Suspicion::TaskFailed] {
        let suspected = O::Suspected { node: WORKER, reason };
        assert_eq!(found(0, &[(1_000, LEADER, heard(1)), (1_001, LEADER, suspected)]), []);
    }
}

/// Heartbeats once a second from `from` to `to`, both included.
fn beats(generation: u32, from: u64, to: u64) -> Vec<(u64, NodeId, O)> {
    (from..=to).map(|at| (at * 1_000, LEADER, heard(generation))).collect()
}

#[test]
fn an_old_claim_is_given_up_soon() {
    let start = [(500, LEADER, running(1)), (900, LEADER, running(2))];
    let stubborn = [&start[..], &beats(1, 1, 12)].concat();
    let sentence = "m7:2 claims tasks of generation 1 and is heard for 11s while generation 2 runs";
    assert_eq!(found(0, &stubborn), [(Law::SingleOwner, sentence.to_string())]);
    let soon = [&start[..], &beats(1, 1, 11), &beats(0, 12, 20), &beats(2, 21, 50)].concat();
    assert_eq!(found(0, &soon), []);
}

#[test]
fn who_is_not_heard_is_not_told() {
    let start = [(500, LEADER, running(2))];
    // Cut off for a while in between: it begins anew.
    let cut = [&start[..], &beats(1, 1, 8), &beats(1, 15, 24)].concat();
    assert_eq!(found(0, &cut), []);
    let heard_all_the_time = [&start[..], &beats(1, 1, 8), &beats(1, 13, 24)].concat();
    assert_eq!(found(0, &heard_all_the_time).len(), 1);
}

/// A storm with five coordinators, seed 131: the way to the worker was cut for twelve seconds, the
/// way back was not, so that it was heard all the time and could not be told.
#[test]
fn who_cannot_be_told_is_not_blamed() {
    let start = [(500, LEADER, running(1)), (1_000, LEADER, running(2))];
    let untold = O::Heard { node: WORKER, generation: Generation(1), dismissed: Generation(1) };
    let beats = (2..=30).map(|at| (at * 1_000, LEADER, untold));
    assert_eq!(found(0, &start.into_iter().chain(beats).collect::<Vec<_>>()), []);
}

#[test]
fn claims_of_what_runs_or_is_to_run_are_right() {
    let story = [&[(500, LEADER, running(2))][..], &beats(2, 1, 30), &beats(3, 31, 60)].concat();
    assert_eq!(found(0, &story), []);
    // Newer generations that follow each other make the old claim no younger.
    let mut story = beats(1, 1, 20);
    story.insert(0, (500, LEADER, running(2)));
    story.insert(8, (7_500, LEADER, running(3)));
    story.insert(16, (15_500, LEADER, running(4)));
    assert_eq!(found(0, &story).len(), 1);
}

/// All of them sit among the judges of a run.
#[test]
fn the_judges_ask_them_all() {
    let mut mini = Mini::new(topologies::word_count(), topologies::log(3, 90), 3);
    mini.run(0);
    assert_eq!(judge(&mini, &mini.events).violations(), &[]);
    let operation = Operation { client: OTHER, number: 1 };
    let bad: [(Law, &[O]); 5] = [
        (
            Law::OneVote,
            &[
                O::Raft(Point::Recovered { term: Term(4), last: Index(0) }),
                O::Raft(Point::Campaigned { term: Term(2) }),
            ],
        ),
        (Law::StateMachineSafety, &[O::Applied { index: Index(2), term: Term(1), print: 0 }]),
        (
            Law::Linearizable,
            &[
                O::Invoked { operation, key: 0, call: Call::Read },
                O::Responded { operation, value: 1 },
            ],
        ),
        (Law::FairSuspicion, &[heard(1), SILENT]),
        (Law::LogMatching, &[O::Raft(Point::Recovered { term: Term(0), last: Index(9) })]),
    ];
    for (law, what) in bad {
        let mut events = mini.events.clone();
        let node = NodeId::new(0, 9);
        events.extend(what.iter().map(|what| Event { node, what: *what }));
        broken(&mini, &events, law);
    }
    let mut judges = fresh(&mini);
    for second in 1..=12 {
        let at = Instant(second * 1_000_000_000);
        let what = if second == 1 { running(2) } else { heard(1) };
        judges.observed(at, LEADER, &what);
    }
    assert_eq!(judges.violations(), []);
    judges.observed(Instant(13_000_000_000), LEADER, &heard(1));
    assert_eq!(judges.violations().iter().map(|v| v.law).collect::<Vec<_>>(), [Law::SingleOwner]);
}

const CLIENT: NodeId = NodeId::new(9, 1);

fn granted(generation: u32) -> O {
    O::Granted { generation: Generation(generation), workers: 1, restore: None }
}
fn queried(question: u32, generation: u32, row: u64) -> O {
    let operation = Operation { client: CLIENT, number: question };
    let (task, generation) = (TaskId(1), Generation(generation));
    O::Queried { operation, task, generation, hash: 7, key: 8, row }
}
fn answered(question: u32, generation: u32, row: u64) -> O {
    let operation = Operation { client: CLIENT, number: 1 };
    O::QueryAnswered { operation, question, generation: Generation(generation), row }
}

#[test]
fn an_answer_is_current_if_its_owner_was_the_newest_when_it_gave_it() {
    let calm =
        [(1, LEADER, granted(1)), (2, WORKER, queried(1, 1, 5)), (3, CLIENT, answered(1, 1, 5))];
    assert_eq!(found(0, &calm), []);
    // The client learns of it later than a new grant: it was current when it was given.
    let late = [calm[0], calm[1], (3, LEADER, granted(2)), (4, CLIENT, answered(1, 1, 5))];
    assert_eq!(found(0, &late), []);
    let zombie = [
        calm[0],
        (2, LEADER, granted(2)),
        (3, WORKER, queried(1, 1, 5)),
        (4, CLIENT, answered(1, 1, 5)),
    ];
    let sentence = "an answer of generation 1 was taken for current, though generation 2 had been \
                    granted before it was given";
    assert_eq!(found(0, &zombie), [(Law::CurrentAnswers, sentence.to_string())]);
    // Who does not say that it is current may be told anything.
    assert_eq!(found(0, &zombie[..3]), []);
}

#[test]
fn an_answer_is_one_that_an_owner_gave() {
    let start = [(1, LEADER, granted(1)), (2, WORKER, queried(1, 1, 5))];
    for made_up in [answered(2, 1, 5), answered(1, 1, 6)] {
        let story = [start[0], start[1], (3, CLIENT, made_up)];
        let sentence = "a query was answered with a row of generation 1 that no owner gave";
        assert_eq!(found(0, &story), [(Law::CurrentAnswers, sentence.to_string())]);
    }
}
