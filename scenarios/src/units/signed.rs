//! Quantities with a sign: how much faster a clock runs, and how far it jumps.

use stormglass_sim::time::Span;

use super::{Share, Text, UnitError};

/// How much faster than true time a clock runs, in millionths; below zero is slower.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Drift(pub i32);

/// How far a clock jumps ahead, in nanoseconds; below zero is back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Step(pub i64);

/// A text without its sign, and whether that was a minus.
fn split(text: &str) -> (bool, &str) {
    let text = text.trim();
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The mistake in a magnitude, told of the whole text and with a sign in the example.
fn of<T: Text>(error: UnitError, text: &str, example: &str) -> UnitError {
    let help = error.help.replace(&format!("\"{example}\""), &format!("\"{}\"", T::EXAMPLE));
    let message = error.message.replace(&format!("`{}`", split(text).1), &format!("`{text}`"));
    UnitError { message, help }
}

impl Text for Drift {
    const WHAT: &'static str = "a share";
    const EXAMPLE: &'static str = "-10%";
    const PATTERN: &'static str = r"^[+-]?[0-9]+(\.[0-9]+)? *(%|ppm)$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        let (below, magnitude) = split(text);
        let Share(ppm) =
            Share::parse(magnitude).map_err(|error| of::<Self>(error, text, Share::EXAMPLE))?;
        let ppm = ppm as i32;
        Ok(Drift(if below { -ppm } else { ppm }))
    }
    fn print(&self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("{sign}{}", Share(self.0.unsigned_abs()).print())
    }
}

impl Text for Step {
    const WHAT: &'static str = "a duration";
    const EXAMPLE: &'static str = "-2s";
    const PATTERN: &'static str = r"^[+-]?[0-9]+(\.[0-9]+)? *(ns|us|ms|s|min|h)$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        let (below, magnitude) = split(text);
        let span =
            Span::parse(magnitude).map_err(|error| of::<Self>(error, text, Span::EXAMPLE))?;
        let Ok(nanos) = i64::try_from(span.as_nanos()) else {
            let message = format!("`{text}` is too large");
            return Err(UnitError::new(message, "write less than 292 years"));
        };
        Ok(Step(if below { -nanos } else { nanos }))
    }
    fn print(&self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("{sign}{}", Span::nanos(self.0.unsigned_abs()))
    }
}
