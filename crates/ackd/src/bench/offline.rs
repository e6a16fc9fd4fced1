//! `ackd bench offline`: messages to receivers that are away, then their delivery when they come back.

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use mio::{Events, Interest, Poll, Token};

use super::event_loop::Loop;
use super::pair::{self, Pair};
use super::report::Report;
use super::stopwatch::Stopwatch;
use super::template::PAYLOAD_MIN;
use super::{TargetArgs, process};

/// Arguments of `ackd bench offline`.
#[derive(Debug, Args)]
pub(crate) struct OfflineArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Senders, each with a receiver of its own that is away
    #[arg(long, default_value_t = 200)]
    pairs: usize,
    /// Messages to each; the server's `mailbox_sender_limit` is 1,000 by default
    #[arg(long, default_value_t = 1000)]
    messages: u64,
    /// Unanswered sends that each sender keeps
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1023))]
    window: u64,
    /// Bytes of a body
    #[arg(long, default_value_t = 128)]
    payload: usize,
}

/// Runs it and prints the figures.
pub(crate) fn run(args: &OfflineArgs) -> anyhow::Result<()> {
    let target = args.target.target()?;
    let mut pairs = pair::open(target, args.pairs, args.window, args.payload.max(PAYLOAD_MIN))?;
    let total = args.messages * args.pairs as u64;
    let mut report = Report::new("offline");
    report.add("pairs", args.pairs as f64, "");
    report.add("messages", total as f64, "");
    for pair in &mut pairs {
        pair.receiver = None;
    }
    timed(args, &mut report, ["stored", "stored_cpu", "rss_stored"], || {
        Drive::Store.run(&mut pairs, args)
    })?;
    timed(args, &mut report, ["handed_over", "handed_over_cpu", "rss_handed_over"], || {
        let links = pair::enter(target, pairs.len(), |index| pairs[index].comeback())?;
        for (pair, (link, _)) in pairs.iter_mut().zip(links) {
            pair.receiver = Some(link);
        }
        Drive::HandOver.run(&mut pairs, args)
    })?;
    for pair in pairs {
        pair.check_settled(target)?;
    }
    report.print(args.target.json);
    Ok(())
}

/// Runs one half and adds its figures: rate, CPU, memory.
fn timed(
    args: &OfflineArgs,
    report: &mut Report,
    [rate, cpu, rss]: [&'static str; 3],
    half: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let total = (args.messages * args.pairs as u64) as f64;
    let usage = || args.target.pid.map(process::usage).transpose();
    let (before, stopwatch) = (usage()?, Stopwatch::start());
    half()?;
    report.add(rate, total / stopwatch.elapsed().as_secs_f64(), "messages/s");
    if let Some((before, after)) = before.zip(usage()?) {
        let busy = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6;
        report.add(cpu, busy / total, "µs/message");
        report.add(rss, after.rss_bytes as f64 / 1_048_576.0, "MiB");
    }
    Ok(())
}

/// Which half.
#[derive(Debug, Clone, Copy)]
enum Drive {
    Store,
    HandOver,
}

impl Drive {
    /// Runs all pairs until each has `messages` accepted, or delivered.
    fn run(self, pairs: &mut [Pair], args: &OfflineArgs) -> anyhow::Result<()> {
        let (messages, mut io) = (args.messages, Loop::new(args.target.encoding));
        let mut poll = Poll::new()?;
        for (index, pair) in pairs.iter_mut().enumerate() {
            let both = Interest::READABLE | Interest::WRITABLE;
            let stream = match (self, &mut pair.receiver) {
                (Self::HandOver, Some(receiver)) => receiver.stream(),
                _ => pair.sender.stream(),
            };
            poll.registry().register(stream, Token(index), both)?;
        }
        let (mut events, mut left) = (Events::with_capacity(1024), pairs.len());
        while 0 < left {
            poll.poll(&mut events, Some(LOST_AFTER))?;
            if events.is_empty() {
                bail!("lost: {left} of {} pairs do not get on", pairs.len());
            }
            for event in &events {
                let pair = &mut pairs[event.token().0];
                let before = self.progress(pair);
                self.step(pair, &mut io, messages)?;
                left -= usize::from(before < messages && messages <= self.progress(pair));
            }
        }
        Ok(())
    }

    fn progress(self, pair: &Pair) -> u64 {
        match self {
            Self::Store => pair.accepted,
            Self::HandOver => pair.received.n,
        }
    }

    fn step(self, pair: &mut Pair, io: &mut Loop, messages: u64) -> anyhow::Result<()> {
        match self {
            Self::HandOver => pair.read_deliveries(io, 0),
            Self::Store => {
                pair.read_answers(io)?;
                while pair.sent < messages && pair.has_room() {
                    pair.send(0);
                }
                pair.sender.flush()
            }
        }
    }
}

const LOST_AFTER: Duration = Duration::from_secs(15);
