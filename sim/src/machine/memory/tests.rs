use super::*;

const ID: ArmedId = ArmedId(0);
const OTHER: ArmedId = ArmedId(1);
const NOW: Instant = Instant(5);

#[test]
fn what_is_held_is_the_latest_word_of_each_part_and_site() {
    let mut memory = Memory::default();
    for (site, part, bytes, total) in
        [(0, 0, 10, 10), (0, 1, 5, 15), (1, 0, 7, 22), (0, 0, 4, 16), (0, 1, 0, 11), (9, 9, 0, 11)]
    {
        assert_eq!(memory.reserve(NOW, site, part, bytes), Answer::Granted);
        assert_eq!(memory.total(), total);
    }
    assert_eq!(memory.held.len(), 2, "nothing is no entry");
    memory.life_ended();
    assert_eq!((memory.total(), memory.held.len()), (0, 0));
}

#[test]
fn a_refusal_meets_requests_for_more_at_its_site_only() {
    let mut memory = Memory::default();
    memory.refuse(Refusal { site: 1, left: 2, id: ID });
    assert_eq!(memory.reserve(NOW, 0, 0, 10), Answer::Granted);
    assert_eq!(memory.reserve(NOW, 1, 0, 10), Answer::Refused(ID));
    assert_eq!((memory.total(), memory.reserve(NOW, 1, 0, 0)), (10, Answer::Granted));
    memory.life_ended();
    assert_eq!(memory.reserve(NOW, 1, 3, 1), Answer::Refused(ID), "in the next life, too");
    assert_eq!(memory.reserve(NOW, 1, 3, 1), Answer::Granted, "it was the last");
    memory.refuse(Refusal { site: 1, left: 1, id: OTHER });
    assert_eq!(memory.reserve(NOW, 1, 3, 1), Answer::Granted, "as much as before");
    assert_eq!(memory.reserve(NOW, 1, 3, 2), Answer::Refused(OTHER));
}

#[test]
fn the_tightest_limit_of_its_time_is_fatal_to_who_wants_more() {
    let mut memory = Memory::default();
    assert_eq!(memory.reserve(NOW, 0, 0, 100), Answer::Granted);
    memory.limit(NOW, Limit { bytes: 100, until: Instant(10), id: ID });
    assert_eq!(memory.exceeded(NOW), None, "as much as the limit is not too much");
    memory.limit(NOW, Limit { bytes: 50, until: Instant(8), id: OTHER });
    assert_eq!(memory.exceeded(NOW), Some(OTHER));
    assert_eq!(memory.reserve(NOW, 0, 0, 99), Answer::Granted, "who gives back lives");
    assert_eq!(memory.reserve(NOW, 0, 1, 1), Answer::Fatal(OTHER));
    memory.life_ended();
    assert_eq!(memory.reserve(Instant(8), 0, 0, 101), Answer::Fatal(ID));
    memory.life_ended();
    assert_eq!(memory.reserve(Instant(10), 0, 0, 101), Answer::Granted);
}
