//! What reaches the session from the router: answers to its requests, and news.

use ackd_engine::{Answer, Recipient, Refusal};
use ackd_wire::Millis;

use super::open::Open;
use super::refusal::error;
use super::state::{Output, Session};
use super::{CloseCode, ErrorEvent, Event, Request, Signal};

impl Session {
    pub(super) fn on_signal(&mut self, now: Millis, signal: Signal, out: &mut Output<'_>) {
        match signal {
            Signal::Answer(slot, answer) => {
                if let Some(open) = self.requests.take(slot) {
                    self.answer(now, open, answer, out);
                }
            }
            Signal::Stored(message) => self.stored(now, message, out),
            Signal::Grown(seq) => {
                if let Some(live) = self.live_mut() {
                    live.window.grow_unseen(seq);
                }
            }
            Signal::Settled { up_to, seqs } => self.settled(up_to, &seqs),
            Signal::RoomStored(log, message) => self.room_stored(now, (log, message), out),
            Signal::RoomGrown(log, room, from, to) => self.room_grown(log, &room, (from, to)),
            Signal::RoomSettled { log, up_to, seqs } => self.settled_in_room(log, up_to, &seqs),
            Signal::JoinedRoom(place) => self.seat(&place),
            Signal::LeftRoom(room) => self.left_durably(room, out),
            Signal::Live { message, ack } => self.live_message(now, message, ack, out),
            Signal::LiveOver(id) => {
                if let Some(live) = self.live_mut() {
                    live.window.settle_live(id);
                }
            }
            Signal::Members(slot, members) => self.members(slot, members, out),
            Signal::Watching(slot, present) => self.watching(slot, present, out),
            Signal::PresenceChanged => out.requests.push(Request::Look),
            Signal::Presence(changes) => {
                out.events.extend(changes.into_iter().map(Event::Presence));
            }
            Signal::PresenceMissed => self.presence_missed(out),
            Signal::Roommate { id, came } => out.events.push(Event::Roommate { id, came }),
            Signal::Ended => self.ended(out),
            Signal::Drain { reconnect_after_ms } => {
                out.events.push(Event::Goaway { reconnect_after_ms, reason: "draining" });
                self.close(CloseCode::GoingAway, out);
            }
        }
    }

