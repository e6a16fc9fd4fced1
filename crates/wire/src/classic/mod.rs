//! The classic dialect: the JSON of the original message server (protocol, section 7), read and written, and how
//! its frames and v1's bodies become each other. Called by the server's dialect and by tests.

mod body;
mod decode;
mod encode;
mod frame;

pub use body::{SEND_MESSAGE, command_body, read_command_body, send_message_data};
pub use decode::{decode, decode_server};
pub use encode::{encode, encode_client, encoded_len};
pub use frame::{ClientFrame, ServerFrame};

#[cfg(test)]
mod tests;
