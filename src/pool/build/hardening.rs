//! What a builder is told about hardening.

use super::Builder;
use crate::mode::Mode;

impl<M: Mode> Builder<M> {
    /// In modes with [`POISON`](crate::hardening::POISON), poisons and verifies one freed page in `n`, so
    /// that hardening can stay on in production: every page if nothing is said. Whose turn it is depends
    /// neither on a page's number nor on the rhythm of a program, so all pages are looked at in time. The
    /// report says how many were.
    ///
    /// ```
    /// use pagesheaf::{Hardened, Pool};
    ///
    /// let builder = Pool::builder(1024).mode::<Hardened>().poison_every(16);
    /// # let _ = builder;
    /// ```
    pub const fn poison_every(mut self, n: u32) -> Self {
        self.poison_every = Some(n);
        self
    }

    /// In modes with [`POISON`](crate::hardening::POISON), whether a page is poisoned by its first
    /// free, and not as the pool is built. False if nothing is said: then building the pool writes
    /// every page (with [`poison_every`](Self::poison_every), one in `n`), so that all of its
    /// memory is there at once, and stray writes are found also in pages that nobody has had yet.
    /// [`RegionInfo::poisoned_pages`] says how many it wrote.
    ///
    /// A page that was not poisoned is not verified: with laziness, pages that have never been
    /// freed.
    ///
    /// ```
    /// # use pagesheaf::{Hardened, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let builder = Pool::builder(1024).mode::<Hardened>();
    /// let info = builder.build()?.region_info();
    /// assert_eq!((info.populated, info.poisoned_pages), (true, 1024));
    /// let builder = Pool::builder(1024).mode::<Hardened>().poison_lazily(true);
    /// let info = builder.build()?.region_info();
    /// assert_eq!((info.populated, info.poisoned_pages), (false, 0));
    /// # Ok::<(), pagesheaf::BuildError>(())
    /// ```
    ///
    /// [`RegionInfo::poisoned_pages`]: crate::RegionInfo::poisoned_pages
    pub const fn poison_lazily(mut self, lazily: bool) -> Self {
        self.poison_lazily = lazily;
        self
    }

    /// In modes with [`QUARANTINE`](crate::hardening::QUARANTINE), how many used pages wait in the
    /// zone before one of them is used again: while there are fewer, a refill takes pages that
    /// nobody has had yet, if there are any. From then on it takes used ones, those first that come
    /// after the last one on the way round the zone.
    ///
    /// If nothing is said, the pool touches all of its memory before a page of the zone is used
    /// again: the longest wait that there can be. With a length, resident memory stays near what is
    /// out and cached and so many pages more.
    ///
    /// ```
    /// use pagesheaf::{Hardened, Pool};
    ///
    /// let builder = Pool::builder(1 << 20).mode::<Hardened>().quarantine_length(1 << 14);
    /// # let _ = builder;
    /// ```
    pub const fn quarantine_length(mut self, pages: usize) -> Self {
        self.quarantine = Some(pages);
        self
    }
}
