//! Touches of pages that nobody has: under AddressSanitizer or valgrind, none may come to its end.

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::thread;

use pagesheaf::{Builder, Fence, Mode, NoChecks, Order, Page, PageBatch, PageId, Pool, Region};

/// What the tool says of a touch.
#[derive(Clone, Copy)]
pub enum Kind {
    Reads,
    Writes,
    /// It reads what nobody has written. AddressSanitizer knows nothing of that.
    Unwritten,
}

/// A misuse, and what does it.
pub struct Stale {
    pub what: &'static str,
    pub kind: Kind,
    pub touch: fn(),
}

/// What says that it is done, and is not.
struct Early;

impl Fence for Early {
    fn passed(&self, ticket: u64) -> bool {
        ticket < 2
    }
}

static EARLY: [&dyn Fence; 1] = [&Early];

/// A pool of 100 pages with small magazines.
fn pool<M: Mode>() -> Pool<M> {
    build(|builder| builder.region(Region::heap()))
}

fn build<M: Mode>(how: impl FnOnce(Builder<M>) -> Builder<M>) -> Pool<M> {
    let builder = Pool::builder(100).mode::<M>().page_size(256).magazine_capacity(4);
    how(builder.fences(&EARLY)).build().expect("a pool")
}

/// A page that was written, and where it is.
fn page<M: Mode>(pool: &Pool<M>) -> (Page<M>, *mut u8) {
    let mut page = pool.alloc().expect("a page");
    page.fill(7);
    let start = page.base_ptr();
    (page, start)
}

fn read(byte: *mut u8) {
    // SAFETY: the region is mapped; that nobody may read it is what is to be found.
    black_box(unsafe { byte.read_volatile() });
}

fn write(byte: *mut u8) {
    // SAFETY: the region is mapped; that nobody may write it is what is to be found.
    unsafe { byte.write_volatile(1) };
}

/// So many pages are freed through a cache; the first of them is written to while they lie there, or further down.
fn write_behind<M: Mode>(pages: usize, drain: bool) {
    let pool = pool::<M>();
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    cache.alloc_bulk_exact(&mut batch, pages).expect("all are free");
    let first = batch.as_ptr_of(0);
    cache.free_bulk(&mut batch);
    if drain {
        cache.drain();
    }
    write(first);
}

/// Where a page of a batch starts.
trait Starts {
    fn as_ptr_of(&mut self, at: usize) -> *mut u8;
}

impl<M: Mode, const N: usize> Starts for PageBatch<M, N> {
    fn as_ptr_of(&mut self, at: usize) -> *mut u8 {
        self[at].as_mut_ptr()
    }
}

fn read_of_old_bytes<M: Mode>() {
    let pool = pool::<M>();
    let (page, start) = page(&pool);
    drop(page);
    read(start.wrapping_add(255));
}

fn read_after_another_thread_freed<M: Mode>() {
    let pool = pool::<M>();
    let (page, start) = page(&pool);
    thread::spawn(move || drop(page)).join().expect("no panic");
    read(start);
}

fn read_of_a_page_that_was_never_allocated<M: Mode>() {
    let pool = pool::<M>();
    read(pool.ptr(PageId::new(50)).expect("a page").as_ptr());
}

fn write_past_the_end<M: Mode>() {
    let pool = pool::<M>();
    let page = pool.alloc_at(PageId::new(50)).expect("a new pool");
    write(page.base_ptr().wrapping_add(256));
}

fn writes_all_over<M: Mode>() {
    let pool = pool::<M>();
    let pages: Vec<_> = (0..40).map(|_| page(&pool)).collect();
    let starts: Vec<_> = pages.iter().map(|(_, start)| *start).collect();
    drop(pages);
    starts.into_iter().for_each(write);
}

fn write_where_memory_went_back<M: Mode>() {
    let pool = build::<M>(|builder| builder.region(Region::mapped().purge(true)));
    let (first, start) = page(&pool);
    drop(first);
    pool.drain();
    (0..6).for_each(|_| _ = pool.maintain());
    write(start);
}

fn write_to_a_block<M: Mode>() {
    let pool = pool::<M>();
    let block = pool.alloc_block(Order::try_from(3).expect("legal")).expect("a new pool");
    let last = block.base_ptr().wrapping_add(7 * 256);
    pool.free_block(block);
    write(last);
}

fn device_by_an_early_fence<M: Mode>() {
    let pool = pool::<M>();
    let mut batch = PageBatch::<M>::new();
    pool.alloc_bulk_exact(&mut batch, 2).expect("all are free");
    let start = batch.as_ptr_of(1);
    pool.free_bulk_after(&mut batch, 1).expect("it has passed");
    write(start);
}

fn device_after_the_free<M: Mode>() {
    let pool = pool::<M>();
    let offset = pool.lend_new(1).next().expect("a page");
    let start = pool.id_at_offset(offset).and_then(|id| pool.ptr(id)).expect("a page").as_ptr();
    // SAFETY: not so: the device is not done.
    unsafe { pool.free_lent([offset]) }.expect("it is lent");
    write(start);
}

