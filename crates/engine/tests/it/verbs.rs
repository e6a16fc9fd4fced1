use ackd_engine::{
    Answer, Append, Command, Credential, Disconnect, Engine as _, GivenUp, Refusal, SessionKey,
    Submission, Tag, Target, Unknown,
};
use ackd_wire::{ClientId, MessageId};

use crate::rig::{Rig, accepted, append, refused, seqs, token};

#[test]
fn a_message_is_stored_delivered_in_order_and_leaves_when_settled() {
    let rig = Rig::new();
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    for n in 1..=3 {
        assert_eq!(
            accepted(&rig.send(1, &ann, "bob", n)),
            Some((MessageId::derive("ann", "o", n), false))
        );
    }
    let messages = rig.read(2, &bob);
    assert_eq!(seqs(&messages), [1, 2, 3]);
    let first = &messages[0].message;
    assert_eq!((first.from(), first.body()), (&b"ann"[..], &b"\"hello\""[..]));
    rig.settle(2, &bob, None, &[2]);
    assert_eq!(seqs(&rig.read(2, &bob)), [1, 3]);
    rig.settle(2, &bob, Some(3), &[]);
    assert_eq!(rig.read(2, &bob).len(), 0);
    assert_eq!(refused(&rig.settle(2, &bob, Some(4), &[])), Some(Refusal::BadAck));
}

#[test]
fn everything_is_there_after_a_reopening() {
    let rig = Rig::new();
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=5).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.settle(2, &bob, Some(1), &[3]);
    rig.engine.tick(rig.now);
    let rig = rig.reopen();
    let again = rig.claim(2, "bob");
    assert_eq!((again.new, again.epoch, again.acked, again.pending), (false, bob.epoch, 1, 3));
    let messages = rig.read(2, &again);
    assert_eq!(seqs(&messages), [2, 4, 5]);
    assert!(messages.iter().all(|delivery| delivery.attempts == 1), "they may have been seen");
    let ann = rig.claim(1, "ann");
    assert_eq!(ann.sent, 5);
    let repeat = accepted(&rig.send(1, &ann, "bob", 4));
    assert_eq!(repeat, Some((MessageId::derive("ann", "o", 4), true)));
    assert_eq!(seqs(&rig.read(2, &again)), [2, 4, 5]);
}

#[test]
fn mail_that_only_the_archive_knows_is_settled_after_a_reopening() {
    let rig = Rig::new();
    let (ann, bob, eve) = (rig.claim(1, "ann"), rig.claim(2, "bob"), rig.claim(3, "eve"));
    (1..=5).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.settle(2, &bob, None, &[4, 5]);
    // Enough that no segment of the journal has anything of that any more.
    let body = vec![b'1'; 16 * 1024];
    for n in 1..=60 {
        let sent = rig.ask(3, Command::Append(append(&eve, "eve", n, &body)));
        assert!(accepted(&sent).is_some(), "{sent:?}");
        rig.settle(3, &eve, Some(n), &[]);
        rig.engine.tick(rig.now);
    }
    let rig = rig.reopen();
    rig.engine.audit().expect("the books are right");
    let bob = rig.claim(2, "bob");
    assert_eq!((bob.pending, bob.end), (3, 5));
    assert_eq!(seqs(&rig.read(2, &bob)), [1, 2, 3]);
    assert!(matches!(rig.settle(2, &bob, None, &[2]), Answer::Done));
    assert_eq!(seqs(&rig.read(2, &bob)), [1, 3]);
    assert!(matches!(rig.settle(2, &bob, Some(3), &[]), Answer::Done));
    assert_eq!((rig.read(2, &bob).len(), rig.claim(4, "bob").acked), (0, 5));
}

#[test]
fn a_repeat_is_answered_when_the_first_is_stored() {
    let rig = Rig::new();
    let ann = rig.claim(1, "ann");
    rig.claim(2, "bob");
    rig.take();
    rig.submit(1, 1, Command::Append(append(&ann, "bob", 1, b"1")));
    rig.submit(1, 2, Command::Append(append(&ann, "bob", 1, b"1")));
    assert!(rig.take().answers.is_empty(), "nothing is stored yet");
    rig.engine.commit();
    let dups: Vec<_> = rig.take().answers.iter().map(|(_, answer)| accepted(answer)).collect();
    let id = MessageId::derive("ann", "o", 1);
    assert_eq!(dups, [Some((id, false)), Some((id, true))]);
}

