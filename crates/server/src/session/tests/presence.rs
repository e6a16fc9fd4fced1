//! Watching: what is asked of the router, and what the client is told.

use ackd_wire::{Ref, Room};

use super::*;

fn watch(watched: Watched) -> Command<'static> {
    Command::Watch { r#ref: Some(Ref::parse("w").unwrap()), watched }
}

fn ann() -> ClientId {
    ClientId::parse("ann").unwrap()
}

fn lobby() -> Room {
    Room::parse("lobby").unwrap()
}

#[test]
fn the_answer_says_who_is_here_and_echoes_the_ref() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.command(watch(Watched::Ids(vec![ann()])));
    let [Request::Watch { slot, watched }] = &driver.requests[..] else {
        panic!("{:?}", driver.requests)
    };
    assert_eq!(*watched, Watched::Ids(vec![ann()]));
    driver.signal(Signal::Watching(*slot, Ok(vec![ann()])));
    let [Event::Watching { r#ref: Some(mark), present }] = &driver.events[..] else {
        panic!("{:?}", driver.events)
    };
    assert_eq!((mark.as_str(), &present[..]), ("w", &[ann()][..]));
}

#[test]
fn a_room_is_watched_by_its_members_only() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.command(watch(Watched::Room(lobby())));
    assert_eq!(driver.codes(), ["not_a_member"]);
    driver.command(Command::Join { r#ref: None, room: lobby(), durable: None });
    driver.command(watch(Watched::Room(lobby())));
    assert!(matches!(driver.requests[..], [Request::Watch { .. }]));
}

#[test]
fn what_cannot_be_watched_is_forbidden() {
    for unwatchable in [Unwatchable::TooMany, Unwatchable::TooLarge] {
        let mut driver = Driver::connected(1, 0, 0);
        driver.command(watch(Watched::Ids(vec![ann()])));
        let [Request::Watch { slot, .. }] = driver.requests[..] else { panic!("no request") };
        driver.signal(Signal::Watching(slot, Err(unwatchable)));
        assert_eq!(driver.codes(), ["forbidden"]);
    }
}

#[test]
fn changes_are_asked_for_and_passed_on_in_order() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.signal(Signal::PresenceChanged);
    assert!(matches!(driver.requests[..], [Request::Look]));
    let change =
        |generation| PresenceChange { id: ann(), online: true, generation, at: 1, room: None };
    driver.signal(Signal::Presence(vec![change(4), change(7)]));
    let told = driver.events.iter().map(|event| match event {
        Event::Presence(change) => change.generation,
        other => panic!("{other:?}"),
    });
    assert_eq!(told.collect::<Vec<_>>(), [4, 7]);
}

#[test]
fn whoever_has_missed_something_comes_back() {
    let mut driver = Driver::connected(1, 0, 0);
    driver.signal(Signal::PresenceMissed);
    assert!(matches!(driver.events[..], [Event::Close(CloseCode::Overloaded)]));
    assert!(driver.session.is_over());
}
