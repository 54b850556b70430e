//! `replay`: a case again, exactly, and whether it ended as it was recorded.

use std::sync::Arc;

use stormglass_scenarios::case::Case;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::topologies::Registry;

use super::run;
use crate::cli::{Answer, Exit, ReplayArgs};
use crate::files::{self, Files};
use crate::shell;
use crate::summary::Report;
use crate::version;
use crate::words::plural;

/// A replay for programs.
#[derive(serde::Serialize)]
struct Replayed<'a> {
    reproduced: bool,
    recorded_digest: &'a str,
    recorded_verdict: &'a str,
    outcome: &'a Outcome,
}

/// Replays a case.
///
/// # Errors
/// If it is no case, or not one that this program understands.
pub fn replay(args: &ReplayArgs, registry: &Registry) -> Result<Answer, Problem> {
    let source = args.case.display().to_string();
    let case = Case::from_json(&files::read(&args.case)?, &source)?;
    let files = Files::of_case(&case);
    let load = |name: &str| files.load(name);
    let mut setup = case.setup(registry, &load)?;
    setup.record = args.timeline;
    setup.chronicle = !args.json;
    let (scenario, topology) = (Arc::clone(&setup.scenario), Arc::clone(&setup.topology));
    let outcome = args.outputs.run(setup)?;
    run::note_panic(&outcome);
    let reproduced = is_same(&case, &outcome);
    let repeat = shell::replay(&args.case);
    let report = run::report(&scenario, &topology, &outcome, &repeat, args.timeline);
    let report = Report { shrunk: case.shrunk, ..report };
    args.outputs.page(&report)?;
    let mut answer = run::answer(&report, args.json);
    if args.json {
        answer.text = super::json(&Replayed {
            reproduced,
            recorded_digest: &case.digest,
            recorded_verdict: &case.verdict,
            outcome: &outcome,
        });
    } else {
        let sentence = sentence(&case, &outcome, registry);
        answer.text.push_str(&format!("\n{}\n", sentence.trim_end()));
    }
    if !reproduced {
        answer.exit = Exit::CouldNotJudge;
    }
    Ok(answer)
}

fn law(outcome: &Outcome) -> Option<&'static str> {
    outcome.violations().first().map(|violation| violation.law.name())
}

fn is_same(case: &Case, outcome: &Outcome) -> bool {
    let verdict = case.verdict == outcome.verdict.name() && case.law.as_deref() == law(outcome);
    verdict && case.digest == outcome.digest.to_string()
}

/// Whether it ended as recorded, and if not, what is different.
fn sentence(case: &Case, outcome: &Outcome, registry: &Registry) -> String {
    let name = |verdict: &str, law: Option<&str>| {
        law.map_or(verdict.to_string(), |law| format!("{verdict} ({law})"))
    };
    let recorded = name(&case.verdict, case.law.as_deref());
    let now = name(outcome.verdict.name(), law(outcome));
    let (program, digest) = (version::program(), outcome.digest.to_string());
    if is_same(case, outcome) {
        return "reproduced: same digest, same verdict".to_string();
    }
    if digest == case.digest {
        return format!(
            "not reproduced: the same run (same digest) is judged differently now\n  \
             recorded  {recorded}, by {}\n  now       {now}, by {program}",
            case.program
        );
    }
    format!(
        "not reproduced: the code, or a file that the scenario reads, has changed since\n  \
         recorded  {}  {recorded}, by {}\n  now       {digest}  {now}, by {program}\n{}",
        case.digest,
        case.program,
        by_triggers(case, registry)
    )
}

/// What becomes of a failure whose instants and observations mean nothing any more: whether the
/// same law still breaks when each fault waits for what it waited for.
fn by_triggers(case: &Case, registry: &Registry) -> String {
    let Some(recorded) = &case.law else { return String::new() };
    let files = Files::of_case(case);
    let load = |name: &str| files.load(name);
    let Ok(mut setup) = case.setup(registry, &load) else { return String::new() };
    setup.plan = setup.plan.by_triggers();
    let outcome = setup.run();
    let said = match law(&outcome) {
        Some(law) if law == recorded => format!("the same law still breaks ({law})"),
        Some(law) => format!("another law breaks ({law})"),
        None => match outcome.faults.iter().filter(|fault| fault.at.is_none()).count() {
            0 => format!("no law breaks: {}", outcome.verdict.name()),
            n => format!("no law breaks; not reached: {}", plural(n as u64, "fault")),
        },
    };
    format!("with its faults by their triggers instead of their instants {said}")
}
