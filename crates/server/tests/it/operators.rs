//! What operators take away by HTTP: everybody concerned is told.

use serde_json::json;

use crate::support::{Running, server};

async fn delete(server: &Running, path: &str) -> u16 {
    let request = format!("DELETE {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    server.request(&request).await.status
}

#[tokio::test]
async fn a_purged_mailbox_is_told_to_its_recipient_and_to_who_asked() {
    let server = server().start().await;
    let (mut ann, bob) = (server.client().await, server.client_named("bob").await);
    let credential = bob.credential();
    bob.close().await;
    for n in 1..=2 {
        let send = json!({"op": "send", "to": "bob", "body": n, "receipt": true});
        ann.send(send).await;
        ann.expect("accepted").await;
        assert_eq!(ann.expect("receipt").await["state"], "archived");
    }
    assert_eq!(delete(&server, "/v1/clients/bob/messages").await, 204);
    for _ in 1..=2 {
        assert_eq!(ann.expect("receipt").await["state"], "purged");
    }
    let (mut bob, connected) = server.enter(credential).await;
    assert_eq!(connected["pending"], 0);
    let lost = bob.expect("lost").await;
    assert_eq!((&lost["count"], &lost["reason"]), (&json!(2), &json!("purged")));
    ann.tell("bob", "afterwards").await;
    bob.expect_body("afterwards").await;
}

#[tokio::test]
async fn what_is_purged_in_flight_frees_its_place() {
    let server = server().start().await;
    let mut ann = server.client().await;
    let (mut bob, _) =
        server.enter(json!({"new": true, "id": "bob", "token": TOKEN, "window": 1})).await;
    ann.tell("bob", 1).await;
    bob.expect_body(1).await;
    assert_eq!(delete(&server, "/v1/clients/bob/messages").await, 204);
    ann.tell("bob", 2).await;
    bob.expect_body(2).await;
}

#[tokio::test]
async fn who_is_deleted_is_closed_and_its_name_is_free() {
    let server = server().start().await;
    let (mut ann, mut bob) = (server.client().await, server.client_named("bob@example.org").await);
    let old = bob.credential();
    assert_eq!(delete(&server, "/v1/clients/bob%40example.org").await, 204);
    assert_eq!(bob.close_code().await, Some(4401));
    ann.send(json!({"op": "send", "to": "bob@example.org", "body": 1})).await;
    ann.expect_error("unknown_recipient").await;
    let refusal = server.refused(old).await;
    assert_eq!(refusal.0["code"], "unknown_identity");
    let claim = json!({"new": true, "id": "bob@example.org", "token": TOKEN});
    let (_bob, connected) = server.enter(claim).await;
    assert_eq!(connected["new"], true);
}

#[tokio::test]
async fn what_is_not_there_and_who_may_not_is_refused() {
    let server = server().set("admin.token", "a-secret-token-of-ours").start().await;
    server.client_named("bob").await;
    assert_eq!(delete(&server, "/v1/clients/bob").await, 401);
    let shown = |method: &str, path: &str| {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer a-secret-token-of-ours\r\n\r\n"
        )
    };
    for (method, path, status) in [
        ("DELETE", "/v1/clients/nobody", 404),
        ("DELETE", "/v1/clients/nobody/messages", 404),
        ("DELETE", "/v1/clients/bob/other", 404),
        ("DELETE", "/v1/clients/b%20b", 400),
        ("DELETE", "/v1/clients/", 400),
        ("POST", "/v1/clients/bob", 405),
        ("DELETE", "/v1/clients/bob", 204),
        ("DELETE", "/v1/clients/bob", 404),
    ] {
        assert_eq!(server.request(&shown(method, path)).await.status, status, "{method} {path}");
    }
}

/// A secret of the client's own.
const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
