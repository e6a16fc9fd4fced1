//! How a server's frames are made up for the property tests.

use std::borrow::Cow;

use ackd_wire::limits::INTEGER_MAX;
use ackd_wire::v1::{
    Body, ConnectedFrame, DurableRoom, EndReason, GoawayFrame, JoinedFrame, LostFrame,
    PresenceFrame, ReceiptFrame, ReceiptState, ServerFrame,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::strategy::{answer, any_text, integer, message, message_id, name, token};

fn text() -> impl Strategy<Value = Cow<'static, str>> {
    any_text().prop_map(Cow::Owned)
}

fn named() -> impl Strategy<Value = Cow<'static, str>> {
    name().prop_map(Cow::Owned)
}

fn number() -> impl Strategy<Value = u64> {
    0..=INTEGER_MAX
}

fn connected() -> impl Strategy<Value = ServerFrame<'static>> {
    let names = (of(text()), named(), of(token()), any::<bool>(), text(), text());
    let counts = (number(), number(), number(), number());
    let settings = (number(), number(), number());
    (names, counts, settings).prop_map(|(names, counts, settings)| {
        let (r#ref, id, token, new, epoch, server) = names;
        let (acked, pending, sent, expires) = counts;
        let (ack_timeout_ms, max_message, ping_interval_ms) = settings;
        ServerFrame::Connected(Box::new(ConnectedFrame {
            r#ref,
            id,
            token,
            new,
            epoch,
            acked,
            pending,
            sent,
            expires,
            server,
            ack_timeout_ms,
            max_message,
            ping_interval_ms,
        }))
    })
}

fn lost() -> impl Strategy<Value = ServerFrame<'static>> {
    let reasons = [EndReason::Expired, EndReason::Purged, EndReason::Dead, EndReason::Full];
    let range = (1..1000_u64, 0..1000_u64, integer());
    (range, prop::sample::select(reasons.to_vec()), of(named())).prop_map(
        |((from, length, count), reason, room)| {
            ServerFrame::Lost(LostFrame { from, to: from + length, count, reason, room })
        },
    )
}

fn receipt() -> impl Strategy<Value = ServerFrame<'static>> {
    let states = [
        ReceiptState::Archived,
        ReceiptState::Acked,
        ReceiptState::Expired,
        ReceiptState::Dead,
        ReceiptState::Purged,
    ];
    let ids = (integer(), message_id(), message_id());
    let send = (of(text()), of(integer()), named());
    (ids, send, prop::sample::select(states.to_vec()), number()).prop_map(
        |((seq, id, of), (r#ref, n, to), state, at)| {
            ServerFrame::Receipt(ReceiptFrame { seq, id, of, r#ref, n, to, state, at })
        },
    )
}

fn joined() -> impl Strategy<Value = ServerFrame<'static>> {
    let durable = (text(), number(), number()).prop_map(|(epoch, acked, end)| DurableRoom {
        epoch,
        acked,
        end,
    });
    (of(text()), named(), number(), of(durable)).prop_map(|(r#ref, room, members, durable)| {
        ServerFrame::Joined(JoinedFrame { r#ref, room, members, durable })
    })
}

fn presence() -> impl Strategy<Value = ServerFrame<'static>> {
    (named(), any::<bool>(), number(), number(), of(named())).prop_map(
        |(id, online, generation, at, room)| {
            ServerFrame::Presence(PresenceFrame { id, online, generation, at, room })
        },
    )
}

/// Every frame of a server, a `message` with bytes.
pub(crate) fn server_frame() -> impl Strategy<Value = ServerFrame<'static>> {
    prop_oneof![
        answer(),
        connected(),
        lost(),
        receipt(),
        joined(),
        presence(),
        (message(), vec(any::<u8>(), 0..40)).prop_map(|(mut frame, bytes)| {
            frame.body = Body::Binary(bytes.into());
            ServerFrame::Message(frame)
        }),
        (of(text()), named()).prop_map(|(r#ref, room)| ServerFrame::Left { r#ref, room }),
        (of(text()), vec(named(), 0..20))
            .prop_map(|(r#ref, present)| ServerFrame::Watching { r#ref, present }),
        of(text()).prop_map(|r#ref| ServerFrame::Rotated { r#ref }),
        of(text()).prop_map(|r#ref| ServerFrame::Pong { r#ref }),
        (number(), text()).prop_map(|(reconnect_after_ms, reason)| {
            ServerFrame::Goaway(GoawayFrame { reconnect_after_ms, reason })
        }),
    ]
}
