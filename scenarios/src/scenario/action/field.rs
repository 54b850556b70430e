//! The kinds of an action's fields: how each is stated, drawn, written and told.

use std::fmt::Debug;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::Serializer;
use stormglass_sim::time::Span;

use super::Pick;
use super::words::Word;
use crate::scenario::Target;
use crate::units::{Between, Drawn, Form, Quantity, Quantum, Stated, Text, text};

/// A kind of fields.
pub trait Field {
    /// The value in a scenario or in a plan.
    type Of<F: Form>: Written + Clone + Debug + PartialEq + Eq;
    /// The value as it is written in TOML.
    type Raw: DeserializeOwned + JsonSchema + Debug;
    /// A value that is right.
    const EXAMPLE: &'static str;
    /// Whether it may be left out.
    const OPTIONAL: bool = false;

    /// From what is written.
    fn stated(raw: Self::Raw) -> Self::Of<Stated>;
    /// In another form; `to` takes the place of a receiving end.
    fn map<F: Form, G: Form>(
        key: &'static str,
        from: &Self::Of<F>,
        to: Option<&Target>,
        pick: &mut impl Pick<F, G>,
    ) -> Self::Of<G>;
    /// For people.
    fn words(value: &Self::Of<Drawn>) -> String;
    /// What of it tells kinds of faults apart, with a space before it.
    fn detail(_value: &Self::Of<Drawn>) -> String {
        String::new()
    }
    /// The receiving end, if it is one.
    fn end<F: Form>(_value: &Self::Of<F>) -> Option<&Target> {
        None
    }
    /// How long the action lasts, if it says so.
    fn lasting<F: Form>(_value: &Self::Of<F>) -> Option<&F::Of<Span>> {
        None
    }
}

/// A quantity of which a seed draws one.
#[derive(Debug)]
pub struct Each<T>(PhantomData<T>);
/// A duration that is the action's own.
#[derive(Debug)]
pub struct Lasting;
/// The same for a process that may be left to its supervisor.
#[derive(Debug)]
pub struct Down;
/// The receiving end of a link.
#[derive(Debug)]
pub struct End;
/// The receiving end of a link, if only that one is meant.
#[derive(Debug)]
pub struct MaybeEnd;
/// What may be left out.
#[derive(Debug)]
pub struct Maybe<K>(PhantomData<K>);
/// One of a closed set; nothing is drawn.
#[derive(Debug)]
pub struct Plain<T>(PhantomData<T>);
/// Whether both directions of a link are meant.
#[derive(Debug)]
pub struct Symmetric;

impl<T: Quantum + Word> Field for Each<T> {
    type Of<F: Form> = F::Of<T>;
    type Raw = Quantity<Between<T>>;
    const EXAMPLE: &'static str = T::EXAMPLE;

    fn stated(raw: Self::Raw) -> Between<T> {
        raw.0
    }
    fn map<F: Form, G: Form>(
        key: &'static str,
        from: &F::Of<T>,
        _to: Option<&Target>,
        pick: &mut impl Pick<F, G>,
    ) -> G::Of<T> {
        pick.pick(key, from)
    }
    fn words(value: &T) -> String {
        value.word()
    }
}

impl Field for Lasting {
    type Of<F: Form> = F::Of<Span>;
    type Raw = Quantity<Between<Span>>;
    const EXAMPLE: &'static str = Span::EXAMPLE;

    fn stated(raw: Self::Raw) -> Between<Span> {
        raw.0
    }
    fn map<F: Form, G: Form>(
        key: &'static str,
        from: &F::Of<Span>,
        _to: Option<&Target>,
        pick: &mut impl Pick<F, G>,
    ) -> G::Of<Span> {
        pick.pick(key, from)
    }
    fn words(value: &Span) -> String {
        value.word()
    }
    fn lasting<F: Form>(value: &F::Of<Span>) -> Option<&F::Of<Span>> {
        Some(value)
    }
}

impl Field for Down {
    type Of<F: Form> = Option<F::Of<Span>>;
    type Raw = Option<Quantity<Between<Span>>>;
    const EXAMPLE: &'static str = Span::EXAMPLE;
    const OPTIONAL: bool = true;

    fn stated(raw: Self::Raw) -> Option<Between<Span>> {
        raw.map(|down| down.0)
    }
    fn map<F: Form, G: Form>(
        key: &'static str,
        from: &Option<F::Of<Span>>,
        _to: Option<&Target>,
        pick: &mut impl Pick<F, G>,
    ) -> Option<G::Of<Span>> {
        from.as_ref().map(|down| pick.pick::<Span>(key, down))
    }
    fn words(value: &Option<Span>) -> String {
        value.map_or_else(String::new, |down| format!(", down {}", Word::word(&down)))
    }
    fn lasting<F: Form>(value: &Option<F::Of<Span>>) -> Option<&F::Of<Span>> {
        value.as_ref()
    }
}

