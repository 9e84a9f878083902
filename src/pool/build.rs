//! Building a pool: everything that can be wrong with the request is found here, before anything is made.

mod caches;
mod fences;
mod given;
mod growth;
mod hardening;
mod hooks;
mod ids;
mod marks;
mod plan;
mod report;

use core::iter;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

pub use report::BuildReport;
pub(crate) use report::hidden_by_call;

use crate::error::{BuildError, Pressure, Taint};
use crate::handle::Handle;
use crate::mode::{DefaultMode, Mode};
use crate::page::PageId;
use crate::plan::FaultPlan;
use crate::pool::Pool;
use crate::region::{Hooks, Region, ZeroedMemory};
use crate::ticket::Fences;

/// What the pool does about a bad page, beside counting it, tainting itself and returning an error where the call
/// can.
///
/// ```
/// # use pagesheaf::{OnBadPage, Pool};
/// let builder = Pool::builder(1000).on_bad_page(OnBadPage::Panic); // for tests
/// # let _ = builder;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnBadPage {
    /// Nothing.
    #[default]
    Count,
    /// Panic. The call has done its work by then. Drops do not panic, nor do raw allocations, whose ids would be lost:
    /// a page that they find bad is left to the next call.
    Panic,
}

/// A pool in the making; see [`Pool::builder`]. It builds one pool, and cannot be copied: its region may be memory that
/// is the pool's alone.
///
/// ```
/// # use pagesheaf::{Checked, OnBadPage, Pool, Region};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(10_000)
///     .mode::<Checked>()
///     .region(Region::heap())
///     .max_caches(4)
///     .magazine_capacity(64)
///     .on_bad_page(OnBadPage::Panic)
///     .build()?;
/// println!("{pool}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Builder<M: Mode = DefaultMode> {
    pages: usize,
    id_bits: u32,
    initially: Option<usize>,
    page_size: usize,
    region: Option<Region>,
    caches: Option<usize>,
    shared_caches: Option<usize>,
    magazine: Option<usize>,
    depots: Option<usize>,
    colors: usize,
    on_bad_page: OnBadPage,
    poison_every: Option<u32>,
    poison_lazily: bool,
    cpu_hint: Option<fn() -> usize>,
    on_taint: Option<fn(&Taint)>,
    on_pressure: Option<fn(&Pressure)>,
    low: Option<usize>,
    reserve: usize,
    defer_wakes: bool,
    quarantine: Option<usize>,
    hooks: Hooks,
    fences: Fences,
    pub(crate) faults: Option<FaultPlan>,
    mode: PhantomData<M>,
}

impl Pool<DefaultMode> {
    /// Starts to build a pool of `pages` pages, 1 to 2³² − 1, of 4096 bytes each if nothing else is said.
    ///
    /// It is a pool of [`DefaultMode`] unless [`Builder::mode`] says otherwise.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).build()?;
    /// assert_eq!((pool.capacity(), pool.page_size()), (1000, 4096));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn builder(pages: usize) -> Builder<DefaultMode> {
        Builder {
            pages,
            id_bits: u32::BITS,
            initially: None,
            page_size: 4096,
            region: None,
            caches: None,
            shared_caches: None,
            magazine: None,
            depots: None,
            colors: 1,
            on_bad_page: OnBadPage::Count,
            poison_every: None,
            poison_lazily: false,
            cpu_hint: None,
            on_taint: None,
            on_pressure: None,
            low: None,
            reserve: 0,
            defer_wakes: false,
            quarantine: None,
            hooks: Hooks::NONE,
            fences: Fences(&[]),
            faults: None,
            mode: PhantomData,
        }
    }
}

