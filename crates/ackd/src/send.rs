//! `ackd send`: sends messages and waits until the server keeps them, or until it is known what became of them.

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};
use std::time::Duration;

use ackd_client::{
    Client, ClientId, ErrorCode, Event, Inbox, MessageId, Outgoing, Receipt, ReceiptState, Room,
    SendError, Sending,
};
use ackd_server::config::{parse_duration, show_duration};
use anyhow::{Context as _, bail};
use clap::Args;
use tokio::sync::mpsc;

use crate::connection::{As, Connected, ServerArgs, parse_id, runtime};
use crate::failure::Usage;

/// Flags of `ackd send`.
#[expect(clippy::struct_excessive_bools, reason = "flags are what they are")]
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
    /// Waits until the recipient has processed the message, and prints what became of it behind its ID
    #[arg(long, requires = "to")]
    receipt: bool,
    /// Gives up when an answer takes longer: 500ms, 30s, 5m [default: with --receipt 60s, else never]
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout)]
    timeout: Option<Duration>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn parse_room(text: &str) -> Result<Room, String> {
    Room::parse(text).map_err(|error| format!("a room's name {error}"))
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "expected a duration as 30s (ms, s, m, h, d)".to_owned())
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
    // Without receipts nothing is to be received: the smallest window.
    let window = if args.receipt { RECEIPT_WINDOW } else { 1 };
    let Connected { client, inbox, file } =
        args.server.connect(As::Sender, |builder| builder.window(window)).await?;
    let (receipts_tx, receipts) = mpsc::channel(BACKLOG);
    let watching = tokio::spawn(watch(inbox, args.receipt.then_some(receipts_tx)));
    if let Some(room) = &args.room {
        client.join(room.clone()).await.with_context(|| format!("cannot join {room}"))?;
    }
    let (sent_tx, sent) = mpsc::channel(BACKLOG);
    let default = args.receipt.then_some(RECEIPT_TIMEOUT);
    let mut answers = Answers {
        timeout: args.timeout.or(default),
        receipts: args.receipt.then_some(receipts),
        states: HashMap::new(),
        is_only_one: args.text.is_some(),
        outbox: file.display().to_string(),
    };
    let printing = tokio::spawn(async move { answers.print(sent).await });
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
    if printed.is_err() {
        // Otherwise the next run would send again what was refused. What is unanswered stays, and is not waited for.
        drop(tokio::time::timeout(CLOSE_TIMEOUT, watching).await);
        return printed;
    }
    watching.await?;
    read
}

/// Sends every line of standard input, as fast as the outbox takes them.
async fn send_lines(
    args: &SendArgs,
    client: &Client,
    sent: &mpsc::Sender<Sending>,
) -> anyhow::Result<()> {
    let (lines_tx, mut lines) = mpsc::channel(BACKLOG);
    tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lock().lines() {
            if lines_tx.blocking_send(line).is_err() {
                break;
            }
        }
    });
    let mut number = 0_u64;
    let sending = async {
        while let Some(line) = lines.recv().await {
            number += 1;
            let line = line.context("cannot read standard input")?;
            let outgoing = args.outgoing(&line).with_context(|| format!("line {number}"))?;
            drop(sent.send(client.send(outgoing).await).await);
        }
        Ok(())
    };
    tokio::select! {
        sent = sending => sent,
        () = sent.closed() => Ok(()), // the printer says why
    }
}

/// Prints the answers, in the order the messages were sent.
#[derive(Debug)]
struct Answers {
    timeout: Option<Duration>,
    receipts: Option<mpsc::Receiver<Receipt>>,
    /// Receipts of messages whose turn has not come.
    states: HashMap<MessageId, ReceiptState>,
    /// Then its failure is the command's.
    is_only_one: bool,
    /// Where what is unanswered stays.
    outbox: String,
}

