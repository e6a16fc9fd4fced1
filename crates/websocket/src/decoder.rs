//! From bytes to messages: the receiving half of a connection. It owns the rules between frames
//! (fragments, limit, what follows a close) and the fragments of an unfinished message. It owns no
//! buffer, never reads and never answers: the socket calls it on what it has read.

use crate::close;
use crate::error::ProtocolError;
use crate::header::{self, Header, Opcode, Parsed};
use crate::{mask, utf8};

/// Which end of the connection this side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Receives masked frames, sends unmasked ones.
    Server,
    /// Receives unmasked frames, sends masked ones.
    Client,
}

impl Role {
    /// Whether a frame that this role receives is rightly masked or unmasked (§5.1).
    pub(crate) fn check_masked(self, masked: bool) -> Result<(), ProtocolError> {
        match (self, masked) {
            (Self::Server, false) => Err(ProtocolError::UnmaskedClientFrame),
            (Self::Client, true) => Err(ProtocolError::MaskedServerFrame),
            _ => Ok(()),
        }
    }
}

/// What a decoder accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most payload of one text or binary message, summed over its fragments. A message of
    /// exactly this size passes. Control frames have their own limit, 125.
    pub message_bytes_max: usize,
}

/// What the peer said; slices belong to the caller's buffer (or, for a message that came in
/// fragments, to the decoder).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// Answer it with a pong of the same payload.
    Ping(&'a [u8]),
    /// The answer to a ping, or unasked for.
    Pong(&'a [u8]),
    /// The peer's last word: a valid code and its reason, or nothing. Answer it with
    /// [`echo_close_code`](crate::echo_close_code) if this side has not closed yet.
    Close(Option<(u16, &'a str)>),
}

/// What one call of [`Decoder::decode`] made of the start of the buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A message or control frame. Skip `consumed` bytes before the next call.
    Item {
        /// How many bytes of the buffer are done with.
        consumed: usize,
        /// What they said.
        item: Item<'a>,
    },
    /// A fragment was put aside; its message is not whole yet. Skip `consumed` bytes and go on.
    Absorbed {
        /// How many bytes of the buffer are done with.
        consumed: usize,
    },
    /// The buffer ends within a frame. Nothing is consumed; call again when it holds at least
    /// `bytes`, counted from where it starts now. `bytes` is a peer's word, though bounded by the
    /// limit: let the buffer grow towards it as bytes arrive, do not allocate it at once.
    Need {
        /// How many bytes the buffer must hold for this call to get further.
        bytes: usize,
    },
    /// The peer's close frame was handed out before: whatever follows it is to be ignored (§1.4).
    Closed,
}

/// The receiving half of one connection.
///
/// Once an error is returned every further call returns the same one.
#[derive(Debug)]
pub struct Decoder {
    /// The fragments so far of the open message; after its last one lent out, until the next call.
    gathered: Vec<u8>,
    /// `valid_up_to <= gathered.len()`: this much of an open text message is UTF-8.
    valid_up_to: usize,
    message_bytes_max: usize,
    role: Role,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between messages.
    Idle,
    /// Within a fragmented message.
    Text,
    Binary,
    Closed,
    Failed(ProtocolError),
}

impl Decoder {
    /// A decoder for what a peer sends to `role`.
    pub const fn new(role: Role, limits: Limits) -> Self {
        Self {
            gathered: Vec::new(),
            valid_up_to: 0,
            message_bytes_max: limits.message_bytes_max,
            role,
            state: State::Idle,
        }
    }

    /// Decodes the frame at the start of `buf`, in place. To be called in a loop, each time on
    /// what is left, until it says [`Decoded::Need`] or [`Decoded::Closed`]: only then is the
    /// memory of a message that came in fragments given back.
    ///
    /// A frame's payload is decoded once it is all in `buf`, so `buf` must be able to grow to
    /// `message_bytes_max` plus [`HEADER_BYTES_MAX`](crate::HEADER_BYTES_MAX). Bytes of a frame
    /// that is not consumed are left as they are.
    pub fn decode<'a>(&'a mut self, buf: &'a mut [u8]) -> Result<Decoded<'a>, ProtocolError> {
        match self.state {
            State::Idle => self.forget_message(),
            State::Text | State::Binary => {}
            State::Closed => return Ok(Decoded::Closed),
            State::Failed(error) => return Err(error),
        }
        let header = match header::parse(buf, self.role) {
            Ok(Parsed::Header(header)) => header,
            Ok(Parsed::Need(bytes)) => return Ok(Decoded::Need { bytes }),
            Err(error) => return Err(self.fail(error)),
        };
        let payload_bytes = match self.admit(header) {
            Ok(payload_bytes) => payload_bytes,
            Err(error) => return Err(self.fail(error)),
        };
        let consumed = header.payload_start.saturating_add(payload_bytes);
        let Some(payload) = buf.get_mut(header.payload_start..consumed) else {
            return Ok(Decoded::Need { bytes: consumed });
        };
        if let Some(key) = header.mask {
            mask::apply(payload, key);
        }
        match header.opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                self.control(header.opcode, payload).map(|item| Decoded::Item { consumed, item })
            }
            opcode if header.fin && opcode != Opcode::Continuation => {
                self.whole(opcode, payload).map(|item| Decoded::Item { consumed, item })
            }
            opcode => self.fragment(opcode, header.fin, payload).map(|item| match item {
                Some(item) => Decoded::Item { consumed, item },
                None => Decoded::Absorbed { consumed },
            }),
        }
    }

    /// Whether a fragmented message is open: the peer must not be taken for idle.
    pub const fn is_mid_message(&self) -> bool {
        matches!(self.state, State::Text | State::Binary)
    }

    /// Checks what a header can break in its place among the others, before its payload is here.
    fn admit(&self, header: Header) -> Result<usize, ProtocolError> {
        let open = self.is_mid_message();
        match header.opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                return Ok(header.payload_bytes as usize); // at most 125
            }
            Opcode::Continuation if !open => return Err(ProtocolError::UnexpectedContinuation),
            Opcode::Text | Opcode::Binary if open => {
                return Err(ProtocolError::ExpectedContinuation);
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {}
        }
        // What is gathered was admitted here: the difference cannot be negative.
        let room = self.message_bytes_max - self.gathered.len();
        usize::try_from(header.payload_bytes)
            .ok()
            .filter(|payload_bytes| *payload_bytes <= room)
            .ok_or(ProtocolError::MessageTooLarge)
    }

    fn control<'a>(
        &mut self,
        opcode: Opcode,
        payload: &'a [u8],
    ) -> Result<Item<'a>, ProtocolError> {
        match opcode {
            Opcode::Ping => Ok(Item::Ping(payload)),
            Opcode::Pong => Ok(Item::Pong(payload)),
            _ => {
                let close = close::parse_payload(payload).map_err(|error| self.fail(error))?;
                self.state = State::Closed;
                self.forget_message();
                Ok(Item::Close(close))
            }
        }
    }

    /// A message in one frame: lent from the caller's buffer.
    fn whole<'a>(&mut self, opcode: Opcode, payload: &'a [u8]) -> Result<Item<'a>, ProtocolError> {
        if opcode == Opcode::Binary {
            return Ok(Item::Binary(payload));
        }
        str::from_utf8(payload).map(Item::Text).map_err(|_| self.fail(ProtocolError::InvalidUtf8))
    }

    /// A first, middle or last fragment: gathered, and lent from there when it was the last.
    fn fragment(
        &mut self,
        opcode: Opcode,
        fin: bool,
        payload: &[u8],
    ) -> Result<Option<Item<'_>>, ProtocolError> {
        match opcode {
            Opcode::Text => self.state = State::Text,
            Opcode::Binary => self.state = State::Binary,
            _ => {}
        }
        self.gathered.extend_from_slice(payload);
        let is_text = self.state == State::Text;
        if is_text {
            match utf8::check_prefix(&self.gathered, self.valid_up_to) {
                Ok(valid_up_to) => self.valid_up_to = valid_up_to,
                Err(error) => return Err(self.fail(error)),
            }
        }
        if !fin {
            return Ok(None);
        }
        if is_text && self.valid_up_to < self.gathered.len() {
            return Err(self.fail(ProtocolError::InvalidUtf8));
        }
        self.state = State::Idle;
        if !is_text {
            return Ok(Some(Item::Binary(&self.gathered)));
        }
        let text = str::from_utf8(&self.gathered).expect("each fragment was checked as it came");
        Ok(Some(Item::Text(text)))
    }

    fn fail(&mut self, error: ProtocolError) -> ProtocolError {
        self.state = State::Failed(error);
        self.forget_message();
        error
    }

    fn forget_message(&mut self) {
        self.gathered = Vec::new();
        self.valid_up_to = 0;
    }
}

const _: () = assert!(size_of::<Decoder>() <= 64, "an idle connection owns a decoder");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_fragments_is_given_back_after_the_message() {
        let endings: [&[u8]; 3] = [b"\x80\x01b", b"\x88\x00", b"\x83\x00"];
        for ending in endings {
            let mut decoder = Decoder::new(Role::Client, Limits { message_bytes_max: 100 });
            let mut first = *b"\x01\x01a";
            assert_eq!(decoder.decode(&mut first), Ok(Decoded::Absorbed { consumed: 3 }));
            assert_ne!(decoder.gathered.capacity(), 0);
            let _ended = decoder.decode(&mut ending.to_vec()).is_ok();
            let _called_again = decoder.decode(&mut []).is_ok();
            assert_eq!(decoder.gathered.capacity(), 0, "after {ending:02x?}");
        }
    }
}
