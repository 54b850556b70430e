//! The broker, which has the input.

macro_rules! broker {
    ($macro:ident $($before:tt)*) => {$macro! {
        $($before)*
        /// The broker's answers begin with records from before what was asked for.
        Rewind = "rewind" on Process {
            /// The broker.
            who;
            /// How many records too early: a number or a range.
            records "records": Each<u32>,
            /// For how long, or until it is started again.
            lasting "for": Lasting,
        } says " by {records} records for {lasting}",
        /// The broker drops all but the newest records of each partition.
        Trim = "trim" on Process {
            /// The broker.
            who;
            /// How many records of each it keeps: a number or a range.
            keep "keep": Each<u32>,
        } says " to {keep} records",
    }};
}
pub(crate) use broker;
