use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

fn ids(numbers: &[u16]) -> Vec<ReplicaId> {
    numbers.iter().map(|number| ReplicaId(*number)).collect()
}

fn joint(voters: &[u16], outgoing: &[u16]) -> Membership {
    Membership { outgoing: ids(outgoing), ..Membership::new(ids(voters), vec![]) }
}

#[test]
fn a_quorum_is_more_than_half() {
    let sizes: Vec<usize> = (1..=8).map(majority).collect();
    assert_eq!(sizes, [1, 2, 2, 3, 3, 4, 4, 5]);
    let planted: Vec<usize> = (1..=8).map(half).collect();
    assert_eq!(planted, [1, 1, 2, 2, 3, 3, 4, 4], "wrong for even numbers alone");
}

#[test]
fn a_joint_quorum_is_one_of_each_half() {
    let matched = |id: ReplicaId| [9, 7, 5, 3, 1][usize::from(id.0)];
    let agreed =
        |voters: &[u16], outgoing: &[u16]| joint(voters, outgoing).agreed(matched, majority);
    assert_eq!(agreed(&[0, 1, 2], &[]), Some(7));
    assert_eq!(agreed(&[0, 1, 2, 3], &[]), Some(5));
    assert_eq!(agreed(&[0, 1, 2], &[2, 3, 4]), Some(3));
    assert_eq!(agreed(&[4], &[0, 1]), Some(1));
    assert_eq!(agreed(&[], &[]), None, "where nobody votes, nothing is agreed");
}

#[test]
fn everybody_counts_once() {
    let mixed =
        Membership { outgoing: ids(&[0, 1]), ..Membership::new(ids(&[2, 1, 2]), ids(&[0])) };
    assert_eq!(mixed.voters, ids(&[1, 2]));
    assert_eq!(mixed.replicas(), ids(&[0, 1, 2]));
    assert!(mixed.is_joint() && mixed.votes(ReplicaId(0)) && !mixed.contains(ReplicaId(3)));
}

#[test]
fn memberships_come_back_when_later_ones_are_cut_off() {
    let mut all = Memberships::new(Index(2), joint(&[0], &[]));
    for (index, voters) in [(5, &[1][..]), (6, &[2]), (9, &[3])] {
        all.push(Index(index), Arc::new(joint(voters, &[])));
    }
    let at = |all: &Memberships, index| all.at(Index(index)).1.voters[0].0;
    assert_eq!([2, 4, 5, 8, 9, 99].map(|index| at(&all, index)), [0, 0, 1, 2, 3, 3]);
    assert!(all.may_vote(ReplicaId(2), Index(7)), "that of 6 is settled at 7");
    assert!(!all.may_vote(ReplicaId(1), Index(7)), "that of 5 is over");
    assert!(!all.truncate(Index(10)));
    assert!(all.truncate(Index(6)));
    assert_eq!(all.newest().0, Index(5));
    all.compact(Index(5));
    assert!(!all.truncate(Index(5)), "what a snapshot holds stays");
    assert_eq!(all.newest().0, Index(5));
}

proptest! {
    /// Any two quorums share a voter: of one membership, and of a joint one with either half.
    #[test]
    fn any_two_quorums_share_a_voter(voters in 1u16..128, outgoing in 0u16..128, a: u16, b: u16) {
        let some = |mask: u16| -> Vec<u16> { (0..7).filter(|id| mask >> id & 1 == 1).collect() };
        let both = joint(&some(voters), &some(outgoing));
        let one = joint(&some(voters), &[]);
        let decides = |who: &Membership, mask: u16| {
            who.agreed(|id| mask >> id.0 & 1 == 1, majority) == Some(true)
        };
        if decides(&both, a) && decides(&one, b) {
            prop_assert!(a & b & voters != 0);
        }
        if decides(&both, a) && decides(&both, b) && outgoing != 0 {
            prop_assert!(a & b & outgoing != 0);
        }
    }

    /// The sorted way finds what counting finds.
    #[test]
    fn agreed_is_what_most_have_reached(values in proptest::collection::vec(0u64..9, 1..8)) {
        let all: Vec<u16> = (0..values.len() as u16).collect();
        let of = |id: ReplicaId| values[usize::from(id.0)];
        let agreed = joint(&all, &[]).agreed(of, majority).expect("somebody votes");
        let reached = |bar: u64| 2 * values.iter().filter(|value| **value >= bar).count();
        prop_assert!(reached(agreed) > values.len());
        prop_assert!(reached(agreed + 1) <= values.len());
    }
}
