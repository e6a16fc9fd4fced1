//! One WebSocket connection of a client that has an identity of its own choice.

use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::{Error, Message, WebSocket};

use crate::Run;

pub(crate) struct Link {
    socket: WebSocket<TcpStream>,
    pub(crate) connected: Value,
}

impl Link {
    /// Connects, and again until it is in; `None` when the run is over.
    pub(crate) fn open(run: &Run, id: &str, more: &Value) -> Option<Self> {
        while !run.over.load(Ordering::SeqCst) {
            if let Some(link) = Self::try_open(run, id, more) {
                return Some(link);
            }
            // The server is down: there is no event to wait for but its coming back.
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    fn try_open(run: &Run, id: &str, more: &Value) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", run.port)).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        let url = format!("ws://127.0.0.1:{}/v1/ws", run.port);
        let (socket, _) = tungstenite::client(url, stream).ok()?;
        let mut link = Self { socket, connected: Value::Null };
        let mut connect = json!({"op": "connect", "new": true, "id": id, "token": token(id)});
        let fields = connect.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        link.say(&connect)?;
        let connected = link.hear()??;
        assert_eq!(connected["op"], "connected", "{connected}");
        link.connected = connected;
        link.socket.get_ref().set_read_timeout(Some(Duration::from_millis(50))).ok()?;
        Some(link)
    }

    /// Sends a frame; `None` when the connection is gone.
    pub(crate) fn say(&mut self, frame: &Value) -> Option<()> {
        self.socket.send(Message::text(frame.to_string())).ok()
    }

    /// The next frame, if one comes soon; `None` when the connection is gone.
    pub(crate) fn hear(&mut self) -> Option<Option<Value>> {
        match self.socket.read() {
            Ok(Message::Text(text)) => Some(Some(serde_json::from_str(&text).unwrap())),
            Ok(_) => Some(None),
            Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => Some(None),
            Err(_) => None,
        }
    }
}

/// A secret of 43 characters that belongs to the name.
fn token(id: &str) -> String {
    let mut bytes = [0; 32];
    bytes[..id.len()].copy_from_slice(id.as_bytes());
    ackd_wire::Token::new(bytes).reveal()
}
