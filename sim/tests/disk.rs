//! What each fault of a disk does to a small store that leaves out the protection against it, and
//! does not do to one that has it.
//!
//! A bank of two accounts: a client deposits one amount after the other, by turns; the bank answers
//! with the balance when the deposit is durable. Each account is a log of records, and a snapshot
//! that takes the place of the log's beginning. The client knows what the balance has to be, so an
//! answer that is wrong is a *lie*. A bank that cannot know what it has promised may *stop*.
//!
//! Each row of the table is a fault, the protection (a [`Guards`]) that one bank lacks, and those
//! that both may lack. Over some seeds: without the fault the unprotected bank is right; under the
//! fault, which really struck, it lies, in some seeds at least; the protected one never does.

mod bank;

use std::fmt::Write;

use bank::{Bank, CLIENT, Guards, PEER, SERVER};
use stormglass_sim::fault::{ArmedId, DiskFailure, Fault, PowerLoss};
use stormglass_sim::machine::{DiskSpec, MachineSpec};
use stormglass_sim::net::NetworkSpec;
use stormglass_sim::node::MachineId;
use stormglass_sim::time::Span;
use stormglass_sim::world::World;

const SEEDS: u64 = 20;
const DISK: MachineId = SERVER.machine;

/// What came of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Every answer was right, and deposits go on.
    Right,
    /// No answer was wrong, but the bank has closed, and says so.
    Stopped,
    /// An answer was wrong.
    Lied,
}

/// A world with a bank, its twin on another machine, and a client; and what was done to it.
struct Lab {
    world: World<Bank, ()>,
    seed: u64,
    /// Whether faults are really injected.
    stormy: bool,
    struck: bool,
    armed: Vec<ArmedId>,
}

impl Lab {
    fn new(guards: Guards, seed: u64, stormy: bool) -> Self {
        let network = NetworkSpec::uniform(Span::millis(3), Span::millis(3));
        let mut world = World::new(seed, network, ());
        let disk = DiskSpec { power_loss: PowerLoss::Nothing, ..DiskSpec::default() };
        for _ in 0..3 {
            world.add_machine(MachineSpec { disk, ..MachineSpec::default() });
        }
        world.boot(SERVER, Bank::server(guards, PEER));
        world.boot(PEER, Bank::server(guards, SERVER));
        world.boot(CLIENT, Bank::client());
        let mut lab = Lab { world, seed, stormy, struck: false, armed: vec![] };
        lab.run(Span::micros(160_000 + 1_713 * seed));
        lab
    }

    fn run(&mut self, span: Span) {
        self.world.run_until(self.world.now() + span);
    }

    /// Goes on until the first log has a few records.
    fn run_until_logged(&mut self) {
        while !(3..5).contains(&self.bank().logged(0)) {
            self.run(Span::micros(100));
        }
    }

    /// Goes on until the client has heard of all deposits.
    fn run_until_heard(&mut self) {
        while self.bank().deposits() > self.client().answered() {
            self.run(Span::micros(20));
        }
    }

    /// Goes on until a deposit is in the page cache, and its sync under way.
    fn run_into_a_deposit(&mut self) {
        self.run_until_logged();
        self.run_until_heard();
        while self.bank().deposits() == self.client().answered() {
            self.run(Span::micros(20));
        }
        self.run(Span::micros(200));
    }

    fn bank(&self) -> &bank::Server {
        match self.world.process(SERVER) {
            Some(Bank::Server(server)) => server,
            other => panic!("the bank is up: {other:?}"),
        }
    }

    fn client(&self) -> &bank::Client {
        match self.world.process(CLIENT) {
            Some(Bank::Client(client)) => client,
            other => panic!("the client is up: {other:?}"),
        }
    }

    /// Injects a fault, in a stormy run.
    fn fault(&mut self, fault: Fault) {
        if self.stormy {
            let effect = self.world.inject(&fault).expect("it fits the world");
            self.struck |= effect.took_effect;
            self.armed.extend(effect.armed);
        }
    }

    /// The next operations of a kind go wrong.
    fn fail(&mut self, kind: DiskFailure, prefix: &str, count: u32) {
        let prefix = prefix.into();
        self.fault(Fault::FailDisk { machine: DISK, kind, prefix, count, within: None });
    }

    /// Goes on until a failure has struck, and its deposit is answered; in a calm run as long as
    /// that takes about.
    fn run_until_struck(&mut self) {
        let struck = |lab: &Lab| lab.armed.iter().any(|id| lab.world.armed_hits(*id) > 0);
        let end = self.world.now() + Span::millis(8);
        while !struck(self) && self.world.now() < end {
            self.run(Span::micros(100));
        }
        self.run(Span::millis(5));
    }

    fn restart(&mut self) {
        self.world.inject(&Fault::Crash { node: SERVER }).expect("it runs");
        self.world.inject(&Fault::Start { node: SERVER }).expect("it is down");
    }

