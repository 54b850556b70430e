//! What looks wrong is believed when it was read alike often enough, and not before.

use super::*;

#[test]
fn what_is_read_alike_often_enough_is_there() {
    let (data, mut before) = (Payload::new([1, 2, 3]), None);
    for _ in 1..ALIKE {
        let Look::Again(misread) = Misread::look(before, &data) else { panic!("it is too early") };
        assert!(misread.is(&data));
        before = Some(misread);
    }
    assert_eq!(Misread::look(before, &data), Look::Sure);
}

#[test]
fn what_changes_is_not_believed() {
    let Look::Again(before) = Misread::look(None, &Payload::new([1])) else { panic!("once") };
    assert_eq!(Misread::look(Some(before), &Payload::new([2])), Look::Differs);
}
