//! Storm's two schedulers, after `EvenScheduler` and `DefaultScheduler`.

use alloc::vec::Vec;

use stormglass_sim::node::NodeId;

use super::{Request, counts, integer_divided, interleaved};

/// What is alive stays; the other executors, by their first task, go in turn to as many free slots
/// as workers are missing.
///
/// More slots alive than workers wanted is nothing that Storm gets to (it rebalances from scratch):
/// then nothing stays. Where no slot may be added, executors go round those in use.
pub(super) fn even(request: &Request<'_>, mut alive: Vec<Option<NodeId>>) -> Vec<NodeId> {
    let workers = request.workers();
    let mut used: Vec<NodeId> = counts(&alive).into_keys().collect();
    if used.len() > workers {
        alive.fill(None);
        used.clear();
    }
    let free: Vec<NodeId> =
        request.slots.iter().filter(|slot| !used.contains(slot)).copied().collect();
    let mut open = interleaved(&free);
    open.truncate(workers - used.len());
    if open.is_empty() {
        open = interleaved(&used);
    }
    let mut open = open.iter().cycle();
    let mut place = |slot: Option<NodeId>| slot.or_else(|| open.next().copied());
    alive.into_iter().map(|slot| place(slot).expect("a worker at least")).collect()
}

/// If executors are dead or the number of workers is another, slots stay whose number of executors
/// occurs in an even division; all other slots are freed. Then as [`even`].
///
/// Storm looks at the slots in the order of a hash map; here it is that of their addresses. Storm
/// does not look at all when there are too many workers; see [`even`].
pub(super) fn default(request: &Request<'_>) -> Vec<NodeId> {
    let mut alive = request.alive();
    let (used, workers) = (counts(&alive), request.workers());
    let dead = alive.iter().any(Option::is_none);
    if dead || used.len() != workers {
        let (size, larger) = integer_divided(request.executors.len(), workers);
        let mut fitting = [(size, workers - larger), (size + 1, larger)];
        for (slot, count) in used {
            let fits = fitting.iter_mut().find(|(size, left)| *size == count && *left > 0);
            match fits {
                Some((_, left)) => *left -= 1,
                None => alive.iter_mut().filter(|at| **at == Some(slot)).for_each(|at| *at = None),
            }
        }
    }
    even(request, alive)
}
