//! What is printed can be typed again, and shows the same to the byte.

use crate::program::{BUG, FLIGHTS, Folder, broken};

fn last_line(page: &str) -> &str {
    page.lines().last().unwrap().trim().trim_start_matches("replay").trim()
}

#[test]
fn the_printed_command_reproduces_a_failure_byte_for_byte() {
    let folder = Folder::new("round_trip");
    let first = folder.run(&broken(&[]));
    assert_eq!((first.code, first.err.as_str()), (Some(1), ""), "{}", first.out);
    let command = last_line(&first.out);
    assert!(command.starts_with("cargo run --release -- replay stormglass-runs/"), "{command}");
    let again = folder.shell(command);
    assert_eq!((again.code, again.err.as_str()), (Some(1), ""));
    assert_eq!(again.out, first.out.clone() + "\nreproduced: same digest, same verdict\n");
}

#[test]
fn a_campaign_prints_a_command_that_shows_its_first_failure() {
    let folder = Folder::new("campaign_round_trip");
    let mut arguments = vec!["campaign", "flight-delays", "--seeds", "3..6", "--jobs", "2"];
    arguments.extend([&FLIGHTS[4..], &BUG].concat());
    let campaign = folder.run(&arguments);
    assert_eq!(campaign.code, Some(1), "{}{}", campaign.out, campaign.err);
    let command = last_line(campaign.out.trim_end());
    let again = folder.shell(command);
    assert_eq!(again.code, Some(1));
    assert!(again.out.ends_with("reproduced: same digest, same verdict\n"), "{}", again.out);
    let one_job: Vec<&str> = arguments.iter().map(|a| if *a == "2" { "1" } else { *a }).collect();
    assert_eq!(folder.run(&one_job).out, campaign.out, "the number of jobs shows nowhere");
}

#[test]
fn two_processes_print_the_same() {
    let folder = Folder::new("twice");
    for arguments in [broken(&["--timeline"]), broken(&["--json"])] {
        let (first, second) = (folder.run(&arguments), folder.run(&arguments));
        assert!(first.out.len() > 1_000);
        assert_eq!(first, second);
    }
}

#[test]
fn who_listens_does_not_change_the_run() {
    let folder = Folder::new("listeners");
    let (silent, told) = (folder.run(&broken(&[])), folder.run(&broken(&["--timeline"])));
    let digest = |page: &str| page.lines().find(|l| l.starts_with("digest")).unwrap().to_string();
    assert_eq!(digest(&silent.out), digest(&told.out));
}

#[test]
fn a_case_that_ends_otherwise_now_could_not_be_judged() {
    let folder = Folder::new("changed");
    folder.run(&broken(&["--case", "one.case.json"]));
    let case = folder.read("one.case.json");
    let at = case.find("\"digest\": \"").unwrap() + 11;
    let mut other = case.clone();
    other.replace_range(at..at + 32, &"0".repeat(32));
    folder.write("digest.case.json", &other);
    let ended = folder.run(&["replay", "digest.case.json"]);
    assert_eq!(ended.code, Some(2));
    let page = ended.out;
    assert!(page.contains("not reproduced") && page.contains("has changed since"), "{page}");
    assert!(page.contains(&"0".repeat(32)) && page.contains(&case[at..at + 32]), "{page}");

    folder.write("verdict.case.json", &case.replace("\"broken\"", "\"holds\""));
    let ended = folder.run(&["replay", "verdict.case.json"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.out.contains("judged differently"), "{}", ended.out);
}
