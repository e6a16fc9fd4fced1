//! `ackd bench slow`: consumers that stop reading while much waits for them. Others are measured before and meanwhile, the
//! server's memory just before the consumers come and while they do not read; then they read again, on the same
//! connections, and must get everything in order.

use std::thread;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use mio::{Events, Interest, Poll, Token};

use super::direct::{self, DirectArgs};
use super::event_loop::{Loop, Received};
use super::link::Link;
use super::offline::away::Away;
use super::offline::store::{self, Load};
use super::report::Report;
use super::stopwatch::Stopwatch;
use super::{Target, TargetArgs, pair, process};

/// Arguments of `ackd bench slow`.
#[derive(Debug, Args)]
pub(crate) struct SlowArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Consumers that stop reading
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    consumers: u32,
    /// Messages that wait for each, a tenth of them sent while it does not read; run the server with `--set` of
    /// `mailbox_limit`, `mailbox_sender_limit` and `mailbox_bytes` to match, and with a `ping_interval` that is longer than
    /// the run: who does not read does not answer pings
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10..))]
    messages: u64,
    /// Bytes of a body
    #[arg(long, default_value_t = 128)]
    payload: usize,
    /// Pairs that are measured beside them
    #[arg(long, default_value_t = 10)]
    pairs: usize,
    /// Messages a second of all pairs together
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    rate: u64,
    /// Seconds that the pairs are measured, each time
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds for the server to come to rest before its memory is read
    #[arg(long, default_value_t = 5)]
    rest: u64,
}

/// Runs it and prints the figures.
pub(crate) fn run(args: &SlowArgs) -> anyhow::Result<()> {
    let target = args.target.target()?;
    let mut report = Report::new("slow");
    let away = Away::make(target, args.consumers)?;
    report.add("consumers", f64::from(args.consumers), "");
    report.add("messages", args.messages as f64, "each");
    let late = args.messages / 10;
    store::run(target, &args.load(1, args.messages - late), &away)?;
    args.others(target, ["p50_before", "p99_before", "cpu_before"], &mut report)?;
    let before = args.rest()?;
    let mut slow = Slow::come(target, &away)?;
    let meanwhile = args.rest()?;
    args.others(target, ["p50_meanwhile", "p99_meanwhile", "cpu_meanwhile"], &mut report)?;
    store::run(target, &args.load(args.messages - late + 1, late), &away)?;
    if let Some((before, meanwhile)) = before.zip(meanwhile) {
        let grown = meanwhile.rss_bytes as f64 - before.rss_bytes as f64;
        report.add("rss_each", grown / f64::from(args.consumers) / 1024.0, "KiB/consumer");
        report.add("server_rss", meanwhile.rss_bytes as f64 / 1_048_576.0, "MiB");
    }
    let stopwatch = Stopwatch::start();
    slow.read_again(args.messages)?;
    let all = args.messages as f64 * f64::from(args.consumers);
    report.add("read_again", all / stopwatch.elapsed().as_secs_f64(), "messages/s");
    drop(slow);
    check_settled(target, &away)?;
    report.print(args.target.json);
    Ok(())
}

impl SlowArgs {
    fn load(&self, first: u64, messages: u64) -> Load {
        let senders = self.consumers.min(100) as usize;
        Load { first, messages, window: 256, payload: self.payload, senders }
    }

    /// Lets the server rest; its memory then.
    fn rest(&self) -> anyhow::Result<Option<process::Usage>> {
        thread::sleep(Duration::from_secs(self.rest)); // rest is what is measured
        self.target.pid.map(process::usage).transpose()
    }

    /// Measures pairs at a rate far below what the server can do.
    fn others(
        &self,
        target: Target,
        [p50, p99, cpu]: [&'static str; 3],
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let direct = DirectArgs {
            target: self.target.clone(),
            pairs: self.pairs,
            window: 64,
            payload: self.payload,
            rate: Some(self.rate),
            seconds: self.seconds,
            warmup: 1,
            threads: 1,
        };
        let measured = direct::measure(&direct, "direct", target)?;
        for (name, of, unit) in
            [(p50, "p50", "ms"), (p99, "p99", "ms"), (cpu, "server_cpu", "µs/message")]
        {
            if let Some(value) = measured.figure(of) {
                report.add(name, value, unit);
            }
        }
        Ok(())
    }
}

/// The consumers, connected.
struct Slow {
    links: Vec<(Link, Received)>,
    io: Loop,
}

impl Slow {
    /// They come, and read nothing but that they are in.
    fn come(target: Target, away: &Away) -> anyhow::Result<Self> {
        let comeback = |index: usize| {
            let mut connect = away.receivers[index].comeback();
            connect["window"] = ackd_wire::limits::WINDOW_MAX.into();
            connect
        };
        let links = pair::enter(target, away.receivers.len(), comeback)?;
        let links = links.into_iter().map(|(link, _)| (link, Received::default())).collect();
        Ok(Self { links, io: Loop::new(target.encoding) })
    }

    /// They read and acknowledge until each has everything.
    fn read_again(&mut self, messages: u64) -> anyhow::Result<()> {
        let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
        let both = Interest::READABLE | Interest::WRITABLE;
        for (index, (link, _)) in self.links.iter_mut().enumerate() {
            poll.registry().register(link.stream(), Token(index), both)?;
        }
        let mut left = self.links.len();
        while 0 < left {
            poll.poll(&mut events, Some(LOST_AFTER))?;
            if events.is_empty() {
                let got = self.links.iter().map(|(_, received)| received.n).min();
                bail!("lost: {left} consumers do not get on, the last at {got:?} of {messages}");
            }
            for event in &events {
                let (link, received) = &mut self.links[event.token().0];
                let before = received.n;
                self.io.read_deliveries(link, received, 0)?;
                left -= usize::from(before < messages && received.n == messages);
            }
        }
        Ok(())
    }
}

/// They come once more: nothing may wait.
fn check_settled(target: Target, away: &Away) -> anyhow::Result<()> {
    for _ in 0..50 {
        let again =
            pair::enter(target, away.receivers.len(), |index| away.receivers[index].comeback())?;
        if again.iter().all(|(_, connected)| connected["pending"] == 0) {
            return Ok(());
        }
        // The acks of the closed connections may still be on their way through the server.
        thread::sleep(Duration::from_millis(20));
    }
    bail!("all was acknowledged, but some of it waits still")
}

const LOST_AFTER: Duration = Duration::from_secs(30);
