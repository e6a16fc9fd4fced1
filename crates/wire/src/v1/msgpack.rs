//! The frames of v1 as MessagePack: the same maps as in JSON. Reading borrows from the bytes and copies no body; writing
//! appends to a buffer, everything in its shortest format. One WebSocket message holds one frame or an array of them.

mod decode;
mod encode_client;
mod encode_server;
mod fields;

pub use super::UnreadableFrame;
pub use decode::{ClientFrames, ServerFrames, decode, decode_server};
pub use encode_client::encode_client;
pub use encode_server::{encode, encoded_len};
