//! A device in memory: a thread is both the wire and the load.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::Outcome;
use super::device::{BURST, Device, HEADROOM, Umem};
use super::ring::{DeviceRings, Packet, Rings, rings};
use super::tally::{Tally, Work};

/// The forwarder's side.
pub struct Memory {
    rings: Rings,
    dropped: Arc<AtomicU64>,
}

/// The other thread's.
pub struct Wire {
    rings: DeviceRings,
    umem: Umem,
    dropped: Arc<AtomicU64>,
}

/// Both sides. The thread that runs the wire ends before the memory goes away.
pub fn open(umem: Umem) -> io::Result<(Memory, Wire)> {
    let (rings, device) = rings()?;
    let dropped = Arc::new(AtomicU64::new(0));
    Ok((Memory { rings, dropped: dropped.clone() }, Wire { rings: device, umem, dropped }))
}

// SAFETY: `Wire` gives back what it was given, in order, each once, and does not touch it afterwards. It ends before
// this value is dropped: `open`.
unsafe impl Device for Memory {
    fn rings(&mut self) -> &mut Rings {
        &mut self.rings
    }

    fn work(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self) {
        thread::yield_now();
    }

    fn dropped(&self) -> io::Result<u64> {
        Ok(self.dropped.load(Ordering::Relaxed))
    }
}

impl Wire {
    /// Runs the load until all is back, or it is to stop.
    pub fn run(&mut self, work: Work, stop: &AtomicBool) -> Outcome<Tally> {
        let mut tally = Tally::new(work);
        while !tally.is_complete() && !stop.load(Ordering::Relaxed) {
            let answered = self.answers(&mut tally)?;
            if answered + self.packets(&mut tally) == 0 {
                thread::yield_now();
            }
        }
        Ok(tally)
    }

    /// Takes what was sent, looks at it, and gives it back.
    fn answers(&mut self, tally: &mut Tally) -> Outcome<usize> {
        let mut outcome = Ok(());
        let sent = self.rings.send.pop(self.rings.sent.room().min(BURST)).map(|packet| {
            let start = self.umem.at(packet.offset);
            // SAFETY: the forwarder gave the frame to this device, and it has written all of its bytes.
            let bytes = unsafe { std::slice::from_raw_parts(start, packet.len as usize) };
            if outcome.is_ok() {
                outcome = tally.answer(bytes);
            }
            packet.offset
        });
        let count = self.rings.sent.push(sent);
        outcome.map(|()| count)
    }

    /// A burst of packets arrives, of which some may find no frame. Returns how many found one.
    fn packets(&mut self, tally: &mut Tally) -> usize {
        let count = tally.room().min(self.rings.received.room()).min(BURST);
        let mut ahead = 0;
        let received = self.rings.fill.pop(count).map(|frame| {
            let offset = frame + HEADROOM as u64;
            let (start, room) = (self.umem.at(offset), self.umem.rest(offset));
            // SAFETY: the forwarder gave the frame to this device.
            let bytes = unsafe { std::slice::from_raw_parts_mut(start, room) };
            let len = tally.write(bytes, ahead) as u32;
            ahead += 1;
            Packet { offset, len, options: 0 }
        });
        let received = self.rings.received.push(received);
        let dropped = (count - received) as u64;
        let dropped = self.dropped.fetch_add(dropped, Ordering::Relaxed) + dropped;
        tally.sent += count as u64;
        if tally.answered + dropped == tally.sent {
            tally.give_up(); // Nothing is on its way.
        }
        received
    }
}
