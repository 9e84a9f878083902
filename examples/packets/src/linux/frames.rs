//! Who has which frame: with a pool.
//!
//! Invariant: a frame is free, in a batch (ours), or lent (the device's), and the pool knows which.

use std::collections::VecDeque;

use pagesheaf::{BuildError, Cache, DefaultMode, PageBatch, Pool, Region};

use super::Outcome;
use super::device::{BURST, Umem};
use super::ring::{Consumer, Packet, Producer, RING};

/// The frames of one memory, for a forwarder.
pub trait Frames {
    /// What the device is told of.
    fn umem(&self) -> Umem;

    /// Gives the device frames to receive into.
    fn fill(&mut self, ring: &mut Producer<u64>);

    /// Takes packets, and swaps their addresses. Returns how many.
    ///
    /// # Safety
    /// The ring is of a device with this memory, which is done with what the ring has.
    unsafe fn receive(&mut self, ring: &mut Consumer<Packet>) -> Outcome<usize>;

    /// Gives the device the packets to send, in their order, as many as the ring has room for.
    fn send(&mut self, ring: &mut Producer<Packet>) -> Outcome<()>;

    /// Takes frames that were sent. Returns how many.
    ///
    /// # Safety
    /// As for `receive`.
    unsafe fn complete(&mut self, ring: &mut Consumer<u64>) -> Outcome<usize>;

    /// Takes back whatever the device had, and drops the packets that it can no longer send. Returns how many frames it
    /// had.
    ///
    /// # Safety
    /// The device is gone.
    unsafe fn device_gone(&mut self) -> Outcome<usize>;
}

/// Swaps the MAC addresses in front of a packet.
pub fn swap_addresses(packet: &mut [u8]) {
    if let Some((to, [from @ .., _, _])) = packet.get_mut(..14).map(|header| header.split_at_mut(6))
    {
        to.swap_with_slice(from);
    }
}

/// Builds a pool whose region can be a UMEM: no page fault while packets arrive.
pub fn pool(pages: usize, page_size: usize) -> Result<Pool, BuildError> {
    Pool::builder(pages).page_size(page_size).region(Region::mapped().populate(true)).build()
}

/// Frames that are the pages of a pool.
pub struct Pooled {
    pool: Pool,
    cache: Cache,
    packets: PageBatch<DefaultMode, BURST>,
    /// Of each packet of the batch: where it starts in its page, and its length.
    places: VecDeque<(u64, u32)>,
    /// How often the pool had fewer pages than the fill ring had room for.
    pub short: u64,
}

impl Pooled {
    pub fn new(pool: &Pool) -> Outcome<Self> {
        let (cache, packets) = (pool.cache()?, PageBatch::empty());
        let places = VecDeque::with_capacity(BURST);
        Ok(Pooled { pool: pool.clone(), cache, packets, places, short: 0 })
    }
}

impl Frames for Pooled {
    fn umem(&self) -> Umem {
        let memory = self.pool.region().expect("a mapped pool has bytes");
        Umem { memory, frame: self.pool.page_size() }
    }

    fn fill(&mut self, ring: &mut Producer<u64>) {
        let mut pages = self.cache.lend_new(ring.room());
        ring.push(pages.by_ref());
        self.short += u64::from(pages.reason().is_some());
    }

    unsafe fn receive(&mut self, ring: &mut Consumer<Packet>) -> Outcome<usize> {
        let inside = self.pool.page_size() as u64 - 1;
        let offsets = ring.pop(self.packets.remaining_capacity()).map(|packet| {
            self.places.push_back((packet.offset & inside, packet.len));
            packet.offset
        });
        // SAFETY: the caller's device is done with these pages. The pool has lent it all that it has, and wrote zeroes
        // into its region before.
        let count = unsafe { self.cache.reclaim_at(offsets, &mut self.packets) }?;
        let new = self.packets.iter_mut().zip(&self.places).rev().take(count);
        for (page, &(start, len)) in new {
            let packet =
                page.get_mut(start as usize..).and_then(|rest| rest.get_mut(..len as usize));
            swap_addresses(packet.ok_or("a packet that leaves its page")?);
        }
        Ok(count)
    }

    fn send(&mut self, ring: &mut Producer<Packet>) -> Outcome<()> {
        let count = ring.room().min(self.packets.len());
        // The places first: `zip` asks those, finds that there are no more, and takes no page too many.
        let pages = self.places.drain(..count).zip(self.cache.lend(&mut self.packets));
        let packets =
            pages.map(|((start, len), page)| Packet { offset: page + start, len, options: 0 });
        match ring.push(packets) {
            all if all == count => Ok(()),
            some => Err(format!("{some} of {count} pages could be lent").into()),
        }
    }

    unsafe fn complete(&mut self, ring: &mut Consumer<u64>) -> Outcome<usize> {
        // SAFETY: the caller's device has sent these pages, which `send` lent, and nobody else uses them.
        Ok(unsafe { self.cache.free_lent(ring.pop(RING)) }?)
    }

    unsafe fn device_gone(&mut self) -> Outcome<usize> {
        self.cache.free_bulk(&mut self.packets);
        self.places.clear();
        let lent = self.pool.lent().ok_or("the pool's mode does not check")?.count();
        // SAFETY: there was one device, and it is gone, by the caller's promise. This thread alone lends pages, and its
        // rings are gone with the device.
        match unsafe { self.pool.reclaim_all() } {
            Some(back) if back == lent => Ok(back),
            back => Err(format!("{lent} pages were lent, and {back:?} came back").into()),
        }
    }
}
