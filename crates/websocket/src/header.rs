//! Frame headers (RFC 6455 §5.2), both ways. It checks all that a header alone can break, so that
//! nothing of a bad frame's payload is waited for; messages and limits are the decoder's.
//!
//! ```text
//! byte 0   FIN RSV1 RSV2 RSV3 opcode(4)
//! byte 1   MASK length(7): 0..=125, or 126: 2 bytes follow, or 127: 8 bytes follow
//!          [length: u16 or u64, big endian] [mask key: 4 bytes]
//! ```

use crate::decoder::Role;
use crate::error::ProtocolError;

/// What a frame carries (§5.2); the value is the wire's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// The next fragment of a message.
    Continuation = 0,
    /// UTF-8 text.
    Text = 1,
    /// Bytes.
    Binary = 2,
    /// The last frame of its sender.
    Close = 8,
    /// To be answered with a pong of the same payload.
    Ping = 9,
    /// The answer to a ping, or unasked for.
    Pong = 10,
}

impl Opcode {
    fn parse(bits: u8) -> Result<Self, ProtocolError> {
        Ok(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            reserved => return Err(ProtocolError::ReservedOpcode(reserved)),
        })
    }

    pub(crate) const fn is_control(self) -> bool {
        8 <= self as u8
    }
}

/// The header of a whole server frame (FIN, no mask): the hot path, for a payload whose length is
/// known before it is written. Exactly `payload_bytes` bytes must follow it in `out`.
pub fn server_header(out: &mut Vec<u8>, opcode: Opcode, payload_bytes: usize) {
    let (header, length) = encode(FIN | opcode as u8, payload_bytes, None);
    out.extend_from_slice(&header[..length]);
}

/// A header's bytes and how many of them count.
pub(crate) fn encode(
    first_byte: u8,
    payload_bytes: usize,
    mask: Option<[u8; 4]>,
) -> ([u8; HEADER_BYTES_MAX], usize) {
    let mut header = [0; HEADER_BYTES_MAX];
    header[0] = first_byte;
    let mut length = match payload_bytes {
        0..=125 => {
            header[1] = payload_bytes as u8;
            2
        }
        126..=0xffff => {
            header[1] = 126;
            header[2..4].copy_from_slice(&(payload_bytes as u16).to_be_bytes());
            4
        }
        _ => {
            header[1] = 127;
            header[2..10].copy_from_slice(&(payload_bytes as u64).to_be_bytes());
            10
        }
    };
    if let Some(key) = mask {
        header[1] |= MASK;
        header[length..length + 4].copy_from_slice(&key);
        length += 4;
    }
    (header, length)
}

/// A header that is right in itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    pub(crate) opcode: Opcode,
    /// The key, if the frame came from a client.
    pub(crate) mask: Option<[u8; 4]>,
    /// Where the payload starts, from where the header does.
    pub(crate) payload_start: usize,
    /// At most `u64::MAX >> 1`; a control frame's at most 125.
    pub(crate) payload_bytes: u64,
}

/// A header, or the number of bytes it takes at least to know more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    Header(Header),
    Need(usize),
}

/// Reads the header at the start of `buf`; `role` is the reader's.
pub(crate) fn parse(buf: &[u8], role: Role) -> Result<Parsed, ProtocolError> {
    let &[first, second, ref rest @ ..] = buf else {
        return Ok(Parsed::Need(2));
    };
    let opcode = parse_first_byte(first)?;
    let masked = second & MASK != 0;
    role.check_masked(masked)?;
    let short_length = second & !MASK;
    if opcode.is_control() && CONTROL_PAYLOAD_BYTES_MAX < usize::from(short_length) {
        return Err(ProtocolError::ControlTooLong);
    }
    let length_bytes = match short_length {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some((length, rest)) = rest.split_at_checked(length_bytes) else {
        return Ok(Parsed::Need(2 + length_bytes));
    };
    let payload_bytes = parse_length(short_length, length)?;
    let payload_start = 2 + length_bytes + if masked { 4 } else { 0 };
    let mask = match (masked, rest.first_chunk::<4>()) {
        (false, _) => None,
        (true, Some(key)) => Some(*key),
        (true, None) => return Ok(Parsed::Need(payload_start)),
    };
    Ok(Parsed::Header(Header { fin: first & FIN != 0, opcode, mask, payload_start, payload_bytes }))
}

fn parse_first_byte(first: u8) -> Result<Opcode, ProtocolError> {
    if first & RSV != 0 {
        return Err(ProtocolError::ReservedBits);
    }
    let opcode = Opcode::parse(first & OPCODE)?;
    if opcode.is_control() && first & FIN == 0 {
        return Err(ProtocolError::FragmentedControl);
    }
    Ok(opcode)
}

fn parse_length(short_length: u8, bytes: &[u8]) -> Result<u64, ProtocolError> {
    let payload_bytes = bytes.iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
    match short_length {
        126 if payload_bytes < 126 => Err(ProtocolError::LengthNotMinimal),
        127 if payload_bytes <= 0xffff => Err(ProtocolError::LengthNotMinimal),
        127 if payload_bytes >> 63 == 1 => Err(ProtocolError::LengthTopBit),
        126 | 127 => Ok(payload_bytes),
        short => Ok(u64::from(short)),
    }
}

/// The most payload a close, ping or pong frame may carry (§5.5).
pub const CONTROL_PAYLOAD_BYTES_MAX: usize = 125;

/// The longest header: two bytes, a 64-bit length and a mask key.
pub const HEADER_BYTES_MAX: usize = 14;

pub(crate) const FIN: u8 = 0x80;
const RSV: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASK: u8 = 0x80;
