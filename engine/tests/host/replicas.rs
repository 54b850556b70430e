//! What replicas and clients say, as words, both ways.
//!
//! ```text
//! COORDINATOR sends raft 2 KIND            of term 2; KIND is one of:
//!     would? 3 7 2, would 3, would-not 3   a vote in term 3? the log ends with entry 7 of term 2
//!     vote? 7 2 [transfer], vote, no-vote
//!     append 7 2 6 [blank]                 after entry 7 of term 2; 6 is committed
//!     matched 8, heartbeat 4 6, heard 4    4 is the round, 6 is committed
//!     stale
//! client sends ask 1.2 WHAT                the second operation of its first life
//!     read 5, set 5 70, add 5 1            register 5
//!     transfer, members 0 1                leadership, who votes
//!     leave supervisor-2, spread 1         commands: the workers to use
//! COORDINATOR sends answer 1.2 [70], elsewhere 1.2 [COORDINATOR]
//! ```

use std::sync::Arc;

use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::coordinator::metadata::Command;
use stormglass_engine::message::{Ask, Asked, Message};
use stormglass_engine::observation::Call;
use stormglass_engine::raft::{self, Body, Entry, Index, Kind, Point, ReplicaId, Term};

use super::cluster::address;
use super::speech::{WordsOf, node, number};

/// A client's number of an operation: its life, and how many it began in it.
fn operation(number: u32) -> String {
    format!("{}.{}", number >> 24, number & 0xff_ffff)
}

fn parse_operation(word: &str) -> u32 {
    let (life, count) = word.split_once('.').expect("life.number");
    number(life) << 24 | number(count)
}

/// What a client or a replica says; none if it is somebody else's message.
pub(crate) fn say(message: &Message) -> Option<String> {
    Some(match message {
        Message::Raft(message) => format!("raft t{} {}", message.term.0, kind(&message.kind)),
        Message::Ask(ask) => format!("ask {} {:?}", operation(ask.number), ask.what),
        Message::Answer { number, answer: Some(answer) } => {
            format!("answer {} {answer}", operation(*number))
        }
        Message::Answer { number, answer: None } => {
            format!("answer {} refused", operation(*number))
        }
        Message::Elsewhere { number, leader } => {
            let leader = leader.map_or("who knows".to_string(), node);
            format!("elsewhere {} {leader}", operation(*number))
        }
        _ => return None,
    })
}

fn kind(kind: &Kind) -> String {
    match kind {
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
            let entries: Vec<String> = entries.iter().map(entry).collect();
            let entries = entries.join("; ");
            format!("after {}/t{} [{entries}], commit {}", prev.0, prev_term.0, commit.0)
        }
        Kind::AppendReply { matched } => format!("matched {}", matched.0),
        Kind::Heartbeat { round, commit } => format!("heartbeat {round}, commit {}", commit.0),
        Kind::HeartbeatReply { round } => format!("heard {round}"),
        Kind::TimeoutNow => "stand now".into(),
        other => format!("{other:?}"),
    }
}

fn entry(entry: &Entry) -> String {
    let body = match &entry.body {
        Body::Blank => "blank".to_string(),
        Body::Command(bytes) => format!("{} bytes", bytes.len()),
        Body::Membership(membership) => {
            let list = |ids: &[ReplicaId]| {
                ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            };
            let voters = list(&membership.voters);
            match list(&membership.outgoing) {
                outgoing if outgoing.is_empty() => format!("members {voters}"),
                outgoing => format!("members {voters}, outgoing {outgoing}"),
            }
        }
    };
    format!("{}/t{} {body}", entry.index.0, entry.term.0)
}

