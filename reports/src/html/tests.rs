//! What needs no run: text that must not end the page's elements, and what is left out.

use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use super::data::thinned;
use crate::page::escaped;
use crate::timeline::Told;

#[test]
fn text_is_escaped() {
    assert_eq!(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
}

/// Rare kinds are kept whole; frequent ones share what is left, and keep their first.
#[test]
fn rare_kinds_survive_frequent_ones() {
    let told = |sign| Told {
        at: Instant::ZERO,
        node: NodeId::new(1, 1),
        sign,
        words: String::new(),
        event: None,
    };
    let all: Vec<Told> = "o-o-o-G-o-o?o-o-".chars().map(told).collect();
    let kept = |most| thinned(&all, most).iter().map(|told| told.sign).collect::<String>();
    assert_eq!(kept(100), "o-o-o-G-o-o?o-o-");
    assert_eq!(kept(8), "o-o-o-G?");
    assert_eq!(kept(3), "-G?");
    assert_eq!(kept(0), "");
}
