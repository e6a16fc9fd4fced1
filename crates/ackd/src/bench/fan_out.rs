//! `ackd bench fan-out`: one sender and the members of a live room. Each member must get each message once and in order;
//! with `--persist never` some may be missing where a member is slow, and they are counted.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token};
use serde_json::{Value, json};

use super::event_loop::Loop;
use super::link::{Link, Opening};
use super::pair::{self, HANDSHAKES};
use super::report::{LATENCY, Report};
use super::stopwatch::Stopwatch;
use super::template::{PAYLOAD_MIN, Template};
use super::{Target, TargetArgs, process};

/// Arguments of `ackd bench fan-out`.
#[derive(Debug, Args)]
pub(crate) struct FanOutArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Members of the room besides the sender
    #[arg(long, default_value_t = 1000)]
    members: usize,
    /// How messages are kept: `never`, or `miss`, which members acknowledge
    #[arg(long, value_enum, default_value_t = Persist::Never)]
    persist: Persist,
    /// Messages that are not answered, or not with all members, at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1023))]
    window: u64,
    /// Bytes of a body
    #[arg(long, default_value_t = 128)]
    payload: usize,
    /// Messages a second that are sent [default: as many as the window allows]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    /// Seconds that are measured
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds before that
    #[arg(long, default_value_t = 2)]
    warmup: u64,
}

/// How messages are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Persist {
    Never,
    Miss,
}

/// Runs it and prints the figures.
pub(crate) fn run(args: &FanOutArgs) -> anyhow::Result<()> {
    let target = args.target.target()?;
    let mut room = Room::open(args, target)?;
    let (mut io, stopwatch) = (Loop::new(target.encoding), Stopwatch::start());
    room.drive(&mut io, stopwatch, Duration::from_secs(args.warmup))?;
    io.latencies.reset();
    let usage = || args.target.pid.map(process::usage).transpose();
    let (before, measured) = (usage()?, Stopwatch::start());
    let (sent, delivered, missed) = (room.sent, room.delivered, room.missed);
    room.drive(&mut io, stopwatch, stopwatch.elapsed() + Duration::from_secs(args.seconds))?;
    let seconds = measured.elapsed().as_secs_f64();
    let after = usage()?;
    let figures = Figures {
        sent: room.sent - sent,
        delivered: room.delivered - delivered,
        missed: room.missed - missed,
        seconds,
        server: before.zip(after),
    };
    let latencies = io.latencies.clone();
    room.settle(&mut io, stopwatch)?;
    if args.persist == Persist::Miss {
        room.check_settled(target)?;
    }
    figures.report(args, &latencies).print(args.target.json);
    Ok(())
}

/// What the measured time has shown.
struct Figures {
    sent: u64,
    delivered: u64,
    missed: u64,
    seconds: f64,
    server: Option<(process::Usage, process::Usage)>,
}

impl Figures {
    fn report(&self, args: &FanOutArgs, latencies: &Histogram<u64>) -> Report {
        let mut report = Report::new("fan-out");
        report.add("members", args.members as f64, "");
        report.add("window", args.window as f64, "");
        report.add("payload", args.payload as f64, "bytes");
        report.add("sent", self.sent as f64 / self.seconds, "messages/s");
        report.add("rate", self.delivered as f64 / self.seconds, "deliveries/s");
        report.add("missed", self.missed as f64, "deliveries");
        report.add_times(LATENCY, latencies);
        if let Some((before, after)) = self.server {
            let busy = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6;
            report.add("server_cpu", busy / self.delivered.max(1) as f64, "µs/delivery");
            report.add("server_rss", after.rss_bytes as f64 / 1_048_576.0, "MiB");
        }
        report
    }
}

/// The sender, the members, and what is on its way between them.
struct Room {
    persist: Persist,
    window: u64,
    /// Nanoseconds between two sends.
    interval: Option<u64>,
    poll: Poll,
    sender: Link,
    template: Template,
    members: Vec<Member>,
    sent: u64,
    accepted: u64,
    due: u64,
    delivered: u64,
    missed: u64,
    /// How many members have not got it yet, for each message on its way, the oldest first.
    open: VecDeque<usize>,
    oldest: u64,
}

