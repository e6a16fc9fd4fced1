//! Who gets in, and when an identity ends.

use super::client::{Entry, Rig, accepted, append, id, refused, token};
use super::{OpenEmpty, Test, tests};
use crate::api::{Answer, Command, Credential, Refusal, Target, Unknown};

pub(super) const TESTS: &[Test] = tests![
    nobody_enters_without_the_secret,
    an_issued_identity_is_there_after_a_reopening,
    a_claim_may_be_repeated_with_its_own_secret,
    a_bare_claim_gets_a_secret_and_a_held_name_is_refused,
    who_knows_the_name_enters_where_that_is_allowed,
    a_fresh_identity_is_stored_only_when_it_is_needed,
    a_rotated_fresh_identity_keeps_its_mailbox,
    identities_end_and_a_claimed_name_stays_with_its_holder,
    a_claim_that_came_back_keeps_its_epoch,
    nobody_ends_while_connected,
    mail_to_nobody_waits_for_whoever_claims_the_name,
    mail_to_a_name_that_has_ended_is_refused_by_name_and_by_handle,
    room_numbers_count_up_over_restarts,
];

fn nobody_enters_without_the_secret(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    rig.claim(1, "ann");
    let (ann, foreign) = (id("ann"), token("eve"));
    for credential in [
        Credential::Token(&ann, &foreign),
        Credential::Claim(&ann, &foreign),
        Credential::ClaimIssued(&ann),
    ] {
        assert_eq!(rig.enter(2, credential).err(), Some(Refusal::Unauthorized));
    }
    let nobody = rig.enter(2, Credential::Token(&id("eve"), &foreign)).err();
    assert_eq!(nobody, Some(Refusal::UnknownIdentity));
}

fn an_issued_identity_is_there_after_a_reopening(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let issued = rig.enter(1, Credential::Issue).expect("anybody may");
    let (secret, epoch) = (issued.token.expect("made here"), issued.epoch);
    assert_eq!((issued.new, issued.id.as_str().len()), (true, 32));
    rig.reopen();
    let again = rig.enter(2, Credential::Token(&issued.id, &secret)).expect("it is its own");
    assert_eq!((again.new, again.epoch, again.token.is_none()), (false, epoch, true));
}

fn a_claim_may_be_repeated_with_its_own_secret(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    assert!(rig.claim(1, "ann").new);
    assert!(!rig.claim(2, "ann").new, "the answer may have been lost");
    rig.reopen();
    assert!(!rig.claim(3, "ann").new);
}

fn a_bare_claim_gets_a_secret_and_a_held_name_is_refused(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let ann = id("ann");
    let claimed = rig.enter(1, Credential::ClaimIssued(&ann)).expect("it is free");
    let secret = claimed.token.expect("made here");
    assert!(rig.enter(2, Credential::Token(&ann, &secret)).is_ok());
    let again = rig.enter(3, Credential::ClaimIssued(&ann)).err();
    assert_eq!(again, Some(Refusal::Unauthorized));
}

fn who_knows_the_name_enters_where_that_is_allowed(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let ann = id("ann");
    let first = rig.enter(1, Credential::Open(&ann)).expect("it is free");
    assert!(first.new && first.token.is_some());
    let second = rig.enter(2, Credential::Open(&ann)).expect("anybody may");
    assert!(!second.new && second.token.is_none());
    assert_eq!(first.identity, second.identity);
}

fn a_fresh_identity_is_stored_only_when_it_is_needed(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let gone = rig.enter(1, Credential::Fresh).expect("anybody may");
    let kept = rig.enter(2, Credential::Fresh).expect("anybody may");
    let written_to = rig.enter(3, Credential::Fresh).expect("anybody may");
    let keep = Command::Keep { identity: kept.identity };
    assert!(matches!(rig.ask(2, keep), Answer::Done));
    let ann = rig.claim(4, "ann");
    assert!(accepted(&rig.send(4, &ann, written_to.id.as_str(), 1)).is_some());
    rig.reopen();
    let back = |who: &crate::api::Connected| {
        let secret = who.token.as_ref().expect("made here");
        rig.enter(5, Credential::Token(&who.id, secret)).map(|connected| connected.pending)
    };
    assert_eq!(back(&gone), Err(Refusal::UnknownIdentity));
    assert_eq!((back(&kept), back(&written_to)), (Ok(0), Ok(1)));
}

