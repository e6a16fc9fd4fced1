//! From messages to bytes: the sending half of a connection. It appends whole frames to a `Vec`
//! the caller owns, so that all frames for one connection leave in one write. It keeps no state
//! and draws no mask keys; sockets and tests call it.

use crate::close;
use crate::header::{self, CONTROL_PAYLOAD_BYTES_MAX, FIN, Opcode};
use crate::mask;

/// Appends frames as one role sends them. A client's encoder holds the mask key of the next frame:
/// make a new one, with fresh random bytes, for each frame (RFC 6455 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoder {
    mask: Option<[u8; 4]>,
}

impl Encoder {
    /// Unmasked frames, as a server must send them.
    pub const fn server() -> Self {
        Self { mask: None }
    }

    /// Frames masked with `key`, as a client must send them.
    pub const fn client(key: [u8; 4]) -> Self {
        Self { mask: Some(key) }
    }

    /// Appends a whole text message.
    pub fn text(self, out: &mut Vec<u8>, payload: &str) {
        self.frame(out, FIN | Opcode::Text as u8, payload.as_bytes());
    }

    /// Appends a whole binary message.
    pub fn binary(self, out: &mut Vec<u8>, payload: &[u8]) {
        self.frame(out, FIN | Opcode::Binary as u8, payload);
    }

    /// Appends one fragment of a message, never its last: `Text` or `Binary` for the first,
    /// `Continuation` for the others (§5.4). [`last_fragment`](Self::last_fragment) ends it.
    pub fn fragment(self, out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
        assert!(!opcode.is_control(), "control frames cannot be fragmented (§5.5)");
        self.frame(out, opcode as u8, payload);
    }

    /// Appends the fragment that ends a message.
    pub fn last_fragment(self, out: &mut Vec<u8>, payload: &[u8]) {
        self.frame(out, FIN | Opcode::Continuation as u8, payload);
    }

    /// Appends a ping. `payload` is at most [`CONTROL_PAYLOAD_BYTES_MAX`] bytes; more is a bug of
    /// the caller and panics.
    pub fn ping(self, out: &mut Vec<u8>, payload: &[u8]) {
        self.control(out, Opcode::Ping, payload);
    }

    /// Appends a pong, to a ping with its own payload. Length as for [`ping`](Self::ping).
    pub fn pong(self, out: &mut Vec<u8>, payload: &[u8]) {
        self.control(out, Opcode::Pong, payload);
    }

    /// Appends a close frame. A reason of more than 123 bytes is cut between characters. A `code`
    /// that must not travel ([`close_code_is_valid`](crate::close_code_is_valid)) is a bug of the
    /// caller and panics.
    pub fn close(self, out: &mut Vec<u8>, code: u16, reason: &str) {
        assert!(close::close_code_is_valid(code), "close code {code} must not be sent (§7.4)");
        let reason = close::fitting_reason(reason).as_bytes();
        let mut payload = [0; CONTROL_PAYLOAD_BYTES_MAX];
        payload[..2].copy_from_slice(&code.to_be_bytes());
        payload[2..2 + reason.len()].copy_from_slice(reason);
        self.control(out, Opcode::Close, &payload[..2 + reason.len()]);
    }

    /// Appends a close frame that says nothing.
    pub fn close_silently(self, out: &mut Vec<u8>) {
        self.control(out, Opcode::Close, &[]);
    }

    /// Leaves room for a header, for a message whose length is not known before it is written:
    /// append its payload to `out`, then call [`ReservedHeader::finish`]. Up to 65,535 bytes cost
    /// nothing or a move of at most 125 bytes; beyond that the payload is moved by six bytes.
    pub fn reserve_header(self, out: &mut Vec<u8>) -> ReservedHeader {
        let start = out.len();
        let room = RESERVED_BYTES + self.mask.map_or(0, |key| key.len());
        out.resize(start + room, 0);
        ReservedHeader { encoder: self, start, payload_start: start + room }
    }

    fn control(self, out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
        assert!(payload.len() <= CONTROL_PAYLOAD_BYTES_MAX, "control payload too long (§5.5)");
        self.frame(out, FIN | opcode as u8, payload);
    }

