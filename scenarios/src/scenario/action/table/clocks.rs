//! Clocks and memory.

macro_rules! clocks {
    ($macro:ident $($before:tt)*) => {$crate::scenario::action::table::broker! { $macro
        $($before)*
        /// A machine's clocks run faster or slower than true time; they never jump.
        DriftClock = "drift-clock" on Clock {
            /// A process on the machine.
            who;
            /// By how much: "10%", "-10%" or a range such as "-10%..10%".
            by "by": Each<Drift>,
            /// Until they run as usual.
            lasting "for": Lasting,
        } says " {by} for {lasting}",
        /// A machine's wall clock jumps; its monotonic clock does not.
        StepClock = "step-clock" on Clock {
            /// A process on the machine.
            who;
            /// How far: "10s", "-10s" or a range such as "-10s..10s".
            by "by": Each<Step>,
        } says " {by}",
        /// A machine's wall clock is set to differ from true time by so much.
        SetClock = "set-clock" on Clock {
            /// A process on the machine.
            who;
            /// How far it is ahead: "10s", "-10s" or a range; "0s" is right.
            by "by": Each<Step>,
        } says " {by}",
        /// A machine's wall clock stands still.
        FreezeClock = "freeze-clock" on Clock {
            /// A process on the machine.
            who;
            /// For how long.
            lasting "for": Lasting,
            /// "jumps" to the time that it would show, or "resumes" from where it stood. Default
            /// "jumps".
            #[serde(default, skip_serializing_if = "Thaw::is_jump")]
            then "then": Plain<Thaw> = Thaw::Jumps,
        } says " for {lasting}{then}",
        /// A machine's wall clock is stepped little by little.
        SmearClock = "smear-clock" on Clock {
            /// A process on the machine.
            who;
            /// How far in all: "1s", "-1s" or a range; back by less than it takes.
            by "by": Each<Step>,
            /// Over how long.
            lasting "for": Lasting,
        } says " {by} over {lasting}",
        /// A machine's wall clock jumps forward and back, again and again.
        StrobeClock = "strobe-clock" on Clock {
            /// A process on the machine.
            who;
            /// How far.
            by "by": Each<Span>,
            /// How long it stays on each side.
            period "period": Each<Span>,
            /// For how long.
            lasting "for": Lasting,
        } says " by {by} every {period} for {lasting}",
        /// A process may hold so much memory; if it wants more, it is killed.
        LimitMemory = "limit-memory" on Process {
            /// The process.
            who;
            /// How much.
            size "size": Each<Size>,
            /// For how long.
            lasting "for": Lasting,
        } says " to {size} for {lasting}",
        /// A process's requests for memory are refused.
        RefuseMemory = "refuse-memory" on Process {
            /// The process.
            who;
            /// What for: "task-state", "snapshot", "input-buffers", ...
            at "at": Plain<Site>,
            /// How many requests. Default 1.
            count "count": Each<u32> = Between::just(1),
        } says "{at} x{count}",
    }};
}
pub(crate) use clocks;
