//! Entering an identity: `connect`, and the classic `newID` and `setID`; `rotate`, since it is about the secret too.

use std::collections::VecDeque;

use ackd_engine::{self as engine, Answer, Connected, Disconnect, Refusal, Tag};
use ackd_wire::{ErrorCode, Millis, Name, Ref, Token};

use super::open::{Entry, Open};
use super::refusal::{connect_close, error};
use super::state::{DialectKind, Live, Output, Phase, Session};
use super::window::Window;
use super::{CloseCode, Command, Connect, Credential, ErrorEvent, Event, Request, Welcome};

impl Session {
    /// The first command of a connection must be a good `connect`.
    pub(super) fn first_command(&mut self, command: Command<'_>, out: &mut Output<'_>) {
        let (r#ref, n, code, message) = match command {
            Command::Connect(connect) => return self.connect(connect, out),
            Command::Bad(bad) => (bad.r#ref, bad.n, ErrorCode::BadFrame, bad.message),
            other => {
                let (r#ref, n) = other.into_marks();
                let message = "the first frame must be `connect`".into();
                (r#ref, n, ErrorCode::NotConnected, message)
            }
        };
        let (retry_after_ms, expected) = (None, None);
        let error = ErrorEvent { r#ref, n, code, retry_after_ms, expected, message };
        out.events.push(Event::Error(Box::new(error)));
        self.close(CloseCode::BadFrames, out);
    }

    fn connect(&mut self, connect: Connect, out: &mut Output<'_>) {
        if let Err(refusal) = self.permit(&connect.credential) {
            out.events.push(error(connect.r#ref, None, refusal));
            return self.close(connect_close(refusal), out);
        }
        let window = connect.window.unwrap_or(WINDOW).clamp(1, WINDOW_MAX) as usize;
        let entry = Entry { r#ref: connect.r#ref.clone(), adopt: false, window, own: None };
        let slot = self.open(Open::Connect(entry));
        self.connecting = true;
        out.requests.push(Request::Connect { slot, connect: Box::new(connect) });
    }

    /// Policy: which credentials this server takes at all.
    fn permit(&self, credential: &Credential) -> Result<(), Refusal> {
        match credential {
            Credential::Issue if !self.rules.anonymous => {
                Err(Refusal::Forbidden("this server issues no identities"))
            }
            Credential::Claim(..) if !self.rules.claims => {
                Err(Refusal::Forbidden("claims are off on this server"))
            }
            Credential::Unsupported => Err(Refusal::Forbidden("this server takes no JWT")),
            _ => Ok(()),
        }
    }

    /// Classic `newID`: the present ID, stored from now on.
    pub(super) fn identify(&mut self, out: &mut Output<'_>) {
        let Some(identity) = self.live().map(|live| live.identity) else { return };
        let slot = self.open(Open::Keep);
        out.requests.push(Request::Engine { slot, command: engine::Command::Keep { identity } });
    }

    /// Classic `setID`: another identity on this connection. A bare name is the present one, a claim, or (where
    /// `open_claims` is on) whoever's it is.
    pub(super) fn adopt(&mut self, credential: Credential, out: &mut Output<'_>) {
        let own = self.live().map(|live| &live.id);
        let credential = match credential {
            Credential::Name(id) if Some(&id) == own => return self.identify(out),
            Credential::Name(id) if self.rules.open_claims => Credential::Open(id),
            Credential::Name(_) if !self.rules.claims => {
                return out.events.push(error(None, None, Refusal::Unauthorized));
            }
            Credential::Claim(id, token) if !self.rules.claims => Credential::Token(id, token),
            other => other,
        };
        let own = match &credential {
            Credential::Claim(_, token) => Some(token.clone()),
            _ => None,
        };
        let entry = Entry { r#ref: None, adopt: true, window: WINDOW as usize, own };
        let slot = self.open(Open::Connect(entry));
        self.connecting = true;
        let device = Name::default();
        let (r#ref, outbox, acked, window) = (None, None, None, None);
        let connect = Connect { r#ref, credential, device, outbox, acked, window };
        out.requests.push(Request::Connect { slot, connect: Box::new(connect) });
    }

    /// The engine's answer to either.
    pub(super) fn connected(&mut self, entry: Entry, connected: Connected, out: &mut Output<'_>) {
        self.connecting = false;
        if entry.adopt {
            self.leave_identity(out);
        }
        let own = entry.own.filter(|_| connected.new);
        let places = connected.rooms.clone();
        let (live, mut welcome) = enter(connected, entry.window, self.dialect, entry.adopt);
        welcome.r#ref = entry.r#ref;
        out.events.push(if entry.adopt {
            Event::Identity { id: live.id.clone(), token: welcome.token.or(own) }
        } else {
            Event::Connected(Box::new(welcome))
        });
        self.phase = Phase::Live(Box::new(live));
        for place in &places {
            self.seat(place);
        }
    }

    /// An entry was decided after the session had closed: it leaves at once.
    pub(super) fn late_answer(&mut self, slot: u32, answer: Answer, out: &mut Output<'_>) {
        if !matches!(self.requests.take(slot), Some(Open::Connect(_))) {
            return;
        }
        self.connecting = false;
        if let Answer::Connected(connected) = answer {
            for place in &connected.rooms {
                let room = place.room.clone();
                out.requests.push(Request::Leave { slot: Tag::QUIET, room });
            }
            let (live, _) = enter(*connected, 1, self.dialect, true);
            out.requests.push(live.disconnect());
        }
    }

    /// The engine refuses entry: the connection ends, or keeps the identity it has.
    pub(super) fn not_connected(&mut self, entry: Entry, refusal: Refusal, out: &mut Output<'_>) {
        self.connecting = false;
        out.events.push(error(entry.r#ref, None, refusal));
        if !entry.adopt {
            self.close(connect_close(refusal), out);
        }
    }

    pub(super) fn rotate(&mut self, r#ref: Option<Ref>, token: &Token, out: &mut Output<'_>) {
        let Some(identity) = self.live().map(|live| live.identity) else { return };
        let slot = self.open(Open::Rotate { r#ref });
        let command = engine::Command::Rotate { identity, token: token.hash() };
        out.requests.push(Request::Engine { slot, command });
    }
}

impl Session {
    /// Gives back what the session had of its identity: what is in flight waits again.
    pub(super) fn leave_identity(&mut self, out: &mut Output<'_>) {
        out.tally.left += self.store_live(Millis::MAX, out);
        self.flush_acks(out);
        self.leave_rooms(out);
        if let Some(live) = self.live() {
            // What had come again before was known to wait already.
            let unacked = live.window.unacked();
            out.tally.left += unacked.iter().filter(|(_, attempt)| *attempt == 1).count();
            out.requests.push(live.disconnect());
        }
    }
}

impl Live {
    /// What the engine is told when the session leaves this identity.
    pub(super) fn disconnect(&self) -> Request<'static> {
        let (identity, reader, outbox) = (self.identity, self.reader, self.outbox);
        let unacked = self.window.unacked();
        let disconnect = Disconnect { identity, reader, outbox, unacked };
        Request::Engine { slot: Tag::QUIET, command: engine::Command::Disconnect(disconnect) }
    }
}

/// The session's part and the client's part of an entry. The token of a fresh identity is told when it is asked for.
fn enter(
    connected: Connected,
    window: usize,
    dialect: DialectKind,
    adopt: bool,
) -> (Live, Welcome) {
    let fresh = dialect == DialectKind::Classic && !adopt;
    let (kept, told) = if fresh { (connected.token, None) } else { (None, connected.token) };
    let live = Live {
        id: connected.id.clone(),
        identity: connected.identity,
        reader: connected.reader,
        outbox: connected.outbox,
        fresh: kept,
        window: Window::new(window, connected.acked, connected.end),
        rooms: Vec::new(),
        in_rooms: 0,
        turn: 0,
        missed: VecDeque::new(),
        waited: connected.end,
    };
    let welcome = Welcome {
        r#ref: None,
        id: connected.id,
        token: told,
        new: connected.new,
        epoch: connected.epoch,
        acked: connected.acked,
        pending: connected.pending,
        sent: connected.sent,
        expires: connected.expires,
    };
    (live, welcome)
}

/// Unacknowledged messages in flight where the client does not say.
const WINDOW: u64 = 64;
/// The most it may say.
const WINDOW_MAX: u64 = 1024;
