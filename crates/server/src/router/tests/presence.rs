//! Presence between sessions by hand: what a watcher is told when it looks, and when it is woken to look.

use std::task::Waker;

use ackd_wire::limits::WATCHED_MAX;

use super::*;
use crate::session::{PresenceChange, Unwatchable, Watched};

const GRACE: Millis = 5_000;

impl Bench {
    fn with_grace() -> Self {
        let bench = Self::new();
        bench.router.switchboard().set_up_presence(GRACE, 100);
        bench
    }

    fn ask_at(&self, key: SessionKey, now: Millis, request: Request<'_>) {
        self.router.submit(key, now, &mut vec![request]);
    }

    fn watch(&self, key: SessionKey, watched: Watched) {
        self.ask(key, Request::Watch { slot: 1, watched });
    }

    /// The connection ends: rooms are left without a word.
    fn lose(&self, key: SessionKey, now: Millis, rooms: &[Room]) {
        for room in rooms {
            let (slot, room) = (ackd_engine::Tag::QUIET, room.clone());
            self.ask_at(key, now, Request::Leave { slot, room });
        }
        self.router.switchboard().close(key);
    }

    fn tick(&self, now: Millis) -> Option<Millis> {
        self.router.tick_presence(now, Waker::noop()).0
    }

    /// What a session gets when it looks as often as it is told to.
    fn look(&self, key: SessionKey, inbox: &Inbox) -> Vec<PresenceChange> {
        let mut changes = Vec::new();
        loop {
            let signals = drain(inbox);
            let is_told = signals.iter().any(|signal| matches!(signal, Signal::PresenceChanged));
            for signal in signals {
                if let Signal::Presence(page) = signal {
                    changes.extend(page);
                }
            }
            if !is_told {
                return changes;
            }
            self.ask(key, Request::Look);
        }
    }

    fn looks(&self, key: SessionKey, inbox: &Inbox) -> Vec<(String, bool)> {
        let changes = self.look(key, inbox).into_iter();
        changes.map(|change| (change.id.as_str().to_owned(), change.online)).collect()
    }
}

fn present(inbox: &Inbox) -> Vec<String> {
    let answer = drain(inbox).into_iter().find_map(|signal| match signal {
        Signal::Watching(1, present) => Some(present),
        _ => None,
    });
    let present = answer.expect("an answer").expect("it may be watched");
    present.iter().map(|id| id.as_str().to_owned()).collect()
}

fn ids(names: &[&str]) -> Watched {
    Watched::Ids(names.iter().map(|name| ClientId::parse(name).unwrap()).collect())
}

fn told(id: &str, online: bool) -> (String, bool) {
    (id.to_owned(), online)
}

#[test]
fn a_watcher_learns_who_is_here_and_then_who_comes_and_goes() {
    let bench = Bench::with_grace();
    let (ann, inbox) = bench.enter("ann", 1, DialectKind::V1);
    let (bob, _) = bench.enter("bob", 2, DialectKind::V1);
    bench.watch(ann, ids(&["carol", "bob", "bob"]));
    assert_eq!(present(&inbox), ["bob"]);
    bench.enter("carol", 3, DialectKind::V1);
    bench.enter("dave", 4, DialectKind::V1);
    assert_eq!(bench.looks(ann, &inbox), [told("carol", true)]);
    bench.lose(bob, 0, &[]);
    assert_eq!(bench.tick(GRACE - 1), Some(GRACE));
    assert_eq!(bench.looks(ann, &inbox), []);
    assert_eq!(bench.tick(GRACE), None);
    let changes = bench.look(ann, &inbox);
    assert!(matches!(&changes[..], [change] if !change.online && change.at == 0));
}

