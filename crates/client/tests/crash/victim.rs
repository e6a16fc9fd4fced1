//! The processes that are killed. They print a line for each message that is safe, or processed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use ackd_client::{Client, Outgoing, Sending};

/// One of them, seen from the test.
pub(crate) struct Victim {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Victim {
    pub(crate) fn start(role: &str, url: &str, file: &Path, generation: u64) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["victim", role, url]).arg(file).arg(generation.to_string());
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// The next line.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "it ended by itself after {line:?}");
        line.trim_end().to_owned()
    }

    /// Kills it, in the middle of what it does; the whole lines that it had printed.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        rest.split_inclusive('\n')
            .filter_map(|line| line.strip_suffix('\n'))
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Has ended already where all went well.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Is one of them.
pub(crate) async fn run(role: &str, url: &str, file: &Path, generation: &str) {
    let builder = Client::builder(url).identity_file(file);
    let (client, inbox) = match role {
        "send" => builder.connect().await.unwrap(),
        _ => builder.receive_only().connect().await.unwrap(),
    };
    if role == "send" {
        send(&client, generation).await;
    } else {
        inbox.handle(async |message| say(&message.body.text().unwrap())).await;
    }
}

/// Sends as fast as the outbox takes it, and says what is written down.
async fn send(client: &Client, generation: &str) {
    let mut number = 0_u64;
    loop {
        let mut sends: Vec<(String, Sending)> = Vec::new();
        for _ in 0..=number % 7 {
            let text = format!("{generation} {number}");
            let outgoing = Outgoing::to("bob").unwrap().text(&text);
            sends.push((text, client.send(outgoing).await));
            number += 1;
        }
        for (text, sending) in &mut sends {
            assert!(sending.written().await);
            say(text);
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}
