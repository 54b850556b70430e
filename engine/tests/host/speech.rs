//! Messages as words, both ways.

use std::sync::Arc;

use stormglass_engine::barrier::{Barrier, CheckpointKind, Pace};
use stormglass_engine::coordinator::checkpoint_spout::TxState;
use stormglass_engine::coordinator::metadata::{Assignment, Completed};
use stormglass_engine::coordinator::rebalance::{Load, TaskLoad};
use stormglass_engine::handle::{Discard, FileId, FileRef, Part, Replicas};
use stormglass_engine::ids::{
    Attempt, CheckpointId, Child, ComponentId, Generation, Partition, Root, StreamId, TaskId, Tree,
};
use stormglass_engine::java;
use stormglass_engine::message::acking::Offsets;
use stormglass_engine::message::fetch::{Fetch, Records};
use stormglass_engine::message::{Credit, Data, Deployment, Get, Gone, Message, Transaction};
use stormglass_engine::observation::{AbortReason, Observation};
use stormglass_engine::pipeline::Put;
use stormglass_engine::raft::Term;
use stormglass_engine::snapshot::{Snapshot, TransactionId};
use stormglass_engine::tuple::{Batch, Head};
use stormglass_engine::value::{Value, fingerprint};
use stormglass_sim::node::{DiskOp, Lane, NodeId};
use stormglass_sim::payload::Payload;
use stormglass_sim::time::{Instant, Span};

use super::cluster::{NAMES, address, log};
use super::files;
use super::permits::permit;
use super::replicas;

/// A process as the dialogues name it.
pub(crate) fn node(node: NodeId) -> String {
    let known = NAMES.iter().find(|(_, at)| *at == node);
    known.map_or_else(|| node.to_string(), |(name, _)| (*name).to_string())
}

/// A disk operation in words.
pub(crate) fn disk(op: &DiskOp) -> String {
    match op {
        DiskOp::Read { file } => format!("read {file}"),
        DiskOp::Write { file, data } => format!("write {file}, {} bytes", data.bytes().len()),
        DiskOp::Append { file, data } => format!("append to {file}, {} bytes", data.bytes().len()),
        DiskOp::Sync { file } => format!("sync {file}"),
        DiskOp::Rename { from, to } => format!("rename {from} to {to}"),
        DiskOp::Remove { file } => format!("remove {file}"),
        DiskOp::SyncDir => "sync names".to_string(),
        DiskOp::List { prefix } => format!("list {prefix}"),
    }
}

/// An observation in words.
pub(crate) fn observation(observation: &Observation) -> String {
    match observation {
        Observation::Executed { task, from, root, .. } if *from == TaskId::BROKER => {
            format!("executed {task} {root}")
        }
        Observation::Executed { task, from, root, .. } => {
            format!("executed {task} {root} from {from}")
        }
        Observation::Raft(point) => format!("replica {}", replicas::point(point)),
        Observation::Applied { index, term, .. } => format!("applied {}/t{}", index.0, term.0),
        other => format!("{other:?}"),
    }
}

fn tuples(batch: &Batch) -> String {
    let tuple = |(_, values): (&Head, &[Value])| {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        values.join("=").replace('"', "")
    };
    let all: Vec<String> = batch.iter().map(tuple).collect();
    match all.len() {
        0 => "nothing".to_string(),
        1..=8 => all.join(" "),
        n => format!("{n} tuples"),
    }
}

fn credits(credits: &[Credit]) -> String {
    let credit = |c: &Credit| format!("{}>{}:{}", c.from, c.to, c.tuples);
    credits.iter().map(credit).collect::<Vec<_>>().join(" ")
}

fn data(data: &Data) -> String {
    let mut said =
        format!("Data {} {}>{}: {}", data.generation, data.from, data.to, tuples(&data.batch));
    if let Some(barrier) = data.barrier {
        said += &format!(", barrier {barrier:?}");
    }
    if !data.credits.is_empty() {
        said += &format!(", credit {}", credits(&data.credits));
    }
    said
}

fn batches(batches: &[Arc<Data>]) -> String {
    batches.iter().map(|data| tuples(&data.batch)).collect::<Vec<_>>().join(" ")
}

fn id(id: &TransactionId) -> String {
    format!("{}/{}/{}#{}", id.task, id.generation, id.attempt, id.number)
}

