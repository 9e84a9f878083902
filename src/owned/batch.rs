//! Owned pages held together.

mod iter;
mod let_go;
mod moves;
mod split;

use core::fmt;
use core::mem::MaybeUninit;
use core::ops::{Index, IndexMut};
use core::ptr::NonNull;

pub use iter::{IntoIter, Iter, IterMut};
pub(crate) use let_go::LetGo;
pub use moves::PushError;

use crate::error::Count;
use crate::inner::Core;
use crate::mode::{DefaultMode, Mode};
use crate::page::{GivenUp, PageId, written};
use crate::sync::fetch_ahead;

/// Up to `N` owned pages of one pool, in the order in which they were allocated or pushed.
///
/// Its first page says which pool; pages of another are refused until it is empty again. Dropping
/// it frees its pages in one go, without a cache; `free_bulk` of a [`Cache`] is quicker.
///
/// A batch lies where it is put (on the stack, in a struct) and never allocates: 4 bytes a page,
/// and 16. [`new`](Self::new) makes one for 256 pages; [`empty`](Self::empty) one of any other
/// capacity `N`.
///
/// ```
/// # use pagesheaf::{PageBatch, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(1024).build()?;
/// let mut cache = pool.cache()?;
/// let mut batch = PageBatch::<_, 32>::empty();
/// let got = cache.alloc_bulk(&mut batch, 100);
/// assert_eq!((got.allocated, batch.len(), batch.remaining_capacity()), (32, 32, 0));
/// batch[0].fill(7);
/// let page = batch.swap_remove(0);
/// assert!(page.iter().all(|&byte| byte == 7));
/// cache.free_bulk(&mut batch);
/// assert!(batch.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Cache`]: crate::Cache
// Aligned, and the ids first: they are copied by the line.
#[repr(C, align(64))]
pub struct PageBatch<M: Mode = DefaultMode, const N: usize = 256> {
    ids: [MaybeUninit<PageId>; N],
    /// The pages' core; means nothing while the batch is empty.
    core: Option<NonNull<Core<M>>>,
    len: usize,
}

// SAFETY: a batch is ids and a pointer to a core, which is shared between threads.
unsafe impl<M: Mode, const N: usize> Send for PageBatch<M, N> {}
// SAFETY: sharing it shares the pages' bytes, read-only.
unsafe impl<M: Mode, const N: usize> Sync for PageBatch<M, N> {}

impl<M: Mode> PageBatch<M, 256> {
    /// An empty batch with room for 256 pages.
    ///
    /// ```
    /// # use pagesheaf::PageBatch;
    /// let batch: PageBatch = PageBatch::new();
    /// assert_eq!((batch.len(), batch.capacity()), (0, 256));
    /// ```
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<M: Mode, const N: usize> PageBatch<M, N> {
    /// An empty batch with room for `N` pages.
    #[must_use]
    #[inline]
    pub const fn empty() -> Self {
        PageBatch { core: None, len: 0, ids: [const { MaybeUninit::uninit() }; N] }
    }

    /// Starts an empty batch in `place`, where its room for ids stays as it is: an array of them
    /// never passes over the stack.
    #[allow(dead_code, reason = "a batch is boxed in builds with a heap only")]
    pub(crate) fn start_in(place: &mut MaybeUninit<Self>) -> &mut Self {
        let batch = place.as_mut_ptr();
        // SAFETY: the fields lie in the place, and belong to whoever has borrowed it alone. Once
        // these two are written, all is initialised that needs to be: ids below the length, of
        // which there are none.
        unsafe {
            (&raw mut (*batch).core).write(None);
            (&raw mut (*batch).len).write(0);
            &mut *batch
        }
    }

    /// Whether pages of this core may go into the batch.
    pub(crate) fn may_join(&self, core: NonNull<Core<M>>) -> bool {
        self.len == 0 || self.core == Some(core)
    }

    /// The core of the pages, if there are any. An empty batch may name any core, also one that is gone.
    #[inline(always)]
    pub(crate) fn named_core(&self) -> Option<NonNull<Core<M>>> {
        self.core
    }

    /// Asks for the first ids ahead of the length behind them: whoever goes through many batches
    /// then goes through memory in one direction, and the processor fetches what follows.
    #[inline(always)]
    pub(crate) fn fetch_ahead(&self) {
        fetch_ahead(&self.ids);
    }

    /// The room that is left.
    #[inline(always)]
    pub(crate) fn vacant(&mut self) -> &mut [MaybeUninit<PageId>] {
        // SAFETY: the length is at most the capacity.
        unsafe { self.ids.get_unchecked_mut(self.len..) }
    }

    /// Takes in the first `n` ids of the room that was left, and returns them.
    ///
    /// # Safety
    /// There is room for `n`. They are written before anybody looks at the batch, or have been, and
    /// are those of pages, of this core, that are now the batch's; so are all others.
    #[inline(always)]
    pub(crate) unsafe fn grow(
        &mut self,
        core: NonNull<Core<M>>,
        n: usize,
    ) -> &mut [MaybeUninit<PageId>] {
        let from = self.len;
        debug_assert!(n <= N - from);
        self.len = from + n;
        // Even if it seems to be the same: an empty batch may remember a core that is gone, and
        // this one lives.
        self.core = Some(core);
        // SAFETY: there was room for `n` from `from` on.
        unsafe { self.ids.get_unchecked_mut(from..from + n) }
    }

    /// Gives up the pages from `at` on. Panics when the batch has fewer than `at`.
    #[inline(always)]
    pub(crate) fn give_up(&mut self, at: usize) -> GivenUp<'_> {
        // SAFETY: a batch is the sole owner of its pages, which are initialised and leave it here.
        unsafe { GivenUp::new(self.cut(at)) }
    }

