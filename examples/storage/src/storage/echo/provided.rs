//! A ring of provided buffers: the kernel takes one from it for each datagram.
//!
//! Invariant: the ring has room for every page of the pool, so the tail never runs into the head.

use std::cell::UnsafeCell;
use std::io;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

/// Entries of the ring: a power of two.
pub const ENTRIES: u16 = 1024;

/// The group's number, which requests name.
pub const GROUP: u16 = 0;

/// The entries, aligned as the kernel wants them. An entry's last two bytes are of no use to the
/// kernel but for the first entry's, where the ring's tail is.
#[repr(C, align(4096))]
struct Memory(UnsafeCell<[[u64; 2]; ENTRIES as usize]>);

/// The program's end of it.
pub struct Provided {
    memory: Box<Memory>,
    tail: u16,
}

impl Provided {
    /// Registers an empty ring.
    ///
    /// # Safety
    /// What is returned lives until the ring is unregistered, or `ring` is gone.
    pub unsafe fn new(ring: &IoUring) -> io::Result<Self> {
        let memory = Box::new(Memory(UnsafeCell::new([[0; 2]; ENTRIES as usize])));
        let address = memory.0.get().expose_provenance() as u64;
        // SAFETY: the memory has so many entries, and lives as long as the caller promises.
        unsafe { ring.submitter().register_buf_ring_with_flags(address, ENTRIES, GROUP, 0) }?;
        Ok(Provided { memory, tail: 0 })
    }

    /// Adds a buffer, which the kernel does not see before [`publish`](Self::publish).
    pub fn push(&mut self, address: *mut u8, bytes: u32, id: u16) {
        let at = usize::from(self.tail % ENTRIES);
        // SAFETY: the entry lies in the memory, which has the layout of entries and is zeroed at
        // first. The kernel reads entries between its head and the tail only, and this one is not.
        let entry = unsafe { &mut *self.entries().add(at) };
        entry.set_addr(address.expose_provenance() as u64);
        entry.set_len(bytes);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
    }

    /// Shows the kernel all that was added.
    pub fn publish(&mut self) {
        // SAFETY: the pointer is to the first entry, which is initialised, and no reference to that
        // entry is alive; the kernel reads the tail atomically, and it is aligned to 2 bytes.
        let tail = unsafe { AtomicU16::from_ptr(BufRingEntry::tail(self.entries()).cast_mut()) };
        // Release: the kernel's load of the tail comes before its loads of entries.
        tail.store(self.tail, Ordering::Release);
    }

    fn entries(&self) -> *mut BufRingEntry {
        self.memory.0.get().cast()
    }
}
