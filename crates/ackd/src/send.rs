//! `ackd send`: sends messages and waits until the server keeps them.

use std::io::{BufRead as _, Write as _};

use ackd_client::{Client, ClientId, Event, Inbox, Outgoing, Room, SendError, Sending};
use anyhow::{Context as _, bail};
use clap::Args;
use tokio::sync::mpsc;

use crate::failure::Usage;
use crate::server_url::{ServerArgs, parse_id, runtime};

/// Flags of `ackd send`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("target").required(true))]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub(crate) struct SendArgs {
    /// To one identity
    #[arg(long, value_name = "ID", group = "target", value_parser = parse_id)]
    to: Option<ClientId>,
    /// To the members of a room
    #[arg(long, value_name = "ROOM", group = "target", value_parser = parse_room)]
    room: Option<Room>,
    /// To everyone connected, where the server allows it
    #[arg(long, group = "target")]
    all: bool,
    /// The message
    #[arg(value_name = "TEXT", group = "source")]
    text: Option<String>,
    /// A message a line of standard input
    #[arg(long, group = "source")]
    stdin: bool,
    /// Messages are JSON, not text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

fn parse_room(text: &str) -> Result<Room, String> {
    Room::parse(text).map_err(|error| format!("a room's name {error}"))
}

pub(crate) fn run(args: SendArgs) -> anyhow::Result<()> {
    // Before connecting: a text that is no JSON is wrong usage.
    let first = args.text.as_deref().map(|text| args.outgoing(text)).transpose()?;
    let runtime = runtime()?;
    let result = runtime.block_on(send(args, first));
    // A read of standard input may still be blocked.
    runtime.shutdown_background();
    result
}

async fn send(args: SendArgs, first: Option<Outgoing>) -> anyhow::Result<()> {
    // Nothing is to be received: the smallest window.
    let connecting = args.server.builder("send")?.window(1).connect().await;
    let (client, inbox) = connecting.map_err(|error| args.server.explain(error))?;
    let watching = tokio::spawn(watch(inbox));
    if let Some(room) = &args.room {
        client.join(room.clone()).await.with_context(|| format!("cannot join {room}"))?;
    }
    let (sent_tx, sent) = mpsc::channel(PRINT_BACKLOG);
    let printing = tokio::spawn(print_answers(sent));
    let read = match first {
        Some(outgoing) => {
            drop(sent_tx.send(client.send(outgoing).await).await);
            Ok(())
        }
        None => send_lines(&args, &client, &sent_tx).await,
    };
    drop(sent_tx);
    let printed = printing.await?;
    client.close().await;
    watching.await?;
    read.and(printed)
}

/// Sends every line of standard input, as fast as the outbox takes them.
async fn send_lines(
    args: &SendArgs,
    client: &Client,
    sent: &mpsc::Sender<Sending>,
) -> anyhow::Result<()> {
    let (lines_tx, mut lines) = mpsc::channel(PRINT_BACKLOG);
    tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lock().lines() {
            if lines_tx.blocking_send(line).is_err() {
                break;
            }
        }
    });
    let mut number = 0_u64;
    while let Some(line) = lines.recv().await {
        number += 1;
        let line = line.context("cannot read standard input")?;
        let outgoing = args.outgoing(&line).with_context(|| format!("line {number}"))?;
        if sent.send(client.send(outgoing).await).await.is_err() {
            break; // the printer has said why
        }
    }
    Ok(())
}

/// Prints the ID of each message that is kept, in the order they were sent.
async fn print_answers(mut sent: mpsc::Receiver<Sending>) -> anyhow::Result<()> {
    let mut refused = 0_u64;
    while let Some(sending) = sent.recv().await {
        match sending.await {
            Ok(id) => writeln!(std::io::stdout(), "{id}").context("cannot print")?,
            Err(error @ SendError::Refused { .. }) => {
                eprintln!("ackd: not accepted: {error}");
                refused += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    match refused {
        0 => Ok(()),
        1 => bail!("a message was not accepted"),
        count => bail!("{count} messages were not accepted"),
    }
}

/// Says when the connection is lost. What comes in is left to whoever listens as this identity.
async fn watch(mut inbox: Inbox) {
    while let Some(event) = inbox.next().await {
        match event {
            Event::Disconnected { reason } => {
                eprintln!("ackd: connection lost ({reason}), coming back");
            }
            Event::Unsent(unsent) => {
                eprintln!("ackd: left by an earlier run, and not accepted: {}", unsent.error);
            }
            _ => {}
        }
    }
    inbox.stopped().await;
}

impl SendArgs {
    fn outgoing(&self, text: &str) -> Result<Outgoing, Usage> {
        let outgoing = match (&self.to, &self.room) {
            (Some(id), _) => Outgoing::to(id.as_str()),
            (None, Some(room)) => Outgoing::room(room.as_str()),
            (None, None) => Ok(Outgoing::all()),
        };
        let outgoing = outgoing.map_err(|error| Usage(error.to_string()))?;
        if self.json {
            outgoing
                .raw_json(text)
                .map_err(|error| Usage(format!("the message is no JSON: {error}")))
        } else {
            Ok(outgoing.text(text))
        }
    }
}

/// Answers that wait to be printed, and lines that wait to be sent.
const PRINT_BACKLOG: usize = 1_024;
