use std::borrow::Cow;

use ackd_engine::{Recipient, Refusal};
use ackd_wire::{Ref, Room};

use super::*;

fn send(n: Option<u64>, to: Destination<'static>, body: &'static [u8]) -> Send<'static> {
    Send {
        r#ref: Some(Ref::parse("r").unwrap()),
        n,
        to,
        encoding: Encoding::Json,
        body: Cow::Borrowed(body),
        ttl_ms: None,
        persist: None,
        receipt: false,
    }
}

fn to_bob() -> Destination<'static> {
    Destination::Id("bob".into())
}

fn lobby() -> Room {
    Room::parse("lobby").unwrap()
}

fn accepted(dup: bool, recipient: Recipient) -> Answer {
    Answer::Accepted { id: message(1).id, dup, recipient }
}

#[test]
fn a_send_is_accepted_when_the_engine_says_so() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.command(Command::Send(send(Some(1), to_bob(), b"1")));
    assert!(driver.events.is_empty());
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, accepted(true, Recipient::Here)));
    assert!(matches!(&driver.events[..], [Event::Accepted { n: Some(1), dup: true, .. }]));
}

#[test]
fn a_number_without_an_outbox_is_a_bad_frame() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.session.live_mut().unwrap().outbox = None;
    driver.command(Command::Send(send(Some(1), to_bob(), b"1")));
    assert_eq!(driver.codes(), ["bad_frame"]);
}

#[test]
fn refusals_of_a_numbered_send_travel_with_its_number() {
    let mut driver = Driver::connected(1, 0, 0);
    let long = Box::leak(vec![b'1'; 101].into_boxed_slice());
    driver.command(Command::Send(send(None, to_bob(), long)));
    assert_eq!(driver.codes(), ["too_large"]);
    driver.command(Command::Send(send(Some(1), to_bob(), long)));
    assert!(matches!(
        &driver.requests[..],
        [Request::Append { append, .. }] if append.refusal == Some(Refusal::TooLarge)
    ));
    let bad = BadCommand { r#ref: None, n: Some(2), message: "no body".into() };
    driver.command(Command::Bad(bad));
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, Answer::Refused(Refusal::BadFrame)));
    assert!(matches!(&driver.events[..], [Event::Error(error)] if error.message == "no body"));
}

#[test]
fn a_room_needs_membership_and_the_engine_says_whether_it_is_live() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.command(Command::Send(send(None, Destination::Room(lobby()), b"1")));
    assert_eq!(driver.codes(), ["not_a_member"]);
    driver.command(Command::Join { r#ref: None, room: lobby(), durable: None });
    for (recipient, published) in [(Recipient::Live, true), (Recipient::Unasked, false)] {
        driver.command(Command::Send(send(None, Destination::Room(lobby()), b"1")));
        assert!(matches!(
            &driver.requests[..],
            [Request::Append { append, .. }] if append.room == Some((lobby(), true))
        ));
        assert!(driver.events.is_empty(), "nothing is accepted before that is known");
        let slot = driver.slot();
        driver.signal(Signal::Answer(slot, accepted(false, recipient)));
        assert!(matches!(&driver.events[..], [Event::Accepted { .. }]));
        let publishes = matches!(
            &driver.requests[..],
            [Request::Publish(Publish { persist: Persist::Miss, .. })]
        );
        assert_eq!(publishes, published);
    }
}

#[test]
fn a_numbered_room_send_is_published_once() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.command(Command::Join { r#ref: None, room: lobby(), durable: None });
    for (dup, recipient, published) in [(false, Recipient::Live, 1), (true, Recipient::Unasked, 0)]
    {
        driver.command(Command::Send(send(Some(1), Destination::Room(lobby()), b"1")));
        let slot = driver.slot();
        driver.signal(Signal::Answer(slot, accepted(dup, recipient)));
        assert_eq!(driver.requests.len(), published);
    }
}

#[test]
fn all_is_off_by_default() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.command(Command::Send(send(None, Destination::All, b"1")));
    assert_eq!(driver.codes(), ["forbidden"]);
}

#[test]
fn a_classic_message_to_nobody_goes_to_the_room() {
    for (answer, published) in [
        (accepted(false, Recipient::Here), false),
        (accepted(false, Recipient::Away), false),
        (accepted(false, Recipient::Unclaimed), true),
        (Answer::Refused(Refusal::UnknownRecipient), true),
        (Answer::Refused(Refusal::StoreUnavailable), false),
    ] {
        let mut driver = Driver::connected(1, 0, 0);
        let to = Destination::IdOrRoom("bob".into(), lobby());
        driver.command(Command::Send(send(None, to, b"{}")));
        let slot = driver.slot();
        driver.signal(Signal::Answer(slot, answer));
        let publishes = matches!(
            &driver.requests[..],
            [Request::Publish(Publish { persist: Persist::Never, .. })]
        );
        assert_eq!(publishes, published);
    }
}

#[test]
fn with_too_many_answers_owed_the_client_waits() {
    let mut driver = Driver::connected(1, 0, 0);
    let mut sent = 0;
    while !driver.session.is_paused() {
        sent += 1;
        driver.command(Command::Send(send(Some(sent), to_bob(), b"1")));
    }
    assert_eq!(sent, 2048);
    driver.signal(Signal::Answer(1, accepted(false, Recipient::Here)));
    assert!(!driver.session.is_paused());
}

#[test]
fn overload_is_told_to_be_repeated_and_if_it_lasts_the_connection_ends() {
    let mut driver = Driver::connected(1, 0, 0);
    let mut answer_at = |now: Millis, answer: Answer| {
        driver.now = now;
        driver.command(Command::Send(send(Some(1), to_bob(), b"1")));
        let slot = driver.slot();
        driver.signal(Signal::Answer(slot, answer));
        (driver.codes(), driver.close_code())
    };
    let overloaded = || Answer::Refused(Refusal::Overloaded);
    for now in [1_000, 1_200, 10_999] {
        assert_eq!(answer_at(now, overloaded()), (vec!["rate_limited"], None));
    }
    // One that is accepted says that it was no more than a moment.
    assert_eq!(answer_at(10_999, accepted(false, Recipient::Here)), (vec![], None));
    assert_eq!(answer_at(11_000, overloaded()), (vec!["rate_limited"], None));
    let ended = (vec!["rate_limited"], Some(CloseCode::Overloaded));
    assert_eq!(answer_at(21_000, overloaded()), ended);
}
