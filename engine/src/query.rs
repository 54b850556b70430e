//! Queries: keyed state read from outside of the topology, each key at its owner.
//!
//! A query client asks the coordinators who owns a key, asks that owner, and then asks the
//! coordinators again. All it is told of ownership is a linearizable read of the metadata, so if
//! the generation is the same before and after, nobody else owned the key when the owner answered:
//! the answer was current at that moment. If it is not, or the owner refuses or is silent, the
//! query is made again; after its patience it is refused. A stale answer never claims to be
//! current.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;
use stormglass_sim::node::{Event, Lane, NodeId, TimerId};
use stormglass_sim::time::{Instant, Span};

use crate::cluster::Cluster;
use crate::coordinator::metadata::Assignment;
use crate::grouping;
use crate::ids::{ComponentId, Generation, TaskId};
use crate::java;
use crate::message::{Ask, Asked, Message};
use crate::names::{Probe, Twist};
use crate::node::Cx;
use crate::observation::{Observation, Operation};
use crate::state::Key;
use crate::value::{self, Value};

const MAIN: Lane = Lane(0);
/// A question that has no answer after this is asked again.
const RETRY: Span = Span::millis(300);
/// Who was refused waits this long before it asks again.
const PAUSE: Span = Span::millis(50);
/// A query is refused after this long.
const PATIENCE: Span = Span::secs(10);

/// What is asked of an owner.
#[derive(Debug)]
pub struct Query {
    /// The client's number of the question.
    pub number: u32,
    /// The task that owns the key.
    pub task: TaskId,
    /// The generation in which it does.
    pub generation: Generation,
    /// The key.
    pub key: Key,
}

/// What a query client does.
#[derive(Clone, Debug)]
pub struct Queries {
    /// Whose state is read.
    pub component: ComponentId,
    /// The keys that are asked for, one drawn at a time; at least one.
    pub keys: Arc<[Key]>,
    /// The longest pause between two queries.
    pub pause: Span,
    /// When to stop.
    pub until: Instant,
}

/// The query client process.
#[derive(Clone, Debug)]
pub struct QueryClient {
    cluster: Arc<Cluster>,
    work: Queries,
    /// Questions of this life so far, to coordinators and owners.
    asked: u32,
    /// Queries of this life so far.
    queries: u32,
    /// Who owns what, as far as is known.
    assignment: Option<Arc<Assignment>>,
    /// Which coordinator is asked: its place among them.
    at: usize,
    /// That one was named by another, and has not been asked yet.
    sent_on: bool,
    query: Option<Pending>,
    timer: Option<TimerId>,
}

/// A query that has no answer yet.
#[derive(Clone, Debug)]
struct Pending {
    operation: Operation,
    key: Key,
    until: Instant,
    waits: Waits,
}

/// What a query waits for.
#[derive(Clone, Debug)]
enum Waits {
    /// To be asked again.
    Nothing,
    /// A coordinator says who owns what: this is the question.
    Placement(u32),
    /// The owner answers this question.
    Owner(u32),
    /// A coordinator says, in answer to this question, whether the owner was still the owner when
    /// it gave this answer.
    Confirmation(u32, Answer),
}

/// What an owner has answered.
#[derive(Clone, Copy, Debug)]
struct Answer {
    /// To which question.
    question: u32,
    generation: Generation,
    /// The fingerprint of the row.
    row: u64,
}

impl QueryClient {
    /// A query client of this cluster.
    ///
    /// # Panics
    /// If there are no keys to ask for.
    pub fn new(cluster: Arc<Cluster>, work: Queries) -> Self {
        assert!(!work.keys.is_empty(), "a query is for a key");
        QueryClient {
            cluster,
            work,
            asked: 0,
            queries: 0,
            assignment: None,
            at: 0,
            sent_on: false,
            query: None,
            timer: None,
        }
    }

