//! What the forwarder knows of a device, and of the memory that they share.

use std::io;
use std::ptr::NonNull;

use super::ring::Rings;

/// Packets that are handled together.
pub const BURST: usize = 64;

/// Bytes in front of a received packet: what XDP leaves there.
pub const HEADROOM: usize = 256;

/// Memory in frames of one size, of which a device has some.
#[derive(Clone, Copy)]
pub struct Umem {
    pub memory: NonNull<[u8]>,
    pub frame: usize,
}

// SAFETY: it is an address; whoever uses the bytes there answers for that.
unsafe impl Send for Umem {}

impl Umem {
    /// A byte by its offset. It is to be used by whoever has its frame.
    pub fn at(&self, offset: u64) -> *mut u8 {
        assert!((offset as usize) < self.memory.len(), "offset {offset} is past the end");
        self.memory.cast::<u8>().as_ptr().wrapping_add(offset as usize)
    }

    /// Bytes of a frame from an offset on.
    pub fn rest(&self, offset: u64) -> usize {
        self.frame - offset as usize % self.frame
    }
}

/// A device that moves packets between a wire and frames, and has rings for the frames.
///
/// # Safety
/// The rings `received` and `sent` give back only frames that were put into `fill` and `send`, each once. The device is
/// done with those, and wrote only bytes, within the frame. When it is dropped it is done with all.
pub unsafe trait Device {
    fn rings(&mut self) -> &mut Rings;

    /// Sends what is in the rings, and receives, without waiting. An error is that of a link that is gone, or worse.
    fn work(&mut self) -> io::Result<()>;

    /// Waits a little for packets.
    fn wait(&mut self);

    /// How many packets it has dropped because it had no frame for them, or no room in a ring.
    fn dropped(&self) -> io::Result<u64>;
}

/// Whether an error says that the interface is down, or is not there any more.
pub fn is_link_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENETDOWN | libc::ENXIO | libc::ENODEV))
}
