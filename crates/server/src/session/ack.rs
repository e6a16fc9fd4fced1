//! What the client has processed, or never will. Acks of one batch are merged into one request.

use ackd_engine::{self as engine, Tag};
use ackd_wire::{MessageId, Ref, Seq};

use super::open::Open;
use super::state::{Output, Session, Settling};
use super::{Request, Which};

impl Session {
    pub(super) fn ack(&mut self, r#ref: Option<Ref>, which: Which, out: &mut Output<'_>) {
        match which {
            Which::UpTo(seq) => self.ack_up_to(r#ref, seq, out),
            Which::Ids(ids) => self.ack_ids(&ids, out),
            Which::RoomUpTo(room, seq) => self.ack_room(r#ref, (&room, seq), out),
        }
    }

    fn ack_up_to(&mut self, r#ref: Option<Ref>, seq: Seq, out: &mut Output<'_>) {
        let Some(live) = self.live_mut() else { return };
        if seq <= live.window.end() {
            live.window.settle_up_to(seq, |at| out.acked.push(at));
            self.settling.up_to = self.settling.up_to.max(Some(seq));
            return;
        }
        // Beyond the end as it is known here: the log may have grown meanwhile, the engine knows.
        let reader = live.reader;
        self.flush_acks(out);
        let slot = self.open(Open::Ack { r#ref, up_to: seq });
        let settle = engine::Settle { reader, up_to: Some(seq), seqs: Vec::new() };
        out.requests.push(Request::Engine { slot, command: engine::Command::Settle(settle) });
    }

    fn ack_ids(&mut self, ids: &[MessageId], out: &mut Output<'_>) {
        for &id in ids {
            let Some(live) = self.live_mut() else { return };
            if let Some(message) = live.window.settle_id(id) {
                out.acked.push(message.at);
                self.settling.seqs.push(message.seq);
            } else if let Some(at) = live.window.settle_live(id) {
                out.acked.push(at);
                self.settling.live.push(id);
            } else if let Some(missed) = live.missed.iter_mut().find(|missed| missed.0 == id) {
                // It crossed with the storing of the message: settled as soon as that comes back.
                missed.1 = true;
                self.settling.live.push(id);
            } else {
                self.ack_room_id(id, out);
            }
        }
    }

    pub(super) fn reject(&mut self, ids: &[MessageId], out: &mut Output<'_>) {
        self.flush_acks(out);
        let Some(live) = self.live_mut() else { return };
        let reader = live.reader;
        let mut seqs: Vec<_> = ids
            .iter()
            .filter_map(|id| live.window.settle_id(*id).map(|message| message.seq))
            .collect();
        let over: Vec<_> =
            ids.iter().copied().filter(|id| live.window.settle_live(*id).is_some()).collect();
        self.settling.live.extend(over);
        seqs.sort_unstable();
        self.reject_in_rooms(ids, out);
        if !seqs.is_empty() {
            let by = engine::GivenUp::Reader;
            let command = engine::Command::Reject { reader, seqs, by };
            out.requests.push(Request::Engine { slot: Tag::QUIET, command });
        }
    }

    /// One request for all acks of the batch.
    pub(super) fn flush_acks(&mut self, out: &mut Output<'_>) {
        self.flush_room_acks(out);
        let Settling { up_to, mut seqs, live: ids } = std::mem::take(&mut self.settling);
        let Some(reader) = self.live().map(|live| live.reader) else { return };
        if !ids.is_empty() {
            out.requests.push(Request::LiveAck { log: reader.log, ids });
        }
        if up_to.is_none() && seqs.is_empty() {
            return;
        }
        seqs.retain(|seq| up_to.is_none_or(|up_to| up_to < *seq));
        seqs.sort_unstable();
        let command = engine::Command::Settle(engine::Settle { reader, up_to, seqs });
        out.requests.push(Request::Engine { slot: Tag::QUIET, command });
    }
}
