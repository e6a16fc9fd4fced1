//! The server as a process of this workload.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A running server. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Child {
    process: std::process::Child,
    address: String,
    url: String,
}

impl Child {
    /// Starts it; back when it listens.
    pub(super) async fn start(data_dir: &Path, listen: &str) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find the program itself")?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", listen, "--data-dir"]).arg(data_dir);
        for setting in SETTINGS {
            command.args(["--set", setting]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        tokio::task::spawn_blocking(move || Self::listening(command)).await?
    }

    fn listening(mut command: Command) -> anyhow::Result<Self> {
        let mut process = command.spawn().context("cannot start the server")?;
        let stdout = process.stdout.take().ok_or_else(|| anyhow!("standard output is piped"))?;
        let mut child = Self { process, address: String::new(), url: String::new() };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.trim_end().strip_prefix("listening on ").map(str::to_owned);
        child.url = url.ok_or_else(|| anyhow!("the server does not start"))?;
        child.address = child.url.rsplit_once("//").map_or("", |(_, rest)| rest).to_owned();
        Ok(child)
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?; // it is gone in no time
        Ok(())
    }

    /// SIGTERM, and waits for the end, which must be a good one.
    pub(super) async fn drain(mut self) -> anyhow::Result<Self> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        let waiting = tokio::task::spawn_blocking(move || {
            let status = self.process.wait();
            (self, status)
        });
        let (child, status) = waiting.await?;
        let status = status?;
        if !status.success() {
            bail!("the server drained with {status}");
        }
        Ok(child)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Fails where it has ended, which is fine.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// All clients come from one address; what is measured is not the log.
const SETTINGS: [&str; 2] = ["limits.connections_per_ip=1000000", "log.level=\"error\""];
