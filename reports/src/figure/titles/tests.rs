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
