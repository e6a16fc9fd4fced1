//! How the dialects see each other's messages. Pure functions over raw JSON that leave every byte they do not have
//! to change.

use std::borrow::Cow;

use crate::fields::ReadFields as _;
use crate::json::{Count, Fields, Put};
use crate::key::Key;
use crate::v1::{Body, JsonBody};

/// The command as which a message reaches classic clients.
pub const SEND_MESSAGE: &str = "sendMessage";

/// Appends the `data` under which a v1 body reaches a classic client: the body (as JSON) if it is an object, else
/// `{"text":body}` (bytes: `{"body_base64":…}`), with `from` and `to` added at its end where they are missing. Give
/// no `to` for a message to a room or to all.
pub fn send_message_data(out: &mut Vec<u8>, body: &Body<'_>, from: &str, to: Option<&str>) {
    put_data(out, body, from, to);
}

pub(super) fn put_data(out: &mut impl Put, body: &Body<'_>, from: &str, to: Option<&str>) {
    let mut json = String::new();
    let body = body.in_json(&mut json);
    let object = match body {
        JsonBody::Value(text) => {
            Some(text.trim_matches(BLANK)).filter(|text| text.starts_with('{'))
        }
        JsonBody::Binary(_) => None,
    };
    let (add_from, add_to, comma) = if let Some(object) = object {
        put_object(out, object)
    } else {
        put_wrapped(out, body);
        (true, true, true)
    };
    if add_from {
        out.name(if comma { r#","from":""# } else { r#""from":""# }, from);
    }
    if let Some(to) = to.filter(|_| add_to) {
        out.name(if comma || add_from { r#","to":""# } else { r#""to":""# }, to);
    }
    out.raw("}");
}

/// An object without its last brace; whether `from` and `to` are missing, and whether a comma must precede them.
fn put_object(out: &mut impl Put, object: &str) -> (bool, bool, bool) {
    let open = object.strip_suffix('}').unwrap_or(object);
    out.raw(open);
    let mut fields = Fields::new();
    // A body is JSON: it was read when it came. Of one that is not, what can be read counts.
    let _not_json = fields.read(object);
    let empty = open[1..].trim_matches(BLANK).is_empty();
    (fields.raw(Key::From).is_none(), fields.raw(Key::To).is_none(), !empty)
}

fn put_wrapped(out: &mut impl Put, body: JsonBody<'_>) {
    match body {
        JsonBody::Value(text) => {
            out.raw(r#"{"text":"#);
            out.raw(text);
        }
        JsonBody::Binary(bytes) => {
            out.raw(r#"{"body_base64":""#);
            out.base64(bytes);
            out.raw("\"");
        }
    }
}

/// The body under which a classic command other than `sendMessage` reaches v1 clients: `{"command":C,"data":D}`, with
/// `null` for data that was not given.
pub fn command_body(command: &str, data: Option<&str>) -> String {
    let mut length = Count::default();
    put_command(&mut length, command, data);
    let mut out = Vec::with_capacity(length.0);
    put_command(&mut out, command, data);
    String::from_utf8(out).expect("JSON written from texts is UTF-8")
}

/// A command and its data as one object.
pub(super) fn put_command(out: &mut impl Put, command: &str, data: Option<&str>) {
    out.text(r#"{"command":"#, command);
    out.raw(r#","data":"#);
    out.raw(data.unwrap_or("null"));
    out.raw("}");
}

/// The command and the data of a body that [`command_body`] made. To be asked only of messages that are known to
/// come from a classic client: a v1 client's body of the same shape is an ordinary body.
pub fn read_command_body(body: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut fields = Fields::new();
    if !body.starts_with('{') || fields.read(body).ok()? != body.len() {
        return None;
    }
    Some((fields.text(Key::Command).ok()??, fields.raw(Key::Data)?))
}

/// White space of JSON.
const BLANK: [char; 4] = [' ', '\n', '\r', '\t'];
