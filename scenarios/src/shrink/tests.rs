use proptest::prelude::*;
use stormglass_sim::time::{Instant, Span};

use super::ddmin::ddmin;
use super::numbers::smaller;
use super::plain::nearest;
use super::text::Text;
use crate::catalog;
use crate::scenario::Scenario;
use crate::units::rounded;

/// What is left of `0..count`, and how many lists were tested.
fn shrunk(count: u32, fails: impl Fn(&[u32]) -> bool) -> (Vec<u32>, usize) {
    let mut tested = 0;
    let left = ddmin((0..count).collect(), &mut |lists| {
        let found = lists.iter().position(|list| fails(list));
        tested += found.map_or(lists.len(), |at| at + 1);
        found
    });
    (left, tested)
}

#[test]
fn a_list_shrinks_to_what_matters() {
    assert_eq!(shrunk(0, |_| true).0, [0u32; 0]);
    assert_eq!(shrunk(21, |_| true), (vec![], 1), "nothing matters");
    assert_eq!(shrunk(1, |list| !list.is_empty()).0, [0]);
    for one in 0..21 {
        let (left, tested) = shrunk(21, |list| list.contains(&one));
        assert_eq!(left, [one]);
        assert!(tested <= 12, "{tested} lists for {one}");
    }
    assert_eq!(shrunk(21, |list| list.contains(&3) && list.contains(&20)).0, [3, 20]);
    assert_eq!(shrunk(8, |list| list.len() == 8).0.len(), 8, "all matter");
    // Two of three: any two do.
    let two = |list: &[u32]| list.iter().filter(|n| [2, 9, 15].contains(*n)).count() >= 2;
    assert_eq!(shrunk(21, two).0.len(), 2);
}

#[test]
fn a_list_stays_as_it_is_when_nobody_tests_any_more() {
    let mut left = 3;
    let list = ddmin((0..64).collect(), &mut |lists| {
        left -= 1;
        (left > 0).then(|| lists.iter().position(|list| list.contains(&40))).flatten()
    });
    assert!(list.contains(&40) && (2..64).contains(&list.len()), "{list:?}");
}

proptest! {
    #[test]
    fn whatever_matters_together_is_found(
        count in 1u32..60,
        wanted in prop::collection::btree_set(0u32..60, 0..6),
    ) {
        let wanted: Vec<u32> = wanted.into_iter().filter(|n| *n < count).collect();
        let (left, _) = shrunk(count, |list| wanted.iter().all(|n| list.contains(n)));
        prop_assert_eq!(left, wanted);
    }

    /// Whatever the test is like, what is left passes it, and nothing can be left out alone.
    #[test]
    fn nothing_can_be_left_out_alone(
        count in 1u32..24,
        salt in any::<u64>(),
    ) {
        let mix = |hash: u64, n: &u32| (hash ^ u64::from(*n)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = |list: &[u32]| list.iter().fold(salt, mix);
        let fails = |list: &[u32]| list.len() == count as usize || hash(list) >> 61 == 0;
        let (left, _) = shrunk(count, fails);
        prop_assert!(fails(&left));
        for at in 0..left.len() {
            let mut without = left.clone();
            without.remove(at);
            prop_assert!(!fails(&without), "{left:?} does without its {at}-th");
        }
    }

    #[test]
    fn numbers_get_smaller_and_rounder(floor in 0u64..10_000, more in 1u64..100_000) {
        let now = floor + more;
        let numbers = smaller(floor, now);
        prop_assert!(numbers.is_sorted());
        for n in numbers {
            prop_assert!(floor < n && n < now);
            prop_assert_eq!(rounded(n, 1), n);
        }
    }
}

#[test]
fn numbers_are_rounded_to_digits_and_instants_to_multiples() {
    for (n, digits, to) in
        [(0, 1, 0), (7, 1, 7), (13, 1, 10), (17, 1, 20), (98, 1, 100), (1_374, 2, 1_400)]
    {
        assert_eq!(rounded(n, digits), to, "{n} to {digits} digits");
    }
    let near = |ms: u64, step| nearest(Instant(ms * 1_000_000), step).nanos() / 1_000_000;
    assert_eq!(near(1_374, Span::secs(1)), 1_000);
    assert_eq!(near(1_674, Span::secs(1)), 2_000);
    assert_eq!(near(1_374, Span::millis(100)), 1_400);
    assert_eq!(near(400, Span::secs(1)), 1_000, "never at once");
}

/// A scenario that is written down key by key is the same, whatever its seed drew.
#[test]
fn every_scenario_of_the_catalog_can_be_written_as_its_seed_has_it() {
    for name in catalog::list().iter().map(|entry| entry.name) {
        let scenario = catalog::load(name, &["input.rate=77/s"]).expect("in the catalog");
        for seed in 0..6 {
            let drawn = scenario.drawn(seed);
            let text = Text::of(&drawn.origin).expect("it has a text").print();
            let again = Scenario::parse(&text, "again.toml");
            let again = again.unwrap_or_else(|problem| panic!("{name}: {problem}\n{text}"));
            let mut wanted = drawn;
            (wanted.summary, wanted.rare_events.0) = (String::new(), 0);
            wanted.faults.clear();
            wanted.chaos.clear();
            wanted.drew.clear();
            assert_eq!(again.drawn(seed), wanted, "{text}");
        }
    }
}

#[test]
fn keys_are_set_and_taken_away() {
    let scenario = catalog::load("swarm", &[] as &[&str]).expect("in the catalog");
    let mut text = Text::of(&scenario.drawn(3).origin).expect("it has a text");
    text.set("cluster.workers", 1);
    text.set("a.b.c", "x");
    text.remove("phases");
    text.remove("no.such");
    let print = text.print();
    assert!(print.starts_with("name = \"swarm\"\nguarantee = "), "{print}");
    assert!(print.contains("\ncluster.workers = 1\n") && print.contains("\na.b.c = \"x\"\n"));
    assert!(!print.contains("phases") && !print.contains("chaos"), "{print}");
}
