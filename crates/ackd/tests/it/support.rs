//! Running the built program.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Far more than the end of a server takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

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
    stderr: BufReader<ChildStderr>,
    /// Lines of its log that were read.
    log: Vec<String>,
    pub(crate) url: String,
}

impl Serving {
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_with(dir, &[])
    }

    /// With more flags.
    pub(crate) fn start_with(dir: &Path, flags: &[&str]) -> Self {
        Self::spawn(ackd(&["serve"]).args(flags).current_dir(dir))
    }

    /// Starts what is to become a server, once it has heard where to listen.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        command.args(["--listen", "127.0.0.1:0", "--data-dir", "data"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it says something");
        let url = line.trim_end().strip_prefix("listening on ").expect("it is ready").to_owned();
        Self { child, stdout, stderr, log: Vec::new(), url }
    }

    /// The next line of its log that has this text; what comes before it is kept in [`Serving::log`].
    pub(crate) fn log_line(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stderr.read_line(&mut line).expect("text");
            assert_ne!(read, 0, "the log ends without {text:?}: {:?}", self.log);
            let line = line.trim_end().to_owned();
            if line.contains(text) {
                return line;
            }
            self.log.push(line);
        }
    }

    /// The lines of its log that were passed over.
    pub(crate) fn log(&self) -> &[String] {
        &self.log
    }

    /// Sends a request by hand; the status of the answer, and the connection.
    pub(crate) fn ask(&self, request: &str) -> (u16, TcpStream) {
        let address = self.url.split_once("://").expect("a URL").1;
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("written");
        let mut status = [0; 12];
        stream.read_exact(&mut status).expect("an answer");
        let status = std::str::from_utf8(&status).expect("text");
        (status.rsplit(' ').next().and_then(|code| code.parse().ok()).expect("a status"), stream)
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it says something");
        line.trim_end().to_owned()
    }

    /// Sends a signal and waits for the end; the exit status.
    pub(crate) fn stop(&mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        self.end()
    }

    /// Waits for the end; the exit status. Whoever does not end in time is killed, and has none.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let (ended, waiting) = sync_channel::<()>(1);
        let watching = std::thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                drop(Command::new("kill").args(["-9", &pid]).status());
            }
        });
        let status = self.child.wait().expect("it ends").code();
        drop(ended);
        watching.join().expect("no panic");
        status
    }

    /// Its process.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process's number")
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args([signal, &pid]).status().expect("kill runs");
        assert!(killed.success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Fails where it has ended, which is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
