//! A pool that panics on a bad page: whichever call it is whose panic tells of another call's page, that call
//! has done its work, and nothing is lost.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common::*;

/// A pool that has found a bad page which nobody has panicked about yet, and pages of every kind.
struct Scene<M: Mode> {
    pool: Pool<M>,
    raw: Vec<PageId>,
    lent: Vec<PageId>,
    owned: PageBatch<M, 8>,
    block: Option<Block<M>>,
}

impl<M: Mode> Scene<M> {
    fn new() -> Self {
        let pool = build::<M>(64, |builder| {
            builder.max_caches(2).shared_caches(1).on_bad_page(OnBadPage::Panic)
        });
        let mut owned = PageBatch::empty();
        assert_eq!(pool.alloc_bulk(&mut owned, 8).allocated, 8);
        let lent: Vec<_> = (0..4).map(|_| pool.alloc().expect("a page").lend()).collect();
        let block = pool.alloc_block(Order::new(0).expect("legal")).ok();
        let victim = pool.alloc().expect("a page");
        let byte = victim.base_ptr();
        drop(victim);
        // SAFETY: the region is mapped; that the page is free is the misuse.
        unsafe { byte.write(!byte.read()) };
        // A raw allocation finds it, and leaves the panic to another call.
        let mut out = no_ids::<64>();
        let mut raw = pool.alloc_bulk_raw(&mut out).0.to_vec();
        assert_eq!((raw.len(), pool.audit().pages.bad), (50, 1));
        let free = raw.split_off(8);
        // Pages to be allocated: freed by drops, which do not panic.
        for id in free {
            // SAFETY: the page is out, is this call's alone, and was never written.
            drop(unsafe { Page::from_raw(&pool, id) });
        }
        Scene { pool, raw, lent, owned, block }
    }
}

/// Makes a call on a scene. Whether it panicked; and that nothing is lost if it has.
fn survives<M: Mode>(name: &str, call: impl FnOnce(&mut Scene<M>)) -> bool {
    let mut scene = Scene::<M>::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| call(&mut scene))).is_err();
    let pages = scene.pool.audit().pages;
    assert!(pages.adds_up(), "{name}: {pages}");
    assert_eq!(pages.lent, scene.lent.len() as u64, "{name}: {pages}");
    // All that is known is given back; a panic that is still pending comes first.
    while scene.pool.is_tainted()
        && catch_unwind(AssertUnwindSafe(|| drop(scene.pool.alloc()))).is_err()
    {}
    let Scene { pool, raw, lent, owned, block } = scene;
    drop((owned, block));
    for id in lent {
        // SAFETY: the page is lent, no device has it, and nobody wrote it.
        drop(unsafe { pool.reclaim(id) }.unwrap_or_else(|error| panic!("{name}: {error}")));
    }
    // SAFETY: the pages are out, and nobody else has them.
    assert_eq!(unsafe { pool.free_bulk_raw(&raw) }, Ok(()), "{name}");
    let pages = pool.audit().pages;
    assert!(pages.adds_up() && (pages.out, pages.lent, pages.bad) == (0, 0, 1), "{name}: {pages}");
    pool.close().unwrap_or_else(|error| panic!("{name}: {error}"));
    panicked
}

/// Makes a call through a cache, and through the pool.
fn both<M: Mode>(name: &str, panics: bool, call: impl Fn(&mut Scene<M>, &mut dyn Calls<M>)) {
    let of_pool = survives::<M>(name, |scene| {
        let mut pool = scene.pool.clone();
        call(scene, &mut pool);
    });
    let of_cache = survives::<M>(name, |scene| {
        let mut cache = scene.pool.cache().expect("a cache");
        call(scene, &mut cache);
    });
    assert_eq!((of_pool, of_cache), (panics, panics), "{name}");
}

/// The calls that this test makes of a cache or a pool.
trait Calls<M: Mode> {
    fn alloc(&mut self) -> Page<M>;
    fn free(&mut self, page: Page<M>);
    fn alloc_bulk(&mut self, batch: &mut PageBatch<M, 8>, n: usize) -> usize;
    fn free_bulk(&mut self, batch: &mut PageBatch<M, 8>);
    fn fill_vacant(&mut self, pages: &mut [Option<Page<M>>]) -> usize;
    fn block(&mut self, order: Order) -> Block<M>;
    fn free_block(&mut self, block: Block<M>);
    fn alloc_raw(&mut self) -> PageId;
    fn free_raw(&mut self, ids: &[PageId]);
    fn lend(&mut self, batch: &mut PageBatch<M, 8>) -> Vec<PageId>;
    fn reclaim(&mut self, ids: &[PageId], batch: &mut PageBatch<M, 8>) -> usize;
}

