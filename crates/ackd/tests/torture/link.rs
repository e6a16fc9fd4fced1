//! A client's connection: blocking socket, opening handshake, the codec, JSON. Every failure of it is ordinary here, as
//! the server is being killed; only what breaks the WebSocket protocol is a finding.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ackd_websocket::{Decoded, Decoder, Encoder, Item, Limits, Role, accept_key, client_key};
use serde_json::Value;

/// One WebSocket connection.
pub(crate) struct Link {
    stream: TcpStream,
    decoder: Decoder,
    unread: Vec<u8>,
    unsent: Vec<u8>,
    /// Frames that came with an answer that was waited for.
    early: Vec<Value>,
}

impl Link {
    /// Connects and upgrades.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let key = client_key(*b"torture's nonces");
        write!(
            stream,
            "GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Protocol: ackd.v1.json\r\n\r\n"
        )?;
        read_response(&mut stream, &accept_key(&key).expect("a good key"))?;
        let decoder = Decoder::new(Role::Client, Limits { message_bytes_max: 1 << 24 });
        Ok(Self { stream, decoder, unread: Vec::new(), unsent: Vec::new(), early: Vec::new() })
    }

    /// Puts a frame among those that [`flush`](Self::flush) sends.
    pub(crate) fn push(&mut self, frame: &str) {
        Encoder::client(MASK).text(&mut self.unsent, frame);
    }

    /// Sends what was put.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let written = self.stream.write_all(&self.unsent);
        self.unsent.clear();
        written
    }

    /// The frames that are there within `patience`; none if there are none. An error: the connection is over.
    pub(crate) fn receive(&mut self, patience: Duration) -> io::Result<Vec<Value>> {
        let mut frames = std::mem::take(&mut self.early);
        if !frames.is_empty() {
            return Ok(frames);
        }
        self.stream.set_read_timeout(Some(patience))?;
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                self.unread.extend_from_slice(&chunk[..read]);
                self.decode(&mut frames)?;
                Ok(frames)
            }
            Err(error) if is_timeout(&error) => Ok(frames),
            Err(error) => Err(error),
        }
    }

    /// Waits for the first frame that `is_wanted`, for half a second or so; what comes behind it is kept for
    /// [`receive`](Self::receive), what comes before it is dropped.
    pub(crate) fn wait_for(
        &mut self,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> io::Result<Option<Value>> {
        for _ in 0..10 {
            let mut frames = self.receive(Duration::from_millis(50))?;
            if let Some(found) = frames.iter().position(&is_wanted) {
                self.early = frames.split_off(found + 1);
                return Ok(frames.pop());
            }
        }
        Ok(None)
    }

    fn decode(&mut self, frames: &mut Vec<Value>) -> io::Result<()> {
        let mut start = 0;
        let mut pongs = Vec::new();
        loop {
            let decoded = self.decoder.decode(&mut self.unread[start..]);
            match decoded.unwrap_or_else(|error| panic!("the server broke WebSocket: {error}")) {
                Decoded::Item { consumed, item } => {
                    start += consumed;
                    match item {
                        Item::Text(text) => parse(text, frames),
                        Item::Ping(payload) => Encoder::client(MASK).pong(&mut pongs, payload),
                        Item::Close(close) => {
                            return Err(io::Error::other(format!("closed: {close:?}")));
                        }
                        Item::Pong(_) | Item::Binary(_) => {}
                    }
                }
                Decoded::Absorbed { consumed } => start += consumed,
                Decoded::Need { .. } => break,
                Decoded::Closed => return Err(ErrorKind::UnexpectedEof.into()),
            }
        }
        self.unread.drain(..start);
        self.stream.write_all(&pongs)
    }
}

/// One frame, or a batch of them.
fn parse(text: &str, frames: &mut Vec<Value>) {
    match serde_json::from_str(text) {
        Ok(Value::Array(batch)) => frames.extend(batch),
        Ok(frame) => frames.push(frame),
        Err(error) => panic!("the server sent no JSON: {error}: {text}"),
    }
}

/// Reads the answer to the upgrade, byte by byte so as not to read beyond it.
fn read_response(stream: &mut TcpStream, accept: &str) -> io::Result<()> {
    let mut response = Vec::new();
    let mut byte = [0];
    while !response.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        response.push(byte[0]);
    }
    let response = String::from_utf8_lossy(&response);
    if response.starts_with("HTTP/1.1 101 ") && response.contains(accept) {
        Ok(())
    } else {
        Err(io::Error::other(format!("not upgraded: {response}")))
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

const PATIENCE: Duration = Duration::from_secs(10);
/// Masking protects proxies from browsers' scripts; between these two nobody needs it to be random.
const MASK: [u8; 4] = [0x5a, 0x17, 0xc3, 0x88];
