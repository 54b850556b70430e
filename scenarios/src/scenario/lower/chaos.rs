//! Generators of faults: which one, each stated once.

use std::collections::BTreeMap;

use crate::problem::{Problem, suggest};
use crate::scenario::document::Origin;
use crate::scenario::raw::RawChaos;
use crate::scenario::{ActionKind, ChaosSpec, Generator};
use crate::units::{Between, Quantity, Share, Text};
use stormglass_sim::time::Span;

pub(super) fn lower(raw: RawChaos, path: &str, origin: &Origin) -> Result<ChaosSpec, Problem> {
    let chance = or(raw.chance, ChaosSpec::CERTAIN);
    let mut generators = generators(raw, path, origin)?;
    match (generators.len(), generators.pop()) {
        (1, Some(generator)) => Ok(ChaosSpec { generator, chance }),
        (_, None) => {
            let problem = origin.problem(path, "the chaos does not say by which law faults come");
            let help = format!("give it a generator: {}", Generator::NAMES.join(", "));
            Err(problem.help(help))
        }
        (_, Some(generator)) => {
            let path = format!("{path}.{}", generator.name());
            let problem = origin.key_problem(&path, "the chaos has two generators");
            Err(problem.help("write one `[[chaos]]` for each generator"))
        }
    }
}

fn or<T>(written: Option<Quantity<T>>, default: T) -> T {
    written.map_or(default, |Quantity(value)| value)
}

/// Every generator that is written: there should be one.
fn generators(raw: RawChaos, path: &str, origin: &Origin) -> Result<Vec<Generator>, Problem> {
    let mut generators = Vec::new();
    if let Some(raw) = raw.steady {
        let mut mean = BTreeMap::new();
        for (name, Quantity(span)) in raw {
            let Ok(kind) = ActionKind::parse(&name) else {
                let path = format!("{path}.steady.{name}");
                let problem = origin.key_problem(&path, format!("there is no action `{name}`"));
                let names = ActionKind::NAMES.iter().copied();
                return Err(problem.help(suggest(&name, names, "actions")));
            };
            mean.insert(kind, span);
        }
        generators.push(Generator::Steady { mean });
    }
    if let Some(raw) = raw.attrition {
        generators.push(Generator::Attrition {
            who: raw.who.0,
            kill: raw.kill.0,
            leave: raw.leave.unwrap_or(1),
            down: or(raw.down, (Span::millis(500)..=Span::secs(3)).into()),
            live: or(raw.live, Span::secs(2)),
            backoff: or(raw.backoff, Share::percent(50)),
        });
    }
    if let Some(raw) = raw.burst {
        generators.push(Generator::Burst {
            mean: raw.mean.0,
            faults: or(raw.faults, Between { min: 2, max: 4 }),
            within: or(raw.within, Span::millis(500)),
        });
    }
    if let Some(raw) = raw.cascade {
        generators.push(Generator::Cascade {
            mean: raw.mean.0,
            spread: or(raw.spread, Share::percent(60)),
            within: or(raw.within, Span::secs(2)),
        });
    }
    if let Some(raw) = raw.swizzle {
        let share = or(raw.share, Share::percent(50));
        generators.push(Generator::Swizzle { share, window: raw.window.0 });
    }
    if let Some(raw) = raw.rolling {
        generators.push(Generator::Rolling {
            who: raw.who.0,
            down: or(raw.down, (Span::millis(200)..=Span::secs(1)).into()),
            every: or(raw.every, (Span::secs(1)..=Span::secs(3)).into()),
        });
    }
    if let Some(raw) = raw.swarm {
        generators.push(Generator::Swarm {
            kinds: or(raw.kinds, Between { min: Share::percent(10), max: Share::percent(60) }),
            each: or(raw.each, Between { min: 1, max: 4 }),
            triggered: or(raw.triggered, Share::percent(25)),
        });
    }
    if raw.aimed.is_some() {
        generators.push(Generator::Aimed {});
    }
    Ok(generators)
}
