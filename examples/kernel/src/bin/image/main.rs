//! The kernel: all CPUs allocate frames from one pool, are interrupted, and allocate there, too.
//!
//! `boot.s` brings a CPU to `start`. The first one builds the pool from the memory map, and starts
//! the others. There is no heap. The package's other program builds this one, boots it, and reads
//! what it says.

#![no_std]
#![no_main]

mod apic;
mod frames;
mod interrupts;
mod libc;
mod machine;
mod memory_map;
mod owners;
mod paging;
mod plan;
mod race;
mod work;

use core::arch::global_asm;
use core::ops::Range;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicUsize, Ordering};

use pagesheaf::{Checked, PageId, Pool};

use crate::interrupts::Tables;
use crate::machine::{End, exit, say};
use crate::memory_map::Boot;
use crate::plan::{BARRIER, PLAN};

global_asm!(
    ".set TRAMPOLINE, {at}",
    include_str!("boot.s"),
    at = const apic::TRAMPOLINE,
    options(att_syntax)
);

/// Operations of all CPUs, and those that the pool answered with less.
static OPERATIONS: AtomicUsize = AtomicUsize::new(0);
static SHORT: AtomicUsize = AtomicUsize::new(0);

/// Every CPU comes here once, the first one with what the loader said.
#[unsafe(no_mangle)]
extern "C" fn start(start_info: usize, cpu: usize) -> ! {
    let mut tables = Tables::new();
    // SAFETY: this is that CPU. This function never returns, so the tables stay.
    unsafe { tables.load(cpu) };
    apic::enable();
    // SAFETY: `boot.s` passes on what the loader said, or 0 on other CPUs.
    let later = (start_info != 0).then(|| unsafe { boot(start_info) });
    let pool = frames::POOL.get().expect("the first CPU has built it");
    BARRIER.wait(PLAN.cpus());
    let done = work::run(cpu, pool, later.as_ref());
    OPERATIONS.fetch_add(done.operations, Ordering::Relaxed);
    SHORT.fetch_add(done.short, Ordering::Relaxed);
    BARRIER.wait(PLAN.cpus());
    let cycles = race::run(cpu, pool);
    BARRIER.wait(PLAN.cpus());
    if cpu == 0 {
        work::empty_the_mail(pool);
        report(pool, cycles);
        exit(End::Good);
    }
    loop {
        x86_64::instructions::hlt();
    }
}

/// Builds the pool, and starts the other CPUs. Returns the frames that come online later.
///
/// # Safety
/// The loader passed this address, to the first CPU.
unsafe fn boot(start_info: usize) -> Range<u32> {
    // SAFETY: by the caller's promise; nothing has been written but the image's own memory.
    let boot = unsafe { Boot::read(start_info) };
    PLAN.set(&boot);
    // SAFETY: the map is the loader's, and `boot` is not used any more.
    let built = unsafe { frames::init(boot.map) };
    let (pool, later) = built.unwrap_or_else(|error| panic!("no pool: {error}"));
    frames::keep_offline(&later);
    say!("{} CPUs; {}", PLAN.cpus(), pool.audit());
    // SAFETY: `frames::init` has kept the page from the pool.
    unsafe { apic::start_others() };
    later
}

/// Looks whether every frame is back, and says what was done.
fn report(pool: &Pool<Checked>, (of_pool, of_list): (u64, u64)) {
    let audit = pool.audit();
    say!("{pool}");
    assert!(audit.is_clean() && !pool.is_tainted(), "{audit}");
    assert_eq!(owners::out(), 0, "frames that the oracle knows to be out");
    let (ran, short) = (OPERATIONS.load(Ordering::Relaxed), SHORT.load(Ordering::Relaxed));
    say!("{ran} bulk operations, {short} of them short");
    interrupts::report(PLAN.cpus());
    free_twice(pool);
    let out = audit.pages.out + audit.pages.lent;
    say!("image: ran={ran} out={out} pool={of_pool} list={of_list}");
}

/// A frame that is freed twice is refused.
fn free_twice(pool: &Pool<Checked>) {
    let frame: PageId = pool.alloc_raw().expect("all are free");
    // SAFETY: the frame was just allocated. The second free is wrong, which the pool has to find.
    let (first, second) = unsafe { (pool.free_raw(frame), pool.free_raw(frame)) };
    match (first, second) {
        (Ok(()), Err(error)) => say!("on purpose: {error}"),
        (first, second) => panic!("freed twice: {first:?}, {second:?}"),
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    say!("{info}");
    exit(End::Bad)
}
