//! A day, and the quiet ones after it: identities come and go, mail is read or expires, outboxes fall out of use; in the end
//! nothing is left, and the space is given back.

use ackd_engine::{Command, Connected, Credential, Disconnect, Limits, Settings, SimDisk, Tag};
use ackd_wire::{ClientId, Token};

use crate::rig::{Rig, accepted, append, limits, settings};

/// Somebody who was given an identity, and may come back.
struct Person {
    id: ClientId,
    token: Token,
    /// The last number of its outbox.
    sent: u64,
}

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

fn settings_of_a_day() -> Settings {
    let limits = Limits {
        identity_ttl_ms: 12 * HOUR_MS,
        message_ttl_ms: 6 * HOUR_MS,
        dedup_window_ms: 8 * HOUR_MS,
        ..limits()
    };
    Settings { limits, ..settings() }
}

fn leave(rig: &Rig, who: &Connected) {
    let (identity, reader, outbox) = (who.identity, who.reader, who.outbox);
    let leave = Disconnect { identity, reader, outbox, unacked: Vec::new() };
    rig.submit(1, Tag::QUIET, Command::Disconnect(leave));
}

/// Somebody new comes, writes to some who came before, and goes. How many messages were accepted.
fn come(rig: &Rig, people: &mut Vec<Person>, step: usize) -> usize {
    let entry = rig.enter(1, Credential::Issue).expect("anybody may come");
    let token = entry.token.clone().expect("the engine made one");
    let mut person = Person { id: entry.id.clone(), token, sent: 0 };
    let body = format!("\"{}\"", "x".repeat(400 + step % 300));
    let mut stored = 0;
    for back in 1..=3 {
        let Some(to) = people.len().checked_sub(back * 7 + step % 40) else { continue };
        let to = people[to].id.to_string();
        person.sent += 1;
        let sent = Command::Append(append(&entry, &to, person.sent, body.as_bytes()));
        stored += usize::from(accepted(&rig.ask(1, sent)).is_some());
    }
    leave(rig, &entry);
    people.push(person);
    stored
}

/// Somebody from before comes back and reads half of what waits. How many messages that is.
fn return_and_read(rig: &Rig, person: &Person) -> usize {
    let Ok(entry) = rig.enter(1, Credential::Token(&person.id, &person.token)) else { return 0 };
    let messages = rig.read(1, &entry);
    let half = messages.len().div_ceil(2);
    if let Some(last) = messages[..half].last() {
        rig.settle(1, &entry, Some(last.message.seq), &[]);
    }
    leave(rig, &entry);
    half
}

#[test]
fn after_a_day_of_mail_and_some_quiet_ones_nothing_is_left_and_the_space_is_back() {
    let disk = SimDisk::default();
    let mut rig = Rig::with(settings_of_a_day(), disk, 1, 1000).unwrap();
    let (mut people, mut stored, mut read, mut most) = (Vec::new(), 0, 0, 0);
    for step in 0..288 {
        rig.now += 5 * MINUTE_MS;
        for _ in 0..5 {
            stored += come(&rig, &mut people, step);
        }
        for back in [20, 90, 300] {
            let person = people.len().checked_sub(back).and_then(|place| people.get(place));
            read += person.map_or(0, |person| return_and_read(&rig, person));
        }
        rig.engine.tick(rig.now);
        rig.take();
        most = most.max(rig.disk.used() + rig.archived_bytes());
        if step % 100 == 99 {
            rig.engine.audit().unwrap();
            rig = rig.reopen();
        }
    }
    assert!(2_000 < stored && 200 < read, "{stored} stored, {read} read");
    let stats = rig.engine.stats();
    assert!(stats.identities < people.len(), "the first of the day have ended");
    assert!(0 < stats.messages && 0 < stats.outboxes);
    for _ in 0..2 * 288 {
        rig.now += 5 * MINUTE_MS;
        rig.engine.tick(rig.now);
    }
    rig.engine.audit().unwrap();
    let stats = rig.engine.stats();
    assert_eq!((stats.identities, stats.outboxes, stats.messages, stats.bytes), (0, 0, 0, 0));
    let (segments, archived) = (rig.disk.used() / rig.segment_bytes(), rig.archived_bytes());
    assert!(segments <= 3, "{segments} segments are left of {most} bytes");
    assert!(archived < 1_000, "{archived} bytes are left in the archive");
    let rig = rig.reopen();
    assert_eq!(rig.engine.stats().identities, 0, "and it stays so");
}
