//! The worker: a process that runs tasks.
//!
//! Lane 0 is its main thread; each task has the lane of its own number. A worker holds the tasks of
//! one generation at a time. When it is refused as stale it asks the coordinator; if it has no part
//! in the current generation it ends itself, and the supervisor starts it afresh.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{ConnId, Event, Lane, Name as _, NodeId};
use stormglass_sim::time::Span;

use crate::cluster::Cluster;
use crate::coordinator::rebalance::Tally;
use crate::coordinator::schedule::Scheduler;
use crate::ids::{Attempt, Generation, TaskId};
use crate::message::{Credit, Deployment, Message};
use crate::names::{Probe, Site, Twist};
use crate::node::Cx;
use crate::observation::Observation;
use crate::permit::CommitPermit;
use crate::raft::Term;

mod acking;
mod beats;
mod control;
mod emitter;
mod files;
mod inputs;
mod links;
mod outbox;
mod overtaking;
mod parts;
mod queries;
mod restore;
mod sink;
mod source;
mod stateful;
mod states;
mod stores;
mod task;
mod token;

use beats::Beats;
use links::{Env, Link, Links, Place};
use stores::Stores;
use task::{Failed, Task};
use token::{Service, Token};

const MAIN: Lane = Lane(0);
/// How long to wait before connecting again.
const RECONNECT: Span = Span::millis(200);

/// The worker process.
#[derive(Clone, Debug)]
pub struct Worker {
    cluster: Arc<Cluster>,
    /// The connection to the coordinator that leads, as far as is known.
    control: Option<ConnId>,
    /// The latest term in which a coordinator said that it leads: older ones are deposed.
    term: Term,
    /// The newest generation that it was told it has no tasks in.
    dismissed: Generation,
    /// Whether a search for it is under way: one at a time.
    seeking: bool,
    job: Option<Job>,
}

/// The tasks of one generation.
#[derive(Clone, Debug)]
struct Job {
    deployment: Arc<Deployment>,
    generation: Generation,
    attempt: Attempt,
    links: Links,
    places: Vec<Place>,
    tasks: Vec<Task>,
    /// The index in `tasks` of each task from 1 on that runs here.
    local: Vec<Option<u16>>,
    beats: Beats,
    reported: bool,
    running: bool,
    /// What its tasks do, if load decides where they run.
    tally: Option<Tally>,
}

