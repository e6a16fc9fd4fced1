//! What presence needs of the world: a task that tells of those who have been away for too long, and the file that makes
//! generations grow over restarts. Nothing is written for a change: the file holds a generation far ahead of the newest.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ackd_wire::Millis;

use crate::socket::Context;

/// Generations that may be given out: no later run gives out one of them again.
#[derive(Debug, Clone)]
pub(crate) struct Reservation {
    directory: PathBuf,
    /// The last of them.
    until: u64,
}

impl Reservation {
    /// Reserves generations above all that earlier runs had reserved, and gives the one that they come after. `data_dir` is
    /// held by this process.
    pub(crate) fn take(data_dir: &Path, now: Millis) -> io::Result<(Self, u64)> {
        let earlier = match std::fs::read_to_string(data_dir.join(FILE)) {
            Ok(text) => read(&text, data_dir)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        // The time comes in so that generations grow over a restored copy of the directory too.
        let start = earlier.max(now.saturating_mul(CHANGES_PER_MS));
        let mut reservation = Self { directory: data_dir.into(), until: 0 };
        reservation.extend(start)?;
        Ok((reservation, start))
    }

    /// Whether most of them are given out.
    fn is_low(&self, generation: u64) -> bool {
        self.until < generation.saturating_add(RESERVED / 2)
    }

    /// Reserves more; it is stored when this returns.
    fn extend(&mut self, generation: u64) -> io::Result<()> {
        let until = generation.saturating_add(RESERVED);
        let new = self.directory.join(NEW_FILE);
        let mut file = File::create(&new)?;
        file.write_all(format!("{until}\n").as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, self.directory.join(FILE))?;
        File::open(&self.directory)?.sync_all()?;
        self.until = until;
        Ok(())
    }
}

fn read(text: &str, data_dir: &Path) -> io::Result<u64> {
    text.trim().parse().map_err(|_| {
        let path = data_dir.join(FILE);
        let what = format!("{} holds no number; remove it", path.display());
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

/// Tells who is away, as long as the server runs.
pub(crate) async fn run(context: Arc<Context>, mut reservation: Reservation) {
    let clock = context.clock;
    loop {
        let (next, generation) = poll_fn(|cx| {
            let (next, generation) = context.router.tick_presence(clock.now(), cx.waker());
            next.map_or(Poll::Pending, |next| Poll::Ready((next, generation)))
        })
        .await;
        if reservation.is_low(generation) {
            reservation = extended(reservation, generation).await;
        }
        let pause = next.saturating_sub(clock.now()).max(STEP_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// What cannot be stored now is tried again when the next one is away: half of what was reserved is left.
async fn extended(reservation: Reservation, generation: u64) -> Reservation {
    let mut longer = reservation.clone();
    let extended = tokio::task::spawn_blocking(move || longer.extend(generation).map(|()| longer));
    match extended.await.map_err(io::Error::other).and_then(|extended| extended) {
        Ok(longer) => longer,
        Err(error) => {
            tracing::warn!(%error, "generations of presence cannot be reserved");
            reservation
        }
    }
}

const FILE: &str = "presence";
const NEW_FILE: &str = "presence.new";
/// Generations that one write reserves: of 2⁵³ that there are, and more than a day's at 10,000 changes a second.
const RESERVED: u64 = 1 << 32;
/// The generation grows with the time at least so fast over restarts.
const CHANGES_PER_MS: u64 = 1024;
/// Those who are away are told of in steps of this.
const STEP_MS: Millis = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_grow_over_restarts_whatever_the_clock_says() {
        let directory = tempfile::tempdir().unwrap();
        let now = 1_764_000_000_000;
        let (_, first) = Reservation::take(directory.path(), now).unwrap();
        let (_, second) = Reservation::take(directory.path(), now).unwrap();
        assert_eq!(second, first + RESERVED, "as if all reserved ones had been given out");
        let (mut reservation, third) = Reservation::take(directory.path(), now / 2).unwrap();
        assert_eq!(third, second + RESERVED);
        assert!(!reservation.is_low(third) && reservation.is_low(third + RESERVED / 2 + 1));
        reservation.extend(third + RESERVED).unwrap();
        let (_, fourth) = Reservation::take(directory.path(), now).unwrap();
        assert_eq!(fourth, third + 2 * RESERVED);
        let other = tempfile::tempdir().unwrap();
        let (_, restored) = Reservation::take(other.path(), now + 60_000_000).unwrap();
        assert!(fourth < restored, "a new directory, much later");
    }

    #[test]
    fn a_file_that_holds_something_else_is_named() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(FILE), "12 monkeys").unwrap();
        let error = Reservation::take(directory.path(), 1).unwrap_err().to_string();
        assert!(error.ends_with("presence holds no number; remove it"), "{error}");
    }
}
