//! Buckets, lives and parts, told by hand.

use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::ids::{Attempt, CheckpointId, Generation, TaskId};
use stormglass_engine::observation::{AbortReason, Observation, Step};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::Stamp;

use super::series::Counter;
use super::*;

fn at(millis: u64) -> Instant {
    Instant::ZERO + Span::millis(millis)
}

fn stamp(millis: u64) -> Stamp {
    Stamp { time: at(millis), node: NodeId::new(1, 1), incarnation: 1, event: millis }
}

#[test]
fn what_flows_falls_into_its_bucket() {
    let mut recorder = Recorder::default();
    recorder.read(at(20), true);
    recorder.read(at(99), false);
    recorder.sampled(at(100), 5, 3);
    recorder.hop(at(100));
    recorder.visible(at(310), Span::millis(7));
    let Series { width, buckets } = recorder.chronicle(Vec::new()).series;
    assert_eq!((width, buckets.len()), (Span::millis(100), 4));
    let Bucket { arrived, read, again, hops, lag, .. } = buckets[0];
    assert_eq!((arrived, read, again, hops, lag), (5, 1, 1, 0, 3));
    assert_eq!((buckets[1].hops, buckets[2]), (1, Bucket::default()));
    assert_eq!((buckets[3].visible, buckets[3].latency.max), (1, Span::millis(7)));
}

/// Nothing is lost when buckets are merged, and there are never more than so many.
#[test]
fn a_long_run_has_wider_buckets() {
    let widths =
        [(100, 100), (119, 100), (121, 500), (601, 1_000), (1_201, 5_000), (6_001, 10_000)];
    for (seconds, width) in widths {
        let mut counter = Counter::default();
        for now in (0..seconds * 10).map(|tenth| at(tenth * 100)) {
            counter.visible(now, Span::nanos(now.nanos()));
        }
        let series = counter.series();
        assert_eq!(series.width, Span::millis(width), "after {seconds} s");
        assert!(series.buckets.len() <= Series::MOST);
        assert_eq!(series.buckets.iter().map(|b| b.visible).sum::<u64>(), seconds * 10);
        assert_eq!(series.buckets.iter().map(|b| b.latency.count).sum::<u64>(), seconds * 10);
        let last = series.buckets.last().unwrap().latency.max;
        assert_eq!(last, Span::millis((seconds * 10 - 1) * 100));
    }
}

#[test]
fn lives_begin_and_end_when_they_are_seen_to() {
    let mut recorder = Recorder::default();
    let (one, two) = (NodeId::new(1, 1), NodeId::new(2, 1));
    recorder.looked(at(100), one, 1, true);
    recorder.looked(at(100), two, 1, true);
    recorder.looked(at(150), one, 1, false);
    recorder.looked(at(200), one, 1, false);
    recorder.looked(at(300), one, 2, true);
    // It died and came back between two looks.
    recorder.looked(at(300), two, 2, true);
    let life = |node, incarnation, from, until: Option<u64>| Life {
        node,
        incarnation,
        from: at(from),
        until: until.map(at),
    };
    let lives = [
        life(one, 1, 100, Some(150)),
        life(two, 1, 100, Some(300)),
        life(one, 2, 300, None),
        life(two, 2, 300, None),
    ];
    assert_eq!(recorder.chronicle(Vec::new()).lives, lives);
}

#[test]
fn a_checkpoint_is_told_by_its_parts() {
    let mut recorder = Recorder::default();
    let (generation, checkpoint, kind) =
        (Generation(1), CheckpointId(4), CheckpointKind::Checkpoint);
    let (task, attempt) = (TaskId(2), Attempt(1));
    let aborted = CheckpointId(5);
    let story = [
        (10, Observation::CheckpointTriggered { checkpoint, kind, generation }),
        (11, Observation::Stepped { step: Step::Aligning, task, generation, checkpoint }),
        (12, Observation::Cut { task, generation, checkpoint }),
        (13, Observation::Cut { task: TaskId(1), generation, checkpoint }),
        (14, Observation::CheckpointAcked { checkpoint, task, attempt, bytes: 9 }),
        (15, Observation::CheckpointTriggered { checkpoint: aborted, kind, generation }),
        (16, Observation::CheckpointCompleted { checkpoint, kind, generation, bytes: 9 }),
        (
            17,
            Observation::CheckpointAborted {
                checkpoint: aborted,
                generation,
                reason: AbortReason::Io,
            },
        ),
        // A new coordinator says it again.
        (18, Observation::CheckpointCompleted { checkpoint, kind, generation, bytes: 9 }),
    ];
    for (millis, what) in story {
        recorder.observed(stamp(millis), &what);
    }
    let checkpoints = recorder.chronicle(Vec::new()).checkpoints;
    assert_eq!(checkpoints[0].end, Some((at(16), End::Completed { bytes: 9 })));
    assert_eq!(checkpoints[1].end, Some((at(17), End::Aborted(AbortReason::Io))));
    let [first, second] = checkpoints[0].parts[..] else { panic!("two tasks took part") };
    assert_eq!((first.task, first.cut, first.acked), (TaskId(1), Some(at(13)), None));
    assert_eq!((second.aligning, second.cut), (Some(at(11)), Some(at(12))));
    assert_eq!((second.acked, second.bytes, second.sent), (Some(at(14)), 9, None));
}
