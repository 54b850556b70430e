//! What facts look like in JSON, one form each.

use serde_json::{Value, json};
use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::coordinator::checkpoint_spout::Phase;
use stormglass_engine::ids;
use stormglass_engine::observation::acking::Versioning;
use stormglass_engine::observation::{self, AbortReason, Step, Suspicion};
use stormglass_engine::raft;
use stormglass_scenarios::places::Places;
use stormglass_scenarios::scenario::Role;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Span;

use crate::words::Names;

/// How facts of a type are written.
pub(super) trait Form {
    /// What they are in the engine.
    type Of;
    /// What the form is called.
    const NAME: &'static str;
    /// Whether they may be missing.
    const OPTIONAL: bool = false;
    /// One of them.
    fn value(of: &Self::Of, names: &Names<'_>) -> Value;
    /// All of them.
    fn schema() -> Value;
}

/// A fact that may be missing.
pub(super) struct Maybe<F>(std::marker::PhantomData<F>);

impl<F: Form> Form for Maybe<F> {
    type Of = Option<F::Of>;
    const NAME: &'static str = F::NAME;
    const OPTIONAL: bool = true;
    fn value(of: &Self::Of, names: &Names<'_>) -> Value {
        of.as_ref().map_or(Value::Null, |of| F::value(of, names))
    }
    fn schema() -> Value {
        F::schema()
    }
}

macro_rules! forms {
    ($($name:ident($key:literal): $of:ty = $type:literal, $says:literal, $value:expr;)+) => {
        $(
            pub(super) struct $name;

            impl Form for $name {
                type Of = $of;
                const NAME: &'static str = $key;
                fn value(of: &$of, names: &Names<'_>) -> Value {
                    let value: fn(&$of, &Names<'_>) -> Value = $value;
                    value(of, names)
                }
                fn schema() -> Value {
                    json!({ "type": $type, "description": $says })
                }
            }
        )+
    };
}

forms! {
    Task("task"): ids::TaskId = "string",
        "a task: its component and its place in it, `count[3]`; records come from `broker`",
        |of, names| names.topology.task_name(*of).into();
    Component("component"): ids::ComponentId = "string", "a component of the topology",
        |of, names| names.topology.component(*of).name.to_string().into();
    Process("process"): NodeId = "string", "a process, `worker-2`",
        |of, names| names.node(*of).into();
    Generation("generation"): ids::Generation = "integer", "an assignment of tasks to workers",
        |of, _| of.0.into();
    Attempt("attempt"): ids::Attempt = "integer", "an attempt to execute a task",
        |of, _| of.0.into();
    Checkpoint("checkpoint"): ids::CheckpointId = "integer", "a checkpoint",
        |of, _| of.0.into();
    Transaction("transaction"): ids::Txid = "integer", "a transaction of the checkpoint spout",
        |of, _| of.0.into();
    Record("record"): ids::Root = "string", "a record of the input: partition and offset, `p0@17`",
        |of, _| of.to_string().into();
    Place("place"): ids::Child = "integer", "a tuple's place below its record; 0 is the record",
        |of, _| of.0.into();
    Group("group"): ids::KeyGroup = "integer", "a key group",
        |of, _| of.0.into();
    Partition("partition"): ids::Partition = "integer", "a partition of the input",
        |of, _| of.0.into();
    Print("print"): u64 = "string", "a fingerprint, or any other 64 bits: 16 hexadecimal digits",
        |of, _| format!("{of:016x}").into();
    Number("number"): u64 = "integer", "a number", |of, _| (*of).into();
    Count("count"): u32 = "integer", "how many", |of, _| (*of).into();
    Few("few"): u16 = "integer", "how many; or bits, one a stream", |of, _| (*of).into();
    Hash("hash"): i32 = "integer", "the hash of a key", |of, _| (*of).into();
    Flag("flag"): bool = "boolean", "whether it is so", |of, _| (*of).into();
    Duration("duration"): Span = "integer", "a duration in ns", |of, _| of.as_nanos().into();
    Term("term"): raft::Term = "integer", "a term of Raft", |of, _| of.0.into();
    Index("index"): raft::Index = "integer", "a place in the metadata log", |of, _| of.0.into();
    Replica("replica"): raft::ReplicaId = "string", "a coordinator",
        |of, names| replica(&names.places, *of).into();
    Operation("operation"): observation::Operation = "string",
        "what a client asked: its name and a number, `client-1#7`",
        |of, names| format!("{}#{}", names.node(of.client), of.number).into();
    Call("call"): observation::Call = "string", "`read`, `set N` or `add N`",
        |of, _| match of {
            observation::Call::Read => "read".into(),
            observation::Call::Set(value) => format!("set {value}").into(),
            observation::Call::Add(value) => format!("add {value}").into(),
        };
}

/// Forms of which there are only a few values.
macro_rules! words {
    ($($form:ident($key:literal): $of:ty, $says:literal { $($value:pat => $word:literal,)+ })+) => {
        $(
            pub(super) struct $form;

            impl Form for $form {
                type Of = $of;
                const NAME: &'static str = $key;
                fn value(of: &$of, _: &Names<'_>) -> Value {
                    match of { $($value => $word,)+ }.into()
                }
                fn schema() -> Value {
                    json!({ "enum": [$($word),+], "description": $says })
                }
            }
        )+
    };
}

words! {
    Resource("resource"): observation::Resource, "a service that outlives generations" {
        observation::Resource::Broker => "broker",
        observation::Resource::Store => "store",
        observation::Resource::Receiver => "receiver",
        observation::Resource::Checkpoints => "checkpoints",
    }
    Reason("suspicion"): Suspicion, "why a worker is suspected" {
        Suspicion::HeartbeatTimeout => "heartbeat-timeout",
        Suspicion::ConnectionLost => "connection-lost",
        Suspicion::Reincarnated => "reincarnated",
        Suspicion::TaskFailed => "task-failed",
        Suspicion::DeployTimeout => "deploy-timeout",
        Suspicion::ExecutorTimeout => "executor-timeout",
    }
    Abort("abort"): AbortReason, "why a checkpoint was given up" {
        AbortReason::Expired => "expired",
        AbortReason::Superseded => "superseded",
        AbortReason::Declined => "declined",
        AbortReason::Subsumed => "subsumed",
        AbortReason::Io => "io",
        AbortReason::Async => "async",
        AbortReason::Finalize => "finalize",
    }
    StepOf("step"): Step, "a step of a checkpoint at a task" {
        Step::BarrierSent => "barrier-sent",
        Step::Aligning => "aligning",
        Step::Uploading => "uploading",
        Step::Notified => "notified",
    }
    Purpose("purpose"): CheckpointKind, "what a checkpoint is for" {
        CheckpointKind::Checkpoint => "checkpoint",
        CheckpointKind::Savepoint => "savepoint",
        CheckpointKind::StopWithSavepoint => "stop-with-savepoint",
    }
    PhaseOf("phase"): Phase, "how far a transaction has come" {
        Phase::Preparing => "preparing",
        Phase::Committing => "committing",
        Phase::Committed => "committed",
    }
    How("versioning"): Versioning, "why a task says which state it has" {
        Versioning::Prepared => "prepared",
        Versioning::Restored => "restored",
        Versioning::RolledBack => "rolled-back",
    }
}

/// The name of a coordinator, by its number among them.
fn replica(places: &Places, raft::ReplicaId(number): raft::ReplicaId) -> String {
    let node = places.node(Role::Coordinator, u32::from(number) + 1);
    node.map_or_else(|| format!("coordinator-{}", number + 1), |node| places.name(node))
}
