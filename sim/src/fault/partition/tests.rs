use super::*;
use alloc::collections::BTreeSet;

fn machines(count: u16) -> Vec<MachineId> {
    (0..count).map(MachineId).collect()
}

/// Whom each machine hears, itself included.
fn hears(count: u16, cut: &Links) -> Vec<BTreeSet<MachineId>> {
    let all = machines(count);
    all.iter()
        .map(|to| all.iter().filter(|from| !cut.covers(**from, *to)).copied().collect())
        .collect()
}

#[test]
fn each_on_the_ring_hears_a_majority_and_no_two_the_same() {
    for count in 3..12 {
        let seen = hears(count, &majorities_ring(&machines(count)));
        for (at, heard) in seen.iter().enumerate() {
            assert_eq!(heard.len(), usize::from(count) / 2 + 1, "{count} machines, number {at}");
            assert!(heard.contains(&MachineId(at as u16)));
        }
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), usize::from(count));
    }
    for count in 0..3 {
        assert_eq!(majorities_ring(&machines(count)), Links::Pairs(Vec::new()));
    }
    let five = majorities_ring(&machines(5)).pairs(5);
    assert!(five.iter().all(|(from, to)| five.contains(&(*to, *from))), "sight is mutual");
}

#[test]
fn a_minority_is_as_large_as_it_can_be() {
    for (count, few) in [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (6, 2), (7, 3)] {
        let seen = hears(count, &minority(&machines(count)));
        let small = seen.iter().filter(|heard| heard.len() * 2 <= usize::from(count)).count();
        assert_eq!(small, few, "{count} machines");
    }
}

#[test]
fn a_bridge_sees_both_sides_and_they_do_not_see_each_other() {
    let all = machines(5);
    let cut = bridge(&all[..3], MachineId(2), &all[2..]);
    let sizes: Vec<usize> = hears(5, &cut).iter().map(BTreeSet::len).collect();
    assert_eq!(sizes, [3, 3, 5, 3, 3]);
}

#[test]
fn one_way_is_one_way_and_nobody_is_cut_off_from_himself() {
    let all = machines(3);
    assert_eq!(one_way(&all[..1], &all).pairs(3).len(), 2);
    assert_eq!(symmetric(&all[..1], &all), isolate(MachineId(0), &all));
    assert_eq!(isolate(MachineId(0), &all).pairs(3).len(), 4);
}

#[test]
fn links_are_the_same_listed_and_asked_for() {
    let one = MachineId(1);
    let some = Links::Pairs(Vec::from([(one, one), (one, MachineId(3)), (one, MachineId(3))]));
    let kinds = [Links::All, Links::From(one), Links::To(one), Links::Of(one), some];
    let counts = kinds.each_ref().map(|links| {
        let pairs = links.pairs(4);
        for from in machines(4) {
            for to in machines(4) {
                assert_eq!(links.covers(from, to), pairs.contains(&(from, to)), "{links:?}");
            }
            assert_eq!(links.leave(from), pairs.iter().any(|p| p.0 == from), "{links:?} {from}");
        }
        pairs.len()
    });
    assert_eq!(counts, [12, 3, 3, 6, 1]);
}
