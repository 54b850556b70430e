//! Numbers with units, as people write them in scenarios: `"2s"`, `"1Gbit/s"`, `"5k/s"`, `"0.1%"`.
//!
//! Every quantity is exact: what does not fit a whole number of nanoseconds, bytes or millionths is
//! refused, not rounded. [`Text`] is the one interface: a type that is written as text, with the
//! sentence that a wrong text deserves.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use stormglass_sim::time::Span;

mod form;
mod signed;
#[cfg(test)]
mod tests;

pub(crate) use form::rounded;
pub use form::{Drawn, Form, Quantum, Stated};
pub use signed::{Drift, Step};

/// Why a text is not the quantity that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitError {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

impl UnitError {
    /// A mistake and its remedy.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        UnitError { message: message.into(), help: help.into() }
    }
}

/// Message, a line break, help: how the two travel through serde.
impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.message, self.help)
    }
}

/// A value that people write as text.
pub trait Text: Sized {
    /// What it is, with its article: `a duration`.
    const WHAT: &'static str;
    /// A text that is right.
    const EXAMPLE: &'static str;
    /// A regular expression that every right text matches.
    const PATTERN: &'static str;
    /// All texts that are right, if they are few.
    const NAMES: &'static [&'static str] = &[];

    /// Reads it.
    ///
    /// # Errors
    /// If the text is not one; the error says what would be.
    fn parse(text: &str) -> Result<Self, UnitError>;
    /// Writes it so that [`Text::parse`] reads the same value.
    fn print(&self) -> String;
    /// The value of a bare number, where that needs no unit.
    fn from_number(_number: u64) -> Option<Self> {
        None
    }
    /// The bare number that JSON holds in the place of the text.
    fn as_number(&self) -> Option<u64> {
        None
    }
}

/// A closed range of which a seed draws one value; a single value if both ends are equal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Between<T> {
    /// The least value.
    pub min: T,
    /// The greatest value. Invariant: not less than `min`.
    pub max: T,
}

impl<T: Copy> Between<T> {
    /// Always this value.
    pub const fn just(value: T) -> Self {
        Between { min: value, max: value }
    }
}
impl Between<u32> {
    /// Any number.
    pub const ANY: Self = Between { min: 0, max: u32::MAX };
}
impl<T> From<std::ops::RangeInclusive<T>> for Between<T> {
    fn from(range: std::ops::RangeInclusive<T>) -> Self {
        let (min, max) = range.into_inner();
        Between { min, max }
    }
}

/// A rate of records: so many in each span of time, exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// How many records. Invariant: at least 1.
    pub records: u64,
    /// In how long: a second or a minute.
    pub per: Span,
}

impl Rate {
    /// `records` a virtual second.
    pub const fn a_second(records: u64) -> Self {
        Rate { records, per: Span::secs(1) }
    }
    /// How long `records` records take.
    pub fn time_for(self, records: u64) -> Span {
        self.per.scale(records, self.records)
    }
}

/// Bytes a second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Bandwidth(pub u64);

/// A number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Size(pub u64);

/// A share of a whole in millionths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Share(pub u32);

impl Share {
    /// So many percent.
    pub const fn percent(n: u32) -> Self {
        Share(n * 10_000)
    }
}

