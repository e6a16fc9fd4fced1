//! What a browser or a load balancer gets.

use crate::support::{HttpAnswer, ask, server};

#[tokio::test]
async fn the_page_runs_nothing_foreign() {
    let server = server().start().await;
    let page = server.get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    for wrong in ["http://", "https://", "style=", "onclick", "<style"] {
        assert!(!page.body.contains(wrong), "{wrong}: the policy forbids it");
    }
    let parts = parts(&page);
    for ending in [".js", ".css", ".svg"] {
        assert!(parts.iter().any(|part| part.ends_with(ending)), "{ending} of {parts:?}");
    }
    for part in parts {
        let file = server.get(&part).await;
        assert_eq!((file.status, file.body.is_empty()), (200, false), "{part}");
        assert!(!file.body.contains("url("), "{part} asks only its own origin");
    }
}

/// The files that the page names, as paths.
fn parts(page: &HttpAnswer) -> Vec<String> {
    let names = page.body.split('"').filter_map(|part| part.strip_prefix("./"));
    names.map(|name| format!("/{name}")).collect()
}

#[tokio::test]
async fn a_part_of_the_page_is_kept_for_ever_and_the_page_asked_for_again() {
    let server = server().start().await;
    let page = server.get("/").await;
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    for part in parts(&page) {
        let kept = server.get(&part).await.header("cache-control").map(str::to_owned);
        assert_eq!(kept.as_deref(), Some("public, max-age=31536000, immutable"), "{part}");
    }
    let tag = page.header("etag").expect("a tag");
    let again = format!("If-None-Match: {tag}");
    let same = server.request(&get("/", &again)).await;
    assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", Some(tag)));
    assert_eq!(server.request(&get("/", "If-None-Match: W/\"other\"")).await.status, 200);
}

#[tokio::test]
async fn a_client_gets_the_smallest_encoding_that_it_takes() {
    let server = server().start().await;
    let plain = server.get("/").await;
    assert_eq!(
        (plain.header("content-encoding"), plain.header("vary")),
        (None, Some("accept-encoding"))
    );
    let plain = length(&plain);
    for (takes, coding) in [("gzip, deflate, br", "br"), ("gzip", "gzip")] {
        let mut stream = server.dial().await;
        let accept = format!("Accept-Encoding: {takes}");
        let head = get("/", &accept).replace("GET", "HEAD");
        let answer = ask(&mut stream, &head).await.expect("an answer");
        assert_eq!(answer.header("content-encoding"), Some(coding), "{takes}");
        assert!(length(&answer) < plain, "{coding} is smaller");
    }
}

fn length(answer: &HttpAnswer) -> usize {
    answer.header("content-length").and_then(|length| length.parse().ok()).expect("a length")
}

fn get(path: &str, header: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: t\r\n{header}\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn health_and_readiness_are_told() {
    let server = server().start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
    let mut stream = server.dial().await;
    let head = ask(&mut stream, "HEAD /readyz HTTP/1.1\r\nHost: t\r\n\r\n").await;
    assert_eq!(head.expect("an answer").status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_404_and_what_is_not_asked_for_405() {
    let server = server().start().await;
    for path in ["/v1", "/ws", "/v1/ws/", "/../etc/passwd", "/index.html"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    let post = "POST /roomid HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let answer = server.request(post).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
}

#[tokio::test]
async fn room_numbers_count_up_over_restarts() {
    let server = server().start().await;
    let number = |answer: HttpAnswer| -> u64 {
        assert_eq!(answer.status, 200);
        answer.body.parse().expect("a number")
    };
    let first = number(server.get("/roomid").await);
    assert_eq!(number(server.get("/roomid").await), first + 1);
    let server = server.kill().await.start().await;
    assert!(first + 1 < number(server.get("/roomid").await));
}
