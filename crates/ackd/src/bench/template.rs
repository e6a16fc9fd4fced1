//! The send frames of one sender: all but the number, and the number and the time in the body, is fixed text.

/// A send frame with gaps.
#[derive(Debug)]
pub(crate) struct Template {
    frame: Vec<u8>,
    n: usize,
    body: usize,
}

impl Template {
    /// A frame to `to` with a body of `payload` bytes of JSON, quotes included.
    pub(crate) fn new(to: &str, payload: usize) -> Self {
        let head = "{\"op\":\"send\",\"n\":";
        let padding = "x".repeat(payload.saturating_sub(PAYLOAD_MIN));
        // A number may not start with zeros in JSON: spaces may stand before it.
        let blank = " ".repeat(DIGITS);
        let before = format!("{head}{blank},\"to\":\"{to}\",\"body\":\"");
        let zeros = "0".repeat(DIGITS);
        let frame = format!("{before}{zeros} {zeros} {padding}\"}}");
        Self { n: head.len(), body: before.len(), frame: frame.into_bytes() }
    }

    /// The frame of number `n` at time `nanos`.
    pub(crate) fn fill(&mut self, n: u64, nanos: u64) -> &str {
        write_digits(&mut self.frame[self.n..self.n + DIGITS], n, b' ');
        write_digits(&mut self.frame[self.body..self.body + DIGITS], n, b'0');
        let time = self.body + DIGITS + 1;
        write_digits(&mut self.frame[time..time + DIGITS], nanos, b'0');
        std::str::from_utf8(&self.frame).expect("it is ASCII")
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

/// Enough for 27 hours in nanoseconds.
const DIGITS: usize = 14;
/// Quotes, number, time, and a space behind each.
pub(crate) const PAYLOAD_MIN: usize = 2 * DIGITS + 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_json_with_a_body_of_the_size_asked_for_that_is_read_back() {
        let mut template = Template::new("ann", 128);
        for (n, nanos) in [(1, 0), (987, 12_345_678_901_234)] {
            let text = template.fill(n, nanos).to_owned();
            let frame: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(frame["n"], n);
            assert_eq!(frame["to"], "ann");
            let body = frame["body"].as_str().expect("a text");
            assert_eq!(body.len() + 2, 128);
            assert_eq!(read_body(body.as_bytes()), Some((n, nanos)));
        }
    }
}
