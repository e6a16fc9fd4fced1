//! A queue of jobs: whoever has work sends it to `worker`, who does it and gives up on what fails three times.
//! `cargo run -p ackd-client --example jobs -- work http://localhost:5000` in one terminal, and in another
//! `cargo run -p ackd-client --example jobs -- order http://localhost:5000 21`.

use std::error::Error;
use std::num::NonZeroU32;

use ackd_client::{Builder, Client, MessageId, Outgoing, Stopped};
use serde::{Deserialize, Serialize};

/// Something to be doubled.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    /// What.
    pub(crate) number: u32,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["work", url] => {
            let client = Client::builder(url).identity_file("worker.json");
            println!("{}", work(client, |number| println!("{number}")).await?);
        }
        ["order", url, number] => {
            let client = Client::builder(url).identity_file("orders.json");
            println!("{}", order(client, &Job { number: number.parse()? }).await?);
        }
        _ => eprintln!("usage: jobs work URL, or jobs order URL NUMBER"),
    }
    Ok(())
}

/// Orders a job. Killed before the server has it, the next order sends it too: it is in the file.
pub(crate) async fn order(builder: Builder, job: &Job) -> Result<MessageId, Box<dyn Error>> {
    let (client, inbox) = builder.connect().await?;
    let id = client.send(Outgoing::to("worker")?.json(job)?).await.await?;
    client.close().await;
    inbox.stopped().await;
    Ok(id)
}

/// Does jobs, until the client has stopped.
pub(crate) async fn work(
    builder: Builder,
    mut done: impl FnMut(u32),
) -> Result<Stopped, Box<dyn Error>> {
    let (_client, inbox) = builder.claim("worker".parse()?).window(8).connect().await?;
    let handler = async |message: &ackd_client::Message| {
        let job: Job = message.body.json()?;
        done(job.number.checked_mul(2).ok_or("too large a number")?);
        Ok::<(), Box<dyn Error + Send + Sync>>(())
    };
    Ok(inbox.try_handle(NonZeroU32::new(3), handler).await)
}
