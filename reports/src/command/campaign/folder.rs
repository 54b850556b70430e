//! The folder of a campaign: what was asked for, and a line for each run as it came.
//!
//! Three files. `campaign.json` says what was asked for; `rows.jsonl` has the verdicts, in which
//! nothing depends on the machine; `times.jsonl` has what does. A line is written in one piece when
//! its run is judged, so a process that is killed leaves at most one torn line, its last.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::scenario::Scenario;

use super::row::Row;
use crate::files;

#[cfg(test)]
mod tests;

/// The version of folders that this program writes and reads.
const VERSION: u32 = 1;
const MANIFEST: &str = "campaign.json";
const ROWS: &str = "rows.jsonl";
const TIMES: &str = "times.jsonl";
/// So long is waited for whoever writes to a folder.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The format; see [`VERSION`].
    pub(super) version: u32,
    /// The program that ran it.
    pub(super) program: String,
    pub(super) scenarios: Vec<Written>,
    /// Planted bugs that are switched on.
    pub(super) bugs: Vec<String>,
    /// Ranges of seeds such as `0..100`, in order.
    pub(super) seeds: Vec<String>,
    /// Which part of them, such as `1/3`.
    pub(super) shard: String,
}

/// A scenario as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) name: String,
    /// What it was read from.
    pub(super) source: String,
    /// Settings laid over it, as `key=value`.
    pub(super) settings: Vec<String>,
    /// Its TOML.
    pub(super) text: String,
}

impl Written {
    /// # Errors
    /// If the scenario was built in Rust.
    pub(super) fn of(scenario: &Scenario) -> Result<Written, Problem> {
        let Some((text, settings)) = scenario.origin.written() else {
            return Err(Problem::new("", "a scenario built in Rust cannot be written down"));
        };
        Ok(Written {
            name: scenario.name.clone(),
            source: scenario.origin.source().to_string(),
            settings: settings.to_vec(),
            text: text.to_string(),
        })
    }
}

impl Manifest {
    pub(super) fn new(
        scenarios: Vec<Written>,
        bugs: Vec<String>,
        seeds: Vec<String>,
        shard: String,
    ) -> Manifest {
        let program = format!("stormglass {}", env!("CARGO_PKG_VERSION"));
        Manifest { version: VERSION, program, scenarios, bugs, seeds, shard }
    }

    /// What is different in another one, in a few words; none if nothing is. Which seeds they are
    /// of is not looked at.
    pub(super) fn differs_from(&self, other: &Manifest) -> Option<String> {
        let names = |m: &Manifest| m.scenarios.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
        let all = |words: &[String]| match words {
            [] => "none".to_string(),
            words => words.join(", "),
        };
        let differ = |what: &str, ours: &[String], others: &[String]| {
            (ours != others).then(|| format!("{what} are {}, not {}", all(ours), all(others)))
        };
        if let Some(differ) = differ("its scenarios", &names(self), &names(other)) {
            return Some(differ);
        }
        for (ours, others) in self.scenarios.iter().zip(&other.scenarios) {
            let settings = format!("its settings of {}", ours.name);
            if let Some(differ) = differ(&settings, &ours.settings, &others.settings) {
                return Some(differ);
            }
            if ours.text != others.text {
                return Some(format!("its scenario {} is written differently", ours.name));
            }
        }
        if self.program != other.program {
            return Some(format!("it is of {}, not of {}", self.program, other.program));
        }
        differ("its planted bugs", &self.bugs, &other.bugs)
    }

    /// As [`Manifest::differs_from`], with the seeds.
    fn differs_at_all(&self, other: &Manifest) -> Option<String> {
        let seeds = |m: &Manifest| format!("{} (shard {})", m.seeds.join(", "), m.shard);
        let (ours, others) = (seeds(self), seeds(other));
        let differ = (ours != others).then(|| format!("its seeds are {ours}, not {others}"));
        self.differs_from(other).or(differ)
    }

    /// The manifest of a folder.
    ///
    /// # Errors
    /// If there is none, or one that this program does not understand.
    pub(super) fn read(folder: &Path) -> Result<Manifest, Problem> {
        let path = folder.join(MANIFEST);
        let problem = |message: String| Problem::new(&path.display().to_string(), message);
        let manifest: Manifest = serde_json::from_str(&files::read(&path)?)
            .map_err(|error| problem(format!("it is no campaign's: {error}")))?;
        match manifest.version {
            VERSION => Ok(manifest),
            other => Err(problem(format!("it has version {other}, this program reads {VERSION}"))),
        }
    }
}

/// A folder that is being written.
pub(super) struct Folder {
    path: PathBuf,
    rows: File,
    times: File,
    began: Instant,
}

#[derive(Serialize)]
struct Time<'a> {
    scenario: &'a str,
    seed: String,
    /// Since this process began with the campaign.
    after_ms: u64,
}