    /// Reacts to one event.
    pub fn on_event(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        match event {
            Event::Start => self.rest(cx),
            Event::Timer { timer, .. } if self.timer == Some(timer) => {
                self.timer = None;
                self.woken(cx);
            }
            Event::Datagram { message, .. } => match message {
                Message::Placement { number, assignment } => self.placed(number, assignment, cx),
                Message::Elsewhere { number, leader } => self.elsewhere(number, leader, cx),
                Message::Queried { number, generation, row } => {
                    self.queried(number, generation, row, cx);
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn wake(&mut self, after: Span, cx: &mut Cx<'_>) {
        if let Some(timer) = self.timer.take() {
            cx.cancel_timer(timer);
        }
        self.timer = Some(cx.set_timer(MAIN, after, 0));
    }

    /// Waits until the next query is due.
    fn rest(&mut self, cx: &mut Cx<'_>) {
        if cx.now() < self.work.until {
            let pause = Span::nanos(cx.below(self.work.pause.as_nanos().max(1)));
            self.wake(pause, cx);
        }
    }

    /// A pause is over, or an answer has not come.
    fn woken(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let Some(pending) = &mut self.query else { return self.begin(cx) };
        if pending.until <= now {
            let operation = pending.operation;
            self.query = None;
            cx.observe(Observation::QueryRefused { operation });
            return self.rest(cx);
        }
        let sent_on = core::mem::take(&mut self.sent_on);
        match pending.waits {
            Waits::Confirmation(_, answer) => {
                // Generations never come back: a later answer proves as much.
                self.at += usize::from(!sent_on);
                return self.confirm(answer, cx);
            }
            Waits::Placement(_) => self.at += usize::from(!sent_on),
            Waits::Owner(_) => self.assignment = None,
            Waits::Nothing => {}
        }
        self.ask(cx);
    }

    /// Asks whether the generation of an answer is still the current one.
    fn confirm(&mut self, answer: Answer, cx: &mut Cx<'_>) {
        let number = self.ask_coordinator(cx);
        self.wait_for(Waits::Confirmation(number, answer));
    }

    fn begin(&mut self, cx: &mut Cx<'_>) {
        self.queries += 1;
        let number = cx.incarnation() << 24 | self.queries;
        let operation = Operation { client: cx.me(), number };
        let key = self.work.keys[cx.below(self.work.keys.len() as u64) as usize].clone();
        let until = cx.now() + PATIENCE;
        self.query = Some(Pending { operation, key, until, waits: Waits::Nothing });
        self.ask(cx);
    }

    /// A question of its own number: answers to earlier ones say nothing any more.
    fn number(&mut self, cx: &Cx<'_>) -> u32 {
        self.asked += 1;
        cx.incarnation() << 24 | self.asked
    }

    /// Asks whoever has to be asked next.
    fn ask(&mut self, cx: &mut Cx<'_>) {
        let Some(assignment) = self.assignment.clone() else {
            let number = self.ask_coordinator(cx);
            self.wait_for(Waits::Placement(number));
            return;
        };
        let number = self.number(cx);
        let Some(pending) = &self.query else { return };
        let hash = java::deep_hash_code(pending.key.iter());
        let topology = &self.cluster.topology;
        let (component, groups) =
            (topology.component(self.work.component), topology.max_parallelism());
        let index = grouping::owner(java::floor_mod(hash, groups), component.parallelism, groups);
        let task = TaskId(component.first_task.0 + index);
        let (generation, key) = (assignment.generation, pending.key.clone());
        let query = Arc::new(Query { number, task, generation, key });
        cx.send(assignment.worker_of(task), Message::Query(query));
        self.wait_for(Waits::Owner(number));
        self.wake(RETRY, cx);
    }

    fn wait_for(&mut self, waits: Waits) {
        if let Some(pending) = &mut self.query {
            pending.waits = waits;
        }
    }

    fn ask_coordinator(&mut self, cx: &mut Cx<'_>) -> u32 {
        let number = self.number(cx);
        let coordinators: &Vec<NodeId> = &self.cluster.coordinators;
        let to = coordinators[self.at % coordinators.len()];
        cx.send(to, Message::Ask(Arc::new(Ask { number, what: Asked::Placement })));
        self.wake(RETRY, cx);
        number
    }

    fn placed(&mut self, number: u32, placed: Option<Arc<Assignment>>, cx: &mut Cx<'_>) {
        let Some(pending) = &self.query else { return };
        match pending.waits {
            Waits::Placement(of) if of == number => {
                self.assignment = placed;
                match self.assignment {
                    Some(_) => self.ask(cx),
                    None => self.wake(PAUSE, cx),
                }
            }
            Waits::Confirmation(of, answer) if of == number => {
                let of_answer = |now: &Arc<Assignment>| now.generation == answer.generation;
                let current = placed.as_ref().is_some_and(of_answer);
                self.assignment = placed;
                if current || cx.twist(Twist::QueryUnconfirmed) {
                    return self.answered(answer, cx);
                }
                cx.probe(Probe::QueryOvertaken);
                self.wait_for(Waits::Nothing);
                self.wake(PAUSE, cx);
            }
            _ => {}
        }
    }

    fn elsewhere(&mut self, number: u32, leader: Option<NodeId>, cx: &mut Cx<'_>) {
        let waits = self.query.as_ref().map(|pending| &pending.waits);
        let asked = match waits {
            Some(Waits::Placement(of) | Waits::Confirmation(of, ..)) => *of == number,
            _ => false,
        };
        if asked {
            let coordinators = &self.cluster.coordinators;
            let known = leader.and_then(|to| coordinators.iter().position(|node| *node == to));
            self.at = known.unwrap_or(self.at + 1);
            self.sent_on = true;
            self.wake(PAUSE, cx);
        }
    }

    /// The owner has answered; without a row it refused.
    fn queried(
        &mut self,
        number: u32,
        generation: Generation,
        row: Option<Arc<[Value]>>,
        cx: &mut Cx<'_>,
    ) {
        let waits = self.query.as_ref().map(|pending| &pending.waits);
        if !matches!(waits, Some(Waits::Owner(of)) if *of == number) {
            return;
        }
        let Some(row) = row else {
            cx.probe(Probe::QueryNotOwned);
            self.assignment = None;
            self.wait_for(Waits::Nothing);
            return self.wake(PAUSE, cx);
        };
        self.confirm(Answer { question: number, generation, row: value::fingerprint(&row) }, cx);
    }

    fn answered(&mut self, answer: Answer, cx: &mut Cx<'_>) {
        let Answer { question, generation, row } = answer;
        if let Some(Pending { operation, .. }) = self.query.take() {
            let answered = Observation::QueryAnswered { operation, question, generation, row };
            cx.observe(answered);
        }
        self.rest(cx);
    }
}

impl Query {
    pub(crate) fn wire_size(&self) -> u64 {
        12 + self.key.iter().map(Value::size).sum::<u64>()
    }
    pub(crate) fn digest(&self, into: &mut Mixer) {
        into.pair(self.number.into(), self.generation.0.into());
        into.pair(self.task.0.into(), value::fingerprint(&self.key));
    }
}
