//! Dialogues: what happens to a few replicas, and what they do.
//!
//! A file of `raft/dialogues/` opens with the situation in prose. Then come commands, each after
//! `> `, with what follows from it, one thing a line:
//!
//! ```text
//! > voters r0 r1 r2             who votes at first
//! > lease 100                   the bound on clocks in millionths
//! > limit append 1              bytes in a message, inflight, or in a chunk: before the start
//! > disk r1 t6 vote r2 log 1 4  what is on a disk before the start: terms of the entries
//! > start r0 r1 r2              they start from their disks
//! > plant raft-self-ack         a bug, before the start
//! > timeout r0                  time passes until r0's deadline, and r0 notices
//! > wait 50ms, tick r0          time passes; r0 notices
//! > beats r0 5                  five times: r0's deadline, and everything arrives
//! > net                         what is on the way
//! > deliver                     everything arrives, and what comes of it, until nothing is left
//! > deliver r0->r1 [2]          what is on that way now arrives, or the first two of it
//! > drop [r0->r1 [2]]           it is lost instead
//! > double r0->r1, turn r0->r1  the first is there twice; the last overtakes the others
//! > cut r0 [r0->r1], heal       nothing arrives from or at r0
//! > slow r0, persist r0 [2]     its writes wait; the first two are done
//! > propose r0 x y, read r0 7, snapshot r0, transfer r0 r1, crash r0
//! > change r0 r0 r1 [learners r2]
//! > state                       a line for each replica
//! > quietly COMMAND             without telling
//! ```
//!
//! Writes and what is durable are told of slow disks only: the others are done at once.

use std::fmt::Write as _;
use std::sync::Arc;

use stormglass_engine::names::Twist;
use stormglass_engine::raft::{
    Body, ClockBound, Entry, Kind, Message, Output, Point, Raft, Refusal, ReplicaId, Write,
};
use stormglass_sim::node::Name;
use stormglass_sim::time::{Instant, Span};

use super::lab::{Lab, Told, disk};

/// Runs a dialogue; gives back its text with what really happened.
pub(crate) fn play(text: &str) -> String {
    let mut lab = Lab::new(&[]);
    let prose = text.find("\n> ").map_or(text.len(), |at| at + 1);
    let mut told = text[..prose].to_string();
    let commands = text[prose..].lines().filter_map(|line| line.strip_prefix("> "));
    for (at, command) in commands.enumerate() {
        if at > 0 {
            told.push('\n');
        }
        writeln!(told, "> {command}").expect("strings take all");
        for line in obey(&mut lab, command) {
            writeln!(told, "{line}").expect("strings take all");
        }
    }
    told
}

fn number(word: &str) -> u16 {
    let digits = word.strip_prefix('r').unwrap_or_else(|| panic!("{word} is no replica"));
    digits.parse().unwrap_or_else(|_| panic!("{word} is no replica"))
}

fn numbers(words: &[&str]) -> Vec<ReplicaId> {
    words.iter().map(|word| ReplicaId(number(word))).collect()
}

/// The places in the net of what goes from one to another, at most as many as the last word says.
fn on_the_way(lab: &Lab, words: &[&str]) -> Vec<usize> {
    let Some((from, to)) = words.first().and_then(|way| way.split_once("->")) else {
        return (0..lab.net.len()).collect();
    };
    let way = (number(from), number(to));
    let most = words.get(1).map_or(usize::MAX, |count| count.parse().expect("a number"));
    let places = (0..lab.net.len()).filter(|at| (lab.net[*at].0, lab.net[*at].1) == way);
    places.take(most).collect()
}

