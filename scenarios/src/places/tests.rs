use super::*;
use crate::catalog;

/// The places of a scenario with these settings.
fn places(settings: &[&str]) -> Places {
    Places::new(&catalog::load("reference", settings).expect("they fit").drawn(1))
}

#[test]
fn machines_of_a_role_are_dealt_among_the_racks_and_racks_among_the_zones() {
    let settings = [
        "cluster.coordinators=3",
        "cluster.workers=5",
        "cluster.clients=1",
        "store.nodes=2",
        "cluster.racks=4",
        "cluster.zones=2",
    ];
    let places = places(&settings);
    let domains = |role| {
        let members = (1..).map_while(|number| places.node(role, number));
        members.map(|node| places.stands(node.machine)).collect::<Vec<_>>()
    };
    let at = |domains: &[(u16, u16)]| domains.iter().copied().map(Some).collect::<Vec<_>>();
    assert_eq!(domains(Role::Coordinator), at(&[(1, 1), (2, 2), (3, 1)]));
    assert_eq!(domains(Role::Broker), at(&[(1, 1)]));
    assert_eq!(domains(Role::Receiver), at(&[(1, 1)]));
    assert_eq!(domains(Role::Store), at(&[(1, 1), (2, 2)]));
    assert_eq!(domains(Role::Supervisor), at(&[(1, 1), (2, 2), (3, 1), (4, 2), (1, 1)]));
    assert_eq!(domains(Role::Worker), domains(Role::Supervisor), "one slot each");
    assert_eq!(domains(Role::Client), [None], "it is no part of the cluster");
    // A second cluster in the same world has racks and zones of its own.
    let behind = places.clone().behind(places.machines().len() as u16);
    let second = behind.node(Role::Worker, 2).expect("there are five");
    assert_eq!(behind.stands(second.machine), Some((2, 2)));
    assert!((1..=4).all(|rack| (1..=4).all(|other| places.rack(rack) != behind.rack(other))));
    assert!((1..=2).all(|zone| (1..=2).all(|other| places.zone(zone) != behind.zone(other))));
}

#[test]
fn by_default_there_is_one_rack_for_all() {
    let places = places(&[]);
    for role in [Role::Coordinator, Role::Broker, Role::Store, Role::Receiver, Role::Worker] {
        let node = places.node(role, 1).expect("there is one");
        assert_eq!(places.stands(node.machine), Some((1, 1)), "{role}");
    }
}
