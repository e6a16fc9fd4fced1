//! How frames are made up for the property tests.

use std::borrow::Cow;

use ackd_wire::limits::INTEGER_MAX;
use ackd_wire::v1::{
    AcceptedFrame, AckFrame, Body, ClientFrame, ConnectFrame, Credential, ErrorFrame, JoinFrame,
    MessageFrame, Persist, Place, SendFrame, ServerFrame, Target, Watched, Which,
};
use ackd_wire::{ClientId, ErrorCode, Lent, MessageId, Name, Ref, Room, Token};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

pub(crate) fn name() -> impl Strategy<Value = String> {
    vec(prop::sample::select(&b"AZaz09._~@+:-"[..]), 1..=64)
        .prop_map(|bytes| String::from_utf8(bytes).expect("ASCII"))
}

fn client_id() -> impl Strategy<Value = ClientId> {
    name().prop_map(|name| ClientId::parse(&name).expect("a name"))
}

fn room() -> impl Strategy<Value = Room> {
    name().prop_map(|name| Room::parse(&name).expect("a name"))
}

/// Any text of up to 64 characters, those that need escapes more often than by chance.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec!['"', '\\', '/', '\n', '\0', '\u{1f}', 'ü', '😀']);
    vec(prop_oneof![any::<char>(), special], 0..=64)
        .prop_map(|characters| characters.into_iter().collect())
}

fn reference() -> impl Strategy<Value = Option<Ref>> {
    of(any_text().prop_map(|text| Ref::parse(&text).expect("64 characters")))
}

pub(crate) fn integer() -> impl Strategy<Value = u64> {
    prop_oneof![1..100_u64, 1..=INTEGER_MAX]
}

pub(crate) fn message_id() -> impl Strategy<Value = MessageId> {
    any::<[u8; 16]>().prop_map(MessageId)
}

pub(crate) fn token() -> impl Strategy<Value = Token> {
    any::<[u8; 32]>().prop_map(Token::new)
}

/// Raw JSON, spaced and nested anyhow.
pub(crate) fn raw_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["null", "true", "-0.0e+7", "1e999", "\"\\ud800\"", "{ }", "[]"])
            .prop_map(str::to_owned),
        any_text().prop_map(|text| serde_json::to_string(&text).expect("a string")),
        any::<i64>().prop_map(|number| number.to_string()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" , "))),
            vec((any_text(), inner), 0..4).prop_map(|fields| {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(key, value)| format!("{}:\t{value}", serde_json::json!(key)))
                    .collect();
                format!("{{\n{}}}", fields.join(","))
            }),
        ]
    })
}

/// A body as its owner holds it.
#[derive(Debug, Clone)]
pub(crate) enum OwnBody {
    Json(String),
    Binary(Vec<u8>),
}

impl OwnBody {
    pub(crate) fn lend(&self) -> Body<'_> {
        match self {
            Self::Json(text) => Body::Json(text),
            Self::Binary(bytes) => Body::Binary(Cow::Borrowed(bytes)),
        }
    }
}

pub(crate) fn body() -> impl Strategy<Value = OwnBody> {
    prop_oneof![
        3 => raw_json().prop_map(OwnBody::Json),
        1 => vec(any::<u8>(), 0..40).prop_map(OwnBody::Binary),
    ]
}

fn credential() -> impl Strategy<Value = Credential<'static>> {
    prop_oneof![
        Just(Credential::New),
        (client_id(), token()).prop_map(|(id, token)| Credential::Resume { id, token }),
        (client_id(), token()).prop_map(|(id, token)| Credential::Claim { id, token }),
        any_text().prop_map(|text| Credential::Jwt(text.into())),
    ]
}

fn connect() -> impl Strategy<Value = ClientFrame<'static>> {
    let memory = (of(any_text()), of(0..=INTEGER_MAX));
    let names = (name(), of(name()), of(any_text()));
    (reference(), credential(), memory, names, of(0..=INTEGER_MAX)).prop_map(
        |(r#ref, credential, (epoch, acked), (device, outbox, client), window)| {
            ClientFrame::Connect(Box::new(ConnectFrame {
                r#ref,
                credential,
                epoch: epoch.map(Cow::Owned),
                acked,
                device: Name::parse_device(&device).expect("a name"),
                outbox: outbox.map(|name| Name::parse_outbox(&name).expect("a name")),
                window,
                client: client.map(Cow::Owned),
            }))
        },
    )
}

