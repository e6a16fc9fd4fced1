//! `ackd bench idle`: connections that do nothing, and what each costs the server. Run the server with a fresh data
//! directory, `--set limits.connections_per_ip=100000`, and enough file descriptors on both sides.

use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::report::Report;
use super::stopwatch::Stopwatch;
use super::{TargetArgs, pair, process};

/// Arguments of `ackd bench idle`.
#[derive(Debug, Args)]
pub(crate) struct IdleArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// How many
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// Seconds of rest before memory and CPU are read
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Runs it and prints the figures.
pub(crate) fn run(args: &IdleArgs) -> anyhow::Result<()> {
    let target = args.target.target()?;
    let usage = || args.target.pid.map(process::usage).transpose();
    // The first connections fill pools and tables that do not grow with their number.
    let first = pair::enter(target, 64.min(args.connections), |_| json!({"op": "connect"}))?;
    let before = usage()?;
    let stopwatch = Stopwatch::start();
    let count = args.connections - first.len();
    let links = pair::enter(target, count, |_| json!({"op": "connect"}))
        .context("more connections than the server or this process may have?")?;
    let opened = stopwatch.elapsed().as_secs_f64();
    thread::sleep(Duration::from_secs(2)); // lets what was begun end
    let settled = usage()?;
    thread::sleep(Duration::from_secs(args.seconds)); // rest is what is measured
    let mut report = Report::new("idle");
    report.add("connections", args.connections as f64, "");
    report.add("opened", count as f64 / opened, "connections/s");
    if let (Some(before), Some(settled), Some(after)) = (before, settled, usage()?) {
        let grown = after.rss_bytes.saturating_sub(before.rss_bytes) as f64;
        let busy = after.cpu.saturating_sub(settled.cpu).as_secs_f64();
        report.add("rss_each", grown / count as f64, "bytes/connection");
        report.add("server_rss", after.rss_bytes as f64 / 1_048_576.0, "MiB");
        report.add("server_cpu", busy / args.seconds as f64 * 100.0, "% of a core");
    }
    report.print(args.target.json);
    drop((first, links));
    Ok(())
}
