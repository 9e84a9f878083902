//! What every arm has whose atomics are their numbers in memory: the sizes of a real build, and copies of many ids at
//! once.
//!
//! Invariant: an `Atomic<T>` of the arm is transparent over that of the `atomic` crate, and so over `T`. Where another
//! thread may come between stands the arm's `step!`: nothing in a real build, not even for the compiler to take out.

use core::mem::MaybeUninit;
use core::{ptr, slice};

use super::Atomic;
use crate::sync::Ordering;

/// Makes a function `const`, so that what it makes can be a static.
macro_rules! const_in_real {
    ($(#[$attribute:meta])* $visibility:vis fn $($function:tt)*) => {
        $(#[$attribute])*
        $visibility const fn $($function)*
    };
}
pub(crate) use const_in_real;

/// `core`'s cell with loom's shape.
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        UnsafeCell(core::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        step!();
        f(self.0.get())
    }

    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        step!();
        f(self.0.get())
    }
}

/// Bytes of zero are an atomic of the number zero.
pub(crate) const ZERO_BYTES: bool = true;

/// Says to the model checker who owns something when; nothing in a real build.
pub(crate) struct Turn;

impl Turn {
    pub(crate) const fn new() -> Self {
        Turn
    }

    /// The caller owns the thing and reads it.
    #[inline(always)]
    pub(crate) fn reads(&self) {}

    /// The caller owns the thing and writes it.
    #[inline(always)]
    pub(crate) fn writes(&self) {}
}

/// Up to so many ids are copied one by one: the call of `memcpy` would cost more than the copy.
pub(crate) const SHORT: usize = 4;

/// From so many pages on a run of a checked free is long, and goes by steps.
pub(crate) const LONG: usize = 32;

/// So many pages of a long run are seen to between two looks at how many are left.
pub(crate) const STEP: usize = 4;

/// Copies ids out of entries.
///
/// # Safety
/// `from` points at `out.len()` entries that hold ids and that only the caller may write now.
#[inline(always)]
pub(crate) unsafe fn copy_out(from: *const Atomic<u32>, out: &mut [MaybeUninit<u32>]) {
    step!();
    // SAFETY: `Atomic<u32>` is transparent over `u32`; others at most read, so plain reads do not race.
    unsafe { copy(from.cast(), out.as_mut_ptr(), out.len()) };
}

/// Whether all entries are below `end`.
///
/// # Safety
/// Nobody writes the entries now.
#[inline]
pub(crate) unsafe fn all_below(entries: &[Atomic<u32>], end: u32) -> bool {
    // SAFETY: `Atomic<u32>` is transparent over `u32`; others at most read, so plain reads do not race.
    // Any ids are lanes.
    let (ids, (front, chunks, rest)) = unsafe {
        let ids = slice::from_raw_parts(entries.as_ptr().cast::<u32>(), entries.len());
        (ids, ids.align_to::<Lanes>())
    };
    // No id has a bit that their disjunction has not, so none is above it. By the vector that takes one
    // instruction for four ids, in as many lanes as are looked at before the loop's end is.
    let mut lanes = [0; LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk.0).for_each(|(bits, id)| *bits |= id);
    }
    let all = lanes.iter().chain(front).chain(rest);
    all.fold(0, |bits, lane| bits | lane) < end || ids.iter().all(|&id| id < end)
}

/// So many ids are looked at before the loop's end is.
const LANES: usize = 32;

/// Ids as a vector is loaded from memory without a copy of it.
#[repr(C, align(16))]
struct Lanes([u32; LANES]);

/// Up to so many ids are compared with those that a magazine had there last, before they are copied over them.
///
/// Pages mostly come back to where they were. The next bulk waits until what was just stored can be loaded, unless
/// nothing was; for more ids the copies take as long as that, and the compare is in vain.
const COMPARED: usize = 32;

/// Copies ids into entries with plain writes, or finds that they are there.
///
/// # Safety
/// `to` points at `ids.len()` entries that nobody else touches now: the mode does not check.
#[inline(always)]
pub(crate) unsafe fn copy_in(to: *const Atomic<u32>, ids: &[u32]) {
    step!();
    // Atomics are cells, so memory reached through a shared reference may be written.
    let (from, to, n) = (ids.as_ptr(), to.cast_mut().cast::<u32>(), ids.len());
    if n > SHORT {
        // SAFETY: there are as many; nobody writes them before the copy, nor touches them then.
        unsafe {
            let there = slice::from_raw_parts(to, n);
            // The first alone mostly says whether they come from elsewhere.
            if n > COMPARED || there[0] != ids[0] {
                return ptr::copy_nonoverlapping(from, to, n);
            }
            let late = LateCopy { to, n };
            if there != ids {
                late.copy(from);
            }
        }
        return;
    }
    // SAFETY: as above.
    unsafe { copy(from.cast(), to.cast(), n) };
}

/// A copy that is hardly ever needed. It waits in memory: in registers it would drive out of them what the
/// caller's loop needs.
struct LateCopy {
    to: *mut u32,
    n: usize,
}

impl LateCopy {
    /// # Safety
    /// As `copy_nonoverlapping`.
    #[cold]
    #[inline(never)]
    unsafe fn copy(&self, from: *const u32) {
        // SAFETY: passed on to the caller.
        unsafe { ptr::copy_nonoverlapping(from, self.to, self.n) };
    }
}

/// All bits of a tag of 32.
pub(crate) const TAG_BITS: u32 = u32::MAX;

/// What the only writer of a word wrote last, read by that writer.
///
/// # Safety
/// Nobody else writes the word now, and who did before has handed it on.
#[inline(always)]
pub(crate) unsafe fn load_exclusive<T: bytemuck::NoUninit>(word: &Atomic<T>) -> T {
    peek!(word)
}

/// What the only writer of a word wrote last, and the gate, which is 0 while the caller is that writer; otherwise
/// the first is any number.
#[inline(always)]
pub(crate) fn load_gated(word: &Atomic<u32>, gate: &Atomic<u64>) -> (u32, u64) {
    let value = word.load(Ordering::Relaxed);
    (value, gate.load(Ordering::Relaxed))
}

/// Whether there is a way to ask the processor for something.
pub(crate) const FETCHES_AHEAD: bool = cfg!(all(target_arch = "x86_64", not(miri)));

/// Asks the processor for something that will be used soon, where there is a way to ask.
#[inline(always)]
pub(crate) fn fetch_ahead<T>(soon: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing. Every x86-64 has the instruction.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(soon.cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = soon;
}

/// For how many threads a pool keeps where they start.
pub(crate) const STARTS: usize = 256;

/// The most depots of a pool, and of one that is not told how many.
pub(crate) const DEPOTS_MAX: usize = 32;
pub(crate) const DEPOTS: usize = DEPOTS_MAX;

/// `memcpy`, without the call for a few ids.
///
/// # Safety
/// As `copy_nonoverlapping`.
#[inline(always)]
unsafe fn copy(from: *const MaybeUninit<u32>, to: *mut MaybeUninit<u32>, n: usize) {
    if n > SHORT {
        // SAFETY: passed on to the caller.
        unsafe { ptr::copy_nonoverlapping(from, to, n) };
        return;
    }
    for at in 0..SHORT {
        if n <= at {
            return;
        }
        // SAFETY: `at` is below `n`.
        unsafe { to.add(at).write(from.add(at).read()) };
    }
}
