//! Sends, their answers, and what survives the process.

use ackd_client::{ClientId, ConnectError, Outgoing, SendError, Stopped};

use crate::support::{Server, accepted};

fn hello() -> Outgoing {
    Outgoing::to("bob").expect("an ID").text("hello")
}

#[tokio::test]
async fn a_send_resolves_when_the_server_has_accepted_it() {
    let server = Server::start().await;
    let (connected, (mut peer, connect)) =
        tokio::join!(server.client().connect(), server.welcome());
    let (client, inbox) = connected.expect("let in");
    assert_eq!((client.id().as_str(), client.is_new()), ("me", true));
    assert!(connect.contains(r#""outbox":""#), "{connect}");

    let first = client.send(hello()).await;
    let second = client.send(hello()).await;
    peer.expect(r#"{"op":"send","n":1,"to":"bob","body":"hello"}"#).await;
    peer.expect(r#"{"op":"send","n":2,"to":"bob","body":"hello"}"#).await;
    let refusal = r#"{"op":"error","n":2,"code":"too_large","temporary":false,"message":"large"}"#;
    peer.say(&format!("[{},{refusal}]", accepted(1))).await;
    assert_eq!(first.await.expect("accepted").to_string(), format!("{:032x}", 1));
    assert!(matches!(second.await, Err(SendError::Refused { .. })));

    client.close().await;
    assert_eq!(peer.hear().await, None);
    assert_eq!(inbox.stopped().await, Stopped::Closed);
}

#[tokio::test]
async fn close_waits_for_what_was_sent() {
    let server = Server::start().await;
    let (connected, (mut peer, _)) = tokio::join!(server.client().connect(), server.welcome());
    let (client, inbox) = connected.expect("let in");
    let sending = client.send(hello()).await;
    client.close().await;
    peer.hear().await.expect("the send");
    peer.say(&accepted(1)).await;
    assert!(sending.await.is_ok());
    assert_eq!(peer.hear().await, None, "closed only now");
    assert_eq!(inbox.stopped().await, Stopped::Closed);
}

#[tokio::test]
async fn what_is_unanswered_when_the_process_ends_is_sent_by_the_next() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().expect("a directory");
    let builder = server.client().identity_file(dir.path().join("me.json"));
    let (connected, (mut peer, first)) = tokio::join!(builder.clone().connect(), server.welcome());
    let (client, inbox) = connected.expect("let in");
    let answered = client.send(hello()).await;
    let sending = client.send(Outgoing::room("lobby").expect("a room").text("two")).await;
    peer.hear().await.expect("the first send");
    let send = peer.hear().await.expect("the second send");
    peer.say(&accepted(1)).await;
    answered.await.expect("accepted");
    let in_use = builder.clone().connect().await.expect_err("one process at a time");
    assert!(matches!(in_use, ConnectError::File(_)), "{in_use}");
    peer.close(4403).await;
    assert!(matches!(
        sending.await,
        Err(SendError::Stopped(Stopped::ClosedByServer { code: 4403, .. }))
    ));
    drop(client);
    inbox.stopped().await;

    let (connected, (mut peer, again)) = tokio::join!(builder.connect(), server.welcome());
    let (client, _inbox) = connected.expect("let in");
    assert!(again.contains(r#""id":"me","token":"AAAA"#), "{again}");
    assert_eq!(outbox_of(&first), outbox_of(&again));
    // Only a member may send to a room, and the application cannot know of what it sent before.
    peer.expect(r#"{"op":"join","ref":"lobby","room":"lobby"}"#).await;
    peer.expect(&send).await;
    let mut next = client.send(hello()).await;
    assert!(next.written().await && next.written().await, "it survives from now on");
    peer.expect(r#"{"op":"send","n":3,"to":"bob","body":"hello"}"#).await;
    drop(next);
}

fn outbox_of(connect: &str) -> &str {
    connect.split_once(r#""outbox":""#).expect("named").1.split('"').next().expect("ends")
}

#[tokio::test]
async fn a_claim_is_remembered_before_it_is_made() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().expect("a directory");
    let ann = ClientId::parse("ann").expect("an ID");
    let builder = server.client().identity_file(dir.path().join("ann.json")).claim(ann);
    let (failed, ()) = tokio::join!(builder.clone().connect(), async {
        drop(server.accept().await); // the answer is lost
    });
    assert!(failed.is_err());
    let connecting = tokio::spawn(builder.connect());
    let (_, connect) = server.welcome().await;
    let token = std::fs::read_to_string(dir.path().join("ann.json")).expect("remembered");
    let token =
        token.split_once("\"token\": \"").expect("has one").1.split('"').next().expect("ends");
    assert!(connect.contains(&format!(r#""new":true,"id":"ann","token":"{token}""#)), "{connect}");
    assert_eq!(connecting.await.expect("no panic").expect("let in").0.id().as_str(), "ann");
}

#[tokio::test]
async fn a_client_that_only_receives_does_not_send() {
    let server = Server::start().await;
    let (connected, (_peer, connect)) =
        tokio::join!(server.client().receive_only().connect(), server.welcome());
    let (client, _inbox) = connected.expect("let in");
    assert!(!connect.contains("outbox"));
    assert_eq!(client.send(hello()).await.await, Err(SendError::ReceiveOnly));
}

#[tokio::test]
async fn numbers_that_were_refused_for_now_and_those_behind_them_go_out_again_in_order() {
    let server = Server::start().await;
    let (connected, (mut peer, _)) = tokio::join!(server.client().connect(), server.welcome());
    let (client, _inbox) = connected.expect("let in");
    let mut sends = Vec::new();
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(client.send(hello()).await);
        sends.push(peer.hear().await.expect("a send"));
    }
    let refusal = |n: u64, rest: &str| {
        format!(r#"{{"op":"error","n":{n},"temporary":true,{rest},"message":"m"}}"#)
    };
    let unavailable = r#""code":"store_unavailable","retry_after_ms":1"#;
    let gap = r#""code":"gap","expected":1"#;
    peer.say(&format!("[{},{},{}]", refusal(1, unavailable), refusal(2, gap), refusal(3, gap)))
        .await;
    for send in &sends {
        peer.expect(send).await;
    }
    peer.say(&format!("[{},{},{}]", accepted(1), accepted(2), accepted(3))).await;
    for answer in answers {
        answer.await.expect("accepted");
    }
}

#[tokio::test]
async fn the_file_of_somebody_else_is_left_alone() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("me.json");
    let (connected, _) =
        tokio::join!(server.client().identity_file(&path).connect(), server.welcome());
    drop(connected.expect("let in"));
    let before = std::fs::read_to_string(&path).expect("remembered");
    let ann = ClientId::parse("ann").expect("an ID");
    let token = ackd_client::Token::new([1; 32]);
    for builder in [server.client().claim(ann.clone()), server.client().token(ann, token)] {
        let error = builder.receive_only().identity_file(&path).connect().await;
        let error = error.expect_err("it is me's").to_string();
        assert!(error.contains("name another file"), "{error}");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("still there"), before);
}
