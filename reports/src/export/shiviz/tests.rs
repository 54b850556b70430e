//! Clocks by hand.

use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;
use stormglass_sim::watch::Stamp;

use super::Clocks;

fn stamp(node: NodeId, event: u64) -> Stamp {
    Stamp { time: Instant(event), node, incarnation: 1, event }
}

/// Each observation is one tick of its own process, in one handler or in several.
#[test]
fn a_process_counts_what_it_observes() {
    let (one, two) = (NodeId::new(1, 1), NodeId::new(2, 1));
    let mut clocks = Clocks::default();
    let mut own = |node, event| clocks.observed(&stamp(node, event))[&node];
    assert_eq!([own(one, 1), own(one, 1), own(two, 2), own(one, 3)], [1, 2, 1, 3]);
}
