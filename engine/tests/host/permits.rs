//! Permits for tests, minted where all are: by a coordinator that completes a checkpoint.

use stormglass_engine::ids::{Attempt, CheckpointId, Generation, TaskId};
use stormglass_engine::message::Message;
use stormglass_engine::permit::CommitPermit;
use stormglass_sim::time::{Instant, Span};

use super::{Host, cluster, speech};

/// The permit of a checkpoint that a generation completed.
pub(crate) fn permit(checkpoint: CheckpointId, generation: Generation) -> CommitPermit {
    let image = cluster::image("coordinator", &cluster::Variant::default());
    let mut host = Host::new(image, cluster::address("coordinator"));
    host.event(Default::default(), stormglass_sim::node::Event::Start);
    settle(&mut host);
    // It is alone: it elects itself at once.
    host.wait(Span::millis(1));
    settle(&mut host);
    for name in ["broker", "store", "receiver"] {
        let conn = host.conn_with(cluster::address(name));
        let peer = cluster::address(name);
        host.event(Default::default(), stormglass_sim::node::Event::Opened { conn, peer });
    }
    for incarnation in 1..=generation.0 {
        let current = Generation(incarnation);
        // Each later generation begins because one worker was started again.
        let started: &[&str] =
            if incarnation == 1 { &["worker-1", "worker-2"] } else { &["worker-1"] };
        for name in started {
            let conn = host.conn_with(cluster::address(name));
            let (generation, running) = (Generation(0), false);
            host.receive(conn, Message::Register { incarnation, generation, running });
        }
        settle(&mut host);
        for name in ["broker", "store", "receiver"] {
            let conn = host.conn_with(cluster::address(name));
            host.receive(conn, Message::FenceRaised { generation: current });
        }
        for name in ["worker-1", "worker-2"] {
            let conn = host.conn_with(cluster::address(name));
            host.receive(conn, Message::Deployed { generation: current });
        }
    }
    let attempt = Attempt(generation.0);
    for _ in 0..=checkpoint.0 {
        host.hands.written.clear();
        host.wait(Span::secs(2));
        settle(&mut host);
        let triggered = host.hands.written.iter().find_map(|(_, message)| match message {
            Message::Trigger { barrier, .. } => Some(barrier.checkpoint),
            _ => None,
        });
        let Some(now) = triggered else { continue };
        assert!(now <= checkpoint, "generation {generation} is past {checkpoint}");
        for task in (1..=4).map(TaskId) {
            let conn = host.conn_with(cluster::address("worker-1"));
            let (checkpoint, part) = (now, speech::part(now, generation, task, &[]));
            let ack = Message::Acknowledge { checkpoint, generation, attempt, part };
            host.receive(conn, ack);
        }
        settle(&mut host);
        let completed = host.hands.written.iter().find_map(|(_, message)| match message {
            Message::Complete { permit, .. } => Some(*permit),
            _ => None,
        });
        let permit = completed.expect("every part was acknowledged");
        if permit.checkpoint() == checkpoint {
            return permit;
        }
    }
    panic!("generation {generation} does not complete {checkpoint}");
}

fn settle(host: &mut Host) {
    while host.finish_disk(false) {}
    let generation = Generation(0);
    for name in ["worker-1", "worker-2"] {
        host.event(
            Default::default(),
            stormglass_sim::node::Event::Datagram {
                from: cluster::address(name),
                message: Message::Heartbeat {
                    generation,
                    dismissed: generation,
                    sent: Instant::ZERO,
                },
            },
        );
    }
}