    /// Takes the ids from `at` on out of the batch: the caller has to see to the pages.
    #[inline(always)]
    fn cut(&mut self, at: usize) -> &[PageId] {
        let len = core::mem::replace(&mut self.len, at);
        assert!(at <= len);
        // SAFETY: the ids up to the former length are initialised, and `at` is not beyond it.
        unsafe { written(self.ids.get_unchecked(at..len)) }
    }

    /// How many pages it holds.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many pages it can hold.
    ///
    /// ```
    /// # use pagesheaf::PageBatch;
    /// let batch: PageBatch<pagesheaf::Checked, 32> = PageBatch::empty();
    /// assert_eq!((batch.capacity(), batch.remaining_capacity()), (32, 32));
    /// ```
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// How many more it can hold.
    #[must_use]
    #[inline]
    pub const fn remaining_capacity(&self) -> usize {
        N - self.len
    }

    /// The pages' numbers, in order.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 2)?;
    /// let (first, bytes) = (batch.ids()[0], &batch[0]);
    /// assert_eq!(pool.id_at(bytes.as_ptr().addr()), Some(first));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn ids(&self) -> &[PageId] {
        // SAFETY: the ids below the length are initialised.
        unsafe { written(&self.ids[..self.len]) }
    }

    /// The ids of the last `n` pages.
    pub(crate) fn last_ids(&self, n: usize) -> impl Iterator<Item = PageId> + '_ {
        self.ids().iter().skip(self.len - n).copied()
    }

    /// The core, if there are pages.
    fn pages_core(&self) -> Option<&Core<M>> {
        // SAFETY: the batch's pages keep their core alive.
        self.core.filter(|_| self.len > 0).map(|core| unsafe { core.as_ref() })
    }

    /// The core and an id below the length.
    fn at(&self, index: usize) -> Option<(&Core<M>, PageId)> {
        let id = *self.ids().get(index)?;
        Some((self.pages_core()?, id))
    }

    /// The bytes of a page; `None` past the end.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 2)?;
    /// assert!(batch.get(1).is_some() && batch.get(2).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let (core, id) = self.at(index)?;
        // SAFETY: the batch owns the page, which lies in the region and is initialised.
        Some(unsafe { core::slice::from_raw_parts(core.address(id), core.page_size()) })
    }

    /// The bytes of a page, to write; `None` past the end.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 2)?;
    /// batch.get_mut(1).expect("there are two").fill(7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut [u8]> {
        let (core, id) = self.at(index)?;
        // SAFETY: as above, and the batch is borrowed alone.
        Some(unsafe { core::slice::from_raw_parts_mut(core.address(id), core.page_size()) })
    }

    /// Where the part of a page to use starts, in bytes: as
    /// [`Page::headroom`](crate::Page::headroom). `None` past the end.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).cache_color(8).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 2)?;
    /// assert_eq!(batch.headroom(1), Some(batch.ids()[1].index() as usize % 8 * 64));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn headroom(&self, index: usize) -> Option<usize> {
        let (core, id) = self.at(index)?;
        Some(core.headroom(id))
    }

    /// The pages' bytes, in order.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 3)?;
    /// batch[1].fill(7);
    /// assert_eq!(batch.iter().filter(|bytes| bytes.starts_with(&[7])).count(), 1);
    /// for bytes in &batch {
    ///     assert_eq!(bytes.len(), pool.page_size());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> Iter<'_, M> {
        Iter::new(self)
    }

    /// The pages' bytes, in order, to write.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 3)?;
    /// for bytes in &mut batch {
    ///     bytes.fill(7);
    /// }
    /// batch.iter_mut().rev().take(1).for_each(|last| last.fill(8));
    /// assert_eq!((batch[0][0], batch[2][0]), (7, 8));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter_mut(&mut self) -> IterMut<'_, M> {
        IterMut::new(self)
    }
}

/// What a batch says to an index that it has no page at.
#[cold]
#[track_caller]
fn no_page(index: usize, len: usize) -> ! {
    panic!("index {index} of a batch of {}", Count(len as u64, "page"))
}

impl<M: Mode, const N: usize> Default for PageBatch<M, N> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<M: Mode, const N: usize> Index<usize> for PageBatch<M, N> {
    type Output = [u8];

    /// The bytes of a page.
    ///
    /// # Panics
    /// When the batch has no page at `index`; [`PageBatch::get`] does not.
    #[track_caller]
    fn index(&self, index: usize) -> &[u8] {
        self.get(index).unwrap_or_else(|| no_page(index, self.len))
    }
}

impl<M: Mode, const N: usize> IndexMut<usize> for PageBatch<M, N> {
    /// The bytes of a page, to write.
    ///
    /// # Panics
    /// When the batch has no page at `index`; [`PageBatch::get_mut`] does not.
    #[track_caller]
    fn index_mut(&mut self, index: usize) -> &mut [u8] {
        let len = self.len;
        self.get_mut(index).unwrap_or_else(|| no_page(index, len))
    }
}

impl<M: Mode, const N: usize> fmt::Debug for PageBatch<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids().iter().map(|id| id.index())).finish()
    }
}
