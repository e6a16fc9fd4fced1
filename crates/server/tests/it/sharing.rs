//! Several connections of one identity: tabs of one device share its position, devices have one each.

use serde_json::{Value, json};

use crate::support::{Client, Running, server};

async fn again(server: &Running, client: &Client, device: &str) -> (Client, Value) {
    let mut fields = client.credential();
    fields["device"] = device.into();
    server.enter(fields).await
}

#[tokio::test]
async fn each_tab_is_sent_every_message_and_the_first_ack_settles_it() {
    let server = server().set("ack_timeout", "500ms").start().await;
    let (mut ann, mut one) = (server.client().await, server.client().await);
    let (mut two, _) = again(&server, &one, "").await;
    ann.tell(&one.id, 1).await;
    let messages = [one.expect_body(1).await, two.expect_body(1).await];
    assert_eq!(messages[0], messages[1], "the same in all its parts");
    one.ack_up_to(&messages[0]).await;
    ann.tell(&one.id, 2).await;
    two.expect_body(2).await;
    assert_eq!(two.expect_body(2).await["attempt"], 2, "the first does not come again here");
    one.expect_body(2).await;
    drop((one, two));
}

#[tokio::test]
async fn an_ack_by_id_on_one_tab_frees_the_place_on_the_other() {
    let server = server().start().await;
    let (mut ann, mut one) = (server.client().await, server.client().await);
    let mut fields = one.credential();
    fields["window"] = 1.into();
    let (mut two, _) = server.enter(fields).await;
    for k in 1..=3 {
        ann.tell(&one.id, k).await;
        let message = one.expect_body(k).await;
        two.expect_body(k).await;
        one.send(json!({"op": "ack", "ids": [message["id"]]})).await;
        one.round_trip().await;
    }
}

#[tokio::test]
async fn what_one_tab_leaves_unacknowledged_the_other_still_has() {
    let server = server().start().await;
    let (mut ann, mut one) = (server.client().await, server.client().await);
    let (mut two, _) = again(&server, &one, "").await;
    ann.tell(&one.id, 1).await;
    let credential = one.credential();
    one.expect_body(1).await;
    let message = two.expect_body(1).await;
    one.close().await;
    two.ack_up_to(&message).await;
    two.close().await;
    let (_bob, connected) = server.enter(credential).await;
    assert_eq!((&connected["pending"], &connected["acked"]), (&json!(0), &message["seq"]));
}

#[tokio::test]
async fn each_device_gets_every_message() {
    let server = server().start().await;
    let (mut ann, mut desk) = (server.client().await, server.client().await);
    let (mut phone, connected) = again(&server, &desk, "phone").await;
    assert_eq!(connected["pending"], 0);
    ann.tell(&desk.id, 1).await;
    let message = desk.expect_body(1).await;
    desk.ack_up_to(&message).await;
    phone.expect_body(1).await;
    phone.close().await;
    ann.tell(&desk.id, 2).await;
    let message = desk.expect_body(2).await;
    desk.ack_up_to(&message).await;
    let (mut phone, connected) = again(&server, &desk, "phone").await;
    assert_eq!(connected["pending"], 2, "the desk's acks are not the phone's");
    assert_eq!(phone.expect_body(1).await["attempt"], 2);
    assert_eq!(phone.expect_body(2).await["attempt"], Value::Null);
}

#[tokio::test]
async fn the_first_device_starts_at_the_oldest_message_and_a_later_one_at_the_end() {
    let server = server().set("auth.unknown_recipients", "accept").start().await;
    let mut ann = server.client().await;
    ann.tell("bob", 1).await; // before anybody holds the name
    let mut bob = server.client_named("bob").await;
    bob.expect_body(1).await;
    let (mut phone, connected) = again(&server, &bob, "phone").await;
    assert_eq!(connected["pending"], 0);
    ann.tell("bob", 2).await;
    phone.expect_body(2).await;
    bob.expect_body(2).await;
}

#[tokio::test]
async fn there_are_at_most_16_devices() {
    let server = server().start().await;
    let bob = server.client().await; // the empty name is one of them
    for device in 1..16 {
        again(&server, &bob, &format!("device-{device}")).await;
    }
    let mut fields = bob.credential();
    fields["device"] = "one-more".into();
    let (error, close) = server.refused(fields).await;
    assert_eq!((&error["code"], close), (&json!("forbidden"), Some(4403)));
    again(&server, &bob, "device-7").await;
}
