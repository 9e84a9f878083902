//! Mapped regions on Linux.
//!
//! Invariant: a region is mapped inside one reservation without access, so whatever of the reservation is not the
//! region stays a guard, and unmapping the reservation leaves nothing behind.

use core::ptr::null_mut;

use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap_anonymous, munmap};

use crate::error::BuildError;
use crate::region::{Backing, Huge, HugePages, Mapping, RegionInfo, RegionKind, Release};

/// Whether a pool's default region is mapped.
pub(crate) const AVAILABLE: bool = true;

/// The size and alignment of a huge page. Other sizes that a kernel may offer are not used.
const HUGE: usize = 2 << 20;

fn refused(what: &'static str) -> impl Fn(Errno) -> BuildError {
    move |errno| BuildError::System { what, code: errno.raw_os_error() }
}

/// Maps `bytes` at a multiple of `align`.
pub(crate) fn map(how: Mapping, bytes: usize, align: usize) -> Result<Backing, BuildError> {
    let small = rustix::param::page_size();
    let huge_wanted = how.huge != HugePages::Off;
    let unit = if huge_wanted { HUGE } else { small };
    let align = align.max(unit);
    let guard = if how.guard { small } else { 0 };
    let mapped = bytes.checked_next_multiple_of(unit).ok_or(BuildError::Overflow)?;
    let reserved = mapped.checked_add(align + 2 * guard).ok_or(BuildError::Overflow)?;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let start =
        unsafe { mmap_anonymous(null_mut(), reserved, ProtFlags::empty(), MapFlags::PRIVATE) }
            .map_err(refused("address space for the region"))?
            .cast::<u8>();
    // From here on, an error drops the backing, which unmaps the reservation.
    let offset = (start.addr() + guard).next_multiple_of(align) - start.addr();
    let base = start.wrapping_add(offset);
    let mut backing = Backing {
        base,
        release: Release::Unmap { start, bytes: reserved },
        info: RegionInfo {
            kind: RegionKind::Mapped,
            base: base.addr(),
            bytes,
            huge_pages: Huge::Off,
            populated: false,
            locked: false,
            guarded: how.guard,
        },
    };
    backing.info.huge_pages = back(base, mapped, how.huge)?;
    if how.lock {
        // SAFETY: the range was just mapped.
        unsafe { mlock(base.cast(), mapped) }.map_err(refused("locking the region in memory"))?;
        backing.info.locked = true;
    }
    if how.populate {
        populate(base, mapped, small);
        backing.info.populated = true;
    }
    Ok(backing)
}

/// Maps memory over a part of the reservation.
fn back(base: *mut u8, bytes: usize, huge: HugePages) -> Result<Huge, BuildError> {
    let fixed = |flags| {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the range lies in a reservation of our own, which nobody uses yet.
        unsafe { mmap_anonymous(base.cast(), bytes, access, flags | MapFlags::FIXED) }
    };
    let reserved = match huge {
        HugePages::Off => Err(Errno::INVAL),
        HugePages::Try | HugePages::Require => fixed(MapFlags::PRIVATE | MapFlags::HUGETLB),
    };
    match (huge, reserved) {
        (_, Ok(_)) => Ok(Huge::Reserved),
        (HugePages::Require, Err(errno)) => Err(refused("huge pages for the region")(errno)),
        (_, Err(errno)) => {
            fixed(MapFlags::PRIVATE).map_err(refused("memory for the region"))?;
            if huge == HugePages::Off {
                return Ok(Huge::Off);
            }
            // SAFETY: the range was just mapped.
            let advised = unsafe { madvise(base.cast(), bytes, Advice::LinuxHugepage) };
            Ok(match advised {
                Ok(()) => Huge::Advised { refused: errno.raw_os_error() },
                Err(_) => Huge::Refused { code: errno.raw_os_error() },
            })
        }
    }
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

/// Unmaps a reservation.
///
/// # Safety
/// It came from [`map`], and nobody uses it any more.
pub(crate) unsafe fn unmap(start: *mut u8, bytes: usize) {
    // SAFETY: passed on to the caller. It cannot fail for a range that was mapped; if it did, it would leak.
    let _ = unsafe { munmap(start.cast(), bytes) };
}
