//! What a client does beside its mail: it joins live rooms and leaves them, talks there, and watches who comes and goes.

use super::{Client, Stage};
use crate::model::Model;
use crate::random::Random;

impl Client {
    /// It has just come in.
    pub(super) fn look_around(&mut self) {
        if self.manner.watches {
            self.watch(&["p0", "p1", "p2", "p3"]);
        }
    }

    /// Joins or leaves a room, watches or no longer watches somebody, says something in a room.
    pub(crate) fn roam(&mut self, model: &mut Model, random: &mut Random) {
        if self.stage != Stage::Here {
            return;
        }
        let room = ROOMS[random.below(2) as usize];
        match random.below(10) {
            0..3 => self.join(room),
            3 => self.leave_room(room),
            4 => self.watch_room(room),
            5 => self.watch(&[PEOPLE[random.below(4) as usize]]),
            6 => self.unwatch(PEOPLE[random.below(4) as usize]),
            _ => self.talk(room, model, random),
        }
    }

    fn join(&mut self, room: &'static str) {
        self.rooms.insert(room);
        let mark = self.mark();
        self.outgoing.push(format!(r#"{{"op":"join","ref":"{mark}","room":"{room}"}}"#));
    }

    fn leave_room(&mut self, room: &'static str) {
        self.rooms.remove(room);
        let mark = self.mark();
        self.outgoing.push(format!(r#"{{"op":"leave","ref":"{mark}","room":"{room}"}}"#));
    }

    fn watch(&mut self, ids: &[&str]) {
        let (mark, ids) = (self.mark(), ids.join(r#"",""#));
        self.outgoing.push(format!(r#"{{"op":"watch","ref":"{mark}","ids":["{ids}"]}}"#));
    }

    fn watch_room(&mut self, room: &str) {
        let mark = self.mark();
        self.outgoing.push(format!(r#"{{"op":"watch","ref":"{mark}","room":"{room}"}}"#));
    }

    fn unwatch(&mut self, id: &str) {
        let mark = self.mark();
        self.outgoing.push(format!(r#"{{"op":"unwatch","ref":"{mark}","ids":["{id}"]}}"#));
    }

    /// Says something in a room, mostly in one that it is in.
    fn talk(&mut self, room: &'static str, model: &mut Model, random: &mut Random) {
        if !self.rooms.contains(room) && !random.one_in(10) {
            return self.join(room);
        }
        let key = model.write_in_room(self.person, room, random.below(40) as usize);
        self.last_ref += 1;
        let (mark, body) = (self.last_ref, &model.letter(key).body);
        let frame = format!(r#"{{"op":"send","ref":"r{mark}","room":"{room}","body":{body}}}"#);
        self.outgoing.push(frame);
    }

    /// The live messages that it has received are processed.
    pub(super) fn acknowledge_live(&mut self) {
        if !self.live.is_empty() {
            let ids: Vec<String> = self.live.drain(..).map(|id| format!("\"{id}\"")).collect();
            self.outgoing.push(format!(r#"{{"op":"ack","ids":[{}]}}"#, ids.join(",")));
        }
    }

    /// A `ref` that no send has.
    fn mark(&mut self) -> String {
        self.last_ref += 1;
        format!("w{}", self.last_ref)
    }
}

/// Whom there may be.
const PEOPLE: [&str; 4] = ["p0", "p1", "p2", "p3"];
/// Where they meet.
const ROOMS: [&str; 2] = ["den", "hall"];
