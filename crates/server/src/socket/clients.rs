//! What operators may do to an identity: `DELETE /v1/clients/{id}` ends it, `DELETE /v1/clients/{id}/messages` purges its
//! mailbox. Both are told to everybody concerned, as the wire protocol says.

use std::sync::Arc;

use ackd_engine::{self as engine, Command, Refusal};
use ackd_wire::ClientId;
use hyper::StatusCode;

use super::http::{Answer, Context, empty, problem};
use super::line::ask;

/// `path` is what stands behind `/v1/clients/`.
pub(super) async fn delete(context: &Arc<Context>, path: &str) -> Answer {
    let (name, messages) = match path.split_once('/') {
        None => (path, false),
        Some((name, "messages")) => (name, true),
        Some(_) => return problem(StatusCode::NOT_FOUND, "bad_frame", "there is nothing here"),
    };
    let name = percent_encoding::percent_decode_str(name).decode_utf8();
    let Some(id) = name.ok().and_then(|name| ClientId::parse(&name).ok()) else {
        return problem(StatusCode::BAD_REQUEST, "bad_frame", "this is no ID");
    };
    let command = if messages { Command::Purge { id: &id } } else { Command::Delete { id: &id } };
    match ask(context, command).await {
        engine::Answer::Purged(count) => {
            tracing::info!(client = id.as_str(), count, "an operator purged a mailbox");
            empty(StatusCode::NO_CONTENT)
        }
        engine::Answer::Done => {
            tracing::info!(client = id.as_str(), "an operator deleted an identity");
            empty(StatusCode::NO_CONTENT)
        }
        engine::Answer::Refused(Refusal::UnknownIdentity) => {
            problem(StatusCode::NOT_FOUND, "unknown_identity", "nobody holds this ID")
        }
        _ => {
            let title = "the store takes no writes now; ask again";
            problem(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", title)
        }
    }
}
