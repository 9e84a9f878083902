//! How pages get a second reference in a trial.

use crate::cache::Cache;
use crate::mode::{Compact, Mode, NoRefcount, Refcounted};
use crate::page::PageId;

/// How pages get a second reference in a trial, in modes that count.
pub trait Sharing: Mode {
    /// A second reference for each of these pages, which are out.
    fn retain(cache: &mut Cache<Self>, ids: &[PageId]);
    /// Gives up both.
    fn release(cache: &mut Cache<Self>, ids: &[PageId]);
}

impl<M: Refcounted> Sharing for M {
    fn retain(cache: &mut Cache<M>, ids: &[PageId]) {
        // SAFETY: the pages are out, and the ids are the owners'.
        let _ = unsafe { cache.retain_bulk(ids) };
    }

    fn release(cache: &mut Cache<M>, ids: &[PageId]) {
        for _ in 0..2 {
            // SAFETY: each page has two references, both of which are given up once.
            let _ = unsafe { cache.release_bulk(ids) };
        }
    }
}

/// Their pages have one owner.
macro_rules! unshared {
    ($($mode:ty),+) => {$(
        impl Sharing for $mode {
            fn retain(_: &mut Cache<Self>, _: &[PageId]) {}

            fn release(cache: &mut Cache<Self>, ids: &[PageId]) {
                // SAFETY: the pages are out, and freed once.
                let _ = unsafe { cache.free_bulk_raw(ids) };
            }
        }
    )+};
}
unshared!(Compact, NoRefcount);
