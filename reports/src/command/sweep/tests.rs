use stormglass_scenarios::campaign::Shard;

use super::*;
use crate::command::folder::Manifest as _;

fn args(words: &[&str]) -> SweepArgs {
    use clap::Parser;
    let words = ["stormglass", "sweep"].iter().chain(words);
    match cli::Cli::try_parse_from(words).unwrap().command {
        cli::Command::Sweep(args) => args,
        _ => unreachable!(),
    }
}
fn manifest(words: &[&str]) -> Manifest {
    Manifest::new(&asked(&args(words)).unwrap(), Shard::WHOLE).unwrap()
}

const TINY: [&str; 7] = [
    "interval",
    "--vary",
    "checkpoint.interval=5s,10s",
    "--set",
    "input.words.count=400",
    "--seeds",
    "2",
];

#[test]
fn the_command_asks_for_the_same_again() {
    assert_eq!(
        manifest(&TINY).command,
        "stormglass sweep interval --vary checkpoint.interval=5s,10s --measure outage \
         --set input.words.count=400 --seeds 0..2"
    );
    assert_eq!(
        manifest(&["--figure", "work-by-interval", "--set", "cluster.cores=2"]).command,
        "stormglass sweep --figure work-by-interval --set cluster.cores=2 --seeds 0..10"
    );
    for words in [&TINY[..], &["--figure", "recovery-by-interval", "--seeds", "3..5"]] {
        let first = manifest(words);
        let again: Vec<&str> = first.command.split(' ').skip(2).collect();
        assert_eq!(manifest(&again), first);
    }
}

#[test]
fn what_differs_is_told() {
    let ours = manifest(&TINY);
    assert_eq!(ours.differs_at_all(&manifest(&TINY)), None);
    let other = |change: fn(&mut Vec<&str>)| {
        let mut words = TINY.to_vec();
        change(&mut words);
        ours.differs_at_all(&manifest(&words)).unwrap_or_default()
    };
    assert_eq!(other(|words| words[6] = "3"), "its seeds are 0..2, not 0..3");
    assert_eq!(
        other(|words| words[2] = "checkpoint.interval=5s,9s"),
        "it varies checkpoint.interval=5s,10s, not checkpoint.interval=5s,9s"
    );
    assert_eq!(
        other(|words| words[4] = "input.words.count=500"),
        "it sets input.words.count=400, not input.words.count=500"
    );
    // How it is drawn makes no other rows.
    assert_eq!(other(|words| words.extend(["--measure", "useful-work"])), "");
}

/// A tiny sweep: the files are the same however many threads there were, and its columns stay.
#[test]
fn the_same_sweep_gives_the_same_bytes() {
    let args = args(&TINY);
    let asked = asked(&args).unwrap();
    let manifest = Manifest::new(&asked, Shard::WHOLE).unwrap();
    let sweep = Sweep::new(&asked.scenario, asked.grid.clone(), asked.seeds.clone()).unwrap();
    let files = |jobs: usize| {
        let mut rows = Vec::new();
        let load = |name: &str| asked.files.load(name);
        let each = |row| {
            rows.push(row);
            Next::Continue
        };
        sweep.run(&Registry::default(), &load, jobs, &|_| true, each).unwrap();
        show::files(&manifest, &asked.scenario, &swept(&asked.grid, rows)).files
    };
    let one = files(1);
    assert_eq!(one, files(3));
    let text = |name: &str| {
        let (_, bytes) = one.iter().find(|(of, _)| *of == name).unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    };
    let header = |name: &str| text(name).lines().next().unwrap().replace(',', "\n");
    insta::assert_snapshot!("columns_of_runs", header("runs.csv"));
    insta::assert_snapshot!("columns_of_points", header("points.csv"));
    assert_eq!(text("runs.csv").lines().count(), 1 + 4);
    let page = text("index.html");
    assert!(page.contains("<svg ") && page.contains(&manifest.command));
    // It needs nothing else: no script, no style sheet, no picture.
    for outside in ["<script", "<link", "<img", "src=", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}