impl Folder {
    /// Begins a campaign in a folder that has none.
    ///
    /// # Errors
    /// If it has one, or cannot be written.
    pub(super) fn begin(path: &Path, manifest: &Manifest) -> Result<Folder, Problem> {
        if is_begun(path) {
            let problem = Problem::new(&path.display().to_string(), "there is a campaign in it");
            return Err(problem.help("--resume goes on with it"));
        }
        std::fs::create_dir_all(path).map_err(|error| unwritable(path, &error))?;
        // In one piece: a campaign is begun or it is not.
        let (new, now) = (path.join("campaign.json.new"), path.join(MANIFEST));
        let json = crate::command::json(manifest);
        std::fs::write(&new, json)
            .and_then(|()| std::fs::rename(&new, &now))
            .map_err(|error| unwritable(&now, &error))?;
        Folder::open(path)
    }

    /// Goes on with the campaign of a folder, or begins it if there is none; hands over the rows
    /// that are there. A line that was torn is cut off.
    ///
    /// # Errors
    /// If the folder is of another campaign, or cannot be read or written.
    pub(super) fn resume(
        path: &Path,
        manifest: &Manifest,
        mut each: impl FnMut(Row),
    ) -> Result<Folder, Problem> {
        if !is_begun(path) {
            return Folder::begin(path, manifest);
        }
        let there = Manifest::read(path)?;
        if let Some(differs) = there.differs_at_all(manifest) {
            let message = format!("there is another campaign in it: {differs}");
            let help = "ask for the same again, or name another folder";
            return Err(Problem::new(&path.display().to_string(), message).help(help));
        }
        let folder = Folder::open(path)?;
        let whole = read(path, |row, _| {
            each(row);
            Ok(())
        })?;
        cut(&folder.rows, whole).map_err(|error| unwritable(&path.join(ROWS), &error))?;
        let times = whole_lines(&path.join(TIMES), |_, _| Ok(()))?;
        cut(&folder.times, times).map_err(|error| unwritable(&path.join(TIMES), &error))?;
        Ok(folder)
    }

    fn open(path: &Path) -> Result<Folder, Problem> {
        let open = |name: &str| {
            let path = path.join(name);
            let file = OpenOptions::new().create(true).append(true).open(&path);
            file.map_err(|error| unwritable(&path, &error))
        };
        let (rows, times) = (open(ROWS)?, open(TIMES)?);
        // A process that was killed just now may still be about to end.
        let waited = Instant::now();
        while rows.try_lock().is_err() {
            if waited.elapsed() > PATIENCE {
                let message = "another process is writing to it";
                return Err(Problem::new(&path.display().to_string(), message));
            }
            std::thread::sleep(PATIENCE / 20);
        }
        Ok(Folder { path: path.to_path_buf(), rows, times, began: Instant::now() })
    }

    /// Writes a row down.
    ///
    /// # Errors
    /// If that is impossible.
    pub(super) fn add(&mut self, row: &Row) -> Result<(), Problem> {
        let after_ms = self.began.elapsed().as_millis() as u64;
        let time = Time { scenario: &row.scenario, seed: row.seed.to_string(), after_ms };
        let time = serde_json::to_string(&time).expect("times are plain data") + "\n";
        self.write(&row.line())?;
        let written = self.times.write_all(time.as_bytes());
        written.map_err(|error| unwritable(&self.path.join(TIMES), &error))
    }

    /// Writes lines that are rows.
    ///
    /// # Errors
    /// If that is impossible.
    pub(super) fn write(&mut self, lines: &str) -> Result<(), Problem> {
        let written = self.rows.write_all(lines.as_bytes());
        written.map_err(|error| unwritable(&self.path.join(ROWS), &error))
    }
}

fn is_begun(path: &Path) -> bool {
    [MANIFEST, ROWS].iter().any(|name| path.join(name).exists())
}

/// Hands over the rows of a folder, each with its line; how many bytes they take. What comes after
/// the last line break is torn, and no row.
///
/// # Errors
/// If it cannot be read, a line is no row, or what is called objects.
pub(super) fn read(
    folder: &Path,
    mut each: impl FnMut(Row, &str) -> Result<(), Problem>,
) -> Result<u64, Problem> {
    let path = folder.join(ROWS);
    whole_lines(&path, |number, line| {
        let row: Row = serde_json::from_slice(line).map_err(|error| {
            Problem::new(&format!("{}:{number}", path.display()), format!("it is no row: {error}"))
        })?;
        each(row, &String::from_utf8_lossy(line))
    })
}

/// Hands over lines with their numbers; how many bytes they take.
fn whole_lines(
    path: &Path,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), Problem>,
) -> Result<u64, Problem> {
    let unreadable = |error| Problem::new(&path.display().to_string(), format!("{error}"));
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(unreadable(error)),
    };
    let (mut reader, mut line) = (BufReader::new(file), Vec::new());
    let (mut bytes, mut number) = (0, 0);
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).map_err(unreadable)?;
        if line.last() != Some(&b'\n') {
            return Ok(bytes);
        }
        (bytes, number) = (bytes + line.len() as u64, number + 1);
        each(number, &line)?;
    }
}

fn cut(file: &File, whole: u64) -> std::io::Result<()> {
    match file.metadata()?.len() > whole {
        true => file.set_len(whole),
        false => Ok(()),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(&path.display().to_string(), format!("cannot be written: {error}"))
}
