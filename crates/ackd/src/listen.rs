//! `ackd listen`: prints messages, or runs a command with each, and acknowledges them afterwards.

use std::io::Write as _;
use std::process::{Command, Stdio};

use ackd_client::{Client, Event, Inbox, Message, Stopped};
use anyhow::Context as _;
use clap::Args;

use crate::server_url::{ServerArgs, runtime};

mod line;

/// Flags of `ackd listen`.
#[derive(Debug, Args)]
pub(crate) struct ListenArgs {
    /// Prints JSON, an object a line
    #[arg(long)]
    json: bool,
    /// Ends after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Acknowledges nothing: messages come again
    #[arg(long)]
    no_ack: bool,
    /// Runs CMD in a shell with each message, as JSON, on its standard input; acknowledges it if CMD succeeds
    #[arg(long, value_name = "CMD")]
    exec: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: ListenArgs) -> anyhow::Result<()> {
    runtime()?.block_on(listen(args))
}

async fn listen(args: ListenArgs) -> anyhow::Result<()> {
    let connecting = args.server.builder("listen")?.receive_only().connect().await;
    let (client, mut inbox) = connecting.map_err(|error| args.server.explain(error))?;
    eprintln!("listening as {} ({} waiting)", client.id(), client.pending());
    let result = tokio::select! {
        result = take(&args, &client, &mut inbox) => result,
        // Closing tells the acks that are under way.
        interrupted = tokio::signal::ctrl_c() => {
            client.close().await;
            interrupted.context("cannot wait for signals")
        }
    };
    if result.is_err() {
        client.close().await;
    }
    match (result, inbox.stopped().await) {
        (Err(error), _) => Err(error),
        (Ok(()), Stopped::Closed) => Ok(()),
        (Ok(()), stopped) => Err(stopped.into()),
    }
}

/// Takes messages until enough have come or the client has stopped.
async fn take(args: &ListenArgs, client: &Client, inbox: &mut Inbox) -> anyhow::Result<()> {
    let mut left = args.count;
    while let Some(event) = inbox.next().await {
        match &event {
            Event::Disconnected { reason } => eprintln!("connection lost ({reason}), coming back"),
            Event::Connected { .. } => eprintln!("connected again"),
            Event::Message(message) => {
                let processed = args.process(message).await?;
                if args.no_ack || !processed {
                    inbox.release(message.id).await;
                } else {
                    inbox.ack(&event).await;
                }
                left = left.map(|left| left - 1);
            }
            Event::Receipt(_) | Event::Lost(_) | Event::Unsent(_) => {
                print(&args.show(&event))?;
                if !args.no_ack {
                    inbox.ack(&event).await;
                }
            }
        }
        if left == Some(0) {
            client.close().await;
            break;
        }
    }
    Ok(())
}

impl ListenArgs {
    /// Prints a message, or gives it to the command; whether it is processed.
    async fn process(&self, message: &Message) -> anyhow::Result<bool> {
        match &self.exec {
            None => print(&self.show(&Event::Message(message.clone()))).map(|()| true),
            Some(command) => {
                let (command, message) = (command.clone(), message.clone());
                tokio::task::spawn_blocking(move || execute(&command, &message)).await?
            }
        }
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

/// Runs a command with a message; whether it succeeded.
fn execute(command: &str, message: &Message) -> anyhow::Result<bool> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .env("ACKD_MESSAGE_ID", message.id.to_string())
        .env("ACKD_MESSAGE_FROM", &message.from)
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run sh")?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input is no error.
        drop(writeln!(stdin, "{}", line::json(&Event::Message(message.clone()))));
    }
    let status = child.wait().context("cannot wait for the command")?;
    if !status.success() {
        eprintln!("ackd: the command failed ({status}); {} is not acknowledged", message.id);
    }
    Ok(status.success())
}
