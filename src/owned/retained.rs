//! References to a page that are counted, and not yet handed out.
//!
//! Invariant: `left` references of the page's count are this value's. Each that it hands out is one less; what is
//! left when it is dropped is given up in one step.

use core::fmt;
use core::iter::FusedIterator;
use core::mem::ManuallyDrop;

use super::{Page, SharedPage};
use crate::error::Call;
use crate::history::Event;
use crate::inner::Faults;
use crate::mode::{DefaultMode, Mode, Policy};
use crate::page::{Fault, PageId, Released};

/// References to a page that were counted together, to be handed out one by one: an iterator of [`SharedPage`]s, made
/// by [`SharedPage::retain_many`]. Dropping it gives up those that are left, in one step.
///
/// Whoever cuts a page into many parts pays for one atomic operation, and not for one a part:
///
/// ```
/// # use pagesheaf::{Checked, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).mode::<Checked>().build()?;
/// let page = pool.alloc()?.into_shared();
/// let mut references = page.retain_many(64);
/// drop(page);
/// // Two packets have come, and each has a part.
/// let parts = [(references.next(), 0..1500), (references.next(), 1536..2000)];
/// assert_eq!(references.len(), 62);
/// drop(references);
/// assert_eq!(parts[0].0.as_ref().map(|page| page.refcount()), Some(2));
/// drop(parts);
/// assert_eq!(pool.audit().pages.out, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Forgotten ([`mem::forget`](core::mem::forget)), it leaks the page.
#[must_use = "what is not taken from it is given up as it drops"]
pub struct Retained<M: Mode = DefaultMode> {
    /// Out as long as `left` is not 0.
    page: ManuallyDrop<Page<M>>,
    left: u32,
}

impl<M: Mode> Retained<M> {
    /// Of a page, as a value that nobody drops, of which so many references are the new value's.
    pub(super) fn new(page: ManuallyDrop<Page<M>>, left: u32) -> Self {
        Retained { page, left }
    }

    /// The page's number in the pool.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let page = pool.alloc()?.into_shared();
    /// assert_eq!(page.retain_many(8).id(), page.id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn id(&self) -> PageId {
        self.page.id()
    }
}

impl<M: Mode> Iterator for Retained<M> {
    type Item = SharedPage<M>;

    /// Hands out one of the references, which are counted already: this writes to no memory that others see.
    fn next(&mut self) -> Option<SharedPage<M>> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: the page is the same, and out; the reference is the new owner's from now on.
        let page = unsafe { Page::new(self.page.core(), self.page.id()) };
        Some(SharedPage::new(page))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl<M: Mode> ExactSizeIterator for Retained<M> {}
impl<M: Mode> FusedIterator for Retained<M> {}

impl<M: Mode> Drop for Retained<M> {
    fn drop(&mut self) {
        if self.left == 0 {
            return;
        }
        let core = self.page.shared();
        core.tracker.note(self.page.id(), Event::Released);
        match core.references(self.page.id()).release_many(M::CLAIMS, self.left) {
            // SAFETY: the last references are the sole owner, and end here.
            Released::Last => unsafe { ManuallyDrop::drop(&mut self.page) },
            Released::Fewer(references) => {
                // Somebody else gave up what was this value's. The page stays as it is.
                let mut faults = Faults::default();
                faults.add(self.page.id(), 0, Fault::FewerReferences { references });
                core.record_for_later(&faults, 0, Call::Drop);
            }
            Released::Shared | Released::Saturated => {}
        }
    }
}

impl<M: Mode> fmt::Debug for Retained<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Retained");
        debug.field("page", &self.id().index()).field("left", &self.left).finish()
    }
}
