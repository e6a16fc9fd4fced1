//! One of the example clients as a process: lines go in, lines come out.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

/// In which language a client is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Language {
    Python,
    JavaScript,
}

/// A client that runs until it is killed or dropped.
pub(crate) struct Client {
    child: Child,
    lines: Receiver<String>,
    /// Deliveries that were read while something else was waited for.
    heard: VecDeque<String>,
    file: PathBuf,
    pub(crate) id: String,
}

impl Client {
    /// Starts it, and waits until it is in.
    pub(crate) fn start(language: Language, url: &str, file: &Path) -> Self {
        let mut child = command(language)
            .arg(url)
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{language:?}: {error}; is it installed?"));
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = sync_channel(1000);
        thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|l| sender.send(l))
        });
        let (heard, id, file) = (VecDeque::new(), String::new(), file.to_owned());
        let mut client = Self { child, lines, heard, file, id };
        while client.id.is_empty() {
            client.read();
        }
        client
    }

    /// Gives it lines to send.
    pub(crate) fn say(&mut self, lines: &[String]) {
        let stdin = self.child.stdin.as_mut().expect("piped");
        stdin.write_all(format!("{}\n", lines.join("\n")).as_bytes()).expect("it reads");
    }

    /// The next so many messages that it prints.
    pub(crate) fn hear(&mut self, count: usize) -> Vec<String> {
        while self.heard.len() < count {
            self.read();
        }
        self.heard.drain(..count).collect()
    }

    /// Waits until it has written down that it is to send this line.
    pub(crate) fn wait_until_written(&self, line: &str) {
        let text = line.split_once(' ').expect("an ID and a text").1;
        self.wait(|state| {
            let last = state["unanswered"].as_array().and_then(|sends| sends.last());
            last.is_some_and(|send| send["body"] == text)
        });
    }

    /// Waits until nothing that it has to send is unanswered.
    pub(crate) fn wait_until_answered(&self) {
        self.wait(|state| state["unanswered"].as_array().is_some_and(Vec::is_empty));
    }

    /// Looks at its file until that is so.
    fn wait(&self, is_so: impl Fn(&serde_json::Value) -> bool) {
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            let text = std::fs::read(&self.file).unwrap_or_default();
            if serde_json::from_slice(&text).is_ok_and(|state| is_so(&state)) {
                return;
            }
            // Nobody tells when a file is replaced.
            thread::park_timeout(LOOK);
        }
        panic!("waited in vain for {}", self.file.display());
    }

    fn read(&mut self) {
        let line = self.lines.recv_timeout(PATIENCE).expect("it says something");
        if let Some(id) = line.strip_prefix("I am ") {
            id.clone_into(&mut self.id);
        } else if !line.starts_with("accepted ") {
            self.heard.push_back(line);
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Fails where it has ended, which is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command(language: Language) -> Command {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    match language {
        Language::Python => {
            let mut python = Command::new("python3");
            // What it compiles is not to lie beside the sources.
            python.arg("-B").arg(examples.join("python/client.py"));
            python
        }
        Language::JavaScript => {
            let mut node = Command::new("node");
            // WebSocket is behind a flag before version 22, which later ones still take.
            node.arg("--experimental-websocket").arg(examples.join("javascript/client.mjs"));
            node
        }
    }
}

/// Far more than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at a file.
const LOOK: Duration = Duration::from_millis(5);
