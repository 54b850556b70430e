//! Delta debugging: the smallest part of a list that still has what the whole list has.
//!
//! This is Zeller's `ddmin`: try parts and what is left without each of them, in ever smaller
//! parts, until no single element can be left out. Where elements depend on each other it finds a
//! list from which none can be left out alone, which is not always the shortest.

/// Shrinks a list. `first` is given lists and says which is the first of them that has it; it may
/// say none when it is tired of testing, and the list stays as it is.
pub(super) fn ddmin<T: Clone>(
    mut items: Vec<T>,
    first: &mut dyn FnMut(&[Vec<T>]) -> Option<usize>,
) -> Vec<T> {
    if items.is_empty() || first(&[Vec::new()]).is_some() {
        return Vec::new();
    }
    let mut parts = 2;
    while items.len() >= 2 {
        let chunks: Vec<Vec<T>> = split(&items, parts);
        let without = |left_out: usize| -> Vec<T> {
            let kept = chunks.iter().enumerate().filter(|(at, _)| *at != left_out);
            kept.flat_map(|(_, chunk)| chunk.clone()).collect()
        };
        let mut lists = chunks.clone();
        // Of two, what is left without the one is the other.
        if parts > 2 {
            lists.extend((0..chunks.len()).map(without));
        }
        match first(&lists) {
            Some(at) if at < chunks.len() => (items, parts) = (lists.swap_remove(at), 2),
            Some(at) => (items, parts) = (lists.swap_remove(at), (parts - 1).max(2)),
            None if parts >= items.len() => break,
            None => parts = (2 * parts).min(items.len()),
        }
        parts = parts.min(items.len().max(2));
    }
    items
}

/// So many parts, as equal as can be, in order.
fn split<T: Clone>(items: &[T], parts: usize) -> Vec<Vec<T>> {
    let end = |part: usize| items.len() * part / parts;
    (0..parts).map(|part| items[end(part)..end(part + 1)].to_vec()).collect()
}
