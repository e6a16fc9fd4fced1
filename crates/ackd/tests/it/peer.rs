//! A v1 client on a plain socket, in the shortest form.

use std::net::TcpStream;

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::support::Serving;

pub(crate) type Client = WebSocket<TcpStream>;

/// One that is in, but has not read its `connected`.
pub(crate) fn client(serving: &Serving) -> Client {
    client_as(serving, &json!({"op": "connect", "window": 1024}))
}

/// The same, that connects with this frame.
pub(crate) fn client_as(serving: &Serving, connect: &Value) -> Client {
    let address = serving.url.strip_prefix("http://").expect("plain HTTP");
    let stream = TcpStream::connect(address).expect("it listens");
    let (mut client, _) =
        tungstenite::client(format!("ws://{address}/v1/ws"), stream).expect("it is upgraded");
    say(&mut client, connect);
    client
}

/// Says a frame.
pub(crate) fn say(client: &mut Client, frame: &Value) {
    client.send(Message::text(frame.to_string())).expect("sent");
}

/// The next frame.
pub(crate) fn hear(client: &mut Client) -> Value {
    match client.read().expect("a message") {
        Message::Text(text) => serde_json::from_str(&text).expect("JSON"),
        other => panic!("{other:?}"),
    }
}
