use super::{command_body, read_command_body, send_message_data};
use crate::v1::Body;

fn data(body: &str, to: Option<&str>) -> String {
    let mut out = Vec::new();
    send_message_data(&mut out, &Body::Json(body), "ann", to);
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn an_object_gets_what_it_lacks_and_keeps_every_byte() {
    assert_eq!(
        data(r#"{ "text" : "hi" }"#, Some("bob")),
        r#"{ "text" : "hi" ,"from":"ann","to":"bob"}"#
    );
    assert_eq!(data("{}", None), r#"{"from":"ann"}"#);
    assert_eq!(data("{ }", Some("bob")), r#"{ "from":"ann","to":"bob"}"#);
    assert_eq!(
        data(r#"{"from":null,"n":1.0}"#, Some("bob")),
        r#"{"from":null,"n":1.0,"to":"bob"}"#
    );
    assert_eq!(data(r#"{"to":"all","from":"x"}"#, Some("bob")), r#"{"to":"all","from":"x"}"#);
    assert_eq!(data(r#"{"a":{"from":1,"to":2}}"#, None), r#"{"a":{"from":1,"to":2},"from":"ann"}"#);
    assert_eq!(data(r#"{"\u0066rom":1}"#, None), r#"{"\u0066rom":1}"#);
}

#[test]
fn a_field_right_before_the_brace_is_seen() {
    assert_eq!(data(r#"{"from":12}"#, None), r#"{"from":12}"#);
    assert_eq!(data(r#"{"from":true}"#, None), r#"{"from":true}"#);
    assert_eq!(data(r#"{"from":{}}"#, None), r#"{"from":{}}"#);
}

#[test]
fn any_other_body_becomes_a_text() {
    assert_eq!(data("\"hi }\"", Some("bob")), r#"{"text":"hi }","from":"ann","to":"bob"}"#);
    assert_eq!(data("null", None), r#"{"text":null,"from":"ann"}"#);
    assert_eq!(data("[{}]", None), r#"{"text":[{}],"from":"ann"}"#);
    let mut out = Vec::new();
    send_message_data(&mut out, &Body::Binary(b"\0\xff"[..].into()), "ann", None);
    assert_eq!(out, br#"{"body_base64":"AP8=","from":"ann"}"#);
}

#[test]
fn commands_go_to_v1_as_bodies_and_come_back() {
    let body = command_body("ty\"ping", Some("[1, 2]"));
    assert_eq!(body, r#"{"command":"ty\"ping","data":[1, 2]}"#);
    let (command, data) = read_command_body(&body).expect("a command");
    assert_eq!((&*command, data), ("ty\"ping", "[1, 2]"));
    assert_eq!(command_body("x", None), r#"{"command":"x","data":null}"#);
    assert_eq!(read_command_body("[1]"), None);
    assert_eq!(read_command_body(r#"{"command":1,"data":1}"#), None);
}

#[test]
fn a_messagepack_body_becomes_what_its_json_would() {
    let data = |body: Body<'_>| {
        let mut out = Vec::new();
        send_message_data(&mut out, &body, "ann", None);
        String::from_utf8(out).expect("UTF-8")
    };
    assert_eq!(data(Body::MessagePack(b"\x81\xa4text\xa2hi")), r#"{"text":"hi","from":"ann"}"#);
    assert_eq!(data(Body::MessagePack(b"\x81\xa4from\xc0")), r#"{"from":null}"#);
    assert_eq!(
        data(Body::MessagePack(b"\x92\x01\xc4\x01\x00")),
        r#"{"text":[1,"AA=="],"from":"ann"}"#
    );
    assert_eq!(data(Body::Binary(b"\x00\xff".into())), r#"{"body_base64":"AP8=","from":"ann"}"#);
}
