//! Frames and names shared by the ackd server and its clients.
//!
//! Owns the vocabulary of the wire contract (`docs/protocol.md`): names, tokens, message IDs, error and close
//! codes, and the frames of both dialects ([`v1`], [`classic`]) with their JSON. It does no I/O, knows no clock and
//! no randomness, and depends on no async runtime.

pub mod classic;
mod close;
mod error_code;
mod fields;
mod ids;
mod json;
mod key;
mod lent;
pub mod limits;
mod msgpack;
mod token;
pub mod v1;

// The public interface is:
pub use close::{AfterClose, CloseCode};
pub use error_code::ErrorCode;
pub use ids::{ClientId, Epoch, MessageId, Millis, Name, ParseIdError, Ref, Room, Seq};
pub use lent::Lent;
pub use token::{ParseTokenError, Token, TokenHash};
