//! A decision counts once, whoever applies it first.

use stormglass_engine::ids::{CheckpointId, Generation, TaskId};
use stormglass_engine::observation::Observation as O;
use stormglass_engine::raft::{Index, Term};
use stormglass_sim::node::NodeId;

use super::Echoes;

const A: NodeId = NodeId::new(0, 1);
const B: NodeId = NodeId::new(1, 1);

fn applied(index: u64) -> O {
    O::Applied { index: Index(index), term: Term(1), print: index }
}
fn granted(generation: u32) -> O {
    O::Granted { generation: Generation(generation), workers: 1, restore: None }
}
fn assigned(generation: u32) -> O {
    O::Assigned { generation: Generation(generation), task: TaskId(1), node: B }
}
fn completed(checkpoint: u32) -> O {
    let (checkpoint, generation) = (CheckpointId(checkpoint), Generation(1));
    O::CheckpointCompleted { checkpoint, kind: Default::default(), generation, bytes: 0 }
}

/// The observations that count.
fn heard(story: &[(NodeId, O)]) -> Vec<O> {
    let mut echoes = Echoes::default();
    story.iter().filter(|(node, what)| !echoes.is_echo(*node, what)).map(|(_, o)| *o).collect()
}

#[test]
fn replicas_echo_whoever_applies_first() {
    let story = [
        (A, applied(1)),
        (A, granted(1)),
        (A, assigned(1)),
        (B, applied(1)),
        (B, granted(1)),
        (B, assigned(1)),
        // The follower happens to be first.
        (B, applied(2)),
        (B, completed(1)),
        (A, applied(2)),
        (A, completed(1)),
    ];
    let once = [applied(1), granted(1), assigned(1), applied(1), applied(2), completed(1)];
    assert_eq!(heard(&story), [&once[..], &[applied(2)]].concat());
}

#[test]
fn a_restarted_coordinator_echoes_itself() {
    let life = [(A, applied(1)), (A, granted(1)), (A, applied(2)), (A, completed(1))];
    let again = heard(&[life, life].concat());
    assert_eq!(again.iter().filter(|o| **o == granted(1)).count(), 1);
    assert_eq!(again.iter().filter(|o| **o == completed(1)).count(), 1);
    assert_eq!(again.len(), 6, "entries applied are told each time");
}

/// A crash strikes between two decisions of an entry, or before the first.
#[test]
fn who_is_cut_short_is_continued() {
    let story = [
        (A, applied(1)),
        (B, applied(1)),
        (B, granted(1)),
        (A, applied(1)),
        (A, granted(1)),
        (A, assigned(1)),
        (B, applied(1)),
        (B, granted(1)),
        (B, assigned(1)),
    ];
    let known = heard(&story);
    let decisions: Vec<&O> = known.iter().filter(|o| !matches!(o, O::Applied { .. })).collect();
    assert_eq!(decisions, [&granted(1), &assigned(1)]);
}

#[test]
fn news_after_an_echo_are_news() {
    let story = [
        (A, applied(1)),
        (A, granted(1)),
        (A, applied(1)),
        (A, granted(1)),
        (A, applied(2)),
        (A, granted(2)),
    ];
    let known = heard(&story);
    assert_eq!(known.last(), Some(&granted(2)));
    assert_eq!(known.iter().filter(|o| matches!(o, O::Granted { .. })).count(), 2);
}

#[test]
fn nothing_else_is_an_echo() {
    let (checkpoint, generation) = (CheckpointId(1), Generation(1));
    let other = O::CheckpointTriggered { checkpoint, kind: Default::default(), generation };
    let story = [(A, applied(1)), (A, applied(1)), (A, other), (B, granted(1))];
    assert_eq!(heard(&story).len(), 4);
}
