//! The disk as processes see it.

use alloc::vec;

use super::*;
use crate::fault::{ArmedId, DamageKind, DiskFailure, FaultError, PowerLoss};
use crate::machine::DiskSpec;
use crate::node::{DiskError, DiskOp};
use crate::payload::Payload;

fn file(data: &'static [u8]) -> DiskOp {
    DiskOp::Write { file: "f".into(), data: Payload::new(data) }
}

/// Writes, syncs and reads back.
fn writer(_: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    if let Event::Start = event
        && cx.incarnation() == 1
    {
        cx.disk(Lane(0), file(b"one"));
        cx.disk(Lane(0), DiskOp::Sync { file: "f".into() });
        cx.disk(Lane(0), DiskOp::SyncDir);
        cx.disk(Lane(0), file(b"two"));
        cx.disk(Lane(0), DiskOp::Read { file: "f".into() });
    } else if let Event::Start = event {
        cx.disk(Lane(0), DiskOp::Read { file: "f".into() });
    }
}

#[test]
fn operations_answer_in_order_and_a_process_crash_keeps_the_cache() {
    let mut lab = lab(writer, quiet);
    lab.run_until(ms(10));
    assert_eq!(lab.seen(A).len(), 6);
    assert!(lab.seen(A)[5].contains("Payload(3 B"));
    lab.hurt(Fault::Crash { node: A });
    lab.hurt(Fault::Start { node: A });
    lab.run_until(ms(20));
    assert_eq!(lab.cached_file(MA, "f").expect("it is there").bytes(), b"two");
    assert_eq!(lab.durable_file(MA, "f").expect("it is there").bytes(), b"one");
    assert!(lab.seen(A)[7].contains("Payload(3 B"));
}

#[test]
fn a_sync_counts_from_its_completion() {
    // write 20 us, sync until 520 us, directory until 1,020 us
    for (crash, survives) in [(1_019_999, false), (1_020_010, true)] {
        let mut lost = 0;
        for seed in 0..16 {
            let mut lab = lab(writer, quiet);
            lab.run_until(Instant(crash));
            lab.kernel.reseed(seed);
            lab.hurt(Fault::CrashMachine { machine: MA });
            lost += u64::from(lab.durable_file(MA, "f").is_none());
        }
        assert_eq!(lost == 0, survives, "{lost} of 16 lost");
    }
}

#[test]
fn completions_of_a_dead_life_are_not_seen() {
    let mut lab = lab(writer, quiet);
    lab.run_until(Instant(30_000));
    lab.hurt(Fault::Crash { node: A });
    lab.hurt(Fault::Start { node: A });
    lab.run_until(ms(20));
    assert_eq!(lab.seen(A).len(), 4, "{:?}", lab.seen(A));
    assert_eq!(lab.cached_file(MA, "f").expect("submitted before").bytes(), b"two");
}

#[test]
fn the_blocking_view_delays_what_follows_and_its_lane() {
    let mut lab = lab(
        |_, _, event, cx| {
            if let Event::Start = event {
                let disk = cx.blocking_disk(Lane(0));
                disk.write_at("db", 0, b"hello").expect("room");
                disk.sync("db").expect("it is there");
                let mut bytes = [0; 3];
                disk.read_at("db", 2, &mut bytes).expect("it is there");
                assert_eq!((&bytes, disk.len("db")), (b"llo", Ok(5)));
                assert_eq!(disk.read_at("db", 3, &mut bytes), Err(DiskError::PastEnd));
                assert_eq!(disk.len("no"), Err(DiskError::NotFound));
                cx.send(B, say(1));
                cx.post(Lane(0), say(2));
            }
        },
        quiet,
    );
    lab.run_until(Instant(500_000));
    let mut crashed = lab.clone();
    lab.run_until(ms(10));
    // 20 us a step, 500 us the sync, 1 ms the link
    let sent = lab.when(B, "Datagram").0 - 1_000_000;
    assert!((600_000..630_000).contains(&sent), "{sent}");
    assert_eq!(lab.when(A, "Posted").0, sent);
    assert_eq!(lab.cached_file(MA, "db").expect("it is there").bytes(), b"hello");
    // the sync was under way at the crash: the write was done, the send was not
    crashed.hurt(Fault::Crash { node: A });
    crashed.run_until(ms(10));
    assert_eq!(crashed.heard(B).len(), 0);
}

