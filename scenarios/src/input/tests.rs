use super::*;
use crate::catalog;
use crate::scenario::{Burst, Disorder, Scenario};
use crate::units::{Between, Share};

fn words(count: u64, rate: Rate) -> Scenario {
    let source = Source::Words { count, vocabulary: 5_000, skew_ppm: 1_000_000 };
    Scenario::new("test", "word-count", rate, source)
}

/// One number for everything in a log.
fn print(log: &InputLog) -> String {
    let prints = log.partitions.iter().map(|p| p.fingerprint(0, p.len()).to_le_bytes());
    format!("{:016x}", fingerprint(&prints.collect::<Vec<_>>().concat()))
}

#[test]
fn generated_inputs_never_change() {
    let scenario = words(20_000, Rate::a_second(1_000));
    let of = |seed| print(&scenario.input(seed, &catalog::file).unwrap());
    insta::assert_snapshot!(of(1), @"beb6fcd05b860f2b");
    insta::assert_snapshot!(of(2), @"65c4e72fe28bbb49");
    let skewed = |skew_ppm| {
        let mut scenario = words(20_000, Rate::a_second(1_000));
        scenario.input.source = Source::Words { count: 20_000, vocabulary: 5_000, skew_ppm };
        print(&scenario.input(1, &catalog::file).unwrap())
    };
    insta::assert_snapshot!(skewed(0), @"4801ea5409f3be02");
    insta::assert_snapshot!(skewed(500_000), @"08cc4d9765951cdf");
    insta::assert_snapshot!(skewed(1_250_000), @"db2c62236f50b322");
}

#[test]
fn a_file_is_the_same_for_every_seed() {
    let scenario = catalog::load("flight-delays", &[] as &[&str]).unwrap();
    let [one, two] = [1, 2].map(|seed| print(&scenario.input(seed, &catalog::file).unwrap()));
    assert_eq!(one, two);
    insta::assert_snapshot!(one, @"467f8c6f42d5a98a");
}

#[test]
fn records_arrive_evenly() {
    for rate in [Rate::a_second(3), Rate::a_second(1_000_000_007), "90/min".parse_rate()] {
        let log = words(1_000, rate).input(7, &catalog::file).unwrap();
        for i in 0..1_000u64 {
            let partition = &log.partitions[(i % 4) as usize];
            let record = &partition.records()[(i / 4) as usize];
            assert_eq!(record.arrival, arrival(rate, i), "record {i} at {rate:?}");
        }
        assert_eq!(Instant::ZERO + duration(&log), arrival(rate, 999));
    }
}

trait ParseRate {
    fn parse_rate(&self) -> Rate;
}
impl ParseRate for str {
    fn parse_rate(&self) -> Rate {
        crate::units::Text::parse(self).unwrap()
    }
}

