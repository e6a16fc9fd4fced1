//! When the client comes back, and when it stops.

use ackd_client::{ConnectError, DialError, Event, Outgoing, Room, Stopped};

use crate::support::{Server, accepted};

#[tokio::test]
async fn unanswered_sends_go_out_again_after_a_lost_connection() {
    let server = Server::start().await;
    let (connected, (mut peer, _)) = tokio::join!(server.client().connect(), server.welcome());
    let (client, _inbox) = connected.expect("let in");
    let sending = client.send(Outgoing::to("bob").expect("an ID").text("hello")).await;
    let send = peer.hear().await.expect("the send");
    drop(peer);
    server.refuse("503 Service Unavailable\r\nretry-after: 0").await;
    let (mut peer, connect) = server.welcome().await;
    assert!(connect.contains(r#""id":"me","token":"#), "back as the same");
    peer.expect(&send).await;
    peer.say(&accepted(1)).await;
    assert!(sending.await.is_ok());
}

#[tokio::test]
async fn goaway_says_when_to_come_back_and_rooms_are_joined_again() {
    let server = Server::start().await;
    let (connected, (mut peer, _)) = tokio::join!(server.client().connect(), server.welcome());
    let (client, mut inbox) = connected.expect("let in");
    let joining = tokio::spawn(async move { (client.join(room()).await, client) });
    peer.expect(JOIN).await;
    peer.say(r#"{"op":"joined","ref":"lobby","room":"lobby","members":2}"#).await;
    let (joined, _client) = joining.await.expect("no panic");
    assert_eq!(joined, Ok(2));
    peer.say(r#"{"op":"goaway","reconnect_after_ms":1,"reason":"draining"}"#).await;
    peer.close(1001).await;
    let (mut peer, _) = server.welcome().await;
    peer.expect(JOIN).await;
    assert!(matches!(inbox.next().await, Some(Event::Disconnected { .. })));
    assert_eq!(inbox.next().await, Some(Event::Connected { new: true }));
}

#[tokio::test]
async fn a_44xx_close_stops_the_client() {
    let server = Server::start().await;
    let (connected, (peer, _)) = tokio::join!(server.client().connect(), server.welcome());
    let (client, mut inbox) = connected.expect("let in");
    peer.close(4401).await;
    assert_eq!(inbox.next().await, None);
    let stopped = inbox.stopped().await;
    assert_eq!(stopped.to_string(), "the server closed the connection: 4401 because");
    assert!(client.send(Outgoing::all()).await.await.is_err());
}

#[tokio::test]
async fn an_unknown_identity_is_told() {
    let server = Server::start().await;
    let (connected, ()) = tokio::join!(server.client().connect(), async {
        let mut peer = server.accept().await;
        peer.hear().await.expect("connect");
        peer.say(r#"{"op":"error","code":"unknown_identity","temporary":false,"message":"m"}"#)
            .await;
        peer.close(4401).await;
    });
    assert!(matches!(connected, Err(ConnectError::Stopped(Stopped::UnknownIdentity))));
}

#[tokio::test]
async fn a_first_connection_that_fails_is_told_at_once() {
    let server = Server::start().await;
    let (connected, ()) = tokio::join!(server.client().connect(), server.refuse("404 Not Found"));
    let error = connected.expect_err("no ackd server");
    assert!(matches!(error, ConnectError::Unreachable(DialError::NotAckd { .. })), "{error}");

    let closed = server.client();
    drop(server);
    assert!(matches!(
        closed.connect().await,
        Err(ConnectError::Unreachable(DialError::Tcp { .. }))
    ));
}

fn room() -> Room {
    Room::parse("lobby").expect("a room")
}

const JOIN: &str = r#"{"op":"join","ref":"lobby","room":"lobby"}"#;
