//! The pool of all frames: built from the memory map, and grown later.

use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr;

use pagesheaf::{Builder, Checked, InitError, PageId, Pool, Region, StaticPool};

use crate::apic::{self, CPUS, TRAMPOLINE};
use crate::machine::say;
use crate::memory_map::MemoryMap;
use crate::owners::{self, Owner};

/// The most frames that this kernel uses: those of 256 MiB.
pub const MOST: usize = (256 << 20) / FRAME;
/// Bytes of a frame.
pub const FRAME: usize = 4096;
/// Bytes of a large one.
pub const LARGE: usize = 2 << 20;

/// All frames of the machine; a page's id is the number of its frame.
pub static POOL: StaticPool<Checked> = StaticPool::new();

unsafe extern "C" {
    static image_start: u8;
    static image_end: u8;
}

/// The pool of the frames up to an address, of which none is there yet.
fn builder(top: usize) -> Builder<Checked> {
    let builder = Pool::builder(top / FRAME).mode().region(Region::addresses(0, top));
    let builder = builder.initially(0).cpu_hint(apic::current_cpu);
    builder.max_caches(CPUS).shared_caches(CPUS).magazine_capacity(64)
}

/// Builds the pool. Returns it, and the frames that are to come online later: the upper half of the
/// largest range.
///
/// # Safety
/// The map is that of the machine, and nobody else uses what it says is usable, but for this image.
/// Addresses are mapped as they are.
pub unsafe fn init(mut map: MemoryMap) -> Result<(&'static Pool<Checked>, Range<u32>), InitError> {
    map.limit(MOST * FRAME);
    map.take(0..FRAME); // the firmware's interrupt vectors; and address 0 is nobody's
    map.take(TRAMPOLINE..TRAMPOLINE + FRAME);
    map.take((&raw const image_start).addr()..(&raw const image_end).addr());
    let later = map.upper_half(LARGE);
    map.take(later.clone());
    let pool = POOL.init_with(|| {
        let builder = builder(later.end);
        let mut metadata = map.carve(builder.metadata_layout()?);
        // SAFETY: carved from memory that nobody uses, which is mapped, and the pool's from now on.
        let metadata: &'static mut [MaybeUninit<u8>] = unsafe { metadata.as_mut() };
        // SAFETY: the frames are free memory, which only this pool gives out, and never touches.
        unsafe { builder.build_in_ranges(ptr::null_mut(), map.usable(), metadata) }
    })?;
    Ok((pool, (later.start / FRAME) as u32..(later.end / FRAME) as u32))
}

/// Nobody may get these frames before they are online.
pub fn keep_offline(later: &Range<u32>) {
    later.clone().for_each(|frame| owners::claim(PageId::new(frame), Owner::OFFLINE));
}

/// Brings frames online that were not, while other CPUs allocate, and sees that the last one can be
/// had.
pub fn bring_online(pool: &Pool<Checked>, later: &Range<u32>, me: Owner) {
    later.clone().for_each(|frame| owners::give_up(PageId::new(frame), Owner::OFFLINE));
    // SAFETY: the frames are usable memory, which `init` has kept for this.
    unsafe { pool.online(later.clone()) }.unwrap_or_else(|error| panic!("{error}"));
    let last = PageId::new(later.end - 1);
    pool.alloc_at_raw(last).unwrap_or_else(|error| panic!("{error}"));
    owners::claim(last, me);
    owners::give_up(last, me);
    // SAFETY: it was allocated above, and nothing points to it.
    unsafe { pool.free_raw(last) }.unwrap_or_else(|error| panic!("{error}"));
    say!("{} frames came online while CPUs allocated", later.len());
}
