//! Pages that their owner, or a device, has given up, as proof that a call may take them.

use core::mem::MaybeUninit;

use super::{PageId, written_mut};

/// Ids of pages whose owner has given them up to the core that they are of. Move-only: whoever has the value
/// answers for the pages.
pub(crate) struct GivenUp<'a>(&'a [PageId]);

impl<'a> GivenUp<'a> {
    /// # Safety
    /// The caller is the sole owner of the pages, which are of the core that the value goes to, each named
    /// once and initialised, and uses them no more. In checking modes ids for which this is not so are
    /// looked for.
    #[inline(always)]
    pub(crate) unsafe fn new(ids: &'a [PageId]) -> Self {
        GivenUp(ids)
    }

    /// The ids.
    #[inline(always)]
    pub(crate) fn ids(&self) -> &'a [PageId] {
        self.0
    }

    /// How many.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The pages behind the first `n`, which have been seen to.
    #[inline(always)]
    pub(crate) fn skip(self, n: usize) -> Self {
        GivenUp(&self.0[n..])
    }

    /// The same, of which the first `freed` pages have been freed.
    #[inline(always)]
    pub(crate) fn partly_freed(self, freed: usize) -> PartlyFreed<'a> {
        PartlyFreed { ids: self, freed }
    }
}

/// Pages that their owner has given up, of which the first ones have been freed.
pub(crate) struct PartlyFreed<'a> {
    ids: GivenUp<'a>,
    freed: usize,
}

impl<'a> PartlyFreed<'a> {
    /// Those that have been freed.
    #[inline(always)]
    pub(crate) fn freed(&self) -> &'a [PageId] {
        &self.ids.0[..self.freed]
    }

    /// All of them, and how many have been freed.
    #[inline(always)]
    pub(crate) fn into_parts(self) -> (GivenUp<'a>, usize) {
        (self.ids, self.freed)
    }
}

/// Pages that a device has given up: their numbers, as an iterator has them. Whoever has the value answers for the
/// pages.
pub struct FromDevice<I>(I);

impl<I> FromDevice<I> {
    /// # Safety
    /// The device is done with each page, which the core that the value goes to has lent, each named once; all its
    /// bytes are initialised. In checking modes pages of which this is not so are looked for.
    #[inline(always)]
    pub(crate) unsafe fn new(ids: I) -> Self {
        FromDevice(ids)
    }
}

impl<I: Iterator<Item = PageId>> FromDevice<I> {
    /// The next page, which is lent until the core takes it back.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<PageId> {
        self.0.next()
    }
}

/// So many pages go to a device, or come back, in one step of a call for any number.
pub(crate) const LENT_TOGETHER: usize = 64;

/// Pages that a device has given up, and that the core is about to take back and to free.
pub(crate) struct Returned {
    /// Those before the length are written.
    ids: [MaybeUninit<PageId>; LENT_TOGETHER],
    len: usize,
}

/// A length that is kept in a register, and noted at the end, also by a panic.
struct Filled<'a> {
    at: usize,
    len: &'a mut usize,
}

impl Drop for Filled<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        *self.len = self.at;
    }
}

impl Returned {
    /// None yet.
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Returned { ids: [const { MaybeUninit::uninit() }; LENT_TOGETHER], len: 0 }
    }

    /// Adds the next pages that a device gives up, as many as there is room for. What came before a panic is there.
    #[inline(always)]
    pub(crate) fn fill<I: Iterator<Item = PageId>>(&mut self, from: &mut FromDevice<I>) {
        let mut filled = Filled { at: self.len, len: &mut self.len };
        while filled.at < LENT_TOGETHER
            && let Some(id) = from.next()
        {
            self.ids[filled.at].write(id);
            filled.at += 1;
        }
    }

    /// Whether there is room for no more.
    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.len == LENT_TOGETHER
    }

    /// How many there are.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Empties it: gives up those pages that `take_back` says the core has taken back, and says at which positions the
    /// others stood, as bits.
    #[inline(always)]
    pub(crate) fn give_up(
        &mut self,
        mut take_back: impl FnMut(usize, PageId) -> bool,
    ) -> (GivenUp<'_>, u64) {
        let len = core::mem::take(&mut self.len);
        // SAFETY: they were before the length.
        let ids = unsafe { written_mut(&mut self.ids[..len]) };
        let mut all = ids.iter().enumerate();
        let Some((first, _)) = all.find(|&(at, &id)| !take_back(at, id)) else {
            return (GivenUp(ids), 0);
        };
        let (back, refused) = compact(ids, first, take_back);
        (GivenUp(&ids[..back]), refused)
    }
}

/// The rest of [`Returned::give_up`], from the first page that was refused on: how many are left of the ids, and where
/// the others stood.
#[cold]
fn compact(
    ids: &mut [PageId],
    first: usize,
    mut take_back: impl FnMut(usize, PageId) -> bool,
) -> (usize, u64) {
    let (mut back, mut refused) = (first, 1 << first);
    for at in first + 1..ids.len() {
        if take_back(at, ids[at]) {
            ids[back] = ids[at];
            back += 1;
        } else {
            refused |= 1 << at;
        }
    }
    (back, refused)
}
