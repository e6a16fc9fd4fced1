//! One upgraded connection: bytes from and to the server, frames in and out. Owns the buffers; no delivery rule.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ackd_websocket::{Decoded, Decoder, Encoder, Item, Limits, Opcode, ProtocolError, Role};
use ackd_wire::v1::{ClientFrame, json};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::random::Random;
use crate::stream::Stream;

/// The connection. Reading and writing go on side by side: [`Socket::exchange`].
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    input: Vec<u8>,
    output: Output,
    decoder: Decoder,
}

/// Frames that wait to be written.
#[derive(Debug, Default)]
struct Output {
    bytes: Vec<u8>,
    /// `written <= bytes.len()`
    written: usize,
}

/// What one exchange brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchanged {
    /// Bytes came.
    Read,
    /// Everything said is written.
    Written,
    /// The server has hung up.
    Ended,
}

/// What the server said.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message of frames.
    Text(String),
    /// It closed, with a code and a reason or without.
    Close(Option<(u16, String)>),
}

impl Socket {
    /// A connection, and what was read of it beyond the upgrade.
    pub(crate) fn new(stream: Stream, read: &[u8]) -> Self {
        Self {
            stream,
            input: read.to_vec(),
            output: Output::default(),
            decoder: Decoder::new(Role::Client, Limits { message_bytes_max: MESSAGE_BYTES_MAX }),
        }
    }

    /// Whether everything said has been handed to the system.
    pub(crate) fn is_written(&self) -> bool {
        self.output.bytes.is_empty()
    }

    /// Says a frame, in a message of its own.
    pub(crate) fn say(&mut self, frame: &ClientFrame<'_>, random: &mut Random) {
        let out = &mut self.output.bytes;
        let header = Encoder::client(random.bytes()).reserve_header(out);
        json::encode_client(out, frame);
        header.finish(out, Opcode::Text);
    }

    /// Says a close frame.
    pub(crate) fn say_close(&mut self, code: u16, random: &mut Random) {
        Encoder::client(random.bytes()).close(&mut self.output.bytes, code, "");
    }

    /// Reads, and writes what there is to write, whichever is possible first. Safe to cancel.
    pub(crate) async fn exchange(&mut self) -> io::Result<Exchanged> {
        std::future::poll_fn(|cx| match self.poll_write(cx)? {
            Poll::Ready(()) => Poll::Ready(Ok(Exchanged::Written)),
            Poll::Pending => self.poll_read(cx),
        })
        .await
    }

    /// Ready when everything said is written, and was not before.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let output = &mut self.output;
        if output.bytes.is_empty() {
            return Poll::Pending;
        }
        while output.written < output.bytes.len() {
            let rest = &output.bytes[output.written..];
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            output.written += count;
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        *output = Output::default();
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Exchanged>> {
        let start = self.input.len();
        self.input.resize(start + READ_BYTES, 0);
        let mut buf = ReadBuf::new(&mut self.input[start..]);
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut buf);
        let count = buf.filled().len();
        self.input.truncate(start + count);
        ready!(read)?;
        Poll::Ready(Ok(if count == 0 { Exchanged::Ended } else { Exchanged::Read }))
    }

    /// Takes everything that has come whole. Pings are answered here.
    pub(crate) fn hear(&mut self, random: &mut Random) -> Result<Vec<Heard>, ProtocolError> {
        let mut heard = Vec::new();
        let mut start = 0;
        loop {
            match self.decoder.decode(&mut self.input[start..])? {
                Decoded::Item { consumed, item } => {
                    start += consumed;
                    match item {
                        Item::Text(text) => heard.push(Heard::Text(text.to_owned())),
                        Item::Close(close) => {
                            let close = close.map(|(code, reason)| (code, reason.to_owned()));
                            heard.push(Heard::Close(close));
                        }
                        Item::Ping(payload) => {
                            let encoder = Encoder::client(random.bytes());
                            encoder.pong(&mut self.output.bytes, payload);
                        }
                        Item::Pong(_) | Item::Binary(_) => {} // JSON was agreed on
                    }
                }
                Decoded::Absorbed { consumed } => start += consumed,
                Decoded::Need { .. } | Decoded::Closed => break,
            }
        }
        self.input.drain(..start);
        Ok(heard)
    }
}

/// Read at most so much at a time.
const READ_BYTES: usize = 16 * 1024;
/// A server batches at most this much; more is no ackd server.
const MESSAGE_BYTES_MAX: usize = 256 << 20;
