//! A page with several owners.

use core::borrow::Borrow;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;

use super::{Page, Retained};
use crate::error::Call;
use crate::history::Event;
use crate::inner::{Core, Faults};
use crate::mode::{DefaultMode, Mode, Policy, Refcounted};
use crate::page::{Fault, PageId, References, Released};

/// A reference to a page that may have others. The last one to go frees the page.
///
/// Who makes many references at once counts them in one step: [`retain_many`](Self::retain_many).
///
/// At 2²³ references the count sticks: the page is never freed, the pool is tainted, and a pool
/// that was built to panic on a bad page does, when the reference is made.
///
/// ```
/// # use pagesheaf::{Checked, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).mode::<Checked>().build()?;
/// let mut page = pool.alloc()?;
/// page.fill(7);
/// let one = page.into_shared();
/// let two = one.clone();
/// let other = std::thread::spawn(move || two[0]);
/// assert_eq!(other.join().expect("no panic"), 7);
/// // The other reference is gone.
/// let page = one.try_into_unique().expect("the only one");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    /// Records that a reference could not be counted. The references are safe: nobody frees the
    /// page any more.
    #[cold]
    fn stuck(&self, fault: Fault, call: Call) {
        let mut faults = Faults::default();
        faults.add(self.id(), 0, fault);
        // A clone has no error to return; the pool remembers.
        let _ = self.core().record_or_panic(&faults, 0, call);
    }

    /// Something happened to the references.
    #[inline(always)]
    fn note(&self, event: Event) {
        self.core().tracker.note(self.id(), event);
    }

    fn references(&self) -> References<'_> {
        self.core().references(self.id())
    }

    /// Its number in the pool.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let one = pool.alloc()?.into_shared();
    /// assert_eq!(one.clone().id(), one.id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn id(&self) -> PageId {
        self.0.id()
    }

    /// How many references there are, as of some moment: others may make or drop theirs meanwhile.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let one = pool.alloc()?.into_shared();
    /// let two = one.clone();
    /// assert_eq!(one.refcount(), 2);
    /// # drop(two);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn refcount(&self) -> u32 {
        self.references().load()
    }

    /// Makes `n` further references, counted in one step, and hands them out one by one. The returned value gives up
    /// those that are left when it is dropped, in one step, too.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool, SharedPage};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let page = pool.alloc()?.into_shared();
    /// let mut more = page.retain_many(100);
    /// let readers: Vec<SharedPage<_>> = more.by_ref().take(3).collect();
    /// assert_eq!((page.refcount(), more.len()), (101, 97));
    /// drop(more);
    /// assert_eq!(page.refcount(), 4);
    /// # drop(readers);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// When the count has stuck, as at 2²³ references in all, and the pool was built to panic on a bad page. The page
    /// stays out for good then.
    pub fn retain_many(&self, n: u32) -> Retained<M> {
        let retained = match n {
            0 => Ok(()),
            n => self.references().retain(M::CLAIMS, n),
        };
        self.note(Event::Retained);
        // SAFETY: the page is the same, and what has it is not dropped; the references just counted are the new
        // value's.
        let page = ManuallyDrop::new(unsafe { Page::new(self.0.core(), self.id()) });
        let new = Retained::new(page, n);
        if let Err(fault) = retained {
            self.stuck(fault, Call::RetainMany);
        }
        new
    }

    /// The sole owner again, if this is the only reference.
    ///
    /// # Errors
    /// The reference, unchanged, when there are others.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let one = pool.alloc()?.into_shared();
    /// let two = one.clone();
    /// let one = one.try_into_unique().expect_err("there are two");
    /// drop(two);
    /// assert!(one.try_into_unique().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// Makes another reference.
    ///
    /// # Panics
    /// When the count has stuck, and the pool was built to panic on a bad page. The page stays out
    /// for good then.
    fn clone(&self) -> Self {
        let retained = self.references().retain(M::CLAIMS, 1);
        self.note(Event::Retained);
        // SAFETY: the page is the same; the reference just counted is the new owner's.
        let new = SharedPage(ManuallyDrop::new(unsafe { Page::new(self.0.core(), self.id()) }));
        if let Err(fault) = retained {
            new.stuck(fault, Call::Clone);
        }
        new
    }
}

impl<M: Refcounted> From<Page<M>> for SharedPage<M> {
    /// As [`Page::into_shared`].
    fn from(page: Page<M>) -> Self {
        page.into_shared()
    }
}

impl<M: Mode> TryFrom<SharedPage<M>> for Page<M> {
    type Error = SharedPage<M>;

    /// As [`SharedPage::try_into_unique`].
    fn try_from(page: SharedPage<M>) -> Result<Self, SharedPage<M>> {
        page.try_into_unique()
    }
}

impl<M: Mode> Drop for SharedPage<M> {
    fn drop(&mut self) {
        self.note(Event::Released);
        if self.references().release(M::CLAIMS) == Released::Last {
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

impl<M: Mode> Borrow<[u8]> for SharedPage<M> {
    fn borrow(&self) -> &[u8] {
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