fn a_rotated_fresh_identity_keeps_its_mailbox(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let fresh = rig.enter(1, Credential::Fresh).expect("anybody may");
    let rotate = Command::Rotate { identity: fresh.identity, token: token("new").hash() };
    assert!(matches!(rig.ask(1, rotate), Answer::Done));
    rig.reopen();
    let back = rig.enter(2, Credential::Token(&fresh.id, &token("new"))).expect("it is its own");
    assert_eq!((back.epoch, back.reader.index), (fresh.epoch, fresh.reader.index));
}

fn identities_end_and_a_claimed_name_stays_with_its_holder(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let issued = rig.enter(2, Credential::Issue).expect("anybody may");
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(3, "bob"));
    rig.send(3, &bob, "ann", 1);
    rig.leave(1, &ann, Vec::new());
    rig.leave(2, &issued, Vec::new());
    rig.now += 10_000;
    rig.reopen();
    let secret = issued.token.expect("made here");
    let gone = rig.enter(2, Credential::Token(&issued.id, &secret)).err();
    assert_eq!(gone, Some(Refusal::UnknownIdentity));
    let ended = rig.enter(5, Credential::Token(&id("ann"), &token("ann"))).err();
    assert_eq!(ended, Some(Refusal::UnknownIdentity));
    let foreign = rig.enter(5, Credential::Claim(&id("ann"), &token("eve"))).err();
    assert_eq!(foreign, Some(Refusal::Unauthorized));
    let again = rig.claim(6, "ann");
    assert_eq!((again.new, again.pending), (true, 0));
    assert_ne!(again.epoch, ann.epoch);
    let bob = rig.claim(7, "bob");
    rig.send(7, &bob, "ann", 2);
    assert!(ann.end + (1 << 32) <= rig.waiting(6, &again)[0], "no seq is given twice");
}

fn a_claim_that_came_back_keeps_its_epoch(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    rig.leave(1, &ann, Vec::new());
    rig.now += 10_000;
    rig.flush();
    let back = rig.claim(2, "ann");
    rig.reopen();
    assert_eq!(rig.claim(3, "ann").epoch, back.epoch);
}

fn nobody_ends_while_connected(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let issued = rig.enter(1, Credential::Issue).expect("anybody may");
    rig.now += 100_000;
    rig.reopen();
    // Without a recorded end it counts as connected until the restart.
    rig.now += 9_000;
    rig.flush();
    let secret = issued.token.expect("made here");
    assert!(rig.enter(2, Credential::Token(&issued.id, &secret)).is_ok());
}

fn mail_to_nobody_waits_for_whoever_claims_the_name(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    assert_eq!(refused(&rig.send(1, &ann, "new", 1)), Some(Refusal::UnknownRecipient));
    let kept = crate::api::Append { unknown: Unknown::Keep, ..append(&ann, "new", 2) };
    assert!(accepted(&rig.ask(1, Command::Append(kept))).is_some());
    rig.reopen();
    let claimed = rig.claim(2, "new");
    assert_eq!((claimed.new, claimed.pending), (true, 1));
    assert_eq!(rig.claim_as(3, "new", Entry::default()).map(|c| c.new), Ok(false));
}

fn mail_to_a_name_that_has_ended_is_refused_by_name_and_by_handle(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.leave(2, &bob, Vec::new());
    rig.now += 10_000;
    rig.flush();
    assert_eq!(refused(&rig.send(1, &ann, "bob", 1)), Some(Refusal::UnknownRecipient));
    let to = Target::Mailbox(bob.reader.log);
    let handle = crate::api::Append { to, ..append(&ann, "", 2) };
    assert_eq!(refused(&rig.ask(1, Command::Append(handle))), Some(Refusal::UnknownRecipient));
    assert_eq!(rig.claim(3, "bob").pending, 0);
}

fn room_numbers_count_up_over_restarts(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let take = || match rig.ask(1, Command::TakeRoomNumber) {
        Answer::RoomNumber(number) => number,
        other => panic!("{other:?}"),
    };
    let first = take();
    assert!(first < take());
    let last = take();
    rig.reopen();
    assert!(matches!(rig.ask(1, Command::TakeRoomNumber), Answer::RoomNumber(n) if last < n));
}
