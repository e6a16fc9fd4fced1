//! Every cap of the wire contract, in one place. What an operator configures (`max_message`, `mailbox_limit` …) is
//! not here; these are the same everywhere, so that a client may rely on them.

use crate::{ClientId, Name, Ref, Room};

/// Levels of arrays and objects in one frame; the frame itself is level 1, a batch around it does not count.
pub const DEPTH_MAX: usize = 64;

/// Frames in one batch. What comes after them in the same WebSocket message is not read.
pub const BATCH_FRAMES_MAX: usize = 4_096;

/// IDs in one `ack` or `reject` frame; at least one.
pub const ACK_IDS_MAX: usize = 1_024;

/// IDs in one `watch` or `unwatch` frame; at least one.
pub const WATCH_IDS_MAX: usize = 1_024;

/// IDs and rooms that one connection watches.
pub const WATCHED_MAX: usize = 4_096;

/// Members of a room when a `watch` of it begins.
pub const WATCHED_MEMBERS_MAX: usize = 4_096;

/// Unreadable frames in a row, with the last of which the connection is closed (4400).
pub const BAD_FRAMES_MAX: u32 = 10;

/// Fewest unacknowledged messages in flight that a client may ask for.
pub const WINDOW_MIN: u16 = 1;

/// Unacknowledged messages in flight where a client asks for nothing.
pub const WINDOW_DEFAULT: u16 = 64;

/// Most unacknowledged messages in flight.
pub const WINDOW_MAX: u16 = 1_024;

/// Unanswered numbers of one outbox: a client never runs more than one less past its oldest unanswered number.
pub const UNANSWERED_MAX: u64 = 1_024;

/// Devices of one identity.
pub const DEVICES_MAX: usize = 16;

/// Largest integer in any frame: what every JSON reader keeps exactly (RFC 7493 section 2.2).
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Characters of an ID.
pub const CLIENT_ID_LENGTH_MAX: usize = ClientId::LENGTH_MAX;

/// Characters of a room's name.
pub const ROOM_LENGTH_MAX: usize = Room::LENGTH_MAX;

/// Characters of the name of a device or an outbox.
pub const NAME_LENGTH_MAX: usize = Name::LENGTH_MAX;

/// Characters of a `ref`.
pub const REF_LENGTH_MAX: usize = Ref::LENGTH_MAX;

/// Characters of a token: 256 bits in base64url without padding.
pub const TOKEN_LENGTH: usize = 43;

/// Characters of an epoch as a client may repeat it.
pub const EPOCH_LENGTH_MAX: usize = 64;

/// Characters of a JWT.
pub const JWT_LENGTH_MAX: usize = 8_192;

/// Characters of `client`, the name and version of the client's software.
pub const CLIENT_LENGTH_MAX: usize = 128;

/// Bytes of a classic command's name.
pub const COMMAND_BYTES_MAX: usize = 128;

/// A WebSocket message may have so many times `max_message` bytes; more is closed with 1009.
pub const MESSAGE_FACTOR: usize = 16;

/// Unsent bytes of a connection beyond which it gets no message with `persist: never`.
pub const SIGNAL_UNSENT_BYTES_MAX: usize = 64 * 1_024;

const _: () = assert!(WINDOW_MIN <= WINDOW_DEFAULT && WINDOW_DEFAULT <= WINDOW_MAX);
// One frame can acknowledge a whole window, one batch can repeat a whole outbox.
const _: () = assert!(WINDOW_MAX as usize <= ACK_IDS_MAX);
const _: () = assert!(UNANSWERED_MAX as usize <= BATCH_FRAMES_MAX);
// A receipt, and a frame that carries a body, add levels of their own.
const _: () = assert!(2 <= DEPTH_MAX && DEPTH_MAX < 128);
const _: () = assert!(WATCH_IDS_MAX <= WATCHED_MAX);
const _: () = assert!(NAME_LENGTH_MAX <= CLIENT_ID_LENGTH_MAX);
// Lengths of names are stored in one byte.
const _: () = assert!(CLIENT_ID_LENGTH_MAX <= 255 && ROOM_LENGTH_MAX <= 255);
