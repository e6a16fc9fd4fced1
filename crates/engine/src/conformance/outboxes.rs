//! Outboxes come and go: nobody is locked out by those that nothing depends on, and what was sent stays known.

use super::client::{Entry, Rig, accepted};
use super::{OpenEmpty, Test, tests};
use crate::api::{Connected, Refusal};

pub(super) const TESTS: &[Test] = tests![
    outboxes_that_took_nothing_do_not_count,
    too_many_outboxes_are_refused_until_one_is_forgotten,
    a_forgotten_outbox_that_comes_back_begins_anew_and_stays_so,
];

fn enter(rig: &Rig, session: u64, outbox: &str) -> Result<Connected, Refusal> {
    rig.claim_as(session, "ann", Entry { outbox, ..Entry::default() })
}

/// Enters, sends number 1 to Bob, leaves. Whether it was a repeat.
fn use_once(rig: &Rig, session: u64, outbox: &str) -> Result<bool, Refusal> {
    let ann = enter(rig, session, outbox)?;
    let (_, dup) = accepted(&rig.send(session, &ann, "bob", 1)).expect("Bob has room");
    rig.leave(session, &ann, Vec::new());
    Ok(dup)
}

fn outboxes_that_took_nothing_do_not_count(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    for session in 1..20 {
        let ann = enter(&rig, session, &format!("o{session}")).expect("none was used");
        rig.leave(session, &ann, Vec::new());
    }
}

fn too_many_outboxes_are_refused_until_one_is_forgotten(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    rig.claim(99, "bob");
    let here = rig.claim_as(98, "ann", Entry { outbox: "", ..Entry::default() });
    assert!(here.is_ok(), "Ann stays, so that she does not end");
    for outbox in ["a", "b", "c", "d"] {
        assert_eq!(use_once(&rig, 1, outbox), Ok(false));
        rig.now += 1;
    }
    assert!(matches!(use_once(&rig, 1, "e"), Err(Refusal::Forbidden(_))));
    assert_eq!(use_once(&rig, 1, "a"), Ok(true), "a known one gets in");
    rig.now += 49_998;
    assert_eq!(use_once(&rig, 1, "e"), Ok(false), "b is forgotten");
}

fn a_forgotten_outbox_that_comes_back_begins_anew_and_stays_so(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    rig.claim(99, "bob");
    let here = rig.claim_as(98, "ann", Entry { outbox: "", ..Entry::default() });
    assert!(here.is_ok());
    let ann = enter(&rig, 1, "a").expect("it is its own");
    for n in 1..=5 {
        assert!(accepted(&rig.send(1, &ann, "bob", n)).is_some());
    }
    rig.leave(1, &ann, Vec::new());
    rig.now += 60_000;
    assert_eq!(use_once(&rig, 1, "a"), Ok(false), "it is not known any more");
    rig.reopen();
    let ann = enter(&rig, 1, "a").expect("it is its own");
    assert_eq!(ann.sent, 1, "the forgotten one does not come back");
    assert_eq!(accepted(&rig.send(1, &ann, "bob", 2)).map(|(_, dup)| dup), Some(false));
}
