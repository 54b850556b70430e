use stormglass_sim::time::{Instant, Span};

use super::{bytes, count, instant, percent, plural, span, thousandths};

#[test]
fn numbers_are_grouped_by_three_digits() {
    let texts = [0, 7, 999, 1_000, 20_000, 1_234_567].map(count);
    assert_eq!(texts, ["0", "7", "999", "1,000", "20,000", "1,234,567"]);
    assert_eq!([0, 1, 2].map(|n| plural(n, "record")), ["0 records", "1 record", "2 records"]);
}

#[test]
fn durations_have_three_to_four_digits_and_never_sixty_thousand_milliseconds() {
    let text = |nanos| span(Span::nanos(nanos));
    assert_eq!(text(0), "0");
    assert_eq!(text(999), "999 ns");
    assert_eq!(text(1_000), "1 us");
    assert_eq!(text(850_400), "850 us");
    assert_eq!(text(999_499), "999 us");
    assert_eq!(text(999_500), "1.0 ms");
    assert_eq!(text(16_949_999), "16.9 ms");
    assert_eq!(text(999_949_999), "999.9 ms");
    assert_eq!(text(999_950_000), "1.000 s");
    assert_eq!(text(1_005_500_000), "1.006 s");
    assert_eq!(text(99_999_499_999), "99.999 s");
    assert_eq!(text(99_999_500_000), "100.0 s");
    assert_eq!(text(4_000_000_000_000), "4,000.0 s");
}

#[test]
fn instants_line_up_to_the_millisecond() {
    assert_eq!(instant(Instant::ZERO), "0.000 s");
    assert_eq!(instant(Instant(22_068_400_000)), "22.068 s");
}

#[test]
fn sizes_and_rates_are_rounded() {
    assert_eq!([812, 29_940, 1_000_000].map(bytes), ["812 B", "29.9 kB", "1 MB"]);
    assert_eq!([200_000, 996_849, 1_000_050].map(thousandths), ["200.0", "996.8", "1,000.1"]);
}

#[test]
fn shares_round_to_all_or_nothing_only_if_they_are() {
    let cases = [(0, 500), (1, 10_000), (1, 3), (250, 500), (9_999, 10_000), (500, 500), (0, 0)];
    let shown = cases.map(|(part, whole)| percent(part, whole));
    assert_eq!(shown, ["0%", "0.1%", "33.3%", "50.0%", "99.9%", "100%", "0%"]);
}
