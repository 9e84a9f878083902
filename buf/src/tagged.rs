//! Pages with something beside each: where in it a packet lies, or what it is for.
//!
//! Invariant: at rest, the tag at each place is that of the page there, and behind them there is none.

use core::fmt;

use pagesheaf::{Cache, DefaultMode, Mode, Page, PageBatch, PageError, PageId, PushError};

/// A batch of pages with a tag beside each. For devices that say with each page where its bytes start and end: the tag
/// goes where the page goes.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pagesheaf::Pool;
/// use pagesheaf_buf::Tagged;
///
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(64).page_size(2048).build()?;
/// let mut cache = pool.cache()?;
/// let fill: Vec<u64> = cache.lend_new(32).collect();
///
/// // The device receives: a descriptor names a byte in a page, and how many there are from there on.
/// let received = fill.iter().map(|offset| (offset + 256, 60_usize));
/// let mut packets = Tagged::<usize>::new();
/// // SAFETY: the device is done with these pages, which the pool lent; it wrote bytes.
/// unsafe { packets.reclaim(&mut cache, received) }?;
/// packets.retain(|page, len| page.len() - 256 >= *len);
///
/// // What has no room in the ring stays, with its tags.
/// let mut tx = Vec::new();
/// assert_eq!(packets.lend(&mut cache, 20, |offset, len| tx.push((offset + 256, len))), 20);
/// assert_eq!((tx.len(), packets.len()), (20, 12));
/// # // SAFETY: as above.
/// # unsafe { cache.free_lent(tx.iter().map(|descriptor| descriptor.0)) }?;
/// # Ok(())
/// # }
/// ```
pub struct Tagged<T, M: Mode = DefaultMode, const N: usize = 256> {
    pages: PageBatch<M, N>,
    tags: [Option<(PageId, T)>; N],
}

impl<T, M: Mode> Tagged<T, M, 256> {
    /// None, with room for 256.
    #[must_use]
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<T, M: Mode, const N: usize> Tagged<T, M, N> {
    /// None, with room for `N`.
    #[must_use]
    pub const fn empty() -> Self {
        Tagged { pages: PageBatch::empty(), tags: [const { None }; N] }
    }

    /// How many pages there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.pages.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// For how many more there is room.
    #[must_use]
    pub const fn remaining_capacity(&self) -> usize {
        self.pages.remaining_capacity()
    }

    /// Appends a page with its tag.
    ///
    /// # Errors
    /// Both, when there is no room, or the others are pages of another pool.
    pub fn push(&mut self, page: Page<M>, tag: T) -> Result<(), (PushError<M>, T)> {
        let (at, id) = (self.len(), page.id());
        match self.pages.push(page) {
            Ok(()) => self.tags[at] = Some((id, tag)),
            Err(error) => return Err((error, tag)),
        }
        Ok(())
    }

    /// Takes the last page and its tag.
    pub fn pop(&mut self) -> Option<(Page<M>, T)> {
        let page = self.pages.pop()?;
        let (_, tag) = self.tags[self.pages.len()].take()?;
        Some((page, tag))
    }

    /// The pages' bytes and their tags, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &T)> {
        let tags = self.tags.iter().flatten().map(|(_, tag)| tag);
        self.pages.iter().zip(tags)
    }