#[test]
fn rows_are_taken_as_they_stand() {
    let files = |name: &str| -> Result<Cow<'static, str>, String> {
        Ok(Cow::Borrowed(match name {
            "good" => "header\r\na,b\r\n\r\nbroken\r\n",
            "header" => "header\n",
            "empty" => "",
            _ => return Err(format!("cannot read `{name}`")),
        }))
    };
    let with = |file: &str, limit| {
        let source = Source::Csv { file: file.to_string(), limit };
        let mut scenario = Scenario::new("test", "flight-delays", Rate::a_second(1), source);
        scenario.input.partitions = 1;
        scenario.input(1, &files)
    };
    let log = with("good", None).unwrap();
    let texts = log.partitions[0].records().iter().map(|record| record.text.as_str());
    assert_eq!(texts.collect::<Vec<_>>(), ["a,b", "", "broken"]);
    assert_eq!(with("good", Some(2)).unwrap().len(), 2);
    insta::assert_snapshot!(with("header", None).unwrap_err(), @r#"
    input.csv.file: `header` has a header but no row
    help: it needs at least one row
    "#);
    insta::assert_snapshot!(with("empty", None).unwrap_err(), @r#"
    input.csv.file: `empty` is empty
    help: it needs a header line and at least one row
    "#);
    let missing = with("missing", None).unwrap_err().to_string();
    assert_eq!(missing, "input.csv.file: cannot read `missing`");
}

#[test]
fn a_missing_file_is_shown_where_it_is_named() {
    let setting = ["input.csv.file=flight.csv"];
    let scenario = catalog::load("flight-delays", &setting).unwrap();
    insta::assert_snapshot!(scenario.input(1, &catalog::file).unwrap_err(), @r#"
    --set:1:16: there is no file `flight.csv`; did you mean `flights.csv`?
      |
    1 | input.csv.file="flight.csv"
      |                ^^^^^^^^^^^^
    "#);
}

#[test]
fn a_zipf_table_follows_its_law() {
    let flat = Zipf::new(100, 0);
    assert!((0..100).all(|rank| flat.share(rank).0 == flat.share(0).0));
    let zipf = Zipf::new(5_000, 1_000_000);
    for rank in [1, 9, 99, 4_999] {
        let (first, weight) = (zipf.share(0).0, zipf.share(rank).0);
        assert_eq!(weight, first / u64::from(rank + 1));
    }
    let steep = Zipf::new(1_000, 8_000_000);
    assert_eq!(steep.share(999).0, 1, "no rank is impossible");
}

#[test]
fn draws_fall_into_the_table() {
    let tables = [(1, 1_000_000), (2, 0), (7, 500_000), (5_000, 1_000_000), (300, 8_000_000)];
    for (ranks, skew) in tables {
        let zipf = Zipf::new(ranks, skew);
        assert_eq!(zipf.rank(0), 0);
        assert_eq!(zipf.rank(u64::MAX), ranks - 1);
        // Against the plain search, at every border.
        let mut draw = Draw::new(1, &[]);
        for _ in 0..10_000 {
            let word = draw.word();
            let sum = zipf.share(0).1;
            let point = ((u128::from(word) * u128::from(sum)) >> 64) as u64;
            let rank = zipf.rank(word);
            let before: u64 = (0..rank).map(|r| zipf.share(r).0).take(10).sum();
            assert!(rank > 10 || (before <= point && point < before + zipf.share(rank).0));
        }
    }
    let zipf = Zipf::new(5_000, 1_000_000);
    let mut draw = Draw::new(7, &[]);
    let mut seen = vec![0u32; 5_000];
    (0..200_000).for_each(|_| seen[zipf.rank(draw.word()) as usize] += 1);
    for rank in [0, 1, 9, 99] {
        let (weight, sum) = zipf.share(rank);
        let expected = 200_000 * weight / sum;
        let got = u64::from(seen[rank as usize]);
        assert!(got.abs_diff(expected) * got.abs_diff(expected) < 16 * expected, "rank {rank}");
    }
}

#[test]
fn words_are_all_different_and_short_in_front() {
    let all: std::collections::BTreeSet<_> = (0..100_000).map(word).collect();
    assert_eq!(all.len(), 100_000);
    let some = [0, 1, 79, 80, 6_479, 6_480, u32::MAX - 1].map(word);
    assert_eq!(some.join(" "), "te ne ku tete kuku tetete tecarukosive");
}

/// The texts of a log, and when they arrive.
fn records(log: &InputLog) -> Vec<(Instant, SmolStr)> {
    let all = log.partitions.iter().flat_map(|partition| partition.records());
    let mut all: Vec<_> = all.map(|record| (record.arrival, record.text.clone())).collect();
    all.sort();
    all
}

fn with(disorder: Disorder) -> InputLog {
    let mut scenario = words(20_000, Rate::a_second(1_000));
    scenario.input.disorder = disorder;
    scenario.input(7, &catalog::file).unwrap()
}

/// In a burst of three times the rate there are three times as many records; before the first one
/// and between two of them the rate is what is stated.
#[test]
fn bursts_multiply_the_rate() {
    let secs = |n| Between::just(Span::secs(n));
    let burst = Burst { times: Between::just(3), every: secs(2), lasting: secs(1) };
    let log = with(Disorder { burst: Some(burst), ..Disorder::default() });
    let arrivals: Vec<Instant> = records(&log).into_iter().map(|(at, _)| at).collect();
    let in_second = |n: u64| {
        let span = Instant::ZERO + Span::secs(n)..Instant::ZERO + Span::secs(n + 1);
        arrivals.iter().filter(|at| span.contains(at)).count() as i64
    };
    for (second, due) in [(0, 1_000), (1, 1_000), (2, 3_000), (3, 1_000), (4, 1_000), (5, 3_000)] {
        let there = in_second(second);
        assert!((there - due).abs() <= 2, "{there} records in second {second}");
    }
}

/// A shift renames the ranks, and nothing else: up to the first one all words are as without.
#[test]
fn shifts_rotate_the_ranking() {
    let even = records(&with(Disorder::default()));
    let shift = Some(Between::just(Span::secs(5)));
    let shifted = records(&with(Disorder { shift, ..Disorder::default() }));
    let at = |records: &[(Instant, SmolStr)], from: usize| {
        let mut counts = std::collections::BTreeMap::<SmolStr, u32>::new();
        for (_, text) in &records[from..from + 4_000] {
            *counts.entry(text.clone()).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count).unwrap()
    };
    assert_eq!(even[..4_900], shifted[..4_900]);
    let (first, second) = (at(&shifted, 500), at(&shifted, 5_500));
    assert_ne!(first.0, second.0, "another word is the most frequent one");
    assert!(second.1 * 2 > first.1, "{first:?}, {second:?}");
}

/// Poison changes one character of as many records as it says, and no other record.
#[test]
fn poison_makes_some_records_unreadable() {
    let even = records(&with(Disorder::default()));
    let poison = Some(Between::just(Share::percent(1)));
    let log = with(Disorder { poison, ..Disorder::default() });
    let both: Vec<_> = even.into_iter().zip(records(&log)).collect();
    let poisoned: Vec<_> = both.iter().filter(|(one, other)| one != other).collect();
    assert!((150..250).contains(&poisoned.len()), "{}", poisoned.len());
    for ((at, text), (same, other)) in poisoned {
        assert_eq!((at, text.chars().count()), (same, other.chars().count()));
        assert_eq!(other.chars().filter(|letter| *letter == '\u{fffd}').count(), 1);
    }
}

/// What is published again comes within a second, and only whoever does not know it again has it
/// twice.
#[test]
fn repeats_come_again() {
    let repeats = Some(Between::just(Share::percent(2)));
    let log = with(Disorder { repeats, ..Disorder::default() });
    assert_eq!(records(&log), records(&with(Disorder::default())));
    let repeated: usize = log.repeats.iter().map(Vec::len).sum();
    assert!((300..500).contains(&repeated), "{repeated}");
    let published = log.as_published();
    assert_eq!(published.len(), log.len() + repeated as u64);
    for (partition, repeats) in log.repeats.iter().enumerate() {
        for repeat in repeats {
            let record = &log.partitions[partition].records()[repeat.of as usize];
            assert!(record.arrival < repeat.at && repeat.at <= record.arrival + Span::secs(1));
        }
    }
}
