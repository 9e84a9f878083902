//! A pool in static memory, and one in a static, in a program without `std`, without a heap and
//! without a C library.

#![no_std]
#![no_main]

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

use pagesheaf::{Builder, InitError, PageBatch, Pool, ShortReason, StaticPool};

const PAGES: usize = 256;
const PAGE_SIZE: usize = 256;

#[repr(C, align(4096))]
struct Memory<const N: usize>(UnsafeCell<[MaybeUninit<u8>; N]>);

// SAFETY: the program has one thread, which takes each memory once.
unsafe impl<const N: usize> Sync for Memory<N> {}

static REGION: Memory<{ PAGES * PAGE_SIZE }> =
    Memory(UnsafeCell::new([MaybeUninit::new(0); PAGES * PAGE_SIZE]));
static METADATA: Memory<{ METADATA_BYTES }> =
    Memory(UnsafeCell::new([MaybeUninit::uninit(); METADATA_BYTES]));

/// What is asked for, also as the program is compiled.
const fn builder() -> Builder {
    let builder = Pool::builder(PAGES).page_size(PAGE_SIZE).max_caches(2).shared_caches(2);
    builder.magazine_capacity(16).cpu_hint(current_cpu)
}

/// The bytes of the metadata.
const METADATA_BYTES: usize = match builder().static_metadata_layout() {
    Ok(layout) => layout.size(),
    Err(_) => panic!("the builder asks for what cannot be"),
};

/// The only one.
fn current_cpu() -> usize {
    0
}

/// Allocates and frees in bulk. Says whether all was as it should be.
fn bulk() -> Option<()> {
    // SAFETY: the program comes here once, so nobody else has this memory.
    let metadata: &'static mut [MaybeUninit<u8>] = unsafe { &mut *METADATA.0.get() };
    // SAFETY: as above; the region is initialised, aligned and never freed.
    let pool = unsafe { builder().build_in(REGION.0.get().cast(), metadata) }.ok()?;
    let mut cache = pool.cache().ok()?;
    let mut batch: PageBatch = PageBatch::new();
    for round in 0..100u8 {
        let bulk = cache.alloc_bulk(&mut batch, PAGES);
        if (bulk.allocated, bulk.reason) != (PAGES, None) {
            return None;
        }
        batch.iter_mut().for_each(|page| page.fill(round));
        if batch.iter().any(|page| page.iter().any(|&byte| byte != round)) {
            return None;
        }
        cache.free_bulk(&mut batch);
    }
    drop(cache);
    pool.close().ok()
}

static POOL: StaticPool = StaticPool::new();
static ITS_REGION: Memory<{ PAGES * PAGE_SIZE }> =
    Memory(UnsafeCell::new([MaybeUninit::new(0); PAGES * PAGE_SIZE]));
static ITS_METADATA: Memory<65536> = Memory(UnsafeCell::new([MaybeUninit::new(0); 65536]));

/// Builds the pool of the static, in memory that only this takes.
fn init() -> Result<&'static Pool, InitError> {
    let builder = Pool::builder(PAGES).page_size(PAGE_SIZE).max_caches(2).magazine_capacity(16);
    POOL.init_with(|| {
        // SAFETY: this runs in one call at a time, and never again once there is a pool.
        let metadata: &'static mut [MaybeUninit<u8>] = unsafe { &mut *ITS_METADATA.0.get() };
        // SAFETY: as above; the region is initialised, aligned and never freed.
        unsafe { builder.build_in(ITS_REGION.0.get().cast(), metadata) }
    })
}

/// As a function somewhere in a kernel, which has the static's name only.
fn take() -> Result<u8, ShortReason> {
    let mut page = POOL.alloc()?;
    page.fill(7);
    Ok(page[PAGE_SIZE - 1])
}

/// A pool that is built once and never closed. Says whether all was as it should be.
fn kept() -> Option<()> {
    let early = take() == Err(ShortReason::NotBuilt);
    let pool = init().ok()?;
    let again = init().err() == Some(InitError::Built);
    let mut cache = POOL.cache().ok()?;
    let mut batch: PageBatch = PageBatch::new();
    let all = cache.alloc_bulk(&mut batch, PAGES).allocated == PAGES;
    let dry = take() == Err(ShortReason::Exhausted);
    cache.free_bulk(&mut batch);
    drop(cache);
    let whole = pool.audit().pages.adds_up() && pool.clone().close().is_err();
    (early && again && all && dry && take() == Ok(7) && whole).then_some(())
}

/// Where the program starts, on a stack that is aligned.
#[unsafe(no_mangle)]
extern "C" fn start() -> ! {
    exit(if bulk().is_some() && kept().is_some() { 0 } else { 1 })
}

core::arch::global_asm!(".globl _start", "_start:", "xor ebp, ebp", "and rsp, -16", "call start");

fn exit(code: i32) -> ! {
    // SAFETY: the system call that ends the program.
    unsafe { core::arch::asm!("syscall", in("rax") 231, in("rdi") code, options(noreturn)) }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(2)
}

/// Named by the tables of the prebuilt `core`; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// The memory functions that compilers rely on.
mod memory {
    use core::arch::asm;

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
        // SAFETY: by the contract of `memcpy`.
        unsafe {
            asm!("rep movsb", inout("rdi") to => _, inout("rsi") from => _, inout("rcx") n => _)
        };
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
        if (to as usize).wrapping_sub(from as usize) >= n {
            // SAFETY: copying upwards, no byte is overwritten before it is read.
            return unsafe { memcpy(to, from, n) };
        }
        let (last_to, last_from) =
            (to.wrapping_add(n).wrapping_sub(1), from.wrapping_add(n).wrapping_sub(1));
        // SAFETY: by the contract of `memmove`; downwards, no byte is overwritten before it is read.
        unsafe {
            asm!("std", "rep movsb", "cld",
                inout("rdi") last_to => _, inout("rsi") last_from => _, inout("rcx") n => _);
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memset(to: *mut u8, byte: i32, n: usize) -> *mut u8 {
        // SAFETY: by the contract of `memset`.
        unsafe {
            asm!("rep stosb", inout("rdi") to => _, inout("rcx") n => _, in("al") byte as u8)
        };
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
        for at in 0..n {
            // SAFETY: by the contract of `memcmp`.
            let (a, b) = unsafe { (a.add(at).read_volatile(), b.add(at).read_volatile()) };
            if a != b {
                return i32::from(a) - i32::from(b);
            }
        }
        0
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
        // SAFETY: by the contract of `bcmp`.
        unsafe { memcmp(a, b, n) }
    }
}
