//! Pages that are there beforehand.

use crate::common::*;

on_both_fronts! {
    fn what_was_prefilled_comes_from_a_dry_pool<M: Mode, F: PrefillFront>(pool, front) {
        let mut reserved = front.prefill(50).expect("200 are free");
        assert_eq!((reserved.len(), reserved.size_hint(), out(pool)), (50, (50, Some(50)), 50));
        let mut rest = PageBatch::<M>::new();
        assert_eq!(pool.alloc_bulk(&mut rest, 150).allocated, 150);
        assert_eq!(pool.alloc().err(), Some(ShortReason::Exhausted));
        let before = pool.stats();
        let pages: Vec<_> = reserved.by_ref().collect();
        assert_eq!((pages.len(), reserved.len(), reserved.next().is_none()), (50, 0, true));
        assert_eq!(pool.stats(), before, "nobody was asked");
        let ids: Vec<_> = pages.iter().map(Page::id).chain(rest.ids().iter().copied()).collect();
        assert!(distinct(&ids));
    }

    fn prefilling_gives_all_or_none<M: Mode, F: PrefillFront>(pool, front) {
        let kept = front.prefill(150).expect("200 are free");
        let error = front.prefill(51).expect_err("50 are left");
        assert_eq!((error.want, error.had, error.reason), (51, 50, ShortReason::Exhausted));
        let error = front.prefill(257).expect_err("a batch has 256");
        assert_eq!((error.want, error.reason), (257, ShortReason::BatchFull));
        assert_eq!(out(pool), 150);
        let mut none = front.prefill(0).expect("none is asked for");
        assert_eq!((none.len(), none.next().is_none(), out(pool)), (0, true, 150));
        assert_eq!(front.prefill(50).expect("50 are left").len(), 50);
        drop(kept);
    }

    fn what_is_left_goes_back_in_one_exchange<M: Mode, F: PrefillFront>(pool, front) {
        let mut reserved = front.prefill(60).expect("200 are free");
        let pages = [reserved.next(), reserved.next()];
        let before = pool.stats().map(|stats| stats.dropped);
        drop(reserved);
        assert_eq!(out(pool), 2);
        assert_eq!(pool.stats().map(|stats| stats.dropped), before.map(|dropped| dropped + 58));
        // Through the front, in one call.
        let mut batch = front.prefill(60).expect("198 are free").into_batch();
        let before = pool.stats().map(|stats| stats.calls.free_calls);
        front.free_bulk(&mut batch);
        assert_eq!(pool.stats().map(|stats| stats.calls.free_calls), before.map(|calls| calls + 1));
        drop(pages);
    }

    fn a_batch_of_any_size_is_set_aside<M: Mode, F: PrefillFront>(pool, front) {
        let mut batch = PageBatch::<M, 7>::empty();
        assert_eq!(front.alloc_bulk_exact(&mut batch, 7), Ok(()));
        let ids = batch.ids().to_vec();
        let mut reserved = Prefilled::from(batch);
        let mut page = reserved.next().expect("seven");
        mark(&mut page, 7);
        assert!(ids.contains(&page.id()) && is_marked(&page, 7));
        assert!(format!("{reserved:?}").starts_with("Prefilled("));
        let rest = reserved.into_batch();
        assert_eq!((rest.len(), out(pool)), (6, 7));
    }
}

/// The call of caches and pools.
trait PrefillFront<M: Mode>: Front<M> {
    fn prefill(&mut self, n: usize) -> Result<Prefilled<M>, ExactError>;
}

impl<M: Mode> PrefillFront<M> for Cache<M> {
    fn prefill(&mut self, n: usize) -> Result<Prefilled<M>, ExactError> {
        Cache::prefill(self, n)
    }
}

impl<M: Mode> PrefillFront<M> for Pool<M> {
    fn prefill(&mut self, n: usize) -> Result<Prefilled<M>, ExactError> {
        Pool::prefill(self, n)
    }
}

/// A cache that was asked for its pages gives them up, also if it only prefills.
fn prefilling_answers_who_was_dry<M: Mode>() {
    let pool = build::<M>(8, |builder| builder.max_caches(2).magazine_capacity(8));
    let (mut one, mut two) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    let mut batch = PageBatch::<M>::new();
    assert_eq!(one.alloc_bulk(&mut batch, 8).allocated, 8);
    one.free_bulk(&mut batch);
    assert!(two.alloc().is_err());
    drop(one.prefill(0));
    assert!(two.alloc().is_ok());
}

/// A reservation outlives its cache and its pool.
fn a_reservation_keeps_its_pool<M: Mode>() {
    let pool = pool::<M>(10);
    let mut reserved = pool.prefill(3).expect("ten are free");
    drop(pool);
    let mut page = reserved.next().expect("three");
    page.fill(1);
    drop((reserved, page));
}

every_mode!(
    what_was_prefilled_comes_from_a_dry_pool,
    prefilling_gives_all_or_none,
    what_is_left_goes_back_in_one_exchange,
    a_batch_of_any_size_is_set_aside,
    prefilling_answers_who_was_dry,
    a_reservation_keeps_its_pool,
);
