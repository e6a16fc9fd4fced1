//! Messages, acks, and the application's pace.

use ackd_client::{Event, Stopped};

use crate::support::{Server, message};

#[tokio::test]
async fn a_message_is_acknowledged_after_the_handler_has_returned() {
    let server = Server::start().await;
    let (connected, (mut peer, _)) = tokio::join!(server.client().connect(), server.welcome());
    let (client, inbox) = connected.expect("let in");
    let (seen_tx, mut seen) = tokio::sync::mpsc::channel(4);
    let handling = tokio::spawn(inbox.handle(async move |message| {
        seen_tx.send(message.body.text().expect("a text")).await.expect("the test listens");
    }));
    peer.say(&message(1)).await;
    assert_eq!(seen.recv().await.as_deref(), Some("m1"));
    peer.expect(r#"{"op":"ack","seq":1}"#).await;
    // It comes again although it is done: acknowledged again, not handed over again.
    peer.say(&format!("[{},{}]", message(1), message(2))).await;
    assert_eq!(seen.recv().await.as_deref(), Some("m2"));
    peer.expect(r#"{"op":"ack","seq":1}"#).await;
    peer.expect(r#"{"op":"ack","seq":2}"#).await;
    client.close().await;
    assert_eq!(peer.hear().await, None);
    assert_eq!(handling.await.expect("no panic"), Stopped::Closed);
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again_but_is_seen_once() {
    let server = Server::start().await;
    let (connected, (mut peer, _)) = tokio::join!(server.client().connect(), server.welcome());
    let (client, mut inbox) = connected.expect("let in");
    peer.say(&message(1)).await;
    let first = inbox.next().await.expect("an event");
    drop(peer);
    let (mut peer, _) = server.welcome().await;
    peer.say(&format!("[{},{}]", message(1), message(2))).await;
    assert!(matches!(inbox.next().await, Some(Event::Disconnected { .. })));
    assert_eq!(inbox.next().await, Some(Event::Connected { new: true }));
    let second = inbox.next().await.expect("an event");
    assert!(matches!(&second, Event::Message(message) if message.seq == Some(2)));
    inbox.ack(&first).await;
    inbox.ack(&second).await;
    let acked = peer.hear().await.expect("an ack");
    if acked != r#"{"op":"ack","seq":2}"# {
        assert_eq!(acked, r#"{"op":"ack","seq":1}"#);
        peer.expect(r#"{"op":"ack","seq":2}"#).await;
    }
    drop((client, inbox));
    assert_eq!(peer.hear().await, None, "without handles the client closes");
}

#[tokio::test]
async fn a_message_that_is_released_is_handed_over_again() {
    let server = Server::start().await;
    let (connected, (mut peer, _)) = tokio::join!(server.client().connect(), server.welcome());
    let (_client, mut inbox) = connected.expect("let in");
    peer.say(&message(1)).await;
    let first = inbox.next().await.expect("an event");
    let Event::Message(released) = &first else { panic!("a message") };
    inbox.release(released.id).await;
    inbox.reject(ackd_client::MessageId([9; 16])).await;
    peer.hear().await.expect("the reject, which came after the release");
    peer.say(&message(1)).await;
    assert_eq!(inbox.next().await, Some(first));
}

#[tokio::test]
async fn a_rejected_message_is_told() {
    let server = Server::start().await;
    let (connected, (mut peer, _)) = tokio::join!(server.client().connect(), server.welcome());
    let (_client, mut inbox) = connected.expect("let in");
    peer.say(&message(1)).await;
    let Some(Event::Message(first)) = inbox.next().await else { panic!("a message") };
    inbox.reject(first.id).await;
    peer.expect(&format!(r#"{{"op":"reject","ids":["{}"]}}"#, first.id)).await;
}

#[tokio::test]
async fn what_is_processed_is_not_handed_over_again_by_the_next_process() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().expect("a directory");
    let builder = server.client().receive_only().identity_file(dir.path().join("me.json"));
    let (connected, (mut peer, _)) = tokio::join!(builder.clone().connect(), server.welcome());
    let (client, mut inbox) = connected.expect("let in");
    for seq in 1..=2 {
        peer.say(&message(seq)).await;
        let event = inbox.next().await.expect("an event");
        inbox.ack(&event).await;
        peer.expect(&format!(r#"{{"op":"ack","seq":{seq}}}"#)).await;
    }
    // The server has not heard the acks: it ends. So does the process.
    peer.close(4403).await;
    drop(client);
    inbox.stopped().await;

    let (connected, (mut peer, connect)) = tokio::join!(builder.connect(), server.welcome());
    let (_client, mut inbox) = connected.expect("let in");
    assert!(connect.contains(r#""epoch":"e","acked":2"#), "{connect}");
    peer.say(&format!("[{},{},{}]", message(1), message(2), message(3))).await;
    let third = inbox.next().await.expect("an event");
    assert!(matches!(&third, Event::Message(message) if message.seq == Some(3)), "{third:?}");
    peer.expect(r#"{"op":"ack","seq":2}"#).await;
}

#[tokio::test]
async fn a_second_process_receives_with_the_same_file_and_remembers_by_itself() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().expect("a directory");
    let builder = server.client().receive_only().identity_file(dir.path().join("me.json"));
    let (first, (_peer, _)) = tokio::join!(builder.clone().connect(), server.welcome());
    let _first = first.expect("let in");
    let (second, (mut peer, connect)) = tokio::join!(builder.connect(), server.welcome());
    let (_client, mut inbox) = second.expect("let in");
    assert!(!connect.contains("acked"), "{connect}");
    peer.say(&message(1)).await;
    assert!(inbox.next().await.is_some());
}
