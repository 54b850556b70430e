use super::*;

#[test]
fn a_problem_shows_its_place() {
    let text = "a = 1\nbüro = \"x\"\n";
    let range = text.find("\"x\"").unwrap();
    let place = Place::of(text, range..range + 3);
    let problem = Problem::new("mine.toml", "wrong").at(place).help("right");
    insta::assert_snapshot!(problem, @r#"
    mine.toml:2:8: wrong
      |
    2 | büro = "x"
      |        ^^^
    help: right
    "#);
    insta::assert_snapshot!(Problem::new("mine.toml", "wrong"), @"mine.toml: wrong");
    insta::assert_snapshot!(Problem::new("", "wrong").help(""), @"wrong");
}

#[test]
fn no_range_is_out_of_bounds() {
    for text in ["", "\n", "ab\ncd", "ü\r\nü"] {
        for start in 0..8 {
            for end in 0..8 {
                let place = Place::of(text, start..end);
                assert!(place.width >= 1 && place.column >= 1 && place.line >= 1);
                let _ = Problem::new("x", "y").at(place).to_string();
            }
        }
    }
}

#[test]
fn the_nearest_name_is_near() {
    let names = ["interval", "timeout", "min-pause", "retained"];
    assert_eq!(nearest("intervall", names), Some("interval"));
    assert_eq!(nearest("tiemout", names), Some("timeout"));
    assert_eq!(nearest("MIN_PAUSE", names), Some("min-pause"));
    assert_eq!(nearest("colour", names), None);
    assert_eq!(suggest("colour", names, "keys"), "keys are interval, timeout, min-pause, retained");
    assert_eq!(suggest("colour", [], "keys"), "there are no keys here");
}

#[test]
fn distances() {
    for (a, b, expected) in [
        ("", "", 0),
        ("abc", "", 3),
        ("abc", "acb", 1),
        ("kitten", "sitting", 3),
        ("worker", "wroker", 1),
    ] {
        assert_eq!(distance(a, b), expected, "{a} {b}");
        assert_eq!(distance(b, a), expected, "{b} {a}");
    }
}