struct Member {
    link: Link,
    identity: Value,
    /// The last number it got.
    last: u64,
}

impl Room {
    fn open(args: &FanOutArgs, target: Target) -> anyhow::Result<Self> {
        let name = format!("bench-{}", std::process::id());
        let poll = Poll::new()?;
        let connect = json!({"op": "connect", "window": 1024});
        let mut members = Vec::with_capacity(args.members);
        while members.len() < args.members {
            let count = HANDSHAKES.min(args.members - members.len());
            members.extend(enter(target, count, &connect, &name)?);
        }
        let sender = json!({"op": "connect", "outbox": "bench"});
        let Member { link: mut sender, .. } = enter(target, 1, &sender, &name)?.remove(0);
        let both = Interest::READABLE | Interest::WRITABLE;
        for (index, member) in members.iter_mut().enumerate() {
            poll.registry().register(member.link.stream(), Token(index), both)?;
        }
        poll.registry().register(sender.stream(), SENDER, both)?;
        let persist = if args.persist == Persist::Never { "never" } else { "miss" };
        let to = format!(r#""room":"{name}","persist":"{persist}""#);
        Ok(Self {
            persist: args.persist,
            window: args.window,
            interval: args.rate.map(|rate| 1_000_000_000 / rate),
            poll,
            sender,
            template: Template::new(target.encoding, &to, args.payload.max(PAYLOAD_MIN)),
            members,
            sent: 0,
            accepted: 0,
            due: 0,
            delivered: 0,
            missed: 0,
            open: VecDeque::new(),
            oldest: 1,
        })
    }

    /// Sends and delivers until then.
    fn drive(&mut self, io: &mut Loop, clock: Stopwatch, until: Duration) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut moved = Stopwatch::start();
        while clock.elapsed() < until {
            self.fill(clock.nanos())?;
            self.poll.poll(&mut events, Some(self.timeout(clock.nanos())))?;
            if !events.is_empty() || self.open.is_empty() {
                moved = Stopwatch::start();
            } else if self.persist == Persist::Never && SETTLED_AFTER < moved.elapsed() {
                // Slow members were not given the last of them, and learn that from what comes next.
                self.oldest += self.open.drain(..).len() as u64;
            }
            self.check_progress(moved)?;
            for event in &events {
                self.handle(event, io, clock.nanos())?;
            }
        }
        Ok(())
    }

    /// Sends no more, until all is delivered. What slow members are not given (`never`) is not waited for.
    fn settle(&mut self, io: &mut Loop, clock: Stopwatch) -> anyhow::Result<()> {
        let (mut events, mut moved) = (Events::with_capacity(1024), Stopwatch::start());
        while self.accepted < self.sent || !self.open.is_empty() {
            self.poll.poll(&mut events, Some(Duration::from_millis(100)))?;
            if !events.is_empty() {
                moved = Stopwatch::start();
            } else if self.persist == Persist::Never && SETTLED_AFTER < moved.elapsed() {
                break;
            }
            self.check_progress(moved)?;
            for event in &events {
                self.handle(event, io, clock.nanos())?;
            }
        }
        Ok(())
    }

    fn check_progress(&self, moved: Stopwatch) -> anyhow::Result<()> {
        if LOST_AFTER < moved.elapsed() {
            let waiting = self.open.front().copied().unwrap_or_default();
            bail!("lost: {waiting} members wait for number {} of {}", self.oldest, self.sent);
        }
        Ok(())
    }

    /// Sends what the window, or the rate, allows. With a rate, a message counts from when it was due.
    fn fill(&mut self, now: u64) -> anyhow::Result<()> {
        while self.sent - self.accepted < self.window && (self.open.len() as u64) < self.window {
            let at = match self.interval {
                None => now,
                Some(_) if now < self.due => break,
                Some(interval) => {
                    let due = if self.due == 0 { now } else { self.due };
                    self.due = due + interval;
                    due
                }
            };
            self.sent += 1;
            self.open.push_back(self.members.len());
            self.sender.push(self.template.fill(self.sent, at));
        }
        self.sender.flush()
    }