const TIME: &[(&str, u128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];
/// In bits a second.
const BANDWIDTH: &[(&str, u128)] = &[
    ("bit/s", 1),
    ("kbit/s", 1_000),
    ("Mbit/s", 1_000_000),
    ("Gbit/s", 1_000_000_000),
    ("B/s", 8),
    ("kB/s", 8_000),
    ("MB/s", 8_000_000),
    ("GB/s", 8_000_000_000),
    ("KiB/s", 8 << 10),
    ("MiB/s", 8 << 20),
    ("GiB/s", 8 << 30),
];
const SIZE: &[(&str, u128)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];
/// In records a minute.
const RATE: &[(&str, u128)] =
    &[("/s", 60), ("k/s", 60_000), ("M/s", 60_000_000), ("/min", 1), ("k/min", 1_000)];
const SHARE: &[(&str, u128)] = &[("%", 10_000), ("ppm", 1)];

/// Reads a decimal number and its unit, exactly: `number * factor(unit) / divisor`.
fn measure<T: Text>(
    text: &str,
    units: &[(&str, u128)],
    divisor: u128,
    finest: &str,
) -> Result<u64, UnitError> {
    let names = || units.iter().map(|(name, _)| *name);
    let list = || {
        let names: Vec<&str> = names().collect();
        format!("write {} such as \"{}\"; units are {}", T::WHAT, T::EXAMPLE, names.join(", "))
    };
    let wrong = |message: String| UnitError::new(message, list());
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..unit_at], text[unit_at..].trim_start());
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let bad_point = number.contains('.') && decimals.is_empty();
    if whole.is_empty() || bad_point || !digits(whole) || !digits(decimals) {
        return Err(wrong(format!("`{text}` is not {}", T::WHAT)));
    }
    if unit.is_empty() {
        return Err(wrong(format!("`{text}` has no unit")));
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        let message = format!("`{unit}` is not a unit of {}", T::WHAT.trim_start_matches("a "));
        // Bits and bytes are near as words and far as units: only the case may differ.
        let near = names().find(|name| name.eq_ignore_ascii_case(unit));
        let help = near.map_or_else(list, |near| format!("did you mean `{near}`?"));
        return Err(UnitError::new(message, help));
    };
    let too_large = || wrong(format!("`{text}` is too large"));
    if whole.len() + decimals.len() > 20 {
        return Err(too_large());
    }
    let mantissa: u128 = format!("{whole}{decimals}").parse().map_err(|_| too_large())?;
    let below = divisor * 10u128.pow(decimals.len() as u32);
    let above = mantissa * factor;
    if !above.is_multiple_of(below) {
        return Err(wrong(format!("`{text}` is not a whole number of {finest}")));
    }
    u64::try_from(above / below).map_err(|_| too_large())
}

/// Writes `value` in the largest unit that divides it.
fn in_units(value: u64, units: &[(&str, u128)]) -> String {
    let value = u128::from(value);
    let fits = units.iter().filter(|(_, factor)| value % factor == 0 && value >= *factor);
    match fits.max_by_key(|(_, factor)| *factor) {
        Some((name, factor)) => format!("{}{name}", value / factor),
        None => format!("{value}{}", units[0].0),
    }
}

impl Text for Span {
    const WHAT: &'static str = "a duration";
    const EXAMPLE: &'static str = "2s";
    const PATTERN: &'static str = r"^[0-9]+(\.[0-9]+)? *(ns|us|ms|s|min|h)$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        measure::<Self>(text, TIME, 1, "nanoseconds").map(Span::nanos)
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

impl Text for Bandwidth {
    const WHAT: &'static str = "a bandwidth";
    const EXAMPLE: &'static str = "1Gbit/s";
    const PATTERN: &'static str = r"^[0-9]+(\.[0-9]+)? *([kMG]?bit/s|[kMG]?B/s|[KMG]iB/s)$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        measure::<Self>(text, BANDWIDTH, 8, "bytes a second").map(Bandwidth)
    }
    fn print(&self) -> String {
        in_units(self.0, &[("B/s", 1), ("kB/s", 1_000), ("MB/s", 1_000_000)])
    }
}

impl Text for Size {
    const WHAT: &'static str = "a size";
    const EXAMPLE: &'static str = "64MiB";
    const PATTERN: &'static str = r"^[0-9]+(\.[0-9]+)? *([kMGT]?B|[KMGT]iB)$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        measure::<Self>(text, SIZE, 1, "bytes").map(Size)
    }
    fn print(&self) -> String {
        in_units(self.0, SIZE)
    }
}

