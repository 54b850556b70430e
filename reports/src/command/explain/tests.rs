//! Words of an explanation.

use super::*;

#[test]
fn lists_read_like_sentences() {
    let words = |n: usize| (1..=n).map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(listed(&words(1)), "1");
    assert_eq!(listed(&words(2)), "1 and 2");
    assert_eq!(listed(&words(3)), "1, 2 and 3");
}
