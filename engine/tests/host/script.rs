//! Dialogues: text files that say what happens to a process and what it does.
//!
//! A file opens with the situation in prose. Then come commands, each after `> `, with the effects
//! that follow, one a line:
//!
//! ```text
//! > be worker-1 [VARIANT]       host a process (others: coordinator, broker, store, ...)
//! > start                       its first event
//! > open PEER                   a connection that it asked for is open
//! > lose PEER                   the newest connection with a peer is reset
//! > PEER says MESSAGE           a message arrives through a connection (see `speech`)
//! > PEER sends MESSAGE          a datagram arrives
//! > posts                       what it posted to itself arrives, until nothing is left
//! > disk [fails]                its oldest disk operation is done
//! > disks                       all of them are done
//! > wait 500ms                  time passes; timers fire
//! > pause 5s                    time passes while it stands still: timers are late
//! > full PEER, room PEER        a connection's buffer fills up, has room again
//! > exited worker-1 [hungry]    a process that it launched died, for want of memory
//! > refuse SITE, grant SITE     no memory is to be had at a site, or is again
//! > tear FILE N                 the last N bytes of a file are overwritten with zeros
//! > rot FILE N                  its byte at N is another one
//! > crash                       it dies, and starts again
//! > quietly COMMAND; COMMAND    without telling
//! ```
//!
//! A variant is a number (the credits of a channel), `of 3` (coordinators), `by load` (the
//! scheduler), `at-least-once`, `overtaking 1s` (barriers do, after that; at once with `0s`),
//! `stores 3 replicas 2`, `packets 40` (bytes), `compacting 5` (the log is cut behind so many
//! entries), `from 2s` (a supervisor begins later), `timeout 10s` (of transactions at the
//! receiver), `rewriting 200` (the bytes at which the receiver rewrites its log), `idempotent` or
//! `plain` (the sink), `keeping` (the broker keeps positions), `asks WHAT, WHAT` (a client; last,
//! see `replicas`).
//!
//! `UPDATE_DIALOGUES=1` writes what happened into the files.

use std::fmt::Write as _;
use std::sync::Arc;

use stormglass_engine::cluster::Barriers;
use stormglass_engine::coordinator::schedule::Scheduler;
use stormglass_engine::message::Message;
use stormglass_engine::names::Site;
use stormglass_engine::pipeline::Put;
use stormglass_engine::topology::Delivery;
use stormglass_sim::node::{CloseReason, Event, Exit, Lane, Name as _};
use stormglass_sim::time::{Instant, Span};

use super::cluster::Variant;
use super::replicas::parse_asked;
use super::speech::{WordsOf, number, parse};
use super::{Host, cluster};

/// One dialogue at work.
#[derive(Default)]
struct Stage {
    host: Option<Host>,
    offset: u64,
    saved: Vec<Arc<Put>>,
}

/// Runs a dialogue; gives back its text with what really happened.
pub(crate) fn play(text: &str) -> String {
    let mut stage = Stage::default();
    let mut told = String::new();
    let prose = text.find("\n> ").map_or(text.len(), |at| at + 1);
    told.push_str(&text[..prose]);
    let commands = text[prose..].lines().filter_map(|line| line.strip_prefix("> "));
    for (at, command) in commands.enumerate() {
        if at > 0 {
            told.push('\n');
        }
        let effects = stage.act(command);
        writeln!(told, "> {command}").expect("strings take all");
        effects.iter().for_each(|line| writeln!(told, "{line}").expect("strings take all"));
    }
    told
}

/// The lines around the first difference.
pub(crate) fn difference(expected: &str, told: &str) -> String {
    let (expected, told): (Vec<&str>, Vec<&str>) =
        (expected.lines().collect(), told.lines().collect());
    let same = expected.iter().zip(&told).take_while(|(a, b)| a == b).count();
    let command = told[..same].iter().rposition(|line| line.starts_with("> ")).unwrap_or(0);
    let mut shown = format!("line {}, after\n", same + 1);
    told[command..same].iter().for_each(|line| writeln!(shown, "      {line}").expect("fits"));
    let until = |lines: &[&str]| {
        let next = lines[same.min(lines.len())..].iter().position(|line| line.is_empty());
        next.map_or(lines.len(), |n| same + n)
    };
    for (mark, lines) in [("-", &expected), ("+", &told)] {
        for line in &lines[same.min(lines.len())..until(lines)] {
            writeln!(shown, "    {mark} {line}").expect("fits");
        }
    }
    shown
}

