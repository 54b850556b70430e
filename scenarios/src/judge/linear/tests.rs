//! Answers that one copy could have given pass, others do not; and nobody is faster by being wrong:
//! a checker that tries every order says the same.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use stormglass_engine::observation::{Call, Observation as O, Operation};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use super::super::law::{Findings, Law, Violation, Witness};
use super::search::{Found, Op, search};
use super::{BUDGET, Linear};
use Call::{Add, Read, Set};

/// Client, call, when it was asked, and when answered with what. Times in seconds, all different.
type Line = (u16, Call, u64, Option<(u64, u64)>);

fn judge(lines: &[Line]) -> (Vec<Violation>, Option<String>) {
    let mut events: Vec<(u64, NodeId, O)> = Vec::new();
    for (number, (client, call, asked, answered)) in (1..).zip(lines) {
        let client = NodeId::new(*client, 1);
        let operation = Operation { client, number };
        events.push((*asked, client, O::Invoked { operation, key: 3, call: *call }));
        let answer = answered.map(|(at, value)| (at, client, O::Responded { operation, value }));
        events.extend(answer);
    }
    events.sort_by_key(|(at, ..)| *at);
    let (mut linear, mut findings) = (Linear::default(), Findings::default());
    for (at, node, what) in events {
        let at = Instant(at * 1_000_000_000);
        linear.observed(Witness { at, node, what }, &mut findings);
    }
    let undecided = linear.finish(&mut findings);
    (findings.all().to_vec(), undecided)
}

#[track_caller]
fn holds(lines: &[Line]) {
    assert_eq!(judge(lines), (vec![], None));
}

#[track_caller]
fn breaks(lines: &[Line], sentence: &str) {
    let (violations, _) = judge(lines);
    let found: Vec<(Law, &str)> = violations.iter().map(|v| (v.law, &*v.sentence)).collect();
    assert_eq!(found, [(Law::Linearizable, sentence)]);
}

#[test]
fn one_after_the_other() {
    holds(&[
        (1, Read, 1, Some((2, 0))),
        (2, Set(5), 3, Some((4, 5))),
        (1, Add(2), 5, Some((6, 7))),
        (2, Add(u64::MAX), 7, Some((8, 6))),
        (1, Read, 9, Some((10, 6))),
    ]);
}

#[test]
fn a_stale_read() {
    let mut lines = [
        (1, Set(1), 1, Some((2, 1))),
        (1, Set(2), 3, Some((4, 2))),
        (1, Read, 5, Some((6, 2))),
        (2, Read, 7, Some((8, 1))),
    ];
    breaks(
        &lines,
        "register 3, whatever it held before: no order of these operations explains their \
         answers: m1:1 read 2 (operation 3, 5s to 6s); m2:1 read 1 (operation 4, 7s to 8s)",
    );
    // It may be old if it was asked before the new value was there for sure.
    lines[3] = (2, Read, 2, Some((8, 1)));
    lines[0].3 = Some((2, 1));
    lines[3].2 = 3;
    lines[1].2 = 4;
    lines[1].3 = Some((5, 2));
    lines[2].2 = 6;
    lines[2].3 = Some((7, 2));
    holds(&lines);
}

#[test]
fn a_stale_read_with_nothing_in_between() {
    let lines =
        [(1, Set(1), 1, Some((2, 1))), (1, Set(2), 3, Some((4, 2))), (2, Read, 7, Some((8, 1)))];
    breaks(
        &lines,
        "register 3, whatever it held before: no order of these operations explains their \
         answers: m1:1 set 2 (operation 2, 3s to 4s); m2:1 read 1 (operation 3, 7s to 8s)",
    );
}

#[test]
fn a_value_from_nowhere() {
    breaks(
        &[(1, Read, 1, Some((2, 4)))],
        "register 3, from 0 on: no order of these operations explains their answers: m1:1 read 4 \
         (operation 1, 1s to 2s)",
    );
}

