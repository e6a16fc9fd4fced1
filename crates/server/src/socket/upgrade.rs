//! From HTTP to a WebSocket (RFC 6455, section 4.2): who is let in, and the connection's own task.

use ackd_websocket::accept_key;
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

use super::connection::Connection;
use super::http::{Answer, Context, Guest, later, plain, with};
use super::quota::{Full as NoPlace, Place};
use super::stream::Stream;
use crate::dialect::{Dialect, Format};
use crate::metrics::TurnedAway;

pub(super) fn upgrade(mut request: Request<Incoming>, dialect: Dialect, guest: &Guest) -> Answer {
    let accept = handshake(&request).and_then(|key| {
        admit(request.headers(), guest)?;
        Ok(key)
    });
    let accept = match accept {
        Ok(accept) => accept,
        Err(refusal) => return *refusal,
    };
    let Some(place) = guest.place.lock().take() else {
        return plain(StatusCode::BAD_REQUEST, "this connection is a WebSocket already\n");
    };
    let (dialect, subprotocol) = choose(request.headers(), dialect);
    let upgraded = hyper::upgrade::on(&mut request);
    // The request goes: keeping it, or its headers, would keep 8 KiB for as long as the connection lives.
    drop(request);
    let context = guest.context.clone();
    tokio::spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<Stream>>() else { return };
        context.metrics.opened();
        let (stream, early) = (parts.io.into_inner(), parts.read_buf);
        let connection = Connection::new(stream, &early, dialect, context);
        drop(early);
        tokio::spawn(connection.run(place));
    });
    switching(accept, subprotocol)
}

fn switching(accept: HeaderValue, subprotocol: Option<&'static str>) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(Bytes::new())));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    answer.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    let answer = with(answer, header::CONNECTION, "upgrade");
    let answer = with(answer, header::UPGRADE, "websocket");
    match subprotocol {
        Some(name) => with(answer, header::SEC_WEBSOCKET_PROTOCOL, name),
        None => answer,
    }
}

/// The first of our subprotocols, in our order, that the client offers. None offered, or none known: the endpoint's own
/// format, and no subprotocol.
fn choose(headers: &HeaderMap, dialect: Dialect) -> (Dialect, Option<&'static str>) {
    let Dialect::V1(_) = dialect else { return (dialect, None) };
    let offered =
        |(name, _): &&(&str, Format)| lists(headers, &header::SEC_WEBSOCKET_PROTOCOL, name);
    match SUBPROTOCOLS.iter().find(offered) {
        Some((name, format)) => (Dialect::V1(*format), Some(name)),
        None => (dialect, None),
    }
}

/// Whether the request is a good one. The accept key, or the refusal.
fn handshake(request: &Request<Incoming>) -> Result<HeaderValue, Box<Answer>> {
    let headers = request.headers();
    if *request.method() != Method::GET
        || !lists(headers, &header::UPGRADE, "websocket")
        || !lists(headers, &header::CONNECTION, "upgrade")
    {
        return Err(Box::new(upgrade_required("connect with a WebSocket\n")));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Box::new(upgrade_required("WebSocket version 13 is spoken here\n")));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    let accept = key.and_then(|key| accept_key(key).ok());
    accept.and_then(|accept| HeaderValue::try_from(accept).ok()).ok_or_else(|| {
        Box::new(plain(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing or bad\n"))
    })
}

fn upgrade_required(text: &'static str) -> Answer {
    let refusal = plain(StatusCode::UPGRADE_REQUIRED, text);
    let refusal = with(refusal, header::UPGRADE, "websocket");
    let refusal = with(refusal, header::CONNECTION, "upgrade");
    with(refusal, header::SEC_WEBSOCKET_VERSION, "13")
}

/// Whether this server takes the client now.
fn admit(headers: &HeaderMap, guest: &Guest) -> Result<(), Box<Answer>> {
    let Some(why) = objection(headers, guest) else { return Ok(()) };
    guest.context.metrics.turned_away(why);
    Err(Box::new(match why {
        TurnedAway::Draining => later(StatusCode::SERVICE_UNAVAILABLE, "the server is leaving\n"),
        TurnedAway::Origin => plain(StatusCode::FORBIDDEN, "this origin is not allowed\n"),
        TurnedAway::ServerFull => later(StatusCode::SERVICE_UNAVAILABLE, "too many connections\n"),
        TurnedAway::AddressFull => {
            let text = "too many connections from your address\n";
            later(StatusCode::TOO_MANY_REQUESTS, text)
        }
    }))
}

fn objection(headers: &HeaderMap, guest: &Guest) -> Option<TurnedAway> {
    let context: &Context = &guest.context;
    if context.phase.is_draining() {
        return Some(TurnedAway::Draining);
    }
    if let Some(origin) = headers.get(header::ORIGIN)
        && !origin.to_str().is_ok_and(|origin| context.policy.terms().origins.allow(origin))
    {
        return Some(TurnedAway::Origin);
    }
    guest.place.lock().as_ref().and_then(Place::refusal).map(|full| match full {
        NoPlace::Server => TurnedAway::ServerFull,
        NoPlace::Address => TurnedAway::AddressFull,
    })
}

/// Whether a header of comma-separated values has this one, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, value: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|header| header.to_str().ok());
    values.flat_map(|header| header.split(',')).any(|part| part.trim().eq_ignore_ascii_case(value))
}

/// In the order of preference.
const SUBPROTOCOLS: [(&str, Format); 2] =
    [("ackd.v1.msgpack", Format::MessagePack), ("ackd.v1.json", Format::Json)];