#[test]
fn a_reconnect_within_the_grace_is_told_to_nobody_and_a_second_connection_neither() {
    let bench = Bench::with_grace();
    let (ann, inbox) = bench.enter("ann", 1, DialectKind::V1);
    let (bob, _) = bench.enter("bob", 2, DialectKind::V1);
    bench.watch(ann, ids(&["bob"]));
    drain(&inbox);
    let (tab, _) = bench.enter("bob", 2, DialectKind::V1);
    bench.lose(bob, 0, &[]);
    assert_eq!(bench.tick(0), None, "the other connection is here");
    bench.lose(tab, 0, &[]);
    let (late, late_inbox) = bench.enter("late", 3, DialectKind::V1);
    bench.watch(late, ids(&["bob"]));
    assert_eq!(present(&late_inbox), ["bob"], "as everybody else believes");
    bench.enter("bob", 2, DialectKind::V1);
    assert_eq!(bench.tick(10 * GRACE), None);
    assert_eq!(bench.looks(ann, &inbox), []);
}

#[test]
fn members_of_a_room_are_told_of_each_other_with_the_room() {
    let bench = Bench::with_grace();
    let (ann, inbox) = bench.enter("ann", 1, DialectKind::V1);
    let (bob, _) = bench.enter("bob", 2, DialectKind::V1);
    bench.join(ann, &lobby());
    bench.watch(ann, Watched::Room(lobby()));
    assert_eq!(present(&inbox), ["ann"]);
    bench.join(bob, &lobby());
    let came = bench.look(ann, &inbox);
    assert_eq!(came[0].room, Some(lobby()));
    assert_eq!((came.len(), came[0].online), (1, true));
    bench.ask(bob, Request::Leave { slot: 2, room: lobby() });
    assert_eq!(bench.looks(ann, &inbox), [told("bob", false)], "at once: it was a wish");
    bench.join(bob, &lobby());
    assert_eq!(bench.looks(ann, &inbox), [told("bob", true)]);
    bench.lose(bob, 0, &[lobby()]);
    let (bob, _) = bench.enter("bob", 2, DialectKind::V1);
    bench.join(bob, &lobby());
    assert_eq!(bench.looks(ann, &inbox), [], "within the grace");
    bench.lose(bob, 0, &[lobby()]);
    bench.tick(GRACE);
    assert_eq!(bench.looks(ann, &inbox), [told("bob", false)]);
}

#[test]
fn a_member_by_another_name_is_another_member() {
    let bench = Bench::with_grace();
    let (ann, inbox) = bench.enter("ann", 1, DialectKind::V1);
    let (eve, _) = bench.enter("fresh", 2, DialectKind::Classic);
    bench.join(ann, &lobby());
    bench.join(eve, &lobby());
    bench.watch(ann, Watched::Room(lobby()));
    drain(&inbox);
    bench.deliver_entry(eve, "eve", 3);
    assert_eq!(bench.looks(ann, &inbox), [told("fresh", false), told("eve", true)]);
}

#[test]
fn leaving_a_room_ends_watching_it() {
    let bench = Bench::with_grace();
    let (ann, inbox) = bench.enter("ann", 1, DialectKind::V1);
    let (bob, _) = bench.enter("bob", 2, DialectKind::V1);
    bench.join(ann, &lobby());
    bench.watch(ann, Watched::Room(lobby()));
    bench.ask(ann, Request::Leave { slot: 2, room: lobby() });
    bench.join(bob, &lobby());
    assert_eq!(bench.looks(ann, &inbox), []);
}

#[test]
fn a_watcher_that_does_not_look_is_told_once_and_then_gets_the_newest_of_each() {
    let bench = Bench::with_grace();
    let (ann, inbox) = bench.enter("ann", 1, DialectKind::V1);
    bench.watch(ann, ids(&["bob", "carol"]));
    drain(&inbox);
    for round in 0..1000 {
        let (bob, _) = bench.enter("bob", 2, DialectKind::V1);
        bench.lose(bob, 0, &[]);
        bench.tick(GRACE * (round + 1));
    }
    bench.enter("carol", 3, DialectKind::V1);
    let told_now = drain(&inbox);
    assert!(matches!(told_now[..], [Signal::PresenceChanged]), "{told_now:?}");
    bench.ask(ann, Request::Look);
    let changes = bench.look(ann, &inbox);
    let state = |id: &str| changes.iter().filter(|c| c.id.as_str() == id).collect::<Vec<_>>();
    assert!(matches!(state("bob")[..], [change] if !change.online));
    assert!(matches!(state("carol")[..], [change] if change.online));
    assert!(changes.iter().all(|change| 100 < change.generation));
    assert_eq!(changes.iter().map(|change| change.generation).max(), Some(2101));
}

