//! Pages that their owner has given up, as proof that a free may take them.

use super::PageId;

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
    /// All of them, and how many have been freed.
    #[inline(always)]
    pub(crate) fn into_parts(self) -> (GivenUp<'a>, usize) {
        (self.ids, self.freed)
    }
}
