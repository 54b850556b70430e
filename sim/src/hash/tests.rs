use super::*;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

#[test]
fn golden_vectors_are_pinned() {
    let bytes: Vec<u8> = (0..=255).collect();
    let prints: Vec<u64> = [0, 1, 8, 63, 64, 100, 256].map(|n| fingerprint(&bytes[..n])).to_vec();
    assert_eq!(
        prints,
        [
            10735268278452430596,
            8903210404800645376,
            547578387568544987,
            12727389869171241687,
            1377955773831588358,
            12662727759730796104,
            8953836889568481131,
        ]
    );
    let mut mixer = Mixer::new();
    mixer.pair(1, 2);
    mixer.wide(3);
    assert_eq!(mixer.finish(), 121902000171596491267257996702033909539);
}

#[test]
fn every_bit_of_every_length_counts() {
    let mut seen = BTreeSet::new();
    for len in [1usize, 7, 8, 9, 31, 63, 64, 65, 96, 100, 128, 200] {
        let mut bytes = alloc::vec![0u8; len];
        assert!(seen.insert(fingerprint(&bytes)));
        for bit in 0..len * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(seen.insert(fingerprint(&bytes)), "bit {bit} of {len} bytes");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn order_counts_across_the_lanes_of_a_long_string() {
    let mut seen = BTreeSet::new();
    for word in 0..16usize {
        let mut bytes = [0u8; 128];
        bytes[word * 8] = 1;
        assert!(seen.insert(fingerprint(&bytes)));
        for other in word + 1..16 {
            let mut both = bytes;
            both[other * 8] = 1;
            assert!(seen.insert(fingerprint(&both)), "{word} {other}");
        }
    }
}

#[test]
fn a_digest_prints_as_32_digits() {
    assert_eq!(alloc::format!("{}", Digest(0xab)), "000000000000000000000000000000ab");
}
