//! A link to another node: packets arrive once and in order over a bus that loses, repeats and delays frames. Each side
//! numbers its links; a new number on one side means that it has forgotten what it was told, and starts both anew.

use std::collections::VecDeque;

use ackd_wire::Millis;

use super::frame::Head;

/// The number of a packet, and its items.
pub(super) type Packet = (u64, Vec<u8>);

/// One side of a link.
#[derive(Debug)]
pub(super) struct Link {
    /// Our number for it. Grows with each new start.
    mine: u64,
    /// The other side's; 0: not known yet.
    theirs: u64,
    /// The number of the last packet sent.
    sent: u64,
    /// What the other side has not told to have, oldest first, with the time of its last sending.
    unacked: VecDeque<(u64, Millis, Vec<u8>)>,
    /// Bytes in `unacked`.
    bytes: usize,
    /// The last packet that has come.
    received: u64,
    /// The last packet that the other side is known to have sent.
    announced: u64,
    /// Something has come that is to be acknowledged.
    owes_ack: bool,
}

/// What a frame means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its items are old or not due yet: pass them over.
    Skip,
    /// Take its items.
    Take,
    /// The other side has started anew: forget what it told, then take the items.
    Renewed,
    /// The other side has forgotten what it was told: forget what it told, take back what had not reached it, and tell
    /// everything anew.
    Lost(Vec<Packet>),
}

impl Link {
    pub(super) fn new(mine: u64) -> Self {
        Self {
            mine,
            theirs: 0,
            sent: 0,
            unacked: VecDeque::new(),
            bytes: 0,
            received: 0,
            announced: 0,
            owes_ack: false,
        }
    }

    /// Starts anew on this side; what had not reached the other one.
    pub(super) fn restart(&mut self) -> Vec<Packet> {
        let old = std::mem::replace(self, Self::new(self.mine + 1));
        old.into_undelivered()
    }

    pub(super) fn into_undelivered(self) -> Vec<Packet> {
        self.unacked.into_iter().map(|(number, _, items)| (number, items)).collect()
    }

    /// Takes note of a frame's head.
    pub(super) fn receive(&mut self, head: &Head) -> Verdict {
        let knows_us = head.theirs == self.mine;
        if !(knows_us || head.theirs == 0) || head.mine < self.theirs {
            // Of an earlier start of ours: the other side learns of this one by our next frame.
            self.owes_ack = true;
            return Verdict::Skip;
        }
        let is_first = self.theirs == 0;
        let is_renewed = !is_first && head.mine != self.theirs;
        let mut lost = None;
        if is_renewed && !knows_us {
            lost = Some(self.restart());
        }
        if is_first || is_renewed {
            (self.theirs, self.received, self.announced) = (head.mine, 0, 0);
        }
        self.announced = self.announced.max(head.sent);
        if head.theirs == self.mine {
            self.acked(head.ack);
        }
        let is_next = head.packet == self.received + 1;
        self.owes_ack |= head.packet != 0 || is_first || is_renewed;
        match lost {
            // What it carries comes again: it is not acknowledged.
            Some(undelivered) => Verdict::Lost(undelivered),
            None if is_next => {
                self.received = head.packet;
                if is_renewed { Verdict::Renewed } else { Verdict::Take }
            }
            None if is_renewed => Verdict::Renewed,
            None => Verdict::Skip,
        }
    }

    fn acked(&mut self, up_to: u64) {
        while let Some((number, ..)) = self.unacked.front()
            && *number <= up_to
            && let Some((.., items)) = self.unacked.pop_front()
        {
            self.bytes -= items.len();
        }
    }

    /// The next packet; its frame is to be sent at once.
    pub(super) fn send(&mut self, now: Millis, items: Vec<u8>) -> Head {
        self.sent += 1;
        self.bytes += items.len();
        self.unacked.push_back((self.sent, now, items));
        self.head(self.sent)
    }

    /// The items of a packet that was just sent.
    pub(super) fn last(&self) -> &[u8] {
        self.unacked.back().map_or(&[], |(.., items)| items)
    }

    /// A frame without a packet.
    pub(super) fn bare(&mut self) -> Head {
        self.head(0)
    }

    fn head(&mut self, packet: u64) -> Head {
        self.owes_ack = false;
        let (mine, theirs, ack, sent) = (self.mine, self.theirs, self.received, self.sent);
        Head { from: 0, to: 0, mine, theirs, packet, ack, sent, generation: 0 }
    }

