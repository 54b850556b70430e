use clap::CommandFactory;
use stormglass_scenarios::outcome::{Unjudged, Verdict};

use super::{Cli, Exit, jobs, seed, seeds, shard, until};

#[test]
fn the_arguments_fit_together() {
    Cli::command().debug_assert();
}

#[test]
fn seeds_are_read_as_people_write_them() {
    assert_eq!(seed("7"), Ok(7));
    assert_eq!(seed("0x2a"), Ok(42));
    assert!(seed("seven").unwrap_err().contains("not a seed"));
    assert_eq!(seeds("0..20"), Ok(0..20));
    assert_eq!(seeds("0x10..0x20"), Ok(16..32));
    assert!(seeds("5..5").unwrap_err().contains("no seed"));
    assert!(seeds("7").unwrap_err().contains("0..100"));
    assert!(jobs("0").is_err() && jobs("many").is_err());
}

#[test]
fn a_commit_has_seeds_of_its_own() {
    let hash = "1a2b3c4d5e6f708192a3b4c5d6e7f80912345678";
    let first = 0x1a2b3c4 << 20;
    assert_eq!(seed(&format!("commit:{hash}")), Ok(first));
    assert_eq!(seeds(&format!("commit:{hash}+100")), Ok(first..first + 100));
    assert_eq!(seeds("commit:1A2B3C4+100"), seeds(&format!("commit:{hash}+100")));
    assert!(seeds("commit:1a2b3c5+1").unwrap().start >= first + (1 << 20), "no other has them");
    assert!(seed("commit:1a2b3c").unwrap_err().contains("seven digits"));
    assert!(seed("commit:v1.2.3-rc1").unwrap_err().contains("not a commit's hash"));
    for count in ["0", "x", "1048577"] {
        assert!(seeds(&format!("commit:{hash}+{count}")).unwrap_err().contains("1 to 1048576"));
    }
}

#[test]
fn shards_are_counted_from_one() {
    let read = |text| shard(text).map(|shard| (shard.number, shard.of));
    assert_eq!(read("2/5"), Ok((2, 5)));
    assert!(read("0/5").unwrap_err().contains("from 1"));
    assert!(read("6/5").unwrap_err().contains("5/5"));
    assert!(read("1").unwrap_err().contains("2/5"));
}

#[test]
fn times_have_units() {
    let seconds = |text| until(text).map(|time| time.as_secs());
    assert_eq!([seconds("90s"), seconds("10m"), seconds("2h")], [Ok(90), Ok(600), Ok(7200)]);
    assert_eq!(seconds("10min"), Ok(600));
    assert!(seconds("10").is_err());
}

#[test]
fn a_verdict_decides_the_exit_code() {
    let codes = [
        Exit::of(&Verdict::Holds),
        Exit::of(&Verdict::Broken { violations: Vec::new() }),
        Exit::of(&Verdict::CouldNotJudge(Unjudged::vacuous())),
        Exit::Usage,
        Exit::Internal,
    ];
    assert_eq!(codes.map(Exit::code), [0, 1, 2, 64, 70]);
}
