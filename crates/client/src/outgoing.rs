//! A message to be sent, as the application makes it.

use ackd_wire::v1::{Body, Persist, SendFrame, Target};
use ackd_wire::{ClientId, Lent, Millis, ParseIdError, Room};
use serde::Serialize;

/// A message to be sent: to whom, what, and how it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub(crate) target: Target<ClientId, Room>,
    /// JSON.
    pub(crate) body: Box<str>,
    pub(crate) persist: Option<Persist>,
    pub(crate) ttl_ms: Option<Millis>,
    pub(crate) receipt: bool,
}

impl Outgoing {
    /// To one identity. The body is `null` until it is set.
    pub fn to(id: &str) -> Result<Self, ParseIdError> {
        Ok(Self::new(Target::To(ClientId::parse(id)?)))
    }

    /// To the members of a room ([`crate::Client::join`] it first).
    pub fn room(name: &str) -> Result<Self, ParseIdError> {
        Ok(Self::new(Target::Room(Room::parse(name)?)))
    }

    /// To every identity that is connected at that moment, where the server allows it.
    pub fn all() -> Self {
        Self::new(Target::All)
    }

    pub(crate) fn new(target: Target<ClientId, Room>) -> Self {
        Self { target, body: "null".into(), persist: None, ttl_ms: None, receipt: false }
    }

    /// With a JSON string as body.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.body = serde_json::Value::from(text).to_string().into();
        self
    }

    /// With any value that can be written as JSON as body.
    pub fn json(mut self, value: &impl Serialize) -> Result<Self, serde_json::Error> {
        self.body = serde_json::to_string(value)?.into();
        Ok(self)
    }

    /// With a JSON text as body, passed on byte for byte.
    pub fn raw_json(mut self, text: &str) -> Result<Self, serde_json::Error> {
        let raw: &serde_json::value::RawValue = serde_json::from_str(text)?;
        self.body = raw.get().into();
        Ok(self)
    }

    /// When it is stored; where nothing is said, the server decides by the kind of target.
    #[must_use]
    pub fn persist(mut self, persist: Persist) -> Self {
        self.persist = Some(persist);
        self
    }

    /// How many milliseconds it may wait, from 1; the server's `message_ttl` is the default and the most.
    #[must_use]
    pub fn ttl_ms(mut self, ttl_ms: Millis) -> Self {
        self.ttl_ms = Some(ttl_ms.max(1));
        self
    }

    /// Asks for receipts; only for a message to one identity.
    #[must_use]
    pub fn receipt(mut self) -> Self {
        self.receipt = true;
        self
    }

    /// To whom it goes.
    pub fn target(&self) -> &Target<ClientId, Room> {
        &self.target
    }

    /// Its body, a JSON text.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The frame of this message with its number.
    pub(crate) fn frame(&self, n: u64) -> SendFrame<'_> {
        SendFrame {
            r#ref: None,
            n: Some(n),
            target: match &self.target {
                Target::To(id) => Target::To(Lent::from(id)),
                Target::Room(room) => Target::Room(Lent::from(room)),
                Target::All => Target::All,
            },
            body: Body::Json(&self.body),
            ttl_ms: self.ttl_ms,
            persist: self.persist,
            receipt: self.receipt,
        }
    }
}
