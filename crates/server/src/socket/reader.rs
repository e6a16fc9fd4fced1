//! The receiving side of a connection: bytes that were read, decoded into pieces, until the session has taken them all.
//! It owns no buffer while nothing is here.

use std::io;
use std::ops::Range;
use std::task::{Context, Poll, ready};

use ackd_websocket::{Decoded, Decoder, Encoder, Item, Limits, Opcode, Role, echo_close_code};
use ackd_wire::{CloseCode, limits};

use super::pool;
use super::stream::Stream;

/// What was read and is not handled.
#[derive(Debug)]
pub(super) struct Reader {
    decoder: Decoder,
    /// Which messages the dialect speaks: `Text` or `Binary`.
    spoken: Opcode,
    bytes: Vec<u8>,
    /// `decoded <= bytes.len()`: what lies before it is in `pieces`.
    decoded: usize,
    /// How many bytes there must be for the decoder to get further.
    needed: usize,
    /// Empty unless something is still to be handled.
    pieces: Vec<Piece>,
    handled: Handled,
}

/// How far the pieces are handled.
#[derive(Debug, Default)]
pub(super) struct Handled {
    /// So many pieces, whole.
    pub(super) pieces: usize,
    /// Of the next one so many commands.
    pub(super) commands: usize,
}

/// What one message is to the session.
#[derive(Debug)]
pub(super) enum Piece {
    /// A message that lies there among the bytes.
    Here(Range<usize>),
    /// A message that came in fragments.
    Gathered(Box<[u8]>),
    /// The connection ends, with this code and reason.
    End(u16, Box<str>),
}

/// Everything that is decoded, and the mark of how far it is handled.
pub(super) struct Lent<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) pieces: &'a [Piece],
    pub(super) handled: &'a mut Handled,
}

impl Reader {
    /// `early` came together with the upgrade request.
    pub(super) fn new(max_message: usize, spoken: Opcode, early: &[u8]) -> Self {
        let message_bytes_max = max_message.saturating_mul(limits::MESSAGE_FACTOR);
        Self {
            decoder: Decoder::new(Role::Server, Limits { message_bytes_max }),
            spoken,
            bytes: early.to_vec(),
            decoded: 0,
            needed: 0,
            pieces: Vec::new(),
            handled: Handled::default(),
        }
    }

    /// Whether all that could be decoded has been handled: more may be decoded, or read.
    pub(super) fn is_handled(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Messages that are decoded and not forgotten.
    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Whether more must be read before anything can be handled.
    pub(super) fn is_short(&self) -> bool {
        self.bytes.len() < self.needed || self.bytes.is_empty()
    }

    /// Reads once, or sees to being woken. 0: the client says nothing more. The buffer grows as the bytes of a large
    /// message come.
    pub(super) fn poll_read(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        ready!(stream.poll_read_ready(cx))?;
        if self.bytes.capacity() == 0 {
            self.bytes = pool::take();
        }
        if self.bytes.len() == self.bytes.capacity() {
            self.bytes.reserve(self.bytes.len().max(pool::BUFFER_BYTES));
        }
        let read = stream.poll_read_into(cx, &mut self.bytes);
        self.rest();
        read
    }

    /// Decodes what is here, in place. Pings are answered in `out`. Counts the frames that are no pieces, but for pongs.
    pub(super) fn decode(&mut self, out: &mut Vec<u8>) -> u64 {
        let mut others = 0;
        self.needed = 0;
        while self.pieces.len() < PIECES_MAX {
            let fragmented = self.decoder.is_mid_message();
            let piece = match self.decoder.decode(&mut self.bytes[self.decoded..]) {
                Ok(Decoded::Item { consumed, item: Item::Pong(_) }) => {
                    self.decoded += consumed;
                    continue;
                }
                Ok(Decoded::Item { consumed, item }) => {
                    self.decoded += consumed;
                    piece(item, self.spoken, (fragmented, self.decoded), out)
                }
                Ok(Decoded::Absorbed { consumed }) => {
                    self.decoded += consumed;
                    None
                }
                Ok(Decoded::Need { bytes }) => {
                    self.needed = bytes;
                    break;
                }
                Ok(Decoded::Closed) => break,
                Err(error) => Some(Piece::End(error.close_code(), error.to_string().into())),
            };
            let is_end = matches!(piece, Some(Piece::End(..)));
            match piece {
                Some(piece) => {
                    if self.pieces.len() == self.pieces.capacity() {
                        self.pieces.reserve(KEPT_PIECES); // a batch's worth at once
                    }
                    self.pieces.push(piece);
                }
                None => others += 1,
            }
            if is_end {
                break;
            }
        }
        self.done();
        others
    }

    pub(super) fn lend(&mut self) -> Lent<'_> {
        Lent { bytes: &self.bytes, pieces: &self.pieces, handled: &mut self.handled }
    }

    /// Forgets what is handled, once all of it is.
    pub(super) fn done(&mut self) {
        if self.handled.pieces < self.pieces.len() {
            return;
        }
        self.handled = Handled::default();
        self.pieces.clear();
        if KEPT_PIECES < self.pieces.capacity() {
            self.pieces = Vec::new();
        }
        self.bytes.drain(..self.decoded);
        self.decoded = 0;
        if pool::BUFFER_BYTES < self.bytes.capacity() && self.bytes.len() < pool::BUFFER_BYTES {
            self.bytes.shrink_to(pool::BUFFER_BYTES); // a large message is over
        }
        self.rest();
    }

    /// Gives the buffer back while nothing is here.
    fn rest(&mut self) {
        if self.bytes.is_empty() {
            self.needed = 0;
            self.pieces = Vec::new();
            pool::give(&mut self.bytes);
        }
    }
}

/// What an item is to the session; it ended at `end`.
fn piece(
    item: Item<'_>,
    spoken: Opcode,
    (fragmented, end): (bool, usize),
    out: &mut Vec<u8>,
) -> Option<Piece> {
    let message = |bytes: &[u8], opcode| {
        if opcode != spoken {
            let code = CloseCode::WrongKind;
            Piece::End(code.code(), code.reason().into())
        } else if fragmented {
            Piece::Gathered(bytes.into())
        } else {
            Piece::Here(end - bytes.len()..end)
        }
    };
    match item {
        Item::Text(text) => Some(message(text.as_bytes(), Opcode::Text)),
        Item::Binary(bytes) => Some(message(bytes, Opcode::Binary)),
        Item::Close(close) => {
            let code = echo_close_code(close.map(|(code, _)| code));
            Some(Piece::End(code, Box::default()))
        }
        Item::Ping(payload) => {
            Encoder::server().pong(out, payload);
            None
        }
        Item::Pong(_) => None,
    }
}

/// Messages that are handled together at most.
const PIECES_MAX: usize = 1024;
/// Pieces whose memory is kept while bytes are here.
const KEPT_PIECES: usize = 64;