fn ids(ids: &[TransactionId]) -> String {
    let all: Vec<String> = ids.iter().map(id).collect();
    if all.is_empty() { "nothing".to_string() } else { all.join(" ") }
}

pub(crate) fn snapshot(data: &Payload) -> String {
    let Some(part) = Snapshot::decode(data) else { return "unreadable".to_string() };
    let keys: u32 = part.groups.iter().map(|group| group.keys).sum();
    let mut said: Vec<String> = part.positions.iter().map(ToString::to_string).collect();
    if keys > 0 {
        said.push(format!("{keys} keys"));
    }
    said.extend(part.transactions.iter().map(|(of, ends)| format!("{} ends {ends}", id(of))));
    said.extend(part.in_flight.iter().map(|flying| {
        format!("in flight {}>{} {}", flying.from, flying.to, tuples(&flying.batch))
    }));
    if said.is_empty() { "empty".to_string() } else { said.join(", ") }
}

/// A message in words.
pub(crate) fn say(message: &Message) -> String {
    match message {
        Message::Deploy(deployment) => {
            let Deployment { assignment, restore, .. } = &**deployment;
            let tasks: Vec<String> = assignment.tasks.iter().map(|at| node(*at)).collect();
            let restore = restore.as_ref().map_or("nothing".to_string(), |(completed, _)| {
                format!("{} of {}", completed.checkpoint, completed.generation)
            });
            let generation = assignment.generation;
            format!("Deploy {generation} on {}, restore {restore}", tasks.join(" "))
        }
        Message::Data(of) => data(of),
        Message::Credit(of) => format!("Credit {}", credits(of)),
        Message::Fetch(fetch) => {
            let from: Vec<String> = fetch.from.iter().map(|(p, at)| format!("{p}@{at}")).collect();
            format!("Fetch {} {} from {}", fetch.generation, fetch.task, from.join(" "))
        }
        Message::Records(records) => {
            let range = |(p, from, to): &(Partition, u64, u64)| format!("{p}@{from}..{to}");
            let ranges: Vec<String> = records.ranges.iter().map(range).collect();
            let said = if ranges.is_empty() { "nothing".to_string() } else { ranges.join(" ") };
            format!("Records {} {}: {said}", records.generation, records.task)
        }
        Message::Offsets(of) => {
            let at: Vec<String> = of.positions.iter().map(|(p, at)| format!("{p}@{at}")).collect();
            let at = if at.is_empty() { "nothing".to_string() } else { at.join(" ") };
            let kept = if of.commit { "Kept" } else { "Positions" };
            format!("{kept} {} {}: {at}", of.generation, of.task)
        }
        Message::Put(put) => files::put(put),
        Message::Get(get) => {
            let Get { id, generation, .. } = &**get;
            format!("Get {id} for {generation}")
        }
        Message::Acknowledge { checkpoint, generation, attempt, part } => {
            let Part { task, state, .. } = &**part;
            format!("Acknowledge {checkpoint} {generation} {attempt} {task}: {state} bytes")
        }
        Message::Discard(discard) => {
            let keep: Vec<String> = discard.keep.iter().map(ToString::to_string).collect();
            let (up_to, generation) = (discard.up_to, discard.generation);
            format!("Discard up to {up_to} in {generation}, but for {}", keep.join(", "))
        }
        Message::Transaction(of) => match &**of {
            Transaction::Write { id: which, batches: of } => {
                format!("Write {}: {}", id(which), batches(of))
            }
            Transaction::PreCommit { id: which, checkpoint, batches: of } => {
                format!("PreCommit {} ends {checkpoint}: {}", id(which), batches(of))
            }
            Transaction::Commit { task, generation, ids: of, permit } => {
                format!("Commit {task} {generation}: {} by {}", ids(of), permit.checkpoint())
            }
            Transaction::Recover { task, generation, ids: of, permit } => {
                let by = permit.map_or("nothing".to_string(), |p| p.checkpoint().to_string());
                format!("Recover {task} {generation}: {} by {by}", ids(of))
            }
            Transaction::Append { first, data } => {
                format!("Append {}: {}", id(first), tuples(&data.batch))
            }
            Transaction::Upsert { first, keys, data, .. } => {
                format!("Upsert {}, {} keys: {}", id(first), keys.len(), tuples(&data.batch))
            }
            Transaction::Flush { writer, checkpoint } => {
                format!("Flush {} for {checkpoint}", id(writer))
            }
        },
        Message::Gone(gone) => {
            let Gone { id: of, asked_in, checkpoint, records, age } = &**gone;
            let ends = checkpoint.map_or(String::new(), |chk| format!(" ends {chk}"));
            format!("Gone {}{ends} for {asked_in}: {records} records, {age} old", id(of))
        }
        Message::Broken { generation, peer, task } => {
            format!(
                "Broken {generation}: {} {}",
                node(*peer),
                task.map_or(String::new(), |t| t.to_string())
            )
        }
        Message::Load(load) => {
            let task = |load: &TaskLoad| format!("{} {} tuples", load.task, load.executed);
            let tasks: Vec<String> = load.tasks.iter().map(task).collect();
            let tasks = if tasks.is_empty() { "nothing".to_string() } else { tasks.join(", ") };
            let Load { generation, number, over, .. } = &**load;
            format!("Load {generation}, number {number}, over {over}: {tasks}")
        }
        other => {
            let said = replicas::say(other).or_else(|| files::say(other));
            said.unwrap_or_else(|| format!("{other:?}"))
        }
    }
}

