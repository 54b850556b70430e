//! The comparison of a run with its own clone: it finds what is shared behind the world's back.

use stormglass_sim::time::{Instant, Span};

use crate::run::{Run, Setup};

/// A run and its clone did not have the same future.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkDiffers {
    /// Where the run was cloned.
    pub at: Instant,
    /// The digest of the run that was never cloned.
    pub alone: String,
    /// The digest of the clone.
    pub clone: String,
    /// The digest of the original, which went on after its clone had ended.
    pub original: String,
}

impl std::fmt::Display for ForkDiffers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "a run cloned at {} ends with digest {}, its original with {}, and without a clone it \
             is {}: something is shared behind the world's back, such as an `Arc` with a cell, a \
             static or a lock in a spout or bolt",
            self.at, self.clone, self.original, self.alone
        )
    }
}

/// Runs a scenario three times: alone, cloned in the middle, and on from there after the clone has
/// ended. If a user's spouts and bolts are plain values, all three are the same to the byte.
///
/// # Errors
/// If they are not.
pub fn check_fork(setup: &Setup) -> Result<(), ForkDiffers> {
    let middle = Instant::ZERO + crate::input::duration(&setup.log).scale(1, 2) + Span::millis(1);
    let alone = Run::new(setup.clone()).finish().digest;
    let mut original = Run::new(setup.clone());
    original.advance(middle);
    let clone = original.clone().finish().digest;
    let original = original.finish().digest;
    if alone == clone && alone == original {
        return Ok(());
    }
    let text = |digest: stormglass_sim::hash::Digest| digest.to_string();
    Err(ForkDiffers {
        at: middle,
        alone: text(alone),
        clone: text(clone),
        original: text(original),
    })
}
