use stormglass_scenarios::sweep::facts::Measure;
use stormglass_scenarios::sweep::statistics::Summary;

use super::*;

pub(in crate::figure) fn series(label: &str, points: &[(f64, f64)]) -> Series {
    let summary =
        |y: f64| Summary { samples: 5, mean: y, p5: y, p50: y, p95: y, ..Summary::default() };
    let points = points.iter().map(|(x, y)| (*x, summary(*y))).collect();
    Series { label: label.to_string(), points }
}
fn shown(measure: Measure, series: Vec<Series>) -> Shown {
    Shown { measure, besides: String::new(), series }
}
fn axis() -> Axis {
    Axis::parse("interval=1s,10s").unwrap()
}

#[test]
fn one_line_is_told_by_its_ends() {
    let says = |low: f64, high: f64| {
        let only = vec![series("", &[(1.0, low), (10.0, high)])];
        title(None, &axis(), &[shown(Measure::Outage, only)])
    };
    assert_eq!(says(2.0, 9.5), "Outage grows from 2 s to 9.5 s as interval goes from 1 s to 10 s");
    assert_eq!(says(9.5, 2.0), "Outage falls from 9.5 s to 2 s as interval goes from 1 s to 10 s");
    assert_eq!(says(2.0, 2.1), "Outage: 2.1 s whatever the interval");
}

#[test]
fn several_lines_are_told_by_their_last_points() {
    let says = |a: f64, b: f64| {
        let both =
            vec![series("file", &[(1.0, 1.0), (10.0, a)]), series("log", &[(1.0, 1.0), (10.0, b)])];
        title(None, &axis(), &[shown(Measure::Outage, both)])
    };
    assert_eq!(says(4.0, 8.0), "Outage at 10 s: 4 s for file, 8 s for log");
    assert_eq!(says(8.0, 4.0), "Outage at 10 s: 4 s for log, 8 s for file");
    assert_eq!(says(8.0, 8.1), "Outage at 10 s: 8.1 s for all");
}

#[test]
fn nothing_is_told_as_nothing() {
    assert_eq!(title(None, &axis(), &[]), "Nothing was measured");
    let empty = vec![series("", &[])];
    let says = title(None, &axis(), &[shown(Measure::Outage, empty)]);
    assert_eq!(says, "No run had anything to show of its outage");
}

fn says(subject: Subject, axis: &str, shown: &[Shown]) -> String {
    title(Some(subject), &Axis::parse(axis).unwrap(), shown)
}

#[test]
fn state_size_is_told_by_what_takes_longest() {
    let panel = |full: f64, increments: f64| {
        let lines = [("full, 1 Gbit/s", full), ("increments, 1 Gbit/s", increments)];
        let series = lines.map(|(label, y)| series(label, &[(1e8, 1.0), (3e9, y)])).to_vec();
        Shown { besides: "log".to_string(), ..shown(Measure::Down, series) }
    };
    let of = |full, increments| says(Subject::StateSize, "s=100MB,3GB", &[panel(full, increments)]);
    assert_eq!(
        of(20.0, 50.0),
        "3 GB of state take 2.5 times as long to come back from increments as from full \
         checkpoints: 50 s against 20 s (log)"
    );
    assert_eq!(
        of(20.0, 10.0),
        "3 GB of state take 2 times as long to come back from full checkpoints as from \
         increments: 20 s against 10 s (log)"
    );
    assert_eq!(
        of(20.0, 20.5),
        "Full checkpoints or increments, 3 GB of state are back after 20 s over 1 Gbit/s and 20 s \
         over 1 Gbit/s"
    );
}

