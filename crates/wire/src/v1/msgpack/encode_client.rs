//! Writing what a client says: for the load generator and tests.

use super::fields::{Frame, put_id};
use crate::key::Key;
use crate::msgpack::Put as _;
use crate::v1::{
    ClientFrame, ConnectFrame, Credential, Persist, SendFrame, Target, Watched, Which,
};
use crate::{MessageId, Name, Ref};

type Fields<'o> = Frame<'o, Vec<u8>>;

/// Appends one frame.
pub fn encode_client(out: &mut Vec<u8>, frame: &ClientFrame<'_>) {
    let mut fields = Frame::answer(out, op(frame), frame.r#ref().map(Ref::as_str));
    match frame {
        ClientFrame::Connect(frame) => put_connect(&mut fields, frame),
        ClientFrame::Send(frame) => put_send(&mut fields, frame),
        ClientFrame::Ack(frame) => match &frame.which {
            Which::UpTo(seq) => fields.integer(Key::Seq, *seq),
            Which::RoomUpTo { room, seq } => {
                fields.text(Key::Room, room.as_str());
                fields.integer(Key::Seq, *seq);
            }
            Which::Ids(ids) => put_ids(&mut fields, ids),
        },
        ClientFrame::Reject { ids, .. } => put_ids(&mut fields, ids),
        ClientFrame::Ping { .. } => {}
        ClientFrame::Rotate { token, .. } => fields.token(token),
        ClientFrame::Join(frame) => {
            fields.text(Key::Room, frame.room.as_str());
            fields.flag(Key::Durable, frame.durable);
            fields.optional(Key::From, frame.from);
        }
        ClientFrame::Leave { room, .. } => fields.text(Key::Room, room.as_str()),
        ClientFrame::Watch { watched, .. } | ClientFrame::Unwatch { watched, .. } => {
            match watched {
                Watched::Ids(ids) => fields.list(Key::Ids, ids, |out, id| out.text(id.as_str())),
                Watched::Room(room) => fields.text(Key::Room, room.as_str()),
            }
        }
    }
    fields.close();
}

fn op(frame: &ClientFrame<'_>) -> &'static str {
    match frame {
        ClientFrame::Connect(_) => "connect",
        ClientFrame::Send(_) => "send",
        ClientFrame::Ack(_) => "ack",
        ClientFrame::Reject { .. } => "reject",
        ClientFrame::Ping { .. } => "ping",
        ClientFrame::Rotate { .. } => "rotate",
        ClientFrame::Join(_) => "join",
        ClientFrame::Leave { .. } => "leave",
        ClientFrame::Watch { .. } => "watch",
        ClientFrame::Unwatch { .. } => "unwatch",
    }
}

fn put_connect(fields: &mut Fields<'_>, frame: &ConnectFrame<'_>) {
    match &frame.credential {
        Credential::New => {}
        Credential::Resume { id, token } => {
            fields.text(Key::Id, id.as_str());
            fields.token(token);
        }
        Credential::Claim { id, token } => {
            fields.boolean(Key::New, true);
            fields.text(Key::Id, id.as_str());
            fields.token(token);
        }
        Credential::Jwt(jwt) => fields.text(Key::Jwt, jwt),
    }
    fields.optional_text(Key::Epoch, frame.epoch.as_deref());
    fields.optional(Key::Acked, frame.acked);
    if !frame.device.as_str().is_empty() {
        fields.text(Key::Device, frame.device.as_str());
    }
    fields.optional_text(Key::Outbox, frame.outbox.as_ref().map(Name::as_str));
    fields.optional(Key::Window, frame.window);
    fields.optional_text(Key::Client, frame.client.as_deref());
}

fn put_send(fields: &mut Fields<'_>, frame: &SendFrame<'_>) {
    fields.optional(Key::N, frame.n);
    match &frame.target {
        Target::To(id) => fields.text(Key::To, id.as_str()),
        Target::Room(room) => fields.text(Key::Room, room.as_str()),
        Target::All => fields.boolean(Key::All, true),
    }
    fields.body(&frame.body);
    fields.optional(Key::TtlMs, frame.ttl_ms);
    fields.optional_text(Key::Persist, frame.persist.map(Persist::as_str));
    fields.flag(Key::Receipt, frame.receipt);
}

fn put_ids(fields: &mut Fields<'_>, ids: &[MessageId]) {
    fields.list(Key::Ids, ids, |out, id| put_id(out, *id));
}
