//! The frames of v1 as JSON text. Reading borrows from the text and copies no body; writing appends to a buffer.
//! One WebSocket message holds one frame or an array of them.

mod decode;
mod encode_client;
mod encode_server;

pub use super::UnreadableFrame;
pub use decode::{ClientFrames, ServerFrames, decode, decode_server};
pub use encode_client::encode_client;
pub use encode_server::{
    accepted_len, encode, encode_accepted, encode_error, encode_message, encoded_len, message_len,
};
