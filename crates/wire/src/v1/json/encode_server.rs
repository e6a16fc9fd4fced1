//! Writing what a server says. Straight into the connection's buffer: no frame is built in between.

use crate::json::{Count, Put};
use crate::msgpack;
use crate::v1::{
    AcceptedFrame, Body, ConnectedFrame, ErrorFrame, GoawayFrame, JoinedFrame, LostFrame,
    MessageFrame, Place, PresenceFrame, ReceiptFrame, ServerFrame, Target,
};

/// Appends one frame.
pub fn encode(out: &mut Vec<u8>, frame: &ServerFrame<'_>) {
    put_frame(out, frame);
}

/// How many bytes [`encode`] appends.
pub fn encoded_len(frame: &ServerFrame<'_>) -> usize {
    count(|out| put_frame(out, frame))
}

/// Appends a `message`.
pub fn encode_message(out: &mut Vec<u8>, frame: &MessageFrame<'_>) {
    put_message(out, frame);
}

/// How many bytes [`encode_message`] appends.
pub fn message_len(frame: &MessageFrame<'_>) -> usize {
    count(|out| put_message(out, frame))
}

/// Appends an `accepted`.
pub fn encode_accepted(out: &mut Vec<u8>, frame: &AcceptedFrame<'_>) {
    put_accepted(out, frame);
}

/// How many bytes [`encode_accepted`] appends.
pub fn accepted_len(frame: &AcceptedFrame<'_>) -> usize {
    count(|out| put_accepted(out, frame))
}

/// Appends an `error`.
pub fn encode_error(out: &mut Vec<u8>, frame: &ErrorFrame<'_>) {
    put_error(out, frame);
}

fn count(put: impl FnOnce(&mut Count)) -> usize {
    let mut count = Count::default();
    put(&mut count);
    count.0
}

