//! `ackd bench connect`: clients that come back with identity and token, many at a time, and what that costs the server.

use clap::Args;
use serde_json::json;

use super::report::Report;
use super::stopwatch::Stopwatch;
use super::{TargetArgs, pair, process};

/// Arguments of `ackd bench connect`.
#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Clients; each comes once for its identity, which is not measured, and comes back in every round
    #[arg(long, default_value_t = 1000)]
    clients: usize,
    /// How often they come back
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// Runs it and prints the figures.
pub(crate) fn run(args: &ConnectArgs) -> anyhow::Result<()> {
    let target = args.target.target()?;
    let first = pair::enter(target, args.clients, |_| json!({"op": "connect"}))?;
    let identities: Vec<_> = first.into_iter().map(|(_, connected)| connected).collect();
    let usage = || args.target.pid.map(process::usage).transpose();
    let (before, stopwatch) = (usage()?, Stopwatch::start());
    for _ in 0..args.rounds {
        let comeback = |index: usize| {
            let (id, token) = (&identities[index]["id"], &identities[index]["token"]);
            json!({"op": "connect", "id": id, "token": token})
        };
        drop(pair::enter(target, args.clients, comeback)?);
    }
    let seconds = stopwatch.elapsed().as_secs_f64();
    let count = args.clients as f64 * f64::from(args.rounds);
    let mut report = Report::new("connect");
    report.add("clients", args.clients as f64, "");
    report.add("connections", count, "");
    report.add("rate", count / seconds, "connections/s");
    if let Some((before, after)) = before.zip(usage()?) {
        let busy = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6;
        report.add("server_cpu", busy / count, "µs/connection");
        report.add("server_rss", after.rss_bytes as f64 / 1_048_576.0, "MiB");
    }
    report.print(args.target.json);
    Ok(())
}
