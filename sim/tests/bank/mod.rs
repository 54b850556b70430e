//! The bank: see the table's documentation.

use stormglass_sim::hash::{Mixer, fingerprint};
use stormglass_sim::node::{
    BlockingDisk, Context, DiskError, Event, Lane, Message, NoName, NodeId, Observation, Process,
};
use stormglass_sim::time::Span;

pub(crate) const SERVER: NodeId = NodeId::new(0, 1);
pub(crate) const PEER: NodeId = NodeId::new(1, 1);
pub(crate) const CLIENT: NodeId = NodeId::new(2, 1);

const MAIN: Lane = Lane(0);
/// Two sectors; the amount is in the second one.
const RECORD: usize = 1024;
/// Records of a log before a snapshot takes their place.
const LONG: u64 = 8;

/// A set of protections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Guards(pub(crate) u16);

impl Guards {
    /// Records have a checksum. A bad one ends the log if it is the last: it was torn.
    pub(crate) const CHECKSUM: Guards = Guards(1);
    /// A deposit is synced before it is answered.
    pub(crate) const SYNC: Guards = Guards(1 << 1);
    /// The directory is synced after a rename.
    pub(crate) const SYNC_DIR: Guards = Guards(1 << 2);
    /// What was written is read again before it is answered.
    pub(crate) const READ_BACK: Guards = Guards(1 << 3);
    /// A record says of which file it is, and which one there.
    pub(crate) const STAMP: Guards = Guards(1 << 4);
    /// A disk error is noticed: what failed is not answered, what cannot be read is not empty.
    pub(crate) const ERRORS: Guards = Guards(1 << 5);
    /// After an error the bank begins anew with what the disk has; without, it tries syncs again.
    pub(crate) const FATAL: Guards = Guards(1 << 6);
    /// A write that found no space is noticed.
    pub(crate) const SPACE: Guards = Guards(1 << 7);
    /// The answer leaves when the disk is done; without, as soon as it has been asked: a sync takes
    /// half as long as the way to the client.
    pub(crate) const PATIENCE: Guards = Guards(1 << 8);
    /// A deposit that was done before is not done again.
    pub(crate) const SEQUENCE: Guards = Guards(1 << 9);
    /// A second bank on another machine has every deposit before it is answered, and is asked at
    /// the start.
    pub(crate) const TWIN: Guards = Guards(1 << 10);
    pub(crate) const ALL: Guards = Guards((1 << 11) - 1);

    pub(crate) const fn without(self, other: Guards) -> Guards {
        Guards(self.0 & !other.0)
    }
    pub(crate) const fn with(self, other: Guards) -> Guards {
        Guards(self.0 | other.0)
    }
    const fn has(self, other: Guards) -> bool {
        self.0 & other.0 != 0
    }
}

/// An account: how many deposits, and their sum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Account {
    pub(crate) count: u64,
    pub(crate) balance: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Say {
    /// Put the amount into an account, as its deposit of this number.
    Deposit {
        account: u64,
        number: u64,
    },
    /// The account is like this.
    Answer {
        account: u64,
        is: Account,
    },
    /// For the twin: do as I did.
    Copy {
        account: u64,
        number: u64,
    },
    Copied {
        account: u64,
        is: Account,
    },
    /// To the twin: what do you have?
    Ask,
    Have {
        accounts: [Account; 2],
    },
}

