//! Writing what a server says. Straight into the connection's buffer: no frame is built in between.

use super::fields::Frame;
use crate::key::Key;
use crate::msgpack::{Count, Put};
use crate::v1::{
    ConnectedFrame, ErrorFrame, JoinedFrame, MessageFrame, Place, ReceiptFrame, ServerFrame, Target,
};

/// Appends one frame.
pub fn encode(out: &mut Vec<u8>, frame: &ServerFrame<'_>) {
    put_frame(out, frame);
}

/// How many bytes [`encode`] appends.
pub fn encoded_len(frame: &ServerFrame<'_>) -> usize {
    let mut count = Count::default();
    put_frame(&mut count, frame);
    count.0
}

fn put_frame(out: &mut impl Put, frame: &ServerFrame<'_>) {
    let fields = match frame {
        ServerFrame::Message(frame) => message(out, frame),
        ServerFrame::Accepted(frame) => {
            let mut fields = Frame::answer(out, "accepted", frame.r#ref.as_deref());
            fields.optional(Key::N, frame.n);
            fields.id(Key::Id, frame.id);
            fields.flag(Key::Dup, frame.dup);
            fields
        }
        ServerFrame::Error(frame) => error(out, frame),
        ServerFrame::Connected(frame) => connected(out, frame),
        ServerFrame::Receipt(frame) => receipt(out, frame),
        ServerFrame::Joined(frame) => joined(out, frame),
        ServerFrame::Left { r#ref, room } => {
            let mut fields = Frame::answer(out, "left", r#ref.as_deref());
            fields.text(Key::Room, room);
            fields
        }
        ServerFrame::Watching { r#ref, present } => {
            let mut fields = Frame::answer(out, "watching", r#ref.as_deref());
            fields.list(Key::Present, present, |out, id| out.text(id));
            fields
        }
        ServerFrame::Rotated { r#ref } => Frame::answer(out, "rotated", r#ref.as_deref()),
        ServerFrame::Pong { r#ref } => Frame::answer(out, "pong", r#ref.as_deref()),
        ServerFrame::Lost(_) | ServerFrame::Presence(_) | ServerFrame::Goaway(_) => {
            news(out, frame)
        }
    };
    fields.close();
}

/// What answers nothing.
fn news<'o, P: Put>(out: &'o mut P, frame: &ServerFrame<'_>) -> Frame<'o, P> {
    match frame {
        ServerFrame::Lost(frame) => {
            let mut fields = Frame::open(out, "lost");
            fields.integer(Key::From, frame.from);
            fields.integer(Key::To, frame.to);
            fields.integer(Key::Count, frame.count);
            fields.text(Key::Reason, frame.reason.as_str());
            fields.optional_text(Key::Room, frame.room.as_deref());
            fields
        }
        ServerFrame::Presence(frame) => {
            let mut fields = Frame::open(out, "presence");
            fields.text(Key::Id, &frame.id);
            fields.boolean(Key::Online, frame.online);
            fields.integer(Key::Gen, frame.generation);
            fields.integer(Key::At, frame.at);
            fields.optional_text(Key::Room, frame.room.as_deref());
            fields
        }
        ServerFrame::Goaway(frame) => {
            let mut fields = Frame::open(out, "goaway");
            fields.integer(Key::ReconnectAfterMs, frame.reconnect_after_ms);
            fields.text(Key::Reason, &frame.reason);
            fields
        }
        answer => unreachable!("{answer:?} is an answer"),
    }
}

fn connected<'o, P: Put>(out: &'o mut P, frame: &ConnectedFrame<'_>) -> Frame<'o, P> {
    let mut fields = Frame::answer(out, "connected", frame.r#ref.as_deref());
    fields.text(Key::Id, &frame.id);
    if let Some(token) = &frame.token {
        fields.token(token);
    }
    fields.flag(Key::New, frame.new);
    fields.text(Key::Epoch, &frame.epoch);
    fields.integer(Key::Acked, frame.acked);
    fields.integer(Key::Pending, frame.pending);
    fields.integer(Key::Sent, frame.sent);
    fields.integer(Key::Expires, frame.expires);
    fields.text(Key::Server, &frame.server);
    fields.integer(Key::AckTimeoutMs, frame.ack_timeout_ms);
    fields.integer(Key::MaxMessage, frame.max_message);
    fields.integer(Key::PingIntervalMs, frame.ping_interval_ms);
    fields
}

fn error<'o, P: Put>(out: &'o mut P, frame: &ErrorFrame<'_>) -> Frame<'o, P> {
    let mut fields = Frame::answer(out, "error", frame.r#ref.as_deref());
    fields.optional(Key::N, frame.n);
    fields.text(Key::Code, frame.code.as_str());
    fields.boolean(Key::Temporary, frame.code.is_temporary());
    fields.optional(Key::RetryAfterMs, frame.retry_after_ms);
    fields.optional(Key::Expected, frame.expected);
    fields.text(Key::Message, &frame.message);
    fields
}

fn message<'o, P: Put>(out: &'o mut P, frame: &MessageFrame<'_>) -> Frame<'o, P> {
    let mut fields = Frame::open(out, "message");
    if let Place::Mailbox(seq) | Place::Room(seq) = frame.place {
        fields.integer(Key::Seq, seq);
    }
    fields.id(Key::Id, frame.id);
    fields.text(Key::From, &frame.from);
    match &frame.target {
        Target::To(id) => fields.text(Key::To, id),
        Target::Room(room) => fields.text(Key::Room, room),
        Target::All => fields.boolean(Key::All, true),
    }
    fields.body(&frame.body);
    fields.integer(Key::At, frame.at);
    match frame.place {
        Place::Mailbox(_) => {}
        Place::Room(_) => fields.boolean(Key::Durable, true),
        Place::Live => fields.boolean(Key::Live, true),
        Place::Signal => {
            fields.boolean(Key::Live, true);
            fields.boolean(Key::Ack, false);
        }
    }
    if 1 < frame.attempt {
        fields.integer(Key::Attempt, u64::from(frame.attempt));
    }
    fields
}

fn receipt<'o, P: Put>(out: &'o mut P, frame: &ReceiptFrame<'_>) -> Frame<'o, P> {
    let mut fields = Frame::open(out, "receipt");
    fields.integer(Key::Seq, frame.seq);
    fields.id(Key::Id, frame.id);
    fields.id(Key::Of, frame.of);
    fields.optional_text(Key::Ref, frame.r#ref.as_deref());
    fields.optional(Key::N, frame.n);
    fields.text(Key::To, &frame.to);
    fields.text(Key::State, frame.state.as_str());
    fields.integer(Key::At, frame.at);
    fields
}

fn joined<'o, P: Put>(out: &'o mut P, frame: &JoinedFrame<'_>) -> Frame<'o, P> {
    let mut fields = Frame::answer(out, "joined", frame.r#ref.as_deref());
    fields.text(Key::Room, &frame.room);
    fields.integer(Key::Members, frame.members);
    if let Some(durable) = &frame.durable {
        fields.boolean(Key::Durable, true);
        fields.text(Key::Epoch, &durable.epoch);
        fields.integer(Key::Acked, durable.acked);
        fields.integer(Key::End, durable.end);
    }
    fields
}
