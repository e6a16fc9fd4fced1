//! `ackd bench direct`: pairs of a sender and a receiver, each sender with a window of unanswered sends, or at a rate.
//! Latencies are from the send to the delivery. With a rate, a message that had to wait for the server counts from when it
//! was due, so that a stall of the server is not hidden by the sends it held up.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token};

use super::encoding::Encoding;
use super::event_loop::{Loop, histogram};
use super::pair::{self, Pair};
use super::report::{LATENCY, Report};
use super::stopwatch::Stopwatch;
use super::template::PAYLOAD_MIN;
use super::{Target, TargetArgs};
use super::{limits, process};

/// Arguments of `ackd bench direct`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DirectArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Senders, each with a receiver of its own
    #[arg(long, default_value_t = 50)]
    pub(crate) pairs: usize,
    /// Unanswered sends that each sender keeps; above 64, run the server with `--set mailbox_sender_limit=10000`
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1023))]
    pub(crate) window: u64,
    /// Bytes of a body
    #[arg(long, default_value_t = 128)]
    pub(crate) payload: usize,
    /// Messages a second of all pairs together [default: as many as the window allows]
    #[arg(long)]
    pub(crate) rate: Option<u64>,
    /// Seconds that are measured
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// Seconds before that
    #[arg(long, default_value_t = 2)]
    pub(crate) warmup: u64,
    /// Threads of the load generator
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
}

/// What the command line takes.
#[derive(Debug, Args)]
pub(crate) struct DirectCommand {
    #[command(flatten)]
    direct: DirectArgs,
    /// Measures in the same run, before, what this machine gives at most: syncs of a file in DIR (on the server's disk), and
    /// the same messages through a bare WebSocket relay
    #[arg(long, value_name = "DIR")]
    limits: Option<PathBuf>,
}

/// Runs it and prints the figures.
pub(crate) fn run(command: &DirectCommand) -> anyhow::Result<()> {
    let args = &command.direct;
    let limits = command.limits.as_deref().map(|dir| limits::of_machine(dir, args)).transpose()?;
    let mut report = measure(args, "direct", args.target.target()?)?;
    if let Some(limits) = limits {
        limits.add_to(&mut report);
    }
    report.print(args.target.json);
    Ok(())
}

/// Runs it against a server.
pub(crate) fn measure(
    args: &DirectArgs,
    workload: &'static str,
    target: Target,
) -> anyhow::Result<Report> {
    let mut pairs = pair::open(target, args.pairs, args.window, args.payload.max(PAYLOAD_MIN))?;
    let threads = args.threads.clamp(1, args.pairs.max(1));
    let shared = Shared { phase: AtomicU8::new(WARMUP), completed: AtomicU64::new(0) };
    let stopwatch = Stopwatch::start();
    let (figures, workers) = thread::scope(|scope| {
        let mut workers = Vec::new();
        for index in 0..threads {
            let share = pairs.split_off(pairs.len() - pairs.len() / (threads - index));
            let interval = args.rate.map(|rate| args.pairs as u64 * 1_000_000_000 / rate.max(1));
            let (encoding, shared) = (target.encoding, &shared);
            let late = histogram();
            let worker = Worker { encoding, pairs: share, stopwatch, interval, late, shared };
            workers.push(scope.spawn(move || worker.run()));
        }
        let figures = observe(args, &shared);
        shared.phase.store(DRAIN, Ordering::SeqCst);
        let workers: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        (figures, workers)
    });
    let (mut latencies, mut late) = (histogram(), histogram());
    for worker in workers {
        let Ok(worker) = worker else { bail!("a thread of the load generator panicked") };
        let (settled, part, own_late) = worker?;
        latencies.add(part).context("the latencies of all threads")?;
        late.add(own_late).context("the delays of all threads")?;
        for pair in settled {
            pair.check_settled(target)?;
        }
    }
    Ok(figures?.report(args, Report::new(workload), [&latencies, &late]))
}

/// What the measured time has shown.
struct Figures {
    completed: u64,
    seconds: f64,
    server: Option<[process::Usage; 2]>,
    own: [process::Usage; 2],
}

/// Waits for the warm-up, then for the time that is measured.
fn observe(args: &DirectArgs, shared: &Shared) -> anyhow::Result<Figures> {
    let usage = || -> anyhow::Result<_> {
        let server = args.target.pid.map(process::usage).transpose()?;
        Ok((server, process::usage(std::process::id())?))
    };
    thread::sleep(Duration::from_secs(args.warmup)); // what is measured is time
    shared.phase.store(MEASURE, Ordering::SeqCst);
    let (server_before, own_before) = usage()?;
    let (stopwatch, before) = (Stopwatch::start(), shared.completed.load(Ordering::SeqCst));
    thread::sleep(Duration::from_secs(args.seconds));
    let after = shared.completed.load(Ordering::SeqCst);
    let seconds = stopwatch.elapsed().as_secs_f64();
    let (server, own) = usage()?;
    Ok(Figures {
        completed: after - before,
        seconds,
        server: server_before.zip(server).map(|(before, after)| [before, after]),
        own: [own_before, own],
    })
}

