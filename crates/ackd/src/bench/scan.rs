//! Finds what counts in the server's frames without parsing them. The bodies are the generator's own and hold nothing that
//! looks like a field, so the first occurrence of a field in a frame is the field. Both one frame and a batch of them.

use std::fmt;

use memchr::memmem::Finder;

use super::encoding::Encoding;

/// Searchers, prepared once.
#[derive(Debug)]
pub(crate) struct Scanner {
    encoding: Encoding,
    op: Finder<'static>,
    seq: Finder<'static>,
    id: Finder<'static>,
    n: Finder<'static>,
    body: Finder<'static>,
}

/// A frame that counts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scanned<'a> {
    /// `accepted`, and of which number.
    Accepted { n: u64 },
    /// `message`: its place, and its body from behind the opening quote on.
    Message { seq: u64, body: &'a [u8] },
    /// `message` without a place: its ID, and its body.
    Live { id: &'a [u8], body: &'a [u8] },
    /// Anything else.
    Other(&'a [u8]),
}

impl fmt::Display for Scanned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { n } => write!(f, "accepted {n}"),
            Self::Message { seq, .. } => write!(f, "a message at place {seq}"),
            Self::Live { id, .. } => write!(f, "message {}", String::from_utf8_lossy(id)),
            Self::Other(frame) => f.write_str(&String::from_utf8_lossy(frame)),
        }
    }
}

impl Scanner {
    /// A scanner.
    pub(crate) fn new(encoding: Encoding) -> Self {
        let [op, seq, id, n, body]: [&[u8]; 5] = match encoding {
            Encoding::Json => [b"{\"op\":\"", b"\"seq\":", b"\"id\":\"", b"\"n\":", b"\"body\":\""],
            // Strings with their heads; the body is one of 32 to 255 bytes, or longer.
            Encoding::Msgpack => [b"\xa2op", b"\xa3seq", b"\xa2id", b"\xa1n", b"\xa4body"],
        };
        let [op, seq, id, n, body] =
            [op, seq, id, n, body].map(|name| Finder::new(name).into_owned());
        Self { encoding, op, seq, id, n, body }
    }

    /// Calls `found` for each frame of a message.
    pub(crate) fn scan<'a>(&self, text: &'a [u8], mut found: impl FnMut(Scanned<'a>)) {
        let mut start = self.op.find(text);
        if start.is_none() {
            found(Scanned::Other(text));
        }
        while let Some(at) = start {
            let behind = at + self.op.needle().len();
            let end = self.op.find(&text[behind..]).map(|next| behind + next);
            found(self.frame(&text[at..end.unwrap_or(text.len())]));
            start = end;
        }
    }

    fn frame<'a>(&self, frame: &'a [u8]) -> Scanned<'a> {
        let kind = &frame[self.op.needle().len()..];
        let [message, accepted]: [&[u8]; 2] = match self.encoding {
            Encoding::Json => [b"message\"", b"accepted\""],
            Encoding::Msgpack => [b"\xa7message", b"\xa8accepted"],
        };
        let scanned = if kind.starts_with(message) {
            behind(&self.body, frame).and_then(|body| self.message(frame, body))
        } else if kind.starts_with(accepted) {
            self.number(&self.n, frame).map(|n| Scanned::Accepted { n })
        } else {
            None
        };
        scanned.unwrap_or(Scanned::Other(frame))
    }

    fn message<'a>(&self, frame: &'a [u8], body: &'a [u8]) -> Option<Scanned<'a>> {
        let (head, body) = (&frame[..frame.len() - body.len()], self.content(body));
        if let Some(seq) = self.number(&self.seq, head) {
            return Some(Scanned::Message { seq, body });
        }
        let id = self.content(behind(&self.id, head)?).get(..ID_DIGITS)?;
        Some(Scanned::Live { id, body })
    }

    /// The number behind a field's name.
    fn number(&self, name: &Finder<'static>, frame: &[u8]) -> Option<u64> {
        let value = behind(name, frame)?;
        match self.encoding {
            Encoding::Json => number(value),
            Encoding::Msgpack => packed_number(value),
        }
    }

    /// A text without what stands before it.
    fn content<'a>(&self, value: &'a [u8]) -> &'a [u8] {
        let head = match (self.encoding, value.first()) {
            (Encoding::Json, _) | (_, None) => 0,
            (_, Some(0xd9)) => 2,
            (_, Some(0xda)) => 3,
            (_, Some(0xdb)) => 5,
            (_, Some(_)) => 1,
        };
        value.get(head..).unwrap_or_default()
    }
}