/// Words of a dialogue, taken one by one.
pub(crate) struct WordsOf<'a>(pub(crate) std::iter::Peekable<std::str::SplitWhitespace<'a>>);

impl<'a> WordsOf<'a> {
    /// Those of a line.
    pub(crate) fn new(line: &'a str) -> Self {
        WordsOf(line.split_whitespace().peekable())
    }
    /// The next word.
    pub(crate) fn word(&mut self) -> &'a str {
        self.0.next().expect("another word")
    }
    /// Whether the next word is this one; it is then taken.
    pub(crate) fn takes(&mut self, word: &str) -> bool {
        self.0.next_if(|next| *next == word).is_some()
    }
    pub(crate) fn number(&mut self) -> u32 {
        number(self.word())
    }
    pub(crate) fn generation(&mut self) -> Generation {
        Generation(self.number())
    }
    pub(crate) fn checkpoint(&mut self) -> CheckpointId {
        CheckpointId(self.number())
    }
    pub(crate) fn task(&mut self) -> TaskId {
        TaskId(self.number() as u16)
    }
    /// `p0@3 p1@5`, as many as there are.
    fn places(&mut self) -> Vec<(Partition, u64)> {
        let at = |word: &str| {
            let (partition, offset) = word.split_once('@').expect("partition@offset");
            (Partition(number(partition) as u16), u64::from(number(offset)))
        };
        self.0.by_ref().map(at).collect()
    }
    /// `t2/g1#0`: the attempt is the generation's.
    fn transaction(&mut self) -> TransactionId {
        transaction(self.word())
    }
    /// `chk1 g1 t3`: the first file of a task, by the attempt of the generation.
    pub(crate) fn file(&mut self) -> FileId {
        let (checkpoint, generation) = (self.checkpoint(), self.generation());
        let (attempt, task) = (Attempt(generation.0), self.task());
        FileId { checkpoint, generation, attempt, task, number: 0 }
    }
    /// A checkpoint and its kind, which is plain unless a word says so.
    fn barrier(&mut self) -> Barrier {
        let checkpoint = self.checkpoint();
        let named = CheckpointKind::ALL.into_iter().find(|kind| self.takes(kind.name()));
        let pace = match self.0.next_if(|word| ["lasting", "overtaking"].contains(word)) {
            Some("lasting") => Pace::Lasts(Span::millis(self.number().into())),
            Some(_) => Pace::Overtakes,
            None => Pace::Waits,
        };
        Barrier { checkpoint, kind: named.unwrap_or_default(), base: None, pace }
    }
    fn permit(&mut self) -> stormglass_engine::permit::CommitPermit {
        let checkpoint = self.checkpoint();
        permit(checkpoint, self.generation())
    }
}

