//! A JSON value written as MessagePack. Integers of up to 64 bits stay what they are, all other numbers become the
//! nearest 64-bit float; half a surrogate pair, which is no Unicode, becomes U+FFFD. Fields keep their order.

use super::put::{Container, Put};
use crate::limits::DEPTH_MAX;

/// Appends the value that this text, which is known to be JSON, stands for. A text that is none is written as nil.
pub(crate) fn put_json(out: &mut impl Put, text: &str) {
    let start = out.position();
    let mut reader = Reader { rest: text };
    if reader.value(out, DEPTH_MAX).is_none() {
        out.go_back(start);
        out.nil();
    }
}

/// JSON that is read from the front. `None` from any of its methods: this is no JSON.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn value(&mut self, out: &mut impl Put, levels: usize) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(out, levels.checked_sub(1)?),
            b'[' => self.array(out, levels.checked_sub(1)?),
            b'"' => self.string(out),
            b'n' => self.word("null").map(|()| out.nil()),
            b't' => self.word("true").map(|()| out.boolean(true)),
            b'f' => self.word("false").map(|()| out.boolean(false)),
            _ => self.number(out),
        }
    }

    fn array(&mut self, out: &mut impl Put, levels: usize) -> Option<()> {
        self.word("[")?;
        let (start, mut entries) = (out.open(), 0);
        if self.peek()? != b']' {
            loop {
                self.value(out, levels)?;
                entries += 1;
                if self.peek()? != b',' {
                    break;
                }
                self.word(",")?;
            }
        }
        self.word("]")?;
        out.close(start, Container::Array, entries);
        Some(())
    }

    fn object(&mut self, out: &mut impl Put, levels: usize) -> Option<()> {
        self.word("{")?;
        let (start, mut entries) = (out.open(), 0);
        if self.peek()? != b'}' {
            loop {
                self.peek()?;
                self.string(out)?;
                self.peek()?;
                self.word(":")?;
                self.value(out, levels)?;
                entries += 1;
                if self.peek()? != b',' {
                    break;
                }
                self.word(",")?;
            }
        }
        self.word("}")?;
        out.close(start, Container::Map, entries);
        Some(())
    }

    fn number(&mut self, out: &mut impl Put) -> Option<()> {
        let is_part =
            |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        let length = self.rest.bytes().take_while(is_part).count();
        let (digits, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        // What is written as an integer and fits is one. `-0` is not: the integer 0 has no sign.
        match (digits.parse::<u64>(), digits.parse::<i64>()) {
            (Ok(number), _) => out.integer(number),
            (_, Ok(number)) if number != 0 => out.signed(number),
            _ => out.float(digits.parse().ok()?),
        }
        Some(())
    }

    fn string(&mut self, out: &mut impl Put) -> Option<()> {
        self.word("\"")?;
        let end = end_of_string(self.rest)?;
        let (raw, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        self.word("\"")?;
        if raw.contains('\\') {
            let mut length = 0;
            unescape(raw, |part| length += part.len())?;
            out.text_head(length);
            unescape(raw, |part| out.raw(part.as_bytes()))?;
        } else {
            out.text(raw);
        }
        Some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_start_matches([' ', '\n', '\r', '\t']);
        self.rest.bytes().next()
    }
}

/// Where the quote is that ends this string.
fn end_of_string(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at),
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    None
}

/// Gives the parts of a string without its escapes.
fn unescape(raw: &str, mut part: impl FnMut(&str)) -> Option<()> {
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        part(&rest[..at]);
        rest = &rest[at + 1..];
        let (letter, behind) = rest.split_at_checked(1)?;
        rest = behind;
        let plain = match letter {
            "\"" | "\\" | "/" => letter,
            "b" => "\u{8}",
            "f" => "\u{c}",
            "n" => "\n",
            "r" => "\r",
            "t" => "\t",
            "u" => {
                part(unicode(&mut rest)?.encode_utf8(&mut [0; 4]));
                continue;
            }
            _ => return None,
        };
        part(plain);
    }
    part(rest);
    Some(())
}

/// The character of one `\u` escape, or of two that are a surrogate pair.
fn unicode(rest: &mut &str) -> Option<char> {
    let first = code_unit(rest)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    let mut behind = rest.strip_prefix("\\u").unwrap_or_default();
    match code_unit(&mut behind) {
        Some(second @ 0xdc00..=0xdfff) => {
            *rest = behind;
            char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        }
        _ => Some(char::REPLACEMENT_CHARACTER),
    }
}

/// Four hexadecimal digits.
fn code_unit(rest: &mut &str) -> Option<u32> {
    let (digits, behind) = rest.split_at_checked(4)?;
    *rest = behind;
    u32::from_str_radix(digits, 16).ok()
}
