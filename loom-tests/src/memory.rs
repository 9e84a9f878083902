//! The memory oracle: a global allocator that watches the blocks of pools.
//!
//! Invariant: a watched block stays what it was until its watch ends, so that an access after the free meets words
//! that loom has seen the end of, and not somebody else's memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Only the metadata and the regions of pools are aligned like this, and zeroed.
const ALIGN: usize = 16;

/// The most blocks watched at once, by all models that run.
const BLOCKS: usize = 256;

struct Block {
    /// The watch that it belongs to; 0 if the entry is not in use.
    watch: AtomicUsize,
    start: AtomicPtr<u8>,
    size: AtomicUsize,
    align: AtomicUsize,
    frees: AtomicUsize,
}

static TABLE: [Block; BLOCKS] = [const {
    Block {
        watch: AtomicUsize::new(0),
        start: AtomicPtr::new(null_mut()),
        size: AtomicUsize::new(0),
        align: AtomicUsize::new(0),
        frees: AtomicUsize::new(0),
    }
}; BLOCKS];

thread_local! {
    /// The watch under which this thread allocates, or 0. Under loom all threads of a model are one.
    static WATCH: Cell<usize> = const { Cell::new(0) };
}

struct Watching;

#[global_allocator]
static HEAP: Watching = Watching;

// SAFETY: passes everything on to the system's allocator, and frees at most later.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on to the caller.
        noted(unsafe { System.alloc_zeroed(layout) }, layout)
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        let watched = (layout.align() >= ALIGN)
            .then(|| TABLE.iter().find(|block| block.start.load(Ordering::SeqCst) == start));
        if let Some(block) = watched.flatten() {
            block.frees.fetch_add(1, Ordering::SeqCst);
        } else {
            // SAFETY: passed on to the caller.
            unsafe { System.dealloc(start, layout) };
        }
    }
}

fn noted(start: *mut u8, layout: Layout) -> *mut u8 {
    let watch = WATCH.get();
    if watch == 0 || layout.align() < ALIGN || start.is_null() {
        return start;
    }
    let claims = |block: &&Block| {
        block.watch.compare_exchange(0, watch, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    };
    let Some(block) = TABLE.iter().find(claims) else { std::process::abort() };
    block.size.store(layout.size(), Ordering::SeqCst);
    block.align.store(layout.align(), Ordering::SeqCst);
    block.frees.store(0, Ordering::SeqCst);
    block.start.store(start, Ordering::SeqCst);
    start
}

/// Watches the memory of one pool.
pub struct Memory(usize);

impl Memory {
    /// Builds a pool and watches its memory.
    #[must_use]
    pub fn of<P>(build: impl FnOnce() -> P) -> (Self, P) {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let memory = Memory(NEXT.fetch_add(1, Ordering::SeqCst));
        WATCH.set(memory.0);
        let pool = build();
        WATCH.set(0);
        (memory, pool)
    }

    fn blocks(&self) -> impl Iterator<Item = &'static Block> {
        TABLE.iter().filter(|block| block.watch.load(Ordering::SeqCst) == self.0)
    }

    /// How often the pool's two blocks, its metadata and its region, have been freed.
    #[must_use]
    pub fn frees(&self) -> [usize; 2] {
        let mut blocks = self.blocks().map(|block| block.frees.load(Ordering::SeqCst));
        let frees = [blocks.next().expect("metadata"), blocks.next().expect("a region")];
        assert_eq!(blocks.next(), None, "a pool has two blocks");
        frees
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for block in self.blocks() {
            let start = block.start.swap(null_mut(), Ordering::SeqCst);
            let (size, align) =
                (block.size.load(Ordering::SeqCst), block.align.load(Ordering::SeqCst));
            let freed = block.frees.load(Ordering::SeqCst) > 0;
            block.watch.store(0, Ordering::SeqCst);
            if let Ok(layout) = Layout::from_size_align(size, align)
                && freed
            {
                // SAFETY: the block was allocated with this layout and has been freed, but for this.
                unsafe { System.dealloc(start, layout) };
            }
        }
    }
}
