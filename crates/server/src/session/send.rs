//! Passing a message on: which way it goes (stored before it is accepted, or from memory), and what speaks against it.
//! The number of a numbered send is looked up before any other check, so refusals found here travel with it.

use ackd_engine::{OutboxKey, Recipient, Refusal, Unknown};
use ackd_wire::{ErrorCode, MessageId, Millis, Ref, Room};

use super::open::{Held, Open};
use super::refusal::error;
use super::state::{Output, Session};
use super::{Append, Audience, Destination, ErrorEvent, Event, Persist, Publish, Request, Send};

impl Session {
    pub(super) fn send<'a>(&mut self, now: Millis, send: Send<'a>, out: &mut Output<'a>) {
        let outbox = self.live().and_then(|live| live.outbox);
        let number = match (send.n, outbox) {
            (Some(n), Some(outbox)) => Some((outbox, n)),
            (None, _) => None,
            (Some(n), None) => return out.events.push(no_outbox(send.r#ref, n)),
        };
        let refusal = self.objection(&send);
        if let (Some(refusal), None) = (refusal, number) {
            return out.events.push(error(send.r#ref, send.n, refusal));
        }
        let persist = send.persist;
        match (&send.to, persist) {
            (Destination::Id(_), None | Some(Persist::Accept | Persist::Miss)) => {
                self.append(send, number, refusal, out);
            }
            (Destination::Room(_), None | Some(Persist::Accept | Persist::Miss)) => {
                self.append_to_room(send, (number, refusal), out);
            }
            (Destination::IdOrRoom(..), _) => self.append_or_publish(send, out),
            (Destination::Id(_), Some(persist)) => {
                self.pass(now, send, persist, (number, refusal), out);
            }
            (_, persist) => {
                let persist = persist.unwrap_or(Persist::Miss);
                self.pass(now, send, persist, (number, refusal), out);
            }
        }
    }

    /// What speaks against a send, as far as the session knows.
    fn objection(&self, send: &Send<'_>) -> Option<Refusal> {
        if self.rules.max_message < send.body.len() {
            return Some(Refusal::TooLarge);
        }
        match &send.to {
            Destination::All if !self.rules.allow_all => {
                Some(Refusal::Forbidden("sending to `all` is off on this server"))
            }
            Destination::Room(room) if !self.rooms.contains(room) => Some(Refusal::NotAMember),
            Destination::All if send.persist == Some(Persist::Accept) => {
                Some(Refusal::Forbidden("`all` takes persist `miss` or `never`"))
            }
            _ => None,
        }
    }

    fn append<'a>(
        &mut self,
        send: Send<'a>,
        number: Option<(OutboxKey, u64)>,
        refusal: Option<Refusal>,
        out: &mut Output<'a>,
    ) {
        let Some(sender) = self.live().map(|live| live.identity) else { return };
        let Destination::Id(to) = send.to else { return };
        let keep = self.rules.keep_unknown;
        let mark = send.r#ref.clone().filter(|_| send.receipt);
        let slot = self.open(Open::Send { r#ref: send.r#ref, n: send.n });
        let append = Append {
            sender,
            number,
            to,
            room: None,
            encoding: send.encoding,
            body: if refusal.is_some() { [].as_slice().into() } else { send.body },
            ttl_ms: send.ttl_ms,
            receipt: send.receipt,
            mark,
            refusal,
            unknown: if keep { Unknown::Keep } else { Unknown::Refuse },
        };
        out.requests.push(Request::Append { slot, append });
    }

    /// Classic `sendMessage` with a `to`: the engine says whether anybody holds the ID.
    fn append_or_publish<'a>(&mut self, send: Send<'a>, out: &mut Output<'a>) {
        let Some(sender) = self.live().map(|live| live.identity) else { return };
        let Destination::IdOrRoom(to, room) = send.to else { return };
        let slot = self.open(Open::Held(Box::new(Held {
            r#ref: send.r#ref,
            n: None,
            audience: Audience::RoomAndSender(room),
            encoding: send.encoding,
            body: send.body.as_ref().into(),
            persist: Persist::Never,
            only_if_unheld: true,
            only_if_live: false,
        })));
        let append = Append {
            sender,
            number: None,
            to,
            room: None,
            encoding: send.encoding,
            body: send.body,
            ttl_ms: send.ttl_ms,
            receipt: false,
            mark: None,
            refusal: None,
            unknown: if self.rules.claims { Unknown::Keep } else { Unknown::Refuse },
        };
        out.requests.push(Request::Append { slot, append });
    }

    /// A send to a room: the engine says whether it has durable members, for whom it is stored; else it is delivered from
    /// memory.
    fn append_to_room<'a>(
        &mut self,
        send: Send<'a>,
        (number, refusal): (Option<(OutboxKey, u64)>, Option<Refusal>),
        out: &mut Output<'a>,
    ) {
        let Some(sender) = self.live().map(|live| live.identity) else { return };
        let Destination::Room(room) = send.to else { return };
        let Send { r#ref, n, encoding, ttl_ms, .. } = send;
        let live = send.persist != Some(Persist::Accept);
        let body = if refusal.is_some() { [].as_slice().into() } else { send.body };
        let slot = self.open(Open::Held(Box::new(Held {
            r#ref,
            n,
            audience: Audience::Room(room.clone()),
            encoding,
            body: body.as_ref().into(),
            persist: Persist::Miss,
            only_if_unheld: false,
            only_if_live: true,
        })));
        let append = Append {
            sender,
            number,
            to: "".into(),
            room: Some((room, live)),
            encoding,
            body,
            ttl_ms,
            receipt: false,
            mark: None,
            refusal,
            unknown: Unknown::Refuse,
        };
        out.requests.push(Request::Append { slot, append });
    }

    /// A send that is delivered from memory: at once, or when the engine has decided its number.
    fn pass<'a>(
        &mut self,
        now: Millis,
        send: Send<'a>,
        persist: Persist,
        (number, refusal): (Option<(OutboxKey, u64)>, Option<Refusal>),
        out: &mut Output<'a>,
    ) {
        let Some(live) = self.live() else { return };
        let (sender, from) = (live.identity, live.id.clone());
        let (scope, audience) = audience(send.to);
        let (r#ref, n, encoding) = (send.r#ref, send.n, send.encoding);
        let Some(number) = number else {
            let id = self.ids.next(now);
            let body = send.body;
            out.requests.push(Request::Publish(Publish {
                id,
                from,
                audience,
                encoding,
                body,
                persist,
            }));
            return out.events.push(Event::Accepted { r#ref, n, id, dup: false });
        };
        let body = send.body.as_ref().into();
        let (only_if_unheld, only_if_live) = (false, false);
        let held =
            Held { r#ref, n, audience, encoding, body, persist, only_if_unheld, only_if_live };
        let slot = self.open(Open::Held(Box::new(held)));
        out.requests.push(Request::Pass { slot, sender, number, scope, refusal });
    }

    /// The engine has accepted a held send: it goes out now, unless it was a repeat or has found its recipient.
    pub(super) fn accepted_held(
        &mut self,
        held: Held,
        (id, dup, recipient): (MessageId, bool, Recipient),
        out: &mut Output<'_>,
    ) {
        let (r#ref, n) = (held.r#ref.clone(), held.n);
        let publish = match (held.only_if_unheld, held.only_if_live) {
            (true, _) => recipient == Recipient::Unclaimed,
            (_, true) => recipient == Recipient::Live,
            _ => !dup,
        };
        if let (true, Some(live)) = (publish, self.live()) {
            out.requests.push(Request::Publish(held.publish(id, live.id.clone())));
        }
        out.events.push(Event::Accepted { r#ref, n, id, dup });
    }

    /// The engine has refused a held send. A classic one to an ID that nobody holds still goes to the room.
    pub(super) fn refused_held(
        &mut self,
        now: Millis,
        held: Held,
        (refusal, unclaimed_full): (Refusal, bool),
        out: &mut Output<'_>,
    ) {
        let unheld = refusal == Refusal::UnknownRecipient || unclaimed_full;
        match (self.live().map(|live| live.id.clone()), held.only_if_unheld && unheld) {
            (Some(from), true) => {
                let id = self.ids.next(now);
                out.requests.push(Request::Publish(held.publish(id, from)));
            }
            _ => out.events.push(error(held.r#ref, held.n, refusal)),
        }
    }

    /// A numbered frame that could not be read: final for its number, unless that was accepted before.
    pub(super) fn number_bad(
        &mut self,
        r#ref: Option<Ref>,
        (outbox, n): (OutboxKey, u64),
        message: &str,
        out: &mut Output<'_>,
    ) {
        let Some(sender) = self.live().map(|live| live.identity) else { return };
        let slot = self.open(Open::Bad { r#ref, n, message: message.into() });
        let refusal = Some(Refusal::BadFrame);
        let scope = Box::default();
        out.requests.push(Request::Pass { slot, sender, number: (outbox, n), scope, refusal });
    }

    pub(super) fn join(&mut self, r#ref: Option<Ref>, room: Room, out: &mut Output<'_>) {
        if !self.rooms.contains(&room) {
            if ROOMS_MAX <= self.rooms.len() {
                let refusal = Refusal::Forbidden("this connection is in too many rooms");
                return out.events.push(error(r#ref, None, refusal));
            }
            self.rooms.push(room.clone());
        }
        let slot = self.open(Open::Join { r#ref, room: room.clone() });
        out.requests.push(Request::Join { slot, room });
    }

    pub(super) fn leave(&mut self, r#ref: Option<Ref>, room: Room, out: &mut Output<'_>) {
        self.drop_room(&room);
        let slot = self.open(Open::Leave { r#ref, room: room.clone() });
        out.requests.push(Request::Leave { slot, room });
    }
}

/// The scope in which numbers of live sends keep their order, and who gets them.
fn audience(to: Destination<'_>) -> (Box<str>, Audience) {
    match to {
        Destination::Room(room) => (room.as_str().into(), Audience::Room(room)),
        Destination::All => (Box::default(), Audience::All),
        Destination::Id(id) | Destination::IdOrRoom(id, _) => {
            (id.as_ref().into(), Audience::Id(id.into_owned().into_boxed_str()))
        }
    }
}

fn no_outbox(r#ref: Option<Ref>, n: u64) -> Event {
    Event::Error(Box::new(ErrorEvent {
        r#ref,
        n: Some(n),
        code: ErrorCode::BadFrame,
        retry_after_ms: None,
        expected: None,
        message: "`n` needs an `outbox`, named at connect".into(),
    }))
}

/// Rooms of one connection.
const ROOMS_MAX: usize = 256;
