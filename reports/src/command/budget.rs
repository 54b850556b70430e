//! `budget`: what a cluster promises under each kind of fault, as a table.

use stormglass_scenarios::budget::{Cell, Harm, Promise, cell, harm};
use stormglass_scenarios::scenario::{ActionKind, Role};

use crate::cli::{Answer, Exit};
use crate::page::{Paint, Side, Style, Table, labelled};

#[cfg(test)]
mod tests;

/// The columns: roles that promise the same share one.
const COLUMNS: [(&str, &[Role]); 7] = [
    ("worker", &[Role::Worker]),
    ("supervisor", &[Role::Supervisor]),
    ("coordinator", &[Role::Coordinator]),
    ("broker", &[Role::Broker]),
    ("store", &[Role::Store]),
    ("receiver", &[Role::Receiver]),
    ("clients", &[Role::Client, Role::Operator, Role::QueryClient]),
];
/// Columns of the labels below the table.
const LABEL: usize = 12;

/// The table, its signs, what belongs to each row, and why cells promise less than everything.
pub fn budget() -> Answer {
    let paint = Paint::of_stdout();
    let mut columns = vec![("what a fault does", Side::Left)];
    columns.extend(COLUMNS.iter().map(|(name, _)| (*name, Side::Left)));
    let (mut table, mut notes) = (Table::new(&columns), Vec::new());
    for &harm in Harm::ALL {
        let cells = COLUMNS.iter().map(|(_, roles)| entry(harm, roles[0], &mut notes));
        let label = (harm.name().to_string(), Style::Bold);
        let cells: Vec<(String, Style)> = std::iter::once(label).chain(cells).collect();
        table.styled_row(cells);
    }
    let mut out = table.render(0, paint) + "\n";
    let mut line = |label: &str, text: &str| {
        out.push_str(&labelled(label, text, 0, LABEL, paint));
    };
    line(
        sign(Promise::Survives),
        "must survive: once it is over, all that is missing comes within \
        `phases.lull`, and every law holds",
    );
    line(sign(Promise::MayStop), "may stop for good, but must not lie: no law of safety breaks");
    line(
        sign(Promise::Outside),
        "out of budget: nothing is promised, and no generator of plans \
        does it",
    );
    line(
        "a/b",
        "a while enough others are whole (of coordinators a quorum, of stores another with \
        each file), b when they are not",
    );
    for (number, why) in (1..).zip(&notes) {
        line(&format!("{number}"), why);
    }
    out.push('\n');
    for &of in Harm::ALL {
        let kinds = ActionKind::ALL.iter().filter(|kind| harm(**kind) == of);
        let kinds: Vec<&str> = kinds.map(|kind| kind.name()).collect();
        let kinds = if kinds.is_empty() { "no action so far".into() } else { kinds.join(", ") };
        let text = format!("{}: {kinds}", of.statement());
        out.push_str(&labelled(of.name(), &text, 0, LABEL, paint));
    }
    Answer { text: out, exit: Exit::Holds }
}

/// A cell of the table: signs, and the number of the note that says why.
fn entry(harm: Harm, role: Role, notes: &mut Vec<&'static str>) -> (String, Style) {
    let [spared, alone] = [true, false].map(|spared| cell(harm, role, spared));
    let mut text = sign(spared.promise).to_string();
    if alone.promise != spared.promise {
        text = format!("{text}/{}", sign(alone.promise));
    }
    for Cell { why, .. } in [spared, alone] {
        if !why.is_empty() && !notes.contains(&why) {
            notes.push(why);
        }
    }
    if let Some(number) = notes.iter().position(|why| *why == alone.why) {
        text = format!("{text} {}", number + 1);
    }
    let style = match alone.promise {
        Promise::Survives => Style::Green,
        Promise::MayStop => Style::Yellow,
        Promise::Outside => Style::Red,
    };
    (text, style)
}

const fn sign(promise: Promise) -> &'static str {
    match promise {
        Promise::Survives => "●",
        Promise::MayStop => "○",
        Promise::Outside => "×",
    }
}
