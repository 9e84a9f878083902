//! A reader: a ring, and the thread that drives it. It reads blocks, sends them to be checksummed,
//! writes what comes back, and frees it.
//!
//! Invariant: it sleeps in the ring while the kernel has something of it, in the channel while only
//! the checksum thread has, and waits for buffers only when it has none at all. So nobody
//! waits for a buffer that is kept by somebody who waits.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::iter::StepBy;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};

use io_uring::squeue::Entry;
use io_uring::{IoUring, opcode, types::Fd};

use super::super::Outcome;
use super::checksum::Burst;
use super::supply::{BLOCK, DEPTH, Lent, Supply};

/// In `user_data`: this is a write. Below it the block's number, and in the lower half the key.
const WRITE: u64 = 1 << 63;

/// Who has waited takes no more buffers than so many: others wait, too.
const SHARE: usize = 8;

/// What a reader works on.
pub struct Job<'a> {
    pub source: &'a File,
    pub copy: &'a File,
    /// Whether the buffers are registered with the ring.
    pub fixed: bool,
}

/// A reader's state.
pub struct Lane<'a, S: Supply> {
    pub number: usize,
    pub job: &'a Job<'a>,
    pub ring: &'a mut IoUring,
    pub supply: S,
    /// Blocks that are still to be read.
    pub todo: StepBy<Range<u32>>,
    pub to_checksum: Sender<Burst<S::Batch>>,
    pub checked: Receiver<Burst<S::Batch>>,
    /// Bursts that the checksum thread has.
    pub away: usize,
    /// Bursts that are to be written.
    pub to_write: VecDeque<Burst<S::Batch>>,
    /// Requests that the kernel has, or finds in the submission queue.
    pub in_flight: usize,
    /// How often there was no buffer, and the thread waited for others to free some.
    pub waits: u64,
}

impl<S: Supply> Lane<'_, S> {
    /// Copies its blocks. Returns how often it waited for buffers.
    pub fn run(mut self) -> Outcome<u64> {
        let copied = self.copy();
        // Also after an error: the kernel has nothing of ours when this returns.
        while self.in_flight > 0 {
            self.enter()?;
            let _ = self.complete();
        }
        copied.map(|()| self.waits)
    }

    fn copy(&mut self) -> Outcome<()> {
        loop {
            self.write();
            self.read()?;
            if self.in_flight > 0 {
                self.enter()?;
                self.complete()?;
                self.collect()?;
            } else if self.away > 0 {
                let burst = self.supply.idle(|| self.checked.recv())?;
                self.put(burst);
                self.collect()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Writes what has its checksum, as much as the ring has room for.
    fn write(&mut self) {
        let mut lent = Vec::with_capacity(DEPTH);
        while let Some(mut burst) = self.to_write.pop_front() {
            self.supply.lend(&mut burst.batch, DEPTH - self.in_flight, &mut lent);
            let blocks = burst.blocks.drain(..lent.len());
            let fd = Fd(self.job.copy.as_raw_fd());
            for (Lent { key, address, index }, block) in lent.drain(..).zip(blocks) {
                let (at, bytes) = (u64::from(block) * BLOCK as u64, BLOCK as u32);
                let entry = if self.job.fixed {
                    opcode::WriteFixed::new(fd, address, bytes, index).offset(at).build()
                } else {
                    opcode::Write::new(fd, address, bytes).offset(at).build()
                };
                let data = WRITE | u64::from(block) << 32 | u64::from(key);
                push(self.ring, &mut self.in_flight, &entry.user_data(data));
            }
            if !burst.blocks.is_empty() {
                self.to_write.push_front(burst);
                return;
            }
        }
    }

    /// Reads more, as much as there is room and there are buffers for. With nothing else to do, it
    /// waits for buffers.
    fn read(&mut self) -> Outcome<()> {
        let n = (DEPTH - self.in_flight).min(self.todo.len());
        let mut lent = Vec::with_capacity(DEPTH);
        self.supply.lend_new(n, &mut lent);
        if n > 0 && lent.is_empty() && self.in_flight == 0 && self.away == 0 {
            self.waits += 1;
            self.supply.wait_and_lend(n.min(SHARE), &mut lent)?;
        }
        let fd = Fd(self.job.source.as_raw_fd());
        for (Lent { key, address, index }, block) in lent.into_iter().zip(&mut self.todo) {
            let (at, bytes) = (u64::from(block) * BLOCK as u64, BLOCK as u32);
            let entry = if self.job.fixed {
                opcode::ReadFixed::new(fd, address, bytes, index).offset(at).build()
            } else {
                opcode::Read::new(fd, address, bytes).offset(at).build()
            };
            let data = u64::from(block) << 32 | u64::from(key);
            push(self.ring, &mut self.in_flight, &entry.user_data(data));
        }
        Ok(())
    }

    /// Submits, and sleeps until something is complete. Others can have what is in the cache.
    fn enter(&mut self) -> io::Result<()> {
        let ring = &*self.ring;
        loop {
            match self.supply.idle(|| ring.submit_and_wait(1)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other.map(drop),
            }
        }
    }

    /// Takes completions: what was read is sent on, and what was written is freed.
    fn complete(&mut self) -> Outcome<()> {
        let (mut read, mut blocks, mut done) = (Vec::new(), Vec::new(), Vec::new());
        let mut failed = None;
        for completion in self.ring.completion() {
            self.in_flight -= 1;
            let data = completion.user_data();
            if completion.result() != BLOCK as i32 {
                failed = Some(failure(data, completion.result()));
                done.push(data as u32);
            } else if data & WRITE != 0 {
                done.push(data as u32);
            } else {
                read.push(data as u32);
                blocks.push((data >> 32) as u32);
            }
        }
        if !done.is_empty() {
            // SAFETY: the kernel has completed these requests, failed or not.
            unsafe { self.supply.free_lent(&done) }?;
        }
        if !read.is_empty() {
            // SAFETY: as above. They are at most as many as were in flight.
            let batch = unsafe { self.supply.reclaim(&read) }?;
            let burst = Burst { lane: self.number, batch, blocks };
            self.to_checksum.send(burst).map_err(|_| "the checksum thread has ended")?;
            self.away += 1;
        }
        failed.map_or(Ok(()), |failed| Err(failed.into()))
    }

    /// Takes whatever the checksum thread has sent back.
    fn collect(&mut self) -> Outcome<()> {
        loop {
            match self.checked.try_recv() {
                Ok(burst) => self.put(burst),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn put(&mut self, burst: Burst<S::Batch>) {
        self.away -= 1;
        self.to_write.push_back(burst);
    }
}

/// Puts a request into the submission queue.
fn push(ring: &mut IoUring, in_flight: &mut usize, entry: &Entry) {
    // SAFETY: the buffer is lent until its completion has come, and nobody frees it before: should
    // the ring fail, it stays lent for good.
    let pushed = unsafe { ring.submission().push(entry) };
    pushed.expect("the queue has room for all that may be in flight");
    *in_flight += 1;
}

fn failure(data: u64, result: i32) -> String {
    let what = if data & WRITE != 0 { "writing" } else { "reading" };
    let at = ((data & !WRITE) >> 32) * BLOCK as u64;
    match u32::try_from(result) {
        Ok(bytes) => format!("{what} at byte {at}: {bytes} bytes instead of {BLOCK}"),
        Err(_) => format!("{what} at byte {at}: {}", io::Error::from_raw_os_error(-result)),
    }
}
