//! Page tables of the crate `x86_64`, whose frames, small and large, are all from the pool.

use core::fmt::Debug;
use core::ptr;

use pagesheaf::{Cache, Checked, PageId};
use pagesheaf_buf::Frames;
use x86_64::VirtAddr;
use x86_64::registers::control::Cr3;
use x86_64::structures::paging::mapper::CleanUp;
use x86_64::structures::paging::page::PageRange;
use x86_64::structures::paging::{
    FrameAllocator, FrameDeallocator, Mapper, OffsetPageTable, Page, PageSize, PageTable,
    PageTableFlags, PhysFrame, Size2MiB, Size4KiB,
};

use crate::frames::FRAME;
use crate::machine::say;
use crate::owners::{self, Owner};

/// Where frames are mapped: nothing else is there.
const SMALL_AT: u64 = 0x4000_0000_0000;
const LARGE_AT: u64 = SMALL_AT + (1 << 30);
/// How many.
const SMALL: u64 = 64;
const LARGE: u64 = 4;
/// What the caches of other CPUs hold, they give up at their next calls: ask again, so many times.
const TRIES: usize = 10_000;

/// Frames of the pool, also those that become tables, under the eyes of the oracle.
struct Watched<'a> {
    frames: Frames<'a, Checked>,
    me: Owner,
}

/// The pool's pages of a frame.
fn pages<S: PageSize>(frame: PhysFrame<S>) -> impl Iterator<Item = PageId> {
    let first = (frame.start_address().as_u64() / FRAME as u64) as u32;
    (first..first + (S::SIZE / FRAME as u64) as u32).map(PageId::new)
}

// SAFETY: the pool gives each frame to one caller, until it is freed.
unsafe impl<'a, S: PageSize> FrameAllocator<S> for Watched<'a>
where
    Frames<'a, Checked>: FrameAllocator<S>,
{
    fn allocate_frame(&mut self) -> Option<PhysFrame<S>> {
        let mut tries = 0..TRIES;
        let frame = tries.find_map(|_| FrameAllocator::<S>::allocate_frame(&mut self.frames))?;
        pages(frame).for_each(|page| owners::claim(page, self.me));
        Some(frame)
    }
}

impl<'a, S: PageSize> FrameDeallocator<S> for Watched<'a>
where
    Frames<'a, Checked>: FrameDeallocator<S>,
{
    unsafe fn deallocate_frame(&mut self, frame: PhysFrame<S>) {
        pages(frame).for_each(|page| owners::give_up(page, self.me));
        // SAFETY: passed on to the caller.
        unsafe { FrameDeallocator::<S>::deallocate_frame(&mut self.frames, frame) };
        if let Some(error) = self.frames.refused() {
            panic!("a frame that was mapped: {error}");
        }
    }
}

/// So many pages from an address on.
fn range<S: PageSize>(start: u64, count: u64) -> PageRange<S> {
    let first = Page::containing_address(VirtAddr::new(start));
    Page::range(first, first + count)
}

/// Maps a frame to each page, and looks whether both are the same memory.
fn map<'a, S: PageSize + Debug>(
    mapper: &mut OffsetPageTable<'_>,
    frames: &mut Watched<'a>,
    pages: PageRange<S>,
) where
    for<'t> OffsetPageTable<'t>: Mapper<S>,
    Frames<'a, Checked>: FrameAllocator<S>,
{
    let flags = PageTableFlags::PRESENT | PageTableFlags::WRITABLE;
    for page in pages {
        let frame: Option<PhysFrame<S>> = frames.allocate_frame();
        let frame = frame.unwrap_or_else(|| panic!("no frame: {:?}", frames.frames.reason()));
        // SAFETY: the frame is new, and nothing else is at the page.
        match unsafe { mapper.map_to(page, frame, flags, frames) } {
            Ok(mapped) => mapped.flush(),
            Err(error) => panic!("{page:?} is not mapped: {error:?}"),
        }
        let last_word = S::SIZE - 8;
        let seen: *mut u64 = (page.start_address() + last_word).as_mut_ptr();
        let memory = (frame.start_address() + last_word).as_u64() as usize;
        // SAFETY: the page was just mapped to the frame, which is also mapped where it is.
        let word = unsafe {
            seen.write_volatile(page.start_address().as_u64());
            ptr::with_exposed_provenance::<u64>(memory).read_volatile()
        };
        assert_eq!(word, page.start_address().as_u64(), "what was written into {page:?}");
    }
}

/// Takes the mappings away, and frees the frames.
fn unmap<'a, S: PageSize>(
    mapper: &mut OffsetPageTable<'_>,
    frames: &mut Watched<'a>,
    pages: PageRange<S>,
) where
    for<'t> OffsetPageTable<'t>: Mapper<S>,
    Frames<'a, Checked>: FrameDeallocator<S>,
{
    for page in pages {
        let (frame, flush) = mapper.unmap(page).expect("it was mapped");
        flush.flush(); // no other CPU has touched the page, so none remembers it
        // SAFETY: nothing maps the frame any more.
        unsafe { FrameDeallocator::<S>::deallocate_frame(frames, frame) };
    }
}

/// Maps small and large frames, and unmaps them. Tables that are empty then are freed, too. Only
/// the first CPU does this.
pub fn map_and_unmap(cache: &mut Cache<Checked>, me: Owner) {
    // SAFETY: the pool's addresses are those of the machine's memory.
    let frames = unsafe { Frames::new(cache) }.expect("frames of 4 KiB");
    let mut frames = Watched { frames, me };
    let table = Cr3::read().0.start_address().as_u64() as usize;
    // SAFETY: it is the table in use, which no other CPU changes, and nobody else here.
    let table: &mut PageTable = unsafe { &mut *ptr::with_exposed_provenance_mut(table) };
    // SAFETY: all memory is mapped where it is.
    let mut mapper = unsafe { OffsetPageTable::new(table, VirtAddr::zero()) };
    let (small, large) = (range::<Size4KiB>(SMALL_AT, SMALL), range::<Size2MiB>(LARGE_AT, LARGE));
    map(&mut mapper, &mut frames, small);
    map(&mut mapper, &mut frames, large);
    unmap(&mut mapper, &mut frames, small);
    unmap(&mut mapper, &mut frames, large);
    let all = range::<Size4KiB>(SMALL_AT, (2 << 30) / Size4KiB::SIZE);
    let all = Page::range_inclusive(all.start, all.end - 1);
    // SAFETY: these tables are of this range alone, each used once.
    unsafe { mapper.clean_up_addr_range(all, &mut frames) };
    say!("mapped and unmapped {SMALL} frames of 4 KiB and {LARGE} of 2 MiB");
}
