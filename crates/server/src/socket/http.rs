//! HTTP: what all connections share, and the few plain answers there are. Upgrades are [`upgrade`]'s.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ackd_engine::{self as engine, Command};
use ackd_wire::{Millis, Room};
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use parking_lot::Mutex;

use super::backup::{Streamed, backup};
use super::clients::delete;
use super::line::ask;
use super::quota::{Place, Quota};
use super::upgrade::upgrade;
use super::{Phase, Policy, Pulse, Timers, access, page};
use crate::clock::{Clock, SystemEntropy};
use crate::dialect::{Dialect, Format, Greeting};
use crate::metrics::{self, Look, Metrics};
use crate::router::Router;
use crate::session::Rules;
use crate::store::{Health, StoreView};

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) router: Router,
    pub(crate) rules: Arc<Rules>,
    pub(crate) greeting: Greeting,
    pub(crate) clock: Clock,
    pub(crate) timers: Timers,
    pub(crate) quota: Arc<Quota>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) ping_interval_ms: Millis,
    /// How long a request's head may take.
    pub(crate) header_timeout: Duration,
    pub(crate) phase: Phase,
    pub(crate) store: Arc<dyn StoreView>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) pulse: Arc<Pulse>,
}

/// A TCP connection that speaks HTTP still.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) context: Arc<Context>,
    /// Where it comes from, or the proxy in front of it.
    pub(super) address: IpAddr,
    /// Goes on to the connection that comes of it. Dropped after the context: who finds the place free may rely on it.
    pub(super) place: Mutex<Option<Place>>,
}

pub(super) type Answer = Response<Either<Full<Bytes>, Streamed>>;

impl Guest {
    pub(super) fn new(context: Arc<Context>, address: IpAddr, place: Place) -> Self {
        Self { context, address, place: Mutex::new(Some(place)) }
    }
}

pub(super) async fn answer(
    request: Request<Incoming>,
    guest: Arc<Guest>,
) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_owned();
    if let Some(rest) = path.strip_prefix("/v1/clients/") {
        return Ok(match access::operator(&request, &guest) {
            Ok(()) if *request.method() == Method::DELETE => delete(&guest.context, rest).await,
            Ok(()) => only(StatusCode::METHOD_NOT_ALLOWED, "only DELETE is answered\n", "DELETE"),
            Err(refusal) => *refusal,
        });
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(only(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n", "GET, HEAD"));
    }
    Ok(match path.as_str() {
        "/v1/ws" => upgrade(request, Dialect::V1(Format::Json), &guest),
        "/roomid" => room_number(&guest.context).await,
        "/healthz" => liveness(&guest.context),
        "/readyz" => readiness(&guest.context),
        "/metrics" => match access::operator(&request, &guest) {
            Ok(()) => figures(&guest.context).await,
            Err(refusal) => *refusal,
        },
        "/v1/backup" => match access::operator(&request, &guest) {
            Ok(()) if request.method() == Method::HEAD => {
                plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n")
            }
            Ok(()) => backup(&guest.context).await,
            Err(refusal) => *refusal,
        },
        path => match path.strip_prefix("/ws/").map(Room::parse) {
            Some(Ok(room)) => upgrade(request, Dialect::Classic(room), &guest),
            Some(Err(_)) => plain(StatusCode::BAD_REQUEST, "this is no room's name\n"),
            None => match page::find(path) {
                Some(file) => page::answer(&request, file),
                None => plain(StatusCode::NOT_FOUND, "there is nothing here\n"),
            },
        },
    })
}

fn liveness(context: &Context) -> Answer {
    if context.pulse.is_felt(context.clock.now()) {
        plain(StatusCode::OK, "ok\n")
    } else {
        plain(StatusCode::SERVICE_UNAVAILABLE, "no pulse: something stands still\n")
    }
}

/// Whether clients should be sent here now.
fn readiness(context: &Context) -> Answer {
    let reason = if context.phase.is_draining() {
        "draining\n"
    } else if !context.pulse.is_felt(context.clock.now()) {
        "no pulse: something stands still\n"
    } else {
        match context.store.health() {
            Health::Good => return plain(StatusCode::OK, "ready\n"),
            Health::DiskFull => "the disk is full\n",
            Health::Failed => "the store takes no writes until a restart; see the log\n",
        }
    };
    plain(StatusCode::SERVICE_UNAVAILABLE, reason)
}

async fn figures(context: &Arc<Context>) -> Answer {
    let looked = context.clone();
    let text = tokio::task::spawn_blocking(move || {
        let connections = looked.router.switchboard().len();
        looked.metrics.text(Look { connections, store: looked.store.stats() })
    });
    match text.await {
        Ok(text) => typed(StatusCode::OK, metrics::CONTENT_TYPE, text.into()),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server has failed"),
    }
}

/// The original server's `/roomid`: a new room number, counting up, kept in the store.
async fn room_number(context: &Arc<Context>) -> Answer {
    match ask(context, Command::TakeRoomNumber).await {
        engine::Answer::RoomNumber(number) => {
            let answer = typed(StatusCode::OK, "application/json", number.to_string().into());
            with(answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        }
        _ => later(StatusCode::SERVICE_UNAVAILABLE, "the store takes no writes now\n"),
    }
}

fn only(status: StatusCode, text: &'static str, allowed: &'static str) -> Answer {
    with(plain(status, text), header::ALLOW, allowed)
}

pub(super) fn plain(status: StatusCode, text: &'static str) -> Answer {
    typed(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn typed(status: StatusCode, kind: &'static str, content: Bytes) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(content)));
    *answer.status_mut() = status;
    with(answer, header::CONTENT_TYPE, kind)
}

pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Either::Left(Full::default()));
    *answer.status_mut() = status;
    answer
}

/// An error of the operators' API (RFC 9457), with a code of the wire protocol.
pub(super) fn problem(status: StatusCode, code: &str, title: &str) -> Answer {
    let number = status.as_u16();
    let text = format!(r#"{{"title":"{title}","status":{number},"code":"{code}"}}"#);
    typed(status, "application/problem+json", text.into())
}

pub(super) fn with(mut answer: Answer, name: HeaderName, value: &'static str) -> Answer {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
    answer
}

/// A refusal that is worth a new try, at a moment that differs from client to client.
pub(super) fn later(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = plain(status, text);
    let seconds = 1 + SystemEntropy::number() % RETRY_AFTER_SECONDS;
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

const RETRY_AFTER_SECONDS: u64 = 10;
