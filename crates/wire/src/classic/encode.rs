//! Writing classic frames.

use super::body::{SEND_MESSAGE, put_command, put_data};
use super::frame::{ClientFrame, ServerFrame};
use crate::MessageId;
use crate::json::{Count, Put};

/// Appends one frame of a server.
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
    match frame {
        ServerFrame::ClientId { id, token } => {
            open(out, None);
            out.name(r#"{"command":"clientID","data":""#, id);
            out.raw("}");
            close(out, id);
            if let Some(token) = token {
                out.token(r#","token":""#, token);
            }
        }
        ServerFrame::Error { code, message } => {
            open(out, None);
            out.name(r#"{"command":"error","data":{"code":""#, code.as_str());
            out.text(r#","message":"#, message);
            out.raw("}}");
            close(out, "");
        }
        ServerFrame::NewUser { id } => put_plain(out, "newUser", id),
        ServerFrame::UserDisconnected { id } => put_plain(out, "userDisconnected", id),
        ServerFrame::Command { id, from, command, data } => {
            open(out, *id);
            put_command(out, command, *data);
            close(out, from);
        }
        ServerFrame::Message { id, from, to, body } => {
            open(out, *id);
            out.text(r#"{"command":"#, SEND_MESSAGE);
            out.raw(r#","data":"#);
            put_data(out, body, from, to.as_deref());
            out.raw("}");
            close(out, from);
        }
    }
    out.raw("}");
}

/// A command that has no data and wants no ack.
fn put_plain(out: &mut impl Put, command: &str, id: &str) {
    open(out, None);
    put_command(out, command, None);
    close(out, id);
}

fn open(out: &mut impl Put, id: Option<MessageId>) {
    match id {
        Some(id) => out.id(r#"{"id":""#, id),
        None => out.raw(r#"{"id":"""#),
    }
    out.raw(r#","type":1,"body":"#);
}

fn close(out: &mut impl Put, from: &str) {
    out.name(r#","clientID":""#, from);
}

/// Appends one frame of a client: for clients and tests. Of a `sendMessage` the object counts, whatever the other
/// fields say.
pub fn encode_client(out: &mut Vec<u8>, frame: &ClientFrame<'_>) {
    match frame {
        ClientFrame::NewId => out.raw(r#"{"command":"newID"}"#),
        ClientFrame::SetId { id, token: None } => {
            out.name(r#"{"command":"setID","data":""#, id.as_str());
            out.raw("}");
        }
        ClientFrame::SetId { id, token: Some(token) } => {
            out.name(r#"{"command":"setID","data":{"id":""#, id.as_str());
            out.token(r#","token":""#, token);
            out.raw("}}");
        }
        ClientFrame::SendMessage { data, .. } => put_command(out, SEND_MESSAGE, Some(data)),
        ClientFrame::Ack { id: Some(id) } => {
            out.id(r#"{"command":"ack","data":""#, *id);
            out.raw("}");
        }
        ClientFrame::Ack { id: None } => out.raw(r#"{"command":"ack","data":""}"#),
        ClientFrame::Other { command, data: Some(data) } => put_command(out, command, Some(data)),
        ClientFrame::Other { command, data: None } => {
            out.text(r#"{"command":"#, command);
            out.raw("}");
        }
    }
}
