//! A WebSocket client that says exactly what the test wants, right or wrong.

use std::collections::VecDeque;

use ackd_websocket::{Decoded, Decoder, Encoder, Item, Limits, Role};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{pack, soon, unpack};

/// TCP, or TLS on it.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

/// One connection. Pings are answered when they are read (see [`Client::mute`]).
pub(crate) struct Client {
    pub(crate) stream: Box<dyn Socket>,
    input: Vec<u8>,
    decoder: Decoder,
    /// Frames of a batch that are not asked for yet.
    frames: VecDeque<Value>,
    mute: bool,
    /// Frames go and come in MessagePack.
    is_packed: bool,
    /// The ID of [`Client::connect`].
    pub(crate) id: String,
    /// Its token.
    pub(crate) token: String,
}

/// What the server said, or that it has hung up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
    /// The TCP connection has ended.
    End,
}

impl Client {
    /// A client on an upgraded connection; `early` came with the upgrade.
    pub(crate) fn new(stream: impl Socket + 'static, early: Vec<u8>) -> Self {
        Self {
            stream: Box::new(stream),
            input: early,
            decoder: Decoder::new(Role::Client, Limits { message_bytes_max: 64 << 20 }),
            frames: VecDeque::new(),
            mute: false,
            is_packed: false,
            id: String::new(),
            token: String::new(),
        }
    }

    /// The same client; frames are MessagePack from now on.
    pub(crate) fn speaking_msgpack(mut self) -> Self {
        self.is_packed = true;
        self
    }

    /// From now on pings are not answered.
    pub(crate) fn mute(&mut self) {
        self.mute = true;
    }