    /// The pages' bytes and their tags, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&mut [u8], &mut T)> {
        let tags = self.tags.iter_mut().flatten().map(|(_, tag)| tag);
        self.pages.iter_mut().zip(tags)
    }

    /// Keeps the pages for which `keep` says so, in order, and frees the others, without a cache. If it panics, all
    /// pages are there.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut [u8], &mut T) -> bool) {
        let sorted = Sorted(self);
        let mut tags = sorted.0.tags.iter_mut().flatten();
        sorted.0.pages.retain(|page| tags.next().is_none_or(|(_, tag)| keep(page, tag)));
    }

    /// Takes pages back from a device, each with its tag, as many as there is room for: what is beyond that stays in
    /// the iterator, if it is passed by reference. An offset is that of any byte of the page. If the iterator panics,
    /// none is taken back.
    ///
    /// # Errors
    /// As [`Cache::reclaim_at`]: the others are there, and the tags of those that were refused are dropped. If the
    /// others in the batch are pages of another pool, none is taken back, and all tags are dropped that were taken.
    ///
    /// # Safety
    /// As [`Cache::reclaim_at`]: the device is done with the pages, which this pool lent and each of which is named
    /// once; their bytes are initialised.
    #[allow(unsafe_code, reason = "the pool believes what the device says")]
    pub unsafe fn reclaim<const S: bool>(
        &mut self,
        cache: &mut Cache<M, S>,
        given: impl IntoIterator<Item = (u64, T)>,
    ) -> Result<usize, PageError> {
        let (before, room) = (self.len(), self.remaining_capacity());
        let mut came = [const { None }; N];
        let mut count = 0;
        came.iter_mut().zip(given.into_iter().take(room)).for_each(|(place, given)| {
            *place = Some(given);
            count += 1;
        });
        let mut offsets = [0; N];
        // Their tags stand where those of all of them would. Those of what is refused go when this is sorted: also by a
        // panic, of a pool that panics for a bad page.
        let sorted = Sorted(self);
        for (at, (offset, tag)) in came.into_iter().flatten().enumerate() {
            offsets[at] = offset;
            sorted.0.tags[before + at] = cache.id_at_offset(offset).map(|id| (id, tag));
        }
        // SAFETY: passed on to the caller.
        unsafe { cache.reclaim_at(offsets[..count].iter().copied(), &mut sorted.0.pages) }
    }

    /// Lends up to `room` pages to a device, in order, and tells `insert` where each starts, with its tag. Returns how
    /// many. The others stay.
    pub fn lend<const S: bool>(
        &mut self,
        cache: &mut Cache<M, S>,
        room: usize,
        mut insert: impl FnMut(u64, T),
    ) -> usize {
        let bytes = cache.page_size() as u64;
        let Tagged { pages, tags } = &mut *Sorted(self).0;
        let mut lending = cache.lend(pages);
        let (mut at, mut lent) = (0, 0);
        while lent < room
            && let Some(id) = lending.ids().next()
        {
            // What cannot be lent stays, and is passed over.
            while tags.get(at).is_some_and(|tag| tag.as_ref().is_none_or(|tag| tag.0 != id)) {
                at += 1;
            }
            let Some((_, tag)) = tags.get_mut(at).and_then(Option::take) else { break };
            lent += 1;
            insert(u64::from(id.index()) * bytes, tag);
        }
        lent
    }

    /// The pages, without their tags.
    #[must_use]
    pub fn into_pages(self) -> PageBatch<M, N> {
        self.pages
    }
}

/// Tags that are put where their pages are when this ends, also by a panic.
struct Sorted<'a, T, M: Mode, const N: usize>(&'a mut Tagged<T, M, N>);

impl<T, M: Mode, const N: usize> Drop for Sorted<'_, T, M, N> {
    fn drop(&mut self) {
        let Tagged { pages, tags } = &mut *self.0;
        for (at, &id) in pages.ids().iter().enumerate() {
            let is_its = |tag: &Option<(PageId, T)>| tag.as_ref().is_some_and(|tag| tag.0 == id);
            if let Some(found) = tags[at..].iter().position(is_its) {
                tags.swap(at, at + found);
            }
        }
        // Those of pages that are gone.
        tags[pages.len()..].fill_with(|| None);
    }
}

impl<T, M: Mode> Default for Tagged<T, M, 256> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug, M: Mode, const N: usize> fmt::Debug for Tagged<T, M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.tags.iter().flatten().map(|(id, tag)| (id, tag))).finish()
    }
}
