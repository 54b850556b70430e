//! Useful work against the interval between checkpoints, held against the formulas of Young, of
//! Daly and the exact one.

use serde::Serialize;
use stormglass_scenarios::sweep::Point;
use stormglass_scenarios::sweep::facts::{Facts, Measure};
use stormglass_scenarios::sweep::grid::{Axis as Varied, Unit};
use stormglass_scenarios::sweep::statistics::{Cubic, mean};
use stormglass_scenarios::sweep::work::{Assumptions, Compared, compare, fitted};

use super::Seen;
use crate::plot::{Axis, Colour, Dash, Hatch, Layer, Look, Mark, Panel, Plot, quantity};

#[cfg(test)]
mod tests;

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// What the formulas take for granted.
    pub assumptions: Assumptions,
    /// Each interval, from the shortest.
    pub compared: Vec<Compared>,
    /// A curve through what was measured, and where it is greatest, in seconds.
    pub fitted: Option<(Cubic, f64)>,
    /// The share of useful work with an interval that follows what is observed, if one was run,
    /// its standard error, and the median interval at the end in seconds.
    pub adaptive: Option<(f64, f64, f64)>,
    /// What is missing of useful work at each interval: checkpoints, outages, work done again.
    overhead: Vec<[f64; 3]>,
}

/// What was found, for programs.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    cost_s: f64,
    mtbf_s: f64,
    restart_s: f64,
    young_s: f64,
    daly_s: f64,
    exact_s: f64,
    fitted_s: Option<f64>,
    adaptive: Option<f64>,
    adaptive_interval_s: Option<f64>,
    points: Vec<ToldPoint>,
}

#[derive(Clone, Debug, Serialize)]
struct ToldPoint {
    interval_s: f64,
    failures: u64,
    measured: f64,
    error: f64,
    formula: f64,
    model: f64,
    errors_apart: f64,
    under_way: f64,
    outage: f64,
}

/// What a sweep over intervals says; none if the formulas have no say in its scenario.
pub fn found(seen: &Seen<'_>) -> Option<Found> {
    let assumptions = Assumptions::of(seen.scenario)?;
    let others = vec![0; seen.swept.grid.axes.len() - 1];
    let points: Vec<(f64, &Point)> = seen.swept.along(0, &others);
    let points: Vec<(f64, &Point)> =
        points.into_iter().filter(|(_, point)| !point.runs.is_empty()).collect();
    let compared = compare(assumptions, &points);
    let axis = &seen.swept.grid.axes[0];
    let free = axis.points.iter().position(|point| point.number.is_none());
    let adaptive = free.map(|at| {
        let rest: usize = seen.swept.grid.axes[1..].iter().map(|axis| axis.points.len()).product();
        let point = &seen.swept.points[at * rest];
        let (work, error) = mean(&point.samples(Measure::UsefulWork));
        (work, error, point.summary(Measure::Interval).p50)
    });
    let overhead = points.iter().map(|(_, point)| overhead(assumptions, point)).collect();
    Some(Found { fitted: fitted(&compared), assumptions, compared, adaptive, overhead })
}

/// What is missing of useful work: checkpoints, outages, and the rest, which is work done again.
fn overhead(assumptions: Assumptions, point: &Point) -> [f64; 3] {
    let over_runs = |of: &dyn Fn(&Facts) -> f64| {
        mean(&point.runs.iter().map(|run| of(&run.facts)).collect::<Vec<_>>()).0
    };
    let ended = |facts: &Facts| facts.ended_ns as f64 / 1e9;
    let checkpoints = over_runs(&|facts| facts.completed as f64 * assumptions.cost / ended(facts));
    let outages = over_runs(&|facts| {
        let down: u64 = facts.outages.iter().map(|phases| phases[..3].iter().sum::<u64>()).sum();
        let each = down as f64 / 1e9 / facts.outages.len().max(1) as f64;
        each * (facts.outages.len() as u64 + facts.interrupted) as f64 / ended(facts)
    });
    let missing = 1.0 - mean(&point.samples(Measure::UsefulWork)).0;
    [checkpoints, outages, (missing - checkpoints - outages).max(0.0)]
}

