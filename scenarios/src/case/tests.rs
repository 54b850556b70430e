use std::sync::Arc;

use super::Case;
use crate::catalog;
use crate::run::Setup;
use crate::topologies::Registry;

/// A run knows its scenario as the seed has it. The case of such a run held what was drawn and what
/// there is to draw from, and was refused whenever the two did not go together (swarm: a drawn
/// `unaligned` with the alternative `at-least-once`), so that many failures could not be replayed.
#[test]
fn a_case_of_what_a_seed_drew_can_be_read_again() {
    let settings = ["input.words.count=200", "phases.lull=60s"];
    let scenario = Arc::new(catalog::load("swarm", &settings).expect("in the catalog"));
    let registry = Registry::default();
    for seed in 0..8 {
        let setup = Setup::new(&scenario, &registry, &catalog::file, seed).expect("a run");
        let drawn = Arc::clone(&setup.scenario);
        let outcome = setup.run();
        for known in [&scenario, &drawn] {
            let case = Case::new(known, &outcome).expect("it has a text");
            let case = Case::from_json(&case.to_json(), "it").expect("it was just written");
            let again = case.setup(&registry, &catalog::file);
            let again = again.unwrap_or_else(|problem| panic!("seed {seed}: {problem}"));
            assert_eq!(again.run().digest, outcome.digest, "seed {seed}");
        }
    }
}
