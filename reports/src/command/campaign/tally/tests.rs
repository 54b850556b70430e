use super::signature;

#[test]
fn failures_that_differ_in_numbers_alone_are_of_one_kind() {
    let first = signature("flights[0] executed p0@1005 from broker in generation 2");
    let second = signature("flights[3] executed p3@77 from broker in generation 9");
    assert_eq!(first, "# executed # from broker");
    assert_eq!(first, second);
    assert_ne!(first, signature("16 records never changed the state"));
}
