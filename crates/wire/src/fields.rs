//! The fields of one frame, whatever its encoding: what each may hold and how faults are worded is the same in all of
//! them. The frames of both dialects are read through this.

use std::borrow::Cow;
use std::fmt;

use crate::Token;
use crate::key::Key;
use crate::limits::INTEGER_MAX;
use crate::v1::Body;

/// What is wrong with a frame, in words.
pub(crate) type Fault = Cow<'static, str>;

/// The known fields of one frame, looked into only when they are asked for: one of the wrong type spoils nothing but
/// itself. An optional field that is null is as if absent.
pub(crate) trait ReadFields<'a> {
    /// A known field that came twice is a contradiction, whichever it is.
    fn check_unique(&self) -> Result<(), Fault>;

    /// Whether a field came at most once.
    fn is_unique(&self, key: Key) -> bool;

    /// A string.
    fn text(&self, key: Key) -> Result<Option<Cow<'a, str>>, Fault>;

    /// An integer of at most 64 bits.
    fn number(&self, key: Key) -> Result<Option<u64>, Fault>;

    /// `true` or `false`.
    fn boolean(&self, key: Key) -> Result<Option<bool>, Fault>;

    /// An array of at most `max` strings of which `parse` makes values.
    fn list<T, E: fmt::Display>(
        &self,
        key: Key,
        max: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<Vec<T>>, Fault>;

    /// Any value, null included, untouched.
    fn value(&self, key: Key) -> Option<Body<'a>>;

    /// A string that the frame must have.
    fn needed_text(&self, key: Key) -> Result<Cow<'a, str>, Fault> {
        self.text(key)?.ok_or_else(|| about(key, "is missing"))
    }

    /// An integer of at least `min`.
    fn integer(&self, key: Key, min: u64) -> Result<Option<u64>, Fault> {
        match self.number(key)? {
            Some(number) if number < min => Err(about(key, format_args!("must be at least {min}"))),
            Some(number) if INTEGER_MAX < number => Err(about(key, "must be less than 2^53")),
            number => Ok(number),
        }
    }

    /// An integer that the frame must have.
    fn needed_integer(&self, key: Key, min: u64) -> Result<u64, Fault> {
        self.integer(key, min)?.ok_or_else(|| about(key, "is missing"))
    }

    /// `true`; `false` is as if absent.
    fn flag(&self, key: Key) -> Result<bool, Fault> {
        Ok(self.boolean(key)?.unwrap_or(false))
    }

    /// A string of which `parse` makes a value.
    fn parsed<T, E: fmt::Display>(
        &self,
        key: Key,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Fault> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        parse(&text).map(Some).map_err(|fault| about(key, fault))
    }

    /// A string that the frame must have and of which `parse` makes a value.
    fn needed<T, E: fmt::Display>(
        &self,
        key: Key,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Fault> {
        self.parsed(key, parse)?.ok_or_else(|| about(key, "is missing"))
    }

    /// A secret.
    fn token(&self) -> Result<Option<Token>, Fault> {
        let malformed = "must be 43 characters of base64url (256 bits, no padding)";
        self.parsed(Key::Token, |text| Token::parse(text).map_err(|_| malformed))
    }
}

/// A fault of a field.
pub(crate) fn about(key: Key, fault: impl fmt::Display) -> Fault {
    format!("`{}` {fault}", key.as_str()).into()
}
