//! HTTP: who may upgrade to a WebSocket, and the few plain answers there are.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ackd_websocket::accept_key;
use ackd_wire::{Millis, Room};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::connection::Connection;
use super::quota::{Full as NoPlace, Quota};
use super::{Timers, landing};
use crate::clock::{Clock, SystemEntropy};
use crate::config::Origins;
use crate::dialect::{Dialect, Greeting};
use crate::router::Router;
use crate::session::Rules;

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) router: Router,
    pub(crate) rules: Arc<Rules>,
    pub(crate) greeting: Greeting,
    pub(crate) clock: Clock,
    pub(crate) timers: Timers,
    pub(crate) quota: Arc<Quota>,
    pub(crate) origins: Origins,
    pub(crate) ping_interval_ms: Millis,
    pub(crate) draining: AtomicBool,
}

type Answer = Response<Full<Bytes>>;

pub(super) async fn answer(
    request: Request<Incoming>,
    address: IpAddr,
    context: Arc<Context>,
) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_owned();
    Ok(match (request.method(), path.as_str()) {
        (&Method::GET, "/v1/ws") => upgrade(request, Dialect::V1, address, &context),
        (&Method::GET, "/roomid") => room_number(&context).await,
        (&Method::GET, "/healthz") => plain(StatusCode::OK, "ok\n"),
        (&Method::GET, "/readyz") if context.draining.load(Ordering::Relaxed) => {
            plain(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
        }
        (&Method::GET, "/readyz") => plain(StatusCode::OK, "ready\n"),
        (&Method::GET, "/") => page(),
        (&Method::GET, path) => match path.strip_prefix("/ws/").map(Room::parse) {
            Some(Ok(room)) => upgrade(request, Dialect::Classic(room), address, &context),
            Some(Err(_)) => plain(StatusCode::BAD_REQUEST, "this is no room's name\n"),
            None => plain(StatusCode::NOT_FOUND, "there is nothing here\n"),
        },
        _ => plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n"),
    })
}

fn upgrade(
    mut request: Request<Incoming>,
    dialect: Dialect,
    address: IpAddr,
    context: &Arc<Context>,
) -> Answer {
    let key = match handshake(&request, context) {
        Ok(key) => key,
        Err(refusal) => return *refusal,
    };
    let seat = match context.quota.take(address) {
        Ok(seat) => seat,
        Err(NoPlace::Server) => {
            return later(StatusCode::SERVICE_UNAVAILABLE, "too many connections\n");
        }
        Err(NoPlace::Address) => {
            return later(
                StatusCode::TOO_MANY_REQUESTS,
                "too many connections from your address\n",
            );
        }
    };
    let protocol = offers(request.headers(), "ackd.v1.json") && matches!(dialect, Dialect::V1);
    let upgraded = hyper::upgrade::on(&mut request);
    let context = context.clone();
    // The request goes: keeping it, or its headers, would keep 8 KiB for as long as the connection lives.
    drop(request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else { return };
        let connection = Connection::new(parts.io.into_inner(), dialect, context);
        tokio::spawn(connection.run(parts.read_buf, seat));
    });
    let mut answer = plain(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = answer.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    headers.remove(header::CONTENT_TYPE);
    if protocol {
        let name = HeaderValue::from_static("ackd.v1.json");
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, name);
    }
    answer
}

/// RFC 6455, section 4.2.1; and who is let in at all. The accept key, or the refusal.
fn handshake(request: &Request<Incoming>, context: &Context) -> Result<HeaderValue, Box<Answer>> {
    let headers = request.headers();
    if context.draining.load(Ordering::Relaxed) {
        return Err(Box::new(later(StatusCode::SERVICE_UNAVAILABLE, "the server is leaving\n")));
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let allowed = origin.to_str().is_ok_and(|origin| context.origins.allow(origin));
        if !allowed {
            let refusal = plain(StatusCode::FORBIDDEN, "this origin is not allowed\n");
            return Err(Box::new(refusal));
        }
    }
    if !lists(headers, &header::UPGRADE, "websocket")
        || !lists(headers, &header::CONNECTION, "upgrade")
    {
        let mut refusal = plain(StatusCode::UPGRADE_REQUIRED, "connect with a WebSocket\n");
        let websocket = HeaderValue::from_static("websocket");
        refusal.headers_mut().insert(header::UPGRADE, websocket);
        return Err(Box::new(refusal));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut refusal =
            plain(StatusCode::UPGRADE_REQUIRED, "WebSocket version 13 is spoken here\n");
        let version = HeaderValue::from_static("13");
        refusal.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, version);
        return Err(Box::new(refusal));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    let key = key.and_then(|key| accept_key(key).ok());
    key.and_then(|key| HeaderValue::try_from(key).ok()).ok_or_else(|| {
        Box::new(plain(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing or bad\n"))
    })
}

/// Whether a header of comma-separated values has this one, in any case.
fn lists(headers: &HeaderMap, name: &header::HeaderName, value: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|header| header.to_str().ok());
    values.flat_map(|header| header.split(',')).any(|part| part.trim().eq_ignore_ascii_case(value))
}

fn offers(headers: &HeaderMap, protocol: &str) -> bool {
    lists(headers, &header::SEC_WEBSOCKET_PROTOCOL, protocol)
}

/// The original server's `/roomid`: a new room number, counting up, kept in the store.
async fn room_number(context: &Context) -> Answer {
    let number = super::connection::take_room_number(context).await;
    match number {
        Some(number) => {
            let mut answer = plain(StatusCode::OK, &format!("{number}"));
            let json = HeaderValue::from_static("application/json");
            answer.headers_mut().insert(header::CONTENT_TYPE, json);
            let any = HeaderValue::from_static("*");
            answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
            answer
        }
        None => later(StatusCode::SERVICE_UNAVAILABLE, "the store takes no writes now\n"),
    }
}

fn page() -> Answer {
    let mut answer = plain(StatusCode::OK, landing::PAGE);
    let headers = answer.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
    let policy = HeaderValue::from_static(landing::POLICY);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    answer
}

fn plain(status: StatusCode, text: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// A refusal that is worth a new try, at a moment that differs from client to client.
fn later(status: StatusCode, text: &str) -> Answer {
    let mut answer = plain(status, text);
    let seconds = 1 + SystemEntropy::number() % 10;
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    answer
}
