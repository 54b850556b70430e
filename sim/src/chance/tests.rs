use super::*;

#[test]
fn golden_draws_are_pinned() {
    let link = Chance::new(0x5106_61a5).draws(Purpose::Link, 7);
    let first: [u64; 3] = [link.word(0, 0), link.word(1, 0), link.word(0, 1)];
    assert_eq!(first, [226586626974384511, 6648753391544953214, 5444888679040356945]);
}

#[test]
fn a_draw_depends_on_every_part_of_its_name() {
    let root = Chance::new(1);
    let base = root.draws(Purpose::Link, 7).word(0, 0);
    assert_eq!(base, Chance::new(1).draws(Purpose::Link, 7).word(0, 0));
    assert_ne!(base, Chance::new(2).draws(Purpose::Link, 7).word(0, 0));
    assert_ne!(base, root.forked(0).draws(Purpose::Link, 7).word(0, 0));
    assert_ne!(base, root.draws(Purpose::Disk, 7).word(0, 0));
    assert_ne!(base, root.draws(Purpose::Link, 8).word(0, 0));
    assert_ne!(base, root.draws(Purpose::Link, 7).word(1, 0));
    assert_ne!(base, root.draws(Purpose::Link, 7).word(0, 1));
    assert_ne!(root.forked(1), root.forked(2));
    assert_ne!(root.forked(1).forked(2), root.forked(2).forked(1));
}

#[test]
fn draws_fill_their_range_evenly() {
    let draws = Chance::new(3).draws(Purpose::Process, 1);
    let mut counts = [0u32; 10];
    for n in 0..100_000 {
        counts[draws.below(n, 0, 10) as usize] += 1;
    }
    assert!(counts.iter().all(|&c| (9_600..10_400).contains(&c)), "{counts:?}");
    let hits = (0..100_000).filter(|&n| draws.ppm(n, 1, 250_000)).count();
    assert!((24_400..25_600).contains(&hits), "{hits}");
    assert!((0..1_000).all(|n| !draws.ppm(n, 2, 0) && draws.ppm(n, 2, 1_000_000)));
}
