//! `list`, `schema`, `completions`: what there is to type.

use clap::CommandFactory;
use stormglass_scenarios::scenario::ActionKind;
use stormglass_scenarios::{catalog, scenario};

use crate::cli::{Answer, Cli, Exit};
use crate::facts;
use crate::page::{Paint, Side, Style, Table};

/// The shipped scenarios.
pub fn list() -> Answer {
    let mut table = Table::new(&[("scenario", Side::Left), ("what it is", Side::Left)]);
    for entry in catalog::list() {
        let scenario = entry.scenario().expect("shipped scenarios are tested");
        table.styled_row([(entry.name.to_string(), Style::Bold), (scenario.summary, Style::Plain)]);
    }
    Answer { text: table.render(0, Paint::of_stdout()), exit: Exit::Holds }
}

/// What may be done to a cluster.
pub fn faults() -> Answer {
    let mut table = Table::new(&[("fault", Side::Left), ("what it does", Side::Left)]);
    for entry in ActionKind::ALL.iter().map(|kind| kind.entry()) {
        let (name, doc) = (entry.kind.to_string(), entry.doc.to_string());
        table.styled_row([(name, Style::Bold), (doc, Style::Plain)]);
    }
    let text = table.render(0, Paint::of_stdout()) + "The keys of each: stormglass schema\n";
    Answer { text, exit: Exit::Holds }
}

/// The JSON schema of scenario files.
pub fn schema() -> Answer {
    Answer { text: super::json(&scenario::schema()), exit: Exit::Holds }
}

/// The JSON schema of observations.
pub fn observations() -> Answer {
    Answer { text: super::json(&facts::schema()), exit: Exit::Holds }
}

/// Completions for a shell.
pub fn completions(shell: clap_complete::Shell) -> Answer {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "stormglass", &mut text);
    Answer { text: String::from_utf8_lossy(&text).into_owned(), exit: Exit::Holds }
}
