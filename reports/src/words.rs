//! Numbers, durations and observations as people read them.

use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::coordinator::checkpoint_spout::Phase;
use stormglass_engine::ids::CheckpointId;
use stormglass_engine::observation::acking::{Acking, Versioning};
use stormglass_engine::observation::input::Input;
use stormglass_engine::observation::{
    AbortReason, Call, Observation, Operation, Resource, Step, Suspicion,
};
use stormglass_engine::raft::{Point, ReplicaId};
use stormglass_engine::topology::Topology;
use stormglass_scenarios::places::Places;
use stormglass_scenarios::scenario::Role;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use crate::facts;

#[cfg(test)]
mod tests;

/// A number with separators: `20,000`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 record`, `3 records`.
pub fn plural(n: u64, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A share of a whole to the tenth of a percent: `96.2%`. `100%` is all of it and
/// `0%` none of it, never nearly so.
pub fn percent(part: u64, whole: u64) -> String {
    match part {
        0 => "0%".to_string(),
        part if part == whole => "100%".to_string(),
        part => {
            let whole = u128::from(whole.max(1));
            let tenths = (u128::from(part) * 1_000 + whole / 2) / whole;
            let tenths = tenths.clamp(1, 999);
            format!("{}.{}%", tenths / 10, tenths % 10)
        }
    }
}

/// A duration in three to four digits: `1.006 s`, `16.9 ms`, `850 us`.
pub fn span(span: Span) -> String {
    match span.as_nanos() {
        0 => "0".to_string(),
        n if n >= 99_999_500_000 => decimal(n, 1_000_000_000, 1, "s"),
        n if n >= 999_950_000 => decimal(n, 1_000_000_000, 3, "s"),
        n if n >= 999_500 => decimal(n, 1_000_000, 1, "ms"),
        n if n >= 1_000 => decimal(n, 1_000, 0, "us"),
        n => format!("{n} ns"),
    }
}

/// A point in time: seconds since the start of the run, to the millisecond.
pub fn instant(at: Instant) -> String {
    decimal(at.nanos(), 1_000_000_000, 3, "s")
}

/// A number of bytes: `812 B`, `41.2 kB`; `4 MB` if it is that exactly.
pub fn bytes(n: u64) -> String {
    match n {
        n if n >= 1_000_000_000 && n % 1_000_000_000 == 0 => {
            format!("{} GB", count(n / 1_000_000_000))
        }
        n if n >= 1_000_000 && n % 1_000_000 == 0 => format!("{} MB", n / 1_000_000),
        n if n >= 1_000 && n % 1_000 == 0 => format!("{} kB", n / 1_000),
        n if n >= 999_950_000 => decimal(n, 1_000_000_000, 2, "GB"),
        n if n >= 999_950 => decimal(n, 1_000_000, 1, "MB"),
        n if n >= 1_000 => decimal(n, 1_000, 1, "kB"),
        n => format!("{n} B"),
    }
}

/// A number given in thousandths, with one digit after the point: `1,000.0`.
pub fn thousandths(n: u64) -> String {
    let tenths = (u128::from(n) + 50) / 100;
    let whole = u64::try_from(tenths / 10).unwrap_or(u64::MAX);
    format!("{}.{}", count(whole), tenths % 10)
}

/// `n / unit` with so many digits after the point, rounded.
fn decimal(n: u64, unit: u64, digits: u32, name: &str) -> String {
    let scale = 10u128.pow(digits);
    let scaled = (u128::from(n) * scale + u128::from(unit) / 2) / u128::from(unit);
    let whole = count(u64::try_from(scaled / scale).unwrap_or(u64::MAX));
    match digits {
        0 => format!("{whole} {name}"),
        _ => format!("{whole}.{:0width$} {name}", scaled % scale, width = digits as usize),
    }
}

/// Who is who in a run.
#[derive(Clone, Debug)]
pub struct Names<'a> {
    /// The processes.
    pub places: Places,
    /// The tasks.
    pub topology: &'a Topology,
}

