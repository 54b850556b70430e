use super::*;

#[test]
fn outages_give_a_sample_each_and_runs_one() {
    let second = 1_000_000_000;
    let facts = Facts {
        ended_ns: 1_800 * second,
        useful_ppm: 700_000,
        outages: vec![[second, 0, second, 2 * second, 0], [second; 5]],
        wrong_suspicions: 3,
        triggered: 8,
        expired: 2,
        latency: [10, second, 2 * second, 3 * second, 4 * second],
        ..Facts::default()
    };
    assert_eq!(Measure::Outage.samples(&facts), [4.0, 5.0]);
    assert_eq!(Measure::Replay.samples(&facts), [2.0, 1.0]);
    assert_eq!(Measure::Down.samples(&facts), [2.0, 3.0]);
    assert_eq!(Measure::Arrears.samples(&facts), [2.0, 2.0]);
    assert_eq!(Measure::UsefulWork.samples(&facts), [0.7]);
    assert!((Measure::Overhead.samples(&facts)[0] - 0.3).abs() < 1e-12);
    assert_eq!(Measure::FalseSuspicions.samples(&facts), [6.0]);
    assert_eq!(Measure::Expired.samples(&facts), [0.25]);
    assert_eq!(Measure::Latency99.samples(&facts), [3.0]);
    let slow =
        |expired| Facts { expired, checkpoint: [3, second, second, second], ..facts.clone() };
    assert_eq!(Measure::CheckpointDuration.samples(&slow(3)), [1.0]);
    assert!(Measure::CheckpointDuration.samples(&slow(4)).is_empty());
    // What was not there is no zero.
    for measure in [Measure::Noticed, Measure::CheckpointDuration, Measure::Replayed] {
        assert!(measure.samples(&facts).is_empty(), "{measure}");
    }
}