impl Text for Rate {
    const WHAT: &'static str = "a rate";
    const EXAMPLE: &'static str = "200/s";
    const PATTERN: &'static str = r"^[0-9]+(\.[0-9]+)? *([kM]?/s|k?/min)$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        let a_minute = measure::<Self>(text, RATE, 1, "records a minute")?;
        match a_minute {
            0 => Err(UnitError::new(
                format!("`{text}` never lets a record arrive"),
                "write a rate above zero, such as \"200/s\"",
            )),
            n if n % 60 == 0 => Ok(Rate::a_second(n / 60)),
            n => Ok(Rate { records: n, per: Span::secs(60) }),
        }
    }
    fn print(&self) -> String {
        let unit = if self.per == Span::secs(60) { "min" } else { "s" };
        format!("{}/{unit}", self.records)
    }
}

impl Text for Share {
    const WHAT: &'static str = "a share";
    const EXAMPLE: &'static str = "0.1%";
    const PATTERN: &'static str = r"^[0-9]+(\.[0-9]+)? *(%|ppm)$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        let ppm = measure::<Self>(text, SHARE, 1, "millionths")?;
        match u32::try_from(ppm) {
            Ok(ppm) if ppm <= 1_000_000 => Ok(Share(ppm)),
            _ => Err(UnitError::new(
                format!("`{text}` is more than the whole"),
                "write a share of at most \"100%\"",
            )),
        }
    }
    fn print(&self) -> String {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        match rest {
            0 => format!("{whole}%"),
            rest => format!("{}%", format!("{whole}.{rest:04}").trim_end_matches('0')),
        }
    }
}

/// Whole numbers without a unit.
macro_rules! whole {
    ($($number:ident)*) => {$(
        impl Text for $number {
            const WHAT: &'static str = "a whole number";
            const EXAMPLE: &'static str = "7";
            const PATTERN: &'static str = "^[0-9]+$";

            fn parse(text: &str) -> Result<Self, UnitError> {
                text.trim().parse().map_err(|_| {
                    let above = u64::from($number::MAX) + 1;
                    let message = format!("`{text}` is not a whole number below {above}");
                    UnitError::new(message, "write it in digits, such as 7")
                })
            }
            fn print(&self) -> String {
                self.to_string()
            }
            fn from_number(number: u64) -> Option<Self> {
                $number::try_from(number).ok()
            }
            fn as_number(&self) -> Option<u64> {
                Some((*self).into())
            }
        }
    )*};
}
whole!(u16 u32);

impl<T: Text + Copy + PartialOrd> Text for Between<T> {
    const WHAT: &'static str = T::WHAT;
    const EXAMPLE: &'static str = T::EXAMPLE;
    const PATTERN: &'static str = r"^[+-]?[0-9][^.]*(\.[^.]+)?(\.\.[+-]?[0-9].*)?$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        let Some((min, max)) = text.split_once("..") else {
            return T::parse(text).map(Between::just);
        };
        let (min, max) = (T::parse(min)?, T::parse(max)?);
        if min > max {
            return Err(UnitError::new(
                format!("the range `{text}` ends before it begins"),
                format!("write \"{}..{}\"", max.print(), min.print()),
            ));
        }
        Ok(Between { min, max })
    }
    fn print(&self) -> String {
        let (min, max) = (self.min.print(), self.max.print());
        if min == max { min } else { format!("{min}..{max}") }
    }
    fn from_number(number: u64) -> Option<Self> {
        T::from_number(number).map(Between::just)
    }
}

impl<T: Text + Copy + PartialOrd> Serialize for Between<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        text::serialize(self, serializer)
    }
}
impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        text::serialize(self, serializer)
    }
}

/// A [`Text`] as serde reads it: a string, or a number where no unit is needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity<T>(pub T);

