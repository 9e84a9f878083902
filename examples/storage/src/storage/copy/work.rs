//! One copy: the readers, the checksum thread between them, and what is verified afterwards.

use std::collections::VecDeque;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use super::super::Outcome;
use super::Rings;
use super::checksum::{self, combine};
use super::files::Files;
use super::lane::{Job, Lane};
use super::supply::{BLOCK, Supply};

/// A copy that was made, and is equal.
pub struct Copied {
    pub bytes: u64,
    pub seconds: f64,
    /// How often a reader waited for buffers.
    pub waits: u64,
}

impl Copied {
    pub fn blocks(&self) -> u64 {
        self.bytes / BLOCK as u64
    }

    /// Megabytes per second.
    pub fn speed(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.seconds
    }
}

/// Copies the source with a supply and a ring for each reader, and compares. Only the copying is
/// timed: until all is written, and not until it is flushed.
pub fn copy<S: Supply>(supplies: Vec<S>, rings: &mut Rings, files: &Files) -> Outcome<Copied> {
    let (source, copy) = files.open()?;
    let job = Job { source: &source, copy: &copy, fixed: rings.registered > 0 };
    let blocks = u32::try_from(files.bytes() / BLOCK as u64)?;
    let start = Instant::now();
    let (waits, sums) = threads(supplies, rings, &job, blocks)?;
    let seconds = start.elapsed().as_secs_f64();
    if combine(&sums) != files.sum {
        return Err("the checksum thread has seen other bytes than the source has".into());
    }
    copy.sync_all()?;
    files.compare()?;
    Ok(Copied { bytes: files.bytes(), seconds, waits })
}

/// Runs the readers, each of which copies every n-th block, and the checksum thread. Returns how
/// often readers waited, and the blocks' checksums.
fn threads<S: Supply>(
    supplies: Vec<S>,
    rings: &mut Rings,
    job: &Job<'_>,
    blocks: u32,
) -> Outcome<(u64, Vec<u32>)> {
    let lanes = supplies.len();
    let (to_checksum, bursts) = channel();
    thread::scope(|threads| {
        let (mut backs, mut readers) = (Vec::new(), Vec::new());
        for (number, (supply, ring)) in supplies.into_iter().zip(&mut rings.rings).enumerate() {
            let (back, checked) = channel();
            backs.push(back);
            let lane = Lane {
                number,
                job,
                ring,
                supply,
                todo: (number as u32..blocks).step_by(lanes),
                to_checksum: to_checksum.clone(),
                checked,
                away: 0,
                to_write: VecDeque::new(),
                in_flight: 0,
                waits: 0,
            };
            readers.push(threads.spawn(move || lane.run()));
        }
        drop(to_checksum);
        let sums = threads.spawn(move || checksum::run(blocks, &bursts, backs));
        let mut waits = 0;
        for reader in readers {
            waits += reader.join().map_err(|_| "a reader panicked")??;
        }
        Ok((waits, sums.join().map_err(|_| "the checksum thread panicked")?))
    })
}