    fn power_loss(&mut self) {
        self.world.inject(&Fault::CrashMachine { machine: DISK }).expect("it runs");
        self.world.inject(&Fault::StartMachine { machine: DISK }).expect("it is down");
    }

    /// A power loss in a stormy run, and the death of the process in any other.
    fn power_or_process(&mut self, leaves: PowerLoss) {
        self.fault(Fault::NextPowerLoss { machine: DISK, leaves });
        if self.stormy { self.power_loss() } else { self.restart() }
    }

    fn end(mut self) -> (End, bool) {
        let before = self.client().answered();
        self.run(Span::secs(3));
        let hit = self.armed.iter().any(|id| self.world.armed_hits(*id) > 0);
        let (client, bank) = (self.client(), self.bank());
        let end = if client.lie.is_some() {
            End::Lied
        } else if client.answered() > before + 20 {
            End::Right
        } else {
            assert!(bank.closed.is_some(), "seed {}: it stands still and says nothing", self.seed);
            End::Stopped
        };
        (end, self.struck || hit)
    }
}

/// A fault, and what protects from it.
struct Row {
    name: &'static str,
    /// What the unprotected bank lacks.
    lacks: Guards,
    /// What neither bank has.
    neither: Guards,
    storm: fn(&mut Lab),
}

const fn row(name: &'static str, lacks: Guards, neither: Guards, storm: fn(&mut Lab)) -> Row {
    Row { name, lacks, neither, storm }
}

const NONE: Guards = Guards(0);
/// Nothing else that would notice.
const ALONE_AND_BLIND: Guards = Guards::TWIN.with(Guards::READ_BACK);

/// Every mechanism by which a disk fails.
const ROWS: &[Row] = &[
    row("unsynced loss", Guards::SYNC, Guards::TWIN, |lab| {
        lab.power_or_process(PowerLoss::Nothing);
    }),
    row("torn sectors", Guards::CHECKSUM, Guards::TWIN, |lab| {
        lab.run_into_a_deposit();
        lab.fault(Fault::NextPowerLoss { machine: DISK, leaves: PowerLoss::Torn });
        lab.power_loss();
    }),
    row("reordered sectors", Guards::CHECKSUM.with(Guards::STAMP), Guards::TWIN, |lab| {
        lab.run_into_a_deposit();
        lab.fault(Fault::NextPowerLoss { machine: DISK, leaves: PowerLoss::Scattered });
        lab.power_loss();
    }),
    row("garbage sectors", Guards::CHECKSUM.with(Guards::STAMP), Guards::TWIN, |lab| {
        lab.run_into_a_deposit();
        lab.fault(Fault::NextPowerLoss { machine: DISK, leaves: PowerLoss::Garbage });
        lab.power_loss();
    }),
    row("unsynced survival", Guards::SEQUENCE, Guards::TWIN, |lab| {
        lab.run_into_a_deposit();
        lab.fault(Fault::NextPowerLoss { machine: DISK, leaves: PowerLoss::Everything });
        lab.power_loss();
    }),
    row("rename without directory sync", Guards::SYNC_DIR, Guards::TWIN, |lab| {
        lab.power_or_process(PowerLoss::Nothing);
    }),
    row("rot at rest", Guards::CHECKSUM, NONE, |lab| {
        let (file, bit) = (lab.seed, 8 * 24 + 393 * lab.seed);
        lab.fault(Fault::RotFile { machine: DISK, prefix: "bank/".into(), file, bit });
        lab.restart();
    }),
    row("rot found by reading", Guards::CHECKSUM, NONE, |lab| {
        lab.fail(DiskFailure::RottenReads, "bank/", 4);
        lab.restart();
    }),
    row("corrupt read", Guards::CHECKSUM, NONE, |lab| {
        lab.fail(DiskFailure::CorruptReads, "bank/", 4);
        lab.restart();
    }),
    row("misdirected read", Guards::STAMP, NONE, |lab| {
        lab.fail(DiskFailure::MisdirectedReads, "bank/", 1);
        lab.restart();
    }),
    row("misdirected write", Guards::STAMP, NONE, |lab| {
        lab.fail(DiskFailure::MisdirectedWrites, "bank/", 1);
        lab.run(Span::millis(20));
        lab.restart();
    }),
    row("phantom write", Guards::READ_BACK, Guards::TWIN, |lab| {
        lab.run_until_logged();
        lab.fail(DiskFailure::PhantomWrites, "bank/", 1);
        lab.run_until_struck();
        lab.restart();
    }),
    row("failing sync", Guards::ERRORS, Guards::TWIN, |lab| {
        lab.run_until_logged();
        lab.fail(DiskFailure::Syncs, "bank/", 1);
        lab.run_until_struck();
        lab.power_loss();
    }),
    row("forgetful sync", Guards::FATAL, ALONE_AND_BLIND, |lab| {
        lab.run_until_logged();
        lab.fail(DiskFailure::ForgetfulSyncs, "bank/", 1);
        lab.run_until_struck();
        lab.restart();
    }),
    row("lying sync", Guards::TWIN, NONE, |lab| {
        lab.fail(DiskFailure::LyingSyncs, "bank/", 9);
        lab.run(Span::millis(7));
        lab.power_loss();
    }),
    row("stall", Guards::PATIENCE, Guards::TWIN, |lab| {
        lab.run_until_logged();
        lab.fault(Fault::StallDisk { machine: DISK, duration: Span::secs(1) });
        lab.run(Span::millis(30));
        lab.run_until_heard();
        lab.power_loss();
    }),
    row("slow disk", Guards::PATIENCE, Guards::TWIN, |lab| {
        lab.run_until_logged();
        lab.fault(Fault::SlowDisk { machine: DISK, factor: 100, duration: Span::secs(1) });
        lab.run(Span::millis(30));
        lab.run_until_heard();
        lab.power_loss();
    }),
    row("throttle", Guards::PATIENCE, Guards::TWIN, |lab| {
        lab.run_until_logged();
        let (machine, duration) = (DISK, Span::secs(1));
        lab.fault(Fault::ThrottleDisk { machine, bytes_per_second: 10_000, duration });
        lab.run(Span::millis(30));
        lab.run_until_heard();
        lab.power_loss();
    }),
    row("write error", Guards::ERRORS, ALONE_AND_BLIND, |lab| {
        lab.fail(DiskFailure::Writes, "bank/", 1);
        lab.run_until_struck();
        lab.restart();
    }),
    row("read error", Guards::ERRORS, Guards::TWIN, |lab| {
        lab.fail(DiskFailure::Reads, "bank/", 1);
        lab.restart();
    }),
    row("full disk", Guards::SPACE, ALONE_AND_BLIND, |lab| {
        let (kind, prefix, count) = (DiskFailure::Full, "bank/".into(), u32::MAX);
        let within = Some(Span::millis(50));
        lab.fault(Fault::FailDisk { machine: DISK, kind, prefix, count, within });
        lab.run(Span::millis(60));
        lab.restart();
    }),
    row("lost disk", Guards::TWIN, NONE, |lab| {
        lab.fault(Fault::LoseDisk { machine: DISK, duration: Span::millis(50) });
        lab.run(Span::millis(60));
        lab.restart();
    }),
    row("wiped disk", Guards::TWIN, NONE, |lab| {
        lab.fault(Fault::WipeDisk { machine: DISK });
        lab.restart();
    }),
];