fn watched() -> impl Strategy<Value = Watched> {
    prop_oneof![vec(client_id(), 1..5).prop_map(Watched::Ids), room().prop_map(Watched::Room),]
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![
        integer().prop_map(Which::UpTo),
        (room(), integer()).prop_map(|(room, seq)| Which::RoomUpTo { room, seq }),
        vec(message_id(), 1..5).prop_map(Which::Ids),
    ]
}

/// Every client frame, a `send` with bytes.
pub(crate) fn client_frame() -> impl Strategy<Value = ClientFrame<'static>> {
    prop_oneof![
        (send(), vec(any::<u8>(), 0..40)).prop_map(|(mut frame, bytes)| {
            frame.body = Body::Binary(bytes.into());
            ClientFrame::Send(frame)
        }),
        connect(),
        (reference(), which())
            .prop_map(|(r#ref, which)| ClientFrame::Ack(AckFrame { r#ref, which })),
        (reference(), vec(message_id(), 1..5))
            .prop_map(|(r#ref, ids)| ClientFrame::Reject { r#ref, ids }),
        reference().prop_map(|r#ref| ClientFrame::Ping { r#ref }),
        (reference(), token()).prop_map(|(r#ref, token)| ClientFrame::Rotate { r#ref, token }),
        (reference(), room(), of(of(integer()))).prop_map(|(r#ref, room, durable)| {
            let (durable, from) = (durable.is_some(), durable.flatten());
            ClientFrame::Join(JoinFrame { r#ref, room, durable, from })
        }),
        (reference(), room()).prop_map(|(r#ref, room)| ClientFrame::Leave { r#ref, room }),
        (reference(), watched()).prop_map(|(r#ref, watched)| ClientFrame::Watch { r#ref, watched }),
        (reference(), watched())
            .prop_map(|(r#ref, watched)| ClientFrame::Unwatch { r#ref, watched }),
    ]
}

/// A `send` without its body.
pub(crate) fn send() -> impl Strategy<Value = SendFrame<'static>> {
    let target = prop_oneof![
        name().prop_map(|name| Target::To(Lent::<ClientId>::parse(name).expect("a name"))),
        name().prop_map(|name| Target::Room(Lent::<Room>::parse(name).expect("a name"))),
        Just(Target::All),
    ];
    let persist = of(prop::sample::select(vec![Persist::Accept, Persist::Miss, Persist::Never]));
    (reference(), of(integer()), target, of(integer()), persist, any::<bool>()).prop_map(
        |(r#ref, n, target, ttl_ms, persist, receipt)| {
            let receipt = receipt && matches!(target, Target::To(_));
            SendFrame { r#ref, n, target, body: Body::Json("0"), ttl_ms, persist, receipt }
        },
    )
}

/// A `message` without its body.
pub(crate) fn message() -> impl Strategy<Value = MessageFrame<'static>> {
    let place = prop_oneof![
        integer().prop_map(Place::Mailbox),
        integer().prop_map(Place::Room),
        Just(Place::Live),
        Just(Place::Signal),
    ];
    let target = prop_oneof![
        name().prop_map(|name| Target::To(Cow::Owned(name))),
        name().prop_map(|name| Target::Room(Cow::Owned(name))),
        Just(Target::All),
    ];
    (place, message_id(), name(), target, 0..=INTEGER_MAX, 1..=u32::MAX).prop_map(
        |(place, id, from, target, at, attempt)| {
            let body = Body::Json("0");
            MessageFrame { place, id, from: Cow::Owned(from), target, body, at, attempt }
        },
    )
}

/// `accepted` and `error`.
pub(crate) fn answer() -> impl Strategy<Value = ServerFrame<'static>> {
    let code = prop::sample::select(ErrorCode::ALL);
    let echo = || (of(any_text().prop_map(Cow::Owned)), of(integer()));
    prop_oneof![
        (echo(), message_id(), any::<bool>()).prop_map(|((r#ref, n), id, dup)| {
            ServerFrame::Accepted(AcceptedFrame { r#ref, n, id, dup })
        }),
        (echo(), code, of(0..=INTEGER_MAX), of(integer()), any_text()).prop_map(
            |((r#ref, n), code, retry_after_ms, expected, message)| {
                let message = Cow::Owned(message);
                ServerFrame::Error(ErrorFrame { r#ref, n, code, retry_after_ms, expected, message })
            },
        ),
    ]
}