impl Found {
    /// It for programs.
    pub fn told(&self) -> Told {
        let Assumptions { cost, mtbf, restart } = self.assumptions;
        let point = |one: &Compared| ToldPoint {
            interval_s: one.interval,
            failures: one.failures,
            measured: one.measured,
            error: one.error,
            formula: one.formula,
            model: one.model,
            errors_apart: one.errors(),
            under_way: one.gap.under_way,
            outage: one.gap.outage,
        };
        Told {
            cost_s: cost,
            mtbf_s: mtbf,
            restart_s: restart,
            young_s: self.assumptions.young(),
            daly_s: self.assumptions.daly(),
            exact_s: self.assumptions.best(),
            fitted_s: self.fitted.map(|(_, best)| best),
            adaptive: self.adaptive.map(|(work, ..)| work),
            adaptive_interval_s: self.adaptive.map(|(.., interval)| interval),
            points: self.compared.iter().map(point).collect(),
        }
    }

    /// It as a table for people, and in a sentence whether the formula holds.
    pub fn page(&self) -> String {
        let mut out = "   interval  failures  useful work   error  formula  apart by  explained\n"
            .to_string();
        for one in &self.compared {
            out += &format!(
                "{:>11}  {:>8}  {:>11.4}  {:>6.4}  {:>7.4}  {:>8}  {:>9.4}\n",
                time(one.interval),
                one.failures,
                one.measured,
                one.error,
                one.formula,
                format!("{:.1} se", one.errors()),
                one.explained(),
            );
        }
        if let Some((work, error, interval)) = self.adaptive {
            let at = format!("ends at {}", time(interval));
            out += &format!("{:>11}  {:>8}  {work:>11.4}  {error:>6.4}  {at}\n", "adaptive", "");
        }
        out + "\n" + &self.verdict() + "\n"
    }

    /// Whether what was measured agrees with the formula, and its optimum with the best interval;
    /// otherwise how far it is off, and what explains it.
    pub fn verdict(&self) -> String {
        let far = self.compared.iter().filter(|one| one.errors() > 3.0).count();
        let widest = self.compared.iter().map(|one| one.error).fold(0.0, f64::max);
        let most = |of: &dyn Fn(&Compared) -> f64| self.compared.iter().map(of).fold(0.0, f64::max);
        let agrees = match far {
            0 => format!(
                "Measured useful work agrees with the exact formula within three standard errors \
                 at every interval; these are {} at most.",
                percent(widest)
            ),
            far => format!(
                "Measured useful work differs from the exact formula by more than three standard \
                 errors at {far} of {} intervals, by {} at most. What ran on while a checkpoint \
                 was under way explains up to {}, outages longer than the restart up to {}.",
                self.compared.len(),
                percent(most(&|one| (one.measured - one.formula).abs())),
                percent(most(&|one| one.gap.under_way)),
                percent(most(&|one| one.gap.outage)),
            ),
        };
        let exact = self.assumptions.best();
        let optimum = match self.fitted {
            Some((_, best)) => format!(
                " The curve through it is highest at {}, {} from the exact optimum of {}.",
                time(best),
                percent((best / exact - 1.0).abs()),
                time(exact)
            ),
            None => String::new(),
        };
        agrees + &optimum
    }
}

fn time(seconds: f64) -> String {
    quantity(seconds, Unit::Seconds)
}
fn percent(share: f64) -> String {
    quantity(share, Unit::Share)
}

/// The plot.
pub fn plot(seen: &Seen<'_>) -> Plot {
    let axis = &seen.swept.grid.axes[0];
    let Some(found) = found(seen) else {
        return super::lines::plot(seen, &[Measure::UsefulWork], None);
    };
    let Assumptions { cost, mtbf, restart } = found.assumptions;
    let subtitle = format!(
        "{}: a checkpoint stops its task for {}, its worker crashes every {} on the average and is \
         back after {}. Bars of two standard errors. {}",
        seen.scenario.name,
        time(cost),
        time(mtbf),
        time(restart),
        found.verdict(),
    );
    Plot {
        title: title(&found),
        subtitle,
        legend: Vec::new(),
        panels: vec![work(axis, &found), missing(axis, &found)],
        columns: 2,
        notes: seen.notes.to_vec(),
    }
}

fn intervals(axis: &Varied, found: &Found) -> Axis {
    let numbers = || found.compared.iter().map(|one| one.interval);
    Axis::around(&axis.name, axis.unit, true, numbers())
}

