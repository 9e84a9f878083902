//! The traits of the crate `x86_64`: page tables take their frames from a cache.

use core::fmt;

use pagesheaf::{Cache, DefaultMode, Mode, Order, PageError, PageId, ShortReason};
use x86_64::PhysAddr;
use x86_64::structures::paging::{
    FrameAllocator, FrameDeallocator, PageSize, PhysFrame, Size2MiB, Size4KiB,
};

/// Frames of 4 KiB and of 2 MiB, from a cache of a pool of physical addresses.
///
/// The traits' calls say neither why there is no frame nor that one was refused: [`reason`](Self::reason) and
/// [`refused`](Self::refused) do.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pagesheaf::{Checked, Pool, Region};
/// use pagesheaf_buf::Frames;
/// use x86_64::structures::paging::{FrameAllocator, FrameDeallocator, PhysFrame, Size2MiB, Size4KiB};
///
/// let memory = Region::addresses(0x40_0000, 0x40_0000); // 4 MiB from 4 MiB on
/// let pool = Pool::builder(1024).mode::<Checked>().region(memory).build()?;
/// let mut cache = pool.cache()?;
/// // SAFETY: nothing is mapped in this example.
/// let mut frames = unsafe { Frames::new(&mut cache) }.expect("pages of 4 KiB");
/// let small: PhysFrame<Size4KiB> = frames.allocate_frame().expect("1024 are free");
/// let large: PhysFrame<Size2MiB> = frames.allocate_frame().expect("one is whole");
/// // SAFETY: nobody uses them.
/// unsafe {
///     frames.deallocate_frame(large);
///     frames.deallocate_frame(small);
///     assert!(frames.refused().is_none());
///     frames.deallocate_frame(small);
/// }
/// assert!(frames.refused().expect("it was free").to_string().contains("already free"));
/// # Ok(())
/// # }
/// ```
pub struct Frames<'a, M: Mode = DefaultMode> {
    cache: &'a mut Cache<M>,
    reason: Option<NoFrame>,
    refused: Option<RefusedFrame>,
}

/// Why there is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoFrame {
    /// The pool has none.
    Short(ShortReason),
    /// The pool's first address is no multiple of 2 MiB, so that its blocks are none either.
    Unaligned {
        /// The first address.
        first: u64,
    },
}

impl fmt::Display for NoFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoFrame::Short(reason) => write!(f, "{reason}"),
            NoFrame::Unaligned { first } => {
                write!(f, "the pool starts at {first:#x}, no multiple of 2 MiB: build it from one")
            }
        }
    }
}

impl core::error::Error for NoFrame {}

/// Why a frame was not freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusedFrame {
    /// The pool has no such address.
    Foreign {
        /// The frame's address.
        address: u64,
    },
    /// The pool refused it.
    Page(PageError),
}

impl fmt::Display for RefusedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RefusedFrame::Foreign { address } => {
                write!(f, "the frame at {address:#x} is not the pool's: free it where it is from")
            }
            RefusedFrame::Page(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for RefusedFrame {}

/// Frames of 2 MiB are blocks of 2⁹ pages.
fn large() -> Order {
    Order::new(9).expect("an order that blocks have")
}

impl<'a, M: Mode> Frames<'a, M> {
    /// Frames of this cache's pool, if its pages are of 4 KiB.
    ///
    /// # Safety
    /// The pool's addresses are physical ones, of memory that only the pool gives out.
    #[must_use]
    #[allow(unsafe_code, reason = "page tables believe the addresses")]
    pub unsafe fn new(cache: &'a mut Cache<M>) -> Option<Self> {
        let fits = cache.page_size() as u64 == Size4KiB::SIZE;
        fits.then_some(Frames { cache, reason: None, refused: None })
    }

    /// Why the last call that found no frame found none.
    #[must_use]
    pub fn reason(&self) -> Option<NoFrame> {
        self.reason
    }

    /// The last frame that was not freed, and why.
    #[must_use]
    pub fn refused(&self) -> Option<RefusedFrame> {
        self.refused
    }

    /// The frame of a page that a call has allocated.
    fn frame<S: PageSize>(&mut self, page: Result<PageId, ShortReason>) -> Option<PhysFrame<S>> {
        let page = page.map_err(|reason| self.reason = Some(NoFrame::Short(reason))).ok()?;
        let address = self.cache.address(page).expect("a page of this pool");
        Some(PhysFrame::containing_address(PhysAddr::new(address as u64)))
    }

    /// The page of a frame that is to be freed.
    fn page<S: PageSize>(&mut self, frame: PhysFrame<S>) -> Option<PageId> {
        let address = frame.start_address().as_u64();
        let page = usize::try_from(address).ok().and_then(|address| self.cache.id_at(address));
        if page.is_none() {
            self.refused = Some(RefusedFrame::Foreign { address });
        }
        page
    }

    /// Keeps what was wrong.
    fn note(&mut self, freed: Result<(), PageError>) {
        if let Err(error) = freed {
            self.refused = Some(RefusedFrame::Page(error));
        }
    }
}

// SAFETY: the pool gives each page to one caller, until it is freed; its addresses are physical ones by the promise of
// `new`.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl<M: Mode> FrameAllocator<Size4KiB> for Frames<'_, M> {
    fn allocate_frame(&mut self) -> Option<PhysFrame<Size4KiB>> {
        let page = self.cache.alloc_raw();
        self.frame(page)
    }
}

// SAFETY: as above, of all pages of a block; which is aligned to its size, because the first page is.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl<M: Mode> FrameAllocator<Size2MiB> for Frames<'_, M> {
    fn allocate_frame(&mut self) -> Option<PhysFrame<Size2MiB>> {
        let first = self.cache.address(PageId::new(0)).expect("a pool has a page") as u64;
        if !first.is_multiple_of(Size2MiB::SIZE) {
            self.reason = Some(NoFrame::Unaligned { first });
            return None;
        }
        let page = self.cache.alloc_block_raw(large());
        self.frame(page)
    }
}

#[allow(unsafe_code, reason = "the trait's call is unsafe")]
impl<M: Mode> FrameDeallocator<Size4KiB> for Frames<'_, M> {
    unsafe fn deallocate_frame(&mut self, frame: PhysFrame<Size4KiB>) {
        if let Some(page) = self.page(frame) {
            // SAFETY: nobody uses the frame, by the caller's promise; the pool has no bytes of it.
            let freed = unsafe { self.cache.free_raw(page) };
            self.note(freed);
        }
    }
}

#[allow(unsafe_code, reason = "the trait's call is unsafe")]
impl<M: Mode> FrameDeallocator<Size2MiB> for Frames<'_, M> {
    unsafe fn deallocate_frame(&mut self, frame: PhysFrame<Size2MiB>) {
        if let Some(page) = self.page(frame) {
            // SAFETY: as above, of all pages of the block.
            let freed = unsafe { self.cache.free_block_raw(page, large()) };
            self.note(freed);
        }
    }
}
