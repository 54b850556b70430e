//! Ticks of axes, and numbers with their units.

use stormglass_scenarios::sweep::grid::Unit;

use super::Axis;

#[cfg(test)]
mod tests;

/// A place on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) at: f64,
    /// Empty for a tick between two that are labelled.
    pub(super) label: String,
}

/// Where a value stands on an axis, in even steps.
pub(super) fn position(axis: &Axis, value: f64) -> f64 {
    let value = value.clamp(axis.from, axis.to);
    if axis.log { libm::log10(value) } else { value }
}

/// The ticks of an axis, at most so many of them with labels.
pub(super) fn ticks(axis: &Axis, most: usize) -> Vec<Tick> {
    if axis.log {
        let ticks = ratios(axis, most);
        if ticks.iter().filter(|tick| !tick.label.is_empty()).count() > 1 {
            return ticks;
        }
    }
    even(axis, most)
}

fn ratios(axis: &Axis, most: usize) -> Vec<Tick> {
    const SETS: [&[u32]; 4] = [&[1, 2, 3, 4, 5, 6, 7, 8, 9], &[1, 2, 5], &[1, 3], &[1]];
    let (from, to) = (axis.from * 0.999, axis.to * 1.001);
    let first = libm::floor(libm::log10(axis.from)) as i32;
    let last = libm::ceil(libm::log10(axis.to)) as i32;
    let all: Vec<(f64, u32, i32)> = (first..=last)
        .flat_map(|power| (1..=9).map(move |digit| (value(digit, power), digit, power)))
        .filter(|(at, ..)| (from..=to).contains(at))
        .collect();
    let fits = |set: &&&[u32]| all.iter().filter(|(_, n, _)| set.contains(n)).count() <= most;
    // Of very many decades, only each second or third has a label.
    let set = SETS.iter().find(fits).unwrap_or(&SETS[3]);
    let decades = all.iter().filter(|(_, digit, _)| *digit == 1).count();
    let each = if set.len() == 1 { decades.div_ceil(most.max(1)).max(1) as i32 } else { 1 };
    let label = |(at, digit, power): (f64, u32, i32)| {
        let told = set.contains(&digit) && power.rem_euclid(each) == 0;
        Tick { at, label: if told { short(at, axis.unit) } else { String::new() } }
    };
    all.into_iter().map(label).collect()
}

/// `digit * 10^power`, as near as a number can be.
fn value(digit: u32, power: i32) -> f64 {
    let ten = libm::pow(10.0, f64::from(power.abs()));
    if power < 0 { f64::from(digit) / ten } else { f64::from(digit) * ten }
}

fn even(axis: &Axis, most: usize) -> Vec<Tick> {
    let span = axis.to - axis.from;
    if span.is_nan() || span <= 0.0 {
        return Vec::new();
    }
    let least = span / most.max(1) as f64;
    let power = libm::floor(libm::log10(least)) as i32;
    let steps = (power..power + 3).flat_map(|power| [1, 2, 5].map(|digit| value(digit, power)));
    let step = steps.into_iter().find(|step| *step >= least * 0.999).unwrap_or(span);
    let first = libm::ceil(axis.from / step - 1e-9) as i64;
    let last = libm::floor(axis.to / step + 1e-9) as i64;
    let tick = |number: i64| {
        let at = number as f64 * step;
        Tick { at, label: short(at, axis.unit) }
    };
    (first..=last).map(tick).collect()
}

/// A number with its unit as a tick has it: in few units, so that neighbours are alike.
fn short(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds if value >= 1.0 => format!("{} s", digits(value)),
        Unit::PerHour => digits(value),
        unit => quantity(value, unit),
    }
}

/// A number with its unit, in three digits: `6.68 s`, `71.4 %`, `1.2 GB`.
pub fn quantity(value: f64, unit: Unit) -> String {
    let of = |units: &[(f64, &str)]| {
        let (one, name) = units
            .iter()
            .find(|(one, _)| rounded(value) >= *one)
            .unwrap_or_else(|| units.last().expect("there are units"));
        format!("{} {name}", digits(value / one))
    };
    const BYTES: [(f64, &str); 5] =
        [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")];
    match unit {
        Unit::Seconds if value == 0.0 => "0 s".to_string(),
        Unit::Seconds if value >= 7_200.0 => format!("{} h", digits(value / 3_600.0)),
        Unit::Seconds => of(&[(1.0, "s"), (1e-3, "ms"), (1e-6, "us")]),
        Unit::Bytes => of(&BYTES),
        Unit::BytesPerSecond => of(&BYTES) + "/s",
        Unit::PerSecond => format!("{}/s", digits(value)),
        Unit::PerHour => format!("{}/h", digits(value)),
        Unit::Share => format!("{} %", digits(value * 100.0)),
        Unit::Number => digits(value),
    }
}

/// To three digits.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let power = libm::floor(libm::log10(libm::fabs(value))) as i32 - 2;
    let step = libm::pow(10.0, f64::from(power.abs()));
    match power < 0 {
        true => libm::round(value * step) / step,
        false => libm::round(value / step) * step,
    }
}

/// A number in three digits, with separators and without zeros at its end.
fn digits(value: f64) -> String {
    let value = rounded(value);
    let size = libm::fabs(value);
    let after = match size {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.1 => 3,
        _ => 4,
    };
    let text = format!("{size:.after$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let whole = crate::words::count(whole.parse().unwrap_or(u64::MAX));
    let rest = rest.trim_end_matches('0');
    let sign = if value < 0.0 { "-" } else { "" };
    match rest {
        "" => format!("{sign}{whole}"),
        rest => format!("{sign}{whole}.{rest}"),
    }
}