impl Names<'_> {
    /// A process: `worker-2`.
    pub fn node(&self, node: NodeId) -> String {
        self.places.name(node)
    }

    /// An observation in a few words, without who made it and when.
    pub fn observation(&self, what: &Observation) -> String {
        use Observation as O;
        let task = |task| self.topology.task_name(task);
        match *what {
            O::Executed { task: by, from, generation, root, .. } if from.0 == 0 => {
                format!("{} read {root} in {generation}", task(by))
            }
            O::Executed { task: by, from, generation, root, .. } => {
                format!(
                    "{} executed a tuple of {root} from {} in {generation}",
                    task(by),
                    task(from)
                )
            }
            O::Ended { task: by, generation, root, .. } => {
                format!("{} passed nothing of {root} on in {generation}", task(by))
            }
            O::Answered { task: by, generation, word } => {
                format!("{} was answered {word} in {generation}", task(by))
            }
            O::Cut { task: by, generation, checkpoint } => {
                format!("{} took its part of {checkpoint} in {generation}", task(by))
            }
            O::Position { task: by, generation, checkpoint, next } => {
                format!("{} goes on at {next} after {checkpoint} of {generation}", task(by))
            }
            O::GroupCut { task: by, generation, checkpoint, group, keys, .. } => {
                let keys = plural(keys.into(), "key");
                format!("{} saved {group} with {keys} in {checkpoint} of {generation}", task(by))
            }
            O::OperatorCut { task: by, generation, checkpoint, .. } => {
                format!("{} saved its own state in {checkpoint} of {generation}", task(by))
            }
            O::PreCommitted { task: by, generation, checkpoint, records } => {
                let records = plural(records.into(), "record");
                format!("{} pre-committed {records} for {checkpoint} in {generation}", task(by))
            }
            O::Staged { task: by, generation, checkpoint, root, .. } => {
                let by = task(by);
                format!("an output of {root} by {by} of {generation} waits for {checkpoint}")
            }
            O::Published { task: by, generation, checkpoint, records } => {
                let (by, outputs) = (task(by), plural(records.into(), "output"));
                format!("{outputs} by {by} of {generation} became visible with {checkpoint}")
            }
            O::Restored { task: by, generation, checkpoint, .. } => match checkpoint {
                Some(checkpoint) => format!("{} restored {checkpoint} in {generation}", task(by)),
                None => format!("{} started from nothing in {generation}", task(by)),
            },
            O::TaskFailed { task: by, generation } => {
                format!("{} failed in {generation}", task(by))
            }
            O::Accepted { resource, generation, task: by } => {
                format!("{} accepted {} of {generation}", service(resource), task(by))
            }
            O::Refused { resource, generation, task: by } => {
                format!("{} refused {} of {generation}", service(resource), task(by))
            }
            O::TransactionAborted { task: by, generation, records, .. } => {
                let records = plural(records.into(), "record");
                format!("{records} of {} of {generation} thrown away", task(by))
            }
            _ => self.control(what),
        }
    }

    /// An observation of the control plane, whose tasks do not matter.
    fn control(&self, what: &Observation) -> String {
        use Observation as O;
        match *what {
            O::WorkerStarted { node, incarnation } => {
                format!("{} is up, life {incarnation}", self.node(node))
            }
            O::Suspected { node, reason } => {
                format!("{} is suspected: {}", self.node(node), suspicion(reason))
            }
            O::Granted { generation, workers, restore } => {
                let from = restore.map_or("nothing".to_string(), |id| id.to_string());
                let workers = plural(workers.into(), "worker");
                format!("{generation} granted to {workers}, from {from}")
            }
            O::Running { generation } => format!("{generation} runs"),
            O::CheckpointTriggered { checkpoint, kind, generation } => {
                format!("{} triggered in {generation}", named(kind, checkpoint))
            }
            O::CheckpointAcked { checkpoint, task, bytes: size, .. } => {
                format!(
                    "{} acknowledged {checkpoint}, {}",
                    self.topology.task_name(task),
                    bytes(size)
                )
            }
            O::CheckpointCompleted { checkpoint, kind, generation, bytes: size } => {
                format!("{} of {generation} complete, {}", named(kind, checkpoint), bytes(size))
            }
            O::CheckpointUnreadable { checkpoint } => {
                format!("{checkpoint} is unreadable: no store has a sound copy of all its files")
            }
            O::StateLost { generation } => {
                format!("{generation} cannot start: no completed checkpoint is readable")
            }
            O::CheckpointAborted { checkpoint, generation, reason } => {
                format!("{checkpoint} of {generation} aborted: {}", abort(reason))
            }
            O::IntervalChanged { interval } => {
                format!("checkpoints are {} apart from now on", span(interval))
            }
            O::JobFailed { generation, checkpoint, reason } => {
                format!("{generation} is given up after {checkpoint}: {}", abort(reason))
            }
            O::Stopped { generation, checkpoint } => {
                format!("the job ends in {generation} with {checkpoint}")
            }
            O::Assigned { generation, task, node } => {
                let task = self.topology.task_name(task);
                format!("{task} assigned to {} in {generation}", self.node(node))
            }
            O::Fenced { resource, generation, .. } => {
                format!("{} refuses all before {generation}", service(resource))
            }
            O::ZombieExit { node, generation } => {
                format!("{} finds that {generation} is over, and ends itself", self.node(node))
            }
            O::PartitionDrained { partition } => format!("last record of {partition} served"),
            O::Raft(point) => self.point(point),
            O::Applied { index, term, .. } => {
                format!("entry {} of term {} applied", index.0, term.0)
            }
            O::Leads { term } => format!("leads in term {}", term.0),
            O::Heard { node, generation, .. } => {
                format!("heard {} of {generation}", self.node(node))
            }
            O::Invoked { operation, key, call } => {
                let call = match call {
                    Call::Read => format!("reads register {key}"),
                    Call::Set(value) => format!("sets register {key} to {value}"),
                    Call::Add(value) => format!("adds {value} to register {key}"),
                };
                format!("{} {call}, operation {}", self.node(operation.client), operation.number)
            }
            O::Responded { operation, value } => {
                let client = self.node(operation.client);
                format!("{client} has its answer to operation {}: {value}", operation.number)
            }
            O::Acking(what) => self.acking(what),
            O::Input(what) => self.input(what),
            _ => self.effect(what),
        }
    }

    /// An observation of checkpoints in detail, of receivers and of those who ask from outside.
    fn effect(&self, what: &Observation) -> String {
        use Observation as O;
        let task = |task| self.topology.task_name(task);
        match *what {
            O::Stepped { step, task: by, generation, checkpoint } => {
                let of = format!("{checkpoint} in {generation}");
                let by = task(by);
                match step {
                    Step::BarrierSent => format!("{by} passed the barrier of {of} on"),
                    Step::Aligning => format!("{by} waits for the other barriers of {of}"),
                    Step::Uploading => format!("{by} sends its part of {of} to the store"),
                    Step::Notified => format!("{by} learnt that {of} is complete"),
                }
            }
            O::InFlight { task: by, generation, checkpoint, from, to, tuples, .. } => {
                let tuples = plural(tuples.into(), "tuple");
                let (by, from, to) = (task(by), task(from), task(to));
                format!(
                    "{by} saved {tuples} on their way from {from} to {to} in {checkpoint} of \
                     {generation}"
                )
            }
            O::TransactionExpired { task: by, generation, records, age, .. } => {
                let (records, by, age) = (plural(records.into(), "record"), task(by), span(age));
                format!("{records} of {by} of {generation} timed out after {age}")
            }
            O::TransactionLost { task: by, generation, records, age, .. } => {
                let (records, by, age) = (plural(records.into(), "record"), task(by), span(age));
                format!("{by} of {generation} learnt that {records} had timed out after {age}")
            }
            O::Appended { task: by, generation, root, .. } => {
                format!("an output of {root} by {} of {generation} became visible", task(by))
            }
            O::Upserted { task: by, generation, root, sequence, .. } => {
                let by = task(by);
                format!("output {sequence} by {by} of {generation}, of {root}, became visible")
            }
            O::RowKept { task: by, generation, sequence, .. } => {
                format!("found the row of output {sequence} by {} of {generation}", task(by))
            }
            O::RowsKept { rows } => format!("found {} in all", plural(rows, "row")),
            O::Queried { operation, task: by, generation, .. } => {
                let query = self.operation("query", operation);
                format!("{} of {generation} read a row for {query}", task(by))
            }
            O::QueryAnswered { operation, generation, .. } => {
                format!("{} has its answer, of {generation}", self.operation("query", operation))
            }
            O::QueryRefused { operation } => {
                format!("{} is given up: no certain owner", self.operation("query", operation))
            }
            // All of today's have been put into words.
            ref other => facts::name(other).replace('-', " "),
        }
    }

    /// Something that a client asked, by its number.
    fn operation(&self, what: &str, Operation { client, number }: Operation) -> String {
        format!("{what} {number} of {}", self.node(client))
    }

    fn acking(&self, what: Acking) -> String {
        let task = |task| self.topology.task_name(task);
        match what {
            Acking::Stepped { generation, txid, phase, version } => {
                let phase = match phase {
                    Phase::Preparing => "is prepared",
                    Phase::Committing => "is being committed",
                    Phase::Committed => "is committed",
                };
                format!("{txid} of {generation} {phase} as {version}")
            }
            Acking::Versioned { task: by, generation, version, how, .. } => {
                let version = version.map_or("no state".to_string(), |id| id.to_string());
                let how = match how {
                    Versioning::Prepared => "prepared",
                    Versioning::Restored => "started with",
                    Versioning::RolledBack => "went back to",
                };
                format!("{} {how} {version} in {generation}", task(by))
            }
            Acking::Acked { task: by, generation, root } => {
                format!("{root} of {} is done in {generation}", task(by))
            }
            Acking::Failed { task: by, generation, root, timed_out } => {
                let why = if timed_out { "its time is over" } else { "a task gave it up" };
                format!("{root} of {} failed in {generation}: {why}", task(by))
            }
            Acking::Kept { component, next } => {
                let name = &self.topology.component(component).name;
                format!("{name} reads on from {next} whatever comes")
            }
        }
    }

    fn input(&self, what: Input) -> String {
        match what {
            Input::Trimmed { partition, asked, start } => {
                format!("was asked for {partition}@{asked}, and keeps it from @{start} on only")
            }
            Input::Truncated { partition, start, .. } => {
                format!("drops what {partition} has before @{start}")
            }
            Input::Rewound { .. } => "serves records from before what was asked for".to_string(),
            Input::Lost { task, generation, next, start } => {
                let task = self.topology.task_name(task);
                format!("{task} of {generation} stops: {next} is gone, all before @{start} is")
            }
        }
    }

    /// A coordinator, by its number among them.
    fn replica(&self, ReplicaId(number): ReplicaId) -> String {
        let node = self.places.node(Role::Coordinator, u32::from(number) + 1);
        node.map_or_else(|| format!("coordinator-{}", number + 1), |node| self.node(node))
    }

    /// A point of the Raft protocol.
    fn point(&self, point: Point) -> String {
        match point {
            Point::Recovered { term, last } => {
                format!("is back with term {} and entries up to {}", term.0, last.0)
            }
            Point::Campaigned { term } => format!("stands for election in term {}", term.0),
            Point::VoteGranted { term, to } => {
                format!("votes for {} in term {}", self.replica(to), term.0)
            }
            Point::Elected { term } => format!("is elected in term {}", term.0),
            Point::SteppedDown { term } => format!("steps down from term {}", term.0),
            Point::Appended { index, term, .. } => {
                format!("appended entry {} of term {}", index.0, term.0)
            }
            Point::Truncated { from } => format!("dropped its entries from {} on", from.0),
            Point::Persisted { last } => format!("has entries up to {} on disk", last.0),
            Point::Committed { index, .. } => format!("knows entries up to {} committed", index.0),
            Point::MembershipChanged { voters, joint, .. } => {
                let voters = plural(voters.into(), "voter");
                let joint = if joint { ", still with the old ones" } else { "" };
                format!("goes by a membership of {voters}{joint}")
            }
            Point::Compacted { index } => {
                format!("put a snapshot in the place of entries up to {}", index.0)
            }
            Point::SnapshotSent { to, index } => {
                format!("sends {} a snapshot of entries up to {}", self.replica(to), index.0)
            }
            Point::SnapshotInstalled { index, .. } => {
                format!("took over a snapshot of entries up to {}", index.0)
            }
            Point::TransferBegan { to } => format!("hands leadership to {}", self.replica(to)),
        }
    }
}