    /// What has waited for too long goes again: as much as goes at once.
    pub(super) fn resend(&mut self, now: Millis, mut frame: impl FnMut(Head, &[u8])) {
        let is_due = |sent: Millis| sent.saturating_add(RESEND_MS) <= now;
        if self.unacked.front().is_none_or(|(_, sent, _)| !is_due(*sent)) {
            return;
        }
        let mut bytes = 0;
        for place in 0..self.unacked.len() {
            let head = self.head(self.unacked[place].0);
            let (_, sent, items) = &mut self.unacked[place];
            bytes += items.len();
            *sent = now;
            frame(head, items);
            if RESEND_BYTES < bytes {
                return;
            }
        }
    }

    /// Whether the other side waits to hear what has come.
    pub(super) fn owes_ack(&self) -> bool {
        self.owes_ack
    }

    /// The number of the packet that is sent next, on which link.
    pub(super) fn next(&self) -> (u64, u64) {
        (self.mine, self.sent + 1)
    }

    /// Whether the other side has this packet, or the link was started anew since.
    pub(super) fn has(&self, (mine, packet): (u64, u64)) -> bool {
        let first = self.unacked.front().map_or(self.sent + 1, |(number, ..)| *number);
        mine != self.mine || packet < first
    }

    /// Whether all packets up to this one have come from the other side.
    pub(super) fn has_received(&self, packet: u64) -> bool {
        packet <= self.received
    }

    /// Bytes that wait for the other side.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the other side has been heard, and each has all that the other was told.
    pub(super) fn is_even(&self) -> bool {
        self.theirs != 0 && self.unacked.is_empty() && self.received == self.announced
    }
}

/// After so long without an ack a packet is sent again.
const RESEND_MS: Millis = 300;
/// What is sent again at once, about.
const RESEND_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn to_second(link: &mut Link, now: Millis, items: &[u8]) -> (Head, Vec<u8>) {
        (link.send(now, items.to_vec()), items.to_vec())
    }

    #[test]
    fn a_packet_that_was_lost_comes_again_before_the_next() {
        let (mut a, mut b) = (Link::new(1), Link::new(1));
        let (first, _) = to_second(&mut a, 0, b"1");
        let (second, _) = to_second(&mut a, 0, b"2");
        assert_eq!(b.receive(&second), Verdict::Skip, "the first is missing");
        let mut again = Vec::new();
        a.resend(RESEND_MS - 1, |head, items| again.push((head, items.to_vec())));
        assert!(again.is_empty(), "too early");
        a.resend(RESEND_MS, |head, items| again.push((head, items.to_vec())));
        let items: Vec<_> = again.iter().map(|(_, items)| items.clone()).collect();
        assert_eq!(items, [b"1", b"2"]);
        assert_eq!(b.receive(&again[0].0), Verdict::Take);
        assert_eq!(b.receive(&first), Verdict::Skip, "a second copy");
        assert_eq!(b.receive(&again[1].0), Verdict::Take);
        assert!(b.owes_ack() && !a.is_even() && !a.has((1, 2)));
        assert_eq!(a.receive(&b.bare()), Verdict::Skip);
        assert!(a.is_even() && a.has((1, 2)) && !a.has(a.next()));
    }

    #[test]
    fn whoever_has_forgotten_is_told_everything_anew_by_both_sides() {
        let (mut a, mut b) = (Link::new(1), Link::new(1));
        let (first, _) = to_second(&mut a, 0, b"1");
        b.receive(&first);
        a.receive(&b.bare());
        let (late, _) = to_second(&mut b, 0, b"late");
        let (unheard, _) = to_second(&mut a, 0, b"unheard");
        assert_eq!(b.restart(), [(1, b"late".to_vec())]);
        assert_eq!(b.receive(&unheard), Verdict::Skip, "of the link before");
        let hello = b.bare();
        assert_eq!(a.receive(&hello), Verdict::Lost(vec![(2, b"unheard".to_vec())]));
        assert_eq!(a.receive(&late), Verdict::Skip, "of the link before");
        let (anew, _) = to_second(&mut a, 0, b"anew");
        assert_eq!(b.receive(&anew), Verdict::Take);
        let (back, _) = to_second(&mut b, 0, b"back");
        assert_eq!(a.receive(&back), Verdict::Take);
        b.receive(&a.bare());
        assert!(a.is_even() && b.is_even());
    }

    #[test]
    fn two_that_start_anew_at_once_agree() {
        let (mut a, mut b) = (Link::new(1), Link::new(1));
        b.receive(&a.bare());
        a.receive(&b.bare());
        a.restart();
        b.restart();
        let (from_a, _) = to_second(&mut a, 0, b"a");
        let (from_b, _) = to_second(&mut b, 0, b"b");
        assert_eq!(b.receive(&from_a), Verdict::Take);
        assert_eq!(a.receive(&from_b), Verdict::Take);
        a.receive(&b.bare());
        b.receive(&a.bare());
        assert!(a.is_even() && b.is_even());
    }
}
