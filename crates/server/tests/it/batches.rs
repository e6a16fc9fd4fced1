//! One WebSocket message carries one frame or an array of frames, handled in order (sections 2 and 8.1).

use serde_json::json;

use crate::support::server;

#[tokio::test]
async fn a_bad_frame_spoils_no_other_and_keeps_its_ref() {
    let server = server().start().await;
    let mut ann = server.client().await;
    let batch = json!([
        {"op": "ping", "ref": "1"},
        {"op": "dance", "ref": "2"},
        [{"op": "ping", "ref": "3"}],
        {"op": "send", "ref": "4", "to": 7, "body": 1},
        {"op": "ping", "ref": "5"},
    ]);
    ann.send(batch).await;
    assert_eq!(ann.expect("pong").await["ref"], "1");
    assert_eq!(ann.expect_error("bad_frame").await["ref"], "2");
    assert_eq!(ann.expect_error("bad_frame").await["ref"], json!(null));
    assert_eq!(ann.expect_error("bad_frame").await["ref"], "4");
    assert_eq!(ann.expect("pong").await["ref"], "5");
}

#[tokio::test]
async fn where_the_text_stops_being_json_the_rest_is_one_bad_frame() {
    let server = server().start().await;
    let mut ann = server.client().await;
    ann.send_text(r#"[{"op":"ping","ref":"1"},{"op":"ping","ref":"2"},{"op":"ping","#).await;
    assert_eq!(ann.expect("pong").await["ref"], "1");
    assert_eq!(ann.expect("pong").await["ref"], "2");
    ann.expect_error("bad_frame").await;
    ann.round_trip().await;
}

#[tokio::test]
async fn an_empty_array_and_what_is_no_frame_are_one_bad_frame_each() {
    let server = server().start().await;
    let mut ann = server.client().await;
    for text in ["[]", "", " ", "7", "null", r#""ping""#, r#"{"op":"ping"}{}"#] {
        ann.send_text(text).await;
        let error = ann.expect_error("bad_frame").await;
        assert_eq!(error["temporary"], false, "{text}");
    }
    ann.round_trip().await;
}

#[tokio::test]
async fn of_more_than_4096_frames_the_rest_is_one_bad_frame() {
    let server = server().set("limits.frames_per_second", 100_000).start().await;
    let mut ann = server.client().await;
    let frames: Vec<_> = (0..4_100).map(|k| json!({"op": "ping", "ref": k.to_string()})).collect();
    ann.send(json!(frames)).await;
    for k in 0..4_096 {
        assert_eq!(ann.expect("pong").await["ref"], k.to_string());
    }
    ann.expect_error("bad_frame").await;
    ann.round_trip().await;
}

#[tokio::test]
async fn json_is_read_64_levels_deep() {
    let server = server().start().await;
    let mut ann = server.client().await;
    let id = ann.id.clone();
    for (levels, good) in [(63, true), (64, false)] {
        let body = "[".repeat(levels) + &"]".repeat(levels);
        ann.send_text(&format!(r#"{{"op":"send","ref":"r","to":"{id}","body":{body}}}"#)).await;
        if good {
            ann.expect("accepted").await;
            ann.expect("message").await;
        } else {
            assert_eq!(ann.expect_error("bad_frame").await["ref"], "r");
        }
    }
}

#[tokio::test]
async fn bodies_pass_byte_for_byte() {
    let server = server().start().await;
    let mut ann = server.client().await;
    let id = ann.id.clone();
    let bodies = [
        r#"{"a":1,"a":2,"ü":"\u00fc","n":1e400,"z":-0.0}"#,
        r#"[1.10,  100000000000000000000000000000001, "\ud800"]"#,
        "null",
        r#""""#,
        "  true",
    ];
    for body in bodies {
        ann.send_text(&format!(r#"{{"op":"send","ref":"r","to":"{id}","body":{body}}}"#)).await;
        ann.expect("accepted").await;
        let crate::support::Heard::Text(text) = ann.hear().await else { panic!("a message") };
        assert!(text.contains(&format!(r#","body":{},"at":"#, body.trim())), "{text}");
    }
}
