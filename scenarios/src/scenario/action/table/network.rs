//! Links, network cards, connections and messages.

macro_rules! network {
    ($macro:ident $($before:tt)*) => {$crate::scenario::action::table::disks! { $macro
        $($before)*
        /// A machine is cut from every other one.
        Isolate = "isolate" on Links {
            /// A process on the machine.
            who;
            /// For how long.
            lasting "for": Lasting,
            /// "out": nothing that it sends arrives; "in": nothing arrives at it. Default "both".
            #[serde(default, skip_serializing_if = "Ways::is_both")]
            ways "ways": Plain<Ways> = Ways::Both,
        } says "{ways} for {lasting}",
        /// The link between two machines is cut.
        Cut = "cut" on Link {
            /// The sending end.
            from;
            /// The receiving end.
            to "to": End,
            /// For how long.
            lasting "for": Lasting,
            /// Whether the other direction is cut as well. Default true.
            symmetric "symmetric": Symmetric = true,
        } says " from {to}{symmetric} for {lasting}",
        /// A cluster falls into parts.
        Partition = "partition" on Group {
            /// Who is cut off, with the minority, in the first half, or the bridge. Default any of
            /// them.
            who else |raw: &written::Partition| {
                raw.among.map_or(Among::All, |among| among.0).anyone()
            };
            /// "isolate": one from all others; "minority"; "halves"; "one-way": the other half
            /// does not hear the first; "bridge": two halves that both see one; "majorities-ring":
            /// each sees a majority, no two the same.
            shape "shape": Plain<Shape>,
            /// Whose links are cut: "coordinators", "workers", "stores" or "all". Default "all".
            #[serde(default, skip_serializing_if = "Among::is_all")]
            among "among": Plain<Among> = Among::All,
            /// For how long.
            lasting "for": Lasting,
            /// Which of the others fall on which side: a number for each deal. Default any.
            deal "deal": Each<u32> = Between::ANY,
        } says "{shape}{among} for {lasting}",
        /// The link from one machine to another takes longer; its other direction does not.
        SlowLink = "slow-link" on Link {
            /// The sending end.
            from;
            /// The receiving end.
            to "to": End,
            /// By how much.
            extra "extra": Each<Span>,
            /// For how long.
            lasting "for": Lasting,
        } says " to {to} by {extra} for {lasting}",
        /// Nothing passes, then everything does, in order.
        Clog = "clog" on Links {
            /// A process on the machine.
            who;
            /// Only the link to this one's machine. Default all of its links.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            to "to": MaybeEnd,
            /// "out": what it sends; "in": what is sent to it. Default "both".
            #[serde(default, skip_serializing_if = "Ways::is_both")]
            ways "ways": Plain<Ways> = Ways::Both,
            /// For how long.
            lasting "for": Lasting,
        } says "{to}{ways} for {lasting}",
        /// Links carry less: what they cannot carry waits.
        ThrottleLink = "throttle-link" on Links {
            /// A process on the machine.
            who;
            /// Only the link to this one's machine. Default all of its links.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            to "to": MaybeEnd,
            /// "out": what it sends; "in": what is sent to it. Default "both".
            #[serde(default, skip_serializing_if = "Ways::is_both")]
            ways "ways": Plain<Ways> = Ways::Both,
            /// How much each link carries.
            speed "speed": Each<Bandwidth>,
            /// For how long.
            lasting "for": Lasting,
        } says "{to}{ways} to {speed} for {lasting}",
        /// A machine's network card carries less, in each direction.
        ThrottleCard = "throttle-card" on Links {
            /// A process on the machine.
            who;
            /// How much it carries.
            speed "speed": Each<Bandwidth>,
            /// For how long.
            lasting "for": Lasting,
        } says " to {speed} for {lasting}",
        /// Packets are lost: datagrams for good, others until they are sent again.
        LosePackets = "lose-packets" on Links {
            /// A process on the machine.
            who;
            /// Only the link to this one's machine. Default all of its links.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            to "to": MaybeEnd,
            /// "out": what it sends; "in": what is sent to it. Default "both".
            #[serde(default, skip_serializing_if = "Ways::is_both")]
            ways "ways": Plain<Ways> = Ways::Both,
            /// How many of all.
            share "share": Each<Share>,
            /// So many in a row share their fate. Default 1.
            run "run": Each<u32> = Between::just(1),
            /// For how long.
            lasting "for": Lasting,
        } says "{to}{ways}, {share} for {lasting}",
        /// Datagrams arrive twice.
        DuplicatePackets = "duplicate-packets" on Links {
            /// A process on the machine.
            who;
            /// Only the link to this one's machine. Default all of its links.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            to "to": MaybeEnd,
            /// "out": what it sends; "in": what is sent to it. Default "both".
            #[serde(default, skip_serializing_if = "Ways::is_both")]
            ways "ways": Plain<Ways> = Ways::Both,
            /// How many of all.
            share "share": Each<Share>,
            /// The copy comes later by so much at most. Default at once.
            late "late": Each<Span> = Between::just(Span::ZERO),
            /// For how long.
            lasting "for": Lasting,
        } says "{to}{ways}, {share} for {lasting}",
        /// Datagrams are held back and overtaken.
        ReorderPackets = "reorder-packets" on Links {
            /// A process on the machine.
            who;
            /// Only the link to this one's machine. Default all of its links.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            to "to": MaybeEnd,
            /// "out": what it sends; "in": what is sent to it. Default "both".
            #[serde(default, skip_serializing_if = "Ways::is_both")]
            ways "ways": Plain<Ways> = Ways::Both,
            /// How many of all.
            share "share": Each<Share>,
            /// They are held back by so much at most.
            late "late": Each<Span>,
            /// For how long.
            lasting "for": Lasting,
        } says "{to}{ways}, {share} by {late} for {lasting}",
        /// A bit flips in packets; checksums find it, and it is as if they were lost.
        CorruptPackets = "corrupt-packets" on Links {
            /// A process on the machine.
            who;
            /// Only the link to this one's machine. Default all of its links.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            to "to": MaybeEnd,
            /// "out": what it sends; "in": what is sent to it. Default "both".
            #[serde(default, skip_serializing_if = "Ways::is_both")]
            ways "ways": Plain<Ways> = Ways::Both,
            /// How many of all.
            share "share": Each<Share>,
            /// For how long.
            lasting "for": Lasting,
        } says "{to}{ways}, {share} for {lasting}",
        /// Some packets take much longer than others.
        HeavyTail = "heavy-tail" on Links {
            /// A process on the machine.
            who;
            /// Only the link to this one's machine. Default all of its links.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            to "to": MaybeEnd,
            /// "out": what it sends; "in": what is sent to it. Default "both".
            #[serde(default, skip_serializing_if = "Ways::is_both")]
            ways "ways": Plain<Ways> = Ways::Both,
            /// How many of all.
            share "share": Each<Share>,
            /// By how much at least; half of them by twice as much, a quarter by four times, ...
            extra "extra": Each<Span>,
            /// And by how much at most.
            most "most": Each<Span>,
            /// For how long.
            lasting "for": Lasting,
        } says "{to}{ways}, {share} by {extra} to {most} for {lasting}",
        /// Connections break although nobody died.
        BreakConnections = "break-connections" on Links {
            /// A process: that which knows nothing any more, if they are left half open.
            who;
            /// Only those with this one. Default all of its connections.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            to "to": MaybeEnd,
            /// "reset": both ends are told; "half-open": only `who` is; "silent": nobody is.
            how "how": Plain<Breakage>,
        } says "{to}{how}",
        /// One message is lost; of a connection, it is sent again.
        DropMessage = "drop-message" on Message {
            /// The sender.
            from;
            /// The receiver.
            to "to": End,
            /// Which one from then on. Default 1, the next.
            nth "nth": Each<u32> = Between::just(1),
        } says " {nth} to {to}",
        /// One message takes longer.
        DelayMessage = "delay-message" on Message {
            /// The sender.
            from;
            /// The receiver.
            to "to": End,
            /// Which one from then on. Default 1, the next.
            nth "nth": Each<u32> = Between::just(1),
            /// By how much.
            by "by": Each<Span>,
        } says " {nth} to {to} by {by}",
        /// One datagram arrives twice.
        DuplicateMessage = "duplicate-message" on Message {
            /// The sender.
            from;
            /// The receiver.
            to "to": End,
            /// Which one from then on. Default 1, the next.
            nth "nth": Each<u32> = Between::just(1),
        } says " {nth} to {to}",
        /// One datagram arrives once more, much later, whatever became of its sender.
        ReplayMessage = "replay-message" on Message {
            /// The sender.
            from;
            /// The receiver.
            to "to": End,
            /// Which one from then on. Default 1, the next.
            nth "nth": Each<u32> = Between::just(1),
            /// How much later.
            after "after": Each<Span>,
        } says " {nth} to {to} after {after}",
        /// A bit of one message flips; a checksum finds it.
        CorruptMessage = "corrupt-message" on Message {
            /// The sender.
            from;
            /// The receiver.
            to "to": End,
            /// Which one from then on. Default 1, the next.
            nth "nth": Each<u32> = Between::just(1),
            /// Which bit, counted round from 0. Default any.
            bit "bit": Each<u32> = Between::ANY,
        } says " {nth} to {to}",
        /// One message arrives, its answer does not.
        LoseReply = "lose-reply" on Message {
            /// The sender.
            from;
            /// The receiver.
            to "to": End,
            /// Which one from then on. Default 1, the next.
            nth "nth": Each<u32> = Between::just(1),
        } says " {nth} to {to}",
    }};
}
pub(crate) use network;