/// A task's part of a checkpoint, taken by the attempt of its generation: one file.
pub(crate) fn part(
    checkpoint: CheckpointId,
    generation: Generation,
    task: TaskId,
    saved: &[Arc<Put>],
) -> Arc<Part> {
    let attempt = Attempt(generation.0);
    let id = FileId { checkpoint, generation, attempt, task, number: 0 };
    let print = saved.iter().find(|put| put.id == id).map_or(0, |put| put.print);
    let file = FileRef { id, bytes: 10, print, replicas: Replicas::one(0) };
    let (state, stopped) = (10, Span::ZERO);
    Arc::new(Part { task, state, stopped, inline: None, files: vec![file] })
}

/// The number at the end of a name such as `g7` or `chk2`.
pub(crate) fn number(name: &str) -> u32 {
    let digits = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    digits.parse().unwrap_or_else(|_| panic!("`{name}` is not a number"))
}

fn transaction(name: &str) -> TransactionId {
    let (task, rest) = name.split_once('/').expect("task/generation#number");
    let (generation, count) = rest.split_once('#').expect("task/generation#number");
    let (task, generation) = (TaskId(number(task) as u16), Generation(number(generation)));
    TransactionId { task, generation, attempt: Attempt(generation.0), number: number(count) }
}

fn channel(name: &str) -> (TaskId, TaskId) {
    let (from, to) = name.split_once('>').expect("from>to");
    (TaskId(number(from) as u16), TaskId(number(to) as u16))
}

fn credit(generation: Generation, word: &str) -> Credit {
    let (name, tuples) = word.split_once(':').expect("from>to:tuples");
    let (from, to) = channel(name);
    Credit { generation, from, to, tuples: number(tuples) }
}

/// A message that carries words as tuples: `ant`, or `ant=2`; `x*3` is three times `x`.
pub(crate) fn parse_data(words: &mut WordsOf<'_>, offset: &mut u64) -> Data {
    let generation = words.generation();
    let (from, to) = channel(words.word());
    let mut batch = Batch::default();
    let (mut barrier, mut credits) = (None, Vec::new());
    while let Some(word) = words.0.next() {
        if word == "barrier" {
            barrier = Some(words.barrier());
            continue;
        } else if word == "credit" {
            credits.push(credit(generation, words.word()));
            continue;
        }
        let (word, times) = word.split_once('*').map_or((word, 1), |(w, n)| (w, number(n)));
        let values: Vec<Value> = match word.split_once('=') {
            Some((word, n)) => vec![word.into(), Value::Int(number(n).into())],
            None => vec![word.into()],
        };
        for _ in 0..times {
            let (root, child) = (Root::new(Partition(0), *offset), Child::ROOT.step(0));
            let hash = java::deep_hash_code(values[..1].iter());
            let arity = values.len() as u16;
            let (stream, tree) = (StreamId(0), Tree::NONE);
            batch.push(Head { root, child, hash, stream, arity, tree }, &values);
            *offset += 1;
        }
    }
    Data { generation, from, to, batch, barrier, credits, lane: Lane(to.0) }
}