/// A free by its id, of a page that somebody has by its id, too.
fn read_after_a_raw_free<M: Mode>() {
    let pool = pool::<M>();
    let (page, start) = page(&pool);
    let id = page.into_raw();
    // SAFETY: the page is out, and nobody else frees it.
    unsafe { pool.free_bulk_raw(&[id]) }.expect("it is out");
    read(start);
}

/// Of a page that is free an owner is made; that does not make it one that may be touched.
fn read_by_a_made_up_owner<M: Mode>() {
    let pool = pool::<M>();
    let (page, _) = page(&pool);
    let id = page.id();
    drop(page);
    // SAFETY: not so: the page is free.
    let page = std::mem::ManuallyDrop::new(unsafe { Page::from_raw(&pool, id) });
    black_box(page[3]);
}

fn read_of_a_recovered_page<M: Mode>() {
    let pool = pool::<M>();
    let (page, start) = page(&pool);
    std::mem::forget(page);
    // SAFETY: the page's owner was forgotten. That its bytes are read later is what is to be found.
    let recovered = unsafe { pool.close().expect_err("a page is out").recover_forgotten() };
    let _pool = recovered.expect("nobody else has the pool");
    read(start);
}

/// References are in modes that count.
fn read_by_an_overridden_reference() {
    let pool = pool::<NoChecks>();
    let shared = page(&pool).0.into_shared();
    // SAFETY: not so: the reference is used afterwards.
    unsafe { pool.free_bulk_ignoring_refcounts(&[shared.id()]) }.expect("it is out");
    black_box(shared[3]);
    std::mem::forget(shared);
}

fn giver_writes<M: Mode>() {
    let builder = Pool::builder(64).mode::<M>().page_size(256).max_caches(1);
    let layout = builder.metadata_layout().expect("a layout");
    let metadata = vec![MaybeUninit::uninit(); layout.size() + layout.align()].leak();
    let start = metadata.as_ptr().align_offset(layout.align());
    let memory = vec![0_u64; 65 * 32].leak().as_mut_ptr().cast::<u8>();
    let memory = memory.wrapping_add(memory.align_offset(256));
    // SAFETY: both are leaked, and zeroed or metadata. That the memory is not the pool's alone is what is to be found.
    let pool = unsafe { builder.build_in(memory, &mut metadata[start..]) }.expect("a pool");
    write(memory.wrapping_add(10 * 256));
    drop(pool);
}

fn read_of_what_nobody_wrote<M: Mode>() {
    let pool = pool::<M>();
    let id = pool.alloc_raw().expect("a page");
    let byte = pool.ptr(id).expect("a page").as_ptr();
    // SAFETY: the page is out, and initialised: that nobody has written it since is what is to be found.
    if unsafe { byte.read_volatile() } == 3 {
        println!("by chance");
    }
}

/// All of them, in a mode.
pub const fn all<M: Mode>() -> [Stale; 18] {
    use Kind::{Reads, Unwritten, Writes};
    const fn stale(what: &'static str, kind: Kind, touch: fn()) -> Stale {
        Stale { what, kind, touch }
    }
    [
        stale("write to a freed page that lies in a cache", Writes, || write_behind::<M>(1, false)),
        stale("write to a freed page that lies in the depot", Writes, || {
            write_behind::<M>(30, false)
        }),
        stale("write to a freed page that lies in the zone", Writes, || write_behind::<M>(1, true)),
        stale(
            "write to a free page whose memory went back, which is allocated as zeros",
            Writes,
            write_where_memory_went_back::<M>,
        ),
        stale("read of a freed page's old bytes", Reads, read_of_old_bytes::<M>),
        stale(
            "writes all over freed pages: what becomes of the free lists",
            Writes,
            writes_all_over::<M>,
        ),
        stale(
            "a fence that says too early that a ticket has passed: the device writes to a free page",
            Writes,
            device_by_an_early_fence::<M>,
        ),
        stale(
            "a device that writes to a page after it was taken back, and freed",
            Writes,
            device_after_the_free::<M>,
        ),
        stale(
            "a read through a reference, after a free that overrode it",
            Reads,
            read_by_an_overridden_reference,
        ),
        stale(
            "read of a page that another thread dropped",
            Reads,
            read_after_another_thread_freed::<M>,
        ),
        stale(
            "read of a page that was never allocated",
            Reads,
            read_of_a_page_that_was_never_allocated::<M>,
        ),
        stale("write past the end of a page, into a free one", Writes, write_past_the_end::<M>),
        stale("write to a block that was freed", Writes, write_to_a_block::<M>),
        stale("read of a page that was freed by its id", Reads, read_after_a_raw_free::<M>),
        stale("read by an owner that was made of a free page", Reads, read_by_a_made_up_owner::<M>),
        stale("read of a page that was recovered", Reads, read_of_a_recovered_page::<M>),
        stale("write of the giver's to memory that is a pool's", Writes, giver_writes::<M>),
        stale(
            "read of a raw page that nobody has written",
            Unwritten,
            read_of_what_nobody_wrote::<M>,
        ),
    ]
}