fn obey(lab: &mut Lab, command: &str) -> Vec<String> {
    let words: Vec<&str> = command.split(' ').collect();
    let (verb, rest) = (words[0], &words[1..]);
    let mut said = Vec::new();
    match verb {
        "quietly" => {
            obey(lab, &rest.join(" "));
            return Vec::new();
        }
        "net" => {
            let line = |(from, to, message): &(u16, u16, Message)| {
                format!("r{from}->r{to} {}", message_words(message))
            };
            said.extend(lab.net.iter().map(line));
        }
        "state" => said.extend(lab.seats.keys().map(|id| state(lab, *id))),
        "deliver" if rest.is_empty() => lab.settle(),
        "deliver" | "drop" => {
            let places = on_the_way(lab, rest);
            for (gone, at) in places.into_iter().enumerate() {
                if verb == "drop" {
                    lab.net.remove(at - gone);
                } else {
                    lab.deliver(at - gone);
                }
            }
        }
        "double" | "turn" => {
            let places = on_the_way(lab, rest);
            if verb == "double" {
                let again = lab.net[places[0]].clone();
                lab.net.push(again);
            } else {
                let last = lab.net.remove(*places.last().expect("something is on that way"));
                lab.net.insert(places[0], last);
            }
        }
        "voters" | "lease" | "limit" | "disk" | "plant" => prepare(lab, verb, rest),
        "cut" | "heal" => part(lab, verb, rest),
        "wait" => lab.now += millis(rest[0]),
        _ => said.extend(ask(lab, verb, rest)),
    }
    let told = std::mem::take(&mut lab.told);
    said.extend(told.iter().filter_map(|told| line(lab, told)));
    said
}

fn millis(word: &str) -> Span {
    let digits = word.strip_suffix("ms").expect("so many ms");
    Span::millis(digits.parse().expect("a number"))
}

fn prepare(lab: &mut Lab, verb: &str, rest: &[&str]) {
    match verb {
        "voters" => lab.bootstrap.voters = numbers(rest),
        "lease" => {
            let drift_ppm = rest[0].parse().expect("millionths");
            lab.settings.lease = Some(ClockBound { drift_ppm });
        }
        "limit" => {
            let bytes = rest[1].parse().expect("bytes");
            match rest[0] {
                "append" => lab.settings.append_bytes = bytes,
                "inflight" => lab.settings.inflight_bytes = bytes,
                "chunk" => lab.settings.chunk_bytes = bytes,
                other => panic!("{other} has no limit"),
            }
        }
        "plant" => {
            let twist = Twist::ALL.iter().find(|twist| twist.name() == rest[0]);
            lab.plant(*twist.expect("a planted bug"));
        }
        _ => {
            let log = rest.iter().position(|word| *word == "log").expect("a log");
            let terms: Vec<u32> =
                rest[log + 1..].iter().map(|term| term.parse().expect("a term")).collect();
            let term = rest[1].strip_prefix('t').and_then(|term| term.parse().ok());
            let mut durable = disk(term.expect("a term"), &terms);
            durable.vote = (rest[2] == "vote").then(|| ReplicaId(number(rest[3])));
            lab.format(number(rest[0]), &durable);
        }
    }
}

fn part(lab: &mut Lab, verb: &str, rest: &[&str]) {
    match rest.first().map(|word| word.split_once("->")) {
        _ if verb == "heal" => lab.cut.clear(),
        Some(Some((from, to))) => lab.cut.push((number(from), number(to))),
        _ => {
            let one = number(rest[0]);
            let others: Vec<u16> = lab.seats.keys().copied().filter(|id| *id != one).collect();
            lab.cut.extend(others.iter().flat_map(|other| [(one, *other), (*other, one)]));
        }
    }
}

