//! Against a real server: nothing is lost and nothing comes twice, whatever breaks.

use std::num::NonZeroU32;

use ackd_client::{ConnectError, ErrorCode, Event, Name, Outgoing, SendError, Stopped};

use crate::real::{Line, Real, client_at, copy, id, message, soon, text};

fn to_bob(text: impl std::fmt::Display) -> Outgoing {
    Outgoing::to("bob").expect("an ID").text(&text.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing() {
    let mut real = Real::start(&[]).await;
    let bob = real.client().identity_file(real.file("bob.json")).claim(id("bob"));
    let (_bob, mut inbox) = bob.connect().await.expect("let in");
    let ann = real.client().identity_file(real.file("ann.json"));
    let (ann, _inbox) = ann.connect().await.expect("let in");
    let sending = tokio::spawn(async move {
        let mut answers = Vec::new();
        for number in 0..MESSAGES {
            answers.push(ann.send(to_bob(number)).await);
        }
        for answer in answers {
            answer.await.expect("accepted");
        }
        ann
    });
    for number in 0..MESSAGES {
        if number % (MESSAGES / 4) == MESSAGES / 8 {
            real.kill().await;
            real.restart().await;
        }
        let message = message(&mut inbox).await;
        assert_eq!(text(&message.body), number.to_string());
        inbox.ack(&Event::Message(message)).await;
    }
    let ann = soon(sending).await.expect("no panic");
    ann.send(to_bob("the end")).await.await.expect("accepted");
    assert_eq!(text(&message(&mut inbox).await.body), "the end", "nothing came twice");
}

#[tokio::test]
async fn a_send_whose_answer_was_lost_is_accepted_once() {
    let real = Real::start(&[]).await;
    let line = Line::to(real.address()).await;
    let (_bob, mut inbox) = real.client().claim(id("bob")).connect().await.expect("let in");
    let (ann, _inbox) = client_at(line.address).connect().await.expect("let in");
    line.deafen();
    let sending = ann.send(to_bob("once")).await;
    let first = message(&mut inbox).await; // so it was accepted, and ann does not know
    line.cut();
    assert_eq!(soon(sending).await, Ok(first.id), "the repeat has the same ID");
    ann.send(to_bob("next")).await.await.expect("accepted");
    assert_eq!(text(&message(&mut inbox).await.body), "next");
}

#[tokio::test]
async fn a_process_that_is_gone_is_continued_by_the_next_with_its_files() {
    let mut real = Real::start(&[]).await;
    let (_bob, mut bob) = real.client().claim(id("bob")).connect().await.expect("let in");
    let builder = real.client().identity_file(real.file("ann.json"));
    let (ann, inbox) = builder.clone().connect().await.expect("let in");
    ann.send(to_bob("accepted")).await.await.expect("accepted");
    real.kill().await;
    let mut sending = ann.send(to_bob("written down")).await;
    assert!(sending.written().await);
    let id_before = ann.id().clone();
    drop((ann, sending));
    assert_eq!(soon(inbox.stopped()).await, Stopped::Closed, "without a server nobody waits");

    real.restart().await;
    let (ann, _inbox) = builder.connect().await.expect("let in");
    assert_eq!(ann.id(), &id_before);
    for expected in ["accepted", "written down"] {
        assert_eq!(text(&message(&mut bob).await.body), expected);
    }
    ann.send(to_bob("new")).await.await.expect("accepted");
    assert_eq!(text(&message(&mut bob).await.body), "new");
}

#[tokio::test]
async fn a_copy_of_the_files_takes_the_outbox_over() {
    let real = Real::start(&[]).await;
    let (_bob, _inbox) = real.client().claim(id("bob")).connect().await.expect("let in");
    let builder = real.client().identity_file(real.file("ann/me.json"));
    let (ann, inbox) = builder.connect().await.expect("let in");
    ann.send(to_bob("first")).await.await.expect("accepted");
    copy(&real.file("ann"), &real.file("copy"));
    let copied = real.client().identity_file(real.file("copy/me.json"));
    let (copied, _copied_inbox) = copied.connect().await.expect("let in");
    copied.send(to_bob("second")).await.await.expect("accepted");
    let refused = ann.send(to_bob("third")).await.await;
    assert_eq!(refused, Err(SendError::Stopped(Stopped::OutboxTaken)));
    assert_eq!(soon(inbox.stopped()).await, Stopped::OutboxTaken);
    let later = ann.send(to_bob("fourth")).await.await;
    assert_eq!(later, Err(SendError::Stopped(Stopped::OutboxTaken)), "why is told later too");
}

#[tokio::test]
async fn files_from_a_backup_give_no_number_twice() {
    let real = Real::start(&[]).await;
    let (_bob, mut bob) = real.client().claim(id("bob")).connect().await.expect("let in");
    let builder = |dir: &str| real.client().identity_file(real.file(dir).join("me.json"));
    let (ann, inbox) = builder("ann").connect().await.expect("let in");
    ann.send(to_bob(1)).await.await.expect("accepted");
    copy(&real.file("ann"), &real.file("backup"));
    ann.send(to_bob(2)).await.await.expect("accepted");
    ann.close().await;
    soon(inbox.stopped()).await;
    let (ann, _inbox) = builder("backup").connect().await.expect("let in");
    ann.send(to_bob(3)).await.await.expect("accepted");
    for expected in ["1", "2", "3"] {
        assert_eq!(text(&message(&mut bob).await.body), expected, "none taken for a repeat");
    }
}

#[tokio::test]
async fn a_store_from_a_backup_is_noticed_and_what_is_processed_is_not_seen_again() {
    let mut real = Real::start(&[]).await;
    let bob = real.client().identity_file(real.file("bob.json")).claim(id("bob"));
    let (bob_client, mut bob) = bob.clone().connect().await.expect("let in");
    let (ann, _inbox) =
        real.client().identity_file(real.file("ann.json")).connect().await.expect("let in");
    ann.send(to_bob("before")).await.await.expect("accepted");
    let before = message(&mut bob).await;
    real.stop().await;
    copy(&real.store(), &real.file("backup"));
    real.restart().await;
    bob.ack(&Event::Message(before)).await;
    for text_after in ["after", "after that"] {
        ann.send(to_bob(text_after)).await.await.expect("accepted");
        let after = message(&mut bob).await;
        assert_eq!(text(&after.body), text_after);
        bob.ack(&Event::Message(after)).await;
    }
    bob_client.close().await;
    soon(bob.stopped()).await;

    real.stop().await;
    std::fs::remove_dir_all(real.store()).expect("removed");
    copy(&real.file("backup"), &real.store());
    real.restart().await;
    // The mailbox holds "before" again; bob has processed it, and says so with a place that the store has never seen.
    let (bob_client, mut inbox) = bob_again(&real).await;
    ann.send(to_bob("new")).await.await.expect("accepted");
    let new = message(&mut inbox).await;
    assert_eq!(text(&new.body), "new");
    inbox.ack(&Event::Message(new)).await;
    bob_client.close().await;
    soon(inbox.stopped()).await;
    let (bob_client, _inbox) = bob_again(&real).await;
    assert_eq!(bob_client.pending(), 0, "all is settled in the new epoch");
}

async fn bob_again(real: &Real) -> (ackd_client::Client, ackd_client::Inbox) {
    let bob = real.client().identity_file(real.file("bob.json")).claim(id("bob"));
    bob.connect().await.expect("let in")
}

#[tokio::test]
async fn a_handler_that_fails_gets_the_message_again_until_it_is_rejected() {
    let real = Real::start(&["ack_timeout=50ms"]).await;
    let bob = real.client().identity_file(real.file("bob.json")).claim(id("bob"));
    let (bob_client, inbox) = bob.connect().await.expect("let in");
    let (ann, _inbox) = real.client().connect().await.expect("let in");
    ann.send(to_bob("poison")).await.await.expect("accepted");
    ann.send(to_bob("good")).await.await.expect("accepted");
    let (seen_tx, mut seen) = tokio::sync::mpsc::channel(16);
    let handling = tokio::spawn(inbox.try_handle(NonZeroU32::new(3), async move |message| {
        let text = text(&message.body);
        seen_tx.send(text.clone()).await.expect("the test listens");
        if text == "poison" { Err("it does not agree with me") } else { Ok(()) }
    }));
    let mut poison = 0;
    let mut good = 0;
    while poison < 3 || good < 1 {
        match soon(seen.recv()).await.expect("it goes on").as_str() {
            "poison" => poison += 1,
            _ => good += 1,
        }
    }
    bob_client.close().await;
    assert_eq!(soon(handling).await.expect("no panic"), Stopped::Closed);
    assert_eq!(seen.recv().await, None, "each no more often than needed");
    assert_eq!(bob_again(&real).await.0.pending(), 0, "one is dead, one acknowledged");
}

#[tokio::test]
async fn a_claimed_name_is_entered_where_claims_are_off_by_now() {
    let mut real = Real::start(&[]).await;
    let (bob_client, inbox) = bob_again(&real).await;
    bob_client.close().await;
    soon(inbox.stopped()).await;
    real.stop().await;
    real.set("auth.claims=false");
    real.restart().await;
    let (bob_client, _inbox) = bob_again(&real).await;
    assert_eq!((bob_client.id().as_str(), bob_client.is_new()), ("bob", false));
}

#[tokio::test]
async fn a_claim_that_was_refused_leaves_no_file() {
    let real = Real::start(&[]).await;
    let (_bob, _inbox) = bob_again(&real).await;
    let file = real.file("other.json");
    let refused = real.client().identity_file(&file).claim(id("bob")).connect().await;
    let refused = refused.expect_err("bob is held");
    assert!(matches!(refused, ConnectError::Stopped(Stopped::Unauthorized(_))), "{refused}");
    assert!(!file.exists());
}

#[tokio::test]
async fn two_devices_of_one_identity_get_every_message() {
    let real = Real::start(&[]).await;
    let device = |name: &str| {
        let file = real.file(&format!("{name}.json"));
        std::fs::copy(real.file("bob.json"), &file).expect("the secret is shared");
        real.client().identity_file(file).device(Name::parse_device(name).expect("a name"))
    };
    bob_again(&real).await;
    let (_phone, mut phone) = device("phone").connect().await.expect("let in");
    let (_laptop, mut laptop) = device("laptop").connect().await.expect("let in");
    let (ann, _inbox) = real.client().connect().await.expect("let in");
    ann.send(to_bob("both")).await.await.expect("accepted");
    for inbox in [&mut phone, &mut laptop] {
        let both = message(inbox).await;
        assert_eq!(text(&both.body), "both");
        inbox.ack(&Event::Message(both)).await;
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_client_goes_on() {
    let real = Real::start(&["max_message=1KiB"]).await;
    let (_bob, _inbox) = real.client().claim(id("bob")).connect().await.expect("let in");
    let (ann, _inbox) = real.client().connect().await.expect("let in");
    let refused = ann.send(to_bob("x".repeat(100_000))).await.await;
    assert!(matches!(refused, Err(SendError::Refused { code: ErrorCode::TooLarge, .. })));
    ann.send(to_bob("small")).await.await.expect("accepted");
}

#[tokio::test]
async fn close_waits_for_answers_beyond_an_outage() {
    let mut real = Real::start(&[]).await;
    let (_bob, _bobs) = real.client().claim(id("bob")).connect().await.expect("let in");
    let (ann, inbox) = real.client().connect().await.expect("let in");
    real.kill().await;
    let mut sending = ann.send(to_bob("late")).await;
    assert!(sending.written().await);
    ann.close().await;
    real.restart().await;
    assert!(soon(sending).await.is_ok());
    assert_eq!(soon(inbox.stopped()).await, Stopped::Closed);
}

const MESSAGES: usize = 400;
