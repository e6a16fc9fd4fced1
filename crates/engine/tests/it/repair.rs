//! A flipped bit anywhere in a synced journal: the start is refused, a repair says what it drops, and the rest is there.

use ackd_engine::{Archive as _, Command, Disk as _, JournalError, OpenError, SimDisk, repair};

use crate::rig::{Rig, accepted, append, seqs, settings};

/// Sends some, of which Bob settles a part; what waits then.
fn live(rig: &Rig) -> Vec<u64> {
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    for n in 1..=40 {
        let answer = rig.ask(1, Command::Append(append(&ann, "bob", n, &[b'7'; 900])));
        assert!(accepted(&answer).is_some());
    }
    rig.settle(2, &bob, Some(5), &[8, 9]);
    rig.engine.commit();
    seqs(&rig.read(2, &bob))
}

#[test]
fn what_is_whole_of_a_damaged_journal_is_there_after_a_repair() {
    for at in (4096..36_000).step_by(1021) {
        let rig = Rig::new();
        let waiting = live(&rig);
        let (disk, archive) = (rig.disk.clone(), rig.archive().clone());
        drop(rig);
        let target = SimDisk::default();
        let whole = repair(&settings(), (&disk, &target), &archive, 2000).expect("it is read");
        assert_eq!((whole, target.list().expect("it is on")), (Vec::new(), Vec::new()));
        disk.corrupt("segment-0000000001.ackd", at);
        let damaged = Rig::on(settings(), (disk.clone(), archive.clone()), 9, 2000).err();
        let error = damaged.expect("it is damaged");
        assert!(error.to_string().contains("`ackd repair`"), "{error}");
        assert!(matches!(error, OpenError::Journal(JournalError::Corrupt { .. })));

        let dropped = repair(&settings(), (&disk, &target), &archive, 2000).expect("it is mended");
        assert_eq!(dropped.len(), 1, "{at}: {dropped:?}");
        let hit = dropped[0].offset..dropped[0].offset + dropped[0].bytes;
        assert!(hit.contains(&(at as u64)) && dropped[0].bytes < 2500, "{at}: {dropped:?}");
        let rig = Rig::on(settings(), (target, archive.clone()), 10, 2001).expect("it opens");
        let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
        let left = seqs(&rig.read(2, &bob));
        let missing = waiting.iter().filter(|seq| !left.contains(seq)).count();
        assert!(missing <= 1 || at < 8192, "{at}: {left:?} of {waiting:?}");
        // The numbers go on far behind, and no hole stops the position.
        let answer = rig.ask(1, Command::Append(append(&ann, "bob", 41, b"1")));
        assert!(accepted(&answer).is_some(), "{at}: {answer:?}");
        let all = seqs(&rig.read(2, &bob));
        let last = *all.last().expect("the one just sent");
        assert!(1 << 32 < last);
        rig.settle(2, &bob, None, &all);
        let bob = rig.claim(3, "bob");
        assert_eq!((bob.acked, bob.pending), (last, 0), "{at}");
        assert!(archive.get(b"s").is_ok());
    }
}

#[test]
fn a_segment_that_has_lost_its_header_is_dropped_whole_and_the_others_are_kept() {
    for lost in 1..=3 {
        let rig = Rig::new();
        let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
        for n in 1..=280 {
            let answer = rig.ask(1, Command::Append(append(&ann, "bob", n, &[b'7'; 1200])));
            let (_, _) = accepted(&answer).expect("there is room");
            let waiting = seqs(&rig.read(2, &bob));
            if 40 < waiting.len() {
                rig.settle(2, &bob, waiting.first().copied(), &[]);
            }
        }
        let (disk, archive) = (rig.disk.clone(), rig.archive().clone());
        drop(rig);
        let name = format!("segment-{lost:010}.ackd");
        disk.corrupt(&name, 30);
        disk.corrupt(&name, 2048 + 30);
        let target = SimDisk::default();
        let dropped = repair(&settings(), (&disk, &target), &archive, 2000).expect("it is mended");
        assert_eq!((&dropped[0].file, dropped[0].offset), (&name, 0), "{dropped:?}");
        assert_eq!(dropped[0].bytes, settings().segment_bytes);
        let rig = Rig::on(settings(), (target, archive), 10, 2001).expect("it opens");
        rig.claim(1, "ann");
        let bob = rig.claim(2, "bob");
        let all = seqs(&rig.read(2, &bob));
        rig.settle(2, &bob, None, &all);
        assert_eq!(rig.claim(3, "bob").pending, 0, "no hole is waited for");
    }
}