#[test]
fn limits_refuse_and_lose_nothing() {
    let rig = Rig::new();
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    let full = |sender| Some(Refusal::MailboxFull { sender, retry_after_ms: 5_000 });
    for n in 1..=60 {
        assert!(accepted(&rig.send(1, &ann, "bob", n)).is_some());
    }
    assert_eq!(refused(&rig.send(1, &ann, "bob", 61)), full(true));
    let eve = rig.claim(3, "eve");
    for n in 1..=40 {
        assert!(accepted(&rig.send(3, &eve, "bob", n)).is_some());
    }
    assert_eq!(refused(&rig.send(3, &eve, "bob", 41)), full(false));
    assert_eq!(rig.read(2, &bob).len(), 100);
    rig.settle(2, &bob, Some(1), &[]);
    assert!(accepted(&rig.send(1, &ann, "bob", 62)).is_some());
    let refused_before = refused(&rig.send(1, &ann, "bob", 61));
    assert_eq!(refused_before, Some(Refusal::Refused), "62 went to the same mailbox");
}

#[test]
fn nobody_enters_without_the_secret() {
    let rig = Rig::new();
    rig.claim(1, "ann");
    let (ann, eve) = (ClientId::parse("ann").unwrap(), ClientId::parse("eve").unwrap());
    let foreign = token(&eve);
    for credential in [
        Credential::Token(&ann, &foreign),
        Credential::Claim(&ann, &foreign),
        Credential::ClaimIssued(&ann),
    ] {
        assert_eq!(rig.enter(2, credential).err(), Some(Refusal::Unauthorized));
    }
    let unknown = rig.enter(2, Credential::Token(&eve, &foreign)).err();
    assert_eq!(unknown, Some(Refusal::UnknownIdentity));
    let issued = rig.enter(3, Credential::Issue).unwrap();
    let secret = issued.token.expect("made here");
    let rig = rig.reopen();
    assert!(!rig.enter(4, Credential::Token(&issued.id, &secret)).unwrap().new);
}

#[test]
fn the_old_secret_lives_until_the_new_one_is_used() {
    let rig = Rig::new();
    let ann = rig.claim(1, "ann");
    let id = ClientId::parse("ann").unwrap();
    let new = token(&ClientId::parse("another").unwrap());
    let command = Command::Rotate { identity: ann.identity, token: new.hash() };
    assert!(matches!(rig.ask(1, command), Answer::Done));
    let rig = rig.reopen();
    assert!(rig.enter(2, Credential::Token(&id, &token(&id))).is_ok());
    assert!(rig.enter(3, Credential::Token(&id, &new)).is_ok());
    let rig = rig.reopen();
    let old = rig.enter(4, Credential::Token(&id, &token(&id))).err();
    assert_eq!(old, Some(Refusal::Unauthorized));
}

fn leave(rig: &Rig, session: u64, who: &ackd_engine::Connected, unacked: Vec<(u64, u16)>) {
    let (identity, reader, outbox) = (who.identity, who.reader, who.outbox);
    rig.submit(session, 9, Command::Disconnect(Disconnect { identity, reader, outbox, unacked }));
}

#[test]
fn identities_end_and_a_claimed_name_stays_with_its_holder() {
    let mut rig = Rig::new();
    let (ann, issued) = (rig.claim(1, "ann"), rig.enter(2, Credential::Issue).unwrap());
    let bob = rig.claim(3, "bob");
    rig.send(3, &bob, "ann", 1);
    leave(&rig, 1, &ann, Vec::new());
    leave(&rig, 2, &issued, Vec::new());
    rig.now += 10_000;
    rig.engine.tick(rig.now);
    let rig = rig.reopen();
    let gone = rig.enter(2, Credential::Token(&issued.id, &issued.token.unwrap())).err();
    assert_eq!(gone, Some(Refusal::UnknownIdentity));
    let id = ClientId::parse("ann").unwrap();
    assert_eq!(
        rig.enter(5, Credential::Token(&id, &token(&id))).err(),
        Some(Refusal::UnknownIdentity)
    );
    let foreign = token(&issued.id);
    assert_eq!(rig.enter(5, Credential::Claim(&id, &foreign)).err(), Some(Refusal::Unauthorized));
    let again = rig.claim(6, "ann");
    assert_eq!((again.new, again.pending), (true, 0));
    assert_ne!(again.epoch, ann.epoch);
    assert!(ann.end + (1 << 32) < again.end + (1 << 33));
}

#[test]
fn attempts_count_on_over_connections() {
    let rig = Rig::new();
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.send(1, &ann, "bob", 1);
    leave(&rig, 2, &bob, vec![(1, 3)]);
    let bob = rig.claim(3, "bob");
    assert_eq!(rig.read(3, &bob)[0].attempts, 3);
}

#[test]
fn an_ack_beyond_the_end_begins_a_new_epoch_and_settles_nothing() {
    let rig = Rig::new();
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.send(1, &ann, "bob", 1);
    let id = ClientId::parse("bob").unwrap();
    let (device, token) = (ackd_wire::Name::default(), token(&id));
    let connect = ackd_engine::Connect {
        credential: Credential::Token(&id, &token),
        device: &device,
        outbox: None,
        acked: Some((bob.epoch, 99)),
    };
    let Answer::Connected(again) = rig.ask(3, Command::Connect(connect)) else { panic!() };
    assert_ne!(again.epoch, bob.epoch);
    assert_eq!(again.pending, 1);
    rig.send(1, &ann, "bob", 2);
    let seqs = seqs(&rig.read(3, &again));
    assert!(seqs[0] == 1 && (1 << 32) < seqs[1], "{seqs:?}");
}

