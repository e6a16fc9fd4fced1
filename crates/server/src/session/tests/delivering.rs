use ackd_engine::Lost;

use super::*;

#[test]
fn mail_that_waits_comes_first_and_in_order() {
    let mut driver = Driver::connected(4, 2, 5);
    assert_eq!(driver.read(), Some((2, 4)));
    let slot = driver.slot();
    driver.signal(Signal::Stored(message(6)));
    assert_eq!(driver.delivered(), [], "3 to 5 come first");
    driver.signal(Signal::Answer(slot, page([3, 4, 5], 5, 5)));
    assert_eq!(driver.delivered(), [(3, 1), (4, 1), (5, 1)]);
    assert_eq!(driver.read(), Some((5, 1)));
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, page([6], 6, 6)));
    assert_eq!(driver.delivered(), [(6, 1)]);
    assert_eq!(driver.read(), None);
}

#[test]
fn the_window_is_kept_and_what_does_not_fit_is_read_later() {
    let mut driver = Driver::connected(2, 0, 0);
    for seq in 1..=5 {
        driver.signal(Signal::Stored(message(seq)));
        assert_eq!(driver.delivered().len(), usize::from(seq <= 2), "{seq}");
    }
    driver.command(Command::Ack { r#ref: None, which: Which::UpTo(1) });
    assert_eq!(driver.settled(), Some((Some(1), vec![])));
    assert_eq!(driver.read(), Some((2, 1)));
}

#[test]
fn acks_of_one_batch_are_one_request() {
    let mut driver = Driver::connected(9, 0, 0);
    for seq in 1..=6 {
        driver.signal(Signal::Stored(message(seq)));
    }
    driver.step(|session, now, out| {
        let ids = vec![message(5).id, message(2).id, message(99).id];
        session.command(now, Command::Ack { r#ref: None, which: Which::Ids(ids) }, out);
        session.command(now, Command::Ack { r#ref: None, which: Which::UpTo(3) }, out);
        session.command(now, Command::Ack { r#ref: None, which: Which::UpTo(1) }, out);
    });
    assert_eq!(driver.settled(), Some((Some(3), vec![5])));
}

#[test]
fn an_ack_beyond_the_known_end_is_the_engines_to_judge() {
    let mut driver = Driver::connected(9, 0, 0);
    driver.command(Command::Ack { r#ref: None, which: Which::UpTo(8) });
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, Answer::Refused(ackd_engine::Refusal::BadAck)));
    assert_eq!(driver.codes(), ["bad_ack"]);
    driver.signal(Signal::Stored(message(1)));
    assert_eq!(driver.delivered(), [(1, 1)], "nothing was settled by it");
}

#[test]
fn unacked_messages_come_again_after_pauses_that_double() {
    let mut driver = Driver::connected(9, 0, 0);
    driver.signal(Signal::Stored(message(1)));
    let mut due = 0;
    for (attempt, pause) in [(2, 30_000), (3, 60_000), (4, 120_000), (5, 240_000), (6, 300_000)] {
        due += pause;
        driver.tick_at(due - 1);
        assert!(driver.requests.is_empty(), "attempt {attempt} is not due");
        assert_eq!(driver.session.deadline(), Some(due));
        driver.tick_at(due);
        let archived = driver.requests.iter().any(|request| {
            matches!(request, Request::Engine { command: Verb::Archive { .. }, .. })
        });
        assert_eq!(archived, attempt == 2, "archived once, at the first timeout");
        let slot = driver.slot();
        driver.signal(Signal::Answer(slot, page([1], 0, 1)));
        assert_eq!(driver.delivered(), [(1, attempt)]);
    }
}

#[test]
fn what_ended_while_in_flight_frees_its_place() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.signal(Signal::Stored(message(1)));
    driver.signal(Signal::Stored(message(2)));
    driver.tick_at(30_000);
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, page([], 0, 2)));
    assert_eq!(driver.read(), Some((1, 1)), "1 is gone, 2 has its place");
}

#[test]
fn what_cannot_be_fetched_now_keeps_its_place_and_is_asked_for_again() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.signal(Signal::Stored(message(1)));
    driver.signal(Signal::Stored(message(2)));
    driver.tick_at(30_000);
    let slot = driver.slot();
    let refused = Answer::Refused(ackd_engine::Refusal::StoreUnavailable);
    driver.signal(Signal::Answer(slot, refused));
    assert_eq!(driver.read(), None, "the window is full as before");
    assert_eq!(driver.session.deadline(), Some(90_000));
    driver.tick_at(90_000);
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, page([1], 0, 2)));
    assert_eq!(driver.delivered(), [(1, 2)]);
}

#[test]
fn a_page_that_cannot_be_read_now_is_asked_for_again() {
    let mut driver = Driver::connected(4, 0, 3);
    assert_eq!(driver.read(), Some((0, 4)));
    let slot = driver.slot();
    let refused = Answer::Refused(ackd_engine::Refusal::StoreUnavailable);
    driver.signal(Signal::Answer(slot, refused));
    driver.signal(Signal::Stored(message(4)));
    assert_eq!((driver.delivered(), driver.read()), (vec![], None), "not before the others");
    let again = driver.session.deadline().expect("it is asked for again");
    driver.tick_at(again);
    assert_eq!(driver.read(), Some((0, 4)));
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, page([1, 2, 3, 4], 4, 4)));
    assert_eq!(driver.delivered(), [(1, 1), (2, 1), (3, 1), (4, 1)]);
    assert_eq!(driver.session.deadline(), Some(again + 30_000));
}