#[test]
fn many_changes_come_in_parts_and_in_order() {
    let bench = Bench::with_grace();
    let (ann, inbox) = bench.enter("ann", 1, DialectKind::V1);
    bench.join(ann, &lobby());
    bench.watch(ann, Watched::Room(lobby()));
    drain(&inbox);
    for number in 0..1000 {
        let (key, _) = bench.enter(&format!("m{number:03}"), 10 + number, DialectKind::V1);
        bench.join(key, &lobby());
    }
    let changes = bench.look(ann, &inbox);
    assert_eq!(changes.len(), 1000);
    assert!(changes.is_sorted_by_key(|change| change.generation));
}

#[test]
fn whoever_lags_behind_what_is_kept_is_told_that_it_has_missed_something() {
    let bench = Bench::with_grace();
    let (ann, inbox) = bench.enter("ann", 1, DialectKind::V1);
    bench.join(ann, &lobby());
    bench.watch(ann, Watched::Room(lobby()));
    drain(&inbox);
    for number in 0..20_000 {
        let (key, _) = bench.enter(&format!("m{number}"), 10 + number, DialectKind::V1);
        bench.join(key, &lobby());
    }
    bench.ask(ann, Request::Look);
    assert!(drain(&inbox).iter().any(|signal| matches!(signal, Signal::PresenceMissed)));
}

#[test]
fn a_connection_watches_so_many_and_a_room_has_so_many_members() {
    let bench = Bench::with_grace();
    let (ann, inbox) = bench.enter("ann", 1, DialectKind::V1);
    let name = |number: usize| ClientId::parse(&format!("m{number}")).unwrap();
    bench.watch(ann, Watched::Ids((0..WATCHED_MAX).map(name).collect()));
    assert_eq!(present(&inbox), [""; 0]);
    bench.watch(ann, ids(&["m7"]));
    assert_eq!(present(&inbox), [""; 0], "it is watched already");
    bench.watch(ann, ids(&["m7", "one more"].map(|id| id.split(' ').next().unwrap())));
    let refused = drain(&inbox);
    assert!(matches!(refused[..], [Signal::Watching(1, Err(Unwatchable::TooMany))]));
    bench.ask(ann, Request::Unwatch { slot: 2, watched: ids(&["m8"]) });
    bench.watch(ann, ids(&["one"]));
    assert!(drain(&inbox).iter().all(|signal| matches!(signal, Signal::Watching(_, Ok(_)))));
    for number in 0..4_097 {
        let (key, _) = bench.enter(&format!("r{number}"), 10 + number, DialectKind::V1);
        bench.join(key, &lobby());
    }
    bench.watch(ann, Watched::Room(lobby()));
    let refused = drain(&inbox);
    assert!(matches!(refused[..], [Signal::Watching(1, Err(Unwatchable::TooLarge))]));
}

#[test]
fn nothing_is_kept_of_what_nobody_watches_any_more() {
    let bench = Bench::with_grace();
    let (ann, inbox) = bench.enter("ann", 1, DialectKind::V1);
    let (bob, _) = bench.enter("bob", 2, DialectKind::V1);
    bench.watch(ann, ids(&["bob"]));
    drain(&inbox);
    bench.lose(bob, 0, &[]);
    bench.lose(ann, 0, &[]);
    assert_eq!(bench.tick(0), None, "nobody waits for bob");
}
