//! Presence: who watches whom, what they were told, and whether it was so.

use std::collections::{BTreeMap, BTreeSet};

use ackd_server::session::{Command, Watched as Subject};
use ackd_wire::v1::{PresenceFrame, ServerFrame};
use ackd_wire::{ErrorCode, Millis};

use super::Model;
use crate::server::PRESENCE_GRACE_MS;
use crate::violation::Promise;

/// All that was told, by generation: room, who, whether here, since when.
#[derive(Debug, Default)]
pub(super) struct Told {
    changes: BTreeMap<u64, (Option<String>, String, bool, Millis)>,
    /// The highest generation of earlier lives of the server.
    before: u64,
}

/// What a connection has asked of rooms and presence.
#[derive(Debug)]
pub(super) enum Asked {
    Join(String),
    Leave(String),
    Watch(Vec<String>),
    Unwatch(Vec<String>),
    /// And whether it is a member of the room.
    WatchRoom(String, bool),
    UnwatchRoom(String),
}

/// Whom a connection watches: the last state of each, and its generation.
#[derive(Debug, Default)]
pub(super) struct Watched {
    ids: BTreeMap<String, (bool, u64)>,
    rooms: BTreeMap<String, BTreeMap<String, (bool, u64)>>,
}

impl Told {
    /// Generations of a later life are above all of this one.
    pub(super) fn server_ended(&mut self) {
        self.before = self.changes.last_key_value().map_or(self.before, |(last, _)| *last);
    }
}

