//! The program in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The built program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_stormglass");

/// Ten seconds of flights and five faults.
pub(crate) const FLIGHTS: [&str; 10] = [
    "run",
    "flight-delays",
    "--seed",
    "7",
    "--set",
    "input.csv.limit=2000",
    "--set",
    "checkpoint.interval=500ms",
    "--set",
    "fault.4.slow-disk.for=1s",
];
/// A bug that every restore reaches.
pub(crate) const BUG: [&str; 2] = ["--bug", "restore-one-too-far"];

/// The flights with the bug, and more arguments.
pub(crate) fn broken<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&FLIGHTS[..], &BUG, more].concat()
}

/// An empty folder for one test.
pub(crate) struct Folder(PathBuf);

/// How a run of the program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    /// A new one; tests have different names.
    pub(crate) fn new(test: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Runs the program with some arguments, as `cargo run` would.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.end(Command::new(PROGRAM).args(arguments))
    }

    /// Begins to run the program.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(&self.0).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Runs a line in a shell, with the program in the place of `cargo run --release --`.
    pub(crate) fn shell(&self, line: &str) -> Ended {
        let program = format!("'{PROGRAM}'");
        let line = line.replace("cargo run --release --", &program);
        self.end(Command::new("sh").args(["-c", &line]))
    }

    fn end(&self, command: &mut Command) -> Ended {
        command.current_dir(&self.0).env("CARGO_MANIFEST_DIR", &self.0);
        command.env_remove("RUST_BACKTRACE");
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: status.code(), out: text(stdout), err: text(stderr) }
    }
}
