//! Who is told what unasked.

use super::client::{Rig, append, seqs};
use super::{OpenEmpty, Test, tests};
use crate::api::{Command, Notice, SessionKey};

pub(super) const TESTS: &[Test] = tests![
    only_who_is_connected_hears_of_mail,
    one_of_several_connections_leaves,
    the_other_tab_hears_what_is_settled,
    mail_in_the_same_group_as_an_entry_is_in_its_end,
];

fn stored(notices: Vec<Notice>) -> Vec<u64> {
    let stored = notices.into_iter().filter_map(|notice| match notice {
        Notice::Stored { message, .. } => Some(message.seq),
        _ => None,
    });
    stored.collect()
}

fn only_who_is_connected_hears_of_mail(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.notices();
    rig.submit(1, 1, Command::Append(append(&ann, "bob", 1)));
    assert_eq!(stored(rig.notices()), [1]);
    rig.leave(2, &bob, Vec::new());
    rig.submit(1, 1, Command::Append(append(&ann, "bob", 2)));
    assert_eq!(rig.notices().len(), 0);
}

fn one_of_several_connections_leaves(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob, other) = (rig.claim(1, "ann"), rig.claim(2, "bob"), rig.claim(3, "bob"));
    rig.leave(2, &bob, Vec::new());
    rig.notices();
    rig.submit(1, 1, Command::Append(append(&ann, "bob", 1)));
    assert_eq!(stored(rig.notices()), [1]);
    rig.now += 100_000;
    rig.flush();
    rig.submit(1, 1, Command::Append(append(&ann, "bob", 2)));
    rig.flush();
    assert_eq!(seqs(&rig.read(3, &other)), [2], "it is still here, so it has not ended");
}

fn the_other_tab_hears_what_is_settled(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=2).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.notices();
    rig.submit(2, 1, settle(&bob, 1));
    assert_eq!(rig.notices().len(), 0, "there is no other");
    rig.claim(3, "bob");
    rig.notices();
    rig.submit(2, 1, settle(&bob, 2));
    let [Notice::Settled { reader, by, up_to, .. }] = &rig.notices()[..] else {
        panic!("one notice");
    };
    assert_eq!((*reader, *by, *up_to), (bob.reader, SessionKey(2), Some(2)));
    rig.submit(2, 1, settle(&bob, 2));
    assert_eq!(rig.notices().len(), 0, "it was settled before");
}

fn settle(who: &crate::api::Connected, up_to: u64) -> Command<'static> {
    let (reader, up_to) = (who.reader, Some(up_to));
    Command::Settle(crate::api::Settle { reader, up_to, seqs: Vec::new() })
}

fn mail_in_the_same_group_as_an_entry_is_in_its_end(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.leave(2, &bob, Vec::new());
    rig.submit(1, 1, Command::Append(append(&ann, "bob", 1)));
    let bob = rig.claim(3, "bob");
    assert_eq!((bob.end, bob.pending), (1, 1));
}
