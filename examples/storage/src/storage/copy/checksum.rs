//! The thread between reading and writing: it owns the buffers meanwhile.

use std::sync::mpsc::{Receiver, Sender};

use super::supply::{BLOCK, Batch};

/// Buffers with an owner, and which block of the file each has.
pub struct Burst<B> {
    /// The reader that wants it back.
    pub lane: usize,
    pub batch: B,
    pub blocks: Vec<u32>,
}

/// Makes the checksum of each block, until all readers have ended, and sends each burst back.
pub fn run<B: Batch>(
    blocks: u32,
    bursts: &Receiver<Burst<B>>,
    lanes: Vec<Sender<Burst<B>>>,
) -> Vec<u32> {
    let mut sums = vec![0; blocks as usize];
    for burst in bursts {
        for (&block, bytes) in burst.blocks.iter().zip(burst.batch.blocks()) {
            sums[block as usize] = crc32fast::hash(bytes);
        }
        // A reader that has failed is gone: its buffers are freed here, by their drop.
        let _ = lanes[burst.lane].send(burst);
    }
    sums
}

/// The checksum of all blocks, one behind the other.
pub fn combine(sums: &[u32]) -> u32 {
    let mut whole = crc32fast::Hasher::new();
    for &sum in sums {
        whole.combine(&crc32fast::Hasher::new_with_initial_len(sum, BLOCK as u64));
    }
    whole.finalize()
}