impl Model {
    /// A session hears of rooms or presence.
    pub(super) fn heard_roaming(&mut self, connection: u64, command: &Command<'_>) {
        let Some(talk) = self.talks.get_mut(&connection) else { return };
        let texts = |ids: &[ackd_wire::ClientId]| ids.iter().map(ToString::to_string).collect();
        let (mark, asked) = match command {
            Command::Join { r#ref, room, .. } => {
                talk.rooms.insert(room.as_str().to_owned());
                (r#ref, Asked::Join(room.as_str().to_owned()))
            }
            Command::Leave { r#ref, room } => {
                talk.rooms.remove(room.as_str());
                (r#ref, Asked::Leave(room.as_str().to_owned()))
            }
            Command::Watch { r#ref, watched: Subject::Ids(ids) } => {
                (r#ref, Asked::Watch(texts(ids)))
            }
            Command::Unwatch { r#ref, watched: Subject::Ids(ids) } => {
                (r#ref, Asked::Unwatch(texts(ids)))
            }
            Command::Watch { r#ref, watched: Subject::Room(room) } => {
                let is_in = talk.rooms.contains(room.as_str());
                (r#ref, Asked::WatchRoom(room.as_str().to_owned(), is_in))
            }
            Command::Unwatch { r#ref, watched: Subject::Room(room) } => {
                (r#ref, Asked::UnwatchRoom(room.as_str().to_owned()))
            }
            _ => return,
        };
        if let Some(mark) = mark {
            talk.asked.insert(mark.as_str().to_owned(), asked);
        }
    }

    /// What a session says of rooms and presence.
    pub(super) fn said_roaming(&mut self, connection: u64, frame: &ServerFrame<'_>) {
        let wrong = match frame {
            ServerFrame::Joined(frame) => {
                let (mark, room) = (frame.r#ref.as_deref(), &*frame.room);
                let asked = self.answered(connection, mark);
                let right = matches!(&asked, Some(Asked::Join(asked)) if asked == room);
                (!right || frame.members == 0).then(|| format!("{asked:?} was asked"))
            }
            ServerFrame::Left { r#ref, room } => {
                let asked = self.answered(connection, r#ref.as_deref());
                let right = matches!(&asked, Some(Asked::Leave(asked)) if *asked == **room);
                if let Some(talk) = self.talks.get_mut(&connection) {
                    talk.watched.rooms.remove(&**room);
                }
                (!right).then(|| format!("{asked:?} was asked"))
            }
            ServerFrame::Watching { r#ref, present } => {
                let present = present.iter().map(ToString::to_string).collect();
                self.said_watching(connection, r#ref.as_deref(), &present)
            }
            ServerFrame::Presence(frame) => self.said_presence(connection, frame),
            _ => None,
        };
        if let Some(what) = wrong {
            self.broken(Promise::Presence, format!("#{connection} {frame:?}: {what}"));
        }
    }

    /// Something of rooms or presence is refused.
    pub(super) fn refused_roaming(&mut self, connection: u64, mark: &str, code: ErrorCode) {
        let asked = self.answered(connection, Some(mark));
        let right = matches!(asked, Some(Asked::WatchRoom(_, false)));
        if !right || code != ErrorCode::NotAMember {
            let what = format!("#{connection} {code} is no answer to {asked:?}");
            self.broken(Promise::Presence, what);
        }
    }

    fn answered(&mut self, connection: u64, mark: Option<&str>) -> Option<Asked> {
        self.talks.get_mut(&connection)?.asked.remove(mark?)
    }

    fn said_watching(
        &mut self,
        connection: u64,
        mark: Option<&str>,
        present: &BTreeSet<String>,
    ) -> Option<String> {
        let Some(asked) = self.answered(connection, mark) else {
            return Some("nobody asked".into());
        };
        let newest = self.presence.changes.last_key_value().map_or(0, |(last, _)| *last);
        let watched = &mut self.talks.get_mut(&connection)?.watched;
        match asked {
            Asked::Watch(ids) => {
                let strange = present.iter().find(|id| !ids.contains(id)).cloned();
                for id in ids {
                    let before = watched.ids.get(&id).map_or(0, |(_, generation)| *generation);
                    let is_here = present.contains(&id);
                    watched.ids.insert(id, (is_here, before));
                }
                strange.map(|id| format!("{id} was not asked about"))
            }
            Asked::Unwatch(ids) => {
                watched.ids.retain(|id, _| !ids.contains(id));
                (!present.is_empty()).then(|| "an unwatch tells nothing".into())
            }
            Asked::WatchRoom(room, is_in) => {
                let here = present.iter().map(|id| (id.clone(), (true, 0))).collect();
                watched.rooms.insert(room, here);
                (!is_in).then(|| format!("it is no member ({newest})"))
            }
            Asked::UnwatchRoom(room) => {
                watched.rooms.remove(&room);
                None
            }
            Asked::Join(_) | Asked::Leave(_) => Some("that is no watch".into()),
        }
    }

    fn said_presence(&mut self, connection: u64, frame: &PresenceFrame<'_>) -> Option<String> {
        self.figures.presence += 1;
        let (now, generation, online) = (self.now, frame.generation, frame.online);
        let room = frame.room.as_deref();
        let Told { changes, before } = &mut self.presence;
        if generation <= *before {
            return Some(format!("an earlier life of the server was at {before}"));
        }
        let change = (room.map(str::to_owned), frame.id.to_string(), online, frame.at);
        let known = changes.entry(generation).or_insert_with(|| change.clone());
        if *known != change {
            return Some(format!("others were told {known:?}"));
        }
        let watched = &mut self.talks.get_mut(&connection)?.watched;
        let states = match room {
            None => Some(&mut watched.ids).filter(|ids| ids.contains_key(&*frame.id)),
            Some(room) => watched.rooms.get_mut(room),
        };
        let Some(states) = states else { return Some("nobody watches that".into()) };
        let last = states.insert(frame.id.to_string(), (online, generation));
        if let Some((_, last)) = last.filter(|(_, last)| generation <= *last) {
            return Some(format!("generation {last} was told before"));
        }
        let early = !online && room.is_none() && now < frame.at + PRESENCE_GRACE_MS;
        (early || now < frame.at).then(|| format!("it is only {now}"))
    }

    /// Nothing has changed for a while: everybody who watches was told last what is so.
    pub(crate) fn presence_is_true(&mut self) {
        let mut here = BTreeSet::new();
        let mut members = BTreeMap::<&str, BTreeSet<&str>>::new();
        for talk in self.talks.values().filter(|talk| talk.entered && !talk.parted) {
            let id = self.people[talk.person].id.as_str();
            here.insert(id);
            for room in &talk.rooms {
                members.entry(room).or_default().insert(id);
            }
        }
        let mut wrong = None;
        for (connection, talk) in self.talks.iter().filter(|(_, talk)| !talk.parted) {
            let told = talk.watched.ids.iter();
            let mut false_ids = told.filter(|(id, told)| told.0 != here.contains(id.as_str()));
            if let Some((id, told)) = false_ids.next() {
                wrong = Some(format!("#{connection} was told last of {id}: {told:?}"));
            }
            for (room, told) in &talk.watched.rooms {
                let present = told.iter().filter(|(_, told)| told.0);
                let present: BTreeSet<&str> = present.map(|(id, _)| id.as_str()).collect();
                if present != members.get(room.as_str()).cloned().unwrap_or_default() {
                    wrong = Some(format!("#{connection} was told that {present:?} are in {room}"));
                }
            }
        }
        if let Some(what) = wrong {
            self.broken(Promise::Presence, format!("{what}; here are {here:?}, in {members:?}"));
        }
    }
}
