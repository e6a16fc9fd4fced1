//! `ackd bench room`: durable members of a room who are away. What each costs in memory, and what a send costs beside one
//! to a room with a single member; then some of them come back and must get everything in order.

use std::thread;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Args;
use mio::{Events, Interest, Poll, Token};
use serde_json::{Value, json};

use super::event_loop::{Loop, Received};
use super::link::{Link, Opening};
use super::pair::HANDSHAKES;
use super::report::Report;
use super::stopwatch::Stopwatch;
use super::template::{PAYLOAD_MIN, Template};
use super::{Target, TargetArgs, process};

/// Arguments of `ackd bench room`.
#[derive(Debug, Args)]
pub(crate) struct RoomArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Durable members besides the sender
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    members: u32,
    /// Messages to each of both rooms
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    messages: u64,
    /// Unanswered sends that the sender keeps
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1023))]
    window: u64,
    /// Bytes of a body
    #[arg(long, default_value_t = 128)]
    payload: usize,
    /// Members that come back
    #[arg(long, default_value_t = 100)]
    back: usize,
    /// Seconds for the server to come to rest before its memory is read
    #[arg(long, default_value_t = 3)]
    rest: u64,
}

/// Runs it and prints the figures.
pub(crate) fn run(args: &RoomArgs) -> anyhow::Result<()> {
    let target = args.target.target()?;
    let (small, large) = (name("small"), name("large"));
    let mut report = Report::new("room");
    report.add("members", f64::from(args.members), "");
    visit(target, &identities(target, 1)?, Some(&small))?;
    let members = identities(target, args.members as usize)?;
    // Once without joining: what a comeback leaves behind is not what a membership costs.
    visit(target, &members, None)?;
    let before = args.rest()?;
    let stopwatch = Stopwatch::start();
    visit(target, &members, Some(&large))?;
    report.add("joined", members.len() as f64 / stopwatch.elapsed().as_secs_f64(), "members/s");
    if let Some((before, after)) = before.zip(args.rest()?) {
        let grown = after.rss_bytes as f64 - before.rss_bytes as f64;
        report.add("rss_each", grown / members.len() as f64, "bytes/member");
        report.add("server_rss", after.rss_bytes as f64 / 1_048_576.0, "MiB");
    }
    args.send(target, &small, ["small_rate", "small_cpu", "small_written"], &mut report)?;
    args.send(target, &large, ["rate", "server_cpu", "written"], &mut report)?;
    let step = members.len().div_ceil(args.back.max(1));
    let back: Vec<Value> = members.into_iter().step_by(step).collect();
    read_back(target, &back, &large, args.messages)?;
    report.add("read_back", back.len() as f64 * args.messages as f64, "deliveries");
    report.print(args.target.json);
    Ok(())
}

impl RoomArgs {
    fn rest(&self) -> anyhow::Result<Option<process::Usage>> {
        thread::sleep(Duration::from_secs(self.rest)); // rest is what is measured
        self.target.pid.map(process::usage).transpose()
    }

    /// One sender to a room: rate, CPU time, and bytes written.
    fn send(
        &self,
        target: Target,
        room: &str,
        [rate, cpu, written]: [&'static str; 3],
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let mut opening = Opening::start(target)?;
        opening.upgraded(&json!({"op": "connect", "outbox": "bench"}))?;
        opening.answered("connected")?;
        opening.ask(&json!({"op": "join", "room": room, "durable": true}))?;
        opening.answered("joined")?;
        let mut link = opening.into_link()?;
        let usage = || -> anyhow::Result<_> {
            let pid = self.target.pid;
            let used = pid.map(process::usage).transpose()?;
            Ok(used.zip(pid.map(process::written_bytes).transpose()?))
        };
        let (before, stopwatch) = (usage()?, Stopwatch::start());
        send_all(&mut link, target, room, self)?;
        let messages = self.messages as f64;
        report.add(rate, messages / stopwatch.elapsed().as_secs_f64(), "messages/s");
        if let Some(((before, before_bytes), (after, after_bytes))) = before.zip(usage()?) {
            let busy = after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6;
            report.add(cpu, busy / messages, "µs/message");
            let bytes = after_bytes.saturating_sub(before_bytes) as f64;
            report.add(written, bytes / messages, "bytes/message");
        }
        Ok(())
    }
}

fn name(which: &str) -> String {
    format!("bench-{}-{which}", std::process::id())
}

/// Has identities issued, some at a time.
fn identities(target: Target, count: usize) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let some = HANDSHAKES.min(count - all.len());
        let links = super::pair::enter(target, some, |_| json!({"op": "connect"}))?;
        all.extend(links.into_iter().map(|(_, connected)| keep(&connected)));
    }
    Ok(all)
}

