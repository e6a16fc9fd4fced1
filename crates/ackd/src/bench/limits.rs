//! `ackd bench limits`: what this machine can do, to compare the server with: syncs of a preallocated file, and the direct
//! workload on a relay that keeps nothing.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::Target;
use super::direct::{self, DirectArgs};
use super::encoding::Encoding;
use super::event_loop::histogram;
use super::report::{LATENCY, Report};
use super::stopwatch::Stopwatch;

/// Arguments of `ackd bench limits`.
#[derive(Debug, Args)]
pub(crate) struct LimitsArgs {
    /// Where to write the file: on the disk that the server would use
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    direct: DirectArgs,
}

/// Runs it and prints the figures.
pub(crate) fn run(args: &LimitsArgs) -> anyhow::Result<()> {
    syncs(&args.dir, Duration::from_secs(5))?.print(args.direct.target.json);
    relayed(&args.direct)?.print(args.direct.target.json);
    Ok(())
}

/// What the machine gives, measured in the same run as a workload.
#[derive(Debug)]
pub(crate) struct Limits {
    syncs: Report,
    relayed: Report,
}

/// Measures both for a few seconds.
pub(crate) fn of_machine(dir: &Path, args: &DirectArgs) -> anyhow::Result<Limits> {
    let syncs = syncs(dir, Duration::from_secs(2))?;
    let args = DirectArgs { seconds: 3, warmup: 1, ..args.clone() };
    Ok(Limits { syncs, relayed: relayed(&args)? })
}

impl Limits {
    /// Adds the limits, and how far from them the workload is.
    pub(crate) fn add_to(&self, report: &mut Report) {
        let pairs = [("p50", "sync_p50", "relay_p50"), ("p99", "sync_p99", "relay_p99")];
        for (name, sync_name, relay_name) in pairs {
            report.add(sync_name, self.syncs.figure(name).unwrap_or_default(), "ms");
            report.add(relay_name, self.relayed.figure(name).unwrap_or_default(), "ms");
        }
        let (syncs, relay) = (self.syncs.figure("rate"), self.relayed.figure("rate"));
        report.add("syncs", syncs.unwrap_or_default(), "syncs/s");
        report.add("relay_rate", relay.unwrap_or_default(), "messages/s");
        let bound =
            |name: &str| self.syncs.figure(name).zip(self.relayed.figure(name)).map(|(a, b)| a + b);
        if let (Some(own), Some(bound)) = (report.figure("p50"), bound("p50")) {
            report.add("p50_above", own - bound, "ms above a sync and a relay");
        }
        if let (Some(own), Some(bound)) = (report.figure("p99"), bound("p99")) {
            report.add("p99_ratio", own / bound, "of a sync and a relay");
        }
        if let (Some(own), Some(relay)) = (report.figure("rate"), relay) {
            report.add("rate_ratio", own / relay, "of a relay");
        }
    }
}

/// The direct workload through a relay that keeps nothing.
fn relayed(args: &DirectArgs) -> anyhow::Result<Report> {
    let mut relay = spawn_relay()?;
    let report = address(&mut relay).and_then(|address| {
        let mut args = args.clone();
        args.target.pid = Some(relay.id());
        // The relay speaks JSON only.
        let target = Target { address, encoding: Encoding::Json };
        direct::measure(&args, "direct, relayed", target)
    });
    relay.kill().and_then(|()| relay.wait()).context("cannot end the relay")?;
    report
}

/// In a process of its own, so that its CPU time can be told from the generator's.
fn spawn_relay() -> anyhow::Result<Child> {
    let mut relay = Command::new(std::env::current_exe()?);
    relay.args(["bench", "relay", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
    relay.spawn().context("cannot start the relay")
}

/// Where it listens.
fn address(relay: &mut Child) -> anyhow::Result<SocketAddr> {
    let stdout = relay.stdout.take().context("its standard output is piped")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening on http://").unwrap_or_default();
    address.parse().with_context(|| format!("the relay said {line:?}"))
}

/// One write of 4 KiB and one fdatasync after the other.
fn syncs(dir: &Path, length: Duration) -> anyhow::Result<Report> {
    let path = dir.join(format!("ackd-bench-{}.tmp", std::process::id()));
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    // Its name is not needed any more, and nothing remains whatever happens.
    std::fs::remove_file(&path)?;
    let block = [0x5a; 4096];
    for _ in 0..BLOCKS {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    let (mut times, stopwatch, mut count) = (histogram(), Stopwatch::start(), 0);
    while stopwatch.elapsed() < length {
        let write = Stopwatch::start();
        std::os::unix::fs::FileExt::write_all_at(&file, &block, count % BLOCKS * 4096)?;
        file.sync_data()?;
        times.saturating_record(write.elapsed().as_micros() as u64);
        count += 1;
    }
    let mut report = Report::new("fdatasync");
    report.add("rate", count as f64 / stopwatch.elapsed().as_secs_f64(), "syncs/s");
    report.add_times(LATENCY, &times);
    Ok(report)
}

const BLOCKS: u64 = 4096;
