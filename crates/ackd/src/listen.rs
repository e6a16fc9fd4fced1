//! `ackd listen`: prints messages, or runs a command with each, and acknowledges them afterwards.

use std::io::Write as _;
use std::num::NonZeroU32;

use ackd_client::{Builder, Client, Event, Inbox, Message, Name, Room, Stopped};
use anyhow::{Context as _, bail};
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::connection::{As, Connected, ServerArgs, runtime};
use crate::send::parse_room;

mod exec;
mod line;

/// Flags of `ackd listen`.
#[derive(Debug, Args)]
pub(crate) struct ListenArgs {
    /// Prints JSON, an object a line; with --exec, gives the command the whole message as JSON
    #[arg(long)]
    json: bool,
    /// Ends after so many messages are processed (with --no-ack: printed)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Acknowledges nothing: messages come again
    #[arg(long)]
    no_ack: bool,
    /// Runs CMD in a shell for each message: its body on standard input, what else is known of it in variables
    /// `ACKD_MESSAGE_…` (ID, FROM, TO or ROOM or ALL, AT, ATTEMPT, SEQ, TYPE). Acknowledges it if CMD succeeds, else it
    /// comes again
    #[arg(long, value_name = "CMD", conflicts_with = "no_ack")]
    exec: Option<String>,
    /// Rejects a message with which CMD has failed so often: it never comes again, and the exit status is 1
    #[arg(long, value_name = "N", requires = "exec")]
    max_failures: Option<NonZeroU32>,
    /// Is in this room meanwhile, and gets what is sent to it (repeatable)
    #[arg(long = "room", value_name = "ROOM", value_parser = parse_room)]
    rooms: Vec<Room>,
    /// Reads as this device: each device of an identity gets every message
    #[arg(long, value_name = "DEVICE", value_parser = parse_device)]
    device: Option<Name>,
    #[command(flatten)]
    server: ServerArgs,
}

/// What has become of the messages so far.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    processed: u64,
    rejected: u64,
}

fn parse_device(text: &str) -> Result<Name, String> {
    Name::parse_device(text).map_err(|error| format!("a device's name {error}"))
}

pub(crate) fn run(args: &ListenArgs) -> anyhow::Result<()> {
    runtime()?.block_on(listen(args))
}

async fn listen(args: &ListenArgs) -> anyhow::Result<()> {
    // Before anything is taken: from now on a signal ends it in order.
    let mut stop = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    let device = args.device.clone().unwrap_or_default();
    let set = |builder: Builder| builder.receive_only().device(device.clone());
    let connecting = args.server.connect(As::Listener, set);
    let Connected { client, mut inbox, .. } = tokio::select! {
        connected = connecting => connected?,
        () = any(&mut stop) => return Ok(()),
    };
    for room in &args.rooms {
        client.join(room.clone()).await.with_context(|| format!("cannot join {room}"))?;
    }
    eprintln!("listening as {} ({} waiting)", client.id(), client.pending());
    let result = take(args, &client, &mut inbox, &mut stop).await;
    // Closing tells the acks that are under way.
    client.close().await;
    match (result?, inbox.stopped().await) {
        (Tally { rejected: 0, .. }, Stopped::Closed) => Ok(()),
        (Tally { rejected: 1, .. }, Stopped::Closed) => bail!("a message was rejected"),
        (Tally { rejected, .. }, Stopped::Closed) => bail!("{rejected} messages were rejected"),
        (_, stopped) => Err(stopped.into()),
    }
}

/// Takes messages until enough have come, the client has stopped, or a signal ends it. What is at hand is finished.
async fn take(
    args: &ListenArgs,
    client: &Client,
    inbox: &mut Inbox,
    stop: &mut [Signal; 2],
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    while args.count.is_none_or(|count| tally.processed < count) {
        let event = tokio::select! {
            event = inbox.next() => event,
            () = any(stop) => break,
        };
        let Some(event) = event else { break };
        match &event {
            Event::Disconnected { reason } => eprintln!("connection lost ({reason}), coming back"),
            Event::Connected { new: false } => eprintln!("connected again"),
            Event::Connected { new: true } => {
                eprintln!("connected again; {} is new, what waited for it is gone", client.id());
            }
            Event::Message(message) => args.process(message, &event, inbox, &mut tally).await?,
            Event::Receipt(_) | Event::Lost(_) | Event::Unsent(_) => {
                print(&args.show(&event))?;
                if !args.no_ack {
                    inbox.ack(&event).await;
                }
            }
        }
    }
    Ok(tally)
}

async fn any([terminate, interrupt]: &mut [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

impl ListenArgs {
    /// Prints a message, or gives it to the command; then says what became of it.
    async fn process(
        &self,
        message: &Message,
        event: &Event,
        inbox: &Inbox,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        let failure = match &self.exec {
            None => {
                print(&self.show(event))?;
                None
            }
            Some(command) => exec::run(command, message, self.json).await?,
        };
        let Some(status) = failure else {
            tally.processed += 1;
            if self.no_ack {
                inbox.release(message.id).await;
            } else {
                inbox.ack(event).await;
            }
            return Ok(());
        };
        if message.wants_ack && inbox.fail(message.id, self.max_failures).await {
            tally.processed += 1;
            tally.rejected += 1;
            eprintln!("ackd: the command failed ({status}); {} is rejected", message.id);
        } else {
            eprintln!("ackd: the command failed ({status}); {} comes again", message.id);
        }
        Ok(())
    }

    fn show(&self, event: &Event) -> String {
        if self.json { line::json(event) } else { line::plain(event) }
    }
}

/// The line is out before anything is acknowledged: an error means it was not.
fn print(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("cannot print")
}