impl Message for Say {
    fn wire_size(&self) -> u64 {
        64
    }
    fn digest(&self, into: &mut Mixer) {
        into.bytes(format!("{self:?}").as_bytes());
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Said(&'static str);
impl Observation for Said {
    fn digest(&self, into: &mut Mixer) {
        into.bytes(self.0.as_bytes());
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Bank {
    Server(Server),
    Client(Client),
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    guards: Guards,
    peer: NodeId,
    accounts: [Account; 2],
    /// How many deposits the snapshots hold.
    snapshots: [u64; 2],
    /// It has read its disk, and heard of its twin if it has one.
    open: bool,
    /// Its own files cannot be believed.
    unsound: bool,
    /// Why it does not go on.
    pub(crate) closed: Option<&'static str>,
    /// Who waits for the twin.
    waiting: Option<(NodeId, u64)>,
}

/// Why a disk's contents, or what it said, cannot be gone on with.
type Why = &'static str;

#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    accounts: [Account; 2],
    /// What was answered that cannot be.
    pub(crate) lie: Option<String>,
}

type Cx<'a> = &'a mut dyn Context<Bank>;

pub(crate) fn amount(account: u64, number: u64) -> u64 {
    1 + (number * 7 + account * 13) % 100
}

impl Process for Bank {
    type Message = Say;
    type Observation = Said;
    type Probe = NoName;
    type Twist = NoName;
    type Site = NoName;

    fn on_event(&mut self, _: Lane, event: Event<Say>, cx: Cx<'_>) {
        match self {
            Bank::Server(server) => server.on_event(event, cx),
            Bank::Client(client) => client.on_event(event, cx),
        }
    }
}

impl Bank {
    pub(crate) fn server(guards: Guards, peer: NodeId) -> Bank {
        Bank::Server(Server {
            guards,
            peer,
            accounts: Default::default(),
            snapshots: [0; 2],
            open: false,
            unsound: false,
            closed: None,
            waiting: None,
        })
    }
    pub(crate) fn client() -> Bank {
        Bank::Client(Client::default())
    }
}

impl Client {
    pub(crate) fn answered(&self) -> u64 {
        self.accounts.iter().map(|a| a.count).sum()
    }

    fn on_event(&mut self, event: Event<Say>, cx: Cx<'_>) {
        match event {
            Event::Start => drop(cx.set_timer(MAIN, Span::millis(20), 0)),
            Event::Timer { token, .. } => {
                cx.set_timer(MAIN, Span::millis(20), self.answered());
                if token != self.answered() {
                    return; // something came meanwhile
                }
            }
            Event::Datagram { message: Say::Answer { account, is }, .. } => {
                let mine = &mut self.accounts[account as usize];
                let next = Account {
                    count: mine.count + 1,
                    balance: mine.balance + amount(account, mine.count + 1),
                };
                if is != *mine && is != next {
                    self.lie.get_or_insert(format!("{is:?} for {next:?}"));
                }
                if is != next {
                    return;
                }
                *mine = next;
            }
            _ => return,
        }
        let account = self.answered() % 2;
        let number = self.accounts[account as usize].count + 1;
        cx.send(SERVER, Say::Deposit { account, number });
    }
}

impl Server {
    /// Records in an account's log.
    pub(crate) fn logged(&self, account: usize) -> u64 {
        self.accounts[account].count - self.snapshots[account]
    }
    pub(crate) fn deposits(&self) -> u64 {
        self.accounts.iter().map(|a| a.count).sum()
    }

    fn on_event(&mut self, event: Event<Say>, cx: Cx<'_>) {
        match event {
            Event::Start => self.begin(cx),
            Event::Timer { .. } => self.ask(cx),
            Event::Datagram { from, message } => self.hear(from, message, cx),
            _ => {}
        }
    }

    fn begin(&mut self, cx: Cx<'_>) {
        (self.open, self.unsound, self.waiting) = (false, false, None);
        for account in 0..2 {
            match self.read(account, cx.blocking_disk(MAIN)) {
                Ok((found, snapshot)) => {
                    self.accounts[account as usize] = found;
                    self.snapshots[account as usize] = snapshot;
                }
                Err(why) if self.guards.has(Guards::TWIN) => {
                    cx.observe(Said(why));
                    self.unsound = true;
                }
                Err(why) => return self.close(why, cx),
            }
        }
        self.open = !self.guards.has(Guards::TWIN);
        self.ask(cx);
    }

    fn close(&mut self, why: Why, cx: Cx<'_>) {
        self.open = false;
        self.closed = Some(why);
        cx.observe(Said(why));
    }

    /// Asks the twin until it has answered.
    fn ask(&mut self, cx: Cx<'_>) {
        if !self.open && self.closed.is_none() {
            cx.send(self.peer, Say::Ask);
            cx.set_timer(MAIN, Span::millis(10), 0);
        }
    }

    fn hear(&mut self, from: NodeId, message: Say, cx: Cx<'_>) {
        match message {
            Say::Ask if !self.unsound => {
                cx.send(from, Say::Have { accounts: self.accounts });
            }
            Say::Have { accounts } if !self.open && self.closed.is_none() => {
                self.compare(accounts, cx);
            }
            Say::Deposit { account, number } if self.open => {
                let old = self.accounts[account as usize];
                let fits = number == old.count + 1 || !self.guards.has(Guards::SEQUENCE);
                if !fits {
                    cx.send(from, Say::Answer { account, is: old });
                } else if self.waiting.is_none_or(|(_, of)| of != account) || number != old.count {
                    self.deposit(from, account, number, cx);
                }
            }
            Say::Copy { account, number } => {
                let old = self.accounts[account as usize].count;
                if number == old + 1
                    && let Err(why) = self.put(account, number, cx.blocking_disk(MAIN))
                {
                    return self.close(why, cx);
                }
                let is = self.accounts[account as usize];
                cx.send(from, Say::Copied { account, is });
            }
            Say::Copied { account, is } => {
                if is == self.accounts[account as usize]
                    && let Some((client, _)) = self.waiting.take_if(|(_, of)| *of == account)
                {
                    cx.send(client, Say::Answer { account, is });
                }
            }
            _ => {}
        }
    }

    /// The twin's accounts take the place of those that are behind, or cannot be believed.
    fn compare(&mut self, accounts: [Account; 2], cx: Cx<'_>) {
        for (account, theirs) in (0..2).zip(accounts) {
            if self.unsound || theirs.count > self.accounts[account as usize].count {
                self.accounts[account as usize] = theirs;
                if let Err(why) = self.snapshot(account, cx.blocking_disk(MAIN)) {
                    cx.observe(Said(why));
                    return; // the timer asks again
                }
            }
        }
        (self.open, self.unsound) = (true, false);
    }

    fn deposit(&mut self, client: NodeId, account: u64, number: u64, cx: Cx<'_>) {
        let old = self.accounts[account as usize];
        let is = Account { count: old.count + 1, balance: old.balance + amount(account, number) };
        if !self.guards.has(Guards::PATIENCE) {
            cx.send(client, Say::Answer { account, is });
        }
        match self.put(account, number, cx.blocking_disk(MAIN)) {
            Ok(()) if self.guards.has(Guards::TWIN) => {
                self.waiting = Some((client, account));
                cx.send(self.peer, Say::Copy { account, number: is.count });
            }
            Ok(()) if self.guards.has(Guards::PATIENCE) => {
                cx.send(client, Say::Answer { account, is });
            }
            Ok(()) => {}
            // what it had promised is on the disk; what it was about to do is asked for again
            Err(why) => {
                cx.observe(Said(why));
                self.begin(cx);
            }
        }
    }

    /// Makes a deposit durable.
    fn put(&mut self, account: u64, number: u64, disk: &mut dyn BlockingDisk) -> Result<(), Why> {
        let at = self.logged(account as usize) * RECORD as u64;
        let file = self.log_of(account);
        let number_here = self.accounts[account as usize].count + 1;
        let amount = amount(account, number);
        let record = self.encode(&file, number_here, amount);
        let written = disk.write_at(&file, at, &record);
        self.noticed(written)?;
        let first = at == 0 && self.guards.has(Guards::SYNC_DIR);
        if first {
            let synced = disk.sync_dir();
            self.noticed(synced)?;
        }
        self.sync(&file, disk)?;
        if self.guards.has(Guards::READ_BACK) {
            let mut found = vec![0; RECORD];
            let read = disk.read_at(&file, at, &mut found);
            self.noticed(read)?;
            if found != record {
                return Err("what was written is not there");
            }
        }
        let old = &mut self.accounts[account as usize];
        *old = Account { count: old.count + 1, balance: old.balance + amount };
        if self.logged(account as usize) >= LONG { self.snapshot(account, disk) } else { Ok(()) }
    }

    /// Writes an account's snapshot, and begins a new log.
    fn snapshot(&mut self, account: u64, disk: &mut dyn BlockingDisk) -> Result<(), Why> {
        let Account { count, balance } = self.accounts[account as usize];
        let (new, file) = (format!("bank/{account}.new"), format!("bank/{account}.snapshot"));
        let old_log = self.log_of(account);
        let record = self.encode(&file, count, balance);
        let written = disk.write_at(&new, 0, &record);
        self.noticed(written)?;
        self.sync(&new, disk)?;
        if self.guards.has(Guards::READ_BACK) {
            let mut found = vec![0; RECORD];
            let read = disk.read_at(&new, 0, &mut found);
            self.noticed(read)?;
            if found != record {
                return Err("what was written is not there");
            }
        }
        let renamed = disk.rename(&new, &file);
        self.noticed(renamed)?;
        if self.guards.has(Guards::SYNC_DIR) {
            let synced = disk.sync_dir();
            self.noticed(synced)?;
        }
        self.snapshots[account as usize] = count;
        let _ = disk.remove(&old_log);
        Ok(())
    }

    fn sync(&self, file: &str, disk: &mut dyn BlockingDisk) -> Result<(), Why> {
        if !self.guards.has(Guards::SYNC) {
            return Ok(());
        }
        let mut synced = disk.sync(file);
        while synced.is_err() && !self.guards.has(Guards::FATAL) {
            synced = disk.sync(file);
        }
        self.noticed(synced)
    }

    fn noticed<T>(&self, result: Result<T, DiskError>) -> Result<(), Why> {
        match result {
            Err(DiskError::Full) if self.guards.has(Guards::SPACE) => Err("no space"),
            Err(DiskError::Full) | Ok(_) => Ok(()),
            Err(_) if self.guards.has(Guards::ERRORS) => Err("the disk failed"),
            Err(_) => Ok(()),
        }
    }

    fn log_of(&self, account: u64) -> String {
        format!("bank/{account}.log.{}", self.snapshots[account as usize])
    }

    /// An account as the disk has it, and how many deposits of it are in its snapshot.
    fn read(&mut self, account: u64, disk: &mut dyn BlockingDisk) -> Result<(Account, u64), Why> {
        let mut found = Account::default();
        let file = format!("bank/{account}.snapshot");
        let records = self.records(&file, disk)?;
        if let Some(record) = records.first() {
            let (count, balance) = self.decode(&file, None, record)?;
            found = Account { count, balance };
        }
        let snapshot = found.count;
        self.snapshots[account as usize] = snapshot;
        let file = self.log_of(account);
        let records = self.records(&file, disk)?;
        for (n, record) in (1..).zip(&records) {
            match self.decode(&file, Some(snapshot + n), record) {
                Ok((_, amount)) => {
                    found = Account { count: found.count + 1, balance: found.balance + amount };
                }
                // torn: nobody was told of it
                Err(BAD_SUM) if n as usize == records.len() => {}
                Err(why) => return Err(why),
            }
        }
        Ok((found, snapshot))
    }

    /// The records of a file, a last one that is not whole filled up with zeros. What looks wrong
    /// is read a second time.
    fn records(&self, file: &str, disk: &mut dyn BlockingDisk) -> Result<Vec<Vec<u8>>, Why> {
        let len = match disk.len(file) {
            Ok(len) => len as usize,
            Err(DiskError::NotFound) => 0,
            Err(_) if self.guards.has(Guards::ERRORS) => match disk.len(file) {
                Ok(len) => len as usize,
                Err(DiskError::NotFound) => 0,
                Err(_) => return Err("it cannot be read"),
            },
            Err(_) => 0,
        };
        let mut records = vec![];
        for at in (0..len).step_by(RECORD) {
            let mut record = vec![0; RECORD];
            let there = RECORD.min(len - at);
            let mut read = disk.read_at(file, at as u64, &mut record[..there]);
            if read.is_err() || self.decode(file, None, &record).is_err() {
                read = disk.read_at(file, at as u64, &mut record[..there]);
            }
            self.noticed(read)?;
            records.push(record);
        }
        Ok(records)
    }

    /// Checksum, stamp, number, and words that make the amount together: every bit counts.
    fn encode(&self, file: &str, number: u64, amount: u64) -> Vec<u8> {
        let mut record = vec![0; RECORD];
        let stamp = if self.guards.has(Guards::STAMP) { stamp(file) } else { 0 };
        record[8..16].copy_from_slice(&stamp.to_le_bytes());
        record[16..24].copy_from_slice(&number.to_le_bytes());
        record[RECORD - 8..].copy_from_slice(&amount.to_le_bytes());
        let sum = fingerprint(&record[8..]);
        record[..8].copy_from_slice(&sum.to_le_bytes());
        record
    }

    /// Number and amount of a record.
    fn decode(&self, file: &str, number: Option<u64>, record: &[u8]) -> Result<(u64, u64), Why> {
        let word = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().expect("a word"));
        if self.guards.has(Guards::CHECKSUM) && fingerprint(&record[8..]) != word(0) {
            return Err(BAD_SUM);
        }
        let wrong = word(8) != stamp(file) || number.is_some_and(|n| n != word(16));
        if self.guards.has(Guards::STAMP) && wrong {
            return Err("a record from elsewhere");
        }
        Ok((word(16), (24..RECORD).step_by(8).map(word).fold(0, |all, word| all ^ word)))
    }
}

const BAD_SUM: Why = "a bad checksum";

fn stamp(file: &str) -> u64 {
    fingerprint(file.as_bytes())
}
