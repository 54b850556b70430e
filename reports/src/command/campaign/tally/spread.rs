//! One number a run, over many runs: the median one, the least and the greatest.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// Numbers, counted: memory follows how many different ones there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::command::campaign) struct Spread(BTreeMap<u64, u64>);

#[derive(Serialize)]
struct Summary {
    runs: u64,
    median: Option<u64>,
    min: Option<u64>,
    max: Option<u64>,
}

impl Spread {
    /// One more run.
    pub(in crate::command::campaign) fn add(&mut self, number: u64) {
        *self.0.entry(number).or_default() += 1;
    }
    fn runs(&self) -> u64 {
        self.0.values().sum()
    }
    /// The number of the median run: half of all runs have at most this.
    pub(in crate::command::campaign) fn median(&self) -> Option<u64> {
        let (all, mut seen) = (self.runs(), 0);
        let mut passed = self.0.iter().skip_while(|(_, runs)| {
            seen += **runs;
            2 * seen < all
        });
        passed.next().map(|(number, _)| *number)
    }
    /// The least.
    pub(in crate::command::campaign) fn min(&self) -> Option<u64> {
        self.0.keys().next().copied()
    }
    /// The greatest.
    pub(in crate::command::campaign) fn max(&self) -> Option<u64> {
        self.0.keys().next_back().copied()
    }
    /// All in a few words: the first number with what it counts, each as `print` shows it. None
    /// without a run.
    pub(in crate::command::campaign) fn words(
        &self,
        counts: &str,
        print: impl Fn(u64) -> String,
    ) -> Option<String> {
        let (median, min, max) = (self.median()?, self.min()?, self.max()?);
        let [median, min, max] = [median, min, max].map(print);
        Some(match min == max {
            true => format!("{median}{counts} in every seed"),
            false => format!("{median}{counts} in the median seed, {min} at least, {max} at most"),
        })
    }
}

impl Serialize for Spread {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (median, min, max) = (self.median(), self.min(), self.max());
        Summary { runs: self.runs(), median, min, max }.serialize(to)
    }
}
