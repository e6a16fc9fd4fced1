//! A MessagePack value written as JSON. What JSON has no word for becomes what comes closest: bytes within a value their
//! base64, numbers that are none (NaN) or have no end `null`, keys of maps that are no strings the text of their JSON.

use std::fmt::{self, Write as _};

use super::head::{Cursor, Head};
use crate::json::Put;
use crate::limits::DEPTH_MAX;

/// Appends a value that was read as part of a frame. One that never was may become `null`, whole or in part.
pub(crate) fn put_value(out: &mut impl Put, value: &[u8]) {
    Writer { out, cursor: Cursor { rest: value } }.value(DEPTH_MAX);
}

/// The same as a text of its own.
pub(crate) fn to_json(value: &[u8]) -> String {
    let mut out = Vec::with_capacity(value.len() + value.len() / 4);
    put_value(&mut out, value);
    String::from_utf8(out).expect("JSON written from texts is UTF-8")
}

struct Writer<'o, 'a, P> {
    out: &'o mut P,
    cursor: Cursor<'a>,
}

impl<'a, P: Put> Writer<'_, 'a, P> {
    fn value(&mut self, levels: usize) {
        let levels = levels.checked_sub(1);
        match (self.next(), levels) {
            (Head::Array(entries), Some(levels)) => {
                self.entries(("[", "]"), entries, |writer| writer.value(levels));
            }
            (Head::Map(pairs), Some(levels)) => self.entries(("{", "}"), pairs, |writer| {
                writer.key();
                writer.out.raw(":");
                writer.value(levels);
            }),
            (Head::Text(text), _) => self.text(text),
            (Head::Binary(bytes), _) => self.binary(bytes),
            (other, _) => put_scalar(self.out, other),
        }
    }

    fn entries(
        &mut self,
        (open, close): (&str, &str),
        count: u32,
        mut entry: impl FnMut(&mut Self),
    ) {
        self.out.raw(open);
        for index in 0..count {
            if self.cursor.rest.is_empty() {
                break;
            }
            if 0 < index {
                self.out.raw(",");
            }
            entry(self);
        }
        self.out.raw(close);
    }

    fn key(&mut self) {
        match self.next() {
            Head::Text(text) => self.text(text),
            Head::Binary(bytes) => self.binary(bytes),
            // Nothing that a scalar is written as has to be escaped.
            other => {
                self.out.raw("\"");
                put_scalar(self.out, other);
                self.out.raw("\"");
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        self.out.quoted(&String::from_utf8_lossy(text));
    }

    fn binary(&mut self, bytes: &[u8]) {
        self.out.raw("\"");
        self.out.base64(bytes);
        self.out.raw("\"");
    }

    fn next(&mut self) -> Head<'a> {
        self.cursor.head().unwrap_or(Head::Nil)
    }
}

fn put_scalar(out: &mut impl Put, head: Head<'_>) {
    match head {
        Head::Boolean(boolean) => out.raw(if boolean { "true" } else { "false" }),
        Head::Integer(number) => out.digits(number),
        Head::Negative(number) => {
            out.raw("-");
            out.digits(number.unsigned_abs());
        }
        Head::Float32(number) => put_float(out, f64::from(number)),
        Head::Float64(number) => put_float(out, number),
        _ => out.raw("null"),
    }
}

/// The shortest digits that are read as the same 64-bit float, with a fraction or an exponent: it stays a float.
fn put_float(out: &mut impl Put, number: f64) {
    if number.is_finite() {
        write!(Digits(out), "{number:?}").expect("appending does not fail");
    } else {
        out.raw("null");
    }
}

struct Digits<'o, P>(&'o mut P);

impl<P: Put> fmt::Write for Digits<'_, P> {
    fn write_str(&mut self, digits: &str) -> fmt::Result {
        self.0.raw(digits);
        Ok(())
    }
}
