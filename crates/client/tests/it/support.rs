//! A scripted server: accepts, upgrades, then says and hears what the test tells it to.

use std::time::Duration;

use ackd_client::{Builder, Client};
use ackd_websocket::{Decoded, Decoder, Encoder, Item, Limits, Role, accept_key};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Server {
    listener: TcpListener,
}

pub(crate) struct Peer {
    stream: TcpStream,
    input: Vec<u8>,
    decoder: Decoder,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a port") }
    }

    pub(crate) fn client(&self) -> Builder {
        Client::builder(&format!("http://{}", self.listener.local_addr().expect("bound")))
    }

    pub(crate) async fn accept(&self) -> Peer {
        let (mut stream, head) = self.accept_request().await;
        let key = head
            .lines()
            .find_map(|line| line.strip_prefix("sec-websocket-key: "))
            .expect("a key is sent");
        assert!(head.starts_with("GET /v1/ws HTTP/1.1\r\n"), "{head}");
        let accept = accept_key(key.trim()).expect("the key is one");
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Protocol: ackd.v1.json\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await.expect("written");
        let decoder = Decoder::new(Role::Server, Limits { message_bytes_max: 1 << 20 });
        Peer { stream, input: Vec::new(), decoder }
    }

    /// Answers the next request with a status and hangs up.
    pub(crate) async fn refuse(&self, status: &str) {
        let (mut stream, _) = self.accept_request().await;
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.expect("written");
    }

    async fn accept_request(&self) -> (TcpStream, String) {
        let accepting = tokio::time::timeout(PATIENCE, self.listener.accept());
        let (mut stream, _) = accepting.await.expect("a client comes").expect("accepted");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a request"));
        }
        (stream, String::from_utf8(head).expect("text"))
    }

    /// Accepts, hears `connect` and lets the client in as `me`.
    pub(crate) async fn welcome(&self) -> (Peer, String) {
        let mut peer = self.accept().await;
        let connect = peer.hear().await.expect("connect is the first frame");
        peer.say(CONNECTED).await;
        (peer, connect)
    }
}

impl Peer {
    pub(crate) async fn say(&mut self, text: &str) {
        let mut out = Vec::new();
        Encoder::server().text(&mut out, text);
        self.stream.write_all(&out).await.expect("written");
    }

    pub(crate) async fn close(mut self, code: u16) {
        let mut out = Vec::new();
        Encoder::server().close(&mut out, code, "because");
        self.stream.write_all(&out).await.expect("written");
    }

    /// The next text; `None` when the client has closed in order.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        tokio::time::timeout(PATIENCE, self.hear_patiently())
            .await
            .expect("the client says something")
    }

    async fn hear_patiently(&mut self) -> Option<String> {
        loop {
            let (consumed, said) = match self.decoder.decode(&mut self.input).expect("RFC 6455") {
                Decoded::Item { consumed, item: Item::Text(text) } => {
                    (consumed, Some(text.to_owned()))
                }
                Decoded::Item { item: Item::Close(close), .. } => {
                    assert_eq!(close.map(|(code, _)| code), Some(1000));
                    return None;
                }
                Decoded::Item { consumed, .. } | Decoded::Absorbed { consumed } => (consumed, None),
                Decoded::Need { .. } => {
                    let count = self.stream.read_buf(&mut self.input).await.expect("read");
                    assert_ne!(count, 0, "the client hung up without a close");
                    (0, None)
                }
                Decoded::Closed => return None,
            };
            self.input.drain(..consumed);
            if said.is_some() {
                return said;
            }
        }
    }

    pub(crate) async fn expect(&mut self, text: &str) {
        assert_eq!(self.hear().await.as_deref(), Some(text));
    }
}

pub(crate) fn accepted(n: u64) -> String {
    format!(r#"{{"op":"accepted","n":{n},"id":"{n:032x}"}}"#)
}

pub(crate) fn message(seq: u64) -> String {
    format!(
        r#"{{"op":"message","seq":{seq},"id":"{seq:032x}","from":"ann","to":"me","body":"m{seq}","at":5}}"#
    )
}

/// The token is 32 bytes of zero.
pub(crate) const CONNECTED: &str = r#"{"op":"connected","id":"me","token":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","new":true,"epoch":"e","acked":0,"pending":0,"sent":0,"expires":1,"server":"s","ack_timeout_ms":30000,"max_message":65536,"ping_interval_ms":25000}"#;

/// Longer than any pause of a first reconnect.
const PATIENCE: Duration = Duration::from_secs(20);