impl Answers {
    async fn print(&mut self, mut sent: mpsc::Receiver<Sending>) -> anyhow::Result<()> {
        let mut failed = 0_u64;
        while let Some(sending) = sent.recv().await {
            let answer = within(self.timeout, sending).await;
            let Some(answer) = answer else { bail!(self.unanswered()) };
            match answer {
                Ok(id) if self.receipts.is_some() => {
                    let state = self.outcome(id).await?;
                    say(&format!("{id} {}", state.as_str()))?;
                    failed += u64::from(state != ReceiptState::Acked);
                }
                Ok(id) => say(&id.to_string())?,
                Err(error @ SendError::Refused { .. }) if self.is_only_one => {
                    bail!("not accepted: {error}{}", advice(&error));
                }
                Err(error @ SendError::Refused { .. }) => {
                    eprintln!("ackd: not accepted: {error}");
                    failed += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        match (failed, self.receipts.is_some()) {
            (0, _) => Ok(()),
            (1, false) => bail!("a message was not accepted"),
            (count, false) => bail!("{count} messages were not accepted"),
            (1, true) => bail!("a message was not processed by its recipient"),
            (count, true) => bail!("{count} messages were not processed by their recipients"),
        }
    }

    /// Waits for what became of a message for good.
    async fn outcome(&mut self, id: MessageId) -> anyhow::Result<ReceiptState> {
        loop {
            if let Some(state) = self.states.remove(&id) {
                return Ok(state);
            }
            let Some(receipts) = &mut self.receipts else { bail!("no receipt was asked for") };
            match within(self.timeout, receipts.recv()).await {
                None => bail!(
                    "{id} is kept, but there is no receipt within {}: its recipient may be \
                     away; ask again with a longer --timeout",
                    show_duration(self.timeout.unwrap_or_default())
                ),
                Some(None) => bail!("{id} is kept, but the connection ended before its receipt"),
                Some(Some(receipt)) if receipt.state.is_final() => {
                    self.states.insert(receipt.of, receipt.state);
                }
                Some(Some(receipt)) => eprintln!("ackd: {} waits for {}", receipt.of, receipt.to),
            }
        }
    }

    fn unanswered(&self) -> String {
        format!(
            "the server did not answer within {}; what is unanswered stays in {}.outbox, and is sent by the next \
             `ackd send` as the same identity",
            show_duration(self.timeout.unwrap_or_default()),
            self.outbox
        )
    }
}

/// What to do about a refusal, where its text does not say so.
fn advice(error: &SendError) -> &'static str {
    let SendError::Refused { code, .. } = error else { return "" };
    match code {
        ErrorCode::UnknownRecipient => {
            "; the recipient must have been there once (`ackd listen --name NAME`)"
        }
        ErrorCode::MailboxFull => "; try again when some of it is read",
        _ => "",
    }
}

/// Waits, at most so long; `None`: it took longer.
async fn within<T>(timeout: Option<Duration>, what: impl Future<Output = T>) -> Option<T> {
    match timeout {
        Some(timeout) => tokio::time::timeout(timeout, what).await.ok(),
        None => Some(what.await),
    }
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("cannot print")
}

/// Says when the connection is lost, and hands receipts on. Messages are left to whoever listens as this identity.
async fn watch(mut inbox: Inbox, receipts: Option<mpsc::Sender<Receipt>>) {
    while let Some(event) = inbox.next().await {
        match &event {
            Event::Disconnected { reason } => {
                eprintln!("ackd: connection lost ({reason}), coming back");
            }
            Event::Unsent(unsent) => {
                eprintln!("ackd: left by an earlier run, and not accepted: {}", unsent.error);
            }
            Event::Receipt(receipt) => {
                // Without --receipt they are an earlier run's, and wait for whoever asks.
                if let Some(receipts) = &receipts
                    && receipts.send(receipt.clone()).await.is_ok()
                {
                    inbox.ack(&event).await;
                }
            }
            Event::Message(_) | Event::Lost(_) | Event::Connected { .. } => {}
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
        let outgoing = if self.receipt { outgoing.receipt() } else { outgoing };
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
const BACKLOG: usize = 1_024;
/// Mail that nobody reads must not keep receipts from coming.
const RECEIPT_WINDOW: u16 = 1_024;
const RECEIPT_TIMEOUT: Duration = Duration::from_secs(60);
/// After a failure: time for what is decided to be written down.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
