//! Sans-IO WebSocket (RFC 6455) frame codec: bytes in a borrowed buffer become messages, messages
//! become bytes at the end of a `Vec`. It owns framing, fragmentation, masking, UTF-8, the size
//! limit and the validity of close frames. It never reads a socket, a clock or randomness (mask
//! keys are parameters), never answers by itself, and knows no extension: compression is refused
//! as any reserved bit is. The server's and the client's sockets call it, and the load generator.
//!
//! A complete unfragmented message is unmasked in place and lent as a slice of the caller's own
//! buffer: no copy, no allocation. An idle [`Decoder`] is at most 64 bytes and owns no heap.
//!
//! ```
//! use ackd_websocket::{Decoded, Decoder, Encoder, Item, Limits, Role};
//!
//! let mut buffer = Vec::new();
//! Encoder::client([1, 2, 3, 4]).text(&mut buffer, "hello");
//!
//! let mut decoder = Decoder::new(Role::Server, Limits { message_bytes_max: 1 << 20 });
//! let mut start = 0;
//! loop {
//!     match decoder.decode(&mut buffer[start..])? {
//!         Decoded::Item { consumed, item } => {
//!             assert_eq!(item, Item::Text("hello"));
//!             start += consumed;
//!         }
//!         Decoded::Absorbed { consumed } => start += consumed, // a fragment, kept aside
//!         Decoded::Need { bytes } => break assert_eq!(bytes, 2), // read more, then go on
//!         Decoded::Closed => break,
//!     }
//! }
//! # Ok::<(), ackd_websocket::ProtocolError>(())
//! ```

mod close;
mod decoder;
mod encoder;
mod error;
mod handshake;
mod header;
mod mask;
mod utf8;

pub use close::{close_code_is_valid, echo_close_code};
pub use decoder::{Decoded, Decoder, Item, Limits, Role};
pub use encoder::{Encoder, ReservedHeader};
pub use error::ProtocolError;
pub use handshake::{InvalidKeyError, accept_key, client_key};
pub use header::{CONTROL_PAYLOAD_BYTES_MAX, HEADER_BYTES_MAX, Opcode, server_header};
