//! Running the built program.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The program in an empty environment.
pub(crate) fn ackd(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ackd"));
    command.args(args).env_clear();
    command
}

/// Runs it to its end; status, standard output, standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    outcome(command.output().expect("the program runs"))
}

/// Status, standard output, standard error.
pub(crate) fn outcome(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code().expect("no signal"), text(output.stdout), text(output.stderr))
}

/// A server in a directory of its own, on a free port. Killed when it is dropped.
pub(crate) struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Serving {
    pub(crate) fn start(dir: &Path) -> Self {
        let mut command = ackd(&["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"]);
        command.current_dir(dir).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it says something");
        let url = line.trim_end().strip_prefix("listening on ").expect("it is ready").to_owned();
        Self { child, stdout, url }
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it says something");
        line.trim_end().to_owned()
    }

    /// Sends a signal and waits for the end; the exit status.
    pub(crate) fn stop(&mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args([signal, &pid]).status().expect("kill runs");
        assert!(killed.success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Fails where it has ended, which is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
