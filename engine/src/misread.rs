//! What a disk gives is not always what is there: a read may fail in silence, more than once, and
//! more than once in the same way. So what looks wrong is read again before anybody acts on it.

use stormglass_sim::payload::Payload;

/// How often in a row the same has to be read for it to be what is there.
pub const ALIKE: u8 = 8;

/// What was read and looked wrong, and how often in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    data: Payload,
    times: u8,
}

/// What follows from reading it once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It has to be read again.
    Again(Misread),
    /// It is what is there.
    Sure,
    /// It was something else before: the disk cannot be believed at the moment.
    Differs,
}

impl Misread {
    /// Looks at what was read now and looks wrong; `before` is what this gave the last time.
    pub fn look(before: Option<Misread>, data: &Payload) -> Look {
        let times = match before {
            Some(before) if before.data != *data => return Look::Differs,
            Some(before) => before.times + 1,
            None => 1,
        };
        if times < ALIKE {
            return Look::Again(Misread { data: data.clone(), times });
        }
        Look::Sure
    }

    /// Whether this is what was read.
    pub fn is(&self, data: &Payload) -> bool {
        self.data == *data
    }
}

#[cfg(test)]
mod tests;