/// A point of the protocol, in words.
pub(crate) fn point(point: &Point) -> String {
    match *point {
        Point::Recovered { term, last } => format!("recovered t{}, log to {}", term.0, last.0),
        Point::Campaigned { term } => format!("stands in t{}", term.0),
        Point::VoteGranted { term, to } => format!("votes for {to} in t{}", term.0),
        Point::Elected { term } => format!("is elected in t{}", term.0),
        Point::SteppedDown { term } => format!("leads t{} no more", term.0),
        Point::Appended { index, term, .. } => format!("appends {}/t{}", index.0, term.0),
        Point::Persisted { last } => format!("has its log durable to {}", last.0),
        Point::Committed { index, .. } => format!("commits {}", index.0),
        Point::Truncated { from } => format!("cuts its log at {}", from.0),
        Point::MembershipChanged { index, voters, joint } => {
            let kind = if joint { "joint membership" } else { "membership" };
            format!("is under the {kind} of {}: {voters} voters", index.0)
        }
        Point::TransferBegan { to } => format!("hands over to {to}"),
        Point::Compacted { index } => format!("compacts its log to {}", index.0),
        other => format!("{other:?}"),
    }
}

/// A replica's message.
pub(crate) fn parse_raft(words: &mut WordsOf<'_>) -> Message {
    let term = words.term();
    let kind = match words.word() {
        "would?" => {
            Kind::PreVote { next: words.term(), last: words.index(), last_term: words.term() }
        }
        "would" => Kind::PreVoteReply { next: words.term(), granted: true },
        "would-not" => Kind::PreVoteReply { next: words.term(), granted: false },
        "vote?" => {
            let (last, last_term) = (words.index(), words.term());
            Kind::Vote { last, last_term, transfer: words.takes("transfer") }
        }
        "vote" => Kind::VoteReply { granted: true },
        "no-vote" => Kind::VoteReply { granted: false },
        "append" => {
            let (prev, prev_term, commit) = (words.index(), words.term(), words.index());
            let mut entries = Vec::new();
            while words.takes("blank") {
                let index = Index(prev.0 + 1 + entries.len() as u64);
                entries.push(Entry { index, term, body: Body::Blank });
            }
            Kind::Append { prev, prev_term, entries, commit }
        }
        "matched" => Kind::AppendReply { matched: words.index() },
        "heartbeat" => Kind::Heartbeat { round: words.index().0, commit: words.index() },
        "heard" => Kind::HeartbeatReply { round: words.index().0 },
        "stale" => Kind::Stale,
        other => panic!("no replica says `{other}`"),
    };
    Message::Raft(Arc::new(raft::Message { term, kind }))
}

/// A client's question.
pub(crate) fn parse_ask(words: &mut WordsOf<'_>) -> Message {
    let number = parse_operation(words.word());
    Message::Ask(Arc::new(Ask { number, what: parse_asked(words) }))
}

/// What is asked.
pub(crate) fn parse_asked(words: &mut WordsOf<'_>) -> Asked {
    match words.word() {
        "read" => Asked::Call(words.index().0 as u16, Call::Read),
        "set" => Asked::Call(words.index().0 as u16, Call::Set(words.index().0)),
        "add" => Asked::Call(words.index().0 as u16, Call::Add(words.index().0)),
        "transfer" => Asked::Transfer,
        "savepoint" => Asked::Savepoint(CheckpointKind::Savepoint),
        "stop" => Asked::Savepoint(CheckpointKind::StopWithSavepoint),
        "members" => {
            let voters = words.0.by_ref().map(|id| ReplicaId(number(id) as u16)).collect();
            Asked::Membership { voters, learners: Vec::new() }
        }
        "leave" => Asked::Command(Command::Leave { supervisor: address(words.word()) }),
        "spread" => {
            let workers = Some(words.index().0 as u16);
            Asked::Command(Command::Rebalance { workers, executors: Vec::new() })
        }
        other => panic!("nobody asks `{other}`"),
    }
}

/// A coordinator's answer to a client.
pub(crate) fn parse_answer(words: &mut WordsOf<'_>) -> Message {
    let operation = parse_operation(words.word());
    let answer = words.0.next().map(|value| number(value).into());
    Message::Answer { number: operation, answer }
}

/// A coordinator sends a client away.
pub(crate) fn parse_elsewhere(words: &mut WordsOf<'_>) -> Message {
    let number = parse_operation(words.word());
    Message::Elsewhere { number, leader: words.0.next().map(address) }
}

impl WordsOf<'_> {
    fn term(&mut self) -> Term {
        Term(number(self.word()))
    }
    fn index(&mut self) -> Index {
        Index(number(self.word()).into())
    }
}