    /// Sends bytes as they are.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        soon("room to write", self.stream.write_all(bytes)).await.expect("written");
    }

    /// Sends what `write` encodes.
    pub(crate) async fn send_with(&mut self, write: impl FnOnce(Encoder, &mut Vec<u8>)) {
        let mut bytes = Vec::new();
        write(ENCODER, &mut bytes);
        self.send_bytes(&bytes).await;
    }

    /// Sends a text message.
    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send_with(|encoder, out| encoder.text(out, text)).await;
    }

    /// Sends a frame (or an array of frames).
    pub(crate) async fn send(&mut self, frame: Value) {
        if self.is_packed {
            return self.send_with(|encoder, out| encoder.binary(out, &pack(&frame))).await;
        }
        self.send_text(&frame.to_string()).await;
    }

    /// Sends `connect` with these fields and takes the `connected`.
    pub(crate) async fn connect(&mut self, mut fields: Value) -> Value {
        fields["op"] = "connect".into();
        if let Some(token) = fields["token"].as_str() {
            token.clone_into(&mut self.token);
        }
        self.send(fields).await;
        let connected = self.expect("connected").await;
        connected["id"].as_str().expect("an ID").clone_into(&mut self.id);
        if let Some(token) = connected["token"].as_str() {
            token.clone_into(&mut self.token);
        }
        connected
    }

    /// The fields with which this client's identity is entered again.
    pub(crate) fn credential(&self) -> Value {
        json!({"id": self.id, "token": self.token})
    }

    /// Sends a message to this identity and takes the `accepted`. The message's ID.
    pub(crate) async fn tell(&mut self, to: &str, body: impl Into<Value>) -> String {
        let body = body.into();
        self.send(json!({"op": "send", "ref": "told", "to": to, "body": body})).await;
        let accepted = self.expect("accepted").await;
        assert_eq!(accepted["ref"], "told");
        accepted["id"].as_str().expect("an ID").to_owned()
    }

    /// Takes the next `message`, which must have this body.
    pub(crate) async fn expect_body(&mut self, body: impl Into<Value>) -> Value {
        let message = self.expect("message").await;
        assert_eq!(message["body"], body.into(), "{message}");
        message
    }

    /// Acknowledges everything up to this message, and waits until that is handled; messages may be on their way.
    pub(crate) async fn ack_up_to(&mut self, message: &Value) {
        self.send(json!([{"op": "ack", "seq": message["seq"]}, {"op": "ping", "ref": "acked"}]))
            .await;
        let mut later = VecDeque::new();
        loop {
            let frame = self.receive().await;
            match frame["op"].as_str() {
                Some("pong") => break,
                _ => later.push_back(frame),
            }
        }
        later.append(&mut self.frames);
        self.frames = later;
    }

    /// Whatever comes next from the server.
    pub(crate) async fn hear(&mut self) -> Heard {
        soon("the server to say something", self.next()).await
    }

    async fn next(&mut self) -> Heard {
        loop {
            let mut end = 0;
            let heard = match self.decoder.decode(&mut self.input) {
                Ok(Decoded::Item { consumed, item }) => {
                    end = consumed;
                    Some(heard(item))
                }
                Ok(Decoded::Absorbed { .. }) => panic!("the server does not fragment"),
                Ok(Decoded::Need { .. }) => None,
                Ok(Decoded::Closed) => {
                    self.input.clear();
                    None
                }
                Err(error) => panic!("the server breaks the protocol: {error}"),
            };
            self.input.drain(..end);
            if let Some(heard) = heard {
                if let (Heard::Ping(payload), false) = (&heard, self.mute) {
                    self.send_with(|encoder, out| encoder.pong(out, payload)).await;
                }
                return heard;
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Heard::End,
            }
        }
    }

    /// The next frame, whatever it is. Pings and pongs are passed over.
    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return frame;
            }
            let message = match self.hear().await {
                Heard::Text(text) if !self.is_packed => serde_json::from_str(&text).expect("JSON"),
                Heard::Binary(bytes) if self.is_packed => unpack(&bytes),
                Heard::Ping(_) | Heard::Pong(_) => continue,
                other => panic!("a frame was expected, not {other:?}"),
            };
            match message {
                Value::Array(frames) => self.frames.extend(frames),
                frame => return frame,
            }
        }
    }

    /// The next frame, which must be of this `op`.
    pub(crate) async fn expect(&mut self, op: &str) -> Value {
        let frame = self.receive().await;
        assert_eq!(frame["op"], op, "{frame}");
        frame
    }

    /// The next frame, which must be an `error` of this code.
    pub(crate) async fn expect_error(&mut self, code: &str) -> Value {
        let frame = self.expect("error").await;
        assert_eq!(frame["code"], code, "{frame}");
        frame
    }

    /// The close code, whatever comes before it; the end of the TCP connection must follow.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        let code = loop {
            match self.hear().await {
                Heard::Close(code) => break code,
                Heard::End => panic!("ended without a close frame"),
                _ => {}
            }
        };
        self.send_with(|encoder, out| match code {
            Some(code) => encoder.close(out, code, ""),
            None => encoder.close_silently(out),
        })
        .await;
        assert_eq!(self.hear().await, Heard::End);
        code
    }

    /// Closes with 1000 and waits for the end.
    pub(crate) async fn close(mut self) {
        self.send_with(|encoder, out| encoder.close(out, 1000, "")).await;
        while self.hear().await != Heard::End {}
    }

    /// Asks, and waits for the answer: everything sent before has been handled then.
    pub(crate) async fn round_trip(&mut self) {
        self.send(json!({"op": "ping", "ref": "round trip"})).await;
        let pong = self.expect("pong").await;
        assert_eq!(pong["ref"], "round trip");
    }
}

fn heard(item: Item<'_>) -> Heard {
    match item {
        Item::Text(text) => Heard::Text(text.to_owned()),
        Item::Binary(bytes) => Heard::Binary(bytes.to_vec()),
        Item::Ping(payload) => Heard::Ping(payload.to_vec()),
        Item::Pong(payload) => Heard::Pong(payload.to_vec()),
        Item::Close(close) => Heard::Close(close.map(|(code, _)| code)),
    }
}

/// A client masks; with which key is all the same here.
const ENCODER: Encoder = Encoder::client([0x12, 0x34, 0x56, 0x78]);
