//! Whoever watches a run: the log, and the model that compares what is said with what was promised.

use crate::log::{Log, note};
use crate::model::Model;

/// Log and model, always told together.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) log: Log,
    pub(crate) model: Model,
}

impl Watch {
    /// The server has said something on a connection: from here on it is promised.
    pub(crate) fn said(&mut self, connection: u64, text: &str) {
        note!(self.log, "#{connection} < {text}");
        self.model.said(connection, text);
    }
}