#[test]
fn an_operation_that_took_effect_twice() {
    breaks(
        &[(1, Set(9), 1, Some((2, 9))), (1, Add(1), 3, Some((4, 10))), (2, Read, 5, Some((6, 11)))],
        "register 3, whatever it held before: no order of these operations explains their \
         answers: m1:1 added 1 and got 10 (operation 2, 3s to 4s); m2:1 read 11 (operation 3, 5s \
         to 6s)",
    );
}

#[test]
fn an_update_that_is_lost() {
    let lost =
        [(1, Add(1), 1, Some((4, 1))), (2, Add(1), 2, Some((5, 1))), (1, Read, 6, Some((7, 1)))];
    breaks(
        &lost,
        "register 3, whatever it held before: no order of these operations explains their \
         answers: m1:1 added 1 and got 1 (operation 1, 1s to 4s); m2:1 added 1 and got 1 \
         (operation 2, 2s to 5s)",
    );
    let mut good = lost;
    good[1].3 = Some((5, 2));
    good[2].3 = Some((7, 2));
    holds(&good);
}

#[test]
fn an_answer_that_says_something_else() {
    breaks(
        &[(1, Set(4), 1, Some((2, 5)))],
        "register 3, whatever it held before: no order of these operations explains their \
         answers: m1:1 set 4 and got 5 (operation 1, 1s to 2s)",
    );
}

#[test]
fn without_an_answer_it_may_happen_late_or_never() {
    let with = |reads: [u64; 3]| {
        [
            (1, Set(7), 1, None),
            (2, Read, 2, Some((3, reads[0]))),
            (2, Read, 4, Some((5, reads[1]))),
            (2, Read, 6, Some((7, reads[2]))),
        ]
    };
    holds(&with([0, 0, 0]));
    holds(&with([7, 7, 7]));
    holds(&with([0, 7, 7]));
    breaks(
        &with([0, 7, 0]),
        "register 3, whatever it held before: no order of these operations explains their \
         answers: m2:1 read 7 (operation 3, 4s to 5s); m2:1 read 0 (operation 4, 6s to 7s)",
    );
}

/// But not before it was asked, and not twice.
#[test]
fn without_an_answer_it_happens_once() {
    breaks(
        &[(2, Read, 1, Some((2, 7))), (1, Set(7), 3, None)],
        "register 3, from 0 on: no order of these operations explains their answers: m2:1 read 7 \
         (operation 1, 1s to 2s)",
    );
    let adds = |read| [(1, Add(2), 1, None), (2, Add(2), 2, None), (3, Read, 3, Some((4, read)))];
    [0, 2, 4].into_iter().for_each(|read| holds(&adds(read)));
    let (violations, _) = judge(&adds(6));
    assert_eq!(violations.len(), 1);
}

#[test]
fn answers_to_nobody_and_second_answers() {
    let (node, operation) = (NodeId::new(1, 1), Operation { client: NodeId::new(1, 1), number: 1 });
    let tell = |story: &[O]| {
        let (mut linear, mut findings) = (Linear::default(), Findings::default());
        for (at, what) in (1..).zip(story) {
            linear.observed(Witness { at: Instant(at), node, what: *what }, &mut findings);
        }
        linear.finish(&mut findings);
        findings.all().iter().map(|v| v.sentence.clone()).collect::<Vec<_>>()
    };
    let asked = O::Invoked { operation, key: 0, call: Add(1) };
    let answer = |value| O::Responded { operation, value };
    assert_eq!(tell(&[answer(1)]), ["m1:1 got an answer to operation 1: it asked nothing"]);
    let twice = ["operation 1 of m1:1 was answered with 1, then with 2"];
    assert_eq!(tell(&[asked, answer(1), answer(2)]), twice);
    assert_eq!(tell(&[asked, asked, answer(1), answer(1)]), [""; 0]);
}

