//! Nobody knows who holds which page: the feature `track` is off.
//!
//! Invariant: nothing of it is in the program.

use core::fmt;

use crate::history::Event;
use crate::metadata::{MetadataBlock, MetadataLayout};
use crate::page::PageId;
use crate::slot::Slot;
use crate::trail::Trail;

/// What would be where a call is.
#[derive(Clone, Copy)]
pub(crate) struct Caller;

impl Caller {
    #[inline(always)]
    pub(crate) fn here() -> Self {
        Caller
    }
}

/// What would be who allocates.
#[derive(Clone, Copy)]
pub(crate) struct By;

impl By {
    #[inline(always)]
    pub(crate) fn pool(_: Caller) -> Self {
        By
    }

    #[inline(always)]
    pub(crate) fn cache(_: Caller, _: &[Slot], _: &Slot) -> Self {
        By
    }
}

/// What would be how records are cut.
pub(crate) struct TrackerLayout;

impl TrackerLayout {
    pub(crate) const fn new(_: &mut MetadataLayout, _pages: usize) -> Option<Self> {
        Some(TrackerLayout)
    }
}

/// What would know of pages.
pub(crate) struct Tracker;

impl Tracker {
    /// Whether anything would be known.
    pub(crate) const IS_ON: bool = false;

    pub(crate) fn new(_: &mut MetadataBlock, _: TrackerLayout) -> Self {
        Tracker
    }

    #[inline(always)]
    pub(crate) fn allocated<I: Iterator<Item = PageId>>(&self, _: impl FnOnce() -> I, _: By) {}

    #[inline(always)]
    pub(crate) fn moved<I: Iterator<Item = PageId>>(&self, _: impl FnOnce() -> I, _: Caller) {}

    #[inline(always)]
    pub(crate) fn freed(&self, _: &[PageId]) {}

    #[inline(always)]
    pub(crate) fn dropped(&self, _: &[PageId]) {}

    #[inline(always)]
    pub(crate) fn fenced(&self, _: &[PageId]) {}

    #[inline(always)]
    pub(crate) fn block_freed<I: Iterator<Item = PageId>>(&self, _: impl FnOnce() -> I) {}

    #[inline(always)]
    pub(crate) fn split<I: Iterator<Item = PageId>>(&self, _: impl FnOnce() -> I) {}

    #[inline(always)]
    pub(crate) fn block_refused(&self, _: PageId) {}

    #[inline(always)]
    pub(crate) fn free_refused(&self, _: PageId) {}

    #[inline(always)]
    pub(crate) fn refused(&self, _: PageId) {}

    #[inline(always)]
    pub(crate) fn note(&self, _: PageId, _: Event) {}

    #[inline(always)]
    pub(crate) fn end(&self, _: PageId, _: Event) {}

    #[inline(always)]
    pub(crate) fn lent(&self, _: PageId) {}

    #[inline(always)]
    pub(crate) fn reclaimed(&self, _: PageId) {}

    #[inline(always)]
    pub(crate) fn trail(&self, _: PageId) -> Trail {
        Trail
    }

    #[inline(always)]
    pub(crate) fn keep_tainted(&self, _: PageId, _: impl FnOnce() -> bool) {}

    #[inline(always)]
    pub(crate) fn tainted(&self) -> Trail {
        Trail
    }

    #[inline(always)]
    pub(crate) fn say(&self, _: &[Slot], _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}
