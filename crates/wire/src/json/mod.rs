//! JSON as both dialects need it: one flat object read into raw fields, batches, depth, and appending to a buffer.
//! Knows no frame.

mod batch;
mod depth;
mod fields;
mod put;

pub(crate) use batch::Batch;
use depth::is_too_deep;
pub(crate) use fields::Fields;
pub(crate) use put::{Count, Put};
