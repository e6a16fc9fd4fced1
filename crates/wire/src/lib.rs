//! Frames and names shared by the ackd server and its clients.
//!
//! Owns the vocabulary of the wire contract (`docs/protocol.md`): names, tokens, message IDs, error and close
//! codes. It does no I/O, knows no clock and no randomness, and depends on no async runtime.

mod ids;
mod token;

// The public interface is:
pub use ids::{ClientId, Epoch, MessageId, Millis, Name, ParseIdError, Ref, Room, Seq};
pub use token::{ParseTokenError, Token, TokenHash};
