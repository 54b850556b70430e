//! The best interval between checkpoints, by formula.
//!
//! All times of a formula are in one unit, whichever. `cost` is for how long a checkpoint stops
//! processing, `mtbf` the mean time between failures, `restart` how long a failure stops it. What
//! the formulas give is `tau`, the *computing time* between two checkpoints; the *period*, from
//! one trigger to the next, is `tau + cost`, and that is what settings call the interval.
//!
//! They assume that failures are Poisson, that cost and restart are fixed and that there is always
//! something to process.

/// The branch point of Lambert's W: the least argument that has a real value.
const BRANCH: f64 = -1.0 / core::f64::consts::E;
/// Steps of Halley's iteration: three are enough from the first guess, anywhere.
const STEPS: u32 = 6;

/// J. W. Young, "A first order approximation to the optimum checkpoint interval" (1974).
pub fn young(cost: f64, mtbf: f64) -> f64 {
    libm::sqrt(2.0 * cost * mtbf)
}

/// J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps"
/// (2006): his first-order estimate.
pub fn daly_first_order(cost: f64, mtbf: f64, restart: f64) -> f64 {
    libm::sqrt(2.0 * cost * (mtbf + restart)) - cost
}

/// Daly's higher-order estimate, from the same paper.
pub fn daly(cost: f64, mtbf: f64) -> f64 {
    if cost >= 2.0 * mtbf {
        return mtbf;
    }
    let part = cost / (2.0 * mtbf);
    young(cost, mtbf) * (1.0 + libm::sqrt(part) / 3.0 + part / 9.0) - cost
}

/// The exact optimum: where [`useful_work`] has its maximum, whatever the restart takes
/// (Jayasekara, Karunasekera and Harwood, 2019).
pub fn optimum(cost: f64, mtbf: f64) -> f64 {
    mtbf * (1.0 + lambert_w0(-libm::exp(-cost / mtbf - 1.0)))
}

/// The share of time that is spent on what is never done again, at a period from trigger to
/// trigger. A failure stops processing for `restart`, which other failures may strike, too, and
/// begin anew.
///
/// It is 0 where the period leaves no time beside the cost.
pub fn useful_work(period: f64, cost: f64, mtbf: f64, restart: f64) -> f64 {
    if period <= cost {
        return 0.0;
    }
    (period - cost) / mtbf / (libm::exp(restart / mtbf) * libm::expm1(period / mtbf))
}

/// A restart that no failure strikes, as the one for [`useful_work`] that costs as much: who is
/// down cannot fail again. Both have the same optimum.
pub fn undisturbed(restart: f64, mtbf: f64) -> f64 {
    mtbf * libm::log1p(restart / mtbf)
}

/// The principal branch of Lambert's W: the `w >= -1` with `w * exp(w) = x`. Below the branch point
/// at `-1/e`, which an argument may miss by its last bit, it is -1.
pub fn lambert_w0(x: f64) -> f64 {
    if x <= BRANCH {
        return -1.0;
    }
    // Corless et al., "On the Lambert W function" (1996), 4.22: the series about the branch point.
    let p = libm::sqrt((2.0 * (core::f64::consts::E * x + 1.0)).max(0.0));
    if p < 1e-3 {
        // Halley's step would divide by nearly nothing here, and the series is exact.
        return -1.0 + p * (1.0 + p * (-1.0 / 3.0 + p * (11.0 / 72.0 - p * 43.0 / 540.0)));
    }
    let mut w = if x < -0.2 {
        -1.0 + p * (1.0 + p * (-1.0 / 3.0 + p * (11.0 / 72.0)))
    } else if x < core::f64::consts::E {
        libm::log1p(x) * (1.0 - libm::log1p(libm::log1p(x)) / (2.0 + libm::log1p(x)))
    } else {
        libm::log(x) - libm::log(libm::log(x))
    };
    for _ in 0..STEPS {
        let power = libm::exp(w);
        let off = w * power - x;
        w -= off / (power * (w + 1.0) - (w + 2.0) * off / (2.0 * w + 2.0));
    }
    w
}

#[cfg(test)]
mod tests;