/// A service that outlives generations.
pub const fn service(resource: Resource) -> &'static str {
    match resource {
        Resource::Broker => "broker",
        Resource::Store => "store",
        Resource::Receiver => "receiver",
        Resource::Checkpoints => "checkpoint coordinator",
    }
}

/// Why somebody is suspected.
pub const fn suspicion(reason: Suspicion) -> &'static str {
    match reason {
        Suspicion::HeartbeatTimeout => "no heartbeat",
        Suspicion::ConnectionLost => "connection lost",
        Suspicion::Reincarnated => "came back as a new process",
        Suspicion::TaskFailed => "task failed",
        Suspicion::ExecutorTimeout => "executor silent",
        Suspicion::DeployTimeout => "not deployed in time",
    }
}

/// Why a checkpoint was given up.
pub const fn abort(reason: AbortReason) -> &'static str {
    match reason {
        AbortReason::Expired => "expired",
        AbortReason::Superseded => "superseded by a new generation",
        AbortReason::Declined => "a task could not take part",
        AbortReason::Subsumed => "a newer one completed first",
        AbortReason::Io => "a task could not write its state",
        AbortReason::Async => "a task could not make its state ready",
        AbortReason::Finalize => "its completion was refused",
    }
}

/// A checkpoint with its kind, if that is not the usual one.
fn named(kind: CheckpointKind, checkpoint: CheckpointId) -> String {
    match kind {
        CheckpointKind::Checkpoint => checkpoint.to_string(),
        kind => format!("{} {checkpoint}", kind.name()),
    }
}
