//! The matrix on a page, and for programs.

use serde::Serialize;
use stormglass_scenarios::bugs::canaries::{self, Canary, Due};
use stormglass_scenarios::bugs::search::{Catch, Standing};
use stormglass_scenarios::bugs::worlds::Source;
use stormglass_scenarios::bugs::{Bug, Plant};

use super::directed::expected;
use super::explored::Exploration;
use super::general::Block;
use super::prove::{self, Proof};
use crate::page::{Paint, Side, Style, Table, labelled};
use crate::shell;
use crate::words::plural;

/// Everything that was found.
pub(super) struct Found {
    pub(super) bugs: Vec<&'static Bug>,
    pub(super) blocks: Vec<Block>,
    pub(super) explorations: Vec<(Exploration, u64)>,
    /// None if nobody asked for them.
    pub(super) proofs: Option<Vec<Proof>>,
}

/// What the blocks of one source say of one bug.
#[derive(Serialize)]
struct Cell {
    end: Due,
    /// In how many of the starting points it was caught.
    caught: usize,
    of: usize,
    /// Worlds until then, from each starting point; none where it was not.
    worlds: Vec<Option<u64>>,
    median: Option<u64>,
    worst: Option<u64>,
    /// Worlds in which it could have acted, of all that were run.
    reached: u64,
    /// Kernel events until it was caught or given up, from each starting point.
    events: Vec<u64>,
    /// The law that noticed most often.
    by: Option<String>,
    /// The law that noticed without being due, if one did.
    other: Option<String>,
    /// How to see it.
    command: Option<String>,
    sentence: Option<String>,
    /// In seconds, in the median block. Never compared.
    #[serde(skip)]
    cpu: f64,
}

impl Found {
    fn cell(&self, source: Source, bug: &Bug) -> Option<Cell> {
        let blocks = self.blocks.iter().filter(|block| block.source == source && block.worlds > 0);
        let of_it = |block: &'_ Block| {
            let found = block.standings.iter().find(|standing| standing.bug.name == bug.name);
            found.cloned()
        };
        let all: Vec<Standing> = blocks.filter_map(of_it).collect();
        let worlds: Vec<Option<u64>> =
            all.iter().map(|s| s.caught.as_ref().map(|catch| catch.worlds)).collect();
        let caught: Vec<&Catch> = all.iter().filter_map(|s| s.caught.as_ref()).collect();
        let others: Vec<&Catch> = all.iter().filter_map(|s| s.other.as_ref()).collect();
        let ends = all.iter().map(Standing::end);
        let shown = caught.first().or(others.first());
        // None comes after all numbers.
        let mut sorted = worlds.clone();
        sorted.sort_by_key(|worlds| worlds.unwrap_or(u64::MAX));
        let mut cpu: Vec<u64> = all.iter().map(|standing| standing.cpu).collect();
        cpu.sort_unstable();
        Some(Cell {
            end: ends.min_by_key(|end| *end as u8)?,
            caught: caught.len(),
            of: all.len(),
            median: sorted[sorted.len() / 2],
            worst: *sorted.last()?,
            worlds,
            reached: all.iter().map(|standing| standing.reached).sum(),
            events: all.iter().map(|standing| standing.events).collect(),
            by: most_frequent(caught.iter().map(|catch| catch.law.as_str())),
            other: most_frequent(others.iter().map(|catch| catch.law.as_str())),
            command: shown.map(|catch| command(bug, catch)),
            sentence: shown.map(|catch| catch.sentence.clone()),
            cpu: cpu[cpu.len() / 2] as f64 / 1e9,
        })
    }

    /// Kernel events that random seeds needed for a bug in the median block; none if they did not
    /// find it there.
    pub(super) fn cost(&self, bug: &Bug) -> Option<u64> {
        let mut cell = self.cell(Source::Random, bug)?;
        cell.median?;
        cell.events.sort_unstable();
        Some(cell.events[cell.events.len() / 2])
    }

    /// What exploration from all its starting points came to: how many found it, and the median of
    /// the kernel events as a share of what random seeds needed, in percent.
    fn explored(&self, bug: &Bug) -> Option<(usize, usize, u64, f64)> {
        let rows = self.explorations.iter().filter(|(row, _)| row.bug == bug.name);
        // What was not found may have been far away.
        let mut events: Vec<u64> = rows
            .clone()
            .map(|(row, _)| if row.found.is_some() { row.events } else { u64::MAX })
            .collect();
        events.sort_unstable();
        let (median, cost) = (*events.get(events.len() / 2)?, self.cost(bug)?);
        let found = events.iter().filter(|events| **events < u64::MAX).count();
        let percent = if median == u64::MAX { u64::MAX } else { median * 100 / cost.max(1) };
        let mut cpu: Vec<u64> = rows.map(|(_, took)| *took).collect();
        cpu.sort_unstable();
        Some((found, events.len(), percent, cpu[cpu.len() / 2] as f64 / 1e9))
    }

    /// Whether every bug was caught or is harmless, every canary came out as it must, and the clean
    /// engine broke no law.
    pub(super) fn is_well(&self) -> bool {
        let well = |bug: &&Bug| {
            let ends: Vec<Due> = [Source::Random, Source::Aimed]
                .iter()
                .filter_map(|source| Some(self.cell(*source, bug)?.end))
                .collect();
            match bug.harmless {
                Some(_) => ends.iter().all(|end| matches!(end, Due::Missed | Due::NotReached)),
                None => ends.contains(&Due::Caught),
            }
        };
        self.bugs.iter().all(well)
            && self.proofs.iter().flatten().all(Proof::is_well)
            && self.blocks.iter().all(|block| block.broken.is_empty())
            && canaries::ALL.iter().all(|canary| self.is_as_it_must(canary))
    }

    /// A canary that was not looked at is none.
    fn is_as_it_must(&self, canary: &Canary) -> bool {
        self.cell(Source::Random, &canary.bug).is_some_and(|cell| cell.end == canary.due)
    }
}

