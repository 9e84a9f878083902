//! Mapped regions on Linux.
//!
//! Invariant: a region is mapped inside one reservation without access, so whatever of the reservation is not the
//! region stays a guard, and unmapping the reservation leaves nothing behind. No mapping is ever replaced: the kernel
//! may unmap what is to be replaced and then refuse, and the hole belongs to whoever maps something next.

use core::ptr::null_mut;

use rustix::io::Errno;
use rustix::mm::{
    Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mlock, mmap_anonymous, mprotect, munmap,
};

use crate::error::BuildError;
use crate::mapping::{Huge, HugePages, Mapping, RegionInfo, RegionKind};

/// Whether a pool's default region is mapped.
pub(crate) const AVAILABLE: bool = true;

/// The size and alignment of a huge page. Other sizes that a kernel may offer are not used.
const HUGE: usize = 2 << 20;

fn refused(what: &'static str) -> impl Fn(Errno) -> BuildError {
    move |errno| BuildError::System { what, code: errno.raw_os_error() }
}

/// A region that was mapped. Dropping the reservation unmaps it.
pub(crate) struct Mapped {
    pub(crate) base: *mut u8,
    pub(crate) info: RegionInfo,
    pub(crate) reservation: Reservation,
}

/// Address space of our own, without access but for the part of it that is to be the region. Dropping it unmaps all.
pub(crate) struct Reservation {
    start: *mut u8,
    bytes: usize,
    base: *mut u8,
    mapped: usize,
}

impl Reservation {
    /// Room for `mapped` bytes at a multiple of `align`, with so many bytes at both ends to spare.
    fn new(mapped: usize, align: usize, guard: usize) -> Result<Self, BuildError> {
        let bytes = mapped.checked_add(align + 2 * guard).ok_or(BuildError::Overflow)?;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start =
            unsafe { mmap_anonymous(null_mut(), bytes, ProtFlags::empty(), MapFlags::PRIVATE) }
                .map_err(refused("address space for the region"))?
                .cast::<u8>();
        let offset = (start.addr() + guard).next_multiple_of(align) - start.addr();
        Ok(Reservation { start, bytes, base: start.wrapping_add(offset), mapped })
    }

    /// Makes the region of ordinary pages.
    fn open(&self) -> Result<(), BuildError> {
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: the range lies in a reservation of our own, which nobody uses yet.
        unsafe { mprotect(self.base.cast(), self.mapped, access) }
            .map_err(refused("memory for the region"))
    }

    /// Makes the region of reserved huge pages, or gives everything back.
    ///
    /// They cannot be had inside a mapping, only in place of one. So the reservation is opened in the middle, where
    /// another thread may map something before we do: then, as if the kernel refuses, only the ends are still ours.
    fn huge(mut self) -> Result<Self, Errno> {
        // SAFETY: the range lies in a reservation of our own, which nobody uses yet.
        unsafe { munmap(self.base.cast(), self.mapped) }?;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::HUGETLB | MapFlags::FIXED_NOREPLACE;
        // SAFETY: a new mapping, where there is none or not at all.
        let got = unsafe { mmap_anonymous(self.base.cast(), self.mapped, access, flags) };
        let errno = match got {
            // From here on the region is reached through the new mapping's pointer: what the reservation's pointer may
            // touch was unmapped.
            Ok(got) if got.cast() == self.base => {
                self.base = got.cast();
                return Ok(self);
            }
            // Kernels before 4.17 take the address for a hint.
            Ok(elsewhere) => {
                // SAFETY: it was just mapped, and nobody uses it.
                let _ = unsafe { munmap(elsewhere, self.mapped) };
                Errno::EXIST
            }
            Err(errno) => errno,
        };
        let end = self.base.wrapping_add(self.mapped);
        let head = self.base.addr() - self.start.addr();
        let tail = self.bytes - head - self.mapped;
        for (start, bytes) in [(self.start, head), (end, tail)] {
            drop(Reservation { start, bytes, base: start, mapped: 0 });
        }
        // The middle is no longer ours, and the ends are gone.
        core::mem::forget(self);
        Err(errno)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            // SAFETY: the reservation is ours, and nobody uses it any more. It cannot fail for a range that was mapped; if
            // it did, it would leak.
            let _ = unsafe { munmap(self.start.cast(), self.bytes) };
        }
    }
}

/// Maps `bytes` at a multiple of `align`.
pub(crate) fn map(how: Mapping, bytes: usize, align: usize) -> Result<Mapped, BuildError> {
    let small = rustix::param::page_size();
    let unit = if how.huge == HugePages::Off { small } else { HUGE };
    let align = align.max(unit);
    let guard = if how.guard { small } else { 0 };
    let mapped = bytes.checked_next_multiple_of(unit).ok_or(BuildError::Overflow)?;
    let reserve = || Reservation::new(mapped, align, guard);
    let huge =
        (how.huge != HugePages::Off).then(|| reserve().map(Reservation::huge)).transpose()?;
    let (reservation, errno) = match (how.huge, huge) {
        (_, Some(Ok(reservation))) => (reservation, None),
        (HugePages::Require, Some(Err(errno))) => {
            return Err(refused("huge pages for the region")(errno));
        }
        (_, huge) => (reserve()?, huge.and_then(Result::err)),
    };
    let low = reservation.base;
    // A region with guards ends at the one behind it: what is written past the end mostly goes up. `bytes` is a multiple
    // of the page size, and so is `mapped` where something is left over, so the base stays aligned.
    let slack = if how.guard { mapped - bytes } else { 0 };
    let base = low.wrapping_add(slack);
    let mut info = RegionInfo {
        kind: RegionKind::Mapped,
        base: base.addr(),
        bytes,
        huge_pages: Huge::Off,
        populated: false,
        poisoned_pages: 0,
        locked: false,
        guarded: how.guard,
        slack_before: slack,
        slack_after: 0,
    };
    info.huge_pages = match (how.huge, errno) {
        (HugePages::Off, _) => {
            reservation.open()?;
            Huge::Off
        }
        (_, None) => Huge::Reserved,
        (_, Some(errno)) => {
            reservation.open()?;
            // SAFETY: the range was just mapped.
            match unsafe { madvise(low.cast(), mapped, Advice::LinuxHugepage) } {
                Ok(()) => Huge::Advised { refused: errno.raw_os_error() },
                Err(_) => Huge::Refused { code: errno.raw_os_error() },
            }
        }
    };
    if how.lock {
        // SAFETY: the range was just mapped.
        unsafe { mlock(low.cast(), mapped) }.map_err(refused("locking the region in memory"))?;
        // The system backs what it locks at once.
        (info.locked, info.populated) = (true, true);
    }
    if how.populate {
        populate(low, mapped, small);
        info.populated = true;
    }
    Ok(Mapped { base, info, reservation })
}

/// Backs every page now, by the kernel in one go or, on kernels before 5.14, by touching each.
fn populate(base: *mut u8, bytes: usize, small: usize) {
    // SAFETY: the range was just mapped.
    if unsafe { madvise(base.cast(), bytes, Advice::LinuxPopulateWrite) }.is_err() {
        for offset in (0..bytes).step_by(small) {
            // SAFETY: inside the range, which nobody else uses yet.
            unsafe { base.add(offset).write_volatile(0) };
        }
    }
}
