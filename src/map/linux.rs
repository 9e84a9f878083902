//! Mapped regions on Linux.
//!
//! Invariant: a region is mapped inside one reservation without access, so whatever of the reservation is not the
//! region stays a guard, and unmapping the reservation leaves nothing behind. No mapping is ever replaced: the kernel
//! may unmap what is to be replaced and then refuse, and the hole belongs to whoever maps something next.

use core::alloc::Layout;
use core::ops::Range;
use core::ptr::{NonNull, null_mut};

use rustix::io::Errno;
use rustix::mm::{
    Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mlock, mmap_anonymous, mprotect, munmap,
};

use crate::error::{BuildError, MemoryLimit};
use crate::limits;
use crate::mapping::{Huge, HugePages, Mapping, RegionInfo, RegionKind};

/// Whether a pool's default region is mapped.
pub(crate) const AVAILABLE: bool = true;

/// The size and alignment of a huge page, if nothing is said, and of a transparent one.
const HUGE: usize = 2 << 20;

/// Where the size of reserved huge pages stands in the flags of a mapping, as a logarithm
/// (`MAP_HUGE_SHIFT`).
const SIZE_SHIFT: u32 = 26;

/// Why there are not `bytes` bytes of `what`; `limit` looks for what keeps the system from giving
/// them.
fn refused(
    what: &'static str,
    bytes: usize,
    limit: fn(usize) -> MemoryLimit,
) -> impl Fn(Errno) -> BuildError {
    move |errno| {
        let code = errno.raw_os_error();
        match errno {
            Errno::NOMEM => BuildError::NoMemory { what, bytes, limit: limit(bytes), code },
            // After `mlockall(MCL_FUTURE)` a new mapping is locked, too.
            Errno::AGAIN => not_locked(errno, bytes),
            _ => BuildError::System { what, code },
        }
    }
}

/// Why `pages` huge pages of `size` bytes were refused.
fn no_huge_pages(errno: Errno, pages: usize, size: usize) -> BuildError {
    let code = errno.raw_os_error();
    match errno {
        // The length and the address are whole huge pages, so it is their size.
        Errno::INVAL => {
            BuildError::NoSuchHugePages { bytes: size, sizes: limits::huge_page_sizes(), code }
        }
        _ => BuildError::HugePages { pages, size, free: limits::free_huge_pages(size), code },
    }
}

/// Why `bytes` bytes were not locked.
fn not_locked(errno: Errno, bytes: usize) -> BuildError {
    let (limit, locked) = limits::locked();
    BuildError::Lock { bytes, limit, locked, code: errno.raw_os_error() }
}