/// The message that words say; `saved` are the files that were put so far.
pub(crate) fn parse(words: &mut WordsOf<'_>, offset: &mut u64, saved: &[Arc<Put>]) -> Message {
    match words.word() {
        "register" => {
            let incarnation = words.number();
            let generation = words.0.next_if(|w| w.starts_with('g')).map_or(0, number);
            let (generation, running) = (Generation(generation), words.takes("running"));
            Message::Register { incarnation, generation, running }
        }
        "standing" => {
            let generation = words.generation();
            Message::Standing { generation, assigned: words.takes("assigned") }
        }
        "heartbeat" => {
            let generation = words.0.next_if(|w| w.starts_with('g')).map_or(0, number);
            let (generation, dismissed) = (Generation(generation), Generation(0));
            Message::Heartbeat { generation, dismissed, sent: Instant::ZERO }
        }
        "supervising" => Message::Supervising { sent: Instant::ZERO },
        "leads" => Message::Leader { term: Term(words.number()) },
        "load" => load(words),
        "raft" => replicas::parse_raft(words),
        "ask" => replicas::parse_ask(words),
        "answer" => replicas::parse_answer(words),
        "elsewhere" => replicas::parse_elsewhere(words),
        "deploy" => {
            let generation = words.generation();
            let mut deployment = Vec::new();
            while let Some(name) = words.0.next_if(|word| *word != "restore") {
                deployment.push(address(name));
            }
            let restore = words.takes("restore").then(|| {
                let permit = words.permit();
                let (checkpoint, generation) = (permit.checkpoint(), permit.generation());
                let attempt = permit.attempt();
                let tasks = (1..=deployment.len() as u16).map(TaskId);
                let parts = tasks.map(|task| part(checkpoint, generation, task, saved)).collect();
                let (kind, ran) = (CheckpointKind::Checkpoint, Span::ZERO);
                let of = Completed { checkpoint, kind, generation, attempt, parts, ran };
                (Arc::new(of), permit)
            });
            let mut workers: Vec<(NodeId, u32)> = deployment.iter().map(|at| (*at, 1)).collect();
            workers.sort();
            workers.dedup();
            let attempt = Attempt(generation.0);
            let assignment = Arc::new(Assignment {
                generation,
                attempt,
                basis: 0,
                workers,
                executors: (1..=deployment.len() as u16).map(TaskId).collect(),
                tasks: deployment,
            });
            let transaction = TxState::INITIAL;
            Message::Deploy(Arc::new(Deployment { assignment, restore, transaction }))
        }
        "deployed" => Message::Deployed { generation: words.generation() },
        "go" => Message::Go { generation: words.generation() },
        "broken" => {
            let (generation, peer) = (words.generation(), address(words.word()));
            let task = words.0.next().map(|task| TaskId(number(task) as u16));
            Message::Broken { generation, peer, task }
        }
        "silent" => Message::Silent { generation: words.generation(), executor: words.task() },
        "trigger" => {
            let (barrier, generation) = (words.barrier(), words.generation());
            Message::Trigger { barrier, generation, task: TaskId::BROKER }
        }
        "abort" => {
            let (checkpoint, generation) = (words.checkpoint(), words.generation());
            let (latest, task) = (None, TaskId::BROKER);
            Message::AbortCheckpoint { checkpoint, latest, generation, task }
        }
        "decline" => {
            let (checkpoint, generation) = (words.checkpoint(), words.generation());
            let (task, attempt, reason) = (words.task(), Attempt(generation.0), AbortReason::Io);
            Message::Decline { checkpoint, generation, task, attempt, reason }
        }
        "finished" => {
            let (checkpoint, generation) = (words.checkpoint(), words.generation());
            Message::Finished { checkpoint, generation, task: words.task() }
        }
        "complete" => Message::Complete { permit: words.permit(), task: TaskId::BROKER },
        "ack" => {
            let (checkpoint, generation) = (words.checkpoint(), words.generation());
            let part = part(checkpoint, generation, words.task(), saved);
            let attempt = words.0.next().map_or(generation.0, number);
            let attempt = Attempt(attempt);
            Message::Acknowledge { checkpoint, generation, attempt, part }
        }
        "fence" => Message::Fence { generation: words.generation() },
        "raised" => Message::FenceRaised { generation: words.generation() },
        "stale" => Message::Stale { generation: words.generation() },
        "data" => Message::Data(Arc::new(parse_data(words, offset))),
        "credit" => {
            let generation = words.generation();
            Message::Credit(Arc::new([credit(generation, words.word())]))
        }
        "fetch" => {
            let (generation, task) = (words.generation(), words.task());
            let from = words.places();
            Message::Fetch(Arc::new(Fetch { task, generation, from, limit: 3, lane: Lane(task.0) }))
        }
        verb @ ("keep" | "positions") => {
            let (generation, task) = (words.generation(), words.task());
            let (positions, commit) = (words.places(), verb == "keep");
            let (component, lane) = (ComponentId(0), Lane(task.0));
            let offsets = Offsets { task, generation, component, positions, commit, lane };
            Message::CommitOffsets(Arc::new(offsets))
        }
        "records" => {
            let (generation, task) = (words.generation(), words.task());
            let range = |word: &str| {
                let (partition, range) = word.split_once('@').expect("partition@from..to");
                let (from, to) = range.split_once("..").expect("partition@from..to");
                let partition = Partition(number(partition) as u16);
                (partition, u64::from(number(from)), u64::from(number(to)))
            };
            let ranges = words.0.by_ref().map(range).collect();
            Message::Records(Arc::new(Records {
                task,
                generation,
                log: log(),
                ranges,
                gone: Vec::new(),
                lane: Lane(task.0),
            }))
        }
        verb @ ("put" | "puttaken" | "putdone" | "get" | "getdone" | "inventory" | "flawed"
        | "copy" | "copied" | "unreadable") => files::parse(verb, words, saved),
        "discard" => {
            let (up_to, generation) = (words.checkpoint(), words.generation());
            let mut keep = Vec::new();
            while words.takes("keep") {
                keep.push(words.file());
            }
            Message::Discard(Arc::new(Discard { up_to, keep, generation }))
        }
        "precommitted" => {
            let (id, checkpoint) = (words.transaction(), words.checkpoint());
            Message::PreCommitted { id, checkpoint }
        }
        "committed" => {
            let (task, generation) = (words.task(), words.generation());
            Message::Committed { task, generation, checkpoint: words.checkpoint() }
        }
        "recovered" => {
            let (task, generation) = (words.task(), words.generation());
            Message::Recovered { task, generation }
        }
        "busy" => Message::Busy { task: words.task(), generation: words.generation() },
        "gone" => {
            let id = words.transaction();
            let checkpoint = words.0.next().map(|name| CheckpointId(number(name)));
            let (asked_in, records, age) = (id.generation, 3, Span::secs(20));
            Message::Gone(Arc::new(Gone { id, asked_in, checkpoint, records, age }))
        }
        verb => parse_transaction(verb, words, offset),
    }
}

