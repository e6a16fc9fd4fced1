//! The secret changes; the old one lives until the new one is used.

use super::client::{Entry, Rig, id, refused, token};
use super::{OpenEmpty, Test, tests};
use crate::api::{Answer, Command, Connected, Credential, IdentityKey, Refusal};

pub(super) const TESTS: &[Test] = tests![
    the_old_secret_lives_until_the_new_one_is_used,
    an_entry_that_is_refused_uses_no_secret,
    nobody_elses_secret_changes,
];

fn enter(rig: &Rig, session: u64, secret: &str) -> Result<Connected, Refusal> {
    rig.enter(session, Credential::Token(&id("ann"), &token(secret)))
}

fn rotate(rig: &Rig, ann: &Connected) {
    let command = Command::Rotate { identity: ann.identity, token: token("new").hash() };
    assert!(matches!(rig.ask(1, command), Answer::Done));
}

fn the_old_secret_lives_until_the_new_one_is_used(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    rotate(&rig, &ann);
    rig.reopen();
    assert!(enter(&rig, 2, "ann").is_ok());
    assert!(enter(&rig, 3, "new").is_ok());
    assert_eq!(enter(&rig, 4, "ann").err(), Some(Refusal::Unauthorized));
    rig.reopen();
    assert_eq!(enter(&rig, 4, "ann").err(), Some(Refusal::Unauthorized));
    assert!(enter(&rig, 5, "new").is_ok());
}

fn an_entry_that_is_refused_uses_no_secret(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    rotate(&rig, &ann);
    for device in ["a", "b"] {
        let known = Credential::Token(&id("ann"), &token("ann"));
        assert!(rig.enter_as(2, known, Entry { device, ..Entry::default() }).is_ok());
    }
    let (ann, new) = (id("ann"), token("new"));
    let entry = Entry { device: "one-too-many", ..Entry::default() };
    let refused = rig.enter_as(3, Credential::Token(&ann, &new), entry).err();
    assert!(matches!(refused, Some(Refusal::Forbidden(_))));
    assert!(enter(&rig, 4, "ann").is_ok(), "the new one was not used");
}

fn nobody_elses_secret_changes(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let stale = Command::Rotate { identity: IdentityKey(u64::MAX), token: token("new").hash() };
    assert_eq!(refused(&rig.ask(1, stale)), Some(Refusal::UnknownIdentity));
}
