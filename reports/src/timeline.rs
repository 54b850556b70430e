//! The timeline: what the control plane did, one event a line, one column a node, one character a
//! kind.
//!
//! ```text
//! line    = time, 2 blanks, columns, 2 blanks, words [, " x" times [" until " time]]
//! time    = seconds since the start of the run, to the millisecond, right-aligned
//! columns = a cell for each node: "." or, in the one that the event happens to, its sign
//! ```
//!
//! Nodes stand in the order of the machines: `c` coordinators, `b` broker, `s` stores, `r`
//! receiver, `w` workers; supervisors (`u`), clients (`q`), query clients (`k`) and the operator
//! (`o`) only if something happens to one. Signs:
//!
//! ```text
//! !  a fault takes effect        ,  a fault strikes nothing
//! +  a worker process is up      ?  it is suspected            z  a zombie ends itself
//! G  a generation is granted     R  it runs                    F  a task fails
//! (  a checkpoint is triggered   )  it is complete             x  it is aborted
//! ^  tasks are restored          |  a service is fenced        -  it refuses an old generation
//! t  a transaction is aborted    e  the end of a partition     o  anything else
//! v  a vote is granted           E  a leader is elected        L  it takes up its duties
//! d  it steps down               <  a coordinator is back      m  the membership changes
//! i  the checkpoint interval     f  a generation is given up   S  the job ends with a savepoint
//! $  a transaction steps on      ~  tuples are saved         #  input or outputs are gone
//! ```
//!
//! An event that follows its like (same node, sign and words) makes no line of its own: it is
//! counted in the line above. Restored tasks of several workers are counted worker by worker.

use std::collections::BTreeSet;

use stormglass_engine::observation::Observation;
use stormglass_engine::observation::acking::Acking;
use stormglass_engine::raft::Point;
use stormglass_scenarios::places::Places;
use stormglass_scenarios::scenario::Role;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use crate::page::Style;
use crate::summary::Report;
use crate::words::{self, Names, count, plural};

#[cfg(test)]
mod tests;

const LEGEND: [&str; 10] = [
    "!  a fault takes effect        ,  a fault strikes nothing",
    "+  a worker process is up      ?  it is suspected            z  a zombie ends itself",
    "G  a generation is granted     R  it runs                    F  a task fails",
    "(  a checkpoint is triggered   )  it is complete             x  it is aborted",
    "^  tasks are restored          |  a service is fenced        -  it refuses an old generation",
    "t  a transaction is aborted    e  the end of a partition     o  anything else",
    "v  a vote is granted           E  a leader is elected        L  it takes up its duties",
    "d  it steps down               <  a coordinator is back      m  the membership changes",
    "i  the checkpoint interval     f  a generation is given up   S  the job ends with a savepoint",
    "$  a transaction steps on      ~  tuples are saved         #  input or outputs are gone",
];

/// Something that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Instant,
    /// To whom it happens.
    pub node: NodeId,
    /// Its sign.
    pub sign: char,
    /// What is said of it.
    pub words: String,
    /// The kernel event; none of a fault.
    pub event: Option<u64>,
}

/// One line: something, and how often it was told in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    told: Told,
    times: u64,
    last: Instant,
}

/// The timeline of a run that was recorded.
pub fn page(report: &Report<'_>) -> String {
    let names = report.names();
    let told = told(report);
    let columns = columns(&names.places, &told);
    let lines = folded(told);
    let time = lines.iter().map(|line| words::instant(line.told.at).len()).max().unwrap_or(0);
    let heads: Vec<String> = columns.iter().map(|node| head(&names.places, *node)).collect();
    let mut out = report.heading(&format!("Timeline: {}", plural(lines.len() as u64, "line")));
    let dim = |text: &str| report.paint.text(Style::Dim, text);
    for line in LEGEND {
        out.push_str(&format!("  {}\n", dim(line)));
    }
    out.push_str(&format!("\n  {:time$}  {}\n", "", dim(&heads.join(" "))));
    for line in &lines {
        let cells = columns.iter().zip(&heads).map(|(node, head)| {
            let sign = if *node == line.told.node { line.told.sign } else { '.' };
            format!("{sign:<width$}", width = head.len())
        });
        let cells = cells.collect::<Vec<_>>().join(" ");
        let at = words::instant(line.told.at);
        out.push_str(&format!("  {at:>time$}  {cells}  {}\n", said(line)));
    }
    out
}

fn said(line: &Line) -> String {
    let (first, last) = (words::instant(line.told.at), words::instant(line.last));
    let words = &line.told.words;
    match line.times {
        1 => words.clone(),
        n if first == last => format!("{words} x{}", count(n)),
        n => format!("{words} x{} until {last}", count(n)),
    }
}

/// Faults and observations in the order of time. A fault comes after what was observed at its
/// instant: that is what it waited for.
pub fn told(report: &Report<'_>) -> Vec<Told> {
    let names = report.names();
    let mut faults = faults(report, &names);
    faults.sort_by_key(|told| told.at);
    let mut faults = faults.into_iter().peekable();
    let mut all: Vec<Told> = Vec::new();
    for (stamp, what) in &report.outcome.story {
        while let Some(fault) = faults.next_if(|fault| fault.at < stamp.time) {
            all.push(fault);
        }
        let (node, sign, words) = event(stamp.node, what, &names);
        all.push(Told { at: stamp.time, node, sign, words, event: Some(stamp.event) });
    }
    all.extend(faults);
    all
}

