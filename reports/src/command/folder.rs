//! The folder of many runs: what was asked for, and a line for each run as it came.
//!
//! Three files. A manifest, such as `campaign.json`, says what was asked for; `rows.jsonl` has what
//! came of it, in which nothing depends on the machine; `times.jsonl` has what does. A line is
//! written in one piece when its run is done, so a process that is killed leaves at most one torn
//! line, its last.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use stormglass_scenarios::problem::Problem;

use crate::files;

/// The version of folders that this program writes and reads.
pub(super) const VERSION: u32 = 1;
const ROWS: &str = "rows.jsonl";
const TIMES: &str = "times.jsonl";
/// So long is waited for whoever writes to a folder.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was asked for.
pub(super) trait Manifest: Serialize + DeserializeOwned {
    /// What it is of: `campaign`, `sweep`. Its file is called so, too.
    const WHAT: &'static str;
    /// One run.
    type Row: Line;

    /// The format; see [`VERSION`].
    fn version(&self) -> u32;
    /// What is different in another one, in a few words; none if nothing is.
    fn differs_at_all(&self, other: &Self) -> Option<String>;

    /// The manifest of a folder.
    ///
    /// # Errors
    /// If there is none, or one that this program does not understand.
    fn read(folder: &Path) -> Result<Self, Problem> {
        let path = folder.join(file::<Self>());
        let problem = |message: String| Problem::new(&path.display().to_string(), message);
        let manifest: Self = serde_json::from_str(&files::read(&path)?)
            .map_err(|error| problem(format!("it is no {}'s: {error}", Self::WHAT)))?;
        match manifest.version() {
            VERSION => Ok(manifest),
            other => Err(problem(format!("it has version {other}, this program reads {VERSION}"))),
        }
    }
}

/// One run in a line.
pub(super) trait Line: Serialize + DeserializeOwned {
    /// What was run, and with which seed.
    fn who(&self) -> (String, u64);

    /// It as a line, with the line break.
    fn line(&self) -> String {
        serde_json::to_string(self).expect("rows are plain data") + "\n"
    }
}

/// The file of a manifest.
fn file<M: Manifest>() -> String {
    format!("{}.json", M::WHAT)
}

/// A folder that is being written.
pub(super) struct Folder<M> {
    path: PathBuf,
    rows: File,
    times: File,
    began: Instant,
    of: PhantomData<M>,
}

#[derive(Serialize)]
struct Time {
    scenario: String,
    seed: String,
    /// Since this process began with them.
    after_ms: u64,
}

impl<M: Manifest> Folder<M> {
    /// Begins in a folder that has no runs.
    ///
    /// # Errors
    /// If it has one, or cannot be written.
    pub(super) fn begin(path: &Path, manifest: &M) -> Result<Self, Problem> {
        if is_begun::<M>(path) {
            let message = format!("there is a {} in it", M::WHAT);
            let problem = Problem::new(&path.display().to_string(), message);
            return Err(problem.help("--resume goes on with it"));
        }
        std::fs::create_dir_all(path).map_err(|error| unwritable(path, &error))?;
        // In one piece: it is begun or it is not.
        let now = path.join(file::<M>());
        let new = now.with_extension("json.new");
        let json = crate::command::json(manifest);
        std::fs::write(&new, json)
            .and_then(|()| std::fs::rename(&new, &now))
            .map_err(|error| unwritable(&now, &error))?;
        Folder::open(path)
    }

    /// Goes on in a folder, or begins if it has no runs; hands over the rows that are there. A
    /// line that was torn is cut off.
    ///
    /// # Errors
    /// If the folder is of something else, or cannot be read or written.
    pub(super) fn resume(
        path: &Path,
        manifest: &M,
        mut each: impl FnMut(M::Row),
    ) -> Result<Self, Problem> {
        if !is_begun::<M>(path) {
            return Folder::begin(path, manifest);
        }
        let there = M::read(path)?;
        if let Some(differs) = there.differs_at_all(manifest) {
            let message = format!("there is another {} in it: {differs}", M::WHAT);
            let help = "ask for the same again, or name another folder";
            return Err(Problem::new(&path.display().to_string(), message).help(help));
        }
        let folder = Folder::open(path)?;
        let whole = read::<M::Row>(path, |row, _| {
            each(row);
            Ok(())
        })?;
        cut(&folder.rows, whole).map_err(|error| unwritable(&path.join(ROWS), &error))?;
        let times = whole_lines(&path.join(TIMES), |_, _| Ok(()))?;
        cut(&folder.times, times).map_err(|error| unwritable(&path.join(TIMES), &error))?;
        Ok(folder)
    }

    fn open(path: &Path) -> Result<Self, Problem> {
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
        let (path, began) = (path.to_path_buf(), Instant::now());
        Ok(Folder { path, rows, times, began, of: PhantomData })
    }

    /// Writes a row down.
    ///
    /// # Errors
    /// If that is impossible.
    pub(super) fn add(&mut self, row: &M::Row) -> Result<(), Problem> {
        let after_ms = self.began.elapsed().as_millis() as u64;
        let (scenario, seed) = row.who();
        let time = Time { scenario, seed: seed.to_string(), after_ms };
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

/// Whether a folder has runs of this kind.
pub(super) fn is_begun<M: Manifest>(path: &Path) -> bool {
    path.join(file::<M>()).exists() || path.join(ROWS).exists()
}

/// Hands over the rows of a folder, each with its line; how many bytes they take. What comes after
/// the last line break is torn, and no row.
///
/// # Errors
/// If it cannot be read, a line is no row, or what is called objects.
pub(super) fn read<R: Line>(
    folder: &Path,
    mut each: impl FnMut(R, &str) -> Result<(), Problem>,
) -> Result<u64, Problem> {
    let path = folder.join(ROWS);
    whole_lines(&path, |number, line| {
        let row: R = serde_json::from_slice(line).map_err(|error| {
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
