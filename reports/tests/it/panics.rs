//! A bolt that panics breaks a law; a panic of the program itself is no verdict.

use std::ffi::OsString;

use stormglass::cli::{Cli, Exit, answer, with_arguments};
use stormglass_engine::component::{Bolt, BoltContext, Outcome};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_scenarios::topologies::Registry;
use stormglass_scenarios::topologies::words::Words;

use crate::program::Folder;

#[derive(Clone, Debug)]
struct Panics;

impl Bolt for Panics {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word"]);
    }
    fn execute(&mut self, _: &Tuple<'_>, _: &mut dyn BoltContext) -> Outcome {
        panic!("this bolt cannot spell")
    }
}

fn panics() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("panics");
    builder.spout("words", Words, 1);
    builder.bolt("spell", Panics, 1).shuffle("words");
    builder.sink("publish", 1).shuffle("spell");
    builder
}

fn unbuildable() -> TopologyBuilder {
    panic!("no such luck")
}

fn arguments(folder: &Folder, topology: &str) -> Vec<OsString> {
    let text = format!(
        "name = \"{topology}\"\ntopology.name = \"{topology}\"\n\
         input = {{ rate = \"1k/s\", words = {{ count = 100 }} }}\n"
    );
    folder.write("it.toml", &text);
    ["stormglass", "run", &folder.path("it.toml"), "--json"].map(OsString::from).to_vec()
}

#[test]
fn a_bolt_that_panics_breaks_a_law() {
    let folder = Folder::new("panicking_bolt");
    let registry = Registry::default().with("panics", panics);
    let mut arguments = arguments(&folder, "panics");
    arguments.extend(["--case".into(), folder.path("it.case.json").into()]);
    let cli: Cli = clap::Parser::parse_from(arguments);
    let page = answer(&cli.command, &registry).unwrap();
    assert_eq!(page.exit, Exit::Broken);
    for part in ["no-panic", "this bolt cannot spell", "`spell`", "seed 0"] {
        assert!(page.text.contains(part), "`{part}` is not in:\n{}", page.text);
    }
}

#[test]
fn a_panic_of_the_program_is_no_verdict() {
    let folder = Folder::new("panicking_program");
    let registry = Registry::default().with("unbuildable", unbuildable);
    let exit = with_arguments(&registry, arguments(&folder, "unbuildable").into_iter());
    assert_eq!(exit, Exit::Internal);
}
