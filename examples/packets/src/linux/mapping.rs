//! Memory from `mmap`.
//!
//! Invariant: the mapping is there until the value is dropped, and nobody else unmaps it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{NonNull, null_mut};

/// A mapping of this process.
pub struct Mapping {
    memory: NonNull<[u8]>,
}

// SAFETY: the value only keeps the mapping; whoever uses its bytes answers for that.
unsafe impl Send for Mapping {}
// SAFETY: as above: through a reference there is an address, and nothing else.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Zeroed memory, present at once.
    pub fn anonymous(len: usize) -> io::Result<Self> {
        Self::new(len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
    }

    /// What a file descriptor has at an offset.
    pub fn of(fd: BorrowedFd<'_>, len: usize, offset: libc::off_t) -> io::Result<Self> {
        Self::new(len, libc::MAP_SHARED, fd.as_raw_fd(), offset)
    }

    fn new(len: usize, flags: i32, fd: i32, offset: libc::off_t) -> io::Result<Self> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = flags | libc::MAP_POPULATE;
        // SAFETY: the system chooses an address that nobody uses.
        let start = unsafe { libc::mmap(null_mut(), len, access, flags, fd, offset) };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => {
                Ok(Mapping { memory: NonNull::slice_from_raw_parts(start, len) })
            }
            _ => Err(io::Error::last_os_error()),
        }
    }

    pub fn memory(&self) -> NonNull<[u8]> {
        self.memory
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `new` mapped it, and whoever had an address in it kept the value.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), self.memory.len()) };
    }
}
