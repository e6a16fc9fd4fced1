//! Station 3: one client's session. A pure state machine: commands, signals and the time go in, events for the client
//! and requests for the router come out. It holds no socket, reads no clock, spawns nothing and never waits.

mod ack;
mod acked;
mod command;
mod connect;
mod deliver;
mod event;
mod open;
mod presence;
mod refusal;
mod request;
mod room;
mod rules;
mod send;
mod signal;
mod state;
mod tally;
mod window;

pub use acked::Acked;
pub use command::{
    BadCommand, Command, Connect, Credential, Destination, Persist, Send, Watched, Which,
};
pub use event::{CloseCode, ErrorEvent, Event, Kind, PresenceChange, Signal, Unwatchable, Welcome};
pub use request::{Append, Audience, Publish, Request};
pub use rules::Rules;
pub use state::{DialectKind, Output, Session};
pub use tally::Tally;

#[cfg(test)]
mod tests;