    fn answer(&mut self, now: Millis, open: Open, answer: Answer, out: &mut Output<'_>) {
        if matches!(answer, Answer::Accepted { dup: false, .. }) {
            self.overloaded = None;
        }
        match (open, answer) {
            (Open::Connect(entry), Answer::Connected(connected)) => {
                self.connected(entry, *connected, out);
            }
            (Open::Connect(entry), Answer::Refused(refusal)) => {
                self.not_connected(entry, refusal, out);
            }
            (Open::Send { r#ref, n }, Answer::Accepted { id, dup, recipient }) => {
                out.tally.away += usize::from(is_away(recipient));
                out.events.push(Event::Accepted { r#ref, n, id, dup });
            }
            (Open::Bad { r#ref, n, .. }, Answer::Accepted { id, dup, .. }) => {
                out.events.push(Event::Accepted { r#ref, n: Some(n), id, dup });
            }
            (Open::Held(held), Answer::Accepted { id, dup, recipient }) => {
                out.tally.away += usize::from(is_away(recipient));
                self.accepted_held(*held, (id, dup, recipient), out);
            }
            (Open::Read, Answer::Page { messages, lost, read_to, end }) => {
                self.page(now, (messages, lost), (read_to, end), out);
            }
            (Open::Fetch { seqs }, Answer::Page { messages, .. }) => {
                self.fetched(now, &seqs, messages, out);
            }
            (Open::Join { r#ref, .. }, Answer::JoinedRoom(place)) => {
                self.joined_durably(r#ref, &place, out);
            }
            (Open::LeaveRoom { r#ref, room }, Answer::LeftRoom) => {
                self.drop_room(&room);
                self.leave(r#ref, room, out);
            }
            (Open::ReadRoom { log }, Answer::RoomPage(page)) => {
                self.room_page(now, log, *page, out);
            }
            (Open::FetchRoom { log, seqs }, Answer::RoomPage(page)) => {
                self.fetched_of_room(now, (log, &seqs), page.messages, out);
            }
            (Open::AckRoom { log, up_to, .. }, Answer::Done) => {
                self.settled_in_room(log, Some(up_to), &[]);
            }
            (Open::Rotate { r#ref }, Answer::Done) => out.events.push(Event::Rotated { r#ref }),
            (Open::Keep, Answer::Done) => self.kept(out),
            (Open::Ack { up_to, .. }, Answer::Done) => self.settled(Some(up_to), &[]),
            (open, Answer::Refused(refusal)) => self.refused(now, open, refusal, out),
            (open, answer) => unreachable!("the engine answers {open:?} with {answer:?}"),
        }
    }

    fn refused(&mut self, now: Millis, open: Open, refusal: Refusal, out: &mut Output<'_>) {
        self.refuse(now, open, refusal, out);
        if refusal == Refusal::Overloaded {
            let since = *self.overloaded.get_or_insert(now);
            if since.saturating_add(OVERLOADED_MS_MAX) <= now {
                self.close(CloseCode::Overloaded, out);
            }
        }
    }

    fn refuse(&mut self, now: Millis, open: Open, refusal: Refusal, out: &mut Output<'_>) {
        match open {
            Open::Held(held) => {
                let full = matches!(refusal, Refusal::MailboxFull { .. });
                self.refused_held(now, *held, (refusal, full && !self.rules.keep_unknown), out);
            }
            Open::Bad { r#ref, n, message } if refusal == Refusal::BadFrame => {
                out.events.push(Event::Error(Box::new(ErrorEvent {
                    r#ref,
                    n: Some(n),
                    code: ackd_wire::ErrorCode::BadFrame,
                    retry_after_ms: None,
                    expected: None,
                    message: String::from(message).into(),
                })));
            }
            Open::Send { r#ref, n } => out.events.push(error(r#ref, n, refusal)),
            Open::Bad { r#ref, n, .. } => out.events.push(error(r#ref, Some(n), refusal)),
            Open::Rotate { r#ref }
            | Open::Ack { r#ref, .. }
            | Open::AckRoom { r#ref, .. }
            | Open::LeaveRoom { r#ref, .. }
            | Open::Join { r#ref, .. } => {
                out.events.push(error(r#ref, None, refusal));
            }
            // They may still be owed: they keep their places.
            Open::Fetch { seqs } if refusal == Refusal::StoreUnavailable => {
                self.fetch_later(now, &seqs);
            }
            Open::FetchRoom { log, seqs } if refusal == Refusal::StoreUnavailable => {
                self.fetch_of_room_later(now, log, &seqs);
            }
            Open::Fetch { seqs } => self.settled(None, &seqs),
            Open::FetchRoom { log, seqs } => self.settled_in_room(log, None, &seqs),
            Open::Keep => out.events.push(error(None, None, refusal)),
            Open::Read if refusal.is_passing() => self.read_later(now, None),
            Open::ReadRoom { log } if refusal.is_passing() => self.read_later(now, Some(log)),
            // A stale reader reads no more: its places stay reserved.
            Open::Read
            | Open::ReadRoom { .. }
            | Open::Connect(_)
            | Open::Leave { .. }
            | Open::Watch { .. } => {}
        }
    }

    /// Classic `newID`: the ID and, while it is the fresh one, its token.
    fn kept(&mut self, out: &mut Output<'_>) {
        if let Some(live) = self.live() {
            out.events.push(Event::Identity { id: live.id.clone(), token: live.fresh.clone() });
        }
    }

    fn members(&mut self, slot: u32, members: u64, out: &mut Output<'_>) {
        out.events.push(match self.requests.take(slot) {
            Some(Open::Join { r#ref, room }) => {
                Event::Joined { r#ref, room, members, durable: None }
            }
            Some(Open::Leave { r#ref, room }) => Event::Left { r#ref, room, members },
            _ => return,
        });
    }

    fn ended(&mut self, out: &mut Output<'_>) {
        out.events.push(error(None, None, Refusal::UnknownIdentity));
        self.close(CloseCode::Unauthorized, out);
    }
}

/// Whether what was accepted waits from now on.
fn is_away(recipient: Recipient) -> bool {
    matches!(recipient, Recipient::Away | Recipient::Unclaimed)
}

/// How long a client is told to repeat because of overload, before it is told to come back later.
const OVERLOADED_MS_MAX: Millis = 10_000;
