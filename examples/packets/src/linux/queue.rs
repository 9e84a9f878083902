//! Who has which frame: with a list of free offsets, as a program without a pool has it.
//!
//! Invariant: none that anybody checks. The list is right if every path puts back what it took.

use std::collections::VecDeque;
use std::io;

use super::Outcome;
use super::device::{BURST, Umem};
use super::frames::{Frames, swap_addresses};
use super::mapping::Mapping;
use super::ring::{Consumer, Packet, Producer, RING};

/// Frames of which the free ones are in a queue.
pub struct Queued {
    memory: Mapping,
    frame: usize,
    free: VecDeque<u64>,
    packets: VecDeque<Packet>,
}

impl Queued {
    pub fn new(frames: usize, frame: usize) -> io::Result<Self> {
        let memory = Mapping::anonymous(frames * frame)?;
        let free = (0..frames).map(|at| (at * frame) as u64).collect();
        Ok(Queued { memory, frame, free, packets: VecDeque::with_capacity(BURST) })
    }
}

impl Frames for Queued {
    fn umem(&self) -> Umem {
        Umem { memory: self.memory.memory(), frame: self.frame }
    }

    fn fill(&mut self, ring: &mut Producer<u64>) {
        let count = ring.room().min(self.free.len());
        ring.push(self.free.drain(..count));
    }

    unsafe fn receive(&mut self, ring: &mut Consumer<Packet>) -> Outcome<usize> {
        let umem = self.umem();
        let new = ring.pop(BURST - self.packets.len());
        let count = new.len();
        for packet in new {
            if packet.len as usize > umem.rest(packet.offset) {
                return Err("a packet that leaves its frame".into());
            }
            let start = umem.at(packet.offset);
            // SAFETY: the device is done with the frame, and the list has it nowhere else, or so we hope.
            swap_addresses(unsafe { std::slice::from_raw_parts_mut(start, packet.len as usize) });
            self.packets.push_back(packet);
        }
        Ok(count)
    }

    fn send(&mut self, ring: &mut Producer<Packet>) -> Outcome<()> {
        let count = ring.room().min(self.packets.len());
        ring.push(self.packets.drain(..count));
        Ok(())
    }

    unsafe fn complete(&mut self, ring: &mut Consumer<u64>) -> Outcome<usize> {
        let sent = ring.pop(RING);
        let (count, frame) = (sent.len(), self.frame as u64);
        self.free.extend(sent.map(|offset| offset - offset % frame));
        Ok(count)
    }

    unsafe fn device_gone(&mut self) -> Outcome<usize> {
        // The list does not know what the device had. So it is made anew, of all frames.
        let (ours, all) = (self.free.len() + self.packets.len(), self.memory.memory().len());
        self.packets.clear();
        self.free.clear();
        self.free.extend((0..all as u64).step_by(self.frame));
        Ok(self.free.len() - ours)
    }
}
