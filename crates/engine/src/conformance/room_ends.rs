//! What a durable room keeps: as many messages and bytes as it may, each for its time; the oldest end first, and whoever
//! lags behind learns it.

use ackd_wire::Seq;
use ackd_wire::v1::EndReason;

use super::client::{Rig, accepted, seqs};
use super::team::{back, full, join, key, page, part, say, settle, to_team, waiting};
use super::{OpenEmpty, Test, tests};
use crate::api::{Append, Command, Lost, ReadRoom};

pub(super) const TESTS: &[Test] = tests![
    too_many_messages_end_the_oldest,
    too_many_bytes_end_the_oldest,
    what_is_over_is_lost_to_whoever_lags,
    what_ended_stays_ended,
    a_page_stops_at_its_limits_and_goes_on_behind,
];

fn too_many_messages_end_the_oldest(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    join(&rig, 1, &ann);
    let place = join(&rig, 2, &bob);
    (1..=3).for_each(|n| drop(say(&rig, 1, &ann, n)));
    settle(&rig, 2, (&bob, &place), Some(1), &[3]);
    (4..=14).for_each(|n| drop(say(&rig, 1, &ann, n)));
    let page_ = page(&rig, 2, &bob, &place, 0);
    assert_eq!(page_.lost, [full(2, 2), full(4, 6)]);
    assert_eq!(seqs(&page_.messages), (7..=14).collect::<Vec<_>>());
    assert_eq!((page_.read_to, page_.end), (14, 14));
    rig.reopen();
    let (bob, place) = back(&rig, 2, "bob");
    let page = page(&rig, 2, &bob, &place, 0);
    assert_eq!((page.lost, page.messages.len()), (vec![full(2, 2), full(4, 6)], 8));
    settle(&rig, 2, (&bob, &place), Some(6), &[]);
    assert_eq!(waiting(&rig, 2, &bob, &place), (7..=14).collect::<Vec<_>>());
}

fn too_many_bytes_end_the_oldest(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    join(&rig, 1, &ann);
    let place = join(&rig, 2, &bob);
    for (n, bytes) in [(1, 800), (2, 800), (3, 800), (4, 2_500)] {
        assert!(
            accepted(&rig.ask(1, Command::Append(to_team(&ann, n, &vec![b'7'; bytes])))).is_some()
        );
        let expected: &[Seq] = [&[1][..], &[1, 2], &[2, 3], &[4]][n as usize - 1];
        assert_eq!(waiting(&rig, 2, &bob, &place), expected, "the newest is always kept");
    }
}

fn what_is_over_is_lost_to_whoever_lags(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    join(&rig, 1, &ann);
    let place = join(&rig, 2, &bob);
    for (n, ttl) in [(1, 100), (2, 5_000), (3, 100), (4, 100), (5, 5_000)] {
        rig.ask(1, Command::Append(Append { ttl_ms: Some(ttl), ..to_team(&ann, n, b"1") }));
    }
    let expired = |from, to| Lost { from, to, reason: EndReason::Expired };
    rig.now += 100;
    let before = page(&rig, 2, &bob, &place, 0);
    assert_eq!(
        (before.lost, seqs(&before.messages)),
        (vec![expired(1, 1), expired(3, 4)], vec![2, 5])
    );
    rig.now += 6_000;
    rig.flush();
    let after = page(&rig, 2, &bob, &place, 0);
    assert_eq!((after.lost, seqs(&after.messages)), (vec![expired(1, 5)], vec![]));
    assert_eq!((after.read_to, after.end), (5, 5));
}

fn what_ended_stays_ended(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    join(&rig, 1, &ann);
    join(&rig, 2, &bob);
    (1..=4).for_each(|n| drop(say(&rig, 1, &ann, n)));
    rig.now += 6_000;
    rig.reopen();
    let (bob, place) = back(&rig, 2, "bob");
    let expired = Lost { from: 1, to: 4, reason: EndReason::Expired };
    assert_eq!(page(&rig, 2, &bob, &place, 0).lost, [expired]);
    let ann = rig.claim(1, "ann");
    say(&rig, 1, &ann, 5);
    assert_eq!(waiting(&rig, 2, &bob, &place), [5], "numbering goes on");
}

fn a_page_stops_at_its_limits_and_goes_on_behind(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    join(&rig, 1, &ann);
    let place = join(&rig, 2, &bob);
    (1..=10).for_each(|n| drop(say(&rig, 1, &ann, n)));
    let member = key(&bob, &place);
    let mut read = ReadRoom { member, after: 0, messages: 3, bytes: 1 << 20 };
    let mut told = Vec::new();
    while read.after < 10 {
        let page = part(&rig, 2, read);
        assert!(page.messages.len() + page.lost.len() <= 3 && read.after < page.read_to);
        told.extend(page.lost.iter().map(|lost| (lost.from, lost.to)));
        told.extend(seqs(&page.messages).iter().map(|seq| (*seq, *seq)));
        read.after = page.read_to;
    }
    let mut expected = vec![(1, 2)];
    expected.extend((3..=10).map(|seq| (seq, seq)));
    assert_eq!(told, expected);
    let small = ReadRoom { member, after: 4, messages: 100, bytes: 1 };
    assert_eq!(seqs(&part(&rig, 2, small).messages), [5]);
}
