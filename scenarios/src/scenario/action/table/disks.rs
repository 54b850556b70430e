//! Disks and what lies on them.

macro_rules! disks {
    ($macro:ident $($before:tt)*) => {$crate::scenario::action::table::clocks! { $macro
        $($before)*
        /// Every operation of a machine's disk takes longer.
        SlowDisk = "slow-disk" on Disk {
            /// A process on the machine.
            who;
            /// How many times as long: a number or a range such as "100..300".
            factor "factor": Each<u32>,
            /// For how long.
            lasting "for": Lasting,
        } says " x{factor} for {lasting}",
        /// A machine's disk moves fewer bytes a second.
        ThrottleDisk = "throttle-disk" on Disk {
            /// A process on the machine.
            who;
            /// How many.
            speed "speed": Each<Bandwidth>,
            /// For how long.
            lasting "for": Lasting,
        } says " to {speed} for {lasting}",
        /// A machine's disk does nothing for a while.
        StallDisk = "stall-disk" on Disk {
            /// A process on the machine.
            who;
            /// For how long.
            lasting "for": Lasting,
        } says " for {lasting}",
        /// A bit of a file at rest flips, on the device and in the page cache.
        Rot = "rot" on Files {
            /// Whose files: of a store, those of checkpoints.
            who;
            /// Which of them, the oldest first, counted round from 0: a number or a range. Default
            /// any of them.
            file "file": Each<u32> = Between::ANY,
            /// Which of the file's bits, counted round from 0. Default any of them.
            bit "bit": Each<u32> = Between::ANY,
        } says "",
        /// A machine's disk is empty.
        Wipe = "wipe" on Files {
            /// Whose files are gone.
            who;
        } says "",
        /// A machine's disk is gone, and nothing works until an empty one is in its place.
        LoseDisk = "lose-disk" on Files {
            /// Whose files are gone.
            who;
            /// For how long.
            lasting "for": Lasting,
        } says " for {lasting}",
        /// Reads fail with an I/O error.
        FailReads = "fail-reads" on Files {
            /// Whose disk.
            who;
            /// How many. Default 1.
            count "count": Each<u32> = Between::just(1),
            /// Only within this time. Default whenever they come.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            within "within": Maybe<Each<Span>>,
        } says " x{count}",
        /// Writes fail with an I/O error and change nothing.
        FailWrites = "fail-writes" on Files {
            /// Whose disk.
            who;
            /// How many. Default 1.
            count "count": Each<u32> = Between::just(1),
            /// Only within this time. Default whenever they come.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            within "within": Maybe<Each<Span>>,
        } says " x{count}",
        /// Syncs fail, and a later one makes up for them.
        FailSyncs = "fail-syncs" on Files {
            /// Whose disk.
            who;
            /// How many. Default 1.
            count "count": Each<u32> = Between::just(1),
            /// Only within this time. Default whenever they come.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            within "within": Maybe<Each<Span>>,
        } says " x{count}",
        /// Syncs fail, and what they should have made durable never will be.
        ForgetfulSyncs = "forgetful-syncs" on Files {
            /// Whose disk.
            who;
            /// How many. Default 1.
            count "count": Each<u32> = Between::just(1),
            /// Only within this time. Default whenever they come.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            within "within": Maybe<Each<Span>>,
        } says " x{count}",
        /// Syncs claim success and do nothing.
        LyingSyncs = "lying-syncs" on Files {
            /// Whose disk.
            who;
            /// How many. Default 1.
            count "count": Each<u32> = Between::just(1),
            /// Only within this time. Default whenever they come.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            within "within": Maybe<Each<Span>>,
        } says " x{count}",
        /// Writes fail for want of space.
        FullDisk = "full-disk" on Files {
            /// Whose disk.
            who;
            /// How many. Default 1.
            count "count": Each<u32> = Between::just(1),
            /// Only within this time. Default whenever they come.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            within "within": Maybe<Each<Span>>,
        } says " x{count}",
        /// Reads give one wrong bit; read again, it is right.
        CorruptReads = "corrupt-reads" on Files {
            /// Whose disk.
            who;
            /// How many. Default 1.
            count "count": Each<u32> = Between::just(1),
            /// Only within this time. Default whenever they come.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            within "within": Maybe<Each<Span>>,
        } says " x{count}",
        /// A bit of what is read has rotted for good.
        RottenReads = "rotten-reads" on Files {
            /// Whose disk.
            who;
            /// How many. Default 1.
            count "count": Each<u32> = Between::just(1),
            /// Only within this time. Default whenever they come.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            within "within": Maybe<Each<Span>>,
        } says " x{count}",
        /// Reads give what lies at another place.
        MisdirectedReads = "misdirected-reads" on Files {
            /// Whose disk.
            who;
            /// How many. Default 1.
            count "count": Each<u32> = Between::just(1),
            /// Only within this time. Default whenever they come.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            within "within": Maybe<Each<Span>>,
        } says " x{count}",
        /// Writes are acknowledged and never done.
        PhantomWrites = "phantom-writes" on Files {
            /// Whose disk.
            who;
            /// How many. Default 1.
            count "count": Each<u32> = Between::just(1),
            /// Only within this time. Default whenever they come.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            within "within": Maybe<Each<Span>>,
        } says " x{count}",
        /// Writes are acknowledged and land at another place.
        MisdirectedWrites = "misdirected-writes" on Files {
            /// Whose disk.
            who;
            /// How many. Default 1.
            count "count": Each<u32> = Between::just(1),
            /// Only within this time. Default whenever they come.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            within "within": Maybe<Each<Span>>,
        } says " x{count}",
    }};
}
pub(crate) use disks;
