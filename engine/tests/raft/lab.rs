//! A few replicas on a table: every message waits until it is delivered or dropped, every write
//! until its disk is done, and time passes when somebody says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use stormglass_engine::names::{Switches, Twist};
use stormglass_engine::raft::storage::{Frames, recover, rewrite};
use stormglass_engine::raft::{
    Body, Durable, Entry, Index, Membership, Message, Output, PersistId, Point, Raft, ReplicaId,
    Settings, Write,
};
use stormglass_sim::time::{Instant, Span};

/// One replica, its disk, and its state machine: the commands that it has applied.
#[derive(Clone)]
pub(crate) struct Seat {
    pub(crate) raft: Option<Raft>,
    pub(crate) machine: Vec<u8>,
    /// Its writes wait for `persist`.
    pub(crate) slow: bool,
    file: Vec<u8>,
    frames: Frames,
    pending: Vec<(PersistId, Write)>,
    lives: u64,
}

/// What the lab tells of: in order.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    Heard(u16, u16, Message),
    Did(u16, Output),
}

#[derive(Clone)]
pub(crate) struct Lab {
    pub(crate) seats: BTreeMap<u16, Seat>,
    pub(crate) net: Vec<(u16, u16, Message)>,
    /// Links on which nothing arrives.
    pub(crate) cut: Vec<(u16, u16)>,
    pub(crate) now: Instant,
    pub(crate) settings: Settings,
    pub(crate) switches: Switches,
    pub(crate) bootstrap: Membership,
    pub(crate) told: Vec<Told>,
}

pub(crate) const SETTINGS: Settings = Settings {
    election_timeout: (Span::millis(100), Span::millis(200)),
    heartbeat: Span::millis(20),
    append_bytes: 1_000,
    inflight_bytes: 4_000,
    chunk_bytes: 4,
    lease: None,
};

impl Lab {
    /// These vote; nobody has started yet.
    pub(crate) fn new(voters: &[u16]) -> Self {
        let bootstrap = Membership::new(voters.iter().map(|id| ReplicaId(*id)).collect(), vec![]);
        Lab {
            seats: BTreeMap::new(),
            net: Vec::new(),
            cut: Vec::new(),
            now: Instant(0),
            settings: SETTINGS,
            switches: Switches::default(),
            bootstrap,
            told: Vec::new(),
        }
    }
    /// All of `0..count` vote, and have started.
    pub(crate) fn started(count: u16) -> Self {
        let mut lab = Lab::new(&(0..count).collect::<Vec<_>>());
        (0..count).for_each(|id| lab.start(id));
        lab
    }
    pub(crate) fn plant(&mut self, twist: Twist) {
        self.switches = Switches::of(|other| other == twist);
    }

    fn seat(&mut self, id: u16) -> &mut Seat {
        self.seats.entry(id).or_insert_with(|| Seat {
            raft: None,
            machine: Vec::new(),
            slow: false,
            file: Vec::new(),
            frames: Frames::default(),
            pending: Vec::new(),
            lives: 0,
        })
    }
    pub(crate) fn raft(&self, id: u16) -> &Raft {
        self.seats[&id].raft.as_ref().expect("it runs")
    }
    pub(crate) fn runs(&self, id: u16) -> bool {
        self.seats.get(&id).is_some_and(|seat| seat.raft.is_some())
    }
    /// Puts something on the disk of one that does not run.
    pub(crate) fn format(&mut self, id: u16, durable: &Durable) {
        let file = rewrite(durable, Switches::default(), |_| ());
        self.seat(id).file = file;
    }
    pub(crate) fn on_disk(&self, id: u16) -> Durable {
        recover(&self.seats[&id].file).expect("the file is sound").0
    }

    pub(crate) fn start(&mut self, id: u16) {
        let (now, settings, switches) = (self.now, self.settings, self.switches);
        let bootstrap = self.bootstrap.clone();
        let seat = self.seat(id);
        let (durable, whole) = recover(&seat.file).expect("the file is sound");
        seat.file.truncate(whole);
        seat.frames = Frames::after(whole);
        seat.lives += 1;
        let random = u64::from(id) + 1_000 * seat.lives;
        let mut out = Vec::new();
        let id_ = ReplicaId(id);
        let raft = Raft::new(id_, bootstrap, settings, durable, switches, random, now, &mut out);
        seat.raft = Some(raft);
        self.carry_out(id, out);
    }
    /// What it had not synced is gone.
    pub(crate) fn crash(&mut self, id: u16) {
        let seat = self.seat(id);
        (seat.raft, seat.machine) = (None, Vec::new());
        seat.pending.clear();
    }

