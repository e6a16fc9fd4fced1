//! Reading what a server says, in any encoding: for the Rust client, the load generator and tests. As strict as a client may be: a
//! frame whose op it does not know is told apart, so that it can be passed over.

use std::borrow::Cow;

use super::read;
use crate::fields::{Fault, ReadFields, about};
use crate::ids::is_name;
use crate::key::Key;
use crate::v1::{
    AcceptedFrame, ConnectedFrame, DurableRoom, EndReason, ErrorFrame, GoawayFrame, JoinedFrame,
    LostFrame, MessageFrame, Place, PresenceFrame, ReceiptFrame, ReceiptState, ServerFrame, Target,
};
use crate::{ErrorCode, MessageId};

/// Why a server's frame could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableFrame {
    /// An op that this version does not know: pass it over.
    #[error("the server sent an op that is none of this version")]
    UnknownOp,
    /// The server is none, or broken: close the connection.
    #[error("the server sent a frame that cannot be read: {0}")]
    Malformed(Cow<'static, str>),
}

impl From<Fault> for UnreadableFrame {
    fn from(fault: Fault) -> Self {
        Self::Malformed(fault)
    }
}

/// The frame that these fields say.
pub(in crate::v1) fn server_frame<'a>(
    fields: &impl ReadFields<'a>,
) -> Result<ServerFrame<'a>, UnreadableFrame> {
    fields.check_unique()?;
    let r#ref = fields.text(Key::Ref)?;
    Ok(match &*fields.needed_text(Key::Op)? {
        "message" => ServerFrame::Message(message(fields)?),
        "accepted" => ServerFrame::Accepted(AcceptedFrame {
            r#ref,
            n: fields.integer(Key::N, 1)?,
            id: read::message_id(fields, Key::Id)?,
            dup: fields.flag(Key::Dup)?,
        }),
        "error" => ServerFrame::Error(error(fields)?),
        "receipt" => ServerFrame::Receipt(receipt(fields)?),
        "lost" => ServerFrame::Lost(lost(fields)?),
        "connected" => ServerFrame::Connected(Box::new(connected(fields)?)),
        "joined" => ServerFrame::Joined(joined(fields)?),
        "left" => ServerFrame::Left { r#ref, room: needed_name(fields, Key::Room)? },
        "watching" => ServerFrame::Watching { r#ref, present: present(fields)? },
        "presence" => ServerFrame::Presence(presence(fields)?),
        "rotated" => ServerFrame::Rotated { r#ref },
        "pong" => ServerFrame::Pong { r#ref },
        "goaway" => ServerFrame::Goaway(GoawayFrame {
            reconnect_after_ms: fields.needed_integer(Key::ReconnectAfterMs, 0)?,
            reason: fields.needed_text(Key::Reason)?,
        }),
        _ => return Err(UnreadableFrame::UnknownOp),
    })
}

fn connected<'a>(fields: &impl ReadFields<'a>) -> Result<ConnectedFrame<'a>, Fault> {
    Ok(ConnectedFrame {
        r#ref: fields.text(Key::Ref)?,
        id: needed_name(fields, Key::Id)?,
        token: fields.token()?,
        new: fields.flag(Key::New)?,
        epoch: fields.needed_text(Key::Epoch)?,
        acked: fields.needed_integer(Key::Acked, 0)?,
        pending: fields.needed_integer(Key::Pending, 0)?,
        sent: fields.needed_integer(Key::Sent, 0)?,
        expires: fields.needed_integer(Key::Expires, 0)?,
        server: fields.needed_text(Key::Server)?,
        ack_timeout_ms: fields.needed_integer(Key::AckTimeoutMs, 0)?,
        max_message: fields.needed_integer(Key::MaxMessage, 0)?,
        ping_interval_ms: fields.needed_integer(Key::PingIntervalMs, 0)?,
    })
}

fn error<'a>(fields: &impl ReadFields<'a>) -> Result<ErrorFrame<'a>, Fault> {
    Ok(ErrorFrame {
        r#ref: fields.text(Key::Ref)?,
        n: fields.integer(Key::N, 1)?,
        code: fields.needed(Key::Code, known(ErrorCode::parse))?,
        retry_after_ms: fields.integer(Key::RetryAfterMs, 0)?,
        expected: fields.integer(Key::Expected, 1)?,
        message: fields.text(Key::Message)?.unwrap_or_default(),
    })
}

fn message<'a>(fields: &impl ReadFields<'a>) -> Result<MessageFrame<'a>, Fault> {
    Ok(MessageFrame {
        place: place(fields)?,
        id: read::message_id(fields, Key::Id)?,
        from: needed_name(fields, Key::From)?,
        target: target(fields)?,
        body: read::body(fields)?,
        at: fields.needed_integer(Key::At, 0)?,
        attempt: attempt(fields)?,
    })
}

