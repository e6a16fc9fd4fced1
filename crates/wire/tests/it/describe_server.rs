//! Server frames in the words of the golden vectors.

use ackd_wire::Token;
use ackd_wire::classic;
use ackd_wire::v1::{ConnectedFrame, JoinedFrame, MessageFrame, Place, ServerFrame, Target};
use serde_json::Value;

use crate::describe_client::Object;

pub(crate) fn describe(frame: &ServerFrame<'_>) -> Value {
    let object = |op: &str| Object::new("op", op);
    let object = match frame {
        ServerFrame::Connected(frame) => describe_connected(object("connected"), frame),
        ServerFrame::Accepted(frame) => object("accepted")
            .maybe("ref", frame.r#ref.as_deref())
            .maybe("n", frame.n)
            .with("id", frame.id.to_string())
            .with("dup", frame.dup),
        ServerFrame::Error(frame) => object("error")
            .maybe("ref", frame.r#ref.as_deref())
            .maybe("n", frame.n)
            .with("code", frame.code.as_str())
            .with("temporary", frame.code.is_temporary())
            .maybe("retry_after_ms", frame.retry_after_ms)
            .maybe("expected", frame.expected)
            .with("message", &*frame.message),
        ServerFrame::Message(frame) => describe_message(object("message"), frame),
        ServerFrame::Lost(frame) => object("lost")
            .with("from", frame.from)
            .with("to", frame.to)
            .with("count", frame.count)
            .with("reason", frame.reason.as_str())
            .maybe("room", frame.room.as_deref()),
        ServerFrame::Receipt(frame) => object("receipt")
            .with("seq", frame.seq)
            .with("id", frame.id.to_string())
            .with("of", frame.of.to_string())
            .maybe("ref", frame.r#ref.as_deref())
            .maybe("n", frame.n)
            .with("to", &*frame.to)
            .with("state", frame.state.as_str())
            .with("at", frame.at),
        ServerFrame::Joined(frame) => describe_joined(object("joined"), frame),
        ServerFrame::Left { r#ref, room } => {
            object("left").maybe("ref", r#ref.as_deref()).with("room", &**room)
        }
        ServerFrame::Watching { r#ref, present } => object("watching")
            .maybe("ref", r#ref.as_deref())
            .with("present", present.iter().map(|id| &**id).collect::<Vec<_>>()),
        ServerFrame::Presence(frame) => object("presence")
            .with("id", &*frame.id)
            .with("online", frame.online)
            .with("gen", frame.generation)
            .with("at", frame.at)
            .maybe("room", frame.room.as_deref()),
        ServerFrame::Rotated { r#ref } => object("rotated").maybe("ref", r#ref.as_deref()),
        ServerFrame::Pong { r#ref } => object("pong").maybe("ref", r#ref.as_deref()),
        ServerFrame::Goaway(frame) => object("goaway")
            .with("reconnect_after_ms", frame.reconnect_after_ms)
            .with("reason", &*frame.reason),
    };
    Value::Object(object.0)
}

fn describe_connected(object: Object, frame: &ConnectedFrame<'_>) -> Object {
    object
        .maybe("ref", frame.r#ref.as_deref())
        .with("id", &*frame.id)
        .maybe("token", frame.token.as_ref().map(Token::reveal))
        .with("new", frame.new)
        .with("epoch", &*frame.epoch)
        .with("acked", frame.acked)
        .with("pending", frame.pending)
        .with("sent", frame.sent)
        .with("expires", frame.expires)
        .with("server", &*frame.server)
        .with("ack_timeout_ms", frame.ack_timeout_ms)
        .with("max_message", frame.max_message)
        .with("ping_interval_ms", frame.ping_interval_ms)
}

fn describe_message(object: Object, frame: &MessageFrame<'_>) -> Object {
    let object = match frame.place {
        Place::Mailbox(seq) => object.with("place", "mailbox").with("seq", seq),
        Place::Room(seq) => object.with("place", "room").with("seq", seq),
        Place::Live => object.with("place", "live"),
        Place::Signal => object.with("place", "signal"),
    };
    let object = match &frame.target {
        Target::To(id) => object.with("to", &**id),
        Target::Room(room) => object.with("room", &**room),
        Target::All => object.with("all", true),
    };
    object
        .with("id", frame.id.to_string())
        .with("from", &*frame.from)
        .body(&frame.body)
        .with("at", frame.at)
        .with("attempt", frame.attempt)
}

fn describe_joined(object: Object, frame: &JoinedFrame<'_>) -> Object {
    let object = object
        .maybe("ref", frame.r#ref.as_deref())
        .with("room", &*frame.room)
        .with("members", frame.members);
    match &frame.durable {
        Some(log) => object
            .with("durable", true)
            .with("epoch", &*log.epoch)
            .with("acked", log.acked)
            .with("end", log.end),
        None => object,
    }
}

pub(crate) fn describe_classic(frame: &classic::ServerFrame<'_>) -> Value {
    let object = |command: &str| Object::new("command", command);
    let object = match frame {
        classic::ServerFrame::ClientId { id, token } => {
            object("clientID").with("id", &**id).maybe("token", token.as_ref().map(Token::reveal))
        }
        classic::ServerFrame::Error { code, message } => {
            object("error").with("code", code.as_str()).with("message", &**message)
        }
        classic::ServerFrame::NewUser { id } => object("newUser").with("id", &**id),
        classic::ServerFrame::UserDisconnected { id } => {
            object("userDisconnected").with("id", &**id)
        }
        classic::ServerFrame::Command { id, from, command, data } => object(command)
            .maybe("id", id.map(|id| id.to_string()))
            .with("from", &**from)
            .maybe("data", *data),
        classic::ServerFrame::Message { .. } => panic!("a stored message is never decoded"),
    };
    Value::Object(object.0)
}
