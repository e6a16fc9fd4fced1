//! Finds what counts in the server's frames without parsing JSON. The bodies are the generator's own and hold nothing that
//! looks like a field, so the first occurrence of a field in a frame is the field. Both one frame and a batch of them.

use std::fmt;

use memchr::memmem::Finder;

/// Searchers, prepared once.
#[derive(Debug)]
pub(crate) struct Scanner {
    op: Finder<'static>,
    seq: Finder<'static>,
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
    /// Anything else.
    Other(&'a [u8]),
}

impl fmt::Display for Scanned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { n } => write!(f, "accepted {n}"),
            Self::Message { seq, .. } => write!(f, "a message at place {seq}"),
            Self::Other(frame) => f.write_str(&String::from_utf8_lossy(frame)),
        }
    }
}

impl Scanner {
    /// A scanner.
    pub(crate) fn new() -> Self {
        Self {
            op: Finder::new(b"{\"op\":\""),
            seq: Finder::new(b"\"seq\":"),
            n: Finder::new(b"\"n\":"),
            body: Finder::new(b"\"body\":\""),
        }
    }

    /// Calls `found` for each frame of a text message.
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
        let scanned = if kind.starts_with(b"message\"") {
            let seq = number_behind(&self.seq, frame);
            let body = self.body.find(frame).map(|at| &frame[at + self.body.needle().len()..]);
            seq.zip(body).map(|(seq, body)| Scanned::Message { seq, body })
        } else if kind.starts_with(b"accepted\"") {
            number_behind(&self.n, frame).map(|n| Scanned::Accepted { n })
        } else {
            None
        };
        scanned.unwrap_or(Scanned::Other(frame))
    }
}

/// The number behind a field's name.
fn number_behind(name: &Finder<'static>, frame: &[u8]) -> Option<u64> {
    number(&frame[name.find(frame)? + name.needle().len()..])
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

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Vec<Scanned<'_>> {
        let mut all = Vec::new();
        Scanner::new().scan(text.as_bytes(), |scanned| all.push(scanned));
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
    fn a_message_without_a_place_is_something_else() {
        assert!(matches!(
            scan(r#"{"op":"message","live":true,"body":"1"}"#)[..],
            [Scanned::Other(_)]
        ));
        assert!(matches!(scan("nonsense")[..], [Scanned::Other(_)]));
    }
}