/// Asks one replica for something. What it refuses is told.
fn ask(lab: &mut Lab, verb: &str, rest: &[&str]) -> Option<String> {
    if verb == "start" {
        rest.iter().for_each(|id| lab.start(number(id)));
        return None;
    }
    let (id, rest) = (number(rest[0]), &rest[1..]);
    let refused = match verb {
        "timeout" => {
            lab.time_out(id);
            None
        }
        "beats" => {
            for _ in 0..rest[0].parse().expect("a number") {
                lab.time_out(id);
                lab.settle();
            }
            None
        }
        "tick" => {
            lab.call(id, Raft::tick);
            None
        }
        "slow" => {
            lab.seats.get_mut(&id).expect("it has a seat").slow = true;
            None
        }
        "persist" => {
            let count = rest.first().map_or(usize::MAX, |count| count.parse().expect("a number"));
            lab.persist(id, count);
            None
        }
        "crash" => {
            lab.crash(id);
            None
        }
        "snapshot" => {
            lab.compact(id);
            None
        }
        "propose" => {
            let commands: Vec<Arc<[u8]>> =
                rest.iter().map(|word| Arc::from(word.as_bytes())).collect();
            lab.call(id, |raft, now, out| raft.propose(commands, now, out))?.err()
        }
        "read" => {
            let request = rest[0].parse().expect("a number");
            lab.call(id, |raft, now, out| raft.read(request, now, out))?.err()
        }
        "transfer" => {
            let to = ReplicaId(number(rest[0]));
            lab.call(id, |raft, now, out| raft.transfer(to, now, out))?.err()
        }
        "change" => {
            let mut halves = rest.split(|word| *word == "learners").map(numbers);
            let voters = halves.next().unwrap_or_default();
            let learners = halves.next().unwrap_or_default();
            let change = |raft: &mut Raft, now: Instant, out: &mut Vec<Output>| {
                raft.change_membership(voters, learners, now, out)
            };
            lab.call(id, change)?.err()
        }
        _ => panic!("{verb} is no command"),
    };
    refused.map(|refusal| format!("r{id} refuses: {}", refusal_words(refusal)))
}

fn refusal_words(refusal: Refusal) -> String {
    match refusal {
        Refusal::NotLeader(Some(leader)) => format!("{leader} leads"),
        Refusal::NotLeader(None) => "nobody leads".into(),
        Refusal::Transferring => "leadership is being handed over".into(),
        Refusal::ChangePending => "the membership is not settled".into(),
        Refusal::BadMembership => "no such membership".into(),
    }
}

fn state(lab: &Lab, id: u16) -> String {
    if !lab.runs(id) {
        return format!("r{id} is down");
    }
    let raft = lab.raft(id);
    let durable = raft.durable();
    let role = format!("{:?}", raft.role()).to_lowercase();
    let log: Vec<String> = durable.entries.iter().map(|e| e.term.0.to_string()).collect();
    let snapshot = durable.snapshot.map_or(String::new(), |s| format!("[..{}] ", s.index.0));
    let machine = String::from_utf8_lossy(&lab.seats[&id].machine);
    format!(
        "r{id} {role} t{}, log {snapshot}{}, commit {}, applied \"{}\"",
        raft.term().0,
        log.join(" "),
        raft.commit().0,
        machine.trim_end()
    )
}

/// What is told of something, if anything.
fn line(lab: &Lab, told: &Told) -> Option<String> {
    let (id, output) = match told {
        Told::Heard(from, to, message) => {
            return Some(format!("r{from}->r{to} {}", message_words(message)));
        }
        Told::Did(id, output) => (*id, output),
    };
    let slow = lab.seats[&id].slow;
    let words = match output {
        Output::Send(..) => return None,
        Output::Persist(..) | Output::Point(Point::Persisted { .. }) if !slow => return None,
        Output::Persist(number, write) => format!("w{} {}", number.0, write_words(write)),
        Output::Point(point) => point_words(*point),
        Output::Apply(entry) => format!("applies {}", entry_words(entry)),
        Output::Restore(snapshot) => format!("restores the snapshot at {}", snapshot.index.0),
        Output::ReadReady { request, index } => format!("read {request} ready at {}", index.0),
        Output::ReadLost { request } => format!("read {request} lost"),
        Output::Reached(twist) => format!("REACHED {}", twist.name()),
    };
    Some(format!("  r{id} {words}"))
}

fn write_words(write: &Write) -> String {
    match write {
        Write::HardState { term, vote: Some(vote) } => format!("writes t{}, vote {vote}", term.0),
        Write::HardState { term, vote: None } => format!("writes t{}, no vote", term.0),
        Write::Entries(entries) => format!("writes {}", entries_words(entries)),
        Write::Snapshot(snapshot) => format!("writes the snapshot at {}", snapshot.index.0),
    }
}

