//! Actions: what is done to a process, a machine or a link.
//!
//! An action is one entry of [`table`]. From it come the enum [`Action`] with its form in plans,
//! [`ActionKind`], what is drawn and what is not, the words for people, the TOML with its schema
//! (`raw::fault`), the way from that to here (`lower::fault`) and the reference. Two things are
//! written by hand, each one match without a rest: whom an action may strike (`check::action`), and
//! what it is in the words of `sim` (`run::strike`).

use serde::{Deserialize, Serialize};
use stormglass_sim::time::Span;

use self::field::written;
use self::vocabulary::*;
use super::Target;
use crate::budget::harm;
use crate::units::{Drawn, Form, Quantum, Stated, names};

mod field;
pub(in crate::scenario) mod table;
mod words;

pub(in crate::scenario) use table::{actions, vocabulary};
pub use words::{Among, Breakage, Domain, Leaves, Shape, Site, Thaw, Ways};

names! {
    /// What an action strikes.
    Scope, "a scope", "scopes":
    /// A process.
    Process = "process",
    /// The machine of a process, as a whole.
    Machine = "machine",
    /// The machines of a rack or zone.
    Domain = "domain",
    /// The machines of a role, one after the other.
    Role = "role",
    /// Links of a process's machine.
    Links = "links",
    /// One link, in one direction or both.
    Link = "link",
    /// The links between members of a group.
    Group = "group",
    /// One message.
    Message = "message",
    /// The speed of a disk: it keeps its word.
    Disk = "disk",
    /// What is kept on a disk.
    Files = "files",
    /// The clocks of a process's machine.
    Clock = "clock",
}

/// What people can write about an action, for a reference.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name.
    pub kind: ActionKind,
    /// What it does.
    pub doc: &'static str,
    /// What it strikes.
    pub scope: Scope,
    /// Its keys: whom it strikes comes first.
    pub keys: &'static [Key],
}

/// A key of an action.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What it says.
    pub doc: &'static str,
    /// A value that is right.
    pub example: &'static str,
    /// Whether it may be left out.
    pub optional: bool,
}

macro_rules! is_some {
    () => {
        false
    };
    ($given:expr) => {
        true
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
        /// What happens: quantities are ranges in a scenario, values in a plan.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, bound = "")]
        pub enum Action<F: Form> {
            $(
                $(#[doc = $doc])*
                #[serde(rename = $name)]
                $variant {
                    $(
                        $(#[doc = $field_doc])*
                        #[serde(rename = $key, with = "written" $(, $($serde)*)?)]
                        $field: <$kind as Field>::Of<F>,
                    )*
                },
            )+
        }

        names! {
            /// What is done, without the quantities.
            ActionKind, "an action", "actions":
            $($(#[doc = $doc])* $variant = $name,)+
        }

        impl ActionKind {
            /// What people can write about it.
            pub const fn entry(self) -> Entry {
                match self {
                    $(ActionKind::$variant => Entry {
                        kind: self,
                        doc: concat!($($doc),*).trim_ascii(),
                        scope: Scope::$scope,
                        keys: const {
                            &[
                                Key {
                                    name: stringify!($who),
                                    doc: concat!($($who_doc),*).trim_ascii(),
                                    example: End::EXAMPLE,
                                    optional: is_some!($($whose)?),
                                },
                                $(Key {
                                    name: $key,
                                    doc: concat!($($field_doc),*).trim_ascii(),
                                    example: <$kind as Field>::EXAMPLE,
                                    optional: <$kind as Field>::OPTIONAL
                                        || is_some!($($default)?),
                                },)*
                            ]
                        },
                    },)+
                }
            }
        }

        impl<F: Form> Action<F> {
            /// What is done, without the quantities.
            pub const fn kind(&self) -> ActionKind {
                match self {
                    $(Action::$variant { .. } => ActionKind::$variant,)+
                }
            }
            /// The other end, if it is done to a link.
            pub fn to(&self) -> Option<&Target> {
                match self {
                    $(Action::$variant { $($field),* } => {
                        let ends: &[Option<&Target>] = &[$(<$kind as Field>::end::<F>($field)),*];
                        ends.iter().copied().flatten().next()
                    })+
                }
            }
            /// How long it lasts; none for what is done in an instant, and for the crash of a
            /// process that is left to its supervisor.
            pub fn lasting(&self) -> Option<&F::Of<Span>> {
                match self {
                    $(Action::$variant { $($field),* } => {
                        let spans: &[Option<&F::Of<Span>>] =
                            &[$(<$kind as Field>::lasting::<F>($field)),*];
                        spans.iter().copied().flatten().next()
                    })+
                }
            }
            /// The same action with other quantities, and another receiving end if it has one.
            pub(crate) fn map<G: Form>(
                &self,
                to: Option<&Target>,
                pick: &mut impl Pick<F, G>,
            ) -> Action<G> {
                match self {
                    $(Action::$variant { $($field),* } => Action::$variant {
                        $($field: <$kind as Field>::map::<F, G>($key, $field, to, pick),)*
                    },)+
                }
            }
        }

        impl Action<Drawn> {
            /// It in a few words, for people.
            #[expect(unused_variables, reason = "not every detail is told")]
            pub fn words(&self) -> String {
                let says = match self {
                    $(Action::$variant { $($field),* } => {
                        $(let $field = <$kind as Field>::words($field);)*
                        format!($says)
                    })+
                };
                self.name().to_string() + &says
            }
            /// What of its details makes it another kind of fault for those who count.
            fn details(&self) -> Vec<String> {
                match self {
                    $(Action::$variant { $($field),* } => {
                        vec![$(<$kind as Field>::detail($field)),*]
                    })+
                }
            }
        }
    };
}
actions!(define);

/// An action as a scenario states it.
pub type ActionSpec = Action<Stated>;

/// Makes quantities of one form from those of another.
pub trait Pick<F: Form, G: Form> {
    /// The quantity for a key.
    fn pick<T: Quantum>(&mut self, key: &'static str, from: &F::Of<T>) -> G::Of<T>;
}

impl<F: Form> Action<F> {
    /// Its name, as people write it.
    pub const fn name(&self) -> &'static str {
        self.kind().name()
    }
    /// Whether what was durable may be durable no more.
    pub const fn destroys(&self) -> bool {
        harm(self.kind()).destroys()
    }
}

impl ActionKind {
    /// Whether whom it strikes is dead from that instant on, for a while.
    pub const fn kills(self) -> bool {
        matches!(
            self,
            ActionKind::Crash
                | ActionKind::CrashMachine
                | ActionKind::WipeAndRejoin
                | ActionKind::PowerLoss
                | ActionKind::RollingRestart
        )
    }
}

impl Action<Drawn> {
    /// What kind of fault it is when done to a kind of target, as campaigns count them: quantities
    /// and numbers do not matter.
    pub fn done_to(&self, target: &Target) -> String {
        format!("{} {}{}", self.name(), target.kind(), self.details().concat())
    }
}