impl Stage {
    fn act(&mut self, command: &str) -> Vec<String> {
        if let Some(commands) = command.strip_prefix("quietly ") {
            commands.split("; ").for_each(|command| drop(self.act(command)));
            return Vec::new();
        }
        let mut words = WordsOf::new(command);
        let first = words.word();
        if first == "be" {
            let name = words.word();
            let image = cluster::image(name, &variant(words));
            self.host = Some(Host::new(image, cluster::address(name)));
            return Vec::new();
        }
        let host = self.host.as_mut().expect("a dialogue begins with `be`");
        match first {
            "start" => host.event(Lane(0), Event::Start),
            "posts" => while host.deliver_post() {},
            "disk" => {
                assert!(host.finish_disk(words.takes("fails")), "nothing is asked of the disk");
            }
            "disks" => while host.finish_disk(false) {},
            "wait" => host.wait(span(words.word())),
            "pause" => host.hands.now += span(words.word()),
            "crash" => host.crash(),
            "tear" | "rot" => {
                let file = words.word();
                let place = number(words.word()) as usize;
                let bytes = host.hands.files.get_mut(file).expect("there is such a file");
                match first {
                    "rot" => bytes[place] ^= 1,
                    _ => bytes.iter_mut().rev().take(place).for_each(|byte| *byte = 0),
                }
            }
            "exited" => {
                let node = cluster::address(words.word());
                let hungry = words.takes("hungry");
                let exit = if hungry { Exit::OutOfMemory } else { Exit::Crashed };
                host.event(Lane(0), Event::Exited { node, exit });
            }
            "refuse" | "grant" => {
                let name = words.word();
                let site = Site::ALL.iter().find(|site| site.name() == name);
                let site = *site.expect("there is such a site");
                host.hands.refusals.retain(|other| *other != site);
                if first == "refuse" {
                    host.hands.refusals.push(site);
                }
            }
            "open" | "lose" | "full" | "room" => connection(host, first, words.word()),
            name => {
                let peer = cluster::address(name);
                let datagram = words.word() == "sends";
                let message = parse(&mut words, &mut self.offset, &self.saved);
                if datagram {
                    host.event(Lane(0), Event::Datagram { from: peer, message });
                } else {
                    let conn = host.conn_with(peer);
                    host.receive(conn, message);
                }
            }
        }
        for (_, message) in std::mem::take(&mut host.hands.written) {
            if let Message::Put(put) = message {
                self.saved.push(put);
            }
        }
        std::mem::take(&mut host.hands.lines)
    }
}

/// Something happens to the newest connection with a peer.
fn connection(host: &mut Host, what: &str, peer: &str) {
    let peer = cluster::address(peer);
    let conn = host.conn_with(peer);
    match what {
        "open" => host.event(Lane(0), Event::Opened { conn, peer }),
        "lose" => {
            host.hands.gone.insert(conn);
            let reason = CloseReason::Reset;
            host.event(Lane(0), Event::Closed { conn, peer, reason });
        }
        "full" => drop(host.hands.full.insert(conn)),
        _ => {
            host.hands.full.remove(&conn);
            host.event(Lane(0), Event::Writable { conn });
        }
    }
}

fn variant(mut words: WordsOf<'_>) -> Variant {
    let mut variant = Variant::default();
    while let Some(word) = words.0.next() {
        match word {
            "of" => variant.coordinators = number(words.word()) as usize,
            "by" => {
                assert!(words.takes("load"), "the other scheduler is `load`");
                variant.scheduler = Scheduler::Load;
            }
            "at-least-once" => variant.barriers = Barriers::Tracked,
            "overtaking" => variant.barriers = Barriers::Unaligned { timeout: span(words.word()) },
            "stores" => {
                let stores = number(words.word()) as usize;
                assert!(words.takes("replicas"), "stores N replicas N");
                variant.stores = (stores, number(words.word()) as u16);
            }
            "packets" => variant.packet = number(words.word()).into(),
            "compacting" => variant.snapshot_after = number(words.word()),
            "timeout" => variant.receiver.transaction_timeout = span(words.word()),
            "rewriting" => variant.receiver.rewrite_after = number(words.word()).into(),
            "idempotent" => variant.delivery = Delivery::Idempotent,
            "plain" => variant.delivery = Delivery::Plain,
            "keeping" => variant.positions = true,
            "overlapping" => variant.max_concurrent = number(words.word()) as u16,
            "tolerating" => variant.tolerated_failures = Some(number(words.word())),
            "from" => variant.begins = Instant::ZERO + span(words.word()),
            "asks" => {
                let all = words.0.by_ref().collect::<Vec<_>>().join(" ");
                let asked = |what| parse_asked(&mut WordsOf::new(what));
                variant.script = all.split(", ").map(asked).collect();
            }
            credits => variant.credits = number(credits),
        }
    }
    variant
}

fn span(word: &str) -> Span {
    let (number, scale): (&str, fn(u64) -> Span) = match word.strip_suffix("ms") {
        Some(number) => (number, Span::millis),
        None => (word.strip_suffix('s').expect("ms or s"), Span::secs),
    };
    scale(number.parse().expect("a number"))
}
