use super::*;
use alloc::collections::BTreeMap;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Act {
    Push(u64),
    Pop,
    PopUntil(u64),
    Cancel(usize),
    Take(usize),
    Retime(usize, u64),
}

fn distance() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..5_000u64,
        4 => 0..20_000_000u64,
        3 => (0..1_000u64).prop_map(|ms| ms * 1_000_000),
        2 => (0..600u64).prop_map(|s| s * 1_000_000_000),
        1 => (0..64u32).prop_map(|bit| 1u64 << bit.min(62)),
        1 => Just((1 << 24) - 1),
        1 => Just(1 << 24),
        1 => Just(1 << 32),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => distance().prop_map(Act::Push),
        4 => Just(Act::Pop),
        2 => distance().prop_map(Act::PopUntil),
        2 => any::<usize>().prop_map(Act::Cancel),
        1 => any::<usize>().prop_map(Act::Take),
        2 => (any::<usize>(), distance()).prop_map(|(pick, after)| Act::Retime(pick, after)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None,
        ..ProptestConfig::default() })]
    #[test]
    fn the_queue_agrees_with_a_sorted_map(acts in prop::collection::vec(act(), 1..400)) {
        let mut queue = Queue::new();
        let mut model = BTreeMap::new();
        let mut parked = Vec::new();
        let mut handles = Vec::new();
        let (mut now, mut sequence) = (0u64, 0u64);
        for act in acts {
            match act {
                Act::Push(after) => {
                    let time = now.saturating_add(after);
                    let handle = queue.push(Instant(time), sequence);
                    model.insert((time, sequence), handle);
                    handles.push((time, sequence, handle));
                    sequence += 1;
                }
                Act::Pop | Act::PopUntil(_) => {
                    let limit = match act {
                        Act::PopUntil(after) => now.saturating_add(after),
                        _ => u64::MAX,
                    };
                    let due = model.first_key_value().map(|(&k, &h)| (k, h));
                    let expected = due.filter(|((time, _), _)| *time <= limit);
                    let got = queue.pop(Instant(limit));
                    prop_assert_eq!(got, expected.map(|((t, _), h)| (Instant(t), h)));
                    if let Some(((time, id), handle)) = expected {
                        model.remove(&(time, id));
                        now = time;
                        parked.push((handle, id));
                    } else if limit != u64::MAX {
                        now = limit;
                    }
                }
                Act::Cancel(pick) if !handles.is_empty() => {
                    let (time, id, handle) = handles[pick % handles.len()];
                    let waiting = parked.iter().position(|p| p.0 == handle);
                    let alive = model.remove(&(time, id)).is_some() || waiting.is_some();
                    waiting.map(|at| parked.remove(at));
                    prop_assert_eq!(queue.cancel(handle), alive.then_some(id));
                    prop_assert_eq!(queue.get(handle), None);
                }
                Act::Take(pick) if !parked.is_empty() => {
                    let (handle, id) = parked.remove(pick % parked.len());
                    prop_assert_eq!(queue.recall(handle), None);
                    prop_assert_eq!(queue.take(handle), Some(id));
                    prop_assert_eq!(queue.take(handle), None);
                }
                Act::Retime(pick, after) if !handles.is_empty() => {
                    let at = pick % handles.len();
                    let (time, id, handle) = handles[at];
                    let later = now.saturating_add(after);
                    let queued = model.remove(&(time, id)).is_some();
                    prop_assert_eq!(queue.retime(handle, Instant(later)), queued);
                    if queued {
                        model.insert((later, id), handle);
                        handles[at].0 = later;
                    }
                }
                Act::Cancel(_) | Act::Take(_) | Act::Retime(..) => {}
            }
            prop_assert_eq!(queue.len(), model.len());
            prop_assert_eq!(queue.items().count(), model.len() + parked.len());
        }
    }
}

#[test]
fn memory_follows_what_is_alive() {
    let mut queue = Queue::new();
    let mut now = Instant(0);
    for round in 0..200_000u64 {
        let near = queue.push(Instant(now.0 + 1_000_000 + round % 977), round);
        let far = queue.push(Instant(now.0 + 30_000_000_000), round);
        let soon = queue.push(now, round);
        assert!(queue.cancel(far).is_some() && queue.cancel(soon).is_some());
        if round % 2 == 0 {
            assert!(queue.cancel(near).is_some());
        } else {
            let (time, handle) = queue.pop(Instant::FAR).expect("one is pending");
            now = time;
            assert_eq!(queue.take(handle), Some(round));
        }
    }
    assert_eq!(queue.cell_count(), 3);
    assert!(queue.key_room() < 4 * 5_400, "{}", queue.key_room());
}

#[test]
fn a_burst_gives_its_memory_back() {
    let mut queue = Queue::new();
    for burst in 0..100u64 {
        for n in 0..2_000 {
            queue.push(Instant(burst * 50_000_000), n);
        }
        while let Some((_, handle)) = queue.pop(Instant::FAR) {
            assert!(queue.take(handle).is_some());
        }
    }
    assert!(queue.key_room() < 50_000, "{}", queue.key_room());
}

#[test]
fn scrambled_ties_are_a_permutation_that_spares_ordered_pushes() {
    let order = |key| {
        let mut queue = Queue::new();
        queue.scramble_ties(key);
        for n in 0..50u64 {
            queue.push(Instant(5), n);
        }
        for n in 100..150u64 {
            queue.push_in_order(Instant(5), n);
        }
        let mut seen = Vec::new();
        while let Some((_, handle)) = queue.pop(Instant::FAR) {
            seen.extend(queue.take(handle));
        }
        seen
    };
    let (plain, one, other) = (order(None), order(Some(1)), order(Some(2)));
    assert!(plain.is_sorted());
    assert!(one != plain && one != other && one == order(Some(1)));
    for seen in [one, other] {
        let ordered: Vec<u64> = seen.iter().copied().filter(|&n| n >= 100).collect();
        assert!(ordered.is_sorted());
        let mut all = seen;
        all.sort_unstable();
        assert_eq!(all, plain);
    }
}
