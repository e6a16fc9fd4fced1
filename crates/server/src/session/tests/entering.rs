use super::*;

#[test]
fn the_first_frame_must_be_connect() {
    let mut driver = Driver::new(rules(), DialectKind::V1);
    driver.command(Command::Ping { r#ref: None });
    assert_eq!(driver.codes(), ["not_connected"]);
    assert_eq!(driver.close_code(), Some(CloseCode::BadFrames));
    assert!(driver.session.is_over());
}

#[test]
fn without_connect_in_time_it_closes() {
    let mut driver = Driver::new(rules(), DialectKind::V1);
    assert_eq!(driver.session.deadline(), Some(10_000));
    driver.tick_at(9_999);
    assert_eq!(driver.close_code(), None);
    driver.tick_at(10_000);
    assert_eq!(driver.close_code(), Some(CloseCode::ConnectTimeout));
}

#[test]
fn a_session_is_paused_until_its_entry_is_decided() {
    let mut driver = Driver::new(rules(), DialectKind::V1);
    driver.command(connect(Credential::Issue, None));
    assert!(driver.session.is_paused() && driver.events.is_empty());
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, entry("ann", 0, 0)));
    assert!(!driver.session.is_paused());
    assert!(matches!(&driver.events[..], [Event::Connected(welcome)]
        if welcome.id.as_str() == "ann" && welcome.r#ref.is_some()));
}

#[test]
fn policy_and_refusals_close_with_their_codes() {
    let mut closed = Driver::new(Rules { anonymous: false, ..rules() }, DialectKind::V1);
    closed.command(connect(Credential::Issue, None));
    assert_eq!(
        (closed.codes(), closed.close_code()),
        (vec!["forbidden"], Some(CloseCode::Forbidden))
    );

    for (refusal, code, close) in [
        (ackd_engine::Refusal::Unauthorized, "unauthorized", CloseCode::Unauthorized),
        (ackd_engine::Refusal::UnknownIdentity, "unknown_identity", CloseCode::Unauthorized),
        (ackd_engine::Refusal::StoreUnavailable, "store_unavailable", CloseCode::Overloaded),
        (ackd_engine::Refusal::Overloaded, "rate_limited", CloseCode::Overloaded),
    ] {
        let mut driver = Driver::new(rules(), DialectKind::V1);
        driver.command(connect(Credential::Issue, None));
        let slot = driver.slot();
        driver.signal(Signal::Answer(slot, Answer::Refused(refusal)));
        assert_eq!((driver.codes(), driver.close_code()), (vec![code], Some(close)));
    }
}

#[test]
fn a_connection_that_is_gone_before_its_entry_leaves_again() {
    let mut driver = Driver::new(rules(), DialectKind::V1);
    driver.command(connect(Credential::Issue, None));
    let slot = driver.slot();
    driver.step(|session, _, out| session.end(out));
    assert!(!driver.session.is_over(), "the engine counts it as connected soon");
    driver.signal(Signal::Answer(slot, entry("ann", 0, 0)));
    assert!(driver.session.is_over());
    assert!(matches!(&driver.requests[..], [Request::Engine { command: Verb::Disconnect(_), .. }]));
}

#[test]
fn a_second_connect_is_a_bad_frame_and_ten_in_a_row_close() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.command(connect(Credential::Issue, None));
    assert_eq!(driver.codes(), ["bad_frame"]);
    for _ in 0..8 {
        driver.command(Command::Bad(state::bad("?")));
    }
    driver.command(Command::Ping { r#ref: None });
    for _ in 0..9 {
        driver.command(Command::Bad(state::bad("?")));
        assert_eq!(driver.close_code(), None, "the good frame between them counts");
    }
    driver.command(Command::Bad(state::bad("?")));
    assert_eq!(driver.close_code(), Some(CloseCode::BadFrames));
}

#[test]
fn classic_set_id_changes_the_identity_and_keeps_the_old_one_when_refused() {
    let mut driver = Driver::new(rules(), DialectKind::Classic);
    driver.command(connect(Credential::Fresh, None));
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, entry("fresh", 0, 0)));
    let name = ClientId::parse("bob").unwrap();
    driver.command(Command::Adopt(Credential::Name(name.clone())));
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, Answer::Refused(ackd_engine::Refusal::Unauthorized)));
    assert_eq!((driver.codes(), driver.close_code()), (vec!["unauthorized"], None));
    assert_eq!(driver.session.id().unwrap().as_str(), "fresh");

    driver.command(Command::Adopt(Credential::Name(name)));
    let slot = driver.slot();
    driver.signal(Signal::Answer(slot, entry("bob", 0, 0)));
    assert!(matches!(&driver.events[..], [Event::Identity { id, .. }] if id.as_str() == "bob"));
    assert!(matches!(&driver.requests[..], [Request::Engine { command: Verb::Disconnect(_), .. }]));
}
