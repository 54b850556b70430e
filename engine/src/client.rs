//! Clients of the coordinators: operators, and programs that keep something in the metadata.
//!
//! A client has one operation under way at a time, and repeats it until it has an answer: to the
//! coordinator that is said to lead, else to one after the other. All attempts are one operation;
//! the coordinators apply it once.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{Event, Lane, NodeId, TimerId};
use stormglass_sim::time::{Instant, Span};

use crate::cluster::Cluster;
use crate::message::{Ask, Asked, Message};
use crate::node::Cx;
use crate::observation::{Call, Observation, Operation};

const MAIN: Lane = Lane(0);
/// An operation that has no answer after this is repeated.
const PATIENCE: Span = Span::millis(300);
/// A client that was sent away and not told where waits this long.
const PAUSE: Span = Span::millis(50);

/// What a client does.
#[derive(Clone, Debug)]
pub enum Work {
    /// Reads and changes registers at random, until an instant.
    Registers {
        /// How many there are.
        registers: u16,
        /// The longest pause between two operations.
        pause: Span,
        /// When to stop.
        until: Instant,
    },
    /// Carries out a script, each step not before its instant, in order.
    Script(Arc<[Step]>),
}

/// A step of a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Not before this.
    pub at: Instant,
    /// What is asked.
    pub asked: Asked,
    /// It is given up after so long without an answer; never if absent. It may be done all the
    /// same.
    pub patience: Option<Span>,
}

/// The client process.
#[derive(Clone, Debug)]
pub struct Client {
    cluster: Arc<Cluster>,
    work: Work,
    /// Operations begun in this life.
    number: u32,
    asking: Option<Arc<Ask>>,
    /// Which coordinator is asked: its place among them.
    at: usize,
    /// How often in a row it was sent on without an answer.
    hops: usize,
    /// When the operation is given up.
    until: Instant,
    timer: Option<TimerId>,
}

impl Client {
    /// A client of this cluster.
    pub fn new(cluster: Arc<Cluster>, work: Work) -> Self {
        Client {
            cluster,
            work,
            number: 0,
            asking: None,
            at: 0,
            hops: 0,
            until: Instant::FAR,
            timer: None,
        }
    }

    /// Reacts to one event.
    pub fn on_event(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        match event {
            Event::Start => self.rest(cx),
            Event::Timer { timer, .. } if self.timer == Some(timer) => {
                self.timer = None;
                if self.asking.is_some() && self.until <= cx.now() {
                    (self.asking, self.hops) = (None, 0);
                    self.rest(cx);
                } else if self.asking.is_some() {
                    self.at += 1;
                    self.ask(cx);
                } else {
                    self.begin(cx);
                }
            }
            Event::Datagram { message: Message::Answer { number, answer }, .. } => {
                self.answered(number, answer, cx);
            }
            Event::Datagram { from, message: Message::Elsewhere { number, leader } } => {
                self.sent_away(from, number, leader, cx);
            }
            _ => {}
        }
    }

    /// Waits for nothing any more.
    fn calm(&mut self, cx: &mut Cx<'_>) {
        if let Some(timer) = self.timer.take() {
            cx.cancel_timer(timer);
        }
    }

    fn wake(&mut self, after: Span, cx: &mut Cx<'_>) {
        self.calm(cx);
        self.timer = Some(cx.set_timer(MAIN, after, 0));
    }

    /// Waits until the next operation is due.
    fn rest(&mut self, cx: &mut Cx<'_>) {
        // The patience of the last operation must not begin another one.
        self.calm(cx);
        let now = cx.now();
        match &self.work {
            Work::Registers { until, .. } if now >= *until => {}
            Work::Registers { pause, .. } => {
                let pause = Span::nanos(cx.below(pause.as_nanos().max(1)));
                self.wake(pause, cx);
            }
            Work::Script(steps) => {
                if let Some(step) = steps.get(self.number as usize) {
                    self.wake(step.at.since(now), cx);
                }
            }
        }
    }

    /// Begins the next operation.
    fn begin(&mut self, cx: &mut Cx<'_>) {
        self.until = Instant::FAR;
        let what = match &self.work {
            Work::Registers { registers, .. } => {
                let key = cx.below(u64::from(*registers).max(1)) as u16;
                // Values differ, so that a history has few explanations.
                let value = cx.random() >> 32 | 1;
                let calls = [Call::Read, Call::Read, Call::Set(value), Call::Add(value)];
                Asked::Call(key, calls[cx.below(calls.len() as u64) as usize])
            }
            Work::Script(steps) => {
                let Step { asked, patience, .. } = &steps[self.number as usize];
                self.until = patience.map_or(Instant::FAR, |patience| cx.now() + patience);
                asked.clone()
            }
        };
        self.number += 1;
        // No other life uses this number: an answer to one of them must not pass for this one's.
        let number = cx.incarnation() << 24 | self.number;
        if let Asked::Call(key, call) = what {
            let operation = Operation { client: cx.me(), number };
            cx.observe(Observation::Invoked { operation, key, call });
        }
        self.asking = Some(Arc::new(Ask { number, what }));
        self.ask(cx);
    }

    fn ask(&mut self, cx: &mut Cx<'_>) {
        let Some(asking) = &self.asking else { return };
        let coordinators: &Vec<NodeId> = &self.cluster.coordinators;
        let to = coordinators[self.at % coordinators.len()];
        cx.send(to, Message::Ask(asking.clone()));
        self.wake(PATIENCE.min(self.until.since(cx.now())), cx);
    }

    fn answered(&mut self, number: u32, answer: Option<u64>, cx: &mut Cx<'_>) {
        let Some(asking) = self.asking.take_if(|asking| asking.number == number) else { return };
        self.hops = 0;
        if let (Asked::Call(..), Some(value)) = (&asking.what, answer) {
            let operation = Operation { client: cx.me(), number };
            cx.observe(Observation::Responded { operation, value });
        }
        self.rest(cx);
    }

    fn sent_away(&mut self, from: NodeId, number: u32, to: Option<NodeId>, cx: &mut Cx<'_>) {
        let coordinators = &self.cluster.coordinators;
        let asked = coordinators[self.at % coordinators.len()];
        // A late answer to an attempt that was given up says nothing new.
        if asked != from || self.asking.as_ref().is_none_or(|asking| asking.number != number) {
            return;
        }
        let known = to.and_then(|to| coordinators.iter().position(|node| *node == to));
        self.hops += 1;
        match known.filter(|_| !self.hops.is_multiple_of(coordinators.len())) {
            Some(at) => {
                self.at = at;
                self.ask(cx);
            }
            None => self.wake(PAUSE, cx),
        }
    }
}
