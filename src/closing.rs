//! Closing a pool on purpose, and saying what is missing.

use core::fmt;

use crate::mode::{DefaultMode, Mode};
use crate::page::PageId;
use crate::pool::Pool;
use crate::sync::Ordering;

/// A pool that could not be closed. It is still whole: see [`CloseError::into_pool`].
pub struct CloseError<M: Mode = DefaultMode> {
    pool: Pool<M>,
    handles: u64,
    out: u64,
}

impl<M: Mode> Pool<M> {
    /// Closes the pool: gives back its memory now.
    ///
    /// Dropping the last handle also closes it, once every page is back; this says whether they are.
    ///
    /// # Errors
    /// When other handles live (pools, caches), or pages are out; lent pages are.
    pub fn close(self) -> Result<(), CloseError<M>> {
        // Acquire: pairs with the Release of handles that went, whose counters are read now.
        let handles = self.core.counters.handles.load(Ordering::Acquire) - 1;
        if handles == 0 {
            self.core.drain();
        }
        let out = self.core.out();
        if handles > 0 || out > 0 {
            return Err(CloseError { pool: self, handles, out });
        }
        Ok(())
    }
}

impl<M: Mode> CloseError<M> {
    /// How many other handles live.
    #[must_use]
    pub fn handles(&self) -> u64 {
        self.handles
    }

    /// How many pages are out, lent ones included.
    #[must_use]
    pub fn out(&self) -> u64 {
        self.out
    }

    /// The pages that are out. None are named while other handles live: their caches may hold pages.
    pub fn ids(&self) -> impl Iterator<Item = PageId> {
        let core = &*self.pool.core;
        let pages = if self.handles == 0 { core.pages } else { 0 };
        (0..pages).map(PageId::new).filter(|&id| !core.zone.holds(id) && !core.is_withheld(id))
    }

    /// The pool, to go on with.
    #[must_use]
    pub fn into_pool(self) -> Pool<M> {
        self.pool
    }
}

impl<M: Mode> fmt::Display for CloseError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CloseError { handles, out, .. } = self;
        write!(f, "the pool has {handles} other handles and {out} pages out")?;
        for (at, id) in self.ids().take(8).enumerate() {
            write!(f, "{}{}", if at == 0 { ": " } else { ", " }, id.index())?;
        }
        if self.handles == 0 && *out > 8 {
            f.write_str(", …")?;
        }
        write!(f, " [{}]", self.pool.mode())
    }
}

impl<M: Mode> fmt::Debug for CloseError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseError({self})")
    }
}

impl<M: Mode> core::error::Error for CloseError<M> {}
