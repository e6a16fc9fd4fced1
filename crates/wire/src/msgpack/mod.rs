//! MessagePack as the protocol needs it: one flat map read into raw fields, batches, and appending to a buffer; and
//! the values of one encoding written in the other. Knows no frame. Reading follows no recursion and copies nothing.

mod batch;
mod fields;
mod from_json;
mod head;
mod put;
mod span;
mod to_json;

pub(crate) use batch::Batch;
pub(crate) use fields::Fields;
pub(crate) use from_json::put_json;
pub(crate) use put::{Container, Count, Put};
pub(crate) use to_json::{put_value, to_json};