/// What comes behind a field's name.
fn behind<'a>(name: &Finder<'static>, frame: &'a [u8]) -> Option<&'a [u8]> {
    Some(&frame[name.find(frame)? + name.needle().len()..])
}

/// The integer that a value is.
fn packed_number(value: &[u8]) -> Option<u64> {
    let (first, rest) = value.split_first()?;
    let bytes = match first {
        0..=0x7f => return Some(u64::from(*first)),
        0xcc..=0xcf => 1 << (first - 0xcc),
        _ => return None,
    };
    let digits = rest.get(..bytes)?;
    Some(digits.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// The digits that a text starts with.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    let mut value = None;
    for digit in digits {
        value = Some(value.unwrap_or(0) * 10 + u64::from(digit - b'0'));
    }
    value
}

const ID_DIGITS: usize = 32;

#[cfg(test)]
mod tests {
    use ackd_wire::v1;

    use super::*;

    fn scan(text: &str) -> Vec<Scanned<'_>> {
        let mut all = Vec::new();
        Scanner::new(Encoding::Json).scan(text.as_bytes(), |scanned| all.push(scanned));
        all
    }

    #[test]
    fn frames_are_found_alone_and_in_a_batch() {
        let accepted = r#"{"op":"accepted","n":42,"id":"ab","dup":true}"#;
        let message = r#"{"op":"message","seq":7,"id":"ab","from":"x","to":"y","body":"12 34 x"}"#;
        let pong = r#"{"op":"pong"}"#;
        assert_eq!(scan(accepted), [Scanned::Accepted { n: 42 }]);
        assert_eq!(scan(pong), [Scanned::Other(pong.as_bytes())]);
        let batch = format!("[{message},{accepted}]");
        let batch = scan(&batch);
        assert!(
            matches!(batch[0], Scanned::Message { seq: 7, body } if body.starts_with(b"12 34 x\""))
        );
        assert_eq!(batch[1], Scanned::Accepted { n: 42 });
    }

    #[test]
    fn a_message_without_a_place_has_its_id_and_one_without_that_is_something_else() {
        let live =
            r#"{"op":"message","id":"0193a1b2c3d4e5f60718293a4b5c6d7e","body":"12","live":true}"#;
        assert!(matches!(scan(live)[..], [Scanned::Live { id, .. }] if id.ends_with(b"6d7e")));
        assert!(matches!(
            scan(r#"{"op":"message","live":true,"body":"1"}"#)[..],
            [Scanned::Other(_)]
        ));
        assert!(matches!(scan("nonsense")[..], [Scanned::Other(_)]));
    }

    #[test]
    fn frames_in_messagepack_are_found_too() {
        let frames = [
            r#"{"op":"accepted","n":70000,"id":"0193a1b2c3d4e5f60718293a4b5c6d7e","dup":true}"#,
            r#"{"op":"message","seq":7,"id":"0193a1b2c3d4e5f60718293a4b5c6d7e","from":"x","to":"y","body":"12 34 x","at":1}"#,
            r#"{"op":"message","id":"0193a1b2c3d4e5f60718293a4b5c6d7e","from":"x","room":"y","body":"12 34 x","at":1,"live":true}"#,
            r#"{"op":"pong"}"#,
        ];
        let mut scanned = Vec::new();
        for text in frames {
            let frame = v1::json::decode_server(text).next().expect("a frame").expect("a good one");
            let mut bytes = Vec::new();
            v1::msgpack::encode(&mut bytes, &frame);
            Scanner::new(Encoding::Msgpack).scan(&bytes, |found| scanned.push(found.to_string()));
            if let v1::ServerFrame::Message(_) = frame {
                Scanner::new(Encoding::Msgpack).scan(&bytes, |found| {
                    assert!(
                        matches!(found, Scanned::Message { body, .. } | Scanned::Live { body, .. }
                            if body.starts_with(b"12 34"))
                    );
                });
            }
        }
        assert_eq!(scanned[..2], ["accepted 70000", "a message at place 7"]);
        assert_eq!(scanned[2], "message 0193a1b2c3d4e5f60718293a4b5c6d7e");
        assert_eq!(scanned[3], "\u{fffd}op\u{fffd}pong");
    }
}
