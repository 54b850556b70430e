//! Searches for all bugs in worlds that know nothing of any of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stormglass_scenarios::bugs::canaries;
use stormglass_scenarios::bugs::search::{self, Row, Standing, Times};
use stormglass_scenarios::bugs::worlds::{Source, Worlds};
use stormglass_scenarios::campaign::Next;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::shrink::Budget;

use super::explored::{self, Exploration};
use super::folder::{Log, Manifest};
use super::page::{self, Found};
use super::prove;
use super::{BugsArgs, chosen};
use crate::cli::{Answer, Exit};
use crate::page::Paint;

/// A line of progress this often.
const EVERY: Duration = Duration::from_secs(10);

/// A part of the matrix: worlds that follow one another, and how far each search has come.
pub(super) struct Block {
    pub(super) source: Source,
    pub(super) number: u64,
    /// Its worlds are counted from here.
    pub(super) from: u64,
    /// So many are there to be.
    pub(super) worlds: u64,
    pub(super) standings: Vec<Standing>,
    /// Those in which the clean engine broke a law, with the law.
    pub(super) broken: Vec<(u64, String, String)>,
    /// Rows so far.
    done: u64,
}

impl Block {
    fn take(&mut self, row: &Row) {
        self.done = self.done.max(row.number + 1 - self.from);
        if let Some(law) = &row.broke {
            self.broken.push((row.number, row.scenario.clone(), law.clone()));
        }
    }
}

/// Fills the matrix.
///
/// # Errors
/// If there is no bug of a name, or what is there of the folder is another matrix.
pub(super) fn general(args: &BugsArgs) -> Result<Answer, Problem> {
    let bugs = chosen(&args.bugs)?;
    let (random, aimed) = (Worlds::of(Source::Random)?, Worlds::of(Source::Aimed)?);
    let names = bugs.iter().map(|bug| bug.name.to_string()).collect();
    let scenarios = random.names().map(str::to_string).collect();
    let out = args.out.as_deref();
    out.map_or(Ok(()), |path| Manifest::new(names, scenarios, args.random).begin(path))?;
    let (mut log, there) = Log::<Row, Times>::open(out, "worlds")?;
    let standings = || bugs.iter().map(|bug| Standing::new(bug)).collect::<Vec<_>>();
    let mut blocks = Vec::new();
    for number in 0..args.blocks {
        let from = number * args.random;
        let mut standings = standings();
        if number == 0 {
            standings.extend(canaries::ALL.iter().map(|canary| Standing::new(&canary.bug)));
        }
        blocks.push(Block::new(Source::Random, number, from, args.random, standings));
    }
    blocks.push(Block::new(Source::Aimed, 0, 0, args.aimed, standings()));
    let mut rows: BTreeMap<(Source, u64), Vec<(Row, Times)>> = BTreeMap::new();
    for (row, times) in there {
        rows.entry((row.source, row.block)).or_default().push((row, times));
    }
    for block in &mut blocks {
        for (row, times) in rows.remove(&(block.source, block.number)).unwrap_or_default() {
            if row.number < block.from + block.worlds {
                block.take(&row);
                block.standings.iter_mut().for_each(|standing| standing.note(&row, &times));
            }
        }
        let worlds = if block.source == Source::Aimed { &aimed } else { &random };
        fill(block, worlds, super::super::jobs(args.jobs), &mut log)?;
    }
    let mut found = Found { bugs, blocks, explorations: Vec::new(), proofs: None };
    let (mut log, there) = Log::<Exploration, u64>::open(out, "explored")?;
    found.explorations = explored::explore(&found, args.explore, &random, there, &mut log)?;
    if args.prove {
        /// Candidates of one case.
        const RUNS: u64 = 2_000;
        let budget = Budget { runs: RUNS, jobs: super::super::jobs(args.jobs) };
        found.proofs = Some(prove::prove(&found, [&random, &aimed], budget, out)?);
    }
    let _ = crate::cli::last_panic();
    let exit = if found.is_well() { Exit::Holds } else { Exit::Broken };
    let text = match args.json {
        true => super::super::json(&page::data(&found)),
        false => page::page(&found, Paint::of_stdout()),
    };
    Ok(Answer { text, exit })
}

impl Block {
    fn new(source: Source, number: u64, from: u64, worlds: u64, standings: Vec<Standing>) -> Block {
        Block { source, number, from, worlds, standings, broken: Vec::new(), done: 0 }
    }
}

/// Searches the worlds of a block that are not there yet.
fn fill(
    block: &mut Block,
    worlds: &Worlds,
    jobs: usize,
    log: &mut Log<Row, Times>,
) -> Result<(), Problem> {
    let numbers = block.from + block.done..block.from + block.worlds;
    let mut standings = std::mem::take(&mut block.standings);
    let (mut told, mut wrong) = (Instant::now(), None);
    let found = search::search(
        worlds,
        block.number,
        numbers,
        jobs,
        &mut standings,
        &cpu_time,
        |row, times, standings| {
            block.take(row);
            wrong = log.add(row, times).err();
            if told.elapsed() >= EVERY {
                told = Instant::now();
                eprintln!("{}", progress(block, standings));
            }
            if wrong.is_some() { Next::Stop } else { Next::Continue }
        },
    );
    block.standings = standings;
    eprintln!("{}", progress(block, &block.standings));
    found?;
    wrong.map_or(Ok(()), Err)
}

fn progress(block: &Block, standings: &[Standing]) -> String {
    let open = standings.iter().filter(|standing| standing.is_open());
    let open: Vec<&str> = open.map(|standing| standing.bug.name).collect();
    let few = match open.len() {
        0..=6 => format!(": {}", open.join(", ")),
        _ => String::new(),
    };
    let Block { source, number, done, worlds, .. } = block;
    let source = page::source(*source);
    format!("{source} {number}: {done} of {worlds} worlds, {} bugs are at large{few}", open.len())
}

/// The CPU time of this thread in nanoseconds; the time of day's where nobody counts that.
pub(super) fn cpu_time() -> u64 {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let counted = counted.and_then(|text| text.split_whitespace().next()?.parse().ok());
    counted.unwrap_or_else(|| BEGAN.get_or_init(Instant::now).elapsed().as_nanos() as u64)
}
