//! Sinks: what can be chosen, and what cannot be claimed of it.

use stormglass_engine::topology::{Delivery, Kind};

use super::*;

#[test]
fn a_scenario_chooses_how_sinks_hand_over() {
    let kind = |settings: &[&str]| {
        let scenario = catalog::load("flight-delays", settings).unwrap();
        let topology = scenario.topology(&Registry::default()).unwrap();
        let Kind::Sink(delivery) = topology.find("publish").unwrap().kind else {
            panic!("it is a sink")
        };
        delivery
    };
    assert_eq!(kind(&[]), Delivery::Transactional);
    assert_eq!(kind(&["topology.sinks.publish=idempotent"]), Delivery::Idempotent);
    let plain = ["topology.sinks.publish=plain", "guarantee=at-least-once"];
    assert_eq!(kind(&plain), Delivery::Plain);
}

#[test]
fn a_plain_sink_cannot_claim_exactly_once() {
    let said = wrong("[topology.sinks]\npublish = \"plain\"");
    assert!(said.contains("cannot keep the claim of exactly-once"), "{said}");
    assert!(said.contains("5 | publish = \"plain\""), "{said}");
    assert!(said.contains("claim less: guarantee = \"at-least-once\""), "{said}");
}

#[test]
fn only_sinks_are_sinks() {
    let said = wrong("[topology.sinks]\ncount = \"plain\"");
    assert!(said.contains("`count` is no sink"), "{said}");
    let said = wrong("[topology.sinks]\npublihs = \"plain\"");
    assert!(said.contains("has no component `publihs`"), "{said}");
    assert!(said.contains("did you mean `publish`?"), "{said}");
    let said = wrong("[topology.sinks]\npublish = \"transactionl\"");
    assert!(said.contains("did you mean `transactional`?"), "{said}");
}

#[test]
fn the_receiver_has_limits_and_assumptions_have_names() {
    let said = wrong("[sink]\ntransaction-timeout = \"0s\"");
    assert!(said.contains("the transaction-timeout is 0"), "{said}");
    let said = wrong("assume = [\"no-outage\"]");
    assert!(said.contains("`no-outage` is not an assumption"), "{said}");
    let scenario = with("assume = [\"outage-below-transaction-timeout\"]").unwrap();
    assert_eq!(scenario.assume, [Assumption::OutageBelowTransactionTimeout]);
}
