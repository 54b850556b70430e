use stormglass_sim::time::Span;

use super::{BAR, bar};

#[test]
fn a_bar_ends_where_its_outage_does() {
    let millis = |n: [u64; 5]| n.map(Span::millis);
    let whole = Span::millis(880);
    let longest = bar(&millis([220, 220, 220, 110, 110]), whole);
    assert_eq!(longest, "░░░░░░░░░░░▒▒▒▒▒▒▒▒▒▒▒▓▓▓▓▓▓▓▓▓▓▓██████▄▄▄▄▄");
    assert_eq!(longest.chars().count(), BAR);
    assert_eq!(bar(&millis([0, 20, 0, 0, 0]), whole), "▒");
    assert_eq!(bar(&millis([0; 5]), Span::ZERO), "");
}

#[test]
fn short_phases_are_not_rounded_away_one_by_one() {
    let thirds = [Span(1); 5];
    assert_eq!(bar(&thirds, Span(5)).chars().count(), BAR);
}