#[test]
fn after_max_attempts_a_message_is_rejected() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.session.rules = Arc::new(Rules { max_attempts: 1, ..rules() });
    driver.signal(Signal::Stored(message(1)));
    driver.tick_at(30_000);
    assert!(driver.requests.iter().any(|request| matches!(
        request,
        Request::Engine { command: Verb::Reject { seqs, .. }, .. } if seqs == &[1]
    )));
}

#[test]
fn a_disconnect_tells_what_was_in_flight() {
    let mut driver = Driver::connected(9, 0, 0);
    driver.signal(Signal::Stored(message(1)));
    driver.signal(Signal::Stored(message(2)));
    driver.command(Command::Ack { r#ref: None, which: Which::UpTo(1) });
    driver.step(|session, _, out| session.end(out));
    let Some(Request::Engine { command: Verb::Disconnect(disconnect), .. }) =
        driver.requests.last()
    else {
        panic!("{:?}", driver.requests)
    };
    assert_eq!(disconnect.unacked, [(2, 1)]);
}

#[test]
fn what_another_tab_settles_is_settled_here_too() {
    let mut driver = Driver::connected(2, 0, 0);
    driver.signal(Signal::Stored(message(1)));
    driver.signal(Signal::Stored(message(2)));
    driver.signal(Signal::Settled { up_to: None, seqs: vec![2] });
    driver.signal(Signal::Stored(message(3)));
    assert_eq!(driver.delivered(), [(3, 1)]);
}

#[test]
fn a_live_message_that_is_missed_is_stored_and_an_ack_that_crosses_settles_it() {
    let mut driver = Driver::connected(2, 0, 0);
    let mut live = message(1);
    live.seq = 0;
    driver.signal(Signal::Live { message: live.clone(), ack: true });
    assert!(matches!(&driver.events[..], [Event::Message { kind: Kind::Live, .. }]));
    driver.tick_at(30_000);
    assert!(matches!(&driver.requests[..], [Request::LiveMissed { ids, .. }] if ids == &[live.id]));
    driver.command(Command::Ack { r#ref: None, which: Which::Ids(vec![live.id]) });
    driver.signal(Signal::Stored(message(1)));
    assert_eq!(driver.delivered(), [], "the ack has crossed");
    assert_eq!(driver.settled(), Some((None, vec![1])));
}

#[test]
fn a_live_message_without_a_place_is_missed_at_once_and_a_signal_needs_none() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.signal(Signal::Stored(message(1)));
    driver.signal(Signal::Live { message: message(2), ack: false });
    assert!(matches!(&driver.events[..], [Event::Message { kind: Kind::Signal, .. }]));
    driver.signal(Signal::Live { message: message(2), ack: true });
    assert!(driver.events.is_empty());
    assert!(matches!(&driver.requests[..], [Request::LiveMissed { .. }]));
}

#[test]
fn a_drain_stores_what_is_live_and_says_goodbye() {
    let mut driver = Driver::connected(2, 0, 0);
    driver.signal(Signal::Live { message: message(2), ack: true });
    driver.signal(Signal::Drain { reconnect_after_ms: 9 });
    assert!(matches!(
        &driver.events[..],
        [Event::Goaway { .. }, Event::Close(CloseCode::GoingAway)]
    ));
    assert!(matches!(&driver.requests[0], Request::LiveMissed { .. }));
    assert!(driver.session.is_over());
}

#[test]
fn a_receipt_is_mail_and_a_classic_session_acknowledges_it_itself() {
    let receipt = |seq| message(seq).addressed(ackd_engine::Address::Receipt);
    let mut driver = Driver::connected(1, 0, 0);
    driver.signal(Signal::Stored(receipt(1)));
    assert!(matches!(&driver.events[..], [Event::Receipt(receipt)] if receipt.seq == 1));
    driver.signal(Signal::Stored(message(2)));
    assert!(driver.events.is_empty(), "the receipt has the one place");
    driver.command(Command::Ack { r#ref: None, which: Which::Ids(vec![receipt(1).id]) });
    assert_eq!(driver.settled(), Some((None, vec![1])));
    assert_eq!(driver.read(), Some((1, 1)));

    let mut driver = Driver::new(rules(), DialectKind::Classic);
    driver.command(connect(Credential::Fresh, None));
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, entry("ann", 0, 0)));
    driver.signal(Signal::Stored(receipt(1)));
    assert!(driver.events.is_empty());
    assert_eq!(driver.settled(), Some((None, vec![1])));
    driver.signal(Signal::Stored(message(2)));
    assert_eq!(driver.delivered(), [(2, 1)]);
}

#[test]
fn what_was_lost_stands_in_order_and_takes_a_place_until_a_seq_beyond_it_is_acknowledged() {
    let mut driver = Driver::connected(4, 0, 6);
    assert_eq!(driver.read(), Some((0, 4)));
    let slot = driver.slot();
    let ended = |from, to| Lost { from, to, reason: ackd_wire::v1::EndReason::Expired };
    let Answer::Page { messages, .. } = page([1, 4], 6, 6) else { unreachable!() };
    let lost = vec![ended(2, 3), ended(5, 6)];
    let answer = Answer::Page { messages, lost, read_to: 6, end: 6 };
    driver.signal(Signal::Answer(slot, answer));
    let told = driver.events.iter().map(|event| match event {
        Event::Message { message, .. } => (message.seq, message.seq),
        Event::Lost(lost) => (lost.from, lost.to),
        other => panic!("{other:?}"),
    });
    assert_eq!(told.collect::<Vec<_>>(), [(1, 1), (2, 3), (4, 4), (5, 6)]);
    driver.signal(Signal::Stored(message(7)));
    assert_eq!(driver.delivered(), [], "all places are taken");
    driver.command(Command::Ack { r#ref: None, which: Which::UpTo(2) });
    assert_eq!(driver.read(), Some((6, 1)), "an ack inside of it settles the message before it");
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, page([7], 7, 7)));
    driver.command(Command::Ack { r#ref: None, which: Which::UpTo(3) });
    driver.signal(Signal::Stored(message(8)));
    assert_eq!(driver.delivered(), [(8, 1)]);
}
