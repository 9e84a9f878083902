//! The crate frame-alloc: a buddy allocator for kernels behind its caches, one for each thread here.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use frame_alloc::{
    CpuId, DepotAllocator, PageSize, PhysRange, PhysicalAllocator, Provenance, RegionInit,
    SummaryBuddyAllocator,
};
use matrix::{BY_HAND, Contender, Entry, Items, Kind, PAGE, Setup, TOUCHED};

const BASE: PageSize = PageSize::from_log2(12);
const ONE: NonZeroUsize = NonZeroUsize::MIN;

/// Memory stands where it is.
struct Identity;

// SAFETY: the addresses are those of a block whose provenance was exposed.
unsafe impl Provenance for Identity {
    unsafe fn create(phys: usize) -> NonNull<u8> {
        NonNull::new(std::ptr::with_exposed_provenance_mut(phys)).expect("a block's address")
    }

    unsafe fn destroy<T>(ptr: NonNull<T>) -> usize {
        ptr.addr().get()
    }
}

/// A cache for each thread, as for each processor in a kernel.
struct Threads;

impl CpuId for Threads {
    #[inline(always)]
    fn current_cpu() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
        }
        if NUMBER.get() == usize::MAX {
            NUMBER.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        NUMBER.get()
    }
}

type Frames = DepotAllocator<SummaryBuddyAllocator<11, Identity>, Threads, 2>;

/// The allocator and the memory that it is for.
struct Pool(Box<Frames>, NonNull<u8>, Layout);

// SAFETY: the allocator is for many threads, and the memory is its.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout; nobody has a frame any more.
        unsafe { dealloc(self.1.as_ptr(), self.2) };
    }
}

struct Hand(Arc<Pool>);

impl Contender for Hand {
    type Bulk<const N: usize> = Items<usize, N>;

    // It keeps its lists in the frames.
    const WRITES: bool = true;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        // Beside the pages: its bitmap, and what its caches hold.
        let bytes = (setup.pages + setup.pages / 8 + 1024) * PAGE;
        let layout = Layout::from_size_align(bytes, 4 << 20)?;
        // SAFETY: the size is not zero.
        let memory = NonNull::new(unsafe { alloc(layout) }).context("no memory")?;
        let written = if setup.touched { bytes / PAGE } else { 0 };
        for page in 0..written {
            // SAFETY: inside the block; nobody else has it yet.
            unsafe { memory.add(page * PAGE).write_volatile(1) };
        }
        let base = memory.as_ptr().expose_provenance();
        let frames = Box::new(Frames::new(BASE, SummaryBuddyAllocator::new(BASE)));
        let pool = Pool(frames, memory, layout);
        // SAFETY: the memory is the pool's, whole, aligned, and nobody else uses it.
        let done = unsafe { pool.0.try_init(base, bytes, &[PhysRange { base, len: bytes }]) };
        ensure!(done.is_ok(), "it refuses the memory: {:?}", done.err());
        let pool = Arc::new(pool);
        Ok((Hand(Arc::clone(&pool)), Hand(pool)))
    }

    fn bulk<const N: usize>() -> Items<usize, N> {
        Items([0; N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Items<usize, N>, n: usize) -> usize {
        for (at, frame) in bulk.first(n).iter_mut().enumerate() {
            match self.0.0.allocate_physical(BASE, ONE) {
                Ok(address) => *frame = address,
                Err(_) => return at,
            }
        }
        n
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Items<usize, N>, n: usize) {
        for &mut frame in bulk.first(n) {
            // SAFETY: the frame was allocated alone, and is not used after this.
            unsafe { self.0.0.deallocate_physical(BASE, ONE, frame) };
        }
    }

    #[inline(always)]
    fn touch<const N: usize>(&mut self, bulk: &mut Items<usize, N>, n: usize) {
        for &mut frame in bulk.first(n) {
            let page = std::ptr::with_exposed_provenance_mut::<u8>(frame);
            // SAFETY: the frame is the bulk's, and in the block whose provenance was exposed.
            unsafe { page.write_bytes(n as u8, TOUCHED) };
        }
    }
}

/// It has no bulk call.
pub fn entries() -> Vec<Entry> {
    vec![
        Entry::new::<Hand>("frame-alloc", Kind::Rival, BY_HAND)
            .of_crate(crate::locked("frame-alloc")),
    ]
}