impl<M: Mode> Builder<M> {
    /// Chooses the pool's mode, whatever the Cargo features say.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool: Pool<Checked> = Pool::builder(100).mode::<Checked>().build()?;
    /// assert_eq!(pool.mode().preset(), Some("Checked"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn mode<N: Mode>(self) -> Builder<N> {
        let Builder {
            pages, initially, page_size, region, caches, shared_caches, magazine, ..
        } = self;
        let Builder { depots, colors, on_bad_page, poison_every, poison_lazily, .. } = self;
        let Builder { quarantine, cpu_hint, on_taint, defer_wakes, faults, .. } = self;
        let Builder { on_pressure, low, reserve, hooks, fences, id_bits, .. } = self;
        Builder {
            pages,
            id_bits,
            initially,
            page_size,
            region,
            caches,
            shared_caches,
            magazine,
            depots,
            colors,
            on_bad_page,
            poison_every,
            poison_lazily,
            cpu_hint,
            on_taint,
            on_pressure,
            low,
            reserve,
            defer_wakes,
            quarantine,
            hooks,
            fences,
            faults,
            mode: PhantomData,
        }
    }

    /// Bytes of a page: a multiple of 64.
    ///
    /// Each page is aligned to the largest power of two that divides its size ([`Pool::alignment`]): to the size
    /// itself, if that is a power of two. Sizes between are for what would waste the rest: a jumbo frame of 9,018 bytes
    /// takes 9,216, in place of 16,384.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).page_size(9216).build()?;
    /// let page = pool.alloc()?;
    /// assert_eq!((page.len(), pool.alignment()), (9216, 1024));
    /// assert_eq!(pool.id_at(page.as_ptr().addr() + 9215), Some(page.id()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn page_size(mut self, bytes: usize) -> Self {
        self.page_size = bytes;
        self
    }

    /// Where the pages are. Mapped where that can be, else from the heap, if nothing is said.
    ///
    /// ```
    /// # use pagesheaf::{Pool, Region};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).region(Region::heap()).build()?;
    /// println!("{}", pool.region_info());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn region(mut self, region: impl Into<Region>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// What to do about bad pages.
    ///
    /// ```
    /// # use pagesheaf::{Checked, OnBadPage, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().on_bad_page(OnBadPage::Panic).build()?;
    /// let id = pool.alloc_raw()?;
    /// // SAFETY: the page is ours, and nobody wrote it. The second free breaks the rules, and panics.
    /// let freed = std::panic::catch_unwind(|| unsafe { pool.free_raw(id).and_then(|()| pool.free_raw(id)) });
    /// assert!(freed.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn on_bad_page(mut self, policy: OnBadPage) -> Self {
        self.on_bad_page = policy;
        self
    }

    /// What is called when the pool becomes [tainted](Pool::taint): once, with the first cause, to log it, say.
    ///
    /// It is called at the end of the call that found the cause, when that call's work is done. A drop, and a raw
    /// allocation, leave it to the next call that is neither: any call of any thread that does not end on its fast
    /// path. It may use the pool. Like any function that can be called wherever the pool is, in signal handlers
    /// perhaps, it should not wait; and it should not panic, or the call's result is lost.
    ///
    /// ```
    /// # use pagesheaf::{Pool, Taint};
    /// fn log(taint: &Taint) {
    ///     eprintln!("the pool is tainted: {taint}");
    /// }
    ///
    /// let builder = Pool::builder(1000).on_taint(log);
    /// # let _ = builder;
    /// ```
    pub const fn on_taint(mut self, hook: fn(&Taint)) -> Self {
        self.on_taint = Some(hook);
        self
    }

    /// Builds the pool, with its metadata on the heap, or mapped where it is a mebibyte or more and
    /// where there are mappings (feature `std`).
    ///
    /// Of the metadata of pages that were never used nothing is written, so that building takes
    /// neither time nor memory by the page. A pool of 1 TiB has up to 2.2 GB of metadata, of which a
    /// few hundred KiB are resident when it is built.
    ///
    /// In modes with [`POISON`](crate::hardening::POISON) this writes to the pages, unless
    /// [`poison_lazily`](Self::poison_lazily) puts it off, or the region is one of
    /// [`Mapping::no_reserve`](crate::Mapping::no_reserve).
    ///
    /// ```
    /// # use pagesheaf::{BuildError, Pool};
    /// match Pool::builder(1000).build() {
    ///     Ok(pool) => println!("{pool}"),
    ///     Err(error @ BuildError::NoMemory { .. }) => println!("try a smaller pool: {error}"),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    ///
    /// # Errors
    /// What is wrong with the request, or what the system refused.
    pub fn build(self) -> Result<Pool<M>, BuildError> {
        let (plan, bytes) = self.plan_with_region()?;
        let region = self.region.unwrap_or_else(Region::standard);
        if let Some(with) = self.hooks.told_of_memory()
            && region.is_to_be_purged()
        {
            return Err(BuildError::Purge { with });
        }
        let region = region.acquire(bytes, plan.page_alignment())?;
        let memory = ZeroedMemory::new(plan.layout())?;
        // SAFETY: the block has this layout, and the core keeps it; nobody has the new core's handle.
        let core =
            unsafe { Handle::new(plan.build(memory.start(), region, Some(memory), iter::empty())) };
        core.tell_built();
        Ok(Pool { core })
    }

    /// Builds the pool without a heap: over the pages that start at `base`, with its metadata in `metadata`.
    ///
    /// With [`Region::addresses`] as the region, `base` is its first address and is never dereferenced. No other
    /// region goes together with `base`.
    ///
    /// The metadata is the caller's memory, usually a static of the size and alignment that
    /// [`static_metadata_layout`](Self::static_metadata_layout) says. Name [`max_caches`](Self::max_caches) and
    /// [`shared_caches`](Self::shared_caches), which follow the number of processors otherwise, and without `std`
    /// a guess. Memory that is too small is refused with the size that is needed. `tests/no_std` is a whole
    /// program. For a pool in a `static` see [`StaticPool::init_with`](crate::StaticPool::init_with).
    ///
    /// Both memories can be used again, also for another pool, as soon as [`Pool::close`] has returned `Ok`: from
    /// then on nothing of this pool touches them. A pool that is dropped is done with them when its last handle
    /// and its last page are gone, which nobody is told; so whoever wants them back closes it.
    ///
    /// ```
    /// use core::cell::UnsafeCell;
    /// use core::mem::MaybeUninit;
    ///
    /// use pagesheaf::{Checked, Pool};
    ///
    /// /// Aligned to a page, and to the 128 bytes of the metadata.
    /// #[repr(C, align(256))]
    /// struct Memory<const N: usize>(UnsafeCell<[MaybeUninit<u8>; N]>);
    /// // SAFETY: the program comes to each once, below.
    /// unsafe impl<const N: usize> Sync for Memory<N> {}
    ///
    /// static PAGES: Memory<{ 64 * 256 }> = Memory(UnsafeCell::new([MaybeUninit::new(0); 64 * 256]));
    /// static METADATA: Memory<16384> = Memory(UnsafeCell::new([MaybeUninit::uninit(); 16384]));
    ///
    /// let builder = Pool::builder(64).mode::<Checked>().page_size(256);
    /// let builder = builder.max_caches(2).shared_caches(1).magazine_capacity(8);
    /// println!("{:?}", builder.metadata_layout()?);
    /// # assert!(builder.metadata_layout()?.size() <= 16384 && builder.metadata_layout()?.align() == 128);
    /// // SAFETY: nobody else takes this memory.
    /// let metadata: &'static mut [MaybeUninit<u8>] = unsafe { &mut *METADATA.0.get() };
    /// // SAFETY: the pages are a static that is initialised, aligned to 256, and nobody else's.
    /// let pool = unsafe { builder.build_in(PAGES.0.get().cast(), metadata) }?;
    /// let page = pool.alloc()?;
    /// drop(page);
    /// pool.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the request, or that the metadata memory is too small or not aligned.
    ///
    /// # Safety
    /// Unless the region is one of addresses, `base` and all the bytes of the pages are as [`Region::caller`] asks,
    /// which says each in full, of pages that are online: valid, inside one allocation; readable and writable; within
    /// the provenance of `base`; allocated until the pool is closed and every page is back; the pool's alone until
    /// then; and initialised.
    pub unsafe fn build_in(
        self,
        base: *mut u8,
        metadata: &'static mut [MaybeUninit<u8>],
    ) -> Result<Pool<M>, BuildError> {
        // SAFETY: passed on to the caller.
        unsafe { self.build_given(base, metadata, iter::empty()) }
    }

    /// As [`Self::build_in`]. Of pages that are offline at first, those that are `given` are not.
    ///
    /// # Safety
    /// As [`Self::build_in`], of these pages too, which are in range and named once.
    unsafe fn build_given(
        self,
        base: *mut u8,
        metadata: &'static mut [MaybeUninit<u8>],
        given: impl Iterator<Item = (PageId, usize)>,
    ) -> Result<Pool<M>, BuildError> {
        let (plan, bytes) = self.plan()?;
        let align = plan.page_alignment();
        let region = match self.region {
            Some(region) => {
                if region.first_address() != Some(base.addr()) {
                    return Err(BuildError::BaseMismatch);
                }
                region
            }
            None => {
                let base = NonNull::new(base).ok_or(BuildError::RegionMisaligned { align })?;
                // SAFETY: passed on to the caller.
                unsafe { Region::caller(base, bytes) }
            }
        };
        let layout = plan.layout();
        if metadata.len() < layout.size() {
            return Err(BuildError::MetadataTooSmall { need: layout.size(), have: metadata.len() });
        }
        let block = NonNull::from(metadata).cast::<u8>();
        if !block.addr().get().is_multiple_of(layout.align()) {
            return Err(BuildError::MetadataMisaligned { align: layout.align() });
        }
        let region = region.acquire(bytes, align)?;
        // SAFETY: the memory is the pool's for good, large enough and aligned; nobody has the new
        // core's handle.
        let core = unsafe { Handle::new(plan.build(block, region, None, given)) };
        core.tell_built();
        Ok(Pool { core })
    }
}

#[cfg(test)]
mod tests;