/// Of `connected`, what brings a client back.
fn keep(connected: &Value) -> Value {
    json!({"op": "connect", "id": connected["id"], "token": connected["token"]})
}

/// They come, some at a time, join where there is a room, and go.
fn visit(target: Target, members: &[Value], room: Option<&str>) -> anyhow::Result<()> {
    for some in members.chunks(HANDSHAKES) {
        let opening = |_| Opening::start(target);
        let mut openings = (0..some.len()).map(opening).collect::<anyhow::Result<Vec<_>>>()?;
        for (opening, connect) in openings.iter_mut().zip(some) {
            opening.upgraded(connect)?;
        }
        for opening in &mut openings {
            opening.answered("connected")?;
            if let Some(room) = room {
                opening.ask(&json!({"op": "join", "room": room, "durable": true}))?;
            }
        }
        if room.is_some() {
            for opening in &mut openings {
                opening.answered("joined")?;
            }
        }
    }
    Ok(())
}

/// Sends until everything is accepted.
fn send_all(link: &mut Link, target: Target, room: &str, args: &RoomArgs) -> anyhow::Result<()> {
    let payload = args.payload.max(PAYLOAD_MIN);
    let mut template = Template::new(target.encoding, &format!(r#""room":"{room}""#), payload);
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(16));
    let both = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(link.stream(), Token(0), both)?;
    let (mut io, mut sent, mut accepted) = (Loop::new(target.encoding), 0, 0);
    loop {
        while sent < args.messages && sent - accepted < args.window {
            sent += 1;
            link.push(template.fill(sent, 0));
        }
        link.flush()?;
        if accepted == args.messages {
            return Ok(());
        }
        poll.poll(&mut events, Some(LOST_AFTER))?;
        if events.is_empty() {
            bail!("lost: {accepted} of {sent} sends were answered");
        }
        io.read_answers(link, &mut accepted)?;
    }
}

/// Members come back, all at once, and get everything.
fn read_back(target: Target, members: &[Value], room: &str, messages: u64) -> anyhow::Result<()> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    let mut links = super::pair::enter(target, members.len(), |index| members[index].clone())?;
    let both = Interest::READABLE | Interest::WRITABLE;
    for (index, (link, _)) in links.iter_mut().enumerate() {
        poll.registry().register(link.stream(), Token(index), both)?;
    }
    let (mut io, mut left) = (Loop::new(target.encoding), links.len());
    let mut received = vec![Received::default(); left];
    while 0 < left {
        poll.poll(&mut events, Some(LOST_AFTER))?;
        if events.is_empty() {
            bail!("lost: {left} of {} members do not get on", members.len());
        }
        for event in &events {
            let index = event.token().0;
            let (link, _) = links.get_mut(index).ok_or_else(|| anyhow!("no such member"))?;
            let before = received[index].n;
            io.read_room(link, room, &mut received[index])?;
            left -= usize::from(before < messages && received[index].n == messages);
        }
    }
    Ok(())
}

const LOST_AFTER: Duration = Duration::from_secs(30);