fn fails(kind: DiskFailure, prefix: &str) -> Fault {
    Fault::FailDisk { machine: MA, kind, prefix: prefix.into(), count: 1, within: None }
}

#[test]
fn disk_faults_hit_slow_down_and_stall() {
    let mut failing = lab(writer, quiet);
    let kind = DiskFailure::Syncs;
    let effect = failing.hurt(fails(kind, ""));
    failing.run_until(ms(10));
    assert_eq!((effect.armed, failing.armed_hits(ArmedId(0))), (Some(ArmedId(0)), 1));
    assert!(failing.seen(A)[2].contains("Err(Io)"));
    assert!(!failing.seen(A)[3].contains("Err"));

    let mut slow = lab(writer, quiet);
    slow.hurt(Fault::SlowDisk { machine: MA, factor: 10, duration: Span::secs(1) });
    slow.run_until(ms(20));
    assert_eq!(slow.when(A, "Disk").0 / 1_000, 200);

    // Three disks that were slowed 200 times each at once took 8,000,000 times as long, and a run
    // stood still for good when the storm was long over (swarm, seed 186).
    let mut slower = lab(writer, quiet);
    for factor in [10, 7, 10] {
        slower.hurt(Fault::SlowDisk { machine: MA, factor, duration: Span::secs(1) });
    }
    slower.run_until(ms(20));
    assert_eq!(slower.when(A, "Disk").0 / 1_000, 200);

    let mut stalled = lab(writer, quiet);
    stalled.run_until(Instant(10_000));
    stalled.hurt(Fault::StallDisk { machine: MA, duration: Span::millis(5) });
    stalled.run_until(ms(20));
    assert_eq!(stalled.when(A, "Disk").0 / 1_000, 5_020);
    assert_eq!(stalled.seen(A).len(), 6);

    let mut wiped = lab(writer, quiet);
    wiped.run_until(ms(10));
    assert_eq!(wiped.hurt(Fault::WipeDisk { machine: MA }).bytes_lost, 3);
    assert_eq!(wiped.cached_file(MA, "f"), None);
}

#[test]
fn rot_flips_a_bit_of_one_file_for_good() {
    let mut lab = lab(writer, quiet);
    lab.run_until(ms(10));
    let rot =
        |prefix: &str, file, bit| Fault::RotFile { machine: MA, prefix: prefix.into(), file, bit };
    assert!(!lab.hurt(rot("g", 0, 0)).took_effect, "there is no such file");
    // `two` is in the page cache, `one` on the device.
    assert!(lab.hurt(rot("f", 5, 24 + 8)).took_effect);
    assert_eq!(lab.cached_file(MA, "f").expect("it is there").bytes(), b"tvo");
    lab.hurt(Fault::Crash { node: A });
    lab.hurt(Fault::Start { node: A });
    lab.run_until(ms(20));
    assert_eq!(lab.cached_file(MA, "f").expect("it is there").bytes(), b"tvo");
}

/// A process hears that its data is durable, and it is not: the world knows.
#[test]
fn the_world_tells_what_was_destroyed() {
    let mut lab = lab(writer, quiet);
    let id = lab.hurt(fails(DiskFailure::PhantomWrites, "f")).armed.expect("it waits");
    assert_eq!(lab.armed_hits(id), 0);
    lab.run_until(Instant(900_000));
    assert_eq!((lab.armed_hits(id), lab.armed_hits(ArmedId(7))), (1, 0));
    assert_eq!(lab.durable_file(MA, "f"), None, "its name is not durable yet");
    lab.run_until(ms(10));
    assert_eq!(lab.durable_file(MA, "f").expect("it is there").bytes(), [0, 0, 0]);
    let synced = lab.damage(MA);
    assert_eq!(synced[0].kind, DamageKind::NeverWritten);
    // the write took 20 us, the sync 500
    assert_eq!((synced.len(), synced[0].at.0 / 1_000, &*synced[0].file), (1, 520, "f"));
    assert_eq!(lab.damage(MB), []);
    let lost = lab.hurt(Fault::LoseDisk { machine: MA, duration: Span::secs(1) });
    assert_eq!((lost.bytes_lost, lab.damage(MA).len()), (3, 2));
    assert_eq!(lab.damage(MA)[1].at, ms(10));
    lab.hurt(Fault::Crash { node: A });
    lab.hurt(Fault::Start { node: A });
    lab.run_until(ms(20));
    assert!(lab.seen(A).last().expect("it read").contains("Err(Io)"));
    let never = Fault::LoseDisk { machine: MA, duration: Span::ZERO };
    assert!(!lab.hurt(never).took_effect);
}

