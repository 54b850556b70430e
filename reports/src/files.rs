//! Scenarios, plans and cases on the file system.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use stormglass_scenarios::case::Case;
use stormglass_scenarios::catalog;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::scenario::Scenario;

use crate::version;

/// Where case files go unless somebody says otherwise.
pub const RUNS: &str = "stormglass-runs";

/// Finds the files that a scenario names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// Those compiled in.
    Shipped,
    /// Those in a folder; if it has none of a name, those compiled in.
    Beside(PathBuf),
}

impl Files {
    /// The files of a case.
    pub fn of_case(case: &Case) -> Files {
        Files::of(&case.source, &case.scenario)
    }

    /// The files of a scenario, by what it was read from and its text.
    pub fn of(source: &str, text: &str) -> Files {
        let shipped = source.strip_suffix(".toml").and_then(catalog::find);
        match shipped == Some(text) {
            true => Files::Shipped,
            false => Files::beside(source),
        }
    }

    fn beside(scenario: &str) -> Files {
        Files::Beside(Path::new(scenario).parent().unwrap_or(Path::new("")).to_path_buf())
    }

    /// The text of a file.
    ///
    /// # Errors
    /// Why there is none, in a sentence.
    pub fn load(&self, name: &str) -> Result<Cow<'static, str>, String> {
        let Files::Beside(folder) = self else { return catalog::file(name) };
        let path = folder.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(error) => match (error.kind(), catalog::file(name)) {
                (ErrorKind::NotFound, Ok(text)) => Ok(text),
                _ => Err(format!("cannot read `{}`: {}", path.display(), reason(&error))),
            },
        }
    }
}

/// A shipped scenario by its name, or a user's by the path of its file, with settings laid over it.
///
/// # Errors
/// If there is none, or it is wrong.
pub fn scenario(name: &str, settings: &[String]) -> Result<(Scenario, Files), Problem> {
    if !name.contains('/') && !name.ends_with(".toml") {
        return Ok((catalog::load(name, settings)?, Files::Shipped));
    }
    let scenario = Scenario::parse_with(&read(Path::new(name))?, name, settings)?;
    Ok((scenario, Files::beside(name)))
}

/// The text of a file that an argument names.
///
/// # Errors
/// If it cannot be read.
pub fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| {
        Problem::new(&path.display().to_string(), format!("cannot be read: {}", reason(&error)))
    })
}

/// Writes the case of a run of this program.
///
/// # Errors
/// If it cannot be written.
pub fn write_case(case: &Case, path: &Path) -> Result<(), Problem> {
    write(&Case { program: version::program(), ..case.clone() }, path)
}

/// Writes a case as it is, where there is none yet.
///
/// # Errors
/// If there is one, or it cannot be written.
pub fn write_new(case: &Case, path: &Path) -> Result<(), Problem> {
    if path.exists() {
        let problem = Problem::new(&path.display().to_string(), "there is one of that name");
        return Err(problem.help("give this one another --name"));
    }
    write(case, path)
}

fn write(case: &Case, path: &Path) -> Result<(), Problem> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, case.to_json())).map_err(|error| {
        let message = format!("the case cannot be written: {}", reason(&error));
        Problem::new(&path.display().to_string(), message)
    })
}

/// Where the case of an outcome goes: `stormglass-runs/SCENARIO-SEED.case.json`, with the names of
/// planted bugs after the seed.
pub fn case_path(outcome: &Outcome) -> PathBuf {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = outcome.scenario.chars().map(safe).collect();
    let bugs: String = outcome.bugs.iter().map(|bug| format!("-{bug}")).collect();
    Path::new(RUNS).join(format!("{name}-{}{bugs}.case.json", outcome.seed))
}

/// Where the shrunk case of a case goes: beside it.
pub fn small(case: &Path) -> PathBuf {
    let name = case.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let stem = name.strip_suffix(".case.json").or(name.strip_suffix(".json")).unwrap_or(&name);
    case.with_file_name(format!("{stem}.min.case.json"))
}

/// A problem of a file, unless it is one of something else.
pub(crate) fn of(problem: Problem, source: &str) -> Problem {
    match problem.source.is_empty() {
        true => Problem { source: source.to_string(), ..problem },
        false => problem,
    }
}

/// An error of the operating system without its number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_string(),
        ErrorKind::IsADirectory => "it is a folder".to_string(),
        ErrorKind::PermissionDenied => "permission denied".to_string(),
        ErrorKind::InvalidData => "it is not UTF-8 text".to_string(),
        _ => error.to_string(),
    }
}
