use super::*;

fn net() -> (Net, Chance) {
    (Net::new(NetworkSpec::uniform(Span(10), Span(20))), Chance::new(1))
}

#[test]
fn links_are_made_when_used_and_found_again() {
    let (mut net, chance) = net();
    for from in 0..40u16 {
        for to in (0..40u16).filter(|to| *to != from) {
            let id = net.link(MachineId(from), MachineId(to), &chance);
            assert_eq!(id as usize, net.links.len() - 1);
        }
    }
    for (id, link) in net.links.clone().iter().enumerate() {
        assert_eq!(net.link(link.from, link.to, &chance) as usize, id);
    }
    assert_eq!(net.links.len(), 40 * 39);
}

#[test]
fn a_draw_does_not_depend_on_other_links_nor_on_what_else_is_drawn() {
    let (mut net, chance) = net();
    let (a, b, c) = (MachineId(0), MachineId(1), MachineId(2));
    let link = net.link(a, b, &chance);
    let alone: Vec<Flight> = (0..50).map(|_| net.datagram(link)).collect();
    let mut lossy = Net::new(NetworkSpec { loss_ppm: 500_000, ..net.spec.clone() });
    let other = lossy.link(a, c, &chance);
    let link = lossy.link(a, b, &chance);
    let mut lost = 0;
    for flight in alone {
        lossy.datagram(other);
        let now = lossy.datagram(link);
        lost += u32::from(now.first.is_none());
        assert!(now.first.is_none() || now == flight);
    }
    assert!((10..40).contains(&lost), "{lost}");
}

#[test]
fn latencies_fill_their_closed_range() {
    let (mut net, chance) = net();
    let link = net.link(MachineId(0), MachineId(1), &chance);
    let mut seen = [0; 32];
    for _ in 0..10_000 {
        seen[net.datagram(link).first.expect("nothing is lost").0 as usize] += 1;
    }
    assert!(seen[..10].iter().chain(&seen[21..]).all(|&n| n == 0));
    assert!(seen[10..=20].iter().all(|&n| n > 700), "{seen:?}");
}

#[test]
fn a_packet_has_met_every_cut_that_healed_after_it_left() {
    let (mut net, chance) = net();
    let link = net.link(MachineId(0), MachineId(1), &chance);
    let other = net.link(MachineId(1), MachineId(0), &chance);
    assert!(!net.met_cut(link, Instant(5)));
    net.cut(link);
    net.cut(link);
    assert!(net.met_cut(link, Instant(5)) && !net.met_cut(other, Instant(5)));
    assert!(!net.heal(link, Instant(10)) && net.is_cut(link));
    assert!(net.heal(link, Instant(20)) && !net.is_cut(link));
    assert!(net.met_cut(link, Instant(19)) && !net.met_cut(link, Instant(20)));
    assert!(!net.met_cut(other, Instant(19)));
}
