//! A client of ackd: it loses no message, and sees each once.
//!
//! A [`Client`] sends: every message has a number in an outbox, and is sent again after a reconnect until the server has
//! answered. An [`Inbox`] receives: a message is acknowledged when the application says so, and comes again until then.
//! The connection behind both comes back by itself, with growing pauses, until it is closed or the server says stop.
//!
//! ```no_run
//! use ackd_client::{Client, Outgoing};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let (client, inbox) =
//!     Client::builder("http://localhost:5000").identity_file("me.json").connect().await?;
//! println!("I am {}", client.id());
//!
//! let sending = client.send(Outgoing::to("bob")?.text("hello")).await; // waits while the outbox is full
//! println!("kept as {}", sending.await?); // resolves when the server has stored it
//!
//! let stopped = inbox
//!     .handle(async |message| println!("{}: {:?}", message.from, message.body.text()))
//!     .await;
//! println!("{stopped}");
//! # Ok(())
//! # }
//! ```
//!
//! With [`Builder::identity_file`] the identity and whatever is unanswered survive the process: a send is written down
//! before it leaves. Without it both live as long as the client.

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

// The public interface is:
pub use ackd_wire::v1::{EndReason, Persist, ReceiptState, Target};
pub use ackd_wire::{ClientId, ErrorCode, MessageId, Millis, ParseIdError, Room, Seq, Token};
pub use builder::Builder;
pub use client::{Client, Sending};
pub use error::{AddressError, ConnectError, DialError, FileError, SendError, Stopped};
pub use event::{Content, Event, Lost, Message, Receipt, Unsent};
pub use inbox::Inbox;
pub use outgoing::Outgoing;