    fn timeout(&self, now: u64) -> Duration {
        let nanos = self.interval.map_or(MOMENT, |_| self.due.saturating_sub(now));
        Duration::from_nanos(nanos.min(MOMENT))
    }

    fn handle(&mut self, event: &mio::event::Event, io: &mut Loop, now: u64) -> anyhow::Result<()> {
        if event.token() == SENDER {
            io.read_answers(&mut self.sender, &mut self.accepted)?;
            return self.sender.flush();
        }
        let member = &mut self.members[event.token().0];
        let (before, mut count) = (member.last, 0);
        let mut acks = String::new();
        let wants_acks = self.persist == Persist::Miss;
        io.read_live(&mut member.link, &mut member.last, now, |_, id| {
            count += 1;
            if wants_acks {
                acks.push_str(if acks.is_empty() { "\"" } else { ",\"" });
                acks.push_str(&String::from_utf8_lossy(id));
                acks.push('"');
            }
        })?;
        if !acks.is_empty() {
            member.link.push_json(&format!(r#"{{"op":"ack","ids":[{acks}]}}"#));
        }
        member.link.flush()?;
        let last = member.last;
        self.delivered += count;
        let missed = last - before - count;
        if 0 < missed && wants_acks {
            bail!("lost: {missed} of the numbers {} to {last} of a member", before + 1);
        }
        self.missed += missed;
        self.got(before, last);
        Ok(())
    }

    /// A member has got, or missed, what lies between two numbers.
    fn got(&mut self, before: u64, last: u64) {
        for n in before + 1..=last {
            // What lies before the oldest was given up for this member.
            if let Some(waiting) =
                n.checked_sub(self.oldest).and_then(|i| self.open.get_mut(i as usize))
            {
                *waiting = waiting.saturating_sub(1);
            }
        }
        while self.open.front() == Some(&0) {
            self.open.pop_front();
            self.oldest += 1;
        }
    }

    /// Connects the members again: nothing may wait.
    fn check_settled(self, target: Target) -> anyhow::Result<()> {
        let identities: Vec<Value> =
            self.members.into_iter().map(|member| member.identity).collect();
        for _ in 0..50 {
            let comeback = |index: usize| {
                let (id, token) = (&identities[index]["id"], &identities[index]["token"]);
                json!({"op": "connect", "id": id, "token": token})
            };
            let again = pair::enter(target, identities.len(), comeback)?;
            if again.iter().all(|(_, connected)| connected["pending"] == 0) {
                return Ok(());
            }
            // The acks of the closed connections may still be on their way through the server.
        }
        bail!("all was acknowledged, but some of it waits still")
    }
}

/// Opens connections, all at once, that are in the room.
fn enter(target: Target, count: usize, connect: &Value, room: &str) -> anyhow::Result<Vec<Member>> {
    let opening = |_| Opening::start(target);
    let mut openings = (0..count).map(opening).collect::<anyhow::Result<Vec<_>>>()?;
    for opening in &mut openings {
        opening.upgraded(connect)?;
    }
    let mut identities = Vec::with_capacity(count);
    for opening in &mut openings {
        identities.push(opening.answered("connected")?);
        opening.ask(&json!({"op": "join", "room": room}))?;
    }
    let entered = openings.into_iter().zip(identities).map(|(mut opening, identity)| {
        opening.answered("joined")?;
        Ok(Member { link: opening.into_link()?, identity, last: 0 })
    });
    entered.collect()
}

const SENDER: Token = Token(usize::MAX);
const LOST_AFTER: Duration = Duration::from_secs(15);
/// So long nothing moves when nothing more comes.
const SETTLED_AFTER: Duration = Duration::from_millis(300);
/// Nanoseconds, at most, that the loop sleeps.
const MOMENT: u64 = 100_000_000;
