//! Blocks, and what falls into one sign.

use stormglass_scenarios::chronicle::{Bucket, Series};
use stormglass_sim::time::Span;

use super::{line, peaks, rates};

#[test]
fn nothing_is_blank_and_the_most_is_full() {
    assert_eq!(line(&[0, 1, 10, 11, 490, 491, 640]), " ▁▁▂▇██");
    assert_eq!(line(&[1, 4, 9, 16, 25, 36, 49, 64]), "▁▂▃▄▅▆▇█");
    assert_eq!(line(&[0, 0]), "  ");
    assert_eq!(line(&[u64::MAX, 1]), "█▁");
}

/// Rates are means over a sign and peaks its largest value, whatever falls into it.
#[test]
fn a_sign_has_all_its_buckets() {
    let bucket = |read, lag| Bucket { read, lag, ..Bucket::default() };
    let buckets = vec![bucket(1, 5), bucket(3, 0), bucket(10, 1), bucket(0, 9), bucket(1, 2)];
    let series = Series { width: Span::millis(500), buckets };
    assert_eq!(rates(&series, 2, |bucket| bucket.read), [4_000, 7_333]);
    assert_eq!(peaks(&series, 2, |bucket| bucket.lag), [5, 9]);
    assert_eq!(rates(&series, 5, |bucket| bucket.read), [2_000, 6_000, 20_000, 0, 2_000]);
}
