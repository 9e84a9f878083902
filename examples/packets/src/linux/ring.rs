//! The four rings of AF_XDP, and the two ends of a ring.
//!
//! Invariant: of each ring there is one producer and one consumer. A slot is written before the producer's counter is
//! stored (Release), and read after it was loaded (Acquire). The consumer's counter is the same the other way round.

use std::io;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::mapping::Mapping;

/// Slots of each ring.
pub const RING: usize = 1024;

/// A packet in a frame: `xdp_desc`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Packet {
    /// Of its first byte, from the start of the memory.
    pub offset: u64,
    pub len: u32,
    pub options: u32,
}

/// The forwarder's ends.
pub struct Rings {
    pub fill: Producer<u64>,
    pub received: Consumer<Packet>,
    pub send: Producer<Packet>,
    pub sent: Consumer<u64>,
}

/// The other ends, where the kernel does not have them.
pub struct DeviceRings {
    pub fill: Consumer<u64>,
    pub received: Producer<Packet>,
    pub send: Consumer<Packet>,
    pub sent: Producer<u64>,
}

/// Four rings within the process, with both of their ends.
pub fn rings() -> io::Result<(Rings, DeviceRings)> {
    let (fill, device_fill) = pair()?;
    let (device_received, received) = pair()?;
    let (send, device_send) = pair()?;
    let (device_sent, sent) = pair()?;
    let device = DeviceRings {
        fill: device_fill,
        received: device_received,
        send: device_send,
        sent: device_sent,
    };
    Ok((Rings { fill, received, send, sent }, device))
}

fn pair<T: Copy>() -> io::Result<(Producer<T>, Consumer<T>)> {
    let places = Places { producer: 0, consumer: 128, slots: 256 };
    let memory = Arc::new(Mapping::anonymous(places.bytes::<T>())?);
    // SAFETY: the memory is zeroed, and has room for both counters and all slots. One value is the producer, the other
    // the consumer.
    Ok(unsafe {
        (Producer(Ring::new(memory.clone(), &places)), Consumer(Ring::new(memory, &places)))
    })
}

/// Where the parts of a ring are, in bytes from the start of its memory.
pub struct Places {
    pub producer: usize,
    pub consumer: usize,
    pub slots: usize,
}

impl Places {
    pub fn bytes<T>(&self) -> usize {
        self.slots + RING * size_of::<T>()
    }
}

struct Ring<T> {
    producer: NonNull<AtomicU32>,
    consumer: NonNull<AtomicU32>,
    slots: NonNull<T>,
    /// How far this end is. The other end sees it when it is stored.
    at: u32,
    _memory: Arc<Mapping>,
}

// SAFETY: an end of a ring is of one thread at a time, which may change.
unsafe impl<T: Send> Send for Ring<T> {}

impl<T: Copy> Ring<T> {
    /// # Safety
    /// The memory has the two counters and [`RING`] slots at these places, each aligned. Nobody else is the same end.
    unsafe fn new(memory: Arc<Mapping>, places: &Places) -> Self {
        let start = memory.memory().cast::<u8>();
        assert!(places.bytes::<T>() <= memory.memory().len(), "a ring is larger than its memory");
        // SAFETY: the places are within the memory, by the caller's promise and the line above.
        let (producer, consumer, slots) = unsafe {
            (start.add(places.producer), start.add(places.consumer), start.add(places.slots))
        };
        let (producer, consumer) = (producer.cast(), consumer.cast());
        Ring { producer, consumer, slots: slots.cast(), at: 0, _memory: memory }
    }

    fn producer(&self) -> &AtomicU32 {
        // SAFETY: a counter, in memory that this value keeps; everybody uses it as an atomic one.
        unsafe { self.producer.as_ref() }
    }

    fn consumer(&self) -> &AtomicU32 {
        // SAFETY: as for the producer's.
        unsafe { self.consumer.as_ref() }
    }

    fn slot(&self) -> *mut T {
        self.slots.as_ptr().wrapping_add(self.at as usize % RING)
    }
}

/// The end that puts in.
pub struct Producer<T>(Ring<T>);

impl<T: Copy> Producer<T> {
    /// # Safety
    /// As for a ring: its counters and slots are at these places, and nobody else puts in.
    pub unsafe fn new(memory: Mapping, places: &Places) -> Self {
        // SAFETY: passed on to the caller.
        Producer(unsafe { Ring::new(Arc::new(memory), places) })
    }

    /// How many there is room for.
    pub fn room(&self) -> usize {
        // Acquire: pairs with the Release of `Popped`, whose reads of these slots are over.
        RING - self.0.at.wrapping_sub(self.0.consumer().load(Ordering::Acquire)) as usize
    }

    /// Takes as many items as there is room for, and no more. Returns how many.
    pub fn push(&mut self, items: impl IntoIterator<Item = T>) -> usize {
        let mut count = 0;
        for item in items.into_iter().take(self.room()) {
            // SAFETY: there is room, so the slot is this end's.
            unsafe { self.0.slot().write(item) };
            self.0.at = self.0.at.wrapping_add(1);
            count += 1;
        }
        // Release: pairs with the Acquire of `pop`, which reads the slots.
        self.0.producer().store(self.0.at, Ordering::Release);
        count
    }
}

/// The end that takes out.
pub struct Consumer<T>(Ring<T>);

impl<T: Copy> Consumer<T> {
    /// # Safety
    /// As for a ring: its counters and slots are at these places, and nobody else takes out.
    pub unsafe fn new(memory: Mapping, places: &Places) -> Self {
        // SAFETY: passed on to the caller.
        Consumer(unsafe { Ring::new(Arc::new(memory), places) })
    }

    /// Those that are there, at most so many. What is not taken stays.
    pub fn pop(&mut self, most: usize) -> Popped<'_, T> {
        // Acquire: pairs with the Release of `push`, which wrote the slots.
        let there = self.0.producer().load(Ordering::Acquire).wrapping_sub(self.0.at) as usize;
        Popped { ring: &mut self.0, left: there.min(most) }
    }
}

/// Items on their way out. Their slots are free when this is dropped.
pub struct Popped<'a, T: Copy> {
    ring: &'a mut Ring<T>,
    left: usize,
}

impl<T: Copy> Iterator for Popped<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: the producer has written the slot, and gets it back when this is dropped.
        let item = unsafe { self.ring.slot().read() };
        self.ring.at = self.ring.at.wrapping_add(1);
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Copy> ExactSizeIterator for Popped<'_, T> {}

impl<T: Copy> Drop for Popped<'_, T> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire of `room`, after which the slots are written again.
        self.ring.consumer().store(self.ring.at, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pass_in_order_and_none_is_taken_without_room() {
        let (rings, device) = rings().unwrap();
        let (mut producer, mut consumer) = (rings.fill, device.fill);
        let mut items = 0..3 * RING as u64;
        assert_eq!(producer.push(items.by_ref()), RING);
        assert_eq!((producer.room(), items.start), (0, RING as u64));
        assert!(consumer.pop(10).eq(0..10));
        assert_eq!(producer.push(items.by_ref()), 10);
        // What is not taken stays.
        assert_eq!(consumer.pop(RING).next(), Some(10));
        assert!(consumer.pop(usize::MAX).eq(11..RING as u64 + 10));
        assert_eq!(producer.room(), RING);
    }
}