fn most_frequent<'a>(all: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    let times = |law: &str| all.clone().filter(|other| *other == law).count();
    // Of equally frequent ones the first.
    let mut best: Option<&str> = None;
    for law in all.clone() {
        best = if best.is_none_or(|best| times(law) > times(best)) { Some(law) } else { best };
    }
    best.map(str::to_string)
}

/// The command that shows a catch.
fn command(bug: &Bug, catch: &Catch) -> String {
    let Plant::Twist(twist) = bug.plant else { return String::new() };
    let seed = catch.number.to_string();
    let name = stormglass_sim::node::Name::name(twist);
    let words = ["run", &catch.scenario, "--seed", &seed, "--bug", name];
    shell::command(&words.map(str::to_string))
}

/// A source of worlds, for people.
pub(super) fn source(source: Source) -> &'static str {
    match source {
        Source::Random => "random",
        Source::Aimed => "aimed",
    }
}

/// The matrix for programs: nothing in it depends on the machine.
#[derive(Serialize)]
pub(super) struct Data {
    bugs: Vec<Line>,
    /// Worlds in which the clean engine broke a law: number, scenario, law.
    clean_engine_broken: Vec<(u64, String, String)>,
    canaries: Vec<(&'static str, bool)>,
}

#[derive(Serialize)]
struct Line {
    bug: &'static str,
    due: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    harmless: Option<&'static str>,
    random: Option<Cell>,
    aimed: Option<Cell>,
}

/// See [`Data`].
pub(super) fn data(found: &Found) -> Data {
    let line = |bug: &&'static Bug| Line {
        bug: bug.name,
        due: expected(bug),
        harmless: bug.harmless,
        random: found.cell(Source::Random, bug),
        aimed: found.cell(Source::Aimed, bug),
    };
    let canary = |canary: &Canary| (canary.bug.name, found.is_as_it_must(canary));
    Data {
        bugs: found.bugs.iter().map(line).collect(),
        clean_engine_broken: found.blocks.iter().flat_map(|b| b.broken.clone()).collect(),
        canaries: canaries::ALL.iter().map(canary).collect(),
    }
}

