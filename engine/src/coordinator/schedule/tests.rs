use alloc::string::String;
use alloc::vec::Vec;

use stormglass_sim::node::NodeId;

use super::{Edge, Executor, Request, Scheduler, edges, executors, interleaved, schedule};
use crate::component::{Bolt, BoltContext, Collector, Outcome, Record, Spout};
use crate::ids::TaskId;
use crate::topology::{Declarer, TopologyBuilder};
use crate::tuple::Tuple;

mod laws;

/// Slots as `machine:port`, with spaces between.
fn slots(text: &str) -> Vec<NodeId> {
    let slot = |text: &str| {
        let (machine, port) = text.split_once(':').expect("machine:port");
        NodeId::new(machine.parse().unwrap(), port.parse().unwrap())
    };
    text.split_whitespace().map(slot).collect()
}

/// The other way round.
fn text(slots: &[NodeId]) -> String {
    let one = |slot: &NodeId| alloc::format!("{}:{}", slot.machine.0, slot.port);
    slots.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// An executor for each of so many tasks.
fn singles(tasks: u16) -> Vec<Executor> {
    executors(&[(tasks, tasks)])
}

/// The rest of a request: nothing runs, nobody talks, nothing was measured.
const SCRATCH: Request<'_> =
    Request { slots: &[], workers: 1, executors: &[], current: None, edges: &[], loads: &[] };

/// A situation, the slots, the workers wanted, what runs ("" for nothing), and what becomes of it.
type Row = (&'static str, &'static str, u16, &'static str, &'static str);

/// Each of the outcome's tasks has an executor of its own.
fn check(scheduler: Scheduler, table: &[Row]) {
    for (situation, usable, workers, running, outcome) in table {
        let running = slots(running);
        let executors = singles(slots(outcome).len() as u16);
        let request = Request {
            slots: &slots(usable),
            workers: *workers,
            executors: &executors,
            current: (!running.is_empty()).then_some(&running),
            ..SCRATCH
        };
        assert_eq!(text(&schedule(scheduler, &request)), *outcome, "{scheduler:?}: {situation}");
    }
}

#[test]
fn tasks_are_cut_into_executors_larger_ones_first() {
    type Pairs = &'static [(u16, u16)];
    let table: [(Pairs, Pairs); 6] = [
        (&[(3, 3)], &[(1, 1), (2, 2), (3, 3)]),
        (&[(3, 1)], &[(1, 3)]),
        (&[(5, 3)], &[(1, 2), (3, 4), (5, 5)]),
        (&[(2, 4)], &[(1, 1), (2, 2)]),
        (&[(7, 4), (1, 1)], &[(1, 2), (3, 4), (5, 6), (7, 7), (8, 8)]),
        (&[(2, 1), (0, 0), (3, 2)], &[(1, 2), (3, 4), (5, 5)]),
    ];
    for (components, expected) in table {
        let executors = executors(components);
        let ranges: Vec<(u16, u16)> = executors.iter().map(|e| (e.first.0, e.last.0)).collect();
        assert_eq!(ranges, expected, "{components:?}");
    }
}

#[test]
fn slots_are_interleaved_over_machines_those_with_more_first() {
    let table = [
        ("1:1 2:1 3:1", "1:1 2:1 3:1"),
        ("2:2 1:2 2:1 1:1", "1:1 2:1 1:2 2:2"),
        ("1:1 1:2 1:3 1:4 2:1 2:2 3:1 3:2 3:3", "1:1 3:1 2:1 1:2 3:2 2:2 1:3 3:3 1:4"),
        // A machine whose first port is taken goes by its next; equal numbers by machine.
        ("1:2 1:5 2:1 2:2", "1:2 2:1 1:5 2:2"),
        ("1:1 2:1 2:2 3:1 3:2", "2:1 3:1 1:1 2:2 3:2"),
        ("", ""),
    ];
    for (given, expected) in table {
        assert_eq!(text(&interleaved(&slots(given))), expected, "{given}");
    }
}

#[test]
fn from_scratch_storms_schedulers_deal_out_in_turn() {
    let machines = "1:1 1:2 1:3 1:4 2:1 2:2 3:1 3:2 3:3";
    let table: [Row; 5] = [
        ("three of nine slots", machines, 3, "", "1:1 3:1 2:1 1:1 3:1"),
        ("five of nine slots", machines, 5, "", "1:1 3:1 2:1 1:2 3:2 1:1 3:1"),
        ("more workers than slots", "2:1 1:1", 9, "", "1:1 2:1 1:1"),
        ("more workers than executors", "1:1 2:1 3:1", 3, "", "1:1 2:1"),
        ("nothing alive", "3:1", 2, "1:1 2:1 1:1", "3:1 3:1 3:1"),
    ];
    check(Scheduler::Even, &table);
    check(Scheduler::Default, &table);
    check(Scheduler::Load, &table);
    check(Scheduler::Local, &table);
}

#[test]
fn the_even_scheduler_leaves_alone_what_is_alive() {
    check(
        Scheduler::Even,
        &[
            ("nothing changed", "1:1 2:1 3:1", 2, "2:1 1:1 2:1", "2:1 1:1 2:1"),
            (
                "a slot died, another is free",
                "1:1 1:2 2:2",
                3,
                "1:1 2:1 1:2 1:1 2:1 1:2",
                "1:1 2:2 1:2 1:1 2:2 1:2",
            ),
            (
                "a slot died, and none is free: round those in use",
                "1:1 1:2",
                3,
                "1:1 2:1 1:2 1:1 2:1 1:2",
                "1:1 1:1 1:2 1:1 1:2 1:2",
            ),
            (
                "a slot died, and as many workers as are wanted are left",
                "1:1 1:2 3:1",
                2,
                "1:1 2:1 1:2 1:1 2:1",
                "1:1 1:1 1:2 1:1 1:2",
            ),
            ("more workers change nothing of it", "1:1 2:1 3:1", 3, "1:1 2:1 1:1", "1:1 2:1 1:1"),
            ("fewer workers: from scratch", "1:1 2:1 3:1", 2, "2:1 3:1 1:1", "1:1 2:1 1:1"),
            (
                "two slots died, free ones by machines with more of them",
                "1:1 2:3 3:1 3:2 3:3",
                3,
                "1:1 2:1 2:2 1:1 2:1 2:2",
                "1:1 3:1 2:3 1:1 3:1 2:3",
            ),
        ],
    );
}

#[test]
fn the_default_scheduler_frees_slots_that_do_not_fit() {
    check(
        Scheduler::Default,
        &[
            ("nothing changed", "1:1 2:1 3:1", 2, "2:1 1:1 2:1", "2:1 1:1 2:1"),
            ("uneven, but nothing changed", "1:1 2:1", 2, "1:1 1:1 1:1 2:1", "1:1 1:1 1:1 2:1"),
            (
                "a slot died, another is free: 6 = 2 + 2 + 2, the others fit",
                "1:1 1:2 2:2",
                3,
                "1:1 2:1 1:2 1:1 2:1 1:2",
                "1:1 2:2 1:2 1:1 2:2 1:2",
            ),
            (
                "a slot died, none is free: 6 = 3 + 3, nobody fits",
                "1:1 1:2",
                3,
                "1:1 2:1 1:2 1:1 2:1 1:2",
                "1:1 1:2 1:1 1:2 1:1 1:2",
            ),
            (
                "from 2 workers to 3: 6 = 2 + 2 + 2, nobody fits",
                "1:1 2:1 3:1",
                3,
                "1:1 2:1 1:1 2:1 1:1 2:1",
                "1:1 2:1 3:1 1:1 2:1 3:1",
            ),
            (
                "from 3 workers to 4: 7 = 2 + 2 + 2 + 1, that with three is freed",
                "1:1 2:1 3:1 4:1",
                4,
                "1:1 2:1 3:1 1:1 2:1 3:1 1:1",
                "1:1 2:1 3:1 4:1 2:1 3:1 1:1",
            ),
            (
                "from 3 workers to 4: 5 = 2 + 1 + 1 + 1, one of two with two is freed",
                "1:1 2:1 3:1 4:1",
                4,
                "1:1 2:1 3:1 1:1 2:1",
                "1:1 2:1 3:1 1:1 4:1",
            ),
            (
                "from 3 workers to 2: 4 = 2 + 2, that with two stays",
                "1:1 2:1 3:1",
                2,
                "1:1 2:1 3:1 1:1",
                "1:1 2:1 2:1 1:1",
            ),
            (
                "a machine died, of 6 slots on 3 machines, with 4 workers",
                "1:1 1:2 3:1 3:2",
                4,
                "1:1 2:1 3:1 1:2 1:1 2:1",
                "1:1 3:2 3:1 1:2 1:1 3:2",
            ),
        ],
    );
}

#[test]
fn an_executor_stays_whole_and_one_that_ran_in_parts_is_placed_anew() {
    let executors = executors(&[(4, 2), (1, 1)]);
    let running = slots("1:1 2:1 2:1 2:1 1:1");
    let request = Request {
        slots: &slots("1:1 2:1 3:1"),
        workers: 3,
        executors: &executors,
        current: Some(&running),
        ..SCRATCH
    };
    for scheduler in [Scheduler::Even, Scheduler::Default] {
        let outcome = schedule(scheduler, &request);
        assert_eq!(text(&outcome), "3:1 3:1 2:1 2:1 1:1", "{scheduler:?}");
    }
}

#[test]
fn executors_that_talk_are_put_together() {
    let edge = |from: (u16, u16), to: (u16, u16), weight| Edge {
        from: (TaskId(from.0), TaskId(from.1)),
        to: (TaskId(to.0), TaskId(to.1)),
        weight,
    };
    let apart = [edge((1, 2), (3, 4), 1), edge((5, 6), (7, 8), 1)];
    let chain = [edge((1, 2), (3, 4), 1), edge((3, 4), (5, 6), 9)];
    let crossed = [edge((1, 1), (4, 4), 1), edge((2, 2), (3, 3), 1)];
    let table: [(&str, &str, &[Edge], &str); 5] = [
        ("two pairs, two workers", "1:1 2:1", &apart, "1:1 1:1 1:1 1:1 2:1 2:1 2:1 2:1"),
        (
            "two pairs, two machines of two workers",
            "1:1 1:2 2:1 2:2",
            &apart,
            "1:1 1:2 1:1 1:2 2:1 2:2 2:1 2:2",
        ),
        ("a worker each: at least on one machine", "1:1 1:2 2:1 2:2", &crossed, "1:1 2:1 2:2 1:2"),
        ("one pair: as good evenly, so even", "1:1 2:1", &apart[..1], "1:1 2:1 1:1 2:1"),
        // The first worker takes task 1, 3 for its sake, then 5, which talks most with 3.
        ("a chain", "1:1 2:1", &chain, "1:1 2:1 1:1 2:1 1:1 2:1"),
    ];
    for (situation, usable, edges, outcome) in table {
        let executors = singles(slots(outcome).len() as u16);
        let usable = slots(usable);
        let workers = usable.len() as u16;
        let request = Request { slots: &usable, workers, executors: &executors, edges, ..SCRATCH };
        let placed = schedule(Scheduler::Local, &request);
        assert_eq!(text(&placed), outcome, "{situation}");
    }
}

#[test]
fn load_moves_the_fewest() {
    type Row = (&'static str, &'static str, u16, &'static str, &'static [u32], &'static str);
    let table: [Row; 13] = [
        // 800 and 200: 500 and 500 are as good as can be.
        (
            "one move balances",
            "1:1 2:1",
            2,
            "1:1 2:1 1:1 2:1",
            &[500, 100, 300, 100],
            "1:1 2:1 2:1 2:1",
        ),
        ("balanced", "1:1 2:1", 2, "1:1 2:1 1:1", &[300, 550, 250], "1:1 2:1 1:1"),
        ("1.2 of the mean is allowed", "1:1 2:1", 2, "1:1 2:1 1:1", &[30, 40, 30], "1:1 2:1 1:1"),
        ("one hot executor cannot be helped", "1:1 2:1", 2, "1:1 2:1", &[900, 100], "1:1 2:1"),
        (
            "940 to 900 is less than a tenth of the mean",
            "1:1 2:1",
            2,
            "1:1 2:1 1:1 2:1",
            &[900, 50, 40, 10],
            "1:1 2:1 1:1 2:1",
        ),
        (
            "960 to 900 is more",
            "1:1 2:1",
            2,
            "1:1 2:1 1:1 2:1",
            &[900, 30, 60, 10],
            "1:1 2:1 2:1 2:1",
        ),
        (
            "a worker died: its executors to the free one, and one to balance",
            "1:1 3:1",
            2,
            "1:1 2:1 1:1 2:1",
            &[500, 100, 300, 100],
            "1:1 3:1 3:1 3:1",
        ),
        (
            "a worker died: moves come with it, if only for a twelfth of the mean",
            "1:1 3:1",
            2,
            "1:1 2:1 1:1 2:1",
            &[900, 50, 40, 10],
            "1:1 3:1 3:1 3:1",
        ),
        (
            "from 2 workers to 4, all alike",
            "1:1 2:1 3:1 4:1",
            4,
            "1:1 2:1 1:1 2:1 1:1 2:1 1:1 2:1",
            &[],
            "3:1 3:1 4:1 4:1 1:1 2:1 1:1 2:1",
        ),
        (
            "from 3 workers to 2: the least loaded goes",
            "1:1 2:1 3:1",
            2,
            "1:1 2:1 3:1 1:1",
            &[60, 500, 300, 40],
            "3:1 2:1 3:1 3:1",
        ),
        (
            "from scratch, heaviest first to the least loaded",
            "1:1 2:1",
            2,
            "",
            &[5, 3, 3, 2, 2, 1],
            "1:1 2:1 2:1 1:1 2:1 1:1",
        ),
        (
            "the same, the other way round",
            "1:1 2:1",
            2,
            "",
            &[1, 2, 2, 3, 3, 5],
            "1:1 1:1 2:1 2:1 2:1 1:1",
        ),
        ("nobody has done anything", "1:1 2:1", 2, "", &[0, 0, 0], "1:1 2:1 1:1"),
    ];
    for (situation, usable, workers, running, loads, outcome) in table {
        let (usable, running) = (slots(usable), slots(running));
        let executors = singles(slots(outcome).len() as u16);
        let request = Request {
            slots: &usable,
            workers,
            executors: &executors,
            current: (!running.is_empty()).then_some(&running),
            edges: &[],
            loads,
        };
        assert_eq!(text(&schedule(Scheduler::Load, &request)), outcome, "{situation}");
    }
}

#[derive(Clone, Debug)]
struct Source;
impl Spout for Source {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["x"]);
    }
    fn next(&mut self, _: &Record, _: &mut dyn Collector) -> Outcome {
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct Pass;
impl Bolt for Pass {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["x"]);
    }
    fn execute(&mut self, _: &Tuple<'_>, _: &mut dyn BoltContext) -> Outcome {
        Ok(())
    }
}

#[test]
fn the_edges_of_a_topology() {
    let mut builder = TopologyBuilder::new("t");
    builder.spout("c", Source, 2);
    builder.bolt("b", Pass, 3).shuffle("c");
    builder.sink("a", 1).shuffle("b").shuffle("c");
    let edge = |from: (u16, u16), to: (u16, u16)| Edge {
        from: (TaskId(from.0), TaskId(from.1)),
        to: (TaskId(to.0), TaskId(to.1)),
        weight: 1,
    };
    // In name order: a is task 1, b has 2 to 4, c has 5 and 6.
    let expected = [edge((2, 4), (1, 1)), edge((5, 6), (1, 1)), edge((5, 6), (2, 4))];
    assert_eq!(edges(&builder.build().unwrap()), expected);
}