impl Worker {
    /// A worker of this cluster.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Worker {
            cluster,
            control: None,
            term: Term(0),
            dismissed: Generation(0),
            seeking: false,
            job: None,
        }
    }

    /// The generation whose tasks it holds; 0 for none.
    pub fn generation(&self) -> Generation {
        self.job.as_ref().map_or(Generation(0), |job| job.generation)
    }

    /// Reacts to one event.
    pub fn on_event(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        match event {
            Event::Start => self.start(cx),
            Event::Opened { conn, .. } => self.opened(conn, cx),
            Event::Datagram { from, message } => match message {
                Message::Leader { term } => self.follow(from, term, cx),
                Message::Query(query) => self.query(from, &query, cx),
                _ => {}
            },
            Event::Received { message, .. } | Event::Posted { message } => {
                self.received(message, cx);
            }
            Event::Writable { conn } => {
                if let Some(link) = self.job.as_mut().and_then(|job| job.links.find(conn)) {
                    link.drain(cx);
                }
            }
            Event::Closed { conn, peer, .. } => self.closed(conn, peer, cx),
            Event::Timer { token, .. } => self.timer(token::unpack(token), cx),
            _ => {}
        }
    }

    fn start(&mut self, cx: &mut Cx<'_>) {
        let (node, incarnation) = (cx.me(), cx.incarnation());
        cx.observe(Observation::WorkerStarted { node, incarnation });
        self.seek(cx);
        cx.set_timer(MAIN, self.cluster.control.heartbeat_interval, token::HEARTBEAT);
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx<'_>) {
        if self.control == Some(conn) {
            return self.register(conn, cx);
        }
        let Some(job) = &mut self.job else { return };
        let Some(link) = job.links.find(conn) else { return };
        link.open = true;
        let again = link.again;
        if let Some(store) = job.links.stores.at(conn) {
            job.links.stores.opened(store, cx);
            self.with_tasks(cx, |tasks, env| {
                tasks.iter_mut().for_each(|task| task.store_opened(env));
                Ok(())
            });
        } else if again {
            self.broker_back(cx);
        }
        self.report_if_deployed(cx);
    }

    fn broker_back(&mut self, cx: &mut Cx<'_>) {
        self.with_tasks(cx, |tasks, env| {
            tasks.iter_mut().for_each(|task| task.broker_back(env));
            Ok(())
        });
    }

    fn closed(&mut self, conn: ConnId, peer: NodeId, cx: &mut Cx<'_>) {
        if self.control == Some(conn) {
            self.control = None;
            return self.seek(cx);
        }
        let Some(job) = &mut self.job else { return };
        let generation = job.generation;
        let store = job.links.stores.at(conn);
        let Some(link) = job.links.find(conn) else { return };
        link.conn = None;
        link.open = false;
        let broker = (peer == self.cluster.broker).then_some(Service::Broker);
        match store.map(Service::Store).or(broker) {
            Some(service) => {
                cx.set_timer(MAIN, RECONNECT, token::reconnect(service, generation));
                if let Service::Store(store) = service {
                    self.store_lost(store, cx);
                }
            }
            // Tuples or transactions may be lost with it: only a new generation can mend that.
            None => self.with_tasks(cx, |_, env| {
                env.broken(peer, None);
                Ok(())
            }),
        }
    }

    fn timer(&mut self, token: Token, cx: &mut Cx<'_>) {
        match token {
            Token::Heartbeat => {
                self.heartbeat(cx);
                self.report_load(cx);
                self.watch_executors(cx);
                cx.set_timer(MAIN, self.cluster.control.heartbeat_interval, token::HEARTBEAT);
            }
            Token::Seek => {
                self.seeking = false;
                if self.control.is_none() {
                    self.seek(cx);
                }
            }
            Token::Flush(task, generation) => {
                self.with_task(task, generation, cx, |task, env| {
                    task.outbox.flush(env);
                    Ok(())
                });
            }
            Token::Alignment(task, generation) => {
                self.with_task(task, generation, cx, Task::waited);
            }
            Token::Poll(task, generation) => self.with_task(task, generation, cx, Task::rested),
            Token::Reconnect(service, generation) if generation == self.generation() => {
                self.reconnect(service, cx);
            }
            Token::Reconnect(..) => {}
            Token::Retry(task, generation) => {
                self.with_task(task, generation, cx, |task, env| {
                    task.ask_receiver_again(env);
                    Ok(())
                });
            }
            token => self.stateful_timer(token, cx),
        }
    }

    fn reconnect(&mut self, service: Service, cx: &mut Cx<'_>) {
        self.with_tasks(cx, |tasks, env| {
            match service {
                Service::Broker => {
                    tasks.iter_mut().for_each(Task::broker_lost);
                    env.links.broker.reconnect(env.cx);
                }
                Service::Store(store) => {
                    env.links.stores.links[usize::from(store)].reconnect(env.cx);
                    // The only store is asked while the connection to it opens.
                    tasks.iter_mut().for_each(|task| task.store_opened(env));
                }
            }
            Ok(())
        });
    }

    fn received(&mut self, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Stale { generation } => self.refused(generation, cx),
            Message::Standing { generation, assigned } => {
                let over = generation > self.generation() && !assigned;
                if over {
                    self.dismissed = generation;
                }
                if over && self.generation() > Generation(0) && !cx.twist(Twist::StaleTasksKept) {
                    self.end_as_zombie(cx);
                }
            }
            Message::Deploy(deployment) => self.deploy(deployment, cx),
            Message::Go { generation } => self.go(generation, cx),
            Message::Beat { lane, generation, number } => {
                if let Some(job) = &mut self.job {
                    job.beats.heard(lane, generation, number);
                }
            }
            Message::Credit(credits) => self.credit(&credits, cx),
            Message::Data(data) => {
                if !data.credits.is_empty() {
                    self.credit(&data.credits, cx);
                }
                let (to, generation) = (data.to, data.generation);
                self.at_work(to, generation, cx, |task, env| task.data(data, env));
            }
            Message::Resume { task, generation } => {
                self.at_work(task, generation, cx, Task::resume);
            }
            Message::Wake { task, generation } => self.at_work(task, generation, cx, Task::work),
            Message::Records(records) => {
                let (task, generation) = (records.task, records.generation);
                self.at_work(task, generation, cx, |task, env| task.records(&records, env));
            }
            Message::Recovered { task, generation } => {
                let restored = self.restored_permit().map(CommitPermit::checkpoint);
                self.with_task(task, generation, cx, |task, env| {
                    task.recovered(restored, env);
                    Ok(())
                });
                self.report_if_deployed(cx);
            }
            other => self.checkpoint_message(other, cx),
        }
    }

    fn checkpoint_message(&mut self, message: Message, cx: &mut Cx<'_>) {
        match message {
            // From the coordinator they name no task: each task takes them on its own lane, after
            // the work that it has begun.
            Message::Trigger { barrier, generation: of, task: TaskId::BROKER } => {
                self.post_to_tasks(of, cx, |task| Message::Trigger {
                    barrier,
                    generation: of,
                    task,
                });
            }
            Message::AbortCheckpoint {
                checkpoint,
                latest,
                generation: of,
                task: TaskId::BROKER,
            } => {
                self.post_to_tasks(of, cx, |task| Message::AbortCheckpoint {
                    checkpoint,
                    latest,
                    generation: of,
                    task,
                });
            }
            Message::Complete { permit, task: TaskId::BROKER } => {
                self.post_to_tasks(permit.generation(), cx, |task| Message::Complete {
                    permit,
                    task,
                });
            }
            Message::Trigger { barrier, generation, task } => {
                self.with_task(task, generation, cx, |task, env| {
                    task.trigger(barrier, env);
                    Ok(())
                });
            }
            Message::AbortCheckpoint { checkpoint, generation, task, .. } => {
                self.with_task(task, generation, cx, |task, env| task.abort(checkpoint, env));
            }
            Message::Complete { permit, task } => {
                self.with_task(task, permit.generation(), cx, |task, env| {
                    task.complete(permit, env)
                });
            }
            Message::PreCommitted { id, checkpoint } => {
                self.with_task(id.task, id.generation, cx, |task, env| {
                    task.pre_committed(checkpoint, env);
                    Ok(())
                });
            }
            Message::Committed { task, generation, checkpoint } => {
                self.with_task(task, generation, cx, |task, env| {
                    task.committed(checkpoint, env);
                    Ok(())
                });
            }
            Message::Taken { task, generation, tuples } => {
                self.with_task(task, generation, cx, |task, env| task.taken(tuples, env));
            }
            Message::Busy { task, generation } => {
                self.with_task(task, generation, cx, |task, env| {
                    task.receiver_busy(env);
                    Ok(())
                });
            }
            Message::Gone(gone) => {
                self.with_task(gone.id.task, gone.asked_in, cx, |task, env| {
                    task.gone(&gone, env);
                    Ok(())
                });
            }
            other => self.stateful_message(other, cx),
        }
    }

    /// A resource knows of a newer generation than this worker's. Either the worker has tasks in
    /// it, and their deployment is on the way, or it is a zombie: the coordinator says which.
    fn refused(&mut self, current: Generation, cx: &mut Cx<'_>) {
        let Some(job) = self.job.as_mut().filter(|job| job.generation < current && job.running)
        else {
            return;
        };
        job.running = false;
        if let Some(conn) = self.control {
            self.register(conn, cx);
        }
    }

    /// The generation is over and this worker has no part in the next: its supervisor starts it
    /// afresh.
    fn end_as_zombie(&mut self, cx: &mut Cx<'_>) {
        let generation = self.generation();
        cx.probe(Probe::ZombieExit);
        cx.observe(Observation::ZombieExit { node: cx.me(), generation });
        cx.exit();
    }

    /// Takes the tasks of a new generation; those of an older one are gone.
    fn deploy(&mut self, deployment: Arc<Deployment>, cx: &mut Cx<'_>) {
        let assignment = deployment.assignment.clone();
        if assignment.generation <= self.generation() {
            return;
        }
        if let Some(mut old) = self.job.take() {
            old.links.close(cx);
            for task in &old.tasks {
                for site in Site::ALL {
                    cx.reserve(*site, task.id.0.into(), 0);
                }
            }
        }
        let me = cx.me();
        let others = assignment.workers.iter().map(|(node, _)| *node).filter(|node| *node != me);
        let peers: Vec<Link> = others.map(|node| Link::connect(node, cx)).collect();
        let place = |node: &NodeId| {
            let peer = peers.iter().position(|link| link.node == *node);
            peer.map_or(Place::Here, |at| Place::Peer(at as u16))
        };
        let places = assignment.tasks.iter().map(place).collect();
        let links = Links {
            peers,
            broker: Link::connect(self.cluster.broker, cx),
            stores: Stores::connect(&self.cluster, cx),
            receiver: Link::connect(self.cluster.receiver, cx),
        };
        self.job = Some(Job {
            generation: assignment.generation,
            attempt: assignment.attempt,
            links,
            places,
            tasks: Vec::new(),
            local: alloc::vec![None; assignment.tasks.len()],
            deployment: deployment.clone(),
            beats: Beats::new(
                assignment.generation,
                assignment.tasks_of(me).map(|task| assignment.lane_of(task)).collect(),
            ),
            reported: false,
            running: false,
            tally: (self.cluster.control.scheduler == Scheduler::Load)
                .then(|| Tally::new(assignment.generation, assignment.tasks_of(me), cx.now())),
        });
        self.with_tasks(cx, |tasks, env| {
            for id in assignment.tasks_of(me) {
                tasks.push(Task::deploy(id, &deployment, env));
            }
            Ok(())
        });
        let job = self.job.as_mut().expect("just made");
        for (at, task) in job.tasks.iter().enumerate() {
            job.local[usize::from(task.id.0) - 1] = Some(at as u16);
        }
    }

    fn restored_permit(&self) -> Option<CommitPermit> {
        let restore = self.job.as_ref()?.deployment.restore.as_ref();
        restore.map(|(_, permit)| *permit)
    }

    fn report_if_deployed(&mut self, cx: &mut Cx<'_>) {
        let Some(job) = &mut self.job else { return };
        if !job.reported && job.links.all_open() && job.tasks.iter().all(Task::is_ready) {
            job.reported = true;
            let generation = job.generation;
            if let Some(conn) = self.control {
                let _ = cx.write(conn, Message::Deployed { generation });
            }
        }
    }

    fn go(&mut self, generation: Generation, cx: &mut Cx<'_>) {
        let Some(job) = self.job.as_mut().filter(|job| job.generation == generation) else {
            return;
        };
        job.running = true;
        self.with_tasks(cx, |tasks, env| {
            tasks.iter_mut().for_each(|task| task.start(env));
            Ok(())
        });
    }

    fn credit(&mut self, credits: &[Credit], cx: &mut Cx<'_>) {
        for &Credit { generation, from, to, tuples } in credits {
            self.with_task(from, generation, cx, |task, env| {
                if task.outbox.credit(to, tuples) {
                    // The task may be at work: it goes on on its own lane.
                    let resume = Message::Resume { task: from, generation };
                    let lane = env.lane(from);
                    env.cx.post(lane, resume);
                }
                Ok(())
            });
        }
    }

    fn post_to_tasks(
        &mut self,
        generation: Generation,
        cx: &mut Cx<'_>,
        message: impl Fn(TaskId) -> Message,
    ) {
        let Some(job) = self.job.as_ref().filter(|job| job.generation == generation) else {
            return;
        };
        for task in &job.tasks {
            let message = message(task.id);
            if task.takes(&message) {
                cx.post(job.deployment.assignment.lane_of(task.id), message);
            }
        }
    }

    /// Runs something on one task, if it is here and of this generation.
    fn with_task(
        &mut self,
        task: TaskId,
        generation: Generation,
        cx: &mut Cx<'_>,
        f: impl FnOnce(&mut Task, &mut Env<'_, '_>) -> Result<(), Failed>,
    ) {
        let Some(job) = self.job.as_ref().filter(|job| job.generation == generation) else {
            return;
        };
        let Some(at) = job.local.get(usize::from(task.0).wrapping_sub(1)).copied().flatten() else {
            return;
        };
        self.with_tasks(cx, |tasks, env| f(&mut tasks[usize::from(at)], env));
    }

    /// A task's thread has come to something that it has to do.
    fn at_work(
        &mut self,
        task: TaskId,
        generation: Generation,
        cx: &mut Cx<'_>,
        f: impl FnOnce(&mut Task, &mut Env<'_, '_>) -> Result<(), Failed>,
    ) {
        self.with_task(task, generation, cx, |task, env| {
            task.moved = true;
            f(task, env)
        });
    }

    /// Runs something on all tasks. If user code fails, the coordinator is told and the worker
    /// ends.
    fn with_tasks(
        &mut self,
        cx: &mut Cx<'_>,
        f: impl FnOnce(&mut Vec<Task>, &mut Env<'_, '_>) -> Result<(), Failed>,
    ) {
        let Some(job) = &mut self.job else { return };
        let mut env = Env {
            cx,
            links: &mut job.links,
            cluster: &self.cluster,
            control: self.control,
            tally: &mut job.tally,
            generation: job.generation,
            attempt: job.attempt,
            running: job.running,
            places: &job.places,
            assignment: &job.deployment.assignment,
        };
        if f(&mut job.tasks, &mut env).is_err() {
            let (me, failed) = (env.cx.me(), job.tasks.first().map(|task| task.id));
            env.broken(me, failed);
            cx.exit();
        }
    }
}
