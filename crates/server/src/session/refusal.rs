//! The one place where an engine's refusal becomes an error of the wire.

use ackd_engine::Refusal;
use ackd_wire::{CloseCode, ErrorCode, Ref};

use super::{ErrorEvent, Event};

/// The error event for a refusal, with the marks of the frame that was refused.
pub(super) fn error(r#ref: Option<Ref>, n: Option<u64>, refusal: Refusal) -> Event {
    let (retry_after_ms, expected) = match refusal {
        Refusal::MailboxFull { retry_after_ms, .. } => (Some(retry_after_ms), None),
        Refusal::Gap { expected } => (None, Some(expected)),
        Refusal::StoreUnavailable => (Some(STORE_RETRY_AFTER_MS), None),
        Refusal::Overloaded => (Some(OVERLOAD_RETRY_AFTER_MS), None),
        _ => (None, None),
    };
    let message = refusal.to_string().into();
    let code = code(refusal);
    Event::Error(Box::new(ErrorEvent { r#ref, n, code, retry_after_ms, expected, message }))
}

fn code(refusal: Refusal) -> ErrorCode {
    match refusal {
        Refusal::Unauthorized => ErrorCode::Unauthorized,
        Refusal::UnknownIdentity => ErrorCode::UnknownIdentity,
        Refusal::Forbidden(_) => ErrorCode::Forbidden,
        Refusal::UnknownRecipient => ErrorCode::UnknownRecipient,
        Refusal::NotAMember => ErrorCode::NotAMember,
        Refusal::BadAck => ErrorCode::BadAck,
        Refusal::Gap { .. } => ErrorCode::Gap,
        Refusal::OutboxTaken => ErrorCode::OutboxTaken,
        Refusal::OutcomeUnknown => ErrorCode::OutcomeUnknown,
        Refusal::Refused => ErrorCode::Refused,
        Refusal::MailboxFull { .. } => ErrorCode::MailboxFull,
        Refusal::TooLarge => ErrorCode::TooLarge,
        Refusal::BadFrame => ErrorCode::BadFrame,
        Refusal::StoreUnavailable => ErrorCode::StoreUnavailable,
        Refusal::Overloaded => ErrorCode::RateLimited,
    }
}

/// How a connection ends whose `connect` was refused.
pub(super) fn connect_close(refusal: Refusal) -> CloseCode {
    match refusal {
        Refusal::Forbidden(_) => CloseCode::Forbidden,
        Refusal::StoreUnavailable | Refusal::Overloaded => CloseCode::Overloaded,
        Refusal::BadFrame => CloseCode::BadFrames,
        _ => CloseCode::Unauthorized,
    }
}

/// What a client waits before it repeats a number that the store could not take.
const STORE_RETRY_AFTER_MS: u64 = 1000;
/// The same where the store could take no more at once: a commit or two.
const OVERLOAD_RETRY_AFTER_MS: u64 = 200;
