//! MessagePack between a test's `Value` and bytes, by hand: the server's own codec is what is tested. Bytes are
//! `{"$bytes": [0, 255]}`.

use serde_json::{Map, Value, json};

/// The shortest formats, but for lengths: always 32 bits.
pub(crate) fn pack(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, value);
    out
}

fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(0xc0),
        Value::Bool(boolean) => out.push(if *boolean { 0xc3 } else { 0xc2 }),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number @ 0..128), _) => out.extend(&number.to_be_bytes()[7..]),
            (Some(number), _) => sized(out, 0xcf, &number.to_be_bytes()),
            (None, Some(number)) => sized(out, 0xd3, &number.to_be_bytes()),
            (None, None) => {
                sized(out, 0xcb, &number.as_f64().expect("a float").to_be_bytes());
            }
        },
        Value::String(text) => {
            length(out, 0xdb, text.len());
            out.extend(text.bytes());
        }
        Value::Array(items) => {
            length(out, 0xdd, items.len());
            for item in items {
                put(out, item);
            }
        }
        Value::Object(fields) => put_object(out, fields),
    }
}

fn put_object(out: &mut Vec<u8>, fields: &Map<String, Value>) {
    if let Some(bytes) = bytes(fields) {
        length(out, 0xc6, bytes.len());
        return out.extend(bytes);
    }
    length(out, 0xdf, fields.len());
    for (name, value) in fields {
        put(out, &Value::String(name.clone()));
        put(out, value);
    }
}

fn bytes(fields: &Map<String, Value>) -> Option<Vec<u8>> {
    let bytes = fields.get("$bytes")?.as_array()?;
    bytes.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect()
}

fn sized(out: &mut Vec<u8>, first: u8, number: &[u8]) {
    out.push(first);
    out.extend(number);
}

fn length(out: &mut Vec<u8>, first: u8, length: usize) {
    sized(out, first, &u32::try_from(length).expect("short").to_be_bytes());
}

/// Reads one value and nothing behind it.
pub(crate) fn unpack(bytes: &[u8]) -> Value {
    let mut reader = Reader(bytes);
    let value = reader.value();
    assert!(reader.0.is_empty(), "something follows");
    value
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn value(&mut self) -> Value {
        let first = self.take(1)[0];
        match first {
            0x00..=0x7f => json!(first),
            0xe0..=0xff => json!(i8::from_be_bytes([first])),
            0x80..=0x8f => self.map(first & 0x0f),
            0x90..=0x9f => self.array(first & 0x0f),
            0xa0..=0xbf => self.text(usize::from(first & 0x1f)),
            0xc0 => Value::Null,
            0xc2 | 0xc3 => json!(first == 0xc3),
            0xc4 => {
                let length = self.number(1);
                json!({"$bytes": self.take(length as usize)})
            }
            0xcb => json!(f64::from_bits(self.number(8))),
            0xcc..=0xcf => json!(self.number(1 << (first - 0xcc))),
            0xd3 => json!(self.number(8).cast_signed()),
            0xd9 | 0xda => {
                let length = self.number(1 << (first - 0xd9));
                self.text(length as usize)
            }
            other => panic!("a format that the tests need not: {other:#x}"),
        }
    }

    fn map(&mut self, pairs: u8) -> Value {
        let mut pair = || (self.value().as_str().expect("a name").to_owned(), self.value());
        Value::Object((0..pairs).map(|_| pair()).collect())
    }

    fn array(&mut self, items: u8) -> Value {
        Value::Array((0..items).map(|_| self.value()).collect())
    }

    fn text(&mut self, length: usize) -> Value {
        std::str::from_utf8(self.take(length)).expect("UTF-8").into()
    }

    fn number(&mut self, bytes: usize) -> u64 {
        self.take(bytes).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }
}
