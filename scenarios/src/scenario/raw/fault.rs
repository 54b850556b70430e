//! Faults as they are written.

use schemars::JsonSchema;
use serde::Deserialize;
use stormglass_sim::time::Span;

use crate::scenario::action::actions;
use crate::scenario::action::vocabulary::*;
use crate::scenario::raw::RawOn;
use crate::scenario::{Action, ActionSpec, Target, Time};
use crate::units::{Quantity, Share};

type Duration = Option<Quantity<Span>>;

/// The type of what may be left out if it has a default.
macro_rules! raw {
    ($raw:ty) => {
        $raw
    };
    ($raw:ty, $default:expr) => {
        Option<$raw>
    };
}

/// What was written, or the default.
macro_rules! stated {
    ($stated:expr, $raw:expr) => {
        $stated($raw)
    };
    ($stated:expr, $raw:expr, $default:expr) => {
        $raw.map_or($default, $stated)
    };
}

/// Whom it strikes: who is written, or whoever the rest makes likely.
macro_rules! whom {
    ($raw:ident, $who:ident) => {
        $raw.$who.0
    };
    ($raw:ident, $who:ident, $whose:expr) => {
        match &$raw.$who {
            Some(who) => who.0.clone(),
            None => $whose(&$raw),
        }
    };
}

macro_rules! define {
    ($(
        $(#[doc = $doc:literal])*
        $variant:ident = $name:literal on $scope:ident {
            $(#[doc = $who_doc:literal])*
            $who:ident $(else $whose:expr)?;
            $(
                $(#[doc = $field_doc:literal])*
                $(#[serde($($serde:tt)*)])?
                $field:ident $key:literal: $kind:ty $(= $default:expr)?,
            )*
        } says $says:literal,
    )+) => {
        /// A fault: `at` or `on` says when, one of the other keys says what.
        #[derive(Debug, Default, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        #[schemars(rename = "Fault")]
        #[expect(non_snake_case, reason = "fields are named after the variants of actions")]
        pub(in crate::scenario) struct RawFault {
            /// When: "30s", "20%..40%" of the input's duration, or "storm" for any time of the
            /// storm.
            pub at: Option<Quantity<Time>>,
            /// When: as soon as something has been observed so many times.
            pub on: Option<RawOn<Between<u32>, Time>>,
            /// How often, each time drawn anew: a number or a range such as "3..5". Default 1; with
            /// `every` or `poisson` as often as the storm has room for.
            pub times: Option<Quantity<Between<u32>>>,
            /// From one time to the next: "2s..4s". Without it each has a time of its own.
            pub every: Option<Quantity<Between<Span>>>,
            /// The mean time from one to the next, if they are a Poisson process that lasts as long
            /// as the storm.
            pub poisson: Duration,
            /// In how many of all seeds the fault exists at all. Default 100%.
            pub chance: Option<Quantity<Share>>,
            $(
                $(#[doc = $doc])*
                #[serde(rename = $name)]
                pub $variant: Option<written::$variant>,
            )+
        }

        impl RawFault {
            /// Every action that is written, and to whom: there should be one.
            pub(in crate::scenario) fn actions(self) -> Vec<(ActionSpec, Target)> {
                let mut actions = Vec::new();
                $(if let Some(raw) = self.$variant {
                    let target = whom!(raw, $who $(, $whose)?);
                    let action = Action::$variant {
                        $($field: stated!(<$kind as Field>::stated, raw.$field $(, $default)?),)*
                    };
                    actions.push((action, target));
                })+
                actions
            }
        }

        /// Actions as they are written.
        pub(in crate::scenario) mod written {
            use super::*;

            $(
                $(#[doc = $doc])*
                #[derive(Debug, Deserialize, JsonSchema)]
                #[serde(deny_unknown_fields)]
                pub(in crate::scenario) struct $variant {
                    $(#[doc = $who_doc])*
                    pub $who: raw!(Quantity<Target> $(, $whose)?),
                    $(
                        $(#[doc = $field_doc])*
                        #[serde(rename = $key)]
                        pub $field: raw!(<$kind as Field>::Raw $(, $default)?),
                    )*
                }
            )+
        }
    };
}
actions!(define);
