//! What is said of many samples, and curves through points.

use serde::Serialize;

#[cfg(test)]
mod tests;

/// Some samples in a few numbers; all zero without a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// How many there are.
    pub samples: u64,
    /// Their mean.
    pub mean: f64,
    /// Its standard error; 0 for fewer than two.
    pub error: f64,
    /// The least.
    pub min: f64,
    /// 5 of 100 are less.
    pub p5: f64,
    /// Half of them are less.
    pub p50: f64,
    /// 95 of 100 are less.
    pub p95: f64,
    /// The greatest.
    pub max: f64,
}

impl Summary {
    /// Of samples in any order.
    pub fn of(samples: &[f64]) -> Summary {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (sorted.first(), sorted.last()) else {
            return Summary::default();
        };
        let (mean, error) = mean(samples);
        let at = |percent: f64| quantile(&sorted, percent / 100.0);
        Summary {
            samples: samples.len() as u64,
            mean,
            error,
            min: *min,
            p5: at(5.0),
            p50: at(50.0),
            p95: at(95.0),
            max: *max,
        }
    }
}

/// The mean and its standard error.
pub fn mean(samples: &[f64]) -> (f64, f64) {
    if samples.is_empty() {
        return (0.0, 0.0);
    }
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let squares: f64 = samples.iter().map(|sample| (sample - mean) * (sample - mean)).sum();
    match samples.len() {
        1 => (mean, 0.0),
        _ => (mean, libm::sqrt(squares / (n - 1.0) / n)),
    }
}

/// Of sorted samples, in a straight line between the two that are nearest.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let at = part * (sorted.len() - 1) as f64;
    let (below, rest) = (at as usize, at - libm::floor(at));
    let above = sorted[(below + 1).min(sorted.len() - 1)];
    sorted[below] + (above - sorted[below]) * rest
}

/// A point that a curve is drawn through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Where. Invariant: above 0.
    pub x: f64,
    /// What was measured there.
    pub y: f64,
    /// Its standard error; 0 if it is not known.
    pub error: f64,
}

/// A cubic in the logarithm of `x`, through points as near as their errors allow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cubic {
    /// Of the powers 0 to 3 of the centred and scaled logarithm.
    coefficients: [f64; 4],
    centre: f64,
    scale: f64,
    /// The ends of the points.
    ends: (f64, f64),
}

impl Cubic {
    /// Steps in which its greatest value is looked for.
    const STEPS: usize = 2_000;

    /// By least squares, each point weighed by its error. None for fewer than four different
    /// points.
    pub fn fit(points: &[Measured]) -> Option<Cubic> {
        let logs: Vec<f64> = points.iter().map(|point| libm::log(point.x)).collect();
        let low = logs.iter().copied().fold(f64::INFINITY, f64::min);
        let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (centre, scale) = ((low + high) / 2.0, (high - low) / 2.0);
        let known = points.iter().all(|point| point.error > 0.0);
        let (mut matrix, mut right) = ([[0.0; 4]; 4], [0.0; 4]);
        for (point, log) in points.iter().zip(&logs) {
            let z = (log - centre) / scale;
            let powers = [1.0, z, z * z, z * z * z];
            let weight = if known { 1.0 / (point.error * point.error) } else { 1.0 };
            for row in 0..4 {
                right[row] += weight * powers[row] * point.y;
                for column in 0..4 {
                    matrix[row][column] += weight * powers[row] * powers[column];
                }
            }
        }
        let coefficients = solve(matrix, right).filter(|_| scale > 0.0)?;
        Some(Cubic { coefficients, centre, scale, ends: (libm::exp(low), libm::exp(high)) })
    }

    /// Its value.
    pub fn at(&self, x: f64) -> f64 {
        let z = (libm::log(x) - self.centre) / self.scale;
        let [a, b, c, d] = self.coefficients;
        a + z * (b + z * (c + z * d))
    }

    /// Where it is greatest between the ends of its points.
    pub fn greatest(&self) -> f64 {
        let (low, high) = self.ends;
        let x = |step: usize| low * libm::pow(high / low, step as f64 / Self::STEPS as f64);
        let steps = (0..=Self::STEPS).map(x);
        steps.max_by(|a, b| self.at(*a).total_cmp(&self.at(*b))).expect("there are steps")
    }
}

/// Solves four linear equations; none if they do not determine the unknowns.
fn solve(mut matrix: [[f64; 4]; 4], mut right: [f64; 4]) -> Option<[f64; 4]> {
    for column in 0..4 {
        let size = |row: &usize| libm::fabs(matrix[*row][column]);
        let pivot = (column..4).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        let whole = matrix[0][0].max(f64::MIN_POSITIVE);
        let least = whole * 1e-12;
        if size(&pivot).is_nan() || size(&pivot) <= least {
            return None;
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..4 {
            let times = matrix[row][column] / matrix[column][column];
            let above = matrix[column];
            matrix[row].iter_mut().zip(above).for_each(|(cell, above)| *cell -= times * above);
            right[row] -= times * right[column];
        }
    }
    let mut unknowns = [0.0; 4];
    for row in (0..4).rev() {
        let known: f64 = (row + 1..4).map(|column| matrix[row][column] * unknowns[column]).sum();
        unknowns[row] = (right[row] - known) / matrix[row][row];
    }
    Some(unknowns)
}
