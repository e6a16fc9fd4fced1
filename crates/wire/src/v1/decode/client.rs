//! Reading what a client says, in any encoding.

use super::read;
use crate::fields::{Fault, ReadFields, about};
use crate::key::Key;
use crate::limits::{
    ACK_IDS_MAX, CLIENT_LENGTH_MAX, EPOCH_LENGTH_MAX, JWT_LENGTH_MAX, WATCH_IDS_MAX,
};
use crate::v1::{
    AckFrame, BadFrame, ClientFrame, ConnectFrame, Credential, JoinFrame, SendFrame, Target,
    Watched, Which,
};
use crate::{ClientId, Lent, MessageId, Name, Room};

/// The frame that these fields say.
pub(in crate::v1) fn client_frame<'a>(
    fields: &impl ReadFields<'a>,
) -> Result<ClientFrame<'a>, Fault> {
    fields.check_unique()?;
    let r#ref = read::r#ref(fields)?;
    match &*fields.needed_text(Key::Op)? {
        "send" => send(fields).map(ClientFrame::Send),
        "ack" => Ok(ClientFrame::Ack(AckFrame { r#ref, which: which(fields)? })),
        "reject" => Ok(ClientFrame::Reject { r#ref, ids: needed(message_ids(fields)?)? }),
        "ping" => Ok(ClientFrame::Ping { r#ref }),
        "connect" => connect(fields).map(|frame| ClientFrame::Connect(Box::new(frame))),
        "rotate" => {
            let token = fields.token()?.ok_or_else(|| about(Key::Token, "is missing"))?;
            Ok(ClientFrame::Rotate { r#ref, token })
        }
        "join" => join(fields).map(ClientFrame::Join),
        "leave" => Ok(ClientFrame::Leave { r#ref, room: read::needed_room(fields)? }),
        "watch" => Ok(ClientFrame::Watch { r#ref, watched: watched(fields)? }),
        "unwatch" => Ok(ClientFrame::Unwatch { r#ref, watched: watched(fields)? }),
        _ => Err("`op` is none of this protocol".into()),
    }
}

/// The answer to a frame that cannot be read, with what of its marks can be.
pub(in crate::v1) fn bad_frame<'a>(fields: &impl ReadFields<'a>, message: Fault) -> BadFrame {
    let unique = |key| fields.is_unique(key);
    BadFrame {
        r#ref: unique(Key::Ref).then(|| read::r#ref(fields).ok().flatten()).flatten(),
        n: unique(Key::N).then(|| number(fields).ok().flatten()).flatten(),
        message,
    }
}

fn send<'a>(fields: &impl ReadFields<'a>) -> Result<SendFrame<'a>, Fault> {
    let target = target(fields)?;
    let receipt = fields.flag(Key::Receipt)?;
    if receipt && !matches!(target, Target::To(_)) {
        return Err("`receipt` goes with `to` only".into());
    }
    Ok(SendFrame {
        r#ref: read::r#ref(fields)?,
        n: number(fields)?,
        target,
        body: read::body(fields)?,
        ttl_ms: fields.integer(Key::TtlMs, 1)?,
        persist: read::persist(fields)?,
        receipt,
    })
}

fn target<'a>(
    fields: &impl ReadFields<'a>,
) -> Result<Target<Lent<'a, ClientId>, Lent<'a, Room>>, Fault> {
    match (fields.text(Key::To)?, fields.text(Key::Room)?, fields.flag(Key::All)?) {
        (Some(to), None, false) => {
            Lent::<ClientId>::parse(to).map(Target::To).map_err(|fault| about(Key::To, fault))
        }
        (None, Some(room), false) => {
            Lent::<Room>::parse(room).map(Target::Room).map_err(|fault| about(Key::Room, fault))
        }
        (None, None, true) => Ok(Target::All),
        _ => Err("exactly one of `to`, `room` and `all` must be given".into()),
    }
}

fn number<'a>(fields: &impl ReadFields<'a>) -> Result<Option<u64>, Fault> {
    fields.integer(Key::N, 1)
}

fn which<'a>(fields: &impl ReadFields<'a>) -> Result<Which, Fault> {
    let seq = fields.integer(Key::Seq, 1)?;
    match (seq, read::room(fields)?, message_ids(fields)?) {
        (Some(seq), None, None) => Ok(Which::UpTo(seq)),
        (Some(seq), Some(room), None) => Ok(Which::RoomUpTo { room, seq }),
        (None, None, Some(ids)) => Ok(Which::Ids(ids)),
        (None, Some(_), None) => Err(about(Key::Seq, "is missing")),
        (None, None, None) => Err("`seq` or `ids` must be given".into()),
        (_, _, Some(_)) => Err("`ids` excludes `seq` and `room`".into()),
    }
}

fn message_ids<'a>(fields: &impl ReadFields<'a>) -> Result<Option<Vec<MessageId>>, Fault> {
    not_empty(fields.list(Key::Ids, ACK_IDS_MAX, MessageId::parse)?)
}

fn watched<'a>(fields: &impl ReadFields<'a>) -> Result<Watched, Fault> {
    let ids = not_empty(fields.list(Key::Ids, WATCH_IDS_MAX, ClientId::parse)?)?;
    match (ids, read::room(fields)?) {
        (Some(ids), None) => Ok(Watched::Ids(ids)),
        (None, Some(room)) => Ok(Watched::Room(room)),
        _ => Err("exactly one of `ids` and `room` must be given".into()),
    }
}

fn not_empty<T>(ids: Option<Vec<T>>) -> Result<Option<Vec<T>>, Fault> {
    match ids {
        Some(ids) if ids.is_empty() => Err(about(Key::Ids, "must hold at least one entry")),
        ids => Ok(ids),
    }
}

fn needed<T>(ids: Option<Vec<T>>) -> Result<Vec<T>, Fault> {
    ids.ok_or_else(|| about(Key::Ids, "is missing"))
}

fn join<'a>(fields: &impl ReadFields<'a>) -> Result<JoinFrame, Fault> {
    let frame = JoinFrame {
        r#ref: read::r#ref(fields)?,
        room: read::needed_room(fields)?,
        durable: fields.flag(Key::Durable)?,
        from: fields.integer(Key::From, 1)?,
    };
    if frame.from.is_some() && !frame.durable {
        return Err("`from` goes with `durable` only".into());
    }
    Ok(frame)
}

fn connect<'a>(fields: &impl ReadFields<'a>) -> Result<ConnectFrame<'a>, Fault> {
    Ok(ConnectFrame {
        r#ref: read::r#ref(fields)?,
        credential: credential(fields)?,
        epoch: read::short_text(fields, Key::Epoch, EPOCH_LENGTH_MAX)?,
        acked: fields.integer(Key::Acked, 0)?,
        device: read::device(fields)?,
        outbox: fields.parsed(Key::Outbox, Name::parse_outbox)?,
        window: fields.integer(Key::Window, 0)?,
        client: read::short_text(fields, Key::Client, CLIENT_LENGTH_MAX)?,
    })
}

fn credential<'a>(fields: &impl ReadFields<'a>) -> Result<Credential<'a>, Fault> {
    let jwt = read::short_text(fields, Key::Jwt, JWT_LENGTH_MAX)?;
    let id = read::client_id(fields, Key::Id)?;
    match (jwt, id, fields.token()?, fields.flag(Key::New)?) {
        (None, None, None, false) => Ok(Credential::New),
        (None, Some(id), Some(token), false) => Ok(Credential::Resume { id, token }),
        (None, Some(id), Some(token), true) => Ok(Credential::Claim { id, token }),
        (Some(jwt), None, None, false) => Ok(Credential::Jwt(jwt)),
        (Some(_), ..) => Err("`jwt` excludes `id`, `token` and `new`".into()),
        (None, None, None, true) => Err("`new` needs `id` and `token`".into()),
        (None, ..) => Err("`id` and `token` need each other".into()),
    }
}