impl Field for End {
    type Of<F: Form> = Target;
    type Raw = Quantity<Target>;
    const EXAMPLE: &'static str = Target::EXAMPLE;

    fn stated(raw: Self::Raw) -> Target {
        raw.0
    }
    fn map<F: Form, G: Form>(
        _key: &'static str,
        from: &Target,
        to: Option<&Target>,
        _pick: &mut impl Pick<F, G>,
    ) -> Target {
        to.unwrap_or(from).clone()
    }
    fn words(value: &Target) -> String {
        value.to_string()
    }
    fn detail(value: &Target) -> String {
        format!(" to {}", value.kind())
    }
    fn end<F: Form>(value: &Target) -> Option<&Target> {
        Some(value)
    }
}

impl Field for MaybeEnd {
    type Of<F: Form> = Option<Target>;
    type Raw = Option<Quantity<Target>>;
    const EXAMPLE: &'static str = Target::EXAMPLE;
    const OPTIONAL: bool = true;

    fn stated(raw: Self::Raw) -> Option<Target> {
        raw.map(|to| to.0)
    }
    fn map<F: Form, G: Form>(
        _key: &'static str,
        from: &Option<Target>,
        to: Option<&Target>,
        _pick: &mut impl Pick<F, G>,
    ) -> Option<Target> {
        from.as_ref().map(|from| to.unwrap_or(from).clone())
    }
    fn words(value: &Option<Target>) -> String {
        value.as_ref().map_or_else(String::new, |to| format!(" to {to}"))
    }
    fn detail(value: &Option<Target>) -> String {
        value.as_ref().map_or_else(String::new, End::detail)
    }
    fn end<F: Form>(value: &Option<Target>) -> Option<&Target> {
        value.as_ref()
    }
}

impl<K: Field> Field for Maybe<K> {
    type Of<F: Form> = Option<K::Of<F>>;
    type Raw = Option<K::Raw>;
    const EXAMPLE: &'static str = K::EXAMPLE;
    const OPTIONAL: bool = true;

    fn stated(raw: Self::Raw) -> Option<K::Of<Stated>> {
        raw.map(K::stated)
    }
    fn map<F: Form, G: Form>(
        key: &'static str,
        from: &Option<K::Of<F>>,
        to: Option<&Target>,
        pick: &mut impl Pick<F, G>,
    ) -> Option<K::Of<G>> {
        from.as_ref().map(|from| K::map::<F, G>(key, from, to, pick))
    }
    fn words(value: &Option<K::Of<Drawn>>) -> String {
        value.as_ref().map_or_else(String::new, K::words)
    }
    fn detail(value: &Option<K::Of<Drawn>>) -> String {
        value.as_ref().map_or_else(String::new, K::detail)
    }
}

impl<T: Text + Word + Copy + Debug + Eq> Field for Plain<T> {
    type Of<F: Form> = T;
    type Raw = Quantity<T>;
    const EXAMPLE: &'static str = T::EXAMPLE;

    fn stated(raw: Self::Raw) -> T {
        raw.0
    }
    fn map<F: Form, G: Form>(
        _key: &'static str,
        from: &T,
        _to: Option<&Target>,
        _pick: &mut impl Pick<F, G>,
    ) -> T {
        *from
    }
    fn words(value: &T) -> String {
        let word = value.word();
        if word.is_empty() { word } else { format!(" {word}") }
    }
    fn detail(value: &T) -> String {
        Self::words(value)
    }
}

impl Field for Symmetric {
    type Of<F: Form> = bool;
    type Raw = bool;
    const EXAMPLE: &'static str = "true";

    fn stated(raw: bool) -> bool {
        raw
    }
    fn map<F: Form, G: Form>(
        _key: &'static str,
        from: &bool,
        _to: Option<&Target>,
        _pick: &mut impl Pick<F, G>,
    ) -> bool {
        *from
    }
    fn words(value: &bool) -> String {
        if *value { "" } else { " one way" }.to_string()
    }
    fn detail(value: &bool) -> String {
        Self::words(value)
    }
}

/// A value as plans hold it: its text, its number, or nothing.
pub trait Written: Sized {
    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
    /// Reads it.
    ///
    /// # Errors
    /// If it is something else.
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

impl<T: Text> Written for T {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        text::serialize(self, to)
    }
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        text::deserialize(from)
    }
}
impl<T: Written> Written for Option<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.write(to),
            None => to.serialize_none(),
        }
    }
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::read(from).map(Some)
    }
}
impl Written for bool {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bool(*self)
    }
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        bool::deserialize(from)
    }
}

/// For `#[serde(with = "written")]`.
pub(in crate::scenario) mod written {
    use super::{Deserializer, Serializer, Written};

    pub(in crate::scenario) fn serialize<T: Written, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.write(to)
    }
    pub(in crate::scenario) fn deserialize<'de, T: Written, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        T::read(from)
    }
}
