//! `ackd bench offline`: messages to receivers that are away, then their delivery when they come back. Both halves can run
//! apart, so that something may happen to the server in between.

pub(super) mod away;
mod hand_over;
pub(super) mod store;

use std::path::PathBuf;

use clap::Args;

use self::away::Away;
use super::report::Report;
use super::stopwatch::Stopwatch;
use super::{TargetArgs, process};

/// Arguments of `ackd bench offline`.
#[derive(Debug, Args)]
pub(crate) struct OfflineArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Receivers, each with a mailbox of its own, that are away
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    receivers: u32,
    /// Senders, who share the receivers among them
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    senders: u32,
    /// Messages to each; the server's `mailbox_sender_limit` is 1,000 by default
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    messages: u64,
    /// Unanswered sends that each sender keeps
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1023))]
    window: u64,
    /// Bytes of a body
    #[arg(long, default_value_t = 128)]
    payload: usize,
    /// Receivers that come back at the same time
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    at_once: u32,
    /// Ends when everything is stored, and writes to FILE who the receivers are, tokens included
    #[arg(long, value_name = "FILE", conflicts_with = "hand_over")]
    store_only: Option<PathBuf>,
    /// Stores nothing: the receivers of FILE come back
    #[arg(long, value_name = "FILE")]
    hand_over: Option<PathBuf>,
}

/// Runs it and prints the figures.
pub(crate) fn run(args: &OfflineArgs) -> anyhow::Result<()> {
    let mut report = Report::new("offline");
    let away = match &args.hand_over {
        Some(path) => Away::read(path)?,
        None => store(args, &mut report)?,
    };
    match &args.store_only {
        Some(path) => away.write(path)?,
        None => hand_over(args, &away, &mut report)?,
    }
    report.print(args.target.json);
    Ok(())
}

/// The first half.
fn store(args: &OfflineArgs, report: &mut Report) -> anyhow::Result<Away> {
    let target = args.target.target()?;
    let mut away = Away::make(target, args.receivers)?;
    report.add("receivers", f64::from(args.receivers), "");
    report.add("messages", (args.messages * u64::from(args.receivers)) as f64, "");
    timed(args, &away, report, ["stored", "stored_cpu", "rss_stored", "peak_stored"], |away| {
        let load = store::Load {
            first: 1,
            messages: args.messages,
            window: args.window,
            payload: args.payload,
            senders: args.senders as usize,
        };
        store::run(target, &load, away)
    })?;
    away.messages = args.messages;
    Ok(away)
}

/// The second half.
fn hand_over(args: &OfflineArgs, away: &Away, report: &mut Report) -> anyhow::Result<()> {
    let target = args.target.target()?;
    let names = ["handed_over", "handed_over_cpu", "rss_handed_over", "peak_handed_over"];
    timed(args, away, report, names, |away| hand_over::run(target, away, args.at_once as usize))?;
    hand_over::check_settled(target, away)
}

/// Runs one half and adds its figures: rate, CPU, memory at its end and the most since the server's start.
fn timed(
    args: &OfflineArgs,
    away: &Away,
    report: &mut Report,
    [rate, cpu, rss, peak]: [&'static str; 4],
    half: impl FnOnce(&Away) -> anyhow::Result<u64>,
) -> anyhow::Result<()> {
    let usage = || args.target.pid.map(process::usage).transpose();
    let (before, stopwatch) = (usage()?, Stopwatch::start());
    let messages = half(away)? as f64;
    report.add(rate, messages / stopwatch.elapsed().as_secs_f64(), "messages/s");
    if let Some((before, after)) = before.zip(usage()?) {
        let busy = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6;
        report.add(cpu, busy / messages, "µs/message");
        report.add(rss, after.rss_bytes as f64 / 1_048_576.0, "MiB");
        report.add(peak, after.rss_peak_bytes as f64 / 1_048_576.0, "MiB");
    }
    Ok(())
}
