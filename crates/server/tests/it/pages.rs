//! What a browser or a load balancer gets.

use crate::support::{HttpAnswer, ask, server};

#[tokio::test]
async fn the_landing_page_runs_nothing_foreign() {
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
    let parts = page.body.split('"').filter(|part| part.starts_with("landing."));
    for part in parts {
        let file = server.get(&format!("/{part}")).await;
        assert_eq!((file.status, file.body.is_empty()), (200, false), "{part}");
        assert!(!file.body.contains("://"), "{part} asks only its own origin");
    }
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
    for path in ["/v1", "/ws", "/v1/ws/", "/../etc/passwd", "/landing"] {
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
