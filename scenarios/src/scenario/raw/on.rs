//! Triggers as they are written, in scenarios and in plans.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::StrDeserializer;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

use crate::scenario::on::{Event, Mistake, On, Tasks};
use crate::scenario::{EventKind, Phase, Target};
use crate::units::{Form, Quantity, Share, Text};

/// What a fault waits for: as soon as something that meets every condition has been observed so
/// many times. `N` is a number, `T` a time.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, bound = "N: Text, T: Text")]
#[schemars(rename = "On", bound = "N: Text, T: Text")]
pub(in crate::scenario) struct RawOn<N: Text, T: Text> {
    /// What is observed: this, or `phase`.
    pub event: Option<Quantity<EventKind>>,
    /// The phase that is entered: this, or `event`.
    pub phase: Option<Quantity<Phase>>,
    /// The how-manieth, counted from 1: a number or a range such as "3..9". Default 1, if there is
    /// any condition.
    pub nth: Option<Quantity<N>>,
    /// So much of the tasks of a checkpoint or a generation make one time: "50%".
    pub share: Option<Quantity<Share>>,
    /// All tasks but so many make one time.
    pub left: Option<Quantity<u16>>,
    /// Of this checkpoint alone: its number, or a range of which the seed draws one.
    pub checkpoint: Option<Quantity<N>>,
    /// Of this generation alone: its number, or a range of which the seed draws one.
    pub generation: Option<Quantity<N>>,
    /// Of a task of this component alone.
    pub of: Option<String>,
    /// Observed by this one alone: a role, a process, "leader", "worker-of:count", ...
    pub by: Option<Quantity<Target>>,
    /// A phase or a list of phases: each protocol of which any are named is in one of them.
    pub r#while: Option<OneOrMore<Phase>>,
    /// Nothing counts before: "30s", "20%..40%" of the input's duration, or "storm" for any time of
    /// the storm.
    pub since: Option<Quantity<T>>,
    /// Nothing counts before this has come.
    pub after: Option<Box<RawOn<N, T>>>,
}

impl<N: Text + Clone, T: Text> RawOn<N, T> {
    /// The trigger; `once` is the number that stands for one time.
    pub(in crate::scenario) fn lower<F>(self, once: N) -> Result<On<F, T>, Mistake>
    where
        F: Form<Of<u32> = N>,
    {
        let event = match (self.event, self.phase) {
            (Some(Quantity(kind)), None) => Event::Seen(kind),
            (None, Some(Quantity(phase))) => Event::Entered(phase),
            (Some(_), Some(_)) => {
                let message = "the trigger waits for two things at once";
                let help = "leave out `event` or `phase`; a phase may stand in `while`";
                return Err(Mistake::new("phase", message, help));
            }
            (None, None) => {
                let message = "the trigger does not say what it waits for";
                return Err(Mistake::new("", message, "give it an `event` or a `phase`"));
            }
        };
        let tasks = match (self.share, self.left) {
            (Some(_), Some(_)) => {
                let message = "the trigger says twice how many tasks";
                return Err(Mistake::new("left", message, "leave out `share` or `left`"));
            }
            (Some(Quantity(share)), None) => Some(Tasks::Share(share)),
            (None, left) => left.map(|Quantity(left)| Tasks::Left(left)),
        };
        let after = match self.after {
            Some(after) => Some(Box::new((*after).lower(once.clone()).map_err(|mistake| {
                let dot = if mistake.key.is_empty() { "" } else { "." };
                Mistake { key: format!("after{dot}{}", mistake.key), ..mistake }
            })?)),
            None => None,
        };
        let nth = self.nth.map(|Quantity(nth)| nth);
        let on = On {
            event,
            nth: nth.clone().unwrap_or(once),
            tasks,
            checkpoint: self.checkpoint.map(|Quantity(number)| number),
            generation: self.generation.map(|Quantity(number)| number),
            of: self.of,
            by: self.by.map(|Quantity(by)| by),
            during: self.r#while.map(|OneOrMore(phases)| phases).unwrap_or_default(),
            since: self.since.map(|Quantity(since)| since),
            after,
        };
        match (nth, on.plain()) {
            (None, Some(kind)) => {
                let message = format!("the trigger does not say which `{kind}`");
                Err(Mistake::new("", message, "give it `nth`, or a condition"))
            }
            _ => Ok(on),
        }
    }
}

/// One value, or a list of them.
#[derive(Debug)]
pub(in crate::scenario) struct OneOrMore<T>(pub Vec<T>);

impl<'de, T: Text> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Text> Visitor<'de> for Reader<T> {
            type Value = Vec<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} or a list of them", T::WHAT)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<T>, E> {
                let one = Quantity::deserialize(StrDeserializer::new(text))?;
                Ok(vec![one.0])
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(Quantity(one)) = list.next_element()? {
                    all.push(one);
                }
                Ok(all)
            }
        }
        deserializer.deserialize_any(Reader(PhantomData)).map(OneOrMore)
    }
}

impl<T: Text> JsonSchema for OneOrMore<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::WHAT.into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = Quantity::<T>::json_schema(generator);
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}
