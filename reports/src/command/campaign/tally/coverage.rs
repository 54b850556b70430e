//! The coverage of faults: what was done to whom, in which phase of each protocol.
//!
//! A cell is one sign wide, so that all phases stand side by side: what matters is where there is
//! nothing, and where there is little. The exact counts are in `--json`.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use stormglass_scenarios::scenario::{Part, Phase, Protocol};

use crate::command::campaign::row::Struck;
use crate::page::{Paint, Style, columns, labelled};
use crate::words::count;

/// Columns of the labels below the matrix.
const LABEL: usize = 14;
/// One for each phase.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// How often faults took effect, by action, the part of whom they struck, and phase.
#[derive(Clone, Debug, Default)]
pub(in crate::command::campaign) struct Coverage(BTreeMap<(String, &'static str), Row>);

#[derive(Clone, Debug, Default)]
struct Row {
    faults: u64,
    phases: BTreeMap<Phase, u64>,
}

impl Coverage {
    /// Counts the faults of a run that took effect.
    pub(in crate::command::campaign) fn add(&mut self, struck: &[Struck]) {
        for Struck(action, part, phases) in struck {
            let part = part.map_or("nobody", Part::name);
            let row = self.0.entry((action.clone(), part)).or_default();
            row.faults += 1;
            for phase in phases {
                *row.phases.entry(*phase).or_default() += 1;
            }
        }
    }

    /// Whether there is nothing to show.
    pub(in crate::command::campaign) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many faults struck in a phase.
    fn total(&self, phase: Phase) -> u64 {
        self.0.values().filter_map(|row| row.phases.get(&phase)).sum()
    }

    /// The matrix with its legend, indented by two.
    pub(in crate::command::campaign) fn page(&self, paint: Paint) -> String {
        let rows = || self.0.iter().map(|((action, part), row)| (format!("{action} {part}"), row));
        let head = "faults by phase";
        let width = rows().map(|(name, _)| columns(&name)).chain([head.len()]).max().unwrap_or(0);
        let heading = line(|phase| letter(phase).to_string());
        let heading = format!("{head:<width$}  {heading}  faults");
        let mut out = format!("  {}\n", paint.text(Style::Dim, &heading));
        for (name, row) in rows() {
            let cells =
                line(|phase| sign(row.phases.get(&phase).copied().unwrap_or(0)).to_string());
            out.push_str(&format!("  {name:<width$}  {cells}  {:>6}\n", count(row.faults)));
        }
        for &protocol in Protocol::ALL {
            let of = |phase: &Phase| format!("{}={phase}", letter(*phase));
            let names: Vec<String> = phases(protocol).map(|phase| of(&phase)).collect();
            out.push_str(&labelled(protocol.name(), &names.join(", "), 2, LABEL, paint));
        }
        let signs = "· never, 1 to 9 as they are, x tens, c hundreds, m thousands";
        out.push_str(&labelled("signs", signs, 2, LABEL, paint));
        let never: Vec<&str> = Phase::ALL
            .iter()
            .filter(|phase| self.total(**phase) == 0)
            .map(|phase| phase.name())
            .collect();
        if !never.is_empty() {
            out.push_str(&labelled("no fault in", &never.join(", "), 2, LABEL, paint));
        }
        out
    }
}

/// The phases of a protocol, in order.
fn phases(of: Protocol) -> impl Iterator<Item = Phase> {
    Phase::ALL.iter().copied().filter(move |phase| phase.protocol() == of)
}

/// A cell for each phase, the protocols apart.
fn line(cell: impl Fn(Phase) -> String) -> String {
    let cells = |protocol: &Protocol| phases(*protocol).map(&cell).collect::<Vec<_>>().join(" ");
    Protocol::ALL.iter().map(cells).collect::<Vec<_>>().join("  ")
}

fn letter(of: Phase) -> char {
    let in_order = Protocol::ALL.iter().flat_map(|protocol| phases(*protocol));
    let mut both = in_order.zip(LETTERS.chars());
    both.find(|(phase, _)| *phase == of).map_or('?', |(_, letter)| letter)
}

/// A number in one sign.
fn sign(n: u64) -> char {
    match n {
        0 => '·',
        1..=9 => char::from(b'0' + n as u8),
        10..=99 => 'x',
        100..=999 => 'c',
        _ => 'm',
    }
}

impl Serialize for Coverage {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut rows = to.serialize_seq(Some(self.0.len()))?;
        for ((action, part), row) in &self.0 {
            rows.serialize_element(&Entry { action, part, row })?;
        }
        rows.end()
    }
}

/// A row as programs read it.
struct Entry<'a> {
    action: &'a str,
    part: &'a str,
    row: &'a Row,
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut entry = to.serialize_map(None)?;
        entry.serialize_entry("action", self.action)?;
        entry.serialize_entry("part", self.part)?;
        entry.serialize_entry("faults", &self.row.faults)?;
        let names = self.row.phases.iter().map(|(phase, n)| (phase.name(), n));
        entry.serialize_entry("phases", &names.collect::<BTreeMap<_, _>>())?;
        entry.end()
    }
}