fn put_frame(out: &mut impl Put, frame: &ServerFrame<'_>) {
    match frame {
        ServerFrame::Connected(frame) => put_connected(out, frame),
        ServerFrame::Accepted(frame) => put_accepted(out, frame),
        ServerFrame::Error(frame) => put_error(out, frame),
        ServerFrame::Message(frame) => put_message(out, frame),
        ServerFrame::Lost(frame) => put_lost(out, frame),
        ServerFrame::Receipt(frame) => put_receipt(out, frame),
        ServerFrame::Joined(frame) => put_joined(out, frame),
        ServerFrame::Left { r#ref, room } => {
            put_answer(out, r#"{"op":"left""#, r#ref.as_deref());
            out.name(r#","room":""#, room);
            out.raw("}");
        }
        ServerFrame::Watching { r#ref, present } => {
            put_answer(out, r#"{"op":"watching""#, r#ref.as_deref());
            out.list(r#","present":"#, present, |out, id| out.name("\"", id));
            out.raw("}");
        }
        ServerFrame::Presence(frame) => put_presence(out, frame),
        ServerFrame::Rotated { r#ref } => {
            put_answer(out, r#"{"op":"rotated""#, r#ref.as_deref());
            out.raw("}");
        }
        ServerFrame::Pong { r#ref } => {
            put_answer(out, r#"{"op":"pong""#, r#ref.as_deref());
            out.raw("}");
        }
        ServerFrame::Goaway(frame) => put_goaway(out, frame),
    }
}

/// The beginning of an answer.
fn put_answer(out: &mut impl Put, open: &str, r#ref: Option<&str>) {
    out.raw(open);
    if let Some(text) = r#ref {
        out.text(r#","ref":"#, text);
    }
}

fn put_connected(out: &mut impl Put, frame: &ConnectedFrame<'_>) {
    put_answer(out, r#"{"op":"connected""#, frame.r#ref.as_deref());
    out.name(r#","id":""#, &frame.id);
    if let Some(token) = &frame.token {
        out.token(r#","token":""#, token);
    }
    if frame.new {
        out.raw(r#","new":true"#);
    }
    out.text(r#","epoch":"#, &frame.epoch);
    out.integer(r#","acked":"#, frame.acked);
    out.integer(r#","pending":"#, frame.pending);
    out.integer(r#","sent":"#, frame.sent);
    out.integer(r#","expires":"#, frame.expires);
    out.text(r#","server":"#, &frame.server);
    out.integer(r#","ack_timeout_ms":"#, frame.ack_timeout_ms);
    out.integer(r#","max_message":"#, frame.max_message);
    out.integer(r#","ping_interval_ms":"#, frame.ping_interval_ms);
    out.raw("}");
}

fn put_accepted(out: &mut impl Put, frame: &AcceptedFrame<'_>) {
    put_answer(out, r#"{"op":"accepted""#, frame.r#ref.as_deref());
    out.optional(r#","n":"#, frame.n);
    out.id(r#","id":""#, frame.id);
    out.raw(if frame.dup { r#","dup":true}"# } else { "}" });
}

fn put_error(out: &mut impl Put, frame: &ErrorFrame<'_>) {
    put_answer(out, r#"{"op":"error""#, frame.r#ref.as_deref());
    out.optional(r#","n":"#, frame.n);
    out.name(r#","code":""#, frame.code.as_str());
    let temporary = frame.code.is_temporary();
    out.raw(if temporary { r#","temporary":true"# } else { r#","temporary":false"# });
    out.optional(r#","retry_after_ms":"#, frame.retry_after_ms);
    out.optional(r#","expected":"#, frame.expected);
    out.text(r#","message":"#, &frame.message);
    out.raw("}");
}

fn put_message(out: &mut impl Put, frame: &MessageFrame<'_>) {
    out.raw(r#"{"op":"message""#);
    if let Place::Mailbox(seq) | Place::Room(seq) = frame.place {
        out.integer(r#","seq":"#, seq);
    }
    out.id(r#","id":""#, frame.id);
    out.name(r#","from":""#, &frame.from);
    match &frame.target {
        Target::To(id) => out.name(r#","to":""#, id),
        Target::Room(room) => out.name(r#","room":""#, room),
        Target::All => out.raw(r#","all":true"#),
    }
    put_body(out, &frame.body);
    out.integer(r#","at":"#, frame.at);
    out.raw(match frame.place {
        Place::Mailbox(_) => "",
        Place::Room(_) => r#","durable":true"#,
        Place::Live => r#","live":true"#,
        Place::Signal => r#","live":true,"ack":false"#,
    });
    if 1 < frame.attempt {
        out.integer(r#","attempt":"#, u64::from(frame.attempt));
    }
    out.raw("}");
}

/// A body, as both sides write it.
pub(super) fn put_body(out: &mut impl Put, body: &Body<'_>) {
    match body {
        Body::Json(text) => {
            out.raw(r#","body":"#);
            out.raw(text);
        }
        Body::MessagePack(value) => {
            out.raw(r#","body":"#);
            msgpack::put_value(out, value);
        }
        Body::Binary(bytes) => {
            out.raw(r#","body_base64":""#);
            out.base64(bytes);
            out.raw("\"");
        }
    }
}

fn put_lost(out: &mut impl Put, frame: &LostFrame<'_>) {
    out.integer(r#"{"op":"lost","from":"#, frame.from);
    out.integer(r#","to":"#, frame.to);
    out.integer(r#","count":"#, frame.count);
    out.name(r#","reason":""#, frame.reason.as_str());
    if let Some(room) = &frame.room {
        out.name(r#","room":""#, room);
    }
    out.raw("}");
}

fn put_receipt(out: &mut impl Put, frame: &ReceiptFrame<'_>) {
    out.integer(r#"{"op":"receipt","seq":"#, frame.seq);
    out.id(r#","id":""#, frame.id);
    out.id(r#","of":""#, frame.of);
    if let Some(text) = &frame.r#ref {
        out.text(r#","ref":"#, text);
    }
    out.optional(r#","n":"#, frame.n);
    out.name(r#","to":""#, &frame.to);
    out.name(r#","state":""#, frame.state.as_str());
    out.integer(r#","at":"#, frame.at);
    out.raw("}");
}

fn put_joined(out: &mut impl Put, frame: &JoinedFrame<'_>) {
    put_answer(out, r#"{"op":"joined""#, frame.r#ref.as_deref());
    out.name(r#","room":""#, &frame.room);
    out.integer(r#","members":"#, frame.members);
    if let Some(durable) = &frame.durable {
        out.text(r#","durable":true,"epoch":"#, &durable.epoch);
        out.integer(r#","acked":"#, durable.acked);
        out.integer(r#","end":"#, durable.end);
    }
    out.raw("}");
}

fn put_presence(out: &mut impl Put, frame: &PresenceFrame<'_>) {
    out.name(r#"{"op":"presence","id":""#, &frame.id);
    out.raw(if frame.online { r#","online":true"# } else { r#","online":false"# });
    out.integer(r#","gen":"#, frame.generation);
    out.integer(r#","at":"#, frame.at);
    if let Some(room) = &frame.room {
        out.name(r#","room":""#, room);
    }
    out.raw("}");
}

fn put_goaway(out: &mut impl Put, frame: &GoawayFrame<'_>) {
    out.integer(r#"{"op":"goaway","reconnect_after_ms":"#, frame.reconnect_after_ms);
    out.text(r#","reason":"#, &frame.reason);
    out.raw("}");
}