/// How often room for huge pages is sought, where another thread maps something in its place meanwhile.
const TRIES: usize = 8;

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
    /// Room for `mapped` bytes at a multiple of `align`, with so many bytes at both ends to spare. The flags are those
    /// of the mapping.
    fn new(mapped: usize, align: usize, guard: usize, flags: MapFlags) -> Result<Self, BuildError> {
        let bytes = mapped.checked_add(align + 2 * guard).ok_or(BuildError::Overflow)?;
        let start = map_new(null_mut(), bytes, ProtFlags::empty(), flags).map_err(refused(
            "address space for the region",
            bytes,
            limits::addresses,
        ))?;
        let offset = (start.addr() + guard).next_multiple_of(align) - start.addr();
        Ok(Reservation { start, bytes, base: start.wrapping_add(offset), mapped })
    }

    /// Makes the region of ordinary pages.
    fn open(self) -> Result<Self, BuildError> {
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: the range lies in a reservation of our own, which nobody uses yet.
        unsafe { mprotect(self.base.cast(), self.mapped, access) }.map_err(refused(
            "memory for the region",
            self.mapped,
            limits::memory,
        ))?;
        Ok(self)
    }

    /// Advises the system to use transparent huge pages, as reserved ones were refused with this error
    /// number.
    fn advise_huge(&self, code: i32) -> Huge {
        // SAFETY: the range lies in a reservation of our own.
        match unsafe { madvise(self.base.cast(), self.mapped, Advice::LinuxHugepage) } {
            Ok(()) => Huge::Advised { refused: code },
            Err(_) => Huge::Refused { code },
        }
    }

    /// Makes the region of reserved huge pages of `size` bytes, or gives everything back.
    ///
    /// They cannot be had inside a mapping, only in place of one. So the reservation is opened in the middle, where
    /// another thread may map something before we do: then, as if the kernel refuses, only the ends are still ours.
    fn huge(mut self, size: usize) -> Result<Self, Errno> {
        // SAFETY: the range lies in a reservation of our own, which nobody uses yet.
        unsafe { munmap(self.base.cast(), self.mapped) }?;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::HUGETLB | MapFlags::FIXED_NOREPLACE;
        let size = MapFlags::from_bits_retain(size.trailing_zeros() << SIZE_SHIFT);
        let errno = match map_new(self.base, self.mapped, access, flags | size) {
            // From here on the region is reached through the new mapping's pointer: what the reservation's pointer may
            // touch was unmapped.
            Ok(got) if got == self.base => {
                self.base = got;
                return Ok(self);
            }
            // Kernels before 4.17 take the address for a hint. What they mapped is given back.
            Ok(start) => {
                drop(Reservation { start, bytes: self.mapped, base: start, mapped: 0 });
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

/// A new private mapping at an address of the kernel's choice or, with `FIXED_NOREPLACE`, at `at`
/// if nothing is there.
fn map_new(
    at: *mut u8,
    bytes: usize,
    access: ProtFlags,
    flags: MapFlags,
) -> Result<*mut u8, Errno> {
    assert!(!flags.contains(MapFlags::FIXED));
    // SAFETY: it replaces nothing, for its address is not fixed, or fixed where there is nothing.
    unsafe { mmap_anonymous(at.cast(), bytes, access, flags | MapFlags::PRIVATE) }
        .map(<*mut _>::cast)
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            // SAFETY: the reservation is ours, and nobody uses it any more. It cannot fail for a range that was mapped;
            // if it did, it would leak.
            let _ = unsafe { munmap(self.start.cast(), self.bytes) };
        }
    }
}

/// What the region's memory is rounded up to: a page of the system, or a huge one.
fn unit(how: Mapping, system: usize) -> Result<usize, BuildError> {
    match (how.huge, how.huge_size) {
        (HugePages::Off, None) => Ok(system),
        (HugePages::Off, Some(bytes)) => Err(BuildError::HugePagesOff { bytes }),
        (_, Some(bytes)) if !bytes.is_power_of_two() || bytes <= system => {
            Err(BuildError::HugePageSize { bytes, system })
        }
        (_, size) => Ok(size.unwrap_or(HUGE)),
    }
}

/// Maps `bytes` at a multiple of `align`.
pub(crate) fn map(how: Mapping, bytes: usize, align: usize) -> Result<Mapped, BuildError> {
    match () {
        () if how.purge && how.lock => return Err(BuildError::Purge { with: "a lock" }),
        () if how.purge && how.huge != HugePages::Off => {
            return Err(BuildError::Purge { with: "huge pages" });
        }
        () => {}
    }
    let small = rustix::param::page_size();
    let unit = unit(how, small)?;
    let guard = if how.guard { small } else { 0 };
    // What is reserved, or not, when the region is opened, the reservation's own flag says. Huge pages that are
    // reserved are reserved.
    let flags = if how.no_reserve { MapFlags::NORESERVE } else { MapFlags::empty() };
    // Whole areas that go back are then whole huge pages, where the system uses such by itself.
    let align = if how.purge && bytes >= HUGE { align.max(HUGE) } else { align };
    let reserve = |unit: usize| {
        let mapped = bytes.checked_next_multiple_of(unit).ok_or(BuildError::Overflow)?;
        Reservation::new(mapped, align.max(unit), guard, flags)
    };
    let reserve_huge = || {
        let refused = |errno| no_huge_pages(errno, bytes.div_ceil(unit), unit);
        if !limits::may_have_huge_pages(unit) {
            // What the kernel would say, which is not asked: there may be no room for one such page.
            return Err(refused(Errno::INVAL));
        }
        for _ in 1..TRIES {
            match reserve(unit)?.huge(unit) {
                // Not the system's refusal: another thread was first where the reservation was opened.
                Err(Errno::EXIST) => {}
                done => return done.map_err(refused),
            }
        }
        reserve(unit)?.huge(unit).map_err(refused)
    };
    let (reservation, huge_pages) = match how.huge {
        HugePages::Off => (reserve(small)?.open()?, Huge::Off),
        HugePages::Try | HugePages::Require => match reserve_huge() {
            Ok(reservation) => (reservation, Huge::Reserved),
            Err(error) if how.huge == HugePages::Require => return Err(error),
            Err(error) => {
                // What has no number is too large for an address space.
                let code = error.raw_os_error().unwrap_or(Errno::NOMEM.raw_os_error());
                let reservation = reserve(unit.min(HUGE))?.open()?;
                let refused = reservation.advise_huge(code);
                (reservation, refused)
            }
        },
    };
    let (low, mapped) = (reservation.base, reservation.mapped);
    // A region with guards ends at the one behind it: what is written past the end mostly goes up. `bytes` is a
    // multiple of the page size, and so is `mapped` where something is left over, so the base stays aligned.
    let slack = if how.guard { mapped - bytes } else { 0 };
    let base = low.wrapping_add(slack);
    let mut info = RegionInfo {
        guarded: how.guard,
        no_reserve: how.no_reserve && huge_pages != Huge::Reserved,
        purgeable: how.purge,
        slack_before: slack,
        huge_pages,
        huge_page_size: (huge_pages == Huge::Reserved).then_some(unit),
        ..RegionInfo::plain(RegionKind::Mapped, base, bytes)
    };
    if let Some(node) = how.node {
        bind(low, mapped, node)?;
        info.node = Some(node);
    }
    if how.lock {
        // SAFETY: the range was just mapped.
        unsafe { mlock(low.cast(), mapped) }.map_err(|errno| not_locked(errno, mapped))?;
        // The system backs what it locks at once.
        (info.locked, info.populated) = (true, true);
    }
    if how.populate {
        populate(low, mapped, small);
        info.populated = true;
    }
    Ok(Mapped { base, info, reservation })
}

/// Bits of a word of the system's.
const WORD: usize = libc::c_ulong::BITS as usize;

/// The most nodes that Linux can be built for (`MAX_NUMNODES`).
const NODES: usize = 1024;

/// Has the system take the memory of the range from this node only, from the first touch on.
fn bind(base: *mut u8, bytes: usize, node: u32) -> Result<(), BuildError> {
    let refused = |code| BuildError::Node { node, online: limits::nodes_online(), code };
    let at = usize::try_from(node).unwrap_or(usize::MAX);
    let mut nodes: [libc::c_ulong; NODES / WORD] = [0; NODES / WORD];
    let word = nodes.get_mut(at / WORD).ok_or(refused(libc::EINVAL))?;
    *word = 1 << (at % WORD);
    // The system counts one bit more than it reads.
    let (mask, bits) = (nodes.as_ptr(), NODES + 1);
    // SAFETY: the range was just mapped, and holds nothing yet; the mask has as many bits, and is only read.
    let done =
        unsafe { libc::syscall(libc::SYS_mbind, base, bytes, libc::MPOL_BIND, mask, bits, 0) };
    match done {
        0 => Ok(()),
        _ => Err(refused(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL))),
    }
}

