//! What this node tells the others: who comes and goes here, and messages for who is there.

use ackd_engine::{Encoding, Message};
use ackd_wire::{ClientId, MessageId, Room};

use super::Nodes;
use super::frame::{Item, Live, To};
use crate::session::Audience;

/// How an identity has left a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Way {
    /// Its connection has ended.
    Lost,
    /// By its own wish.
    Left,
}

impl Nodes {
    /// An identity has its first connection here, or none any more.
    pub(in super::super) fn tell_online(&mut self, id: &ClientId, is_online: bool) {
        if !is_online {
            self.peers.values_mut().for_each(|peer| peer.part(id, None));
        }
        let id = id.as_str();
        self.tell_all(&if is_online { Item::Online { id } } else { Item::Offline { id } });
    }

    /// An identity is in a room here.
    pub(in super::super) fn tell_joined(&mut self, room: &Room, id: &ClientId, durable: bool) {
        let (room, id) = (room.as_str(), id.as_str());
        self.tell_all(&Item::Joined { room, id, durable, classic: 0 });
    }

    /// It is not any more.
    pub(in super::super) fn tell_parted(&mut self, room: &Room, id: &ClientId, way: Way) {
        if way == Way::Lost {
            self.peers.values_mut().for_each(|peer| peer.part(id, Some(room)));
        }
        let (room, id) = (room.as_str(), id.as_str());
        self.tell_all(&Item::Parted { room, id, left: way == Way::Left });
    }

    /// A session of the classic dialect has come or gone.
    pub(in super::super) fn tell_roommate(&mut self, room: &Room, id: &ClientId, came: bool) {
        let (room, id) = (room.as_str(), id.as_str());
        self.tell_all(&Item::Roommate { room, id, came });
    }

    /// Live messages to an identity are settled or stored: nobody else need do it.
    pub(in super::super) fn tell_over(&mut self, id: &ClientId, messages: &[MessageId]) {
        if messages.is_empty() || self.is_alone() {
            return;
        }
        let messages = messages.iter().map(|message| message.0).collect();
        self.tell_where(id, &Item::Over { id: id.as_str(), messages });
    }

    /// Sends a message to the nodes that have somebody to take it.
    pub(in super::super) fn tell_live(
        &mut self,
        audience: &Audience,
        from: &ClientId,
        (message, ack): (&Message, bool),
    ) {
        for peer in self.peers.values_mut() {
            let is_wanted = match audience {
                Audience::Room(room) => peer.has_members(room, Some(from)),
                Audience::RoomAndSender(room) => peer.has_members(room, None),
                Audience::All => !peer.online.is_empty(),
                Audience::Id(id) => ClientId::parse(id).is_ok_and(|id| peer.online.contains(&id)),
            };
            if is_wanted {
                peer.tell(&Item::Live(live(audience, from, message, ack)));
            }
        }
    }
}

fn live<'a>(
    audience: &'a Audience,
    from: &'a ClientId,
    message: &'a Message,
    ack: bool,
) -> Live<'a> {
    Live {
        audience: match audience {
            Audience::Room(room) => To::Room(room.as_str()),
            Audience::RoomAndSender(room) => To::RoomAndSender(room.as_str()),
            Audience::All => To::All,
            Audience::Id(id) => To::Id(id),
        },
        from: from.as_str(),
        id: message.id.0,
        at: message.at,
        ack,
        encoding: message.encoding as u8,
        body: message.body(),
    }
}

impl Live<'_> {
    /// For whom, from whom, and what; `None`: nothing that a node of this version sends.
    pub(super) fn parse(&self) -> Option<(Audience, ClientId, Message)> {
        let audience = match self.audience {
            To::Room(room) => Audience::Room(Room::parse(room).ok()?),
            To::RoomAndSender(room) => Audience::RoomAndSender(Room::parse(room).ok()?),
            To::All => Audience::All,
            To::Id(id) => Audience::Id(id.into()),
        };
        let encoding = match self.encoding {
            0 => Encoding::Json,
            1 => Encoding::MessagePack,
            2 => Encoding::Binary,
            _ => return None,
        };
        let from = ClientId::parse(self.from).ok()?;
        let id = MessageId(self.id);
        let message = audience.message((id, self.at), &from, (encoding, self.body))?;
        Some((audience, from, message))
    }
}
