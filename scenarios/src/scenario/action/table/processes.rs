//! Processes and machines.

macro_rules! processes {
    ($macro:ident $($before:tt)*) => {$crate::scenario::action::table::network! { $macro
        $($before)*
        /// A process dies; its machine and what it wrote to the page cache survive.
        Crash = "crash" on Process {
            /// The process: "worker", "worker-2", "worker-of:count", "leader", "follower", "it",
            /// ...
            who;
            /// Started again after this long; left out for a worker, which its supervisor restarts.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            down "down": Down,
        } says "{down}",
        /// A process dies, and again soon after each start.
        CrashLoop = "crash-loop" on Process {
            /// The process.
            who;
            /// How often it dies.
            times "times": Each<u32>,
            /// How long it lives each time.
            after "after": Each<Span>,
            /// Started again after this long; left out for a worker, which its supervisor restarts.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            down "down": Down,
        } says ", {times} times after {after}{down}",
        /// A process stops and goes on later as if nothing had happened.
        Pause = "pause" on Process {
            /// The process.
            who;
            /// For how long.
            lasting "for": Lasting,
        } says " for {lasting}",
        /// Work takes longer on a machine's cores.
        SlowCpu = "slow-cpu" on Machine {
            /// A process on the machine.
            who;
            /// How many times as long: a number or a range such as "2..20".
            factor "factor": Each<u32>,
            /// For how long.
            lasting "for": Lasting,
        } says " x{factor} for {lasting}",
        /// A machine dies with all its processes and loses what was not synced.
        CrashMachine = "crash-machine" on Machine {
            /// A process on the machine.
            who;
            /// Back after this long.
            down "down": Lasting,
            /// What is left of what was not synced: "scattered" sectors, "torn" writes, "garbage",
            /// "nothing" or "everything". Default as usual: scattered.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            leaves "leaves": Maybe<Plain<Leaves>>,
        } says ", down {down}{leaves}",
        /// A machine dies, and comes back with an empty disk.
        WipeAndRejoin = "wipe-and-rejoin" on Machine {
            /// A process on the machine.
            who;
            /// Back after this long.
            down "down": Lasting,
        } says ", down {down}",
        /// All machines of a rack or zone die at once and lose what was not synced.
        PowerLoss = "power-loss" on Domain {
            /// A process that is there.
            who;
            /// "rack" or "zone". Default "rack".
            #[serde(default, skip_serializing_if = "Domain::is_rack")]
            of "of": Plain<Domain> = Domain::Rack,
            /// The first is back after this long.
            down "down": Lasting,
            /// Each next one so long after the one before. Default "100ms".
            stagger "stagger": Each<Span> = Between::just(Span::millis(100)),
        } says "{of}, down {down}",
        /// All machines of a role die and come back, one after the other.
        RollingRestart = "rolling-restart" on Role {
            /// The first; the others of its role follow in their order, round the role.
            who;
            /// How long each is down.
            down "down": Lasting,
            /// From one to the next: more than each is down.
            every "every": Each<Span>,
        } says ", down {down} every {every}",
    }};
}
pub(crate) use processes;
