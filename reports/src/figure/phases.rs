//! Outages in their five phases, against a number.

use stormglass_scenarios::sweep::facts::Measure;
use stormglass_scenarios::sweep::grid::Axis as Varied;
use stormglass_scenarios::sweep::statistics::Summary;

use super::Seen;
use crate::plot::{Axis, Colour, Dash, Hatch, Layer, Look, Mark, Panel, Plot, quantity};

#[cfg(test)]
mod tests;

/// The phases, from the first one on.
const PHASES: [(Measure, Colour, Hatch); 5] = [
    (Measure::Detection, Colour::Vermillion, Hatch::Plain),
    (Measure::Decision, Colour::Purple, Hatch::Crossed),
    (Measure::Restore, Colour::Orange, Hatch::Rising),
    (Measure::Replay, Colour::Blue, Hatch::Plain),
    (Measure::CatchUp, Colour::Sky, Hatch::Falling),
];

/// What outages were like at one number, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outages {
    /// The number.
    pub x: f64,
    /// The median of each phase.
    pub phases: [f64; 5],
    /// The whole.
    pub whole: Summary,
}

impl Outages {
    /// The share of what is done again, and of what has come meanwhile, in the medians.
    fn again(&self) -> f64 {
        let all: f64 = self.phases.iter().sum();
        (self.phases[3] + self.phases[4]) / all.max(1e-12)
    }
}

/// The plot.
pub fn plot(seen: &Seen<'_>) -> Plot {
    let axis = &seen.swept.grid.axes[0];
    let others = vec![0; seen.swept.grid.axes.len() - 1];
    let outages = |(x, point): (f64, &stormglass_scenarios::sweep::Point)| Outages {
        x,
        phases: PHASES.map(|(measure, ..)| point.summary(measure).p50),
        whole: point.summary(Measure::Outage),
    };
    let all = seen.swept.along(0, &others).into_iter().map(outages);
    let all: Vec<Outages> = all.filter(|outages| outages.whole.samples > 0).collect();
    let samples: u64 = all.iter().map(|outages| outages.whole.samples).sum();
    let subtitle = format!(
        "{}: from a fault until the job has caught up, against {}. Bars are the medians of the \
         phases, one upon the other; whiskers reach from the 5th to the 95th percentile of the \
         whole, with its median. {} outages.",
        seen.scenario.name,
        axis.name,
        crate::words::count(samples)
    );
    Plot {
        title: title(axis, &all),
        subtitle,
        legend: Vec::new(),
        panels: vec![panel(axis, &all)],
        columns: 1,
        notes: seen.notes.to_vec(),
    }
}

fn panel(axis: &Varied, all: &[Outages]) -> Panel {
    let mut layers = Vec::new();
    for (at, (measure, colour, hatch)) in PHASES.into_iter().enumerate() {
        let points = all.iter().map(|outages| {
            let below: f64 = outages.phases[..at].iter().sum();
            (outages.x, below, below + outages.phases[at])
        });
        let look = Look::new(colour, Dash::Solid, Mark::None, hatch);
        let label = measure.label().to_string();
        layers.push(Layer::Bars { points: points.collect(), look, label });
    }
    let whole = all.iter().map(|one| (one.x, one.whole.p50, one.whole.p5, one.whole.p95));
    let look = Look::new(Colour::Ink, Dash::Solid, Mark::Diamond, Hatch::Plain);
    layers.push(Layer::Marks { points: whole.collect(), look, label: String::new() });
    let numbers = || all.iter().map(|outages| outages.x);
    let log = Axis::wants_log(numbers());
    // Room for half a bar at both ends.
    let mut x = Axis::around(&axis.name, axis.unit, log, numbers());
    if log && all.len() > 1 {
        let (first, last) = (all[0].x, all[all.len() - 1].x);
        let half = libm::pow(last / first, 0.5 / (all.len() - 1) as f64);
        (x.from, x.to) = (first / half, last * half);
    }
    let heights = layers.iter().flat_map(Layer::heights);
    let unit = Measure::Outage.unit();
    let y = Axis::around("length of an outage", unit, false, heights);
    Panel { title: String::new(), x, y, layers }
}

/// The message: how outages grow, and what they mostly are.
pub fn title(axis: &Varied, all: &[Outages]) -> String {
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return "No outage ended by itself".to_string();
    };
    let time = |seconds: f64| quantity(seconds, Measure::Outage.unit());
    let place = |x: f64| quantity(x, axis.unit);
    let (short, long) = (first.whole.p50, last.whole.p50);
    let grows = if long > short * 1.25 {
        format!("Outages grow from {} to {} with the {}", time(short), time(long), axis.name)
    } else if long * 1.25 < short {
        format!("Outages shrink from {} to {} as the {} grows", time(short), time(long), axis.name)
    } else {
        format!("Outages last {} whatever the {}", time(long), axis.name)
    };
    let mostly = all.iter().position(|outages| outages.again() > 0.5);
    let stays = |from: usize| all[from..].iter().all(|outages| outages.again() > 0.5);
    match mostly {
        Some(0) if stays(0) => format!("{grows}; most of each is work done again and catching up"),
        Some(from) if stays(from) => {
            let x = place(all[from].x);
            format!("{grows}; from {x} on most of each is work done again and catching up")
        }
        _ => {
            let sums: Vec<f64> =
                (0..5).map(|phase| all.iter().map(|one| one.phases[phase]).sum()).collect();
            let (most, _) = sums
                .iter()
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(b.1))
                .expect("there are five phases");
            format!("{grows}; {} is the longest part", PHASES[most].0.label())
        }
    }
}
