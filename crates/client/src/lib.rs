//! A client of ackd: it loses no message, and sees each once.
//!
//! A [`Client`] sends: every message has a number in an outbox, and is sent again after a reconnect until the server has
//! answered. An [`Inbox`] receives: a message is acknowledged when the application says so, and comes again until then.
//! The connection behind both comes back by itself, with growing pauses, until it is closed or the server says stop.
//!
//! ```
//! use ackd_client::{Client, Outgoing};
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shared/server.rs"));
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = start_server().await;
//! # let url = &server.url;
//! # let (_bob, mut bobs) = Client::builder(url).claim("bob".parse()?).connect().await?;
//! let (client, inbox) = Client::builder(url).connect().await?; // "https://chat.example.org"
//! println!("I am {}", client.id());
//!
//! let sending = client.send(Outgoing::to("bob")?.text("hello")).await; // waits while the outbox is full
//! let id = sending.await?; // resolves when the server has stored it
//! println!("kept as {id}");
//! # let Some(ackd_client::Event::Message(message)) = bobs.next().await else { panic!() };
//! # assert_eq!((message.id, message.body.text().as_deref()), (id, Some("hello")));
//!
//! client.close().await; // once everything is answered
//! println!("{}", inbox.stopped().await);
//! # Ok(())
//! # }
//! ```
//!
//! # Receiving
//!
//! [`Inbox::handle`] gives each message to a function and acknowledges it when the function has returned; with
//! [`Inbox::try_handle`] the function can fail, and the message comes again, until it has failed so often that it is
//! rejected. [`Inbox::next`] and [`Inbox::ack`] are for what is more complicated.
//!
//! ```
//! use std::num::NonZeroU32;
//!
//! # use ackd_client::{Client, Outgoing};
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shared/server.rs"));
//! # #[derive(serde::Deserialize)] struct Order { count: u32 }
//! # async fn book(order: &Order) -> Result<(), Box<dyn std::error::Error + Send + Sync>> { assert_eq!(order.count, 3); Ok(()) }
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = start_server().await;
//! # let url = &server.url;
//! let (client, inbox) = Client::builder(url).claim("orders".parse()?).connect().await?;
//! # let (ann, _) = Client::builder(url).connect().await?;
//! # ann.send(Outgoing::to("orders")?.json(&serde_json::json!({"count": 3}))?).await.await?;
//!
//! let handler = async |message: &ackd_client::Message| {
//!     let order: Order = message.body.json()?;
//!     book(&order).await?;
//! #   client.close().await;
//!     Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! };
//! let stopped = inbox.try_handle(NonZeroU32::new(5), handler).await; // returns when the client has stopped
//! # assert_eq!(stopped, ackd_client::Stopped::Closed);
//! # let (again, _inbox) = Client::builder(url).connect().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Whole programs are in the repository, under `crates/client/examples`: a bot that answers, and a queue of jobs.
//!
//! # What survives
//!
//! Without a file the client lives as long as the process, and nothing of it longer. With [`Builder::identity_file`]
//! (`me.json`, say) it is continued by the next process:
//!
//! | file | holds | written |
//! |---|---|---|
//! | `me.json` | ID and secret | and synced, before a claim is made, and when the server has made an identity |
//! | `me.json.outbox` | sends without an answer, the next number | and synced, before a send leaves; answers without a sync |
//! | `me.json.seen` | which messages are processed (the last 4,096), how far the mailbox is | before an ack leaves, without a sync |
//!
//! So a process that is killed at any point, or a machine that loses power, loses no send that was written down
//! ([`Sending::written`] tells when that is) and gives no number to two messages: the next process repeats what is
//! unanswered, under the same IDs, and the server accepts each once. A message is handed over again only if the process
//! was killed before its ack was written, or the machine lost power soon after.
//!
//! A file that a crash has torn is mended when it is opened; one that is damaged elsewhere is an error, and nothing is
//! changed. One process at a time sends with a file; several may receive, each then gets every message, and the first
//! alone remembers. A copy of the files that is used elsewhere takes the outbox over: the older client stops with
//! [`Stopped::OutboxTaken`].
//!
//! # When it stops
//!
//! The client comes back after every lost connection, and after every close that does not say stop; it waits as long as a
//! server that goes away asks for, else at random up to a bound that doubles from half a second to 30 s. It stops when
//! it is closed, when the server says that coming back would change nothing (close codes 1000, 1002, 1003, 1007, 1009
//! and 44xx), or when a file cannot be written: [`Stopped`] says why and what to do.

mod address;
mod backoff;
mod builder;
mod client;
mod dial;
mod driver;
mod error;
mod event;
mod file;
mod files;
mod identity;
mod inbox;
mod inflight;
mod operator;
mod outbox;
mod outbox_file;
mod outgoing;
mod position;
mod random;
mod reading;
mod recent;
mod record_file;
mod rooms;
mod seen_file;
mod session;
mod socket;
mod stream;
#[cfg(feature = "tls")]
mod tls;

// The public interface is:
pub use ackd_wire::v1::{EndReason, Persist, ReceiptState, Target};
pub use ackd_wire::{ClientId, ErrorCode, MessageId, Millis, Name, ParseIdError, Room, Seq, Token};
pub use builder::Builder;
pub use client::{Client, Sending};
pub use error::{AddressError, ConnectError, DialError, FileError, SendError, Stopped, TlsError};
pub use event::{Content, Event, Lost, Message, Receipt, Unsent};
pub use inbox::Inbox;
pub use operator::{Operator, OperatorAnswer, OperatorError};
pub use outgoing::Outgoing;
