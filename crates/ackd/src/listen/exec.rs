//! `--exec`: a command for each message.

use std::io::Write as _;
use std::process::{Command, ExitStatus, Stdio};

use ackd_client::{Content, Event, Message, Target};
use anyhow::Context as _;

use super::line;

/// Runs a command with a message; `None` if it succeeded. Other messages wait meanwhile, in the server.
pub(super) async fn run(
    command: &str,
    message: &Message,
    as_json: bool,
) -> anyhow::Result<Option<ExitStatus>> {
    let (command, message) = (command.to_owned(), message.clone());
    let status = tokio::task::spawn_blocking(move || wait(&command, &message, as_json)).await??;
    Ok(Some(status).filter(|status| !status.success()))
}

fn wait(command: &str, message: &Message, as_json: bool) -> anyhow::Result<ExitStatus> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .envs(variables(message))
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run sh")?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input is no error.
        drop(stdin.write_all(&input(message, as_json)));
    }
    child.wait().context("cannot wait for the command")
}

/// What the command reads: a text as it is, other bodies as JSON, bytes as they are.
fn input(message: &Message, as_json: bool) -> Vec<u8> {
    if as_json {
        return (line::json(&Event::Message(message.clone())) + "\n").into_bytes();
    }
    match (&message.body, message.body.text()) {
        (_, Some(text)) => text.into_bytes(),
        (Content::Json(json), None) => json.as_bytes().to_vec(),
        (Content::Binary(bytes), None) => bytes.to_vec(),
    }
}

fn variables(message: &Message) -> Vec<(&'static str, String)> {
    let (target, name) = match &message.to {
        Target::To(id) => ("ACKD_MESSAGE_TO", id.clone()),
        Target::Room(room) => ("ACKD_MESSAGE_ROOM", room.clone()),
        Target::All => ("ACKD_MESSAGE_ALL", "true".to_owned()),
    };
    let kind = match (&message.body, message.body.text()) {
        (_, Some(_)) => "text",
        (Content::Json(_), None) => "json",
        (Content::Binary(_), None) => "bytes",
    };
    let mut variables = vec![
        ("ACKD_MESSAGE_ID", message.id.to_string()),
        ("ACKD_MESSAGE_FROM", message.from.clone()),
        (target, name),
        ("ACKD_MESSAGE_AT", message.at.to_string()),
        ("ACKD_MESSAGE_ATTEMPT", message.attempt.to_string()),
        ("ACKD_MESSAGE_TYPE", kind.to_owned()),
    ];
    variables.extend(message.seq.map(|seq| ("ACKD_MESSAGE_SEQ", seq.to_string())));
    variables
}

#[cfg(test)]
mod tests {
    use ackd_client::MessageId;

    use super::*;

    fn message(body: Content) -> Message {
        Message {
            id: MessageId([1; 16]),
            from: "ann".to_owned(),
            to: Target::To("bob".to_owned()),
            body,
            at: 5,
            attempt: 2,
            seq: Some(7),
            wants_ack: true,
        }
    }

    #[test]
    fn a_command_reads_the_body_alone_and_finds_the_rest_in_variables() {
        let check = |body: Content, kind: &str, expected: &[u8]| {
            let message = message(body);
            assert_eq!(input(&message, false), expected);
            assert!(variables(&message).contains(&("ACKD_MESSAGE_TYPE", kind.to_owned())));
        };
        check(Content::Json(r#""a\nb""#.into()), "text", b"a\nb");
        check(Content::Json("{\"a\": 1}".into()), "json", b"{\"a\": 1}");
        check(Content::Binary([0, 255].into()), "bytes", &[0, 255]);
        let whole = String::from_utf8(input(&message(Content::Json("1".into())), true)).unwrap();
        assert!(whole.contains(r#""from":"ann""#) && whole.ends_with("}\n"), "{whole}");
        let room =
            Message { to: Target::Room("lobby".to_owned()), ..message(Content::Json("1".into())) };
        assert!(variables(&room).contains(&("ACKD_MESSAGE_ROOM", "lobby".to_owned())));
    }
}
