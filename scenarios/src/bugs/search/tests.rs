use stormglass_engine::names::Twist;
use stormglass_sim::node::Name;

use super::{Row, Standing, Times, Try, search};
use crate::bugs::canaries::{self, Due};
use crate::bugs::worlds::{Source, Worlds};
use crate::campaign::Next;
use crate::outcome::Outcome;
use crate::run::Setup;
use crate::{bugs, catalog};

/// All worlds of a search are skipped in which the clean run saw no occasion: that must be right
/// for every bug, those of Raft, which knows no context, among them.
#[test]
fn a_bug_without_an_occasion_changes_nothing_and_one_with_an_occasion_acts() {
    let worlds = Worlds::of(Source::Random).unwrap();
    let shown = |outcome: &Outcome, twist: Twist| {
        outcome.occasions.iter().any(|(name, _)| *name == twist.name())
    };
    for name in ["consensus", "swarm"] {
        let number = (0..100).find(|number| worlds.scenario(*number).name == name).unwrap();
        let setup = worlds.setup(number).unwrap();
        let watched = Setup { occasions: true, ..setup.clone() }.run();
        let clean = setup.clone().run();
        assert_eq!(watched.digest, clean.digest, "{name}: who counts occasions changes nothing");
        assert!(clean.occasions.is_empty() && watched.occasions.len() > 10, "{name}");
        for twist in Twist::bugs() {
            let planted = Setup { bugs: vec![twist], hasty: true, ..setup.clone() }.run();
            let acted = planted.reached.iter().any(|(_, times)| *times > 0);
            assert_eq!(acted, shown(&watched, twist), "{name}: {}", twist.name());
            assert!(acted || planted.digest == clean.digest, "{name}: {}", twist.name());
        }
    }
}

#[test]
fn worlds_are_of_the_general_catalog_and_half_of_them_of_generators() {
    let worlds = Worlds::of(Source::Random).unwrap();
    let names: Vec<&str> = worlds.names().collect();
    for entry in catalog::list() {
        assert_eq!(names.contains(&entry.name), entry.name != "aimed", "{}", entry.name);
    }
    let generated = (0..names.len() as u64).filter(|n| !worlds.scenario(*n).chaos.is_empty());
    assert_eq!(generated.count() * 2, names.len());
    let aimed = Worlds::of(Source::Aimed).unwrap();
    assert_eq!(aimed.names().collect::<Vec<_>>(), ["aimed"]);
}

fn row(number: u64, tries: &[(&str, Option<&str>)]) -> Row {
    let tries = tries.iter().map(|(bug, law)| Try {
        bug: bug.to_string(),
        events: 10,
        law: law.map(str::to_string),
        sentence: String::new(),
    });
    Row {
        source: Source::Random,
        block: 0,
        number,
        scenario: "swarm".to_string(),
        clean: "holds".to_string(),
        broke: None,
        events: 100,
        tries: tries.collect(),
    }
}

#[test]
fn a_search_counts_worlds_until_the_law_that_is_due_breaks() {
    let bug = bugs::find("zombie-accepted").unwrap();
    let mut standing = Standing::new(bug);
    let mut ends = Vec::new();
    let worlds: [&[(&str, Option<&str>)]; 5] = [
        &[("raft-self-ack", Some("fencing"))],
        &[("zombie-accepted", None)],
        &[("zombie-accepted", Some("progress"))],
        &[("raft-self-ack", None), ("zombie-accepted", Some("fencing"))],
        &[("zombie-accepted", Some("fencing"))],
    ];
    for (number, tries) in (7..).zip(worlds) {
        standing.note(&row(number, tries), &Times { clean: 5, tries: vec![1; tries.len()] });
        ends.push((standing.end(), standing.worlds, standing.reached, standing.events));
    }
    let expected = [
        (Due::NotReached, 1, 0, 100),
        (Due::Missed, 2, 1, 110),
        (Due::CaughtByAnother, 3, 2, 120),
        (Due::Caught, 4, 3, 130),
        (Due::Caught, 4, 3, 130),
    ];
    assert_eq!(ends, expected);
    assert_eq!((standing.cpu, standing.is_open()), (8, false));
    assert_eq!(standing.caught.map(|catch| (catch.number, catch.worlds)), Some((10, 4)));
}

/// A source that left a record out after a restore had passed more than it had read, and who
/// counted replays failed by it instead of reporting what the judges had found.
#[test]
fn a_run_that_ends_at_a_violation_has_an_outcome() {
    let worlds = Worlds::of(Source::Aimed).unwrap();
    let mut standings = vec![Standing::new(bugs::find("restore-one-too-far").unwrap())];
    search(&worlds, 0, 0..20, 1, &mut standings, &|| 0, |_, _, _| Next::Continue).unwrap();
    assert_eq!(standings[0].end(), Due::Caught);
}

#[test]
fn a_search_ends_when_all_are_caught_and_canaries_come_out_as_they_must() {
    let worlds = Worlds::of(Source::Random).unwrap();
    let bug = bugs::find("visible-before-complete").unwrap();
    let mut standings = vec![Standing::new(bug)];
    let mut rows = Vec::new();
    let noted = |row: &Row, _: &Times, _: &[Standing]| {
        rows.push(row.clone());
        Next::Continue
    };
    search(&worlds, 0, 0..50, 2, &mut standings, &|| 0, noted).unwrap();
    assert_eq!(rows.len() as u64, standings[0].worlds);
    assert_eq!(standings[0].end(), Due::Caught);
    let mut standings: Vec<Standing> =
        canaries::ALL.iter().map(|canary| Standing::new(&canary.bug)).collect();
    search(&worlds, 0, 0..3, 1, &mut standings, &|| 0, |_, _, _| Next::Continue).unwrap();
    let ends: Vec<Due> = standings.iter().map(Standing::end).collect();
    assert_eq!(ends, canaries::ALL.iter().map(|canary| canary.due).collect::<Vec<_>>());
}