fn play(row: &Row, guards: Guards, seed: u64, stormy: bool) -> (End, bool) {
    let mut lab = Lab::new(guards, seed, stormy);
    (row.storm)(&mut lab);
    lab.end()
}

#[test]
fn every_fault_makes_a_liar_of_the_unprotected_alone() {
    let mut table = String::new();
    for row in ROWS {
        let protected = Guards::ALL.without(row.neither);
        let unprotected = protected.without(row.lacks);
        let (mut hits, mut lies, mut stops) = (0, 0, 0);
        for seed in 0..SEEDS {
            let context = format!("{}, seed {seed}", row.name);
            let (calm, _) = play(row, unprotected, seed, false);
            assert_eq!(calm, End::Right, "{context}: without the fault");
            let (end, struck) = play(row, unprotected, seed, true);
            hits += u32::from(struck);
            lies += u32::from(end == End::Lied);
            assert!(end != End::Lied || struck, "{context}: it lies for another reason");
            let (end, _) = play(row, protected, seed, true);
            assert_ne!(end, End::Lied, "{context}: with the protection");
            stops += u32::from(end == End::Stopped);
        }
        writeln!(table, "{:32}{hits:4} hits{lies:4} lies{stops:4} stops", row.name).unwrap();
        assert!(hits >= 18 && lies >= 5, "too few:\n{table}");
    }
}

/// A bank that is alone and finds rot stops; it does not guess.
#[test]
fn without_a_twin_rot_closes_the_bank() {
    for seed in 0..SEEDS {
        let mut lab = Lab::new(Guards::ALL.without(Guards::TWIN), seed, true);
        lab.run_until_logged();
        let prefix = "bank/0.log".into();
        lab.fault(Fault::RotFile { machine: DISK, prefix, file: 0, bit: 77 * seed });
        assert_eq!(lab.world.damage(DISK).len(), 1);
        lab.restart();
        let (end, struck) = lab.end();
        assert!(struck && end == End::Stopped, "seed {seed}: {end:?}");
    }
}

/// The same seed and the same faults: the same end, to the byte.
#[test]
fn a_run_repeats() {
    for row in ROWS {
        let digest = || {
            let mut lab = Lab::new(Guards::ALL, 3, true);
            (row.storm)(&mut lab);
            lab.run(Span::millis(300));
            lab.world.digest()
        };
        assert_eq!(digest(), digest(), "{}", row.name);
    }
}
