//! One MessagePack map as raw fields: each known field is a slice of the bytes, looked into only by whoever wants it.

use std::borrow::Cow;
use std::fmt;

use super::head::{Broken, Cursor, Head, head};
use super::span::{Flaw, pass};
use crate::fields::{Fault, ReadFields, about};
use crate::key::Key;
use crate::limits::{DEPTH_MAX, INTEGER_MAX};
use crate::v1::Body;

/// The known fields of one map. Reused from frame to frame.
pub(crate) struct Fields<'a> {
    /// Whole values; of this map only where `seen` says so.
    values: [&'a [u8]; Key::COUNT],
    /// One bit a key.
    seen: u64,
    /// Those seen twice.
    repeated: u64,
}

impl<'a> Fields<'a> {
    pub(crate) fn new() -> Self {
        Self { values: [&[]; Key::COUNT], seen: 0, repeated: 0 }
    }

    /// Forgets all fields.
    pub(super) fn clear(&mut self) {
        self.seen = 0;
        self.repeated = 0;
    }

    /// Reads the pairs of a map. After a fault the fields before it are there, after a flaw those behind it too.
    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor<'a>,
        pairs: u32,
    ) -> Result<Option<Flaw>, Broken> {
        let mut flaw = None;
        for _ in 0..pairs {
            let name = *cursor;
            let found = pass(cursor, 0)?.map(|flaw| match flaw {
                Flaw::TooDeep => Flaw::Key,
                flaw => flaw,
            });
            let start = cursor.rest;
            flaw = flaw.or(found).or(pass(cursor, DEPTH_MAX - 1)?);
            if let Some(key) = key(name) {
                self.values[key as usize] = &start[..start.len() - cursor.rest.len()];
                self.repeated |= self.seen & bit(key);
                self.seen |= bit(key);
            }
        }
        Ok(flaw)
    }

    /// The whole value of a field, nil included.
    fn raw(&self, key: Key) -> Option<&'a [u8]> {
        (self.seen & bit(key) != 0).then(|| self.values[key as usize])
    }

    /// The head of a field that is there and not nil, which is as if absent.
    fn given(&self, key: Key) -> Option<Head<'a>> {
        self.raw(key).and_then(head).filter(|head| *head != Head::Nil)
    }
}

impl<'a> ReadFields<'a> for Fields<'a> {
    fn check_unique(&self) -> Result<(), Fault> {
        if self.repeated == 0 { Ok(()) } else { Err("a field is given twice".into()) }
    }

    fn is_unique(&self, key: Key) -> bool {
        self.repeated & bit(key) == 0
    }

    fn text(&self, key: Key) -> Result<Option<Cow<'a, str>>, Fault> {
        let Some(head) = self.given(key) else { return Ok(None) };
        text(head).map(|text| Some(Cow::Borrowed(text))).map_err(|fault| about(key, fault))
    }

    fn number(&self, key: Key) -> Result<Option<u64>, Fault> {
        match self.given(key) {
            None => Ok(None),
            Some(Head::Integer(number)) => Ok(Some(number)),
            Some(Head::Float64(number)) => {
                whole(number).map(Some).ok_or_else(|| about(key, "must be an integer"))
            }
            Some(_) => Err(about(key, "must be an integer")),
        }
    }

    fn boolean(&self, key: Key) -> Result<Option<bool>, Fault> {
        match self.given(key) {
            None => Ok(None),
            Some(Head::Boolean(boolean)) => Ok(Some(boolean)),
            Some(_) => Err(about(key, "must be true or false")),
        }
    }

    fn list<T, E: fmt::Display>(
        &self,
        key: Key,
        max: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<Vec<T>>, Fault> {
        let Some(raw) = self.raw(key) else { return Ok(None) };
        let mut cursor = Cursor { rest: raw };
        let entries = match cursor.head() {
            Ok(Head::Nil) => return Ok(None),
            Ok(Head::Array(entries)) => entries as usize,
            _ => return Err(about(key, "must be an array of strings")),
        };
        if max < entries {
            return Err(about(key, format_args!("may hold at most {max} entries")));
        }
        // The value was passed over: it has a byte for each entry at least.
        let mut list = Vec::with_capacity(entries);
        let fault =
            |fault: &dyn fmt::Display| about(key, format_args!("holds an entry that {fault}"));
        for _ in 0..entries {
            let text = cursor.head().map_err(|_| Cow::from("must be a string")).and_then(text);
            let text = text.map_err(|reason| fault(&reason))?;
            list.push(parse(text).map_err(|reason| fault(&reason))?);
        }
        Ok(Some(list))
    }

    fn value(&self, key: Key) -> Option<Body<'a>> {
        let raw = self.raw(key)?;
        Some(match head(raw) {
            Some(Head::Binary(bytes)) => Body::Binary(Cow::Borrowed(bytes)),
            _ => Body::MessagePack(raw),
        })
    }
}

/// The known key that a map's key is; one that is no string is none.
fn key(mut name: Cursor<'_>) -> Option<Key> {
    match name.head() {
        Ok(Head::Text(text)) => std::str::from_utf8(text).ok().and_then(Key::parse),
        _ => None,
    }
}

fn text(head: Head<'_>) -> Result<&str, Fault> {
    match head {
        Head::Text(text) => std::str::from_utf8(text).map_err(|_| "is no Unicode text".into()),
        _ => Err("must be a string".into()),
    }
}

/// The integer that a float is. Encoders of languages that have no integers write those of more than 32 bits so.
fn whole(number: f64) -> Option<u64> {
    let is_whole = number.fract() == 0.0 && number.is_sign_positive();
    #[expect(clippy::cast_sign_loss, reason = "it is not negative")]
    (is_whole && number <= INTEGER_MAX as f64).then_some(number as u64)
}

fn bit(key: Key) -> u64 {
    1 << key as u64
}