    fn frame(self, out: &mut Vec<u8>, first_byte: u8, payload: &[u8]) {
        let (header, length) = header::encode(first_byte, payload.len(), self.mask);
        out.reserve(length + payload.len());
        out.extend_from_slice(&header[..length]);
        let start = out.len();
        out.extend_from_slice(payload);
        if let Some(key) = self.mask {
            mask::apply(&mut out[start..], key);
        }
    }
}

/// Room for a header in front of a payload that is being written. Dropped without
/// [`finish`](Self::finish) it leaves bytes that are no frame.
#[derive(Debug)]
#[must_use = "the frame has no header until `finish` is called"]
pub struct ReservedHeader {
    encoder: Encoder,
    start: usize,
    /// `start < payload_start <= out.len()`
    payload_start: usize,
}

impl ReservedHeader {
    /// Makes what was appended to `out` since the reservation one whole message of kind `opcode`,
    /// `Text` (the payload must be UTF-8) or `Binary`.
    pub fn finish(self, out: &mut Vec<u8>, opcode: Opcode) {
        assert!(matches!(opcode, Opcode::Text | Opcode::Binary), "only messages are reserved for");
        let payload = &mut out[self.payload_start..];
        if let Some(key) = self.encoder.mask {
            mask::apply(payload, key);
        }
        let (header, length) = header::encode(FIN | opcode as u8, payload.len(), self.encoder.mask);
        out.splice(self.start..self.payload_start, header[..length].iter().copied());
    }

    /// Takes the reservation and all that was appended since off `out` again.
    pub fn cancel(self, out: &mut Vec<u8>) {
        out.truncate(self.start);
    }
}

/// Enough for a server's header up to 65,535 bytes of payload.
const RESERVED_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::server_header;

    #[test]
    fn frames_of_the_rfc_examples() {
        let check = |write: &dyn Fn(&mut Vec<u8>), expected: &[u8]| {
            let mut out = Vec::new();
            write(&mut out);
            assert_eq!(out, expected);
        };
        let key = [0x37, 0xfa, 0x21, 0x3d];
        check(&|out| Encoder::server().text(out, "Hello"), b"\x81\x05Hello");
        check(
            &|out| Encoder::client(key).text(out, "Hello"),
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        );
        check(&|out| Encoder::server().fragment(out, Opcode::Text, b"Hel"), b"\x01\x03Hel");
        check(&|out| Encoder::server().last_fragment(out, b"lo"), b"\x80\x02lo");
        check(&|out| Encoder::server().ping(out, b"Hello"), b"\x89\x05Hello");
        check(
            &|out| Encoder::client(key).pong(out, b"Hello"),
            b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        );
        check(&|out| server_header(out, Opcode::Binary, 256), b"\x82\x7e\x01\x00");
        check(&|out| server_header(out, Opcode::Binary, 65536), b"\x82\x7f\0\0\0\0\0\x01\0\0");
    }

    #[test]
    fn close_frame_carries_code_and_cut_reason() {
        let mut out = Vec::new();
        Encoder::server().close(&mut out, 4508, "late");
        Encoder::server().close_silently(&mut out);
        assert_eq!(out, b"\x88\x06\x11\x9clate\x88\x00");
        out.clear();
        Encoder::server().close(&mut out, 1000, &"x".repeat(200));
        assert_eq!((out.len(), out[1]), (127, 125));
    }

    #[test]
    fn reserved_header_gives_the_bytes_of_a_known_length() {
        for encoder in [Encoder::server(), Encoder::client([9, 8, 7, 6])] {
            for length in [0, 1, 125, 126, 65_535, 65_536, 70_000] {
                let payload = vec![7; length];
                let mut expected = b"before".to_vec();
                encoder.binary(&mut expected, &payload);
                let mut out = b"before".to_vec();
                let reserved = encoder.reserve_header(&mut out);
                out.extend_from_slice(&payload);
                reserved.finish(&mut out, Opcode::Binary);
                assert!(out == expected, "length {length}");
                let reserved = encoder.reserve_header(&mut out);
                out.extend_from_slice(b"never mind");
                reserved.cancel(&mut out);
                assert!(out == expected, "cancelled after length {length}");
            }
        }
    }
}