#[test]
fn the_best_timeout_accuses_nobody_wrongly() {
    let of = |wrong: [f64; 3]| {
        let points = |y: [f64; 3]| [(2.0, y[0]), (5.0, y[1]), (20.0, y[2])];
        let noticed = vec![series("every second", &points([1.8, 4.6, 19.5]))];
        let wrong = vec![series("every second", &points(wrong))];
        let shown = [shown(Measure::Noticed, noticed), shown(Measure::FalseSuspicions, wrong)];
        says(Subject::Heartbeat, "timeout=2s,5s,20s", &shown)
    };
    assert_eq!(
        of([40.0, 0.5, 0.0]),
        "With heartbeats every second 5 s of silence are enough: less than one false suspicion an \
         hour, and death is noticed after 4.6 s"
    );
    // One that is right by luck is no good.
    assert!(of([0.0, 3.0, 0.0]).contains("every second 20 s of silence"));
    assert_eq!(
        of([90.0, 30.0, 7.0]),
        "Even after 20 s without a heartbeat 7 suspicions an hour are false"
    );
}

#[test]
fn latency_is_told_where_the_interval_is_longest() {
    let of = |transactional: f64| {
        let lines = [("idempotent", 0.1), ("transactional", transactional)];
        let lines = lines.map(|(label, y)| series(label, &[(1.0, 0.1), (32.0, y)])).to_vec();
        says(Subject::Latency, "interval=1s,32s", &[shown(Measure::LatencyMedian, lines)])
    };
    assert_eq!(
        of(16.4),
        "At an interval of 32 s half of all records wait 16.4 s for a transactional sink, 100 ms \
         for an idempotent one"
    );
    assert_eq!(of(0.11), "Up to an interval of 32 s latency is 110 ms for every sink");
}

#[test]
fn alignment_is_told_by_what_expires_and_else_by_what_it_takes() {
    let of = |expired: [f64; 2], long: [f64; 2]| {
        let lines = |y: [f64; 2]| {
            let each = [("aligned", y[0]), ("unaligned", y[1])];
            each.map(|(label, y)| series(label, &[(0.5, 0.0), (1.5, y)])).to_vec()
        };
        let shown = [
            shown(Measure::CheckpointDuration, lines(long)),
            shown(Measure::InFlight, lines([0.0, 20_000.0])),
            shown(Measure::Expired, lines(expired)),
        ];
        let mut axis = Axis::parse("load=50%,100%").unwrap();
        axis.points[1].number = Some(1.5);
        title(Some(Subject::Alignment), &axis, &shown)
    };
    assert_eq!(
        of([0.9, 0.0], [0.9, 0.1]),
        "90 % of aligned checkpoints expire at a load of 150 %, and none of unaligned ones, which \
         hold 20 kB in flight"
    );
    assert_eq!(
        of([0.0, 0.0], [0.9, 0.1]),
        "At a load of 150 % an aligned checkpoint takes 900 ms, an unaligned one 100 ms"
    );
    assert_eq!(
        of([0.0, 0.0], [0.1, 0.1]),
        "Up to a load of 150 % a checkpoint takes 100 ms either way"
    );
}

#[test]
fn head_room_is_told_by_where_it_is_enough() {
    let of = |again: [f64; 3]| {
        let points = |y: [f64; 3]| [(0.1, y[0]), (0.25, y[1]), (0.5, y[2])];
        let shown = [
            shown(Measure::Arrears, vec![series("every 8 s", &points(again))]),
            shown(Measure::Down, vec![series("every 8 s", &points([5.0; 3]))]),
        ];
        says(Subject::Headroom, "room=10%,25%,50%", &shown)
    };
    assert_eq!(
        of([60.0, 4.0, 2.0]),
        "From a head-room of 25 % on an outage is made up for in less time than it took; at 10 % \
         that takes 12 times as long with a checkpoint every 8 s"
    );
    assert_eq!(
        of([4.0, 3.0, 2.0]),
        "Already at a head-room of 10 % an outage is made up for in less time than it took"
    );
    assert_eq!(
        of([60.0, 20.0, 10.0]),
        "Even at a head-room of 50 % making up for an outage takes 2 times as long as it took \
         with a checkpoint every 8 s; at 10 % 12 times"
    );
}
