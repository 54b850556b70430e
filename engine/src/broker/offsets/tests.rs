use super::*;

#[test]
fn a_file_is_read_as_it_was_written_or_not_at_all() {
    let positions: Positions = [
        ((ComponentId(0), Partition(0)), 17),
        ((ComponentId(0), Partition(3)), 0),
        ((ComponentId(2), Partition(0)), 1 << 40),
    ]
    .into();
    let file = encode(&positions);
    assert_eq!(decode(file.bytes()), Some(positions));
    assert_eq!(decode(encode(&Positions::new()).bytes()), Some(Positions::new()));
    for cut in 0..file.bytes().len() {
        assert_eq!(decode(&file.bytes()[..cut]), None);
    }
    for at in 0..file.bytes().len() {
        let mut rotten = file.bytes().to_vec();
        rotten[at] ^= 1;
        assert_eq!(decode(&rotten), None);
    }
}