#[test]
fn a_power_loss_has_its_mode_from_the_machine_or_from_a_fault() {
    let says = |leaves| Fault::NextPowerLoss { machine: MA, leaves };
    for (leaves, left) in [(PowerLoss::Nothing, &b"one"[..]), (PowerLoss::Everything, b"two")] {
        let mut lab = lab(writer, quiet);
        let first = lab.hurt(says(PowerLoss::Garbage)).armed.expect("it waits");
        let second = lab.hurt(says(leaves)).armed.expect("it waits");
        lab.run_until(ms(10));
        lab.hurt(Fault::CrashMachine { machine: MA });
        assert_eq!(lab.durable_file(MA, "f").expect("it is there").bytes(), left);
        assert_eq!((lab.armed_hits(first), lab.armed_hits(second)), (0, 1));
    }
    let disk = DiskSpec { power_loss: PowerLoss::Nothing, ..DiskSpec::default() };
    for seed in 0..8 {
        let mut lab = World::new(seed, calm(), Log::default());
        lab.add_machine(MachineSpec { disk, ..MachineSpec::default() });
        lab.boot(A, actor(writer));
        lab.run_until(ms(10));
        lab.hurt(Fault::CrashMachine { machine: MA });
        assert_eq!(lab.durable_file(MA, "f").expect("it is there").bytes(), b"one");
    }
}

#[test]
fn disk_faults_that_cannot_be_are_refused() {
    let mut lab = lab(writer, quiet);
    let throttle = |bytes_per_second| {
        let duration = Span::secs(1);
        Fault::ThrottleDisk { machine: MA, bytes_per_second, duration }
    };
    assert_eq!(lab.inject(&throttle(0)), Err(FaultError::Zero));
    assert!(lab.hurt(throttle(1_000)).took_effect);
    assert!(!lab.hurt(throttle(u64::MAX)).took_effect);
    let nowhere = Fault::LoseDisk { machine: MachineId(9), duration: Span::secs(1) };
    assert_eq!(lab.inject(&nowhere), Err(FaultError::UnknownMachine(MachineId(9))));
}

/// Writes and syncs in the blocking view, then says so.
fn blocked(_: &mut Actor, _: Lane, event: Event<Say>, cx: Cx<'_>) {
    if let Event::Start = event
        && cx.incarnation() == 1
    {
        let disk = cx.blocking_disk(Lane(0));
        disk.write_at("db", 0, b"hello").expect("room");
        disk.sync("db").expect("it is there");
        cx.send(B, say(1));
        cx.blocking_disk(Lane(0)).sync_dir().expect("it is there");
        cx.send(B, say(2));
    }
}

/// A bank in the blocking view told its client that a deposit was durable while the disk stalled:
/// the handler had run before the stall, and what it sent left at the instant that was right then.
#[test]
fn who_waits_for_a_stalled_disk_in_the_blocking_view_goes_on_later() {
    for (stall, early) in [(100_000, 0), (700_000, 1), (2_000_000, 2)] {
        let mut lab = lab(blocked, quiet);
        lab.run_until(Instant(stall));
        lab.hurt(Fault::StallDisk { machine: MA, duration: Span::millis(100) });
        lab.run_until(ms(50));
        assert_eq!(lab.heard(B).len(), early);
        lab.run_until(ms(200));
        assert_eq!(lab.heard(B), [1, 2]);
    }
}

#[test]
fn who_waits_for_a_lost_disk_in_the_blocking_view_does_not_go_on() {
    let gone = [
        Fault::WipeDisk { machine: MA },
        Fault::LoseDisk { machine: MA, duration: Span::millis(1) },
    ];
    for fault in gone {
        let mut lab = lab(blocked, quiet);
        lab.run_until(Instant(700_000));
        assert_eq!(lab.hurt(fault.clone()).processes_lost, 1);
        lab.run_until(ms(50));
        assert_eq!((lab.heard(B), lab.is_up(A)), (vec![1], false), "what had left has left");
        lab.hurt(Fault::Start { node: A });
        lab.run_until(ms(100));
        assert_eq!(lab.hurt(fault).processes_lost, 0, "nobody waits");
    }
}