/// The matrix as a page.
pub(super) fn page(found: &Found, paint: Paint) -> String {
    let mut table = Table::new(&[
        ("planted bug", Side::Left),
        ("caught by", Side::Left),
        ("median", Side::Right),
        ("worst", Side::Right),
        ("CPU s", Side::Right),
        ("aimed", Side::Right),
        ("CPU s", Side::Right),
        ("forks", Side::Right),
        ("CPU s", Side::Right),
    ]);
    for bug in &found.bugs {
        let random = found.cell(Source::Random, bug);
        let aimed = found.cell(Source::Aimed, bug);
        let (by, style) = by(bug, random.as_ref(), aimed.as_ref());
        let mut cells = vec![(bug.name.to_string(), Style::Plain), (by, style)];
        let plain = |text: String| (text, Style::Plain);
        match &random {
            Some(cell) => {
                let number = |worlds: Option<u64>| worlds.map_or("-".into(), |w| w.to_string());
                cells.push(plain(number(cell.median)));
                cells.push(plain(number(cell.worst)));
                cells.push(plain(format!("{:.1}", cell.cpu)));
            }
            None => cells.extend([(); 3].map(|()| plain(String::new()))),
        }
        match &aimed {
            Some(cell) => {
                let worlds = cell.worst.map_or("-".to_string(), |worlds| worlds.to_string());
                cells.extend([plain(worlds), plain(format!("{:.1}", cell.cpu))]);
            }
            None => cells.extend([(); 2].map(|()| plain(String::new()))),
        }
        match found.explored(bug) {
            Some((_, _, percent, cpu)) => {
                let share = if percent == u64::MAX { "-".into() } else { format!("{percent}%") };
                cells.extend([plain(share), plain(format!("{cpu:.1}"))]);
            }
            None => cells.extend([(); 2].map(|()| plain(String::new()))),
        }
        table.styled_row(cells);
    }
    let mut out = table.render(0, paint);
    out.push('\n');
    out.push_str(&sums(found, paint));
    for bug in &found.bugs {
        out.push_str(&detail(found, bug, paint));
    }
    out
}

/// Who noticed; in red if that is not who should.
fn by(bug: &Bug, random: Option<&Cell>, aimed: Option<&Cell>) -> (String, Style) {
    let cells = [random, aimed].into_iter().flatten();
    let best = cells.min_by_key(|cell| cell.end as u8);
    match best.map(|cell| (cell.end, cell)) {
        Some((Due::Caught, cell)) => (cell.by.clone().unwrap_or_default(), Style::Green),
        Some((Due::Missed, _)) if bug.harmless.is_some() => ("harmless here".into(), Style::Yellow),
        Some((Due::CaughtByAnother, cell)) => {
            (format!("another: {}", cell.other.clone().unwrap_or_default()), Style::Red)
        }
        Some((Due::Missed, _)) => ("missed".into(), Style::Red),
        Some((Due::NotReached, _)) => ("not reached".into(), Style::Red),
        None => ("not looked for".into(), Style::Yellow),
    }
}

