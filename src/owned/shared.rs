//! A page with several owners.

use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;

use super::Page;
use crate::inner::{Core, Faults};
use crate::mode::{DefaultMode, Mode};
use crate::page::{AtomicPageState, Fault, PageId, Released};

/// A reference to a page that may have others. The last one to go frees the page.
///
/// At 2²³ references the count sticks: the page is never freed, and the pool is tainted.
pub struct SharedPage<M: Mode = DefaultMode>(ManuallyDrop<Page<M>>);

impl<M: Mode> SharedPage<M> {
    pub(super) fn new(page: Page<M>) -> Self {
        SharedPage(ManuallyDrop::new(page))
    }

    fn core(&self) -> &Core<M> {
        let core = self.0.core();
        // SAFETY: a page that is out keeps its core alive.
        unsafe { core.as_ref() }
    }

    fn word(&self) -> &AtomicPageState {
        self.core().word(self.id())
    }

    /// Its number in the pool.
    #[must_use]
    pub fn id(&self) -> PageId {
        self.0.id()
    }

    /// How many references there are, as of some moment.
    #[must_use]
    pub fn refcount(&self) -> u32 {
        self.word().load().references()
    }

    /// The sole owner again, if this is the only reference.
    ///
    /// # Errors
    /// The reference, unchanged, when there are others.
    pub fn try_into_unique(self) -> Result<Page<M>, Self> {
        if self.refcount() != 1 {
            return Err(self);
        }
        let mut reference = ManuallyDrop::new(self);
        // SAFETY: the reference is not used again, and it is the only one: nobody can make another.
        Ok(unsafe { ManuallyDrop::take(&mut reference.0) })
    }
}

impl<M: Mode> Clone for SharedPage<M> {
    fn clone(&self) -> Self {
        if self.word().retain(1).is_err() {
            let mut faults = Faults::default();
            faults.add(self.id(), 0, Fault::Saturated);
            let _ = self.core().record(&faults, 0);
        }
        // SAFETY: the page is the same; the reference just counted is the new owner's.
        SharedPage(ManuallyDrop::new(unsafe { Page::new(self.0.core(), self.id()) }))
    }
}

impl<M: Mode> Drop for SharedPage<M> {
    fn drop(&mut self) {
        if self.word().release() == Released::Last {
            // SAFETY: the last reference is the sole owner, and ends here.
            unsafe { ManuallyDrop::drop(&mut self.0) };
        }
    }
}

impl<M: Mode> Deref for SharedPage<M> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<M: Mode> AsRef<[u8]> for SharedPage<M> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<M: Mode> fmt::Debug for SharedPage<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id().index();
        f.debug_struct("SharedPage")
            .field("page", &id)
            .field("references", &self.refcount())
            .finish()
    }
}
