//! Messages end with their time, and whoever had not read them is told where they stood.

use ackd_wire::v1::EndReason::Expired;

use super::client::{Entry, Rig, append, page, refused, seqs};
use super::{OpenEmpty, Test, tests};
use crate::api::{Answer, Append, Command, Connected, Notice, Read, SessionKey, Unknown};

pub(super) const TESTS: &[Test] = tests![
    what_has_expired_is_lost_where_it_stood,
    what_has_expired_makes_room,
    an_ack_beyond_settles_what_was_lost,
    an_ack_inside_shortens_what_was_lost,
    each_device_is_told_unless_it_had_the_message,
    what_was_lost_takes_a_place_of_the_page,
    a_place_in_flight_is_free_when_its_message_ends,
    mail_to_nobody_ends_too,
    a_life_is_at_most_the_limit,
];

/// Sends with a life of so long, or of the limit's length.
fn send(rig: &Rig, from: &Connected, n: u64, ttl_ms: Option<u64>) -> Answer {
    rig.ask(1, Command::Append(Append { ttl_ms, ..append(from, "bob", n) }))
}

fn what_has_expired_is_lost_where_it_stood(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.leave(2, &bob, Vec::new());
    for (n, ttl_ms) in [(1, None), (2, Some(100)), (3, Some(100)), (4, None), (5, Some(200))] {
        send(&rig, &ann, n, ttl_ms);
    }
    rig.now += 100;
    let bob = rig.claim(2, "bob");
    assert_eq!(rig.lost(2, &bob), [(2, 3, Expired)]);
    assert_eq!(rig.waiting(2, &bob), [1, 4, 5]);
    rig.now += 99;
    rig.reopen();
    let bob = rig.claim(2, "bob");
    assert_eq!(bob.pending, 2, "what was lost does not count");
    assert_eq!(rig.lost(2, &bob), [(2, 3, Expired), (5, 5, Expired)]);
    assert_eq!(rig.waiting(2, &bob), [1, 4]);
    let ann = rig.claim(1, "ann");
    assert_eq!(send(&rig, &ann, 2, None).is_dup(), Some(true), "its number is still known");
}

fn what_has_expired_makes_room(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=12).for_each(|n| drop(send(&rig, &ann, n, Some(100))));
    assert!(refused(&send(&rig, &ann, 13, None)).is_some(), "the sender's share is full");
    rig.now += 100;
    rig.flush();
    assert!(refused(&send(&rig, &ann, 14, None)).is_none());
    assert_eq!(rig.waiting(2, &bob), [13]);
}

fn an_ack_beyond_settles_what_was_lost(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=3).for_each(|n| drop(send(&rig, &ann, n, Some(100))));
    send(&rig, &ann, 4, None);
    rig.now += 100;
    rig.flush();
    rig.settle(2, &bob, None, &[4]);
    assert_eq!(rig.lost(2, &bob), [(1, 3, Expired)], "nobody has acknowledged them");
    rig.settle(2, &bob, Some(3), &[]);
    assert_eq!(rig.lost(2, &bob), []);
    rig.reopen();
    let bob = rig.claim(2, "bob");
    assert_eq!((bob.acked, rig.lost(2, &bob)), (4, vec![]));
}

fn an_ack_inside_shortens_what_was_lost(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=4).for_each(|n| drop(send(&rig, &ann, n, Some(100))));
    rig.now += 100;
    rig.flush();
    rig.settle(2, &bob, Some(2), &[]);
    assert_eq!(rig.lost(2, &bob), [(3, 4, Expired)]);
}

fn each_device_is_told_unless_it_had_the_message(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    let phone = Entry { device: "phone", outbox: "", acked: None };
    let phone = rig.claim_as(3, "bob", phone).expect("a second device");
    (1..=2).for_each(|n| drop(send(&rig, &ann, n, Some(100))));
    rig.settle(2, &bob, None, &[1]);
    rig.now += 100;
    assert_eq!(rig.lost(2, &bob), [(2, 2, Expired)]);
    assert_eq!(rig.lost(3, &phone), [(1, 2, Expired)]);
    rig.settle(2, &bob, Some(2), &[]);
    assert_eq!(rig.lost(2, &bob), []);
    rig.reopen();
    let phone = Entry { device: "phone", outbox: "", acked: None };
    let phone = rig.claim_as(3, "bob", phone).expect("it is known");
    assert_eq!(rig.lost(3, &phone), [(1, 2, Expired)]);
}

fn what_was_lost_takes_a_place_of_the_page(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    for n in 1..=6 {
        send(&rig, &ann, n, (n % 3 != 1).then_some(100));
    }
    rig.now += 100;
    // 1, 2 to 3 lost, 4, 5 to 6 lost.
    let read = |after, messages| {
        let read = Read { reader: bob.reader, after, messages, bytes: u32::MAX };
        match rig.ask(2, Command::Read(read)) {
            Answer::Page { messages, lost, read_to, .. } => {
                let lost: Vec<_> = lost.iter().map(|lost| (lost.from, lost.to)).collect();
                (seqs(&messages), lost, read_to)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(read(0, 1), (vec![1], vec![], 1));
    assert_eq!(read(1, 1), (vec![], vec![(2, 3)], 3));
    assert_eq!(read(0, 3), (vec![1, 4], vec![(2, 3)], 4));
    assert_eq!(read(4, 3), (vec![], vec![(5, 6)], 6));
    assert_eq!(read(0, 9), (vec![1, 4], vec![(2, 3), (5, 6)], 6));
}

fn a_place_in_flight_is_free_when_its_message_ends(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    send(&rig, &ann, 1, Some(100));
    rig.notices();
    rig.now += 100;
    let fetch = Command::Fetch { reader: bob.reader, seqs: vec![1] };
    rig.submit(2, 1, fetch);
    rig.flush();
    let notices = rig.notices();
    let freed = notices.iter().any(|notice| {
        matches!(notice, Notice::Settled { reader, by: SessionKey::NOBODY, seqs, .. }
            if *reader == bob.reader && seqs == &[1])
    });
    assert!(freed, "{notices:?}");
    let fetch = Command::Fetch { reader: bob.reader, seqs: vec![1] };
    assert_eq!(page(rig.ask(2, fetch)).0.len(), 0);
}

fn mail_to_nobody_ends_too(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    for (n, ttl_ms) in [(1, Some(100)), (2, None)] {
        let send = Append { ttl_ms, unknown: Unknown::Keep, ..append(&ann, "bob", n) };
        assert!(refused(&rig.ask(1, Command::Append(send))).is_none());
    }
    rig.now += 100;
    rig.flush();
    let bob = rig.claim(2, "bob");
    assert_eq!((rig.waiting(2, &bob), rig.lost(2, &bob)), (vec![2], vec![(1, 1, Expired)]));
}

fn a_life_is_at_most_the_limit(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    send(&rig, &ann, 1, Some(u64::MAX));
    send(&rig, &ann, 2, None);
    rig.now += 4_999;
    assert_eq!(rig.waiting(2, &bob), [1, 2]);
    rig.now += 1;
    assert_eq!(rig.lost(2, &bob), [(1, 2, Expired)]);
    assert_eq!(rig.waiting(2, &bob), Vec::<u64>::new());
}

impl Answer {
    fn is_dup(&self) -> Option<bool> {
        super::client::accepted(self).map(|(_, dup)| dup)
    }
}