impl<M: Mode, F: Front<M>> Calls<M> for F {
    fn alloc(&mut self) -> Page<M> {
        Front::alloc(self).expect("a page")
    }
    fn free(&mut self, page: Page<M>) {
        Front::free(self, page);
    }
    fn alloc_bulk(&mut self, batch: &mut PageBatch<M, 8>, n: usize) -> usize {
        Front::alloc_bulk(self, batch, n).allocated
    }
    fn free_bulk(&mut self, batch: &mut PageBatch<M, 8>) {
        Front::free_bulk(self, batch);
    }
    fn fill_vacant(&mut self, pages: &mut [Option<Page<M>>]) -> usize {
        Front::fill_vacant(self, pages).allocated
    }
    fn block(&mut self, order: Order) -> Block<M> {
        self.alloc_block(order).expect("a block")
    }
    fn free_block(&mut self, block: Block<M>) {
        Front::free_block(self, block);
    }
    fn alloc_raw(&mut self) -> PageId {
        let mut out = no_ids::<1>();
        self.alloc_bulk_raw(&mut out).0[0]
    }
    fn free_raw(&mut self, ids: &[PageId]) {
        // SAFETY: the scene's pages, which are out and nobody else's.
        assert_eq!(unsafe { self.free_bulk_raw(ids) }, Ok(()));
    }
    fn lend(&mut self, batch: &mut PageBatch<M, 8>) -> Vec<PageId> {
        let mut out = no_ids::<3>();
        self.lend_bulk(batch, &mut out).to_vec()
    }
    fn reclaim(&mut self, ids: &[PageId], batch: &mut PageBatch<M, 8>) -> usize {
        // SAFETY: the scene's pages, which are lent, and which no device has.
        unsafe { self.reclaim_bulk(ids, batch) }.expect("they are lent")
    }
}

fn every_call_loses_nothing_by_its_panic<M: Mode>() {
    both::<M>("alloc and free", true, |_, front| {
        let page = front.alloc();
        front.free(page);
    });
    both::<M>("free", false, |scene, front| {
        // It frees on the fast path or has found nothing: the panic is another call's.
        let page = scene.owned.pop().expect("a page");
        let caught = catch_unwind(AssertUnwindSafe(|| front.free(page)));
        assert!(caught.is_ok() || scene.pool.audit().pages.adds_up());
    });
    both::<M>("alloc_bulk", true, |scene, front| {
        drop(scene.owned.split_off(4));
        let _ = front.alloc_bulk(&mut scene.owned, 4);
    });
    both::<M>("free_bulk", true, |scene, front| {
        front.free_bulk(&mut scene.owned);
        let _ = front.alloc();
    });
    both::<M>("fill_vacant", true, |_, front| {
        let mut pages = [const { None }; 4];
        let _ = front.fill_vacant(&mut pages);
    });
    both::<M>("alloc_block", true, |_, front| drop(front.block(Order::new(0).expect("legal"))));
    both::<M>("free_block", true, |scene, front| {
        front.free_block(scene.block.take().expect("a block"));
    });
    both::<M>("alloc_bulk_raw", false, |scene, front| scene.raw.push(front.alloc_raw()));
    both::<M>("free_bulk_raw", true, |scene, front| {
        let ids = scene.raw.split_off(4);
        front.free_raw(&ids);
        let _ = front.alloc();
    });
    both::<M>("lend_bulk", false, |scene, front| {
        scene.lent.extend(front.lend(&mut scene.owned));
        assert_eq!(scene.lent.len(), 7);
    });
    both::<M>("reclaim_bulk", true, |scene, front| {
        let ids = scene.lent.split_off(2);
        drop(scene.owned.split_off(4));
        front.reclaim(&ids, &mut scene.owned);
    });
    assert!(!survives::<M>("lend", |scene| {
        scene.lent.push(scene.owned.pop().expect("a page").lend());
    }));
    assert!(survives::<M>("reclaim", |scene| {
        let id = scene.lent.pop().expect("a page");
        // SAFETY: the page is lent, and no device has it.
        drop(unsafe { scene.pool.reclaim(id) });
    }));
    assert!(!survives::<M>("drops", |scene| drop(scene.owned.split_off(0))));
}

fn calls_that_count_lose_nothing_by_their_panic<M: Refcounted>() {
    assert!(survives::<M>("retain_bulk", |scene| {
        // SAFETY: the scene's pages, which are out. The reference is given up below, or here.
        let retained =
            catch_unwind(AssertUnwindSafe(|| unsafe { scene.pool.retain_bulk(&scene.raw) }));
        // SAFETY: the call has done its work, whether it has panicked or not.
        assert_eq!(unsafe { scene.pool.release_bulk(&scene.raw) }, Ok(0));
        assert!(retained.is_ok(), "retain_bulk panicked, as it may");
    }));
    assert!(survives::<M>("release_bulk", |scene| {
        let ids = scene.raw.split_off(4);
        // SAFETY: the scene's pages, each with one reference.
        let _ = unsafe { scene.pool.release_bulk(&ids) };
    }));
    assert!(!survives::<M>("SharedPage", |scene| {
        let page = scene.owned.pop().expect("a page").into_shared();
        drop(page.clone());
    }));
}

every_poisoning_mode!(every_call_loses_nothing_by_its_panic);

mod counting {
    use super::calls_that_count_lose_nothing_by_their_panic;
    use crate::common::*;

    #[test]
    fn calls_that_count() {
        calls_that_count_lose_nothing_by_their_panic::<Hardened>();
    }
}
