//! Answers every message with its own body, for as long as it runs, and goes on where it was after a restart:
//! `cargo run -p ackd-client --example echo -- http://localhost:5000`, then `ackd send --to echo hello`.

use std::error::Error;

use ackd_client::{Builder, Client, Content, Outgoing, Stopped};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://localhost:5000".to_owned());
    let stopped = echo(Client::builder(&url).identity_file("echo.json")).await?;
    println!("{stopped}");
    Ok(())
}

/// Is `echo`, until the client has stopped.
pub(crate) async fn echo(builder: Builder) -> Result<Stopped, Box<dyn Error>> {
    let (client, inbox) = builder.claim("echo".parse()?).connect().await?;
    let answer = async |message: &ackd_client::Message| {
        let Content::Json(body) = &message.body else { return Ok(()) };
        let sending = client.send(Outgoing::to(&message.from)?.raw_json(body)?).await;
        // The message is acknowledged only after its answer is kept: killed in between, it answers twice, never not.
        sending.await?;
        Ok::<(), Box<dyn Error + Send + Sync>>(())
    };
    Ok(inbox.try_handle(None, answer).await)
}
