//! `pin`: a failure is kept as a regression test.

use std::path::{Path, PathBuf};

use stormglass_scenarios::case::Case;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::regression::{self, Kept};
use stormglass_scenarios::topologies::Registry;

use crate::cli::{self, Answer, Exit};
use crate::page::Paint;
use crate::page::labelled;
use crate::{files, pinned};

/// Where pinned cases go: the first of these that is there, otherwise the last.
const FOLDERS: [&str; 2] = ["tests/regressions", "regressions"];

/// Arguments of `pin`.
#[derive(Clone, Debug, clap::Args)]
pub struct PinArgs {
    /// The case file of a failure, better shrunk
    pub case: PathBuf,
    /// The folder of pinned cases; tests/regressions if it is there, otherwise regressions
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// Its name there; that of the case file if absent
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// What went wrong and how it was mended, for whoever meets the test
    #[arg(long, value_name = "TEXT")]
    pub story: Option<String>,
}

/// Writes a case into the folder of those that are run again by tests, after having run it as such
/// a test does.
///
/// # Errors
/// If it is no case of a failure, shows nothing, or cannot be written.
pub fn pin(args: &PinArgs, registry: &Registry) -> Result<Answer, Problem> {
    let source = args.case.display().to_string();
    let mut case = Case::from_json(&files::read(&args.case)?, &source)?;
    let Some(law) = case.law.clone() else {
        let message = format!("there is nothing to pin: it was recorded as `{}`", case.verdict);
        return Err(Problem::new(&source, message).help("pin the case of a broken run"));
    };
    let path = place(args)?;
    let kept = pinned::one(&case, registry).map_err(|problem| files::of(problem, &source))?;
    let _ = cli::last_panic();
    if !matches!(kept, Kept::Well | Kept::Back { .. }) {
        let problem = Problem::new(&source, format!("it shows nothing as a test: {kept}"));
        return Err(problem.help(
            "pinned cases are run by their triggers; `stormglass replay` \
                                 runs it as it was recorded",
        ));
    }
    case.story = args.story.clone().or(case.story.clone()).or_else(|| regression::story(&case));
    files::write_new(&case, &path)?;
    let exit = if kept == Kept::Well { Exit::Holds } else { Exit::Broken };
    Ok(Answer { text: page(&case, &law, &kept, &path), exit })
}

/// Where it goes.
fn place(args: &PinArgs) -> Result<PathBuf, Problem> {
    let there = FOLDERS.iter().find(|folder| Path::new(folder).is_dir());
    let folder = there.or(FOLDERS.last()).map(PathBuf::from).unwrap_or_default();
    let folder = args.into.clone().unwrap_or(folder);
    let file = args.case.file_name().map(|name| name.to_string_lossy().into_owned());
    let file = file.unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default().to_string();
    let name = args.name.clone().unwrap_or(stem);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if name.is_empty() || !name.chars().all(plain) {
        let problem = Problem::new("--name", format!("`{name}` is no name for a case"));
        return Err(problem.help("write letters, digits and dashes"));
    }
    Ok(folder.join(format!("{name}.case.json")))
}

fn page(case: &Case, law: &str, kept: &Kept, path: &Path) -> String {
    let folder = path.parent().unwrap_or(Path::new(""));
    let line = |label: &str, text: &str| labelled(label, text, 2, 8, Paint::of_stdout());
    let proved = match (kept, case.bugs.is_empty()) {
        (Kept::Back { .. }, true) => {
            format!("breaks {law}: a test of it fails until that is mended")
        }
        (Kept::Back { .. }, false) => kept.to_string(),
        (_, true) => "holds: what it showed is mended".to_string(),
        (_, false) => {
            format!("with {} planted it breaks {law}, without it holds", case.bugs.join(", "))
        }
    };
    let call =
        format!("stormglass::pinned::assert_kept({:?}, &registry)", folder.display().to_string());
    let story = case.story.as_deref().map_or(String::new(), |story| line("story", story));
    format!("pinned: {}\n{}{story}{}", path.display(), line("proved", &proved), line("test", &call))
}
