//! Replicas in a random storm: lost, doubled and overtaken messages, slow disks, crashes, changes
//! of membership, snapshots. Whatever happens, the safety properties of figure 3.2 hold; and when
//! it is calm again, the replicas agree and go on.

use std::collections::BTreeMap;

use stormglass_engine::raft::{ClockBound, Entry, Index, Output, Point, ReplicaId, Role, Term};
use stormglass_sim::hash::Mixer;
use stormglass_sim::time::Span;

use super::lab::{Lab, Told};

/// Chance.
struct Dice(u64, u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        let mut mixer = Mixer::new();
        mixer.pair(self.0, self.1);
        self.1 += 1;
        mixer.finish64() % sides
    }
}

/// What has been seen so far, and must never be contradicted.
#[derive(Default)]
struct Laws {
    leaders: BTreeMap<Term, u16>,
    applied: BTreeMap<Index, Entry>,
    /// For each read that waits, what was committed anywhere when it began.
    reads: BTreeMap<u64, Index>,
    reads_served: u64,
    committed: Index,
}

impl Laws {
    fn look(&mut self, lab: &mut Lab) {
        for told in std::mem::take(&mut lab.told) {
            let Told::Did(id, output) = told else { continue };
            match output {
                Output::Point(Point::Elected { term }) => {
                    let first = *self.leaders.entry(term).or_insert(id);
                    assert_eq!(first, id, "election safety: two leaders in {term:?}");
                }
                Output::Point(Point::Committed { index, .. }) => {
                    self.committed = self.committed.max(index);
                }
                Output::Apply(entry) => {
                    let first = self.applied.entry(entry.index).or_insert_with(|| entry.clone());
                    assert_eq!(*first, entry, "state machine safety");
                }
                Output::ReadReady { request, index } => {
                    let began = self.reads.remove(&request).expect("it was asked for once");
                    assert!(index >= began, "read {request} sees {index:?} of {began:?}");
                    self.reads_served += 1;
                }
                Output::ReadLost { request } => _ = self.reads.remove(&request),
                _ => {}
            }
        }
    }
}

fn act(lab: &mut Lab, laws: &mut Laws, dice: &mut Dice, step: u64) {
    let id = u16::try_from(dice.below(5)).expect("small");
    match dice.below(100) {
        0..55 if !lab.net.is_empty() => {
            let among = (lab.net.len() as u64).min(6);
            let at = dice.below(among) as usize;
            match dice.below(20) {
                0 => _ = lab.net.remove(at),
                1 => {
                    let again = lab.net[at].clone();
                    lab.net.push(again);
                }
                _ => lab.deliver(at),
            }
        }
        0..70 => {
            lab.now += Span::micros(dice.below(4_000));
            let due = |lab: &Lab, id: &u16| lab.runs(*id) && lab.raft(*id).deadline() <= lab.now;
            let ids: Vec<u16> = lab.seats.keys().copied().filter(|id| due(lab, id)).collect();
            ids.into_iter().for_each(|id| lab.time_out(id));
        }
        70..80 => _ = lab.propose(id, &format!("{step} ")),
        80..84 => {
            lab.persist(id, 1 + dice.below(3) as usize);
        }
        84 if dice.below(2) == 0 => lab.seats.get_mut(&id).expect("a seat").slow ^= true,
        86 if lab.runs(id) && dice.below(6) == 0 => lab.crash(id),
        86..91 if !lab.runs(id) => lab.start(id),
        91..94 => {
            let began = laws.committed;
            let asked = lab.call(id, |raft, now, out| raft.read(step, now, out));
            if asked.is_some_and(|asked| asked.is_ok()) {
                laws.reads.insert(step, began);
            }
        }
        94 => lab.compact(id),
        95 => {
            let to = ReplicaId(u16::try_from(dice.below(5)).expect("small"));
            lab.call(id, |raft, now, out| raft.transfer(to, now, out));
        }
        96 => {
            let mask = 1 + dice.below(31);
            let (voters, others): (Vec<u16>, Vec<u16>) = (0..5).partition(|id| mask >> id & 1 == 1);
            let learners = others.into_iter().filter(|_| dice.below(2) == 0).map(ReplicaId);
            let learners: Vec<ReplicaId> = learners.collect();
            let voters: Vec<ReplicaId> = voters.into_iter().map(ReplicaId).collect();
            lab.call(id, |raft, now, out| raft.change_membership(voters, learners, now, out));
        }
        97 => {
            let to = u16::try_from(dice.below(5)).expect("small");
            lab.cut.push((id, to));
        }
        98 => lab.cut.clear(),
        _ => {}
    }
    laws.look(lab);
}

/// Everybody is back, nothing is lost: within some time they agree and something new is committed.
fn calm(lab: &mut Lab, laws: &mut Laws) {
    lab.cut.clear();
    for id in 0..5 {
        lab.seats.get_mut(&id).expect("a seat").slow = false;
        if !lab.runs(id) {
            lab.start(id);
        }
        lab.persist(id, usize::MAX);
    }
    for step in 0..400 {
        lab.settle();
        let next = (0..5).min_by_key(|id| lab.raft(*id).deadline()).expect("five");
        lab.time_out(next);
        lab.settle();
        laws.look(lab);
        let leader = (0..5).find(|id| lab.raft(*id).may_lead());
        let Some(leader) = leader.filter(|_| step > 50) else { continue };
        let members = lab.raft(leader).membership().replicas();
        if lab.propose(leader, "calm ") {
            lab.settle();
            laws.look(lab);
            let last = lab.raft(leader).last_index();
            let same = |id: &ReplicaId| lab.raft(id.0).applied() == last;
            if members.iter().all(same) && lab.raft(leader).role() == Role::Leader {
                let machine = &lab.seats[&leader].machine;
                assert!(members.iter().all(|id| lab.seats[&id.0].machine == *machine));
                return;
            }
        }
    }
    for id in 0..5 {
        let raft = lab.raft(id);
        eprintln!("{id}: {:?} {:?} {:?}", raft.role(), raft.term(), raft.membership());
    }
    panic!("it does not come to rest");
}

fn storm(seed: u64, steps: u64) -> Laws {
    let mut dice = Dice(seed, 0);
    let mut lab = Lab::new(&[0, 1, 2]);
    if seed % 2 == 0 {
        lab.settings.lease = Some(ClockBound { drift_ppm: 100 });
    }
    (0..5).for_each(|id| lab.start(id));
    let mut laws = Laws::default();
    (0..steps).for_each(|step| act(&mut lab, &mut laws, &mut dice, step));
    calm(&mut lab, &mut laws);
    laws
}

#[test]
fn the_safety_properties_hold_in_a_storm() {
    let (mut leaders, mut applied, mut reads) = (0, 0, 0);
    for seed in 0..60 {
        let laws = storm(seed, 3_000);
        leaders += laws.leaders.len();
        applied += laws.applied.len();
        reads += laws.reads_served;
    }
    assert!(leaders > 200 && applied > 1_000 && reads > 200, "{leaders} {applied} {reads}");
}
