//! Whoever watches the engine is told of each commit, and of what begins to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ackd_engine::{
    Command, Commit, Disconnect, Engine as _, Observer, SessionKey, Submission, Tag,
};
use parking_lot::Mutex;

use crate::rig::{Rig, append};

/// Its clock goes on by 10 whenever it is asked.
#[derive(Debug, Default)]
struct Watching {
    now_us: AtomicU64,
    commits: Mutex<Vec<Commit>>,
    archived: AtomicU64,
}

impl Observer for Watching {
    fn now_us(&self) -> u64 {
        self.now_us.fetch_add(10, Ordering::Relaxed)
    }

    fn committed(&self, commit: Commit) {
        self.commits.lock().push(commit);
    }

    fn archived(&self, messages: u64) {
        self.archived.fetch_add(messages, Ordering::Relaxed);
    }
}

fn watched() -> (Rig, Arc<Watching>) {
    let watching = Arc::new(Watching::default());
    let mut rig = Rig::new();
    rig.engine = rig.engine.observed_by(watching.clone());
    (rig, watching)
}

#[test]
fn a_commit_is_told_with_its_time_and_how_many_waited_for_it() {
    let (rig, watching) = watched();
    let (ann, _bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    watching.commits.lock().clear();
    let sends = [append(&ann, "bob", 1, b"1"), append(&ann, "bob", 2, b"2")];
    let tagged = (1..).zip(sends).map(|(slot, append)| Submission {
        tag: Tag { session: SessionKey(1), slot },
        command: Command::Append(append),
    });
    rig.engine.submit(1000, &mut tagged.collect());
    rig.engine.commit();
    rig.engine.commit(); // nothing to write: nothing to tell
    let commits = std::mem::take(&mut *watching.commits.lock());
    let [commit] = commits[..] else { panic!("{commits:?}") };
    assert_eq!((commit.took_us, commit.answers), (10, 2));
    assert!(20 < commit.bytes, "{commit:?}");
}

#[test]
fn a_message_begins_to_wait_where_its_recipient_is_away_goes_away_or_is_late() {
    let (rig, watching) = watched();
    let archived = || watching.archived.load(Ordering::Relaxed);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    for n in 1..=3 {
        rig.send(1, &ann, "bob", n);
    }
    assert_eq!(archived(), 0, "it is here and may acknowledge any moment");
    let (reader, identity) = (bob.reader, bob.identity);
    rig.submit(2, Tag::QUIET, Command::Archive { reader, seqs: vec![1] });
    assert_eq!(archived(), 1);
    // The first came twice, the second once; the third it was not sent.
    let unacked = vec![(1, 2), (2, 1)];
    let disconnect = Disconnect { identity, reader, outbox: None, unacked };
    rig.submit(2, Tag::QUIET, Command::Disconnect(disconnect));
    assert_eq!(archived(), 2);
    rig.send(1, &ann, "bob", 4);
    assert_eq!(archived(), 3);
}