/// Useful work.
fn work(axis: &Varied, found: &Found) -> Panel {
    let x = intervals(axis, found);
    let mut layers = Vec::new();
    const STEPS: u32 = 120;
    let at = |step: u32| x.from * libm::pow(x.to / x.from, f64::from(step) / f64::from(STEPS));
    let formula = (0..=STEPS).map(|step| (at(step), found.assumptions.useful_work(at(step))));
    layers.push(Layer::Line {
        points: formula.collect(),
        look: Look::line(Colour::Muted, Dash::Solid),
        label: "exact formula".to_string(),
    });
    let explains = found.compared.iter().any(|one| one.formula - one.explained() > 0.01);
    if explains {
        let points = found.compared.iter().map(|one| (one.interval, one.explained()));
        let look = Look::line(Colour::Purple, Dash::Dots);
        let label = "less what explains it".to_string();
        layers.push(Layer::Line { points: points.collect(), look, label });
    }
    if let Some((work, ..)) = found.adaptive {
        let look = Look::line(Colour::Green, Dash::Long);
        layers.push(Layer::Across { y: work, look, label: "adaptive".to_string() });
    }
    let mut uprights = vec![
        (found.assumptions.young(), "Young", Colour::Vermillion, Dash::Short),
        (found.assumptions.daly(), "Daly", Colour::Purple, Dash::Long),
        (found.assumptions.best(), "exact", Colour::Muted, Dash::Solid),
    ];
    if let Some((_, best)) = found.fitted {
        uprights.push((best, "best measured", Colour::Blue, Dash::Dots));
    }
    for (x, name, colour, dash) in uprights {
        let label = format!("{name} {}", time(x));
        layers.push(Layer::Upright { x, look: Look::line(colour, dash), label });
    }
    let measured = found.compared.iter().map(|one| {
        (one.interval, one.measured, one.measured - 2.0 * one.error, one.measured + 2.0 * one.error)
    });
    let look = Look::new(Colour::Blue, Dash::Solid, Mark::Circle, Hatch::Plain);
    let label = "measured".to_string();
    layers.push(Layer::Marks { points: measured.collect(), look, label });
    let heights: Vec<f64> = layers.iter().flat_map(Layer::heights).collect();
    let low = heights.iter().copied().fold(1.0, f64::min);
    let high = heights.iter().copied().fold(0.0, f64::max);
    let room = (high - low).max(0.02) * 0.08;
    let label = "useful work, of all CPU time of the task".to_string();
    let y = Axis { label, unit: Unit::Share, log: false, from: low - room, to: high + room };
    Panel { title: "What is done once and for all".to_string(), x, y, layers }
}

/// What is missing.
fn missing(axis: &Varied, found: &Found) -> Panel {
    let parts = [
        ("checkpoints", Colour::Vermillion, Hatch::Rising),
        ("outages", Colour::Orange, Hatch::Crossed),
        ("done again", Colour::Sky, Hatch::Falling),
    ];
    let mut layers = Vec::new();
    for (at, (name, colour, hatch)) in parts.into_iter().enumerate() {
        let points = found.compared.iter().zip(&found.overhead).map(|(one, overhead)| {
            let below: f64 = overhead[..at].iter().sum();
            (one.interval, below, below + overhead[at])
        });
        let look = Look::new(colour, Dash::Solid, Mark::None, hatch);
        layers.push(Layer::Bars { points: points.collect(), look, label: name.to_string() });
    }
    let mut x = intervals(axis, found);
    if let [first, .., last] = &found.compared[..] {
        let steps = (found.compared.len() - 1) as f64;
        let half = libm::pow(last.interval / first.interval, 0.5 / steps);
        (x.from, x.to) = (first.interval / half, last.interval * half);
    }
    let heights = layers.iter().flat_map(Layer::heights);
    let y = Axis::around("overhead, of all CPU time of the task", Unit::Share, false, heights);
    Panel { title: "Where the rest goes".to_string(), x, y, layers }
}

/// The message: from which interval on a checkpoint is worth its cost.
pub fn title(found: &Found) -> String {
    let (Some(first), Some(last)) = (found.compared.first(), found.compared.last()) else {
        return "Nothing was measured".to_string();
    };
    let works = || found.compared.iter().map(|one| one.measured);
    let (low, high) = (works().fold(1.0, f64::min), works().fold(0.0, f64::max));
    let widest = found.compared.iter().map(|one| one.error).fold(0.0, f64::max);
    if high - low <= 4.0 * widest {
        return format!(
            "From {} to {} the interval makes no difference that could be seen",
            time(first.interval),
            time(last.interval)
        );
    }
    let best = found.fitted.map(|(_, best)| best).unwrap_or_else(|| {
        let most = found.compared.iter().max_by(|a, b| a.measured.total_cmp(&b.measured));
        most.map_or(first.interval, |one| one.interval)
    });
    if best <= first.interval * 1.02 {
        return format!(
            "Down to {} shorter is better: failures cost more than checkpoints",
            time(first.interval)
        );
    }
    if best >= last.interval * 0.98 {
        return format!(
            "Up to {} longer is better: checkpoints cost more than failures",
            time(last.interval)
        );
    }
    format!("Below {} every checkpoint costs more than it saves", time(best))
}
