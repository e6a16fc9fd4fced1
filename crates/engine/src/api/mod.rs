//! What an engine is asked and what it answers: plain values, no behaviour. Every engine speaks these.

mod answer;
mod command;
mod engine;
mod keys;
mod limits;
mod message;
mod observer;
mod receipt;
mod room;

pub use answer::{Answer, Connected, Delivery, Lost, Notice, Outcome, Recipient, Refusal};
pub use command::{
    Append, Body, Command, Connect, Credential, Disconnect, GivenUp, Pass, Read, Settle,
    Submission, Target, Unknown,
};
pub use engine::{Engine, Entropy, Sink};
pub use keys::{IdentityKey, LogKey, OutboxKey, ReaderKey, SessionKey, Tag};
pub use limits::Limits;
pub(crate) use message::Lengths;
pub use message::{Address, Encoding, Message};
pub use observer::{Commit, Observer};
pub(crate) use receipt::ReceiptBody;
pub use receipt::{Receipt, ReceiptState};
pub use room::{JoinRoom, MemberKey, ReadRoom, RoomPage, RoomPlace, SettleRoom};
