//! What frames of both sides have in common.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fields::{Fault, ReadFields, about};
use crate::key::Key;
use crate::v1::{Body, Persist};
use crate::{ClientId, MessageId, Name, ParseIdError, Ref, Room};

/// The body of a message, in whichever of its two fields it came.
pub(super) fn body<'a>(fields: &impl ReadFields<'a>) -> Result<Body<'a>, Fault> {
    match (fields.value(Key::Body), fields.text(Key::BodyBase64)?) {
        (Some(body), None) => Ok(body),
        (None, Some(text)) => match STANDARD.decode(text.as_bytes()) {
            Ok(bytes) => Ok(Body::Binary(Cow::Owned(bytes))),
            Err(_) => {
                Err(about(Key::BodyBase64, "is no base64 (with padding, RFC 4648 section 4)"))
            }
        },
        (None, None) => Err(about(Key::Body, "is missing")),
        (Some(_), Some(_)) => Err("`body` and `body_base64` exclude each other".into()),
    }
}

pub(super) fn r#ref<'a>(fields: &impl ReadFields<'a>) -> Result<Option<Ref>, Fault> {
    fields.parsed(Key::Ref, Ref::parse)
}

pub(super) fn client_id<'a>(
    fields: &impl ReadFields<'a>,
    key: Key,
) -> Result<Option<ClientId>, Fault> {
    fields.parsed(key, ClientId::parse)
}

pub(super) fn room<'a>(fields: &impl ReadFields<'a>) -> Result<Option<Room>, Fault> {
    fields.parsed(Key::Room, Room::parse)
}

pub(super) fn needed_room<'a>(fields: &impl ReadFields<'a>) -> Result<Room, Fault> {
    fields.needed(Key::Room, Room::parse)
}

pub(super) fn device<'a>(fields: &impl ReadFields<'a>) -> Result<Name, Fault> {
    match fields.parsed(Key::Device, Name::parse_device)? {
        Some(name) => Ok(name),
        None => Name::parse_device("").map_err(|fault: ParseIdError| about(Key::Device, fault)),
    }
}

pub(super) fn message_id<'a>(fields: &impl ReadFields<'a>, key: Key) -> Result<MessageId, Fault> {
    fields.needed(key, MessageId::parse)
}

pub(super) fn persist<'a>(fields: &impl ReadFields<'a>) -> Result<Option<Persist>, Fault> {
    fields.parsed(Key::Persist, |text| {
        Persist::parse(text).ok_or("must be \"accept\", \"miss\" or \"never\"")
    })
}

/// A text of at most `max` characters.
pub(super) fn short_text<'a>(
    fields: &impl ReadFields<'a>,
    key: Key,
    max: usize,
) -> Result<Option<Cow<'a, str>>, Fault> {
    let text = fields.text(key)?;
    match &text {
        // Bytes bound characters from above: only a long text needs to be counted.
        Some(long) if max < long.len() && max < long.chars().count() => {
            Err(about(key, format_args!("may have at most {max} characters")))
        }
        _ => Ok(text),
    }
}
