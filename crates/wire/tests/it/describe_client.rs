//! Client frames in the words of the golden vectors.

use ackd_wire::classic;
use ackd_wire::v1::{
    Body, ClientFrame, ConnectFrame, Credential, Persist, SendFrame, Target, Watched, Which,
};
use ackd_wire::{ClientId, MessageId, Name, Ref, Token};
use serde_json::{Map, Value, json};

/// An object under construction; fields that are `None` are left out.
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl Object {
    pub(crate) fn new(kind: &str, name: &str) -> Self {
        Self(Map::new()).with(kind, name)
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn maybe(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(crate) fn body(self, body: &Body<'_>) -> Self {
        match body {
            Body::Json(text) => self.with("body", *text),
            Body::MessagePack(value) => self.with("body_msgpack", hex(value)),
            Body::Binary(bytes) => self.with("body_base64", base64(bytes)),
        }
    }
}

/// Two digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}

/// Base64 by hand: the vectors are not read by the code they test.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = [0; 4];
        word[1..=chunk.len()].copy_from_slice(chunk);
        let word = u32::from_be_bytes(word);
        for place in 0..4 {
            let sextet = word >> (18 - 6 * place) & 63;
            let digit = char::from(ALPHABET[sextet as usize]);
            out.push(if chunk.len() < place { '=' } else { digit });
        }
    }
    out
}

fn ids(ids: &[MessageId]) -> Value {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().into()
}

pub(crate) fn describe(frame: &ClientFrame<'_>) -> Value {
    let object = |op: &str| Object::new("op", op).maybe("ref", frame.r#ref().map(Ref::as_str));
    let object = match frame {
        ClientFrame::Connect(connect) => describe_connect(object("connect"), connect),
        ClientFrame::Send(send) => describe_send(object("send"), send),
        ClientFrame::Ack(ack) => match &ack.which {
            Which::UpTo(seq) => object("ack").with("seq", *seq),
            Which::RoomUpTo { room, seq } => {
                object("ack").with("room", room.as_str()).with("seq", *seq)
            }
            Which::Ids(list) => object("ack").with("ids", ids(list)),
        },
        ClientFrame::Reject { ids: list, .. } => object("reject").with("ids", ids(list)),
        ClientFrame::Ping { .. } => object("ping"),
        ClientFrame::Rotate { token, .. } => object("rotate").with("token", token.reveal()),
        ClientFrame::Join(join) => object("join")
            .with("room", join.room.as_str())
            .with("durable", join.durable)
            .maybe("from", join.from),
        ClientFrame::Leave { room, .. } => object("leave").with("room", room.as_str()),
        ClientFrame::Watch { watched, .. } => describe_watched(object("watch"), watched),
        ClientFrame::Unwatch { watched, .. } => describe_watched(object("unwatch"), watched),
    };
    Value::Object(object.0)
}

fn describe_watched(object: Object, watched: &Watched) -> Object {
    match watched {
        Watched::Ids(ids) => {
            object.with("ids", ids.iter().map(ClientId::as_str).collect::<Vec<_>>())
        }
        Watched::Room(room) => object.with("room", room.as_str()),
    }
}

fn describe_connect(object: Object, frame: &ConnectFrame<'_>) -> Object {
    let object = match &frame.credential {
        Credential::New => object.with("credential", "new"),
        Credential::Resume { id, token } => object
            .with("credential", "resume")
            .with("id", id.as_str())
            .with("token", token.reveal()),
        Credential::Claim { id, token } => {
            object.with("credential", "claim").with("id", id.as_str()).with("token", token.reveal())
        }
        Credential::Jwt(jwt) => object.with("credential", "jwt").with("jwt", &**jwt),
    };
    object
        .maybe("epoch", frame.epoch.as_deref())
        .maybe("acked", frame.acked)
        .with("device", frame.device.as_str())
        .maybe("outbox", frame.outbox.as_ref().map(Name::as_str))
        .with("window", frame.window())
        .maybe("client", frame.client.as_deref())
}

fn describe_send(object: Object, frame: &SendFrame<'_>) -> Object {
    let object = match &frame.target {
        Target::To(id) => object.with("to", id.as_str()),
        Target::Room(room) => object.with("room", room.as_str()),
        Target::All => object.with("all", true),
    };
    object
        .maybe("n", frame.n)
        .body(&frame.body)
        .maybe("ttl_ms", frame.ttl_ms)
        .maybe("persist", frame.persist.map(Persist::as_str))
        .with("receipt", frame.receipt)
}

pub(crate) fn describe_classic(frame: &classic::ClientFrame<'_>) -> Value {
    let object = |command: &str| Object::new("command", command);
    let object = match frame {
        classic::ClientFrame::NewId => object("newID"),
        classic::ClientFrame::SetId { id, token } => object("setID")
            .with("id", id.as_str())
            .maybe("token", token.as_ref().map(Token::reveal)),
        classic::ClientFrame::SendMessage { to, from, data } => object("sendMessage")
            .maybe("to", to.as_deref())
            .maybe("from", from.as_deref())
            .with("data", *data),
        classic::ClientFrame::Ack { id } => object("ack").maybe("id", id.map(|id| id.to_string())),
        classic::ClientFrame::Other { command, data } => {
            object(command).with("other", true).maybe("data", *data)
        }
    };
    Value::Object(object.0)
}

#[test]
fn base64_by_hand_is_base64() {
    let encoded = [&b""[..], b"f", b"fo", b"foo", b"foob"].map(base64);
    assert_eq!(json!(encoded), json!(["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]));
}
