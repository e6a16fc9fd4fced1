//! Reading classic frames. What cannot be read gets a sentence for the `error` that answers it.

use std::borrow::Cow;

use super::frame::{ClientFrame, ServerFrame};
use crate::fields::{Fault, ReadFields as _, about};
use crate::json::{Batch, Fields};
use crate::key::Key;
use crate::limits::COMMAND_BYTES_MAX;
use crate::{ClientId, ErrorCode, MessageId};

/// Reads one frame of a client. The error is a [`ErrorCode::BadFrame`]'s message.
pub fn decode(text: &str) -> Result<ClientFrame<'_>, Cow<'static, str>> {
    let mut fields = Fields::new();
    read(text, &mut fields)?;
    fields.check_unique()?;
    let command = fields.needed_text(Key::Command)?;
    match &*command {
        "newID" => Ok(ClientFrame::NewId),
        "setID" => set_id(&fields),
        "sendMessage" => send_message(&fields),
        "ack" => {
            let id = fields.needed_text(Key::Data)?;
            Ok(ClientFrame::Ack { id: MessageId::parse(&id).ok() })
        }
        name if name.is_empty() || COMMAND_BYTES_MAX < name.len() => {
            Err(about(Key::Command, format_args!("must have 1 to {COMMAND_BYTES_MAX} bytes")))
        }
        _ => Ok(ClientFrame::Other { command, data: fields.raw(Key::Data) }),
    }
}

/// Reads the one object of a text.
fn read<'a>(text: &'a str, fields: &mut Fields<'a>) -> Result<(), Fault> {
    if text.trim_ascii_start().starts_with('[') {
        return Err("a frame is a JSON object".into());
    }
    Batch::new(text).read(fields).unwrap_or(Err("the text is empty".into()))
}

fn set_id<'a>(fields: &Fields<'a>) -> Result<ClientFrame<'a>, Fault> {
    let data = fields.given(Key::Data).ok_or_else(|| about(Key::Data, "is missing"))?;
    if data.starts_with('{') {
        let mut fields = Fields::new();
        fields.read(data)?;
        fields.check_unique()?;
        let token = fields.token()?;
        Ok(ClientFrame::SetId { id: fields.needed(Key::Id, ClientId::parse)?, token })
    } else {
        Ok(ClientFrame::SetId { id: fields.needed(Key::Data, ClientId::parse)?, token: None })
    }
}

fn send_message<'a>(fields: &Fields<'a>) -> Result<ClientFrame<'a>, Fault> {
    let data = fields.given(Key::Data).unwrap_or_default();
    if !data.starts_with('{') {
        return Err(about(Key::Data, "must be an object"));
    }
    // Of a field that comes twice the last one counts, as for whoever reads the object later.
    let mut fields = Fields::new();
    fields.read(data)?;
    let to = fields.text(Key::To)?.filter(|to| !to.is_empty());
    Ok(ClientFrame::SendMessage { to, from: fields.text(Key::From).unwrap_or_default(), data })
}

/// Reads one frame of a server: for clients and tests.
pub fn decode_server(text: &str) -> Result<ServerFrame<'_>, Cow<'static, str>> {
    let mut fields = Fields::new();
    read(text, &mut fields)?;
    fields.check_unique()?;
    if fields.integer(Key::Type, 1)? != Some(1) {
        return Err(about(Key::Type, "must be 1"));
    }
    let id = match &*fields.needed_text(Key::Id)? {
        "" => None,
        text => Some(MessageId::parse(text).map_err(|fault| about(Key::Id, fault))?),
    };
    let from = fields.needed_text(Key::ClientIdOfClassic)?;
    let raw = fields.given(Key::Body).filter(|raw| raw.starts_with('{'));
    let mut body = Fields::new();
    body.read(raw.ok_or_else(|| about(Key::Body, "must be an object"))?)?;
    let command = body.needed_text(Key::Command)?;
    match &*command {
        "clientID" => {
            let token = fields.token()?;
            Ok(ServerFrame::ClientId { id: body.needed_text(Key::Data)?, token })
        }
        "error" => error(&body),
        "newUser" => Ok(ServerFrame::NewUser { id: from }),
        "userDisconnected" => Ok(ServerFrame::UserDisconnected { id: from }),
        _ => Ok(ServerFrame::Command { id, from, command, data: body.raw(Key::Data) }),
    }
}

fn error<'a>(body: &Fields<'a>) -> Result<ServerFrame<'a>, Fault> {
    let raw = body.given(Key::Data).filter(|raw| raw.starts_with('{'));
    let mut data = Fields::new();
    data.read(raw.ok_or_else(|| about(Key::Data, "must be an object"))?)?;
    let known = |text: &str| ErrorCode::parse(text).ok_or("is none of this version");
    let code = data.needed(Key::Code, known)?;
    Ok(ServerFrame::Error { code, message: data.needed_text(Key::Message)? })
}
