use super::*;

fn labels(text: &str) -> Vec<String> {
    Axis::parse(text).unwrap().points.into_iter().map(|point| point.label).collect()
}
fn wrong(text: &str) -> String {
    Axis::parse(text).unwrap_err().to_string()
}

#[test]
fn ranges_have_their_ends_and_round_values_between() {
    assert_eq!(labels("a=1s..8s:log4"), ["1s", "2s", "4s", "8s"]);
    assert_eq!(labels("a=1s..4s:lin3"), ["1s", "2.5s", "4s"]);
    assert_eq!(labels("a=500ms..60s:log4"), ["500ms", "2.47s", "12.2s", "60s"]);
    assert_eq!(labels("a=100/s..10k/s:log3"), ["100/s", "1000/s", "10000/s"]);
    assert_eq!(labels("a=1MB..1GB:log4"), ["1MB", "10MB", "100MB", "1GB"]);
    assert_eq!(labels("a=8Mbit/s..80Mbit/s:log2"), ["1MB/s", "10MB/s"]);
    assert_eq!(labels("a=0%..100%:lin3"), ["0%", "50%", "100%"]);
    assert_eq!(labels("a=1..100:log3"), ["1", "10", "100"]);
    assert_eq!(labels("a=0.5..1.5:lin3"), ["0.5", "1", "1.5"]);
}

#[test]
fn numbers_are_in_base_units() {
    let numbers = |text: &str| {
        let axis = Axis::parse(text).unwrap();
        let all: Vec<f64> = axis.points.iter().filter_map(|point| point.number).collect();
        (axis.unit, all)
    };
    assert_eq!(numbers("a=500ms,2s"), (Unit::Seconds, vec![0.5, 2.0]));
    assert_eq!(numbers("a=1k/s,30/min"), (Unit::PerSecond, vec![1000.0, 0.5]));
    assert_eq!(numbers("a=10%,1ppm"), (Unit::Share, vec![0.1, 1e-6]));
    assert_eq!(numbers("a=8Mbit/s"), (Unit::BytesPerSecond, vec![1e6]));
    assert_eq!(numbers("a=2_000,3"), (Unit::Number, vec![2000.0, 3.0]));
    // Of different kinds, or none.
    assert_eq!(numbers("a=1s,1MB"), (Unit::Number, vec![]));
    assert_eq!(numbers("a=file,log"), (Unit::Number, vec![]));
}

#[test]
fn keys_move_together_and_lists_may_hold_lists() {
    let axis = Axis::parse("a.b+c=1s,2s").unwrap();
    assert_eq!(axis.name, "a.b");
    assert_eq!(axis.points[1].settings, ["a.b=2s", "c=2s"]);
    assert_eq!(labels("a=[1, 2],{b = 3, c = 4},\"x,y\""), ["[1, 2]", "{b = 3, c = 4}", "\"x,y\""]);
    assert_eq!(labels("a=1..3,5"), ["1..3", "5"]);
}

#[test]
fn mistakes_are_answered_with_a_remedy() {
    for (text, says) in [
        ("checkpoint.interval", "no `=`"),
        ("=1s", "a key is empty"),
        ("a=1s,", "a value is empty"),
        ("a=500ms..60s", "write 500ms..60s:log12 for twelve"),
        ("a=500ms..60s:12", "write log or lin and a number from 2 to 1000"),
        ("a=500ms..60s:log1", "such as 500ms..60s:log12"),
        ("a=500ms..60MB:log3", "not a range of one unit"),
        ("a=60s..500ms:log3", "ends before it begins"),
        ("a=0s..5s:log3", "or write 0s..5s:lin3"),
        ("a=0.001..0.003:lin9", "only 3 different values"),
        ("a=1s,2s,1s", "`1s` is there twice"),
    ] {
        assert!(wrong(text).contains(says), "{text}: {}", wrong(text));
    }
}

#[test]
fn the_last_axis_changes_from_cell_to_cell() {
    let axes = ["a=1,2", "b=x,y,z"].map(|text| Axis::parse(text).unwrap()).to_vec();
    let grid = Grid { axes };
    assert_eq!(grid.cells(), 6);
    let all: Vec<String> = (0..6).map(|cell| grid.labels(cell).join("")).collect();
    assert_eq!(all, ["1x", "1y", "1z", "2x", "2y", "2z"]);
    assert_eq!(grid.settings(4), ["a=2", "b=y"]);
    assert_eq!(Grid { axes: Vec::new() }.cells(), 1);
}