/// The lines: what is like the one before is counted there.
fn folded(told: Vec<Told>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for told in told {
        let of = |told: &Told| (told.node, told.sign, told.words.clone());
        let alike = |line: &&mut Line| of(&line.told) == of(&told);
        let mut back = lines.iter_mut().rev();
        let known = match told.sign {
            '^' => back.take_while(|line| line.told.sign == '^').find(alike),
            _ => back.next().filter(alike),
        };
        match known {
            Some(line) => {
                line.times += 1;
                line.last = told.at;
            }
            None => lines.push(Line { times: 1, last: told.at, told }),
        }
    }
    lines
}

fn faults(report: &Report<'_>, names: &Names<'_>) -> Vec<Told> {
    let nodes = all(&names.places);
    let struck = report.outcome.faults.iter().filter_map(|fault| {
        let at = fault.at?;
        let node = nodes.iter().find(|node| names.node(**node) == fault.target);
        let node = *node.or(nodes.first())?;
        let sign = if fault.took_effect { '!' } else { ',' };
        let words = format!("fault {}: {}, {}", fault.number, fault.target, fault.what);
        Some(Told { at, node, sign, words, event: None })
    });
    struck.collect()
}

/// To whom it happens, its sign, and what is said of it.
fn event(by: NodeId, what: &Observation, names: &Names<'_>) -> (NodeId, char, String) {
    use Observation as O;
    let words = names.observation(what);
    match *what {
        O::WorkerStarted { node, .. } => (node, '+', words),
        O::Suspected { node, .. } => (node, '?', words),
        O::ZombieExit { node, .. } => (node, 'z', words),
        O::Granted { .. } => (by, 'G', words),
        O::Running { .. } => (by, 'R', words),
        O::TaskFailed { .. } => (by, 'F', words),
        O::CheckpointTriggered { .. } => (by, '(', words),
        O::CheckpointCompleted { .. } => (by, ')', words),
        O::CheckpointAborted { .. } => (by, 'x', words),
        O::IntervalChanged { .. } => (by, 'i', words),
        O::JobFailed { .. } => (by, 'f', words),
        O::Stopped { .. } => (by, 'S', words),
        O::Acking(Acking::Stepped { .. }) => (by, '$', words),
        O::InFlight { task, generation, checkpoint, .. } => {
            let task = names.topology.task_name(task);
            (by, '~', format!("{task} saved tuples on their way in {checkpoint} of {generation}"))
        }
        O::Input(_) | O::TransactionExpired { .. } | O::TransactionLost { .. } => (by, '#', words),
        O::Restored { generation, checkpoint, .. } => {
            let words = match checkpoint {
                Some(checkpoint) => format!("tasks restored from {checkpoint} in {generation}"),
                None => format!("tasks started from nothing in {generation}"),
            };
            (by, '^', words)
        }
        O::Fenced { node, .. } => (node, '|', words),
        O::Refused { resource, generation, .. } => {
            (by, '-', format!("{} refused {generation}", words::service(resource)))
        }
        O::TransactionAborted { .. } => (by, 't', words),
        O::PartitionDrained { .. } => (by, 'e', words),
        O::Leads { .. } => (by, 'L', words),
        O::Raft(Point::VoteGranted { .. }) => (by, 'v', words),
        O::Raft(Point::Elected { .. }) => (by, 'E', words),
        O::Raft(Point::SteppedDown { .. }) => (by, 'd', words),
        O::Raft(Point::Recovered { .. }) => (by, '<', words),
        O::Raft(Point::MembershipChanged { .. }) => (by, 'm', words),
        _ => (by, 'o', words),
    }
}

/// All processes in the order of the machines, workers last.
fn all(places: &Places) -> Vec<NodeId> {
    let roles = [
        Role::Coordinator,
        Role::Broker,
        Role::Store,
        Role::Receiver,
        Role::Supervisor,
        Role::Worker,
        Role::Client,
        Role::QueryClient,
        Role::Operator,
    ];
    let members = |role| (1..).map_while(move |number| places.node(role, number));
    roles.into_iter().flat_map(members).collect()
}

/// The processes that have a column, in order.
pub fn columns(places: &Places, told: &[Told]) -> Vec<NodeId> {
    let seen: BTreeSet<NodeId> = told.iter().map(|told| told.node).collect();
    let rarely = [Role::Supervisor, Role::Client, Role::Operator, Role::QueryClient];
    let always =
        |node: &NodeId| places.role_of(*node).is_none_or(|(role, _)| !rarely.contains(&role));
    all(places).into_iter().filter(|node| always(node) || seen.contains(node)).collect()
}

fn head(places: &Places, node: NodeId) -> String {
    match places.role_of(node) {
        Some((Role::Coordinator, number)) => format!("c{number}"),
        Some((Role::Broker, _)) => "b".to_string(),
        Some((Role::Store, _)) if places.node(Role::Store, 2).is_none() => "s".to_string(),
        Some((Role::Store, number)) => format!("s{number}"),
        Some((Role::Receiver, _)) => "r".to_string(),
        Some((Role::Supervisor, number)) => format!("u{number}"),
        Some((Role::Worker, number)) => format!("w{number}"),
        Some((Role::Client, number)) => format!("q{number}"),
        Some((Role::Operator, _)) => "o".to_string(),
        Some((Role::QueryClient, number)) => format!("k{number}"),
        None => node.to_string(),
    }
}
