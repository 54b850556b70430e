//! Alternatives: settings of which each seed draws one group, so that one scenario covers many.
//!
//! An alternative is a table of keys as they could stand in the scenario itself. What it sets is
//! laid over the text; what a person sets on the command line is laid over both.

use serde::Serialize;
use stormglass_sim::hash::fingerprint;

use super::Scenario;
use super::raw::RawDraw;
use crate::plan::Draw;
use crate::problem::Problem;

/// A choice that each seed makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DrawSpec {
    /// What is chosen, for tables: `backend`.
    pub name: String,
    /// What each seed draws one of, all equally likely.
    pub one_of: Vec<Alternative>,
}

/// One of the things that a seed may draw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alternative {
    /// In few words: the values that it sets, or what the scenario calls it.
    pub label: String,
    /// What it sets, as `key.path=value`.
    pub settings: Vec<String>,
}

/// The most combinations of one scenario: each is checked when it is read.
const MOST_COMBINATIONS: usize = 512;

pub(super) fn lower(raw: Vec<RawDraw>) -> Vec<DrawSpec> {
    let lowered = raw.into_iter().map(|raw| DrawSpec {
        name: raw.name,
        one_of: raw.one_of.into_iter().map(alternative).collect(),
    });
    lowered.collect()
}

fn alternative(mut table: toml::Table) -> Alternative {
    let label = match table.remove("label") {
        Some(toml::Value::String(label)) => Some(label),
        Some(other) => Some(other.to_string()),
        None => None,
    };
    let (mut settings, mut values) = (Vec::new(), Vec::new());
    flatten(&table, "", &mut settings, &mut values);
    Alternative { label: label.unwrap_or_else(|| values.join(", ")), settings }
}

/// Tables become paths; everything else is a value.
fn flatten(table: &toml::Table, path: &str, settings: &mut Vec<String>, values: &mut Vec<String>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(below) => {
                flatten(below, &format!("{path}{key}."), settings, values);
            }
            value => {
                settings.push(format!("{path}{key}={value}"));
                values.push(match value {
                    toml::Value::String(text) => text.clone(),
                    toml::Value::Boolean(true) => key.clone(),
                    toml::Value::Boolean(false) => format!("not {key}"),
                    other => format!("{key} {other}"),
                });
            }
        }
    }
}

impl Scenario {
    /// The scenario with what a seed draws of its alternatives; `drew` says what.
    pub(super) fn with_drawn(&self, seed: u64) -> Scenario {
        let chosen: Vec<&Alternative> = self.draws.iter().map(|draw| draw.of_seed(seed)).collect();
        let mut drawn = self.combined(&chosen).expect("every combination was checked when read");
        let names = self.draws.iter().map(|draw| draw.name.clone());
        drawn.drew = names.zip(chosen.iter().map(|one| one.label.clone())).collect();
        drawn
    }

    fn combined(&self, chosen: &[&Alternative]) -> Result<Scenario, Problem> {
        let (text, settings) = self.origin.written().expect("alternatives are written in a text");
        let drawn = chosen.iter().flat_map(|alternative| &alternative.settings);
        let all: Vec<&String> = drawn.chain(settings).collect();
        let mut scenario = Scenario::read(text, self.origin.source(), &all)?;
        scenario.draws.clear();
        scenario.check()?;
        Ok(scenario)
    }

    /// Checks every combination of alternatives.
    pub(super) fn check_draws(&self) -> Result<(), Problem> {
        let fail = |path: String, message: &str, help: String| {
            Err(self.origin.problem(&path, message).help(help))
        };
        for (number, draw) in (1..).zip(&self.draws) {
            if draw.one_of.is_empty() {
                let help = "write at least one table of keys".to_string();
                return fail(format!("draw.{number}"), "there is nothing to draw", help);
            }
        }
        let combinations = self.draws.iter().try_fold(1usize, |all, draw| {
            all.checked_mul(draw.one_of.len()).filter(|all| *all <= MOST_COMBINATIONS)
        });
        let Some(combinations) = combinations else {
            let help = format!("draw from fewer: {MOST_COMBINATIONS} combinations are the most");
            return fail("draw".to_string(), "there are too many combinations", help);
        };
        for number in 0..combinations {
            let mut rest = number;
            let mut chosen = Vec::new();
            for draw in &self.draws {
                chosen.push(&draw.one_of[rest % draw.one_of.len()]);
                rest /= draw.one_of.len();
            }
            self.combined(&chosen).map_err(|problem| {
                let labels: Vec<&str> = chosen.iter().map(|one| one.label.as_str()).collect();
                let message = format!("drawing {}: {}", labels.join(", "), problem.message);
                Problem { help: problem.help, ..self.origin.problem("draw", message) }
            })?;
        }
        Ok(())
    }
}

impl DrawSpec {
    /// What a seed draws: it depends on the seed and the name alone.
    fn of_seed(&self, seed: u64) -> &Alternative {
        let purpose = [fingerprint(b"draw"), fingerprint(self.name.as_bytes())];
        let at = Draw::new(seed, &purpose).below(self.one_of.len() as u64);
        &self.one_of[at as usize]
    }
}
