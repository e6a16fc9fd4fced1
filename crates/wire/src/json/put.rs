//! Appending JSON to a buffer, or counting what would be appended: one writer for both, so that a length is exact.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ids::is_name;
use crate::{MessageId, Token};

/// Where JSON goes.
pub(crate) trait Put {
    /// Text as it is.
    fn raw(&mut self, text: &str);

    /// The digits of an integer.
    fn digits(&mut self, number: u64);

    /// Text in quotes, escaped where it must be.
    fn quoted(&mut self, text: &str);

    /// Bytes as base64 (RFC 4648 section 4, padded), without quotes.
    fn base64(&mut self, bytes: &[u8]);

    /// A field: `prefix` is `,"name":`.
    fn integer(&mut self, prefix: &str, number: u64) {
        self.raw(prefix);
        self.digits(number);
    }

    /// A field that is there or not: `prefix` is `,"name":`.
    fn optional(&mut self, prefix: &str, number: Option<u64>) {
        if let Some(number) = number {
            self.integer(prefix, number);
        }
    }

    /// A field with any text: `prefix` is `,"name":`.
    fn text(&mut self, prefix: &str, text: &str) {
        self.raw(prefix);
        self.quoted(text);
    }

    /// A field with a name, which has nothing to escape: `prefix` is `,"name":"`.
    fn name(&mut self, prefix: &str, name: &str) {
        debug_assert!(is_name(name), "a name would have to be escaped");
        self.raw(prefix);
        self.raw(name);
        self.raw("\"");
    }

    /// A field with a message's ID: `prefix` is `,"name":"`.
    fn id(&mut self, prefix: &str, id: MessageId) {
        self.raw(prefix);
        let digits = id.digits();
        self.raw(std::str::from_utf8(&digits).expect("hex digits are ASCII"));
        self.raw("\"");
    }

    /// A field with a secret: `prefix` is `,"name":"`.
    fn token(&mut self, prefix: &str, token: &Token) {
        self.raw(prefix);
        self.raw(&token.reveal());
        self.raw("\"");
    }

    /// A list of texts: `prefix` is `,"name":`.
    fn list<T>(&mut self, prefix: &str, items: &[T], put: impl Fn(&mut Self, &T))
    where
        Self: Sized,
    {
        self.raw(prefix);
        self.raw("[");
        for (index, item) in items.iter().enumerate() {
            if 0 < index {
                self.raw(",");
            }
            put(self, item);
        }
        self.raw("]");
    }
}

impl Put for Vec<u8> {
    fn raw(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }

    fn digits(&mut self, number: u64) {
        self.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    fn quoted(&mut self, text: &str) {
        self.push(b'"');
        let mut rest = text;
        while let Some(at) = rest.bytes().position(is_escaped) {
            self.raw(&rest[..at]);
            push_escaped(self, rest.as_bytes()[at]);
            rest = &rest[at + 1..];
        }
        self.raw(rest);
        self.push(b'"');
    }

    fn base64(&mut self, bytes: &[u8]) {
        let start = self.len();
        self.resize(start + base64_len(bytes), 0);
        STANDARD
            .encode_slice(bytes, &mut self[start..])
            .expect("the buffer was made as long as the encoding");
    }
}

/// Counts bytes.
#[derive(Default)]
pub(crate) struct Count(pub(crate) usize);

impl Put for Count {
    fn raw(&mut self, text: &str) {
        self.0 += text.len();
    }

    fn digits(&mut self, number: u64) {
        self.0 += number.checked_ilog10().unwrap_or(0) as usize + 1;
    }

    fn quoted(&mut self, text: &str) {
        self.0 += 2 + text.bytes().map(escaped_len).sum::<usize>();
    }

    fn base64(&mut self, bytes: &[u8]) {
        self.0 += base64_len(bytes);
    }
}

fn base64_len(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(3) * 4
}

fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn escaped_len(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    }
}

fn push_escaped(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'\n' => out.raw("\\n"),
        b'\r' => out.raw("\\r"),
        b'\t' => out.raw("\\t"),
        0..0x20 => {
            out.raw("\\u00");
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
        }
        _ => out.extend_from_slice(&[b'\\', byte]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_texts_are_what_a_json_reader_reads_and_are_counted_exactly() {
        for text in ["", "plain", "\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}ü\u{2028}😀", "end\""] {
            let mut out = Vec::new();
            out.quoted(text);
            let mut count = Count::default();
            count.quoted(text);
            assert_eq!(count.0, out.len());
            assert_eq!(serde_json::from_slice::<String>(&out).expect("JSON"), text);
        }
    }

    #[test]
    fn numbers_are_counted_exactly() {
        for number in [0, 1, 9, 10, 99, 100, u64::MAX] {
            let mut out = Vec::new();
            out.digits(number);
            let mut count = Count::default();
            count.digits(number);
            assert_eq!(count.0, out.len());
        }
    }
}
