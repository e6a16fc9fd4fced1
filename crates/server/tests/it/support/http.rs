//! HTTP as far as the tests need it, by hand: a client library would refuse to send what is wrong.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Socket, soon};

/// An answer's status, head and (where it was asked for) body.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A good upgrade request for this path.
pub(crate) fn upgrade_request(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: t\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// A good upgrade request of v1 that offers subprotocols.
pub(crate) fn subprotocol_request(offer: &str) -> String {
    let offer = format!("Sec-WebSocket-Protocol: {offer}\r\n\r\n");
    upgrade_request("/v1/ws").replace("\r\n\r\n", &format!("\r\n{offer}"))
}

/// Asks on a connection that exists. `None`: it has ended.
pub(crate) async fn ask(stream: &mut TcpStream, request: &str) -> Option<HttpAnswer> {
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut first = [0];
    if soon("an HTTP answer", stream.peek(&mut first)).await.unwrap_or_default() == 0 {
        return None;
    }
    Some(HttpAnswer::read(stream).await.0)
}

impl HttpAnswer {
    /// Reads a head; what came behind it is given back.
    pub(crate) async fn read(stream: &mut impl Socket) -> (Self, Vec<u8>) {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            let read = soon("an HTTP answer", stream.read_buf(&mut bytes)).await.expect("read");
            assert_ne!(read, 0, "closed within the head: {}", String::from_utf8_lossy(&bytes));
        };
        let early = bytes.split_off(end);
        let head = String::from_utf8(bytes).expect("a head in UTF-8");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (Self { status: status.expect("a status"), head, body: String::new() }, early)
    }

    /// Reads the body, whose length the head tells.
    pub(crate) async fn read_body(&mut self, stream: &mut impl Socket, early: Vec<u8>) {
        let length: usize = self.header("content-length").map_or(0, |n| n.parse().expect("length"));
        let mut bytes = early;
        while bytes.len() < length {
            let read = soon("a body", stream.read_buf(&mut bytes)).await.expect("read");
            assert_ne!(read, 0, "closed within the body");
        }
        self.body = String::from_utf8(bytes).expect("a body in UTF-8");
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}
