//! The folder of a matrix: what was asked for, a line for each world or exploration as it came, and
//! beside it the CPU time that it took.
//!
//! Rows hold nothing of the machine; a file of times has a line for each row. A process that is
//! killed leaves at most one torn line in each, and what has no counterpart is cut off.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stormglass_scenarios::problem::Problem;

use crate::files;

/// The version of folders that this program writes and reads.
const VERSION: u32 = 1;
const MANIFEST: &str = "matrix.json";

/// What was asked for. How many worlds there are to be is no part of it: more may be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    version: u32,
    program: String,
    /// Those that are looked for.
    bugs: Vec<String>,
    /// The scenarios of random worlds, in their order.
    scenarios: Vec<String>,
    /// Worlds from one starting point to the next.
    random: u64,
}

impl Manifest {
    pub(super) fn new(bugs: Vec<String>, scenarios: Vec<String>, random: u64) -> Manifest {
        let program = format!("stormglass {}", env!("CARGO_PKG_VERSION"));
        Manifest { version: VERSION, program, bugs, scenarios, random }
    }

    /// Goes on with the matrix of a folder, or begins one.
    ///
    /// # Errors
    /// If it has another matrix, or cannot be read or written.
    pub(super) fn begin(&self, path: &Path) -> Result<(), Problem> {
        std::fs::create_dir_all(path).map_err(|error| unwritable(path, &error))?;
        let at = path.join(MANIFEST);
        if !at.exists() {
            let json = crate::command::json(self);
            return std::fs::write(&at, json).map_err(|error| unwritable(&at, &error));
        }
        let there: Option<Manifest> = serde_json::from_str(&files::read(&at)?).ok();
        if there.as_ref() == Some(self) {
            return Ok(());
        }
        let problem = Problem::new(&at.display().to_string(), "it is another matrix");
        Err(problem.help("ask for the same bugs and seeds, or name another folder"))
    }
}

/// Rows and their times, being written; nowhere if no folder was asked for.
pub(super) struct Log<R, T> {
    to: Option<(PathBuf, File, File)>,
    of: PhantomData<(R, T)>,
}

impl<R: Serialize + DeserializeOwned, T: Serialize + DeserializeOwned> Log<R, T> {
    /// Opens the files of this name in a folder; gives back what is there.
    ///
    /// # Errors
    /// If they cannot be read or written, or another process writes to them.
    pub(super) fn open(folder: Option<&Path>, name: &str) -> Result<(Self, Vec<(R, T)>), Problem> {
        let Some(folder) = folder else {
            return Ok((Log { to: None, of: PhantomData }, Vec::new()));
        };
        let paths = [format!("{name}.jsonl"), format!("{name}.times.jsonl")];
        let paths = paths.map(|name| folder.join(name));
        let open = |path: &Path| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.map_err(|error| unwritable(path, &error))
        };
        let (rows, times) = (open(&paths[0])?, open(&paths[1])?);
        if rows.try_lock().is_err() {
            let message = "another process is writing to it";
            return Err(Problem::new(&paths[0].display().to_string(), message));
        }
        let found: Vec<(R, u64)> = read(&paths[0])?;
        let spent: Vec<(T, u64)> = read(&paths[1])?;
        let both = found.len().min(spent.len());
        let end = |ends: Option<u64>| ends.unwrap_or_default();
        rows.set_len(end(found[..both].last().map(|(_, end)| *end)))
            .and_then(|()| times.set_len(end(spent[..both].last().map(|(_, end)| *end))))
            .map_err(|error| unwritable(folder, &error))?;
        let all = found.into_iter().zip(spent).map(|((row, _), (times, _))| (row, times));
        let to = Some((folder.to_path_buf(), rows, times));
        Ok((Log { to, of: PhantomData }, all.collect()))
    }

    /// Writes a row down.
    ///
    /// # Errors
    /// If that is impossible.
    pub(super) fn add(&mut self, row: &R, took: &T) -> Result<(), Problem> {
        let Some((folder, rows, times)) = &mut self.to else { return Ok(()) };
        let line = |json: Result<String, serde_json::Error>| json.expect("plain data") + "\n";
        let (row, took) = (line(serde_json::to_string(row)), line(serde_json::to_string(took)));
        rows.write_all(row.as_bytes())
            .and_then(|()| times.write_all(took.as_bytes()))
            .map_err(|error| unwritable(folder, &error))
    }
}

/// The whole lines of a file, each with the place where it ends; what comes after the first one
/// that cannot be read is passed over.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<(T, u64)>, Problem> {
    let text = files::read(path)?;
    let (mut all, mut end) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        end += line.len() as u64;
        match serde_json::from_str(line) {
            Ok(one) if line.ends_with('\n') => all.push((one, end)),
            _ => break,
        }
    }
    Ok(all)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(&path.display().to_string(), format!("cannot be written: {error}"))
}
