//! A blocking client with one buffer, which allocates nothing once it is connected.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ackd_websocket::Encoder;
use ackd_wire::v1::{json, msgpack};

/// How frames are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    MessagePack,
}

pub(crate) struct Client {
    encoding: Encoding,
    stream: TcpStream,
    buffer: Box<[u8]>,
    /// `buffer[start..end]` was read and not looked at: `start <= end <= buffer.len()`.
    start: usize,
    end: usize,
}

impl Client {
    /// A client that has claimed this name, with a window that never fills.
    pub(crate) fn connect(server: SocketAddr, encoding: Encoding, name: &str) -> Self {
        let stream = TcpStream::connect(server).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        let mut client = Self { encoding, stream, buffer, start: 0, end: 0 };
        client.write(encoding.upgrade().as_bytes());
        client.read_head();
        let token = "A".repeat(43);
        client.write(&encoding.message(&format!(
            r#"{{"op":"connect","id":"{name}","token":"{token}","new":true,"outbox":"o","window":1024}}"#
        )));
        client.read(1, "connected");
        client
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("written");
    }

    /// Reads so many frames, all of which must be of this op.
    pub(crate) fn read(&mut self, frames: u64, op: &str) {
        let encoding = self.encoding;
        for _ in 0..frames {
            let payload = self.frame();
            assert!(encoding.is(payload, op), "{}", String::from_utf8_lossy(payload));
        }
    }

    /// The payload of the next frame.
    fn frame(&mut self) -> &[u8] {
        let first = match self.encoding {
            Encoding::Json => FINAL_TEXT,
            Encoding::MessagePack => FINAL_BINARY,
        };
        let (header, length) = loop {
            match self.buffer[self.start..self.end] {
                [byte, length @ 0..=125, ..] if byte == first => break (2, usize::from(length)),
                [byte, 126, high, low, ..] if byte == first => {
                    break (4, usize::from(u16::from_be_bytes([high, low])));
                }
                [] | [_] | [_, 126] | [_, 126, _] => self.fill(),
                ref other => panic!("no short data frame: {:?}", &other[..2]),
            }
        };
        while self.end - self.start < header + length {
            self.fill();
        }
        let payload = self.start + header..self.start + header + length;
        self.start = payload.end;
        &self.buffer[payload]
    }

    fn read_head(&mut self) {
        loop {
            let read = &self.buffer[self.start..self.end];
            if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                assert!(read.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(read));
                self.start += end + 4;
                return;
            }
            self.fill();
        }
    }

    fn fill(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let read = self.stream.read(&mut self.buffer[self.end..]).expect("the server answers");
        assert_ne!(read, 0, "the server has hung up");
        self.end += read;
    }
}

/// `count` numbered sends behind number `last`, each in a WebSocket message of its own, for one write.
pub(crate) fn sends(encoding: Encoding, to: &str, last: u64, count: u64) -> Vec<u8> {
    let body = "x".repeat(128);
    let frames = (last + 1..=last + count)
        .map(|n| format!(r#"{{"op":"send","n":{n},"to":"{to}","body":"{body}"}}"#));
    frames.flat_map(|frame| encoding.message(&frame)).collect()
}

/// The acknowledgement of everything up to `seq`.
pub(crate) fn ack(encoding: Encoding, seq: u64) -> Vec<u8> {
    encoding.message(&format!(r#"{{"op":"ack","seq":{seq}}}"#))
}

impl Encoding {
    fn upgrade(self) -> String {
        let subprotocol = match self {
            Self::Json => "ackd.v1.json",
            Self::MessagePack => "ackd.v1.msgpack",
        };
        format!("{UPGRADE}Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n")
    }

    /// A client's frame, given in JSON, as a WebSocket message.
    fn message(self, frame: &str) -> Vec<u8> {
        let (mut bytes, encoder) = (Vec::new(), Encoder::client([1, 2, 3, 4]));
        match self {
            Self::Json => encoder.text(&mut bytes, frame),
            Self::MessagePack => {
                let mut packed = Vec::new();
                for frame in json::decode(frame) {
                    msgpack::encode_client(&mut packed, &frame.expect("a good frame"));
                }
                encoder.binary(&mut bytes, &packed);
            }
        }
        bytes
    }

    /// Whether a server's frame is of this op.
    fn is(self, payload: &[u8], op: &str) -> bool {
        let rest = match self {
            Self::Json => payload.strip_prefix(br#"{"op":""#),
            // Heads are one byte: of a short map, and of the op.
            Self::MessagePack => {
                payload.get(1..).and_then(|p| p.strip_prefix(b"\xa2op")).and_then(|p| p.get(1..))
            }
        };
        rest.is_some_and(|rest| rest.starts_with(op.as_bytes()))
    }
}

const UPGRADE: &str = "GET /v1/ws HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const FINAL_TEXT: u8 = 0x81;
const FINAL_BINARY: u8 = 0x82;
const BUFFER_BYTES: usize = 256 * 1024;
/// Far more than an answer takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
