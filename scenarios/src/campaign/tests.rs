use super::{Shard, first};

#[test]
fn each_seed_is_in_one_shard_whatever_the_range() {
    for of in 1..=5 {
        for range in [0..0, 0..1, 0..17, 3..20, 19..23, u64::MAX - 7..u64::MAX] {
            let shards = (1..=of).map(|number| Shard { number, of });
            for shard in shards.clone() {
                let has = range.clone().filter(|seed| shard.has(*seed)).count();
                assert_eq!(shard.count(&range), has as u64, "{shard:?} of {range:?}");
            }
            for seed in range {
                assert_eq!(shards.clone().filter(|shard| shard.has(seed)).count(), 1);
            }
        }
    }
}

#[test]
fn the_first_one_is_the_same_however_many_are_tested_at_a_time() {
    for jobs in [1, 2, 5] {
        assert_eq!(first(0, jobs, &|_| true), None);
        assert_eq!(first(40, jobs, &|_| false), None);
        for least in [0, 1, 7, 39] {
            assert_eq!(first(40, jobs, &|at| at >= least && at % 3 == least % 3), Some(least));
        }
    }
}