fn place<'a>(fields: &impl ReadFields<'a>) -> Result<Place, Fault> {
    let no_ack = fields.boolean(Key::Ack)? == Some(false);
    match (fields.integer(Key::Seq, 1)?, fields.flag(Key::Live)?, fields.flag(Key::Durable)?) {
        (Some(seq), false, false) => Ok(Place::Mailbox(seq)),
        (Some(seq), false, true) => Ok(Place::Room(seq)),
        (None, true, false) if no_ack => Ok(Place::Signal),
        (None, true, false) => Ok(Place::Live),
        _ => Err("`seq`, `live` and `durable` do not go together like this".into()),
    }
}

fn target<'a>(fields: &impl ReadFields<'a>) -> Result<Target<Cow<'a, str>, Cow<'a, str>>, Fault> {
    match (name(fields, Key::To)?, name(fields, Key::Room)?, fields.flag(Key::All)?) {
        (Some(to), None, false) => Ok(Target::To(to)),
        (None, Some(room), false) => Ok(Target::Room(room)),
        (None, None, true) => Ok(Target::All),
        _ => Err("exactly one of `to`, `room` and `all` must be given".into()),
    }
}

fn attempt<'a>(fields: &impl ReadFields<'a>) -> Result<u32, Fault> {
    let attempt = fields.integer(Key::Attempt, 1)?.unwrap_or(1);
    Ok(u32::try_from(attempt).unwrap_or(u32::MAX))
}

fn lost<'a>(fields: &impl ReadFields<'a>) -> Result<LostFrame<'a>, Fault> {
    let frame = LostFrame {
        from: fields.needed_integer(Key::From, 1)?,
        to: fields.needed_integer(Key::To, 1)?,
        count: fields.needed_integer(Key::Count, 1)?,
        reason: fields.needed(Key::Reason, known(EndReason::parse))?,
        room: name(fields, Key::Room)?,
    };
    if frame.from <= frame.to { Ok(frame) } else { Err("`from` is beyond `to`".into()) }
}

fn receipt<'a>(fields: &impl ReadFields<'a>) -> Result<ReceiptFrame<'a>, Fault> {
    Ok(ReceiptFrame {
        seq: fields.needed_integer(Key::Seq, 1)?,
        id: read::message_id(fields, Key::Id)?,
        of: fields.needed(Key::Of, MessageId::parse)?,
        r#ref: fields.text(Key::Ref)?,
        n: fields.integer(Key::N, 1)?,
        to: needed_name(fields, Key::To)?,
        state: fields.needed(Key::State, known(ReceiptState::parse))?,
        at: fields.needed_integer(Key::At, 0)?,
    })
}

fn joined<'a>(fields: &impl ReadFields<'a>) -> Result<JoinedFrame<'a>, Fault> {
    let durable = if fields.flag(Key::Durable)? {
        Some(DurableRoom {
            epoch: fields.needed_text(Key::Epoch)?,
            acked: fields.needed_integer(Key::Acked, 0)?,
            end: fields.needed_integer(Key::End, 0)?,
        })
    } else {
        None
    };
    Ok(JoinedFrame {
        r#ref: fields.text(Key::Ref)?,
        room: needed_name(fields, Key::Room)?,
        members: fields.needed_integer(Key::Members, 0)?,
        durable,
    })
}

fn present<'a>(fields: &impl ReadFields<'a>) -> Result<Vec<Cow<'a, str>>, Fault> {
    let ids = fields.list(Key::Present, usize::MAX, |text| {
        if is_name(text) { Ok(Cow::Owned(text.to_owned())) } else { Err("is no name") }
    })?;
    ids.ok_or_else(|| about(Key::Present, "is missing"))
}

fn presence<'a>(fields: &impl ReadFields<'a>) -> Result<PresenceFrame<'a>, Fault> {
    let online = fields.boolean(Key::Online)?.ok_or_else(|| about(Key::Online, "is missing"))?;
    Ok(PresenceFrame {
        id: needed_name(fields, Key::Id)?,
        online,
        generation: fields.needed_integer(Key::Gen, 0)?,
        at: fields.needed_integer(Key::At, 0)?,
        room: name(fields, Key::Room)?,
    })
}

/// A text that holds only the characters of names.
fn name<'a>(fields: &impl ReadFields<'a>, key: Key) -> Result<Option<Cow<'a, str>>, Fault> {
    match fields.text(key)? {
        Some(text) if !is_name(&text) => Err(about(key, "is no name")),
        text => Ok(text),
    }
}

fn needed_name<'a>(fields: &impl ReadFields<'a>, key: Key) -> Result<Cow<'a, str>, Fault> {
    name(fields, key)?.ok_or_else(|| about(key, "is missing"))
}

/// A parser with a reason.
fn known<T>(parse: impl Fn(&str) -> Option<T>) -> impl Fn(&str) -> Result<T, &'static str> {
    move |text| parse(text).ok_or("is none of this version")
}
