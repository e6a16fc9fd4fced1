//! Writing one frame: a map of as many fields as are put.

use crate::key::Key;
use crate::msgpack::{Container, Put};
use crate::v1::Body;
use crate::{MessageId, Token, msgpack};

/// A frame that is being written.
pub(super) struct Frame<'o, P> {
    out: &'o mut P,
    start: usize,
    fields: usize,
}

impl<'o, P: Put> Frame<'o, P> {
    /// A frame of this `op`.
    pub(super) fn open(out: &'o mut P, op: &str) -> Self {
        let start = out.open();
        let mut frame = Self { out, start, fields: 0 };
        frame.text(Key::Op, op);
        frame
    }

    /// A frame of this `op` that echoes a `ref`, or has one.
    pub(super) fn answer(out: &'o mut P, op: &str, r#ref: Option<&str>) -> Self {
        let mut frame = Self::open(out, op);
        frame.optional_text(Key::Ref, r#ref);
        frame
    }

    /// All fields are put.
    pub(super) fn close(self) {
        self.out.close(self.start, Container::Map, self.fields);
    }

    pub(super) fn text(&mut self, key: Key, text: &str) {
        self.key(key).text(text);
    }

    pub(super) fn optional_text(&mut self, key: Key, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(super) fn integer(&mut self, key: Key, number: u64) {
        self.key(key).integer(number);
    }

    pub(super) fn optional(&mut self, key: Key, number: Option<u64>) {
        if let Some(number) = number {
            self.integer(key, number);
        }
    }

    pub(super) fn boolean(&mut self, key: Key, boolean: bool) {
        self.key(key).boolean(boolean);
    }

    /// A field that is there only where it is true.
    pub(super) fn flag(&mut self, key: Key, is_set: bool) {
        if is_set {
            self.boolean(key, true);
        }
    }

    pub(super) fn id(&mut self, key: Key, id: MessageId) {
        put_id(self.key(key), id);
    }

    pub(super) fn token(&mut self, token: &Token) {
        self.key(Key::Token).text(&token.reveal());
    }

    pub(super) fn list<T>(&mut self, key: Key, items: &[T], put: impl Fn(&mut P, &T)) {
        let out = self.key(key);
        let start = out.open();
        for item in items {
            put(out, item);
        }
        out.close(start, Container::Array, items.len());
    }

    pub(super) fn body(&mut self, body: &Body<'_>) {
        let out = self.key(Key::Body);
        match body {
            Body::Json(text) => msgpack::put_json(out, text),
            Body::MessagePack(value) => out.raw(value),
            Body::Binary(bytes) => out.binary(bytes),
        }
    }

    fn key(&mut self, key: Key) -> &mut P {
        self.fields += 1;
        self.out.text(key.as_str());
        self.out
    }
}

/// A message's ID, as text: the same maps in every encoding.
pub(super) fn put_id(out: &mut impl Put, id: MessageId) {
    let digits = id.digits();
    out.text(std::str::from_utf8(&digits).expect("hex digits are ASCII"));
}
