//! One JSON object as raw fields: each known field is a slice of the text, looked into only by whoever wants it.
//! So a field of the wrong type spoils nothing but itself, and a body is never touched.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use crate::fields::{Fault, ReadFields, about};
use crate::key::Key;
use crate::v1::Body;

/// The known fields of one object. Reused from frame to frame.
pub(crate) struct Fields<'a> {
    /// Raw JSON, without white space around it; of this object only where `seen` says so.
    values: [&'a str; Key::COUNT],
    /// One bit a key.
    seen: u64,
    /// Those seen twice.
    repeated: u64,
}

impl<'a> Fields<'a> {
    pub(crate) fn new() -> Self {
        Self { values: [""; Key::COUNT], seen: 0, repeated: 0 }
    }

    /// Reads the object at the start of `text`, which begins with `{`, and says how many bytes it has. After a fault
    /// the fields before it are there.
    pub(crate) fn read(&mut self, text: &'a str) -> Result<usize, Fault> {
        self.clear();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        match self.deserialize(&mut deserializer) {
            Ok(()) => Ok(deserializer.into_iter::<IgnoredAny>().byte_offset()),
            Err(error) => Err(not_json(&error)),
        }
    }

    /// Forgets all fields.
    pub(crate) fn clear(&mut self) {
        self.seen = 0;
        self.repeated = 0;
    }

    /// The raw JSON of a field, `null` included.
    pub(crate) fn raw(&self, key: Key) -> Option<&'a str> {
        (self.seen & bit(key) != 0).then(|| self.values[key as usize])
    }

    /// The raw JSON of a field that is there and not `null`, which is as if absent.
    pub(crate) fn given(&self, key: Key) -> Option<&'a str> {
        self.raw(key).filter(|&raw| raw != "null")
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
        self.given(key).map(|raw| text(raw).map_err(|fault| about(key, fault))).transpose()
    }

    fn number(&self, key: Key) -> Result<Option<u64>, Fault> {
        let Some(raw) = self.given(key) else { return Ok(None) };
        // Raw JSON has no `+` and no leading zeros, so what is left to refuse are other types, `-`, `.` and `e`.
        raw.parse().map(Some).map_err(|_| about(key, "must be an integer"))
    }

    fn boolean(&self, key: Key) -> Result<Option<bool>, Fault> {
        match self.given(key) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(about(key, "must be true or false")),
        }
    }

    fn list<T, E: fmt::Display>(
        &self,
        key: Key,
        max: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<Vec<T>>, Fault> {
        let Some(raw) = self.given(key) else { return Ok(None) };
        if !raw.starts_with('[') {
            return Err(about(key, "must be an array of strings"));
        }
        let mut fault = None;
        let list = List { max, parse, fault: &mut fault };
        match list.deserialize(&mut serde_json::Deserializer::from_str(raw)) {
            Ok(items) => Ok(Some(items)),
            Err(_) => Err(about(key, fault.unwrap_or("must be an array of strings".into()))),
        }
    }

    fn value(&self, key: Key) -> Option<Body<'a>> {
        self.raw(key).map(Body::Json)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Fields<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Fields<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(AnyKey(key)) = map.next_key()? {
            let Some(key) = key else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            self.values[key as usize] = map.next_value::<&RawValue>()?.get();
            self.repeated |= self.seen & bit(key);
            self.seen |= bit(key);
        }
        Ok(())
    }
}

/// A field's name as it comes: one that is known, or any other.
struct AnyKey(Option<Key>);

impl<'de> Deserialize<'de> for AnyKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = AnyKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, text: &str) -> Result<AnyKey, E> {
        Ok(AnyKey(Key::parse(text)))
    }
}

struct List<'f, P> {
    max: usize,
    parse: P,
    /// Why reading was given up, where it was not for the JSON.
    fault: &'f mut Option<Fault>,
}

impl<'de, T, E: fmt::Display, P: Fn(&str) -> Result<T, E>> DeserializeSeed<'de> for List<'_, P> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T, E: fmt::Display, P: Fn(&str) -> Result<T, E>> Visitor<'de> for List<'_, P> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(raw) = items.next_element::<&RawValue>()? {
            let item = if list.len() == self.max {
                Err(format!("may hold at most {} entries", self.max).into())
            } else {
                entry(raw.get(), &self.parse)
            };
            match item {
                Ok(item) => list.push(item),
                Err(fault) => {
                    *self.fault = Some(fault);
                    return Err(serde::de::Error::custom("given up"));
                }
            }
        }
        Ok(list)
    }
}

/// One entry of a list.
fn entry<T, E: fmt::Display>(raw: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Fault> {
    let about_it = |fault: &dyn fmt::Display| format!("holds an entry that {fault}").into();
    let text = text(raw).map_err(|fault| about_it(&fault))?;
    parse(&text).map_err(|fault| about_it(&fault))
}

/// The string of raw JSON; borrowed where it has no escapes.
fn text(raw: &str) -> Result<Cow<'_, str>, Fault> {
    let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.ok_or(Cow::Borrowed("must be a string"))?;
    if inner.contains('\\') {
        serde_json::from_str(raw).map(Cow::Owned).map_err(|_| "is no Unicode text".into())
    } else {
        Ok(Cow::Borrowed(inner))
    }
}

/// A fault of the text as a whole. The error names places, nothing of the text.
pub(crate) fn not_json(error: &serde_json::Error) -> Fault {
    format!("not JSON: {error}").into()
}

fn bit(key: Key) -> u64 {
    1 << key as u64
}
