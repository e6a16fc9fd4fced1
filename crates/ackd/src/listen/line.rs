//! How an event is printed: a line for people, or a JSON object.

use ackd_client::{Content, Event, Message, Target};
use serde::Serialize;
use serde_json::value::RawValue;

/// For people. Control characters are escaped: a message is one line and steers no terminal.
pub(super) fn plain(event: &Event) -> String {
    match event {
        Event::Message(message) => {
            let place = match &message.to {
                Target::To(_) => String::new(),
                Target::Room(room) => format!(" in {room}"),
                Target::All => " to all".to_owned(),
            };
            let again = if 1 < message.attempt {
                format!(" (delivery {})", message.attempt)
            } else {
                String::new()
            };
            format!("{}{place}{again}: {}", message.from, body(&message.body))
        }
        Event::Receipt(receipt) => {
            format!("receipt: {} to {} is {}", receipt.of, receipt.to, receipt.state.as_str())
        }
        Event::Lost(lost) => {
            format!("lost: {} messages ended unread ({})", lost.count, lost.reason.as_str())
        }
        Event::Unsent(unsent) => format!("not accepted: {}", unsent.error),
        Event::Connected { .. } => "connected".to_owned(),
        Event::Disconnected { reason } => format!("disconnected: {reason}"),
    }
}

/// For programs: the frame of the protocol, as far as it matters here.
pub(super) fn json(event: &Event) -> String {
    let text = match event {
        Event::Message(message) => serde_json::to_string(&MessageLine::new(message)),
        Event::Receipt(receipt) => serde_json::to_string(&serde_json::json!({
            "op": "receipt", "id": receipt.id.to_string(), "of": receipt.of.to_string(), "to": receipt.to,
            "state": receipt.state.as_str(), "at": receipt.at,
        })),
        Event::Lost(lost) => serde_json::to_string(&serde_json::json!({
            "op": "lost", "from": lost.from, "to": lost.to, "count": lost.count,
            "reason": lost.reason.as_str(),
        })),
        Event::Unsent(_) | Event::Connected { .. } | Event::Disconnected { .. } => {
            Ok(String::new())
        }
    };
    text.expect("texts and numbers can be written as JSON")
}

#[derive(Serialize)]
struct MessageLine<'a> {
    op: &'static str,
    id: String,
    from: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_hex: Option<String>,
    at: u64,
    attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
}

impl<'a> MessageLine<'a> {
    fn new(message: &'a Message) -> Self {
        let (to, room, all) = match &message.to {
            Target::To(id) => (Some(id.as_str()), None, None),
            Target::Room(room) => (None, Some(room.as_str()), None),
            Target::All => (None, None, Some(true)),
        };
        Self {
            op: "message",
            id: message.id.to_string(),
            from: &message.from,
            to,
            room,
            all,
            body: message.body.json().ok(),
            body_hex: match &message.body {
                Content::Json(_) => None,
                Content::Binary(bytes) => Some(hex(bytes)),
            },
            at: message.at,
            attempt: message.attempt,
            seq: message.seq,
        }
    }
}

fn body(content: &Content) -> String {
    match (content.text(), content) {
        (Some(text), _) => escape(&text),
        (None, Content::Json(json)) => escape(json),
        (None, Content::Binary(bytes)) => format!("{} bytes: {}", bytes.len(), hex(bytes)),
    }
}

fn escape(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() && letter != '\t' {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use ackd_client::MessageId;

    use super::*;

    fn message(to: Target<String, String>, body: Content, attempt: u32) -> Event {
        Event::Message(Message {
            id: MessageId([1; 16]),
            from: "ann".to_owned(),
            to,
            body,
            at: 5,
            attempt,
            seq: Some(7),
            wants_ack: true,
        })
    }

    fn json_body(text: &str) -> Content {
        Content::Json(text.into())
    }

    #[test]
    fn a_line_for_people_is_one_line_and_steers_no_terminal() {
        let to = || Target::To("bob".to_owned());
        assert_eq!(plain(&message(to(), json_body("\"hi\""), 1)), "ann: hi");
        assert_eq!(
            plain(&message(to(), json_body("{\"a\": 1}"), 2)),
            "ann (delivery 2): {\"a\": 1}"
        );
        let evil = json_body(r#""a\nb\u001b[2J""#);
        assert_eq!(plain(&message(to(), evil, 1)), r"ann: a\nb\u{1b}[2J");
        let room = Target::Room("lobby".to_owned());
        assert_eq!(plain(&message(room, json_body("1"), 1)), "ann in lobby: 1");
        let bytes = Content::Binary([0x0f, 0xa0].into());
        assert_eq!(plain(&message(Target::All, bytes, 1)), "ann to all: 2 bytes: 0fa0");
    }

    #[test]
    fn a_json_line_passes_the_body_on_as_it_was_written() {
        let event = message(Target::To("bob".to_owned()), json_body("{\"a\": 1.0}"), 1);
        let id = "01".repeat(16);
        assert_eq!(
            json(&event),
            format!(
                r#"{{"op":"message","id":"{id}","from":"ann","to":"bob","body":{{"a": 1.0}},"at":5,"attempt":1,"seq":7}}"#
            )
        );
    }
}
