//! A blocking client with one buffer, which allocates nothing once it is connected.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ackd_websocket::Encoder;

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Box<[u8]>,
    /// `buffer[start..end]` was read and not looked at: `start <= end <= buffer.len()`.
    start: usize,
    end: usize,
}

impl Client {
    /// A client that has claimed this name, with a window that never fills.
    pub(crate) fn connect(server: SocketAddr, name: &str) -> Self {
        let stream = TcpStream::connect(server).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        let mut client = Self { stream, buffer, start: 0, end: 0 };
        client.write(UPGRADE.as_bytes());
        client.read_head();
        let token = "A".repeat(43);
        client.write(&text(&format!(
            r#"{{"op":"connect","id":"{name}","token":"{token}","new":true,"outbox":"o","window":1024}}"#
        )));
        client.read(1, br#"{"op":"connected","#);
        client
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("written");
    }

    /// Reads so many frames, all of which must begin like this.
    pub(crate) fn read(&mut self, frames: u64, beginning: &[u8]) {
        for _ in 0..frames {
            let payload = self.frame();
            assert!(payload.starts_with(beginning), "{}", String::from_utf8_lossy(payload));
        }
    }

    /// The payload of the next frame.
    fn frame(&mut self) -> &[u8] {
        let (header, length) = loop {
            match self.buffer[self.start..self.end] {
                [FINAL_TEXT, length @ 0..=125, ..] => break (2, usize::from(length)),
                [FINAL_TEXT, 126, high, low, ..] => {
                    break (4, usize::from(u16::from_be_bytes([high, low])));
                }
                [] | [FINAL_TEXT] | [FINAL_TEXT, 126, ..] => self.fill(),
                ref other => panic!("no short text frame: {:?}", &other[..2]),
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
pub(crate) fn sends(to: &str, last: u64, count: u64) -> Vec<u8> {
    let body = "x".repeat(128);
    let frames = (last + 1..=last + count)
        .flat_map(|n| text(&format!(r#"{{"op":"send","n":{n},"to":"{to}","body":"{body}"}}"#)));
    frames.collect()
}

/// The acknowledgement of everything up to `seq`.
pub(crate) fn ack(seq: u64) -> Vec<u8> {
    text(&format!(r#"{{"op":"ack","seq":{seq}}}"#))
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    Encoder::client([1, 2, 3, 4]).text(&mut bytes, text);
    bytes
}

const UPGRADE: &str = "GET /v1/ws HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const FINAL_TEXT: u8 = 0x81;
const BUFFER_BYTES: usize = 256 * 1024;
/// Far more than an answer takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