impl Figures {
    fn report(
        &self,
        args: &DirectArgs,
        mut report: Report,
        [latencies, late]: [&Histogram<u64>; 2],
    ) -> Report {
        let micros = |[before, after]: [process::Usage; 2]| {
            after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6 / self.completed.max(1) as f64
        };
        report.add("pairs", args.pairs as f64, "");
        report.add("window", args.window as f64, "");
        report.add("payload", args.payload as f64, "bytes");
        report.add("messages", self.completed as f64, "");
        report.add("rate", self.completed as f64 / self.seconds, "messages/s");
        report.add_times(LATENCY, latencies);
        if args.rate.is_some() {
            report.add("late_p99", late.value_at_percentile(99.0) as f64 / 1000.0, "ms");
        }
        report.add("generator_cpu", micros(self.own), "µs/message");
        if let Some(server) = self.server {
            report.add("server_cpu", micros(server), "µs/message");
            report.add("server_rss", server[1].rss_bytes as f64 / 1_048_576.0, "MiB");
        }
        report
    }
}

/// What the threads share with the one that measures.
struct Shared {
    phase: AtomicU8,
    completed: AtomicU64,
}

const WARMUP: u8 = 0;
const MEASURE: u8 = 1;
const DRAIN: u8 = 2;

/// One thread and its pairs.
struct Worker<'s> {
    encoding: Encoding,
    pairs: Vec<Pair>,
    stopwatch: Stopwatch,
    /// Nanoseconds between two sends of a pair.
    interval: Option<u64>,
    /// Microseconds by which the generator itself was late.
    late: Histogram<u64>,
    shared: &'s Shared,
}

impl Worker<'_> {
    fn run(mut self) -> anyhow::Result<(Vec<Pair>, Histogram<u64>, Histogram<u64>)> {
        let mut poll = Poll::new()?;
        for (index, pair) in self.pairs.iter_mut().enumerate() {
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(pair.sender.stream(), Token(2 * index), both)?;
            if let Some(receiver) = &mut pair.receiver {
                poll.registry().register(receiver.stream(), Token(2 * index + 1), both)?;
            }
            // Pairs take turns within the interval.
            pair.due =
                self.interval.map_or(0, |interval| interval * index as u64 / 97 % interval.max(1));
        }
        let (mut events, mut io, mut phase) =
            (Events::with_capacity(1024), Loop::new(self.encoding), WARMUP);
        for index in 0..self.pairs.len() {
            self.fill(index, 0)?;
        }
        let (mut last, mut idle_since) = (0, Stopwatch::start());
        loop {
            let asleep = self.stopwatch.nanos();
            poll.poll(&mut events, Some(self.timeout(asleep)))?;
            if phase == WARMUP && self.shared.phase.load(Ordering::Relaxed) != WARMUP {
                phase = MEASURE;
                io.latencies.reset();
                self.late.reset();
            }
            for event in &events {
                self.handle(event, &mut io)?;
            }
            let is_draining = self.shared.phase.load(Ordering::Relaxed) == DRAIN;
            if self.interval.is_some() && !is_draining {
                for index in 0..self.pairs.len() {
                    self.fill(index, asleep)?;
                }
            }
            let completed: u64 = self.pairs.iter().map(Pair::completed).sum();
            self.shared.completed.fetch_add(completed - last, Ordering::Relaxed);
            if is_draining && self.pairs.iter().all(Pair::is_settled) {
                return Ok((self.pairs, io.latencies, self.late));
            }
            if last < completed || self.pairs.iter().all(Pair::is_settled) {
                idle_since = Stopwatch::start();
            } else if LOST_AFTER < idle_since.elapsed() {
                bail!("lost: {}", self.missing());
            }
            last = completed;
        }
    }

    fn handle(&mut self, event: &mio::event::Event, io: &mut Loop) -> anyhow::Result<()> {
        let Token(token) = event.token();
        let index = token / 2;
        let pair = &mut self.pairs[index];
        if token % 2 == 1 {
            pair.read_deliveries(io, self.stopwatch.nanos())?;
        } else if event.is_readable() {
            pair.read_answers(io)?;
        }
        let is_draining = self.shared.phase.load(Ordering::Relaxed) == DRAIN;
        if self.interval.is_none() && !is_draining {
            self.fill(index, 0)
        } else {
            self.pairs[index].sender.flush()
        }
    }

    /// Sends what the window, or the rate, allows. What fell due while the loop slept (since `asleep`) counts from now:
    /// the delay is the generator's.
    fn fill(&mut self, index: usize, asleep: u64) -> anyhow::Result<()> {
        let (now, pair) = (self.stopwatch.nanos(), &mut self.pairs[index]);
        while pair.has_room() {
            match self.interval {
                None => pair.send(now),
                Some(_) if now < pair.due => break,
                Some(interval) => {
                    let is_own_delay = asleep <= pair.due;
                    if is_own_delay {
                        self.late.saturating_record((now - pair.due) / 1000);
                    }
                    pair.send(if is_own_delay { now } else { pair.due });
                    pair.due += interval;
                }
            }
        }
        pair.sender.flush()
    }

    fn timeout(&self, now: u64) -> Duration {
        let next = self.interval.and(self.pairs.iter().map(|pair| pair.due).min());
        let nanos = next.map_or(100_000_000, |due| due.saturating_sub(now));
        Duration::from_nanos(nanos.min(100_000_000))
    }

    fn missing(&self) -> String {
        let unsettled: Vec<_> = self.pairs.iter().filter(|pair| !pair.is_settled()).collect();
        let first = unsettled.first().map(|pair| (pair.sent, pair.completed()));
        format!(
            "{} pairs do not get on; of the first (sent, completed): {first:?}",
            unsettled.len()
        )
    }
}

const LOST_AFTER: Duration = Duration::from_secs(15);
