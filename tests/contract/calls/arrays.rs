//! Arrays that are filled: what the callers of Linux's bulk allocator took for granted, and what became of it. Lists of
//! batches, for callers that have no array.

use crate::common::*;

/// What is in an array.
fn ids<M: Mode>(array: &[Option<Page<M>>]) -> Vec<Option<PageId>> {
    array.iter().map(|page| page.as_ref().map(Page::id)).collect()
}

/// An array of so many slots, of which some are populated.
fn array<M: Mode, F: Front<M>>(
    front: &mut F,
    len: usize,
    has: impl Fn(usize) -> bool,
) -> Vec<Option<Page<M>>> {
    (0..len).map(|at| has(at).then(|| front.alloc().expect("a page"))).collect()
}

/// What a call says of an array.
fn said<M: Mode, F: ArrayFront<M>>(
    front: &mut F,
    array: &mut [Option<Page<M>>],
) -> (usize, usize, Option<ShortReason>) {
    let Filled { allocated, populated, reason, .. } = front.fill(array);
    (allocated, populated, reason)
}

on_both_fronts! {
    /// A call that was given a full array said 0, as if nothing could be had: an NFS server waited for more for ever.
    fn a_full_array_is_populated_and_nothing_is_new<M: Mode, F: ArrayFront>(pool, front) {
        let mut full = array(front, 16, |_| true);
        let before = ids(&full);
        assert_eq!(said(front, &mut full), (0, 16, None));
        // Also where nothing could be had.
        let mut rest = PageBatch::<M>::new();
        assert_eq!(front.alloc_bulk(&mut rest, 184).allocated, 184);
        assert_eq!((said(front, &mut full), ids(&full)), ((0, 16, None), before));
        assert_eq!(out(pool), 200);
    }

    /// What is there may stand anywhere, and stays; the prefix that is populated is told from what is new.
    fn a_sparse_array_tells_what_was_there_from_what_is_new<M: Mode, F: ArrayFront>(pool, front) {
        let mut sparse = array(front, 100, |at| at % 3 == 1);
        let before = ids(&sparse);
        assert_eq!(said(front, &mut sparse), (67, 100, None));
        let after = ids(&sparse);
        assert!(before.iter().zip(&after).all(|(before, after)| before.is_none() || before == after));
        assert!(distinct(&after.into_iter().flatten().collect::<Vec<_>>()));
        assert_eq!(out(pool), 100);
        // Where it stops early, the prefix ends at the first slot that is vacant still, not at what is there behind it.
        let mut rest = PageBatch::<M>::new();
        assert_eq!(front.alloc_bulk(&mut rest, 100).allocated, 100);
        let freed = [2, 5, 8].map(|at| sparse[at].take());
        let kept = freed.into_iter().skip(1).flatten().collect::<Vec<_>>();
        assert_eq!((said(front, &mut sparse), kept.len()), ((1, 5, Some(ShortReason::Exhausted)), 2));
        assert_eq!(sparse.iter().filter(|page| page.is_some()).count(), 98);
    }

    /// An array of no slots, or of none that is vacant, is no request: nobody is asked for pages.
    fn an_empty_array_asks_nobody<M: Mode, F: ArrayFront>(pool, front) {
        assert_eq!(said(front, &mut []), (0, 0, None));
        let mut vacant = array(front, 5, |_| false);
        assert_eq!(said(front, &mut vacant), (5, 5, None));
        let before = pool.stats().map(|stats| (stats.calls.allocated, stats.calls.short));
        assert_eq!((said(front, &mut vacant), said(front, &mut [])), ((0, 5, None), (0, 0, None)));
        let after = pool.stats().map(|stats| (stats.calls.allocated, stats.calls.short));
        assert_eq!(before, after);
    }

    /// A whole list of batches is freed at once.
    fn a_list_of_batches_is_freed_by_one_call<M: Mode, F: Front>(pool, front) {
        let mut list: Vec<PageBatch<M, 32>> = Vec::new();
        let mut want = 150;
        while want > 0 {
            let mut batch = PageBatch::empty();
            let n = want.min(batch.remaining_capacity());
            assert_eq!(front.alloc_bulk(&mut batch, n), BulkAlloc { allocated: n, reason: None });
            want -= n;
            list.push(batch);
        }
        assert_eq!((list.len(), out(pool)), (5, 150));
        drop(list);
        assert_eq!(out(pool), 0);
    }
}

/// A short array was a result like any other, and nobody was asked to give up pages: a file system waited for ever.
/// One that got some leaves the caches of others alone; when the caller comes back and gets none, whoever holds pages
/// is asked, and gives them up at its next call.
fn a_short_array_has_others_asked_for_pages<M: Mode>() {
    let pool = build::<M>(16, |builder| builder.max_caches(2).magazine_capacity(16));
    let (mut one, mut two) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    let mut batch = PageBatch::<M>::new();
    assert_eq!(two.alloc_bulk(&mut batch, 12).allocated, 12);
    two.free_bulk(&mut batch);
    let mut pages: Vec<Option<Page<M>>> = (0..16).map(|_| None).collect();
    let filled = one.fill_vacant(&mut pages);
    assert_eq!((filled.allocated, filled.reason), (filled.populated, Some(ShortReason::Cached)));
    assert!(filled.allocated < 16);
    let none = one.fill_vacant(&mut pages);
    assert_eq!((none.allocated, none.reason), (0, Some(ShortReason::Cached)));
    next_call(&mut two);
    let again = one.fill_vacant(&mut pages);
    assert_eq!((again.allocated, again.populated), (16 - filled.allocated, 16));
    assert_eq!(again.reason, None);
    drop((pages, one, two));
    assert_whole(pool);
}

/// The call of caches and pools, with its own result.
trait ArrayFront<M: Mode>: Front<M> {
    fn fill(&mut self, pages: &mut [Option<Page<M>>]) -> Filled;
}

impl<M: Mode> ArrayFront<M> for Cache<M> {
    fn fill(&mut self, pages: &mut [Option<Page<M>>]) -> Filled {
        Cache::fill_vacant(self, pages)
    }
}

impl<M: Mode> ArrayFront<M> for Pool<M> {
    fn fill(&mut self, pages: &mut [Option<Page<M>>]) -> Filled {
        Pool::fill_vacant(self, pages)
    }
}

every_mode!(
    a_full_array_is_populated_and_nothing_is_new,
    a_sparse_array_tells_what_was_there_from_what_is_new,
    an_empty_array_asks_nobody,
    a_list_of_batches_is_freed_by_one_call,
    a_short_array_has_others_asked_for_pages,
);