/// Thousands of operations of eight clients, many of them never answered, are judged at once.
#[test]
fn it_is_fast() {
    let mut lines: Vec<Line> = Vec::new();
    let (mut value, mut n) = (0_u64, 1);
    for round in 0..1_000_u64 {
        let before = n;
        n += 8;
        for client in 0..8_u16 {
            let number = before + u64::from(client);
            let call = match (round + u64::from(client)) % 4 {
                0 => Set(number),
                1 => Read,
                _ => Add(1 + u64::from(client)),
            };
            // The order in which they take effect is not that in which they are asked.
            let lost = client == 5 && round % 3 == 0;
            if !(lost && round % 2 == 0) {
                value = match call {
                    Read => value,
                    Set(to) => to,
                    Add(more) => value.wrapping_add(more),
                };
            }
            lines.push((client, call, number, (!lost).then_some((n, value))));
            n += 1;
        }
    }
    assert_eq!(judge(&lines), (vec![], None));
    // One wrong answer in the middle is found, and told in a line.
    let middle = lines.iter().position(|line| line.2 > n / 2 && line.1 == Read && line.3.is_some());
    let middle = middle.expect("a read");
    lines[middle].3 = lines[middle].3.map(|(at, value)| (at, value ^ 1 << 60));
    let (violations, _) = judge(&lines);
    assert_eq!(violations.len(), 1);
    assert!(violations[0].sentence.len() < 1_200, "{}", violations[0].sentence);
    assert!(violations[0].sentence.contains("read 11529"), "{}", violations[0].sentence);
}

/// Too much doubt ends with "could not judge", not with a wrong word or a wait without end.
#[test]
fn too_much_is_said_to_be_too_much() {
    let large = |n: u16| u64::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let adds = (0..40).map(|n| (n, Add(large(n) & !1), u64::from(n) + 1, None));
    let mut lines: Vec<Line> = adds.collect();
    lines.push((50, Read, 100, Some((101, 1))));
    let (violations, undecided) = judge(&lines);
    assert_eq!(violations, []);
    let why = "41 operations on register 3 have too many possible orders";
    assert_eq!(undecided.as_deref(), Some(why));
}

/// Every order of every choice of operations, one by one.
fn has_order(ops: &[Op], done: u32, value: u64) -> bool {
    let left = |at: &usize| done >> at & 1 == 0;
    let mut open = (0..ops.len()).filter(left);
    if open.all(|at| ops[at].answered.is_none()) {
        return true;
    }
    // Nothing may come before what was answered before it was asked.
    let first = (0..ops.len()).filter(left).filter_map(|at| Some(ops[at].answered?.0)).min();
    (0..ops.len()).filter(left).any(|at| {
        let op = &ops[at];
        let after = match op.call {
            Read => value,
            Set(to) => to,
            Add(more) => value.wrapping_add(more),
        };
        first.is_none_or(|first| op.invoked < first)
            && op.answered.is_none_or(|(_, answer)| answer == after)
            && has_order(ops, done | 1 << at, after)
    })
}

fn any_op() -> impl Strategy<Value = (u8, u64, u8, u8, u64, bool)> {
    (0..3_u8, 1..4_u64, 0..30_u8, 1..12_u8, 0..5_u64, prop::bool::weighted(0.8))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 3_000,
        rng_seed: RngSeed::Fixed(5),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn it_agrees_with_trying_every_order(drawn in prop::collection::vec(any_op(), 1..8)) {
        let ops: Vec<Op> = (0..).zip(&drawn).map(|(at, (kind, word, from, long, answer, some))| {
            let call = [Read, Set(*word), Add(*word)][usize::from(*kind)];
            let answer = if let Set(to) = call { to } else { *answer };
            let invoked = u64::from(*from) * 32 + at;
            let answered = some.then_some((invoked + u64::from(*long) * 32 + 9, answer));
            Op { call, invoked, answered }
        }).collect();
        let found = search(&ops, Some(0), &mut BUDGET.clone());
        prop_assert_ne!(found, Found::TooMuch);
        prop_assert_eq!(found == Found::Order, has_order(&ops, 0, 0), "{:?}", ops);
        // What starts from any value is easier.
        if found == Found::Order {
            prop_assert_eq!(search(&ops, None, &mut BUDGET.clone()), Found::Order);
        }
        let any = (0..64).any(|start| has_order(&ops, 0, start));
        if any {
            prop_assert_eq!(search(&ops, None, &mut BUDGET.clone()), Found::Order);
        }
    }
}
