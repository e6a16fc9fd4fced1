//! Who may ask what operators ask: whoever shows the admin token, or, where there is none, a program on this machine that
//! speaks for itself.

use hyper::header::{self, HeaderMap, HeaderName};
use hyper::{Request, StatusCode};
use subtle::ConstantTimeEq as _;

use super::http::{Answer, Guest, problem, with};
use crate::config::Secret;

/// Nothing, or the refusal.
pub(super) fn operator<B>(request: &Request<B>, guest: &Guest) -> Result<(), Box<Answer>> {
    let headers = request.headers();
    let is_let_in = match &guest.context.policy.terms().token {
        Some(token) => shows(headers, token),
        None => guest.address.to_canonical().is_loopback() && !is_passed_on(headers),
    };
    if is_let_in {
        return Ok(());
    }
    let has_token = guest.context.policy.terms().token.is_some();
    Err(Box::new(if has_token {
        let refusal = problem(StatusCode::UNAUTHORIZED, "unauthorized", "show the admin token");
        with(refusal, header::WWW_AUTHENTICATE, "Bearer")
    } else {
        let title = "only for this machine, since admin.token is not set";
        problem(StatusCode::FORBIDDEN, "forbidden", title)
    }))
}

fn shows(headers: &HeaderMap, token: &Secret) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(|shown| {
        let (scheme, shown) = shown.as_bytes().split_at_checked(BEARER.len())?;
        scheme.eq_ignore_ascii_case(BEARER).then_some(shown)
    });
    shown.is_some_and(|shown| shown.ct_eq(token.reveal().as_bytes()).into())
}

/// Whether a proxy says that somebody else asks.
fn is_passed_on(headers: &HeaderMap) -> bool {
    PROXIES.iter().any(|name| headers.contains_key(name))
}

const BEARER: &[u8] = b"Bearer ";
const PROXIES: [HeaderName; 4] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
];
