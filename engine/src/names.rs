//! Closed sets of names: rare situations worth marking, and bugs that may be planted.

use stormglass_sim::node::Name;

macro_rules! names {
    ($(#[$doc:meta])* $set:ident { $($(#[$line:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum $set { $($(#[$line])* $variant,)* }
        impl Name for $set {
            const ALL: &'static [Self] = &[$($set::$variant,)*];
            fn index(self) -> usize {
                self as usize
            }
            fn name(self) -> &'static str {
                match self { $($set::$variant => $text,)* }
            }
        }
    };
}

names! {
    /// Rare situations. A campaign lists how often each was reached.
    Probe {
        /// A barrier arrived while the same task still aligned an older checkpoint.
        BarrierOvertook = "barrier-overtook",
        /// A batch waited for its channel's alignment.
        AlignmentBlocked = "alignment-blocked",
        /// A channel ran out of credits.
        CreditExhausted = "credit-exhausted",
        /// A checkpoint was acknowledged by an attempt that is over.
        LateAcknowledgement = "late-acknowledgement",
        /// A completion was proposed but a newer generation was applied first.
        CompletionOvertaken = "completion-overtaken",
        /// A resource refused a stale generation.
        ZombieRefused = "zombie-refused",
        /// A worker ended itself because its generation is over.
        ZombieExit = "zombie-exit",
        /// A restore committed a transaction whose completion notice had been lost.
        CommitRecovered = "commit-recovered",
        /// A restore aborted transactions of an older generation.
        TransactionsAborted = "transactions-aborted",
        /// A worker failed while a generation was being deployed.
        FailedWhileDeploying = "failed-while-deploying",
        /// A new coordinator took over a running generation without restarting it.
        GenerationAdopted = "generation-adopted",
        /// A checkpoint expired.
        CheckpointExpired = "checkpoint-expired",
        /// A worker was restarted in place.
        RestartedInPlace = "restarted-in-place",
    }
}

names! {
    /// Planted bugs and rare events, off unless a test world switches them on.
    Twist {
        /// The receiver shows a transaction's records when it is pre-committed.
        VisibleBeforeComplete = "visible-before-complete",
        /// A source resumes one record after the restored position.
        RestoreOneTooFar = "restore-one-too-far",
        /// Broker, store and receiver do not check the generation of who asks.
        ZombieAccepted = "zombie-accepted",
    }
}
