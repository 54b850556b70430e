use super::*;

/// A scenario with two choices.
const TEXT: &str = r#"
name = "choices"
topology.name = "word-count"
input = { rate = "1k/s", words = { count = 1_000 } }
cluster.workers = 3

[[draw]]
name = "interval"
one-of = [{ checkpoint.interval = "1s" }, { checkpoint = { interval = "3s", retained = 2 } }]

[[draw]]
name = "width"
one-of = [
    { label = "narrow", topology.parallelism.count = 2 },
    { label = "wide", topology.parallelism.count = 8, cluster.workers = 5 },
]
"#;

#[test]
fn each_seed_draws_one_of_each_and_all_are_drawn() {
    let scenario = Scenario::parse(TEXT, "choices.toml").unwrap();
    assert_eq!(scenario.checkpoint.interval, Span::secs(2), "nothing is drawn without a seed");
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let drawn = scenario.drawn(seed);
        let (interval, retained) = (drawn.checkpoint.interval, drawn.checkpoint.retained);
        let (count, workers) = (drawn.topology.parallelism["count"], drawn.cluster.workers);
        assert_eq!(retained, if interval == Span::secs(3) { 2 } else { 1 });
        assert_eq!(workers, if count == 8 { 5 } else { 3 });
        assert_eq!(drawn.drew["width"], if count == 8 { "wide" } else { "narrow" });
        assert_eq!(drawn.drawn(seed + 1), drawn, "what is drawn stays");
        seen.insert((drawn.drew["interval"].clone(), drawn.drew["width"].clone()));
    }
    let intervals: std::collections::BTreeSet<_> = seen.iter().map(|(i, _)| i.as_str()).collect();
    assert_eq!(intervals.into_iter().collect::<Vec<_>>(), ["1s", "3s, retained 2"]);
    assert_eq!(seen.len(), 4, "the choices are independent");
}

#[test]
fn what_a_person_sets_is_laid_over_what_is_drawn() {
    let set = ["checkpoint.interval=7s"];
    let scenario = Scenario::parse_with(TEXT, "choices.toml", &set).unwrap();
    for seed in 0..8 {
        assert_eq!(scenario.drawn(seed).checkpoint.interval, Span::secs(7));
    }
}

#[test]
fn a_choice_that_makes_no_sense_is_refused_when_it_is_read() {
    let wrong = |from: &str, to: &str| {
        Scenario::parse(&TEXT.replace(from, to), "choices.toml").unwrap_err().to_string()
    };
    let unknown = wrong("retained = 2", "retaned = 2");
    assert!(unknown.contains("unknown key `retaned`"), "{unknown}");
    assert!(unknown.contains("did you mean `retained`?"), "{unknown}");
    let zero = wrong("cluster.workers = 5", "cluster.workers = 0");
    assert!(zero.contains("drawing 1s, wide: a cluster needs at least 1 worker"), "{zero}");
    let all = TEXT.find("one-of = [{").zip(TEXT.find("} }]\n")).map(|(a, b)| &TEXT[a..b + 4]);
    let empty = wrong(all.unwrap(), "one-of = []");
    assert!(empty.contains("there is nothing to draw"), "{empty}");
}