impl<'de, T: Text> Deserialize<'de> for Quantity<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<T: Text> Visitor<'_> for Reader<T> {
            type Value = T;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} such as \"{}\"", T::WHAT, T::EXAMPLE)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
                T::parse(text).map_err(E::custom)
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<T, E> {
                let value = u64::try_from(number).ok().and_then(T::from_number);
                value.ok_or_else(|| unitless::<T, E>(&number))
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<T, E> {
                T::from_number(number).ok_or_else(|| unitless::<T, E>(&number))
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<T, E> {
                Err(unitless::<T, E>(&number))
            }
        }
        fn unitless<T: Text, E: serde::de::Error>(number: &dyn fmt::Display) -> E {
            E::custom(UnitError::new(
                format!("`{number}` is not {}", T::WHAT),
                format!("write {} such as \"{}\"", T::WHAT, T::EXAMPLE),
            ))
        }
        deserializer.deserialize_any(Reader(PhantomData)).map(Quantity)
    }
}

impl<T: Text> JsonSchema for Quantity<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::WHAT.into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        if !T::NAMES.is_empty() {
            return json_schema!({ "type": "string", "enum": T::NAMES });
        }
        let text = json_schema!({
            "type": "string", "pattern": T::PATTERN, "examples": [T::EXAMPLE]
        });
        match T::from_number(1) {
            None => text,
            Some(_) => json_schema!({ "anyOf": [{ "type": "integer", "minimum": 0 }, text] }),
        }
    }
}

/// For `#[serde(with = "text")]`: a field that is written as its [`Text`].
pub mod text {
    use super::{Deserialize, Deserializer, Quantity, Serializer, Text};

    /// Writes the text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: Text, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        match value.as_number() {
            Some(number) => serializer.serialize_u64(number),
            None => serializer.serialize_str(&value.print()),
        }
    }
    /// Reads the text.
    ///
    /// # Errors
    /// If it is not a `T`.
    pub fn deserialize<'de, T: Text, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        Quantity::deserialize(from).map(|quantity| quantity.0)
    }
}

/// Serializes a table of [`Text`]s by name: `#[serde(serialize_with = "texts")]`.
///
/// # Errors
/// Those of the serializer.
pub fn texts<K: ToString, T: Text, S: Serializer>(
    values: &std::collections::BTreeMap<K, T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(values.iter().map(|(name, value)| (name.to_string(), value.print())))
}

/// For `#[serde(with = "text_option")]`: the same for what may be absent.
pub mod text_option {
    use super::{Deserialize, Deserializer, Quantity, Serializer, Text};

    /// Writes the text, or nothing.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: Text, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.serialize_some(&value.print()),
            None => serializer.serialize_none(),
        }
    }
    /// Reads the text, or nothing.
    ///
    /// # Errors
    /// If it is not a `T`.
    pub fn deserialize<'de, T: Text, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        Ok(Option::<Quantity<T>>::deserialize(from)?.map(|quantity| quantity.0))
    }
}

/// A closed set of names: an enum that is written in kebab-case.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident, $what:literal, $plural:literal:
        $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }
        impl $name {
            /// Every one.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];
            /// Its name, as people write it.
            pub const fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)+
                }
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.name())
            }
        }
        impl $crate::units::Text for $name {
            const WHAT: &'static str = $what;
            const EXAMPLE: &'static str = [$($text,)+][0];
            const PATTERN: &'static str = "^[a-z-]+$";
            const NAMES: &'static [&'static str] = &[$($text,)+];
            fn parse(text: &str) -> Result<Self, $crate::units::UnitError> {
                let found = Self::ALL.iter().find(|one| one.name() == text).copied();
                found.ok_or_else(|| {
                    let message = format!(concat!("`{}` is not ", $what), text);
                    let help = $crate::problem::suggest(text, Self::NAMES.iter().copied(), $plural);
                    $crate::units::UnitError::new(message, help)
                })
            }
            fn print(&self) -> String {
                self.name().to_string()
            }
        }
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.name())
            }
        }
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::units::text::deserialize(from)
            }
        }
    };
}
pub(crate) use names;