    /// Calls one that runs.
    pub(crate) fn call<T>(
        &mut self,
        id: u16,
        what: impl FnOnce(&mut Raft, Instant, &mut Vec<Output>) -> T,
    ) -> Option<T> {
        let (now, mut out) = (self.now, Vec::new());
        let raft = self.seats.get_mut(&id)?.raft.as_mut()?;
        let gave = what(raft, now, &mut out);
        self.carry_out(id, out);
        Some(gave)
    }

    fn carry_out(&mut self, id: u16, out: Vec<Output>) {
        for output in out {
            let seat = self.seats.get_mut(&id).expect("it has a seat");
            match &output {
                Output::Persist(number, write) => seat.pending.push((*number, write.clone())),
                Output::Send(to, message) => self.net.push((id, to.0, message.clone())),
                Output::Apply(Entry { body: Body::Command(bytes), .. }) => {
                    seat.machine.extend_from_slice(bytes);
                }
                Output::Restore(snapshot) => seat.machine = snapshot.data.to_vec(),
                _ => {}
            }
            self.told.push(Told::Did(id, output));
        }
        if !self.seats[&id].slow {
            self.persist(id, usize::MAX);
        }
    }

    /// Its disk does the first so many writes that wait.
    pub(crate) fn persist(&mut self, id: u16, count: usize) {
        let seat = self.seats.get_mut(&id).expect("it has a seat");
        let count = count.min(seat.pending.len());
        let Some((through, _)) = seat.pending[..count].last() else { return };
        let through = *through;
        let writes: Vec<Write> = seat.pending.drain(..count).map(|(_, write)| write).collect();
        let frame = seat.frames.encode(&writes);
        seat.file.extend(frame);
        self.call(id, |raft, now, out| raft.persisted(through, now, out));
    }
    pub(crate) fn is_writing(&self, id: u16) -> bool {
        self.seats.get(&id).is_some_and(|seat| !seat.pending.is_empty())
    }

    /// Time passes until somebody's deadline, and only that one notices.
    pub(crate) fn time_out(&mut self, id: u16) {
        let deadline = self.raft(id).deadline();
        if deadline != Instant::FAR {
            self.now = self.now.max(deadline);
        }
        self.call(id, Raft::tick);
    }

    /// Delivers a message that waits. It gets lost on a link that is cut or at one that is down.
    pub(crate) fn deliver(&mut self, at: usize) {
        let (from, to, message) = self.net.remove(at);
        if self.cut.contains(&(from, to)) || !self.runs(to) {
            return;
        }
        self.told.push(Told::Heard(from, to, message.clone()));
        self.call(to, |raft, now, out| raft.receive(ReplicaId(from), message, now, out));
    }
    /// Delivers everything, and what comes of it, and so on.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            if self.net.is_empty() {
                return;
            }
            self.deliver(0);
        }
        panic!("the replicas never stop talking");
    }
    /// A replica stands for election and wins it, undisturbed.
    pub(crate) fn elect(&mut self, id: u16) {
        // Long enough that nobody sticks to an older leader.
        self.now += self.settings.election_timeout.1;
        self.time_out(id);
        self.settle();
    }

    pub(crate) fn propose(&mut self, id: u16, command: &str) -> bool {
        let command: Arc<[u8]> = Arc::from(command.as_bytes());
        let told = self.call(id, |raft, now, out| raft.propose(vec![command], now, out));
        told.is_some_and(|told| told.is_ok())
    }
    pub(crate) fn compact(&mut self, id: u16) {
        let Some(seat) = self.seats.get(&id) else { return };
        let data: Arc<[u8]> = Arc::from(&seat.machine[..]);
        self.call(id, |raft, _, out| raft.compact(raft.applied(), data, out));
    }
    /// The points that a replica passed, in order.
    pub(crate) fn points(&self, id: u16) -> Vec<Point> {
        let points = self.told.iter().filter_map(|told| match told {
            Told::Did(who, Output::Point(point)) if *who == id => Some(*point),
            _ => None,
        });
        points.collect()
    }
    /// What waits on the way from one to another.
    pub(crate) fn on_the_way(&self, from: u16, to: u16) -> Vec<&Message> {
        let mine = self.net.iter().filter(|(a, b, _)| (*a, *b) == (from, to));
        mine.map(|(.., message)| message).collect()
    }
    /// The terms in a replica's log, from the first entry after its snapshot.
    pub(crate) fn terms(&self, id: u16) -> Vec<u32> {
        self.raft(id).durable().entries.iter().map(|entry| entry.term.0).collect()
    }
}

/// A disk with a log of these terms.
pub(crate) fn disk(term: u32, terms: &[u32]) -> Durable {
    let entry = |(index, term): (u64, &u32)| {
        let body = Body::Command(Arc::from(format!("{index}.{term} ").as_bytes()));
        Entry { index: Index(index), term: stormglass_engine::raft::Term(*term), body }
    };
    let entries = (1..).zip(terms).map(entry).collect();
    Durable { term: stormglass_engine::raft::Term(term), entries, ..Durable::default() }
}