#[test]
fn mail_to_nobody_waits_for_whoever_claims_the_name() {
    let rig = Rig::new();
    let ann = rig.claim(1, "ann");
    assert_eq!(refused(&rig.send(1, &ann, "new", 1)), Some(Refusal::UnknownRecipient));
    let keep = |body| {
        let mut append = append(&ann, "new", 0, body);
        append.unknown = Unknown::Keep;
        rig.ask(1, Command::Append(append))
    };
    assert!(accepted(&keep(&[b'1'; 60])).is_some());
    assert!(matches!(refused(&keep(&[b'1'; 60])), Some(Refusal::MailboxFull { .. })));
    let rig = rig.reopen();
    let claimed = rig.claim(2, "new");
    assert_eq!((claimed.new, claimed.pending), (true, 1));
}

#[test]
fn a_fresh_identity_is_stored_only_when_it_is_needed() {
    let rig = Rig::new();
    let fresh = rig.enter(1, Credential::Fresh).unwrap();
    let secret = fresh.token.clone().unwrap();
    let rig = rig.reopen();
    let gone = rig.enter(2, Credential::Token(&fresh.id, &secret)).err();
    assert_eq!(gone, Some(Refusal::UnknownIdentity));
    let fresh = rig.enter(1, Credential::Fresh).unwrap();
    let secret = fresh.token.clone().unwrap();
    let ann = rig.claim(2, "ann");
    assert!(accepted(&rig.send(2, &ann, fresh.id.as_str(), 1)).is_some());
    let rig = rig.reopen();
    let back = rig.enter(3, Credential::Token(&fresh.id, &secret)).unwrap();
    assert_eq!(back.pending, 1);
}

#[test]
fn room_numbers_count_up_over_restarts() {
    let rig = Rig::new();
    assert!(matches!(rig.ask(1, Command::TakeRoomNumber), Answer::RoomNumber(1)));
    let rig = rig.reopen();
    assert!(matches!(rig.ask(1, Command::TakeRoomNumber), Answer::RoomNumber(2)));
}

#[test]
fn a_rejected_message_never_returns() {
    let rig = Rig::new();
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.send(1, &ann, "bob", 1);
    rig.submit(2, 1, Command::Reject { reader: bob.reader, seqs: vec![1], by: GivenUp::Reader });
    rig.engine.tick(rig.now);
    assert_eq!(rig.read(2, &bob).len(), 0);
    let rig = rig.reopen();
    let bob = rig.claim(2, "bob");
    assert_eq!(rig.read(2, &bob).len(), 0);
}

#[test]
fn only_who_is_connected_hears_of_mail_and_of_other_tabs() {
    let rig = Rig::new();
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.take();
    rig.submit(1, 1, Command::Append(append(&ann, "bob", 1, b"1")));
    rig.engine.commit();
    assert_eq!(rig.notices().len(), 1);
    rig.settle(2, &bob, Some(1), &[]);
    assert_eq!(rig.notices().len(), 0);
    leave(&rig, 2, &bob, Vec::new());
    rig.submit(1, 1, Command::Append(append(&ann, "bob", 2, b"1")));
    rig.engine.commit();
    assert_eq!(rig.notices().len(), 0);
}

#[test]
fn what_was_missed_is_stored_however_much_it_is_at_once() {
    let rig = Rig::new();
    let bob = rig.claim(2, "bob");
    let body = vec![b'7'; 20_000];
    let missed = |id| Append {
        sender: None,
        to: Target::Mailbox(bob.reader.log),
        id: Some(MessageId([id; 16])),
        ..append(&bob, "", 0, &body)
    };
    // Ten times what a group takes.
    let tag = Tag { session: SessionKey(2), slot: Tag::QUIET };
    let batch = (1..=32).map(|id| Submission { tag, command: Command::Append(missed(id)) });
    rig.engine.submit(rig.now, &mut batch.collect());
    rig.engine.commit();
    let messages = rig.read(2, &bob);
    let ids: Vec<u8> = messages.iter().map(|delivery| delivery.message.id.0[0]).collect();
    assert_eq!(ids, (1..=32).collect::<Vec<_>>());
    // Who waits for an answer is told to come back instead.
    let big = vec![b'7'; 60_000];
    rig.submit(2, 1, Command::Append(append(&bob, "bob", 1, &big)));
    rig.submit(2, 2, Command::Append(append(&bob, "bob", 2, &big)));
    rig.engine.commit();
    let answers = rig.take().answers;
    assert_eq!(answers.iter().filter_map(|(_, a)| refused(a)).count(), 1, "{answers:?}");
}
