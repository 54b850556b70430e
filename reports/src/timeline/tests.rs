//! The grammar says all there is, and every process has its column.

use stormglass_scenarios::catalog;
use stormglass_scenarios::places::Places;
use stormglass_scenarios::scenario::Role;

use super::{LEGEND, all, head};

const SOURCE: &str = include_str!("../timeline.rs");

#[test]
fn the_legend_and_the_documentation_are_the_same() {
    for line in LEGEND {
        assert!(SOURCE.contains(&format!("//! {line}\n")), "not in the documentation: {line}");
    }
}

/// A sign that is made and not explained is what this is about: `.` for the end of the job was one,
/// and read as nothing at all.
#[test]
fn every_sign_is_in_the_legend() {
    let (_, code) = SOURCE.split_once("fn event(").unwrap();
    let (code, _) = code.split_once("\n}\n").unwrap();
    let signs: Vec<char> = code
        .match_indices(", '")
        .filter_map(|(at, _)| code[at + 3..].strip_prefix(|_| true).map(|_| &code[at + 3..]))
        .filter_map(|rest| rest.chars().next().filter(|_| rest[1..].starts_with('\'')))
        .collect();
    assert!(signs.len() > 20, "{signs:?}");
    let legend = LEGEND.join("\n");
    for sign in signs.into_iter().chain(['!', ',']) {
        let explained = legend.match_indices(&format!("{sign}  ")).count();
        assert!(explained >= 1, "`{sign}` is not in the legend");
        assert_ne!(sign, '.', "that is nobody's column");
    }
}

#[test]
fn every_role_has_its_column() {
    let mut scenario = catalog::load("queries", &[] as &[&str]).unwrap();
    scenario.cluster.coordinators.min = scenario.cluster.coordinators.max;
    scenario.cluster.clients = 2;
    let places = Places::new(&scenario);
    let columns = all(&places);
    for role in Role::ALL {
        if let Some(node) = places.node(*role, 1) {
            assert!(columns.contains(&node), "{role:?}");
            assert!(!head(&places, node).contains(':'), "{role:?}");
        }
    }
    assert!(places.node(Role::QueryClient, 1).is_some());
}