/// Gives the memory of all whole pages of the system inside these bytes back to it. They are zero from then on. Returns
/// which bytes that were, from `start` on, or the system's error number.
///
/// # Safety
/// The bytes lie in a region that was mapped here, of ordinary pages; nobody else reads or writes them meanwhile, or
/// needs what they hold.
pub(crate) unsafe fn purge(start: *mut u8, bytes: usize) -> Result<Range<usize>, i32> {
    let unit = rustix::param::page_size();
    let first = start.addr().next_multiple_of(unit) - start.addr();
    let end = ((start.addr() + bytes) / unit * unit).saturating_sub(start.addr());
    if first >= end {
        return Ok(0..0);
    }
    let inside = start.wrapping_add(first).cast();
    // SAFETY: passed on to the caller. Bytes that are zero are initialised.
    match unsafe { madvise(inside, end - first, Advice::LinuxDontNeed) } {
        Ok(()) => Ok(first..end),
        Err(errno) => Err(errno.raw_os_error()),
    }
}

/// Zeroed memory of this layout, for metadata. The system reserves nothing for it: most of it is never written where it
/// is large.
pub(crate) fn zeroed(layout: Layout) -> Result<(NonNull<u8>, Reservation), BuildError> {
    assert!(layout.align() <= rustix::param::page_size());
    let (bytes, access) = (layout.size(), ProtFlags::READ | ProtFlags::WRITE);
    let refused = refused("memory for the metadata", bytes, limits::new_memory);
    let base = map_new(null_mut(), bytes, access, MapFlags::NORESERVE).map_err(&refused)?;
    let memory = Reservation { start: base, bytes, base, mapped: bytes };
    // Address 0 is given to nobody who does not ask for it.
    let start = NonNull::new(base).ok_or_else(|| refused(Errno::NOMEM))?;
    Ok((start, memory))
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
