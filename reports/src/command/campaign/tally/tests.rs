use super::{Spread, beginning};

#[test]
fn doubts_that_differ_in_numbers_alone_are_of_one_kind() {
    let first = beginning("flights[0] executed p0@1005 from broker in generation 2");
    let second = beginning("flights[3] executed p3@77 from broker in generation 9");
    assert_eq!(first, "# executed # from broker");
    assert_eq!(first, second);
    assert_ne!(first, beginning("16 records never changed the state"));
}

#[test]
fn the_median_run_is_the_middle_one() {
    let spread = |numbers: &[u64]| {
        let mut spread = Spread::default();
        numbers.iter().for_each(|number| spread.add(*number));
        spread
    };
    let words = |numbers: &[u64]| spread(numbers).words(" s", |n| n.to_string());
    assert_eq!(words(&[]), None);
    assert_eq!(words(&[4, 4]).unwrap(), "4 s in every seed");
    assert_eq!(words(&[9, 1, 5]).unwrap(), "5 s in the median seed, 1 at least, 9 at most");
    assert_eq!(spread(&[1, 2, 3, 4]).median(), Some(2), "half of all have at most this");
    let json = serde_json::to_string(&spread(&[9, 1, 5])).unwrap();
    assert_eq!(json, r#"{"runs":3,"median":5,"min":1,"max":9}"#);
}
