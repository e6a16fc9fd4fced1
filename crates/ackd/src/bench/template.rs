//! The send frames of one sender: all but the number, and the number and the time in the body, is fixed text.

use memchr::memmem;

use super::encoding::Encoding;

/// A send frame with gaps.
#[derive(Debug)]
pub(crate) struct Template {
    encoding: Encoding,
    frame: Vec<u8>,
    n: usize,
    body: usize,
    /// Where the recipient's ID is, if it changes.
    to: Option<usize>,
}

impl Template {
    /// A frame with these fields for a target, and with a body of `payload` bytes of JSON, quotes included (MessagePack: the same text).
    pub(crate) fn new(encoding: Encoding, target: &str, payload: usize) -> Self {
        let padding = "x".repeat(payload.saturating_sub(PAYLOAD_MIN));
        let zeros = "0".repeat(DIGITS);
        // The largest number: in MessagePack it has room for every other one.
        let number = ackd_wire::limits::INTEGER_MAX;
        let frame =
            format!(r#"{{"op":"send","n":{number},{target},"body":"{zeros} {zeros} {padding}"}}"#);
        let frame = encoding.client_frame(&frame);
        let n = match encoding {
            Encoding::Json => memmem::find(&frame, number.to_string().as_bytes()),
            Encoding::Msgpack => memmem::find(&frame, &number.to_be_bytes()),
        };
        let body = memmem::find(&frame, format!("{zeros} {zeros}").as_bytes());
        let (n, body) = n.zip(body).expect("both were just written");
        Self { encoding, frame, n, body, to: None }
    }

    /// The same for recipients that change, with IDs that a server has issued.
    pub(crate) fn for_many(encoding: Encoding, payload: usize) -> Self {
        let nobody = "f".repeat(ID_DIGITS);
        let mut template = Self::new(encoding, &format!(r#""to":"{nobody}""#), payload);
        template.to = memmem::find(&template.frame, nobody.as_bytes());
        template
    }

    /// The frame of number `n` to this recipient, whose own count of messages is what the body says.
    pub(crate) fn fill_for(&mut self, id: &str, n: u64, count: u64) -> &[u8] {
        self.fill(n, 0);
        write_digits(&mut self.frame[self.body..self.body + DIGITS], count, b'0');
        if let Some(to) = self.to {
            self.frame[to..to + ID_DIGITS].copy_from_slice(id.as_bytes());
        }
        &self.frame
    }

    /// The frame of number `n` at time `nanos`.
    pub(crate) fn fill(&mut self, n: u64, nanos: u64) -> &[u8] {
        match self.encoding {
            // A number may not start with zeros in JSON: spaces may stand before it.
            Encoding::Json => write_digits(&mut self.frame[self.n..][..NUMBER_DIGITS], n, b' '),
            Encoding::Msgpack => self.frame[self.n..][..8].copy_from_slice(&n.to_be_bytes()),
        }
        write_digits(&mut self.frame[self.body..self.body + DIGITS], n, b'0');
        let time = self.body + DIGITS + 1;
        write_digits(&mut self.frame[time..time + DIGITS], nanos, b'0');
        &self.frame
    }
}

/// The number and the time that a body says.
pub(crate) fn read_body(body: &[u8]) -> Option<(u64, u64)> {
    let n = super::scan::number(body.get(..DIGITS)?)?;
    let nanos = super::scan::number(body.get(DIGITS + 1..2 * DIGITS + 1)?)?;
    Some((n, nanos))
}

fn write_digits(out: &mut [u8], mut value: u64, blank: u8) {
    for (place, digit) in out.iter_mut().rev().enumerate() {
        *digit = if value == 0 && 0 < place { blank } else { b'0' + (value % 10) as u8 };
        value /= 10;
    }
}

/// Of an ID that a server has issued.
const ID_DIGITS: usize = 32;
/// Of the largest integer in a frame.
const NUMBER_DIGITS: usize = 16;
/// Enough for 27 hours in nanoseconds.
const DIGITS: usize = 14;
/// Quotes, number, time, and a space behind each.
pub(crate) const PAYLOAD_MIN: usize = 2 * DIGITS + 4;

#[cfg(test)]
mod tests {
    use ackd_wire::v1;

    use super::*;

    #[test]
    fn frames_are_json_with_a_body_of_the_size_asked_for_that_is_read_back() {
        let mut template = Template::new(Encoding::Json, r#""to":"ann""#, 128);
        for (n, nanos) in [(1, 0), (987, 12_345_678_901_234)] {
            let text = template.fill(n, nanos);
            let frame: serde_json::Value = serde_json::from_slice(text).expect("JSON");
            assert_eq!(frame["n"], n);
            assert_eq!(frame["to"], "ann");
            let body = frame["body"].as_str().expect("a text");
            assert_eq!(body.len() + 2, 128);
            assert_eq!(read_body(body.as_bytes()), Some((n, nanos)));
        }
    }

    #[test]
    fn frames_for_many_say_whom_they_are_for_and_count_for_each() {
        let mut template = Template::for_many(Encoding::Json, 128);
        for (n, id, count) in [(1, "0123456789abcdef".repeat(2), 1), (5, "f".repeat(32), 2)] {
            let text = template.fill_for(&id, n, count);
            let frame: serde_json::Value = serde_json::from_slice(text).expect("JSON");
            assert_eq!((&frame["n"], &frame["to"]), (&n.into(), &id.into()));
            let body = frame["body"].as_str().expect("a text");
            assert_eq!(read_body(body.as_bytes()), Some((count, 0)));
        }
    }

    #[test]
    fn frames_in_messagepack_say_the_same() {
        let mut template = Template::new(Encoding::Msgpack, r#""to":"ann""#, 128);
        for (n, nanos) in [(1, 0), (987, 12_345_678_901_234)] {
            let frame = v1::msgpack::decode(template.fill(n, nanos)).next().expect("a frame");
            let v1::ClientFrame::Send(send) = frame.expect("a good one") else { panic!("a send") };
            assert_eq!(send.n, Some(n));
            let mut text = String::new();
            let v1::JsonBody::Value(body) = send.body.in_json(&mut text) else { panic!("a text") };
            assert_eq!(body.len(), 128);
            assert_eq!(read_body(&body.as_bytes()[1..]), Some((n, nanos)));
        }
    }
}
