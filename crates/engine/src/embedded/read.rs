//! Reading: the next unsettled messages of a reader, or given ones again.

use ackd_wire::Seq;

use super::log::{Entry, Log};
use super::submit::Step;
use crate::api::{Answer, Delivery, Read, ReaderKey, Refusal};
use crate::disk::Disk;

impl<D: Disk> Step<'_, D> {
    pub(super) fn read(&mut self, read: Read) {
        let Some(log) = self.shared.state.log(read.reader.log) else {
            return self.refuse(Refusal::UnknownIdentity);
        };
        let end = log.end;
        let (mut messages, mut bytes) = (Vec::new(), 0);
        let mut read_to = end;
        for entry in log.unsettled(read.reader.index, read.after) {
            messages.push(delivery(log, read.reader.index, entry));
            bytes += entry.message.bytes();
            if usize::from(read.messages) <= messages.len() || u64::from(read.bytes) <= bytes {
                read_to = entry.message.seq;
                break;
            }
        }
        self.answer(Answer::Page { messages, read_to, end });
    }

    pub(super) fn fetch(&mut self, reader: ReaderKey, seqs: &[Seq]) {
        let Some(log) = self.shared.state.log(reader.log) else {
            return self.refuse(Refusal::UnknownIdentity);
        };
        let waiting = seqs.iter().filter(|seq| !log.has_settled(reader.index, **seq));
        let entries = waiting.filter_map(|seq| log.get(*seq));
        let messages = entries.map(|entry| delivery(log, reader.index, entry)).collect();
        let end = log.end;
        self.answer(Answer::Page { messages, read_to: end, end });
    }
}

fn delivery(log: &Log, index: u16, entry: &Entry) -> Delivery {
    let reader = log.readers.get(usize::from(index));
    let attempts = reader.map_or(0, |reader| reader.attempts(entry.message.seq));
    Delivery { message: entry.message.clone(), attempts }
}
