use stormglass_engine::topology::Grouping;

use super::flights::Flight;
use super::*;

#[test]
fn the_shipped_topologies_build() {
    let registry = Registry::default();
    for name in registry.names() {
        let topology = registry.get(name).unwrap().build().unwrap();
        assert_eq!(topology.name(), name);
        assert_eq!(topology.is_commutative(), name != "flight-board");
    }
    let flights = registry.get("flight-delays").unwrap().build().unwrap();
    assert_eq!(flights.tasks(), 19);
    let by_route = flights.find("by-route").unwrap();
    assert!(matches!(&by_route.inputs[0].grouping, Grouping::Fields(at) if *at == [0, 1]));
    assert_eq!(registry.get("word-count").unwrap().build().unwrap().tasks(), 8);
}

#[test]
fn every_shipped_row_is_a_flight() {
    let text = crate::catalog::file("flights.csv").unwrap();
    let rows = text.lines().skip(1);
    assert!(rows.clone().all(|row| Flight::parse(row).is_ok()));
    assert_eq!(rows.count(), 20_000);
}

#[test]
fn a_row_is_read_strictly() {
    let early = Flight { origin: "FLL", destination: "ISP", delay: -5 };
    assert_eq!(Flight::parse("2001-01-31T16:40,FLL,ISP,-5,1093"), Ok(early));
    for (row, reason) in [
        ("", "fewer than 5 columns"),
        ("2001-01-31T16:40,FLL,ISP,-5", "fewer than 5 columns"),
        ("2001-01-31T16:40,FLL,ISP,-5,1093,", "more than 5 columns"),
        ("2001-13-31T16:40,FLL,ISP,-5,1093", "the departure is not a date and time"),
        ("2001-01-31 16:40,FLL,ISP,-5,1093", "the departure is not a date and time"),
        ("2001-01-31T16:40,fll,ISP,-5,1093", "an airport is not three capital letters"),
        ("2001-01-31T16:40,FLL,,-5,1093", "an airport is not three capital letters"),
        ("2001-01-31T16:40,FLL,ISP,,1093", "the delay is not a number"),
        ("2001-01-31T16:40,FLL,ISP,+5,1093", "the delay is not a number"),
        ("2001-01-31T16:40,FLL,ISP,--5,1093", "the delay is not a number"),
        ("2001-01-31T16:40,FLL,ISP,5000000,1093", "the delay is not a number"),
        ("2001-01-31T16:40,FLL,ISP,NA,1093", "the delay is not a number"),
        ("2001-01-31T16:40,FLL,ISP,5,-1", "the distance is not a number"),
    ] {
        assert_eq!(Flight::parse(row), Err(reason), "{row}");
    }
}
