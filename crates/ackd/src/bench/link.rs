//! A client's connection for the event loop: opened and entered with a blocking socket, then without blocking. It keeps
//! the beginning of a frame that has not come whole, and what could not be written yet; else it owns no buffers.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;

use ackd_websocket::{Decoded, Decoder, Encoder, Item, Limits, Role, client_key};
use anyhow::{Context as _, bail};
use memchr::memmem;
use mio::net::TcpStream;
use serde_json::Value;

use super::Target;
use super::encoding::Encoding;

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
    decoder: Decoder,
    unread: Vec<u8>,
    out: Vec<u8>,
    mask: u64,
    encoding: Encoding,
}

/// A connection on its way: opened in steps, so that many can be opened at once.
#[derive(Debug)]
pub(crate) struct Opening {
    stream: std::net::TcpStream,
    encoding: Encoding,
}

impl Opening {
    /// Connects and asks for the upgrade.
    pub(crate) fn start(target: Target) -> anyhow::Result<Self> {
        let Target { address, encoding } = target;
        let mut stream = std::net::TcpStream::connect(address)
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let key = client_key(*b"one for a bench.");
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Protocol: {}\r\n\r\n",
            encoding.subprotocol()
        );
        stream.write_all(request.as_bytes())?;
        Ok(Self { stream, encoding })
    }

    /// Waits for the upgrade and sends `connect`.
    pub(crate) fn upgraded(&mut self, connect: &Value) -> anyhow::Result<()> {
        let mut response = Vec::new();
        while !response.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).context("no answer to the upgrade")?;
            response.push(byte[0]);
        }
        if !response.starts_with(b"HTTP/1.1 101") {
            let status = String::from_utf8_lossy(&response);
            bail!("the server did not upgrade: {}", status.lines().next().unwrap_or_default());
        }
        let subprotocol = self.encoding.subprotocol();
        if self.encoding != Encoding::Json
            && memmem::find(&response, subprotocol.as_bytes()).is_none()
        {
            bail!("the server does not speak {subprotocol}");
        }
        self.ask(connect)
    }

    /// Sends a frame.
    pub(crate) fn ask(&mut self, frame: &Value) -> anyhow::Result<()> {
        let mut out = Vec::new();
        let frame = self.encoding.client_frame(&frame.to_string());
        put(Encoder::client([7; 4]), self.encoding, &frame, &mut out);
        Ok(self.stream.write_all(&out)?)
    }

    /// Waits for the frame that answers, which must be of this op.
    pub(crate) fn answered(&mut self, op: &str) -> anyhow::Result<Value> {
        let mut header = [0; 2];
        self.stream.read_exact(&mut header).with_context(|| format!("no {op}"))?;
        let mut length = usize::from(header[1]);
        if length == 126 {
            let mut long = [0; 2];
            self.stream.read_exact(&mut long)?;
            length = usize::from(u16::from_be_bytes(long));
        }
        let mut frame = vec![0; length];
        self.stream.read_exact(&mut frame)?;
        let answer = self.encoding.server_frame(&frame)?;
        if answer["op"] != op {
            bail!("the server said {answer}, not {op}");
        }
        Ok(answer)
    }

    /// Waits for `connected`.
    pub(crate) fn connected(mut self) -> anyhow::Result<(Link, Value)> {
        let connected = self.answered("connected")?;
        Ok((self.into_link()?, connected))
    }

    /// From now on for the event loop.
    pub(crate) fn into_link(self) -> anyhow::Result<Link> {
        self.stream.set_nonblocking(true)?;
        Ok(Link {
            stream: TcpStream::from_std(self.stream),
            decoder: Decoder::new(Role::Client, Limits { message_bytes_max: 1 << 24 }),
            unread: Vec::new(),
            out: Vec::new(),
            encoding: self.encoding,
            mask: 0x9e37_79b9_7f4a_7c15,
        })
    }
}

impl Link {
    /// Connects and enters.
    pub(crate) fn open(target: Target, connect: &Value) -> anyhow::Result<(Self, Value)> {
        let mut opening = Opening::start(target)?;
        opening.upgraded(connect)?;
        opening.connected()
    }

    /// For the event loop.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Puts a frame among those to write.
    pub(crate) fn push(&mut self, frame: &[u8]) {
        // Xorshift: a fresh key for each frame, cheaply.
        self.mask ^= self.mask << 13;
        self.mask ^= self.mask >> 7;
        self.mask ^= self.mask << 17;
        let encoder = Encoder::client((self.mask as u32).to_ne_bytes());
        put(encoder, self.encoding, frame, &mut self.out);
    }

    /// Puts a frame that is given in JSON among those to write.
    pub(crate) fn push_json(&mut self, frame: &str) {
        let frame = self.encoding.client_frame(frame);
        self.push(&frame);
    }

    /// Writes as much as the socket takes.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("the connection broke"),
            }
        }
        Ok(())
    }

    /// Whether so much could not be written yet that no more should be put.
    pub(crate) fn is_far_behind(&self) -> bool {
        OUT_BYTES < self.out.len()
    }

    /// Reads all that is there into `scratch`, and hands out each message.
    pub(crate) fn read(
        &mut self,
        scratch: &mut [u8],
        mut found: impl FnMut(&[u8]),
    ) -> anyhow::Result<()> {
        loop {
            let kept = self.unread.len();
            scratch[..kept].copy_from_slice(&self.unread);
            let read = match self.stream.read(&mut scratch[kept..]) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("the connection broke"),
            };
            let end = kept + read;
            let start = self.decode(&mut scratch[..end], &mut found)?;
            self.unread.clear();
            self.unread.extend_from_slice(&scratch[start..end]);
            if end < scratch.len() {
                return Ok(()); // it was all: the next bytes wake the loop
            }
        }
    }

    /// How many bytes were whole frames.
    fn decode(&mut self, bytes: &mut [u8], found: &mut impl FnMut(&[u8])) -> anyhow::Result<usize> {
        let mut start = 0;
        loop {
            match self.decoder.decode(&mut bytes[start..])? {
                Decoded::Item { consumed, item } => {
                    start += consumed;
                    match item {
                        Item::Text(text) => found(text.as_bytes()),
                        Item::Binary(bytes) => found(bytes),
                        Item::Ping(payload) => {
                            Encoder::client([7; 4]).pong(&mut self.out, payload);
                        }
                        Item::Close(close) => bail!("the server closed: {close:?}"),
                        Item::Pong(_) => {}
                    }
                }
                Decoded::Absorbed { consumed } => start += consumed,
                Decoded::Need { .. } | Decoded::Closed => return Ok(start),
            }
        }
    }
}

fn put(encoder: Encoder, encoding: Encoding, frame: &[u8], out: &mut Vec<u8>) {
    match encoding {
        Encoding::Json => {
            encoder.text(out, std::str::from_utf8(frame).expect("the generator writes ASCII"));
        }
        Encoding::Msgpack => encoder.binary(out, frame),
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
/// The size of the buffer that a loop lends to [`Link::read`].
pub(crate) const SCRATCH_BYTES: usize = 256 * 1024;
/// Put at most about so much before the socket takes some.
const OUT_BYTES: usize = 512 * 1024;
