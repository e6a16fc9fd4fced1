//! Before the upgrade: who is let in, and what the others are told.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Heard, server, soon, subprotocol_request, upgrade_request};

/// A good request with one header more, or with one exchanged.
fn request_with(header: &str) -> String {
    let name = header.split_once(':').expect("a header").0;
    let good = upgrade_request("/v1/ws");
    let lines = good.lines().filter(|line| !line.starts_with(&format!("{name}:")));
    let kept: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    format!("{}\r\n{header}\r\n\r\n", kept.join("\r\n"))
}

#[tokio::test]
async fn a_good_request_is_upgraded_with_the_proof_of_rfc_6455() {
    let server = server().start().await;
    let (answer, mut client) = server.try_upgrade(&upgrade_request("/v1/ws")).await;
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(answer.header("sec-websocket-protocol"), None, "none was offered");
    let connected = client.connect(json!({})).await;
    assert_eq!(connected["new"], true);
    assert_eq!(connected["ack_timeout_ms"], 30_000);
    assert_eq!(connected["max_message"], 65_536);
    assert_eq!(connected["ping_interval_ms"], 25_000);
}

#[tokio::test]
async fn of_what_is_offered_messagepack_is_chosen_before_json_and_without_either_it_is_json() {
    let server = server().start().await;
    let offers = [
        ("ackd.v1.json, ackd.v1.msgpack", Some("ackd.v1.msgpack")),
        ("ackd.v1.msgpack", Some("ackd.v1.msgpack")),
        ("chat,ackd.v1.json", Some("ackd.v1.json")),
        ("chat", None),
        ("ackd.v2.msgpack", None),
    ];
    for (offer, chosen) in offers {
        let (answer, mut client) = server.try_upgrade(&subprotocol_request(offer)).await;
        assert_eq!((answer.status, answer.header("sec-websocket-protocol")), (101, chosen));
        if chosen == Some("ackd.v1.msgpack") {
            client = client.speaking_msgpack();
        }
        client.connect(json!({})).await;
    }
    let mut classic = upgrade_request("/ws/lobby");
    classic.insert_str(classic.len() - 2, "Sec-WebSocket-Protocol: ackd.v1.msgpack\r\n");
    let (answer, mut client) = server.try_upgrade(&classic).await;
    assert_eq!((answer.status, answer.header("sec-websocket-protocol")), (101, None));
    assert_eq!(client.receive().await["body"]["command"], "newUser");
}

#[tokio::test]
async fn what_is_no_upgrade_is_told_to_make_one() {
    let server = server().start().await;
    let wrong = [
        "Sec-WebSocket-Version: 8",
        "Upgrade: h2c",
        "Connection: keep-alive",
        "Sec-WebSocket-Version:",
    ];
    for header in wrong {
        let (answer, _) = server.try_upgrade(&request_with(header)).await;
        assert_eq!(answer.status, 426, "{header}");
        assert_eq!(answer.header("sec-websocket-version"), Some("13"), "{header}");
        assert_eq!(answer.header("upgrade"), Some("websocket"), "{header}");
    }
    assert_eq!(server.get("/v1/ws").await.status, 426);
    assert_eq!(server.get("/ws/lobby").await.status, 426);
    let (answer, _) = server.try_upgrade(&request_with("Sec-WebSocket-Key: short")).await;
    assert_eq!(answer.status, 400);
    let (answer, _) = server.try_upgrade(&upgrade_request("/ws/no%20room")).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn header_values_are_lists_in_any_case() {
    let server = server().start().await;
    for header in ["Connection: keep-alive, UPGRADE", "Upgrade: h2c, WebSocket"] {
        let (answer, _) = server.try_upgrade(&request_with(header)).await;
        assert_eq!(answer.status, 101, "{header}");
    }
}

#[tokio::test]
async fn a_foreign_origin_is_refused_and_none_at_all_is_no_browser() {
    let allowed = r#"["https://chat.example.org"]"#;
    let server = server().set("auth.allowed_origins", allowed).start().await;
    let origins = [
        ("https://chat.example.org", 101),
        ("HTTPS://Chat.Example.org", 101),
        ("https://evil.example.org", 403),
        ("https://chat.example.org.evil.net", 403),
        ("http://chat.example.org", 403),
        ("null", 403),
    ];
    for (origin, status) in origins {
        for path in ["/v1/ws", "/ws/1"] {
            let request = request_with(&format!("Origin: {origin}")).replace("/v1/ws", path);
            let (answer, _) = server.try_upgrade(&request).await;
            assert_eq!(answer.status, status, "{origin} {path}");
        }
    }
    let (answer, _) = server.try_upgrade(&upgrade_request("/v1/ws")).await;
    assert_eq!(answer.status, 101);
}

#[tokio::test]
async fn one_connection_too_many_from_an_address_is_429_until_another_ends() {
    let server = server().set("limits.connections_per_ip", 2).start().await;
    let (first, _second) = (server.client().await, server.client().await);
    let (answer, _) = server.try_upgrade(&upgrade_request("/v1/ws")).await;
    assert_eq!(answer.status, 429);
    let seconds: u64 = answer.header("retry-after").expect("when").parse().expect("seconds");
    assert!((1..=10).contains(&seconds));
    first.close().await;
    soon("a free place", async {
        loop {
            let (answer, _) = server.try_upgrade(&upgrade_request("/v1/ws")).await;
            if answer.status == 101 {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn one_connection_too_many_in_all_is_503_and_health_is_still_told() {
    let server = server().set("limits.connections", 1).start().await;
    let _first = server.client().await;
    let (answer, _) = server.try_upgrade(&upgrade_request("/ws/1")).await;
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_request_that_does_not_come_to_its_end_is_cut_off() {
    let server = server().set("connect_timeout", "300ms").start().await;
    for said in ["", "GET /v1/ws HTTP/1.1\r\nHost: t\r\nX-Slow: "] {
        let mut stream = server.dial().await;
        stream.write_all(said.as_bytes()).await.expect("written");
        let mut rest = Vec::new();
        let read = soon("the end", stream.read_to_end(&mut rest)).await;
        let answer = String::from_utf8_lossy(&rest);
        assert!(read.is_err() || rest.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
}

#[tokio::test]
async fn a_connection_that_does_not_connect_in_time_is_closed_with_4508() {
    let server = server().set("connect_timeout", "200ms").start().await;
    let mut silent = server.upgraded().await;
    let mut connected = server.client().await;
    assert_eq!(silent.close_code().await, Some(4508));
    connected.round_trip().await;
}

#[tokio::test]
async fn frames_sent_together_with_the_request_are_heard() {
    let server = server().start().await;
    let mut frame = Vec::new();
    ackd_websocket::Encoder::client([1; 4]).text(&mut frame, r#"{"op":"connect"}"#);
    let mut request = upgrade_request("/v1/ws").into_bytes();
    request.extend_from_slice(&frame);
    let mut client = server.dial_and_send(&request).await;
    assert!(matches!(client.hear().await, Heard::Text(text) if text.contains("connected")));
}