fn point_words(point: Point) -> String {
    match point {
        Point::Recovered { term, last } => format!("recovered t{}, log to {}", term.0, last.0),
        Point::Campaigned { term } => format!("stands in t{}", term.0),
        Point::VoteGranted { term, to } => format!("votes for {to} in t{}", term.0),
        Point::Elected { term } => format!("LEADS t{}", term.0),
        Point::SteppedDown { term } => format!("leads t{} no more", term.0),
        Point::Appended { index, term, .. } => format!("appends {}/t{}", index.0, term.0),
        Point::Truncated { from } => format!("cuts its log at {}", from.0),
        Point::Persisted { last } => format!("has its log durable to {}", last.0),
        Point::Committed { index, .. } => format!("commits {}", index.0),
        Point::MembershipChanged { index, voters, joint } => {
            let kind = if joint { "joint membership" } else { "membership" };
            format!("is under the {kind} of {}: {voters} voters", index.0)
        }
        Point::Compacted { index } => format!("compacts its log to {}", index.0),
        Point::SnapshotSent { to, index } => format!("sends {to} the snapshot at {}", index.0),
        Point::SnapshotInstalled { index, term } => {
            format!("installs the snapshot at {}/t{}", index.0, term.0)
        }
        Point::TransferBegan { to } => format!("hands over to {to}"),
    }
}

fn entry_words(entry: &Entry) -> String {
    let body = match &entry.body {
        Body::Blank => "blank".into(),
        Body::Command(bytes) => format!("\"{}\"", String::from_utf8_lossy(bytes).trim_end()),
        Body::Membership(membership) => {
            let list = |ids: &[ReplicaId]| {
                ids.iter().map(|id| format!(" {id}")).collect::<Vec<_>>().concat()
            };
            let mut words = format!("members{}", list(&membership.voters));
            if membership.is_joint() {
                words += &format!(", outgoing{}", list(&membership.outgoing));
            }
            if !membership.learners.is_empty() {
                words += &format!(", learners{}", list(&membership.learners));
            }
            words
        }
    };
    format!("{}/t{} {body}", entry.index.0, entry.term.0)
}

fn entries_words(entries: &[Entry]) -> String {
    let all: Vec<String> = entries.iter().map(entry_words).collect();
    format!("[{}]", all.join("; "))
}

fn message_words(Message { term, kind }: &Message) -> String {
    let words = match kind {
        Kind::PreVote { next, last, last_term } => {
            format!("would you vote in t{}? last {}/t{}", next.0, last.0, last_term.0)
        }
        Kind::PreVoteReply { next, granted } => {
            format!("{} vote in t{}", if *granted { "would" } else { "would not" }, next.0)
        }
        Kind::Vote { last, last_term, transfer } => {
            let why = if *transfer { ", the leader asked for it" } else { "" };
            format!("vote? last {}/t{}{why}", last.0, last_term.0)
        }
        Kind::VoteReply { granted } => (if *granted { "vote" } else { "no vote" }).into(),
        Kind::Append { prev, prev_term, entries, commit } => {
            let entries = entries_words(entries);
            format!("after {}/t{} {entries}, commit {}", prev.0, prev_term.0, commit.0)
        }
        Kind::AppendReply { matched } => format!("matched {}", matched.0),
        Kind::AppendReject { prev, hint, hint_term } => {
            format!("no {} here, perhaps {}/t{}", prev.0, hint.0, hint_term.0)
        }
        Kind::Heartbeat { round, commit } => format!("heartbeat {round}, commit {}", commit.0),
        Kind::HeartbeatReply { round } => format!("heard {round}"),
        Kind::Chunk { index, offset, total, data, .. } => {
            let end = offset + data.len() as u64;
            format!("snapshot at {}: bytes {offset}..{end} of {total}", index.0)
        }
        Kind::ChunkReply { index, arrived } => {
            format!("snapshot at {}: {arrived} bytes here", index.0)
        }
        Kind::TimeoutNow => "stand now".into(),
        Kind::Stale => "your term is over".into(),
    };
    format!("t{} {words}", term.0)
}
