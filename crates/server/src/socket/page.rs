//! The page at `/`: a chat on the TypeScript SDK. Its sources are in `web/`; what they give is in `assets/`, compressed
//! when it was built, and is part of the program.

mod files;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};

use super::http::{Answer, with};
use files::FILES;

/// A file of the page.
#[derive(Debug)]
pub(super) struct File {
    path: &'static str,
    kind: &'static str,
    /// Names the content; weak, since all encodings of it have the same.
    etag: &'static str,
    /// Whether its path changes with its content, so that it may be kept for ever.
    hashed: bool,
    identity: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

/// The file at this path, if there is one.
pub(super) fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

/// The file, in the smallest encoding that the client takes; or that what it has is the newest.
pub(super) fn answer(request: &Request<Incoming>, file: &File) -> Answer {
    let headers = request.headers();
    let (content, encoding) = if is_known(headers, file.etag) {
        (None, None)
    } else {
        let (content, encoding) = encoded(headers, file);
        (Some(content), encoding)
    };
    let bytes = Bytes::from_static(content.unwrap_or_default());
    let mut answer = Response::new(Either::Left(Full::new(bytes)));
    if content.is_none() {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        answer = with(answer, header::CONTENT_TYPE, file.kind);
    }
    if let Some(encoding) = encoding {
        answer = with(answer, header::CONTENT_ENCODING, encoding);
    }
    let keeping = if file.hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let answer = with(answer, header::CACHE_CONTROL, keeping);
    let answer = with(answer, header::ETAG, file.etag);
    let answer = with(answer, header::VARY, "accept-encoding");
    let answer = with(answer, header::CONTENT_SECURITY_POLICY, POLICY);
    let answer = with(answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    with(answer, header::REFERRER_POLICY, "no-referrer")
}

/// What the page may do: load what is its own and connect to its own origin. Nothing inline, nothing foreign, and no
/// text that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

fn encoded(headers: &HeaderMap, file: &File) -> (&'static [u8], Option<&'static str>) {
    if takes(headers, "br") {
        (file.brotli, Some("br"))
    } else if takes(headers, "gzip") {
        (file.gzip, Some("gzip"))
    } else {
        (file.identity, None)
    }
}

/// Whether `accept-encoding` has this coding by name, and not with a weight of 0 (RFC 9110 section 12.5.3).
fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut members =
        values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    members.any(|member| {
        let (name, weight) = member.split_once(';').unwrap_or((member, ""));
        let weight = weight.trim().strip_prefix("q=").map(str::parse::<f32>);
        name.trim().eq_ignore_ascii_case(coding) && !matches!(weight, Some(Ok(0.0)))
    })
}

/// Whether the client has the content of this tag (RFC 9110 section 13.1.2: weakly compared).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = values
        .filter_map(|value: &HeaderValue| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim);
    let opaque = |tag: &str| tag.trim_start_matches("W/").to_owned();
    tags.any(|tag| tag == "*" || opaque(tag) == opaque(etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_coding_is_taken_if_it_is_named_with_a_weight() {
        let takes = |value, coding| takes(&headers(header::ACCEPT_ENCODING, value), coding);
        assert!(takes("gzip, deflate, br, zstd", "br"));
        assert!(takes("GZIP;q=0.5", "gzip"));
        assert!(!takes("gzip, br;q=0", "br"));
        assert!(!takes("brotli, *", "br"));
        assert!(!super::takes(&HeaderMap::new(), "gzip"));
    }

    #[test]
    fn tags_are_compared_weakly() {
        let known = |value| is_known(&headers(header::IF_NONE_MATCH, value), "W/\"a1\"");
        assert!(known("W/\"a1\"") && known("\"a1\"") && known("\"b\", W/\"a1\"") && known("*"));
        assert!(!known("\"a\"") && !known("a1"));
    }
}