/// `load g1 2 t1:300 t3:50`: the second report, over 5 s, with milliseconds of each task.
fn load(words: &mut WordsOf<'_>) -> Message {
    let (generation, count) = (words.generation(), words.number());
    let task = |word: &str| {
        let (task, cpu) = word.split_once(':').expect("task:milliseconds");
        let cpu = Span::millis(number(cpu).into());
        TaskLoad { task: TaskId(number(task) as u16), executed: 1, cpu }
    };
    let tasks = words.0.by_ref().map(task).collect();
    Message::Load(Arc::new(Load { generation, number: count, over: Span::secs(5), tasks }))
}

fn parse_transaction(verb: &str, words: &mut WordsOf<'_>, offset: &mut u64) -> Message {
    let records = |words: &mut WordsOf<'_>, id: TransactionId, offset: &mut u64| {
        let line = format!("{} t1>{} {}", id.generation, id.task, rest(words));
        vec![Arc::new(parse_data(&mut WordsOf::new(&line), offset))]
    };
    let listed = |words: &mut WordsOf<'_>| {
        let mut ids = Vec::new();
        while let Some(name) = words.0.next_if(|word| *word != "by") {
            ids.push(transaction(name));
        }
        ids
    };
    Message::Transaction(Arc::new(match verb {
        "write" => {
            let id = words.transaction();
            Transaction::Write { id, batches: records(words, id, offset) }
        }
        "precommit" => {
            let (id, checkpoint) = (words.transaction(), words.checkpoint());
            Transaction::PreCommit { id, checkpoint, batches: records(words, id, offset) }
        }
        "append" => {
            let first = words.transaction();
            Transaction::Append { first, data: records(words, first, offset).remove(0) }
        }
        "upsert" => {
            let first = words.transaction();
            let data = records(words, first, offset).remove(0);
            let key = |(_, values): (&Head, &[Value])| fingerprint(&values[..1]);
            let (table, keys) = (ComponentId(1), data.batch.iter().map(key).collect());
            Transaction::Upsert { first, table, keys, data }
        }
        "flush" => {
            let (writer, checkpoint) = (words.transaction(), words.checkpoint());
            Transaction::Flush { writer, checkpoint }
        }
        "commit" => {
            let (task, generation, ids) = (words.task(), words.generation(), listed(words));
            assert!(words.takes("by"), "a commit takes a permit");
            Transaction::Commit { task, generation, ids, permit: words.permit() }
        }
        "recover" => {
            let (task, generation, ids) = (words.task(), words.generation(), listed(words));
            let permit = words.takes("by").then(|| words.permit());
            Transaction::Recover { task, generation, ids, permit }
        }
        _ => panic!("no message is called `{verb}`"),
    }))
}

fn rest(words: &mut WordsOf<'_>) -> String {
    words.0.by_ref().collect::<Vec<_>>().join(" ")
}
