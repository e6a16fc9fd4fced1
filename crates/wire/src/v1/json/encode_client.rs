//! Writing what a client says: for the Rust client, the load generator and tests.

use super::encode_server::put_body;
use crate::json::Put;
use crate::v1::{
    AckFrame, ClientFrame, ConnectFrame, Credential, JoinFrame, SendFrame, Target, Watched, Which,
};
use crate::{MessageId, Ref};

/// Appends one frame.
pub fn encode_client(out: &mut Vec<u8>, frame: &ClientFrame<'_>) {
    match frame {
        ClientFrame::Connect(frame) => put_connect(out, frame),
        ClientFrame::Send(frame) => put_send(out, frame),
        ClientFrame::Ack(frame) => put_ack(out, frame),
        ClientFrame::Reject { r#ref, ids } => {
            open(out, r#"{"op":"reject""#, r#ref.as_ref());
            put_ids(out, ids);
        }
        ClientFrame::Ping { r#ref } => open(out, r#"{"op":"ping""#, r#ref.as_ref()),
        ClientFrame::Rotate { r#ref, token } => {
            open(out, r#"{"op":"rotate""#, r#ref.as_ref());
            out.token(r#","token":""#, token);
        }
        ClientFrame::Join(frame) => put_join(out, frame),
        ClientFrame::Leave { r#ref, room } => {
            open(out, r#"{"op":"leave""#, r#ref.as_ref());
            out.name(r#","room":""#, room.as_str());
        }
        ClientFrame::Watch { r#ref, watched } => {
            open(out, r#"{"op":"watch""#, r#ref.as_ref());
            put_watched(out, watched);
        }
        ClientFrame::Unwatch { r#ref, watched } => {
            open(out, r#"{"op":"unwatch""#, r#ref.as_ref());
            put_watched(out, watched);
        }
    }
    out.raw("}");
}

fn open(out: &mut Vec<u8>, op: &str, r#ref: Option<&Ref>) {
    out.raw(op);
    if let Some(text) = r#ref {
        out.text(r#","ref":"#, text.as_str());
    }
}

fn put_connect(out: &mut Vec<u8>, frame: &ConnectFrame<'_>) {
    open(out, r#"{"op":"connect""#, frame.r#ref.as_ref());
    match &frame.credential {
        Credential::New => {}
        Credential::Resume { id, token } => {
            out.name(r#","id":""#, id.as_str());
            out.token(r#","token":""#, token);
        }
        Credential::Claim { id, token } => {
            out.name(r#","new":true,"id":""#, id.as_str());
            out.token(r#","token":""#, token);
        }
        Credential::Jwt(jwt) => out.text(r#","jwt":"#, jwt),
    }
    if let Some(epoch) = &frame.epoch {
        out.text(r#","epoch":"#, epoch);
    }
    out.optional(r#","acked":"#, frame.acked);
    if !frame.device.as_str().is_empty() {
        out.name(r#","device":""#, frame.device.as_str());
    }
    if let Some(outbox) = &frame.outbox {
        out.name(r#","outbox":""#, outbox.as_str());
    }
    out.optional(r#","window":"#, frame.window);
    if let Some(client) = &frame.client {
        out.text(r#","client":"#, client);
    }
}

fn put_send(out: &mut Vec<u8>, frame: &SendFrame<'_>) {
    open(out, r#"{"op":"send""#, frame.r#ref.as_ref());
    out.optional(r#","n":"#, frame.n);
    match &frame.target {
        Target::To(id) => out.name(r#","to":""#, id.as_str()),
        Target::Room(room) => out.name(r#","room":""#, room.as_str()),
        Target::All => out.raw(r#","all":true"#),
    }
    put_body(out, &frame.body);
    out.optional(r#","ttl_ms":"#, frame.ttl_ms);
    if let Some(persist) = frame.persist {
        out.name(r#","persist":""#, persist.as_str());
    }
    if frame.receipt {
        out.raw(r#","receipt":true"#);
    }
}

fn put_ack(out: &mut Vec<u8>, frame: &AckFrame) {
    open(out, r#"{"op":"ack""#, frame.r#ref.as_ref());
    match &frame.which {
        Which::UpTo(seq) => out.integer(r#","seq":"#, *seq),
        Which::RoomUpTo { room, seq } => {
            out.name(r#","room":""#, room.as_str());
            out.integer(r#","seq":"#, *seq);
        }
        Which::Ids(ids) => put_ids(out, ids),
    }
}

fn put_ids(out: &mut Vec<u8>, ids: &[MessageId]) {
    out.list(r#","ids":"#, ids, |out, id| out.id("\"", *id));
}

fn put_join(out: &mut Vec<u8>, frame: &JoinFrame) {
    open(out, r#"{"op":"join""#, frame.r#ref.as_ref());
    out.name(r#","room":""#, frame.room.as_str());
    if frame.durable {
        out.raw(r#","durable":true"#);
    }
    out.optional(r#","from":"#, frame.from);
}

fn put_watched(out: &mut Vec<u8>, watched: &Watched) {
    match watched {
        Watched::Ids(ids) => {
            out.list(r#","ids":"#, ids, |out, id| out.name("\"", id.as_str()));
        }
        Watched::Room(room) => out.name(r#","room":""#, room.as_str()),
    }
}
