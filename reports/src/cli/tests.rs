use clap::CommandFactory;
use stormglass_scenarios::outcome::{Unjudged, Verdict};

use super::{Cli, Exit, jobs, seed, seeds};

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