/// How many were caught, and whether the matrix is to be believed.
fn sums(found: &Found, paint: Paint) -> String {
    let guilty: Vec<&&Bug> = found.bugs.iter().filter(|bug| bug.harmless.is_none()).collect();
    let of = guilty.len();
    let harmless = found.bugs.len() - of;
    let cells: Vec<Cell> =
        guilty.iter().filter_map(|bug| found.cell(Source::Random, bug)).collect();
    let in_most = cells.iter().filter(|cell| cell.median.is_some()).count();
    let in_all = cells.iter().filter(|cell| cell.worst.is_some()).count();
    let mut medians: Vec<u64> = cells.iter().map(|c| c.median.unwrap_or(u64::MAX)).collect();
    medians.sort_unstable();
    let blocks = found.blocks.iter().filter(|block| block.source == Source::Random);
    let worlds = blocks.clone().map(|block| block.worlds).max().unwrap_or_default();
    let percent = in_most * 100 / of.max(1);
    let mut out = format!(
        "random     {in_most} of {of} bugs ({percent}%) within {worlds} seeds from most of {} \
         starting points, {in_all} from every one",
        blocks.count()
    );
    if let Some(median) = medians.get(medians.len() / 2).filter(|worlds| **worlds < u64::MAX) {
        out.push_str(&format!("; the median bug within {}", plural(*median, "seed")));
    }
    out.push('\n');
    let aimed = guilty.iter().filter_map(|bug| found.cell(Source::Aimed, bug));
    let aimed = aimed.filter(|cell| cell.worst.is_some()).count();
    out.push_str(&format!("aimed      {aimed} of {of}\n"));
    let explored: Vec<_> = guilty.iter().filter_map(|bug| found.explored(bug)).collect();
    if !explored.is_empty() {
        let half = explored.iter().filter(|(_, _, percent, _)| *percent <= 50).count();
        let sooner = explored.iter().filter(|(_, _, percent, _)| *percent < 100).count();
        out.push_str(&format!(
            "explored   of the {} slowest, {half} with half of the kernel events of random seeds, \
             {sooner} with less than all\n",
            explored.len()
        ));
    }
    if let Some(proofs) = &found.proofs {
        let few = proofs.iter().filter(|proof| proof.after <= prove::FEW).count();
        let replay = proofs.iter().filter(|proof| proof.replays).count();
        out.push_str(&format!(
            "proved     of {} catches {few} shrink to {} faults at most, and {replay} replay to \
             the byte\n",
            proofs.len(),
            prove::FEW
        ));
    }
    if harmless > 0 {
        out.push_str(&format!("harmless   {harmless} more that nobody is to notice\n"));
    }
    let broken: Vec<_> = found.blocks.iter().flat_map(|block| &block.broken).collect();
    let clean = match broken.first() {
        None => "holds in every world that was run".to_string(),
        Some((seed, scenario, law)) => {
            let text = format!("broken in {}: {law} in {scenario}, seed {seed}", broken.len());
            paint.text(Style::Red, &text)
        }
    };
    out.push_str(&format!("clean      {clean}\n"));
    let wrong = canaries::ALL.iter().filter(|canary| !found.is_as_it_must(canary));
    let wrong: Vec<&str> = wrong.map(|canary| canary.bug.name).collect();
    let canaries = match wrong.len() {
        0 => "each as it must be".to_string(),
        _ => paint.text(Style::Red, &format!("not as it must be: {}", wrong.join(", "))),
    };
    out.push_str(&format!("canaries   {canaries}\n"));
    out
}

/// What was said of a bug, and how to see it.
fn detail(found: &Found, bug: &Bug, paint: Paint) -> String {
    let name = paint.text(Style::Bold, bug.name);
    let mut out = format!("\n{name}, {}\n", bug.source);
    out.push_str(&labelled("", bug.story, 2, 0, paint));
    for one in [Source::Random, Source::Aimed] {
        let Some(cell) = found.cell(one, bug) else { continue };
        let label = source(one);
        let text = match (cell.end, &cell.sentence) {
            (Due::Caught, Some(sentence)) => sentence.clone(),
            (Due::CaughtByAnother, Some(sentence)) => {
                let other = cell.other.clone().unwrap_or_default();
                format!("{other}, and never {}: {sentence}", expected(bug))
            }
            (Due::NotReached, _) => "it could not act in any world".to_string(),
            _ => {
                let why = bug.harmless.map_or(String::new(), |why| format!(": {why}"));
                let worlds = plural(cell.reached, "world");
                format!("it could act in {worlds}, and nobody noticed{why}")
            }
        };
        out.push_str(&labelled(label, &text, 2, 8, paint));
        if let Some(command) = cell.command.as_ref().filter(|command| !command.is_empty()) {
            out.push_str(&format!("          {command}\n"));
        }
    }
    let proof = found.proofs.iter().flatten().find(|proof| proof.bug == bug.name);
    if let Some(Proof { before, after, replays, command, .. }) = proof {
        let how = if *replays { "" } else { ", which does not replay" };
        out.push_str(&format!("  shrunk  to {after} faults of {before}{how}\n"));
        out.push_str(&format!("          {command}\n"));
    }
    out
}
