//! `plan`: what a seed makes of a scenario, before anything runs.

use std::sync::Arc;

use stormglass_scenarios::plan::{Plan, RareEvent, Trigger};
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::topologies::Registry;
use stormglass_scenarios::units::Text;
use stormglass_sim::time::Instant;

use crate::cli::{Answer, Exit, PlanArgs};
use crate::files;
use crate::page::{Paint, Side, Table};

/// Prints a plan.
///
/// # Errors
/// What is wrong with the arguments, or with a file that they name.
pub fn plan(args: &PlanArgs, registry: &Registry) -> Result<Answer, Problem> {
    let (scenario, files) = files::scenario(&args.scenario, &args.settings)?;
    let scenario = Arc::new(scenario);
    let setup = Setup::new(&scenario, registry, &|name: &str| files.load(name), args.seed)?;
    let text = match args.json {
        true => setup.plan.to_json(),
        false => page(&setup.scenario, &setup.plan, Paint::of_stdout()),
    };
    Ok(Answer { text, exit: Exit::Holds })
}

fn page(scenario: &Scenario, plan: &Plan, paint: Paint) -> String {
    let mut out = format!("{} with seed {}", scenario.name, plan.seed);
    let drew: Vec<String> =
        scenario.drew.iter().map(|(name, label)| format!("{name} {label}")).collect();
    let coordinators = scenario.cluster.coordinators.min;
    let plural = if coordinators == 1 { "" } else { "s" };
    out.push_str(&format!(": {coordinators} coordinator{plural}"));
    drew.iter().for_each(|one| out.push_str(&format!(", {one}")));
    out.push_str("\n\n");
    let columns =
        [("#", Side::Right), ("when", Side::Left), ("to whom", Side::Left), ("what", Side::Left)];
    let mut table = Table::new(&columns);
    for (number, fault) in (1..).zip(&plan.faults) {
        let when = match &fault.trigger {
            Trigger::At(at) => at.since(Instant::ZERO).to_string(),
            Trigger::On(on) => on.to_string(),
        };
        let whom = fault.target.to_string();
        table.row([number.to_string(), when, whom, fault.action.words()]);
    }
    if plan.faults.is_empty() {
        out.push_str("  no faults\n");
    } else {
        out.push_str(&table.render(2, paint));
    }
    if !plan.rare_events.is_empty() {
        let names: Vec<String> = plan.rare_events.iter().map(RareEvent::print).collect();
        out.push_str(&format!("\n  rare events: {}\n", names.join(", ")));
    }
    for operation in &plan.operations {
        let at = operation.at.since(Instant::ZERO);
        out.push_str(&format!("\n  {at}: {} is asked for\n", operation.operation.name()));
    }
    out
}
