//! A pool that panics on a bad page: whichever call it is whose panic tells of another call's page, that call
//! has done its work, and nothing is lost.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::rc::Rc;
use std::sync::Once;

use crate::common::*;

/// A pool that has found a bad page which nobody has panicked about yet, and pages of every kind.
pub struct Scene<M: Mode> {
    pub pool: Pool<M>,
    victim: PageId,
    pub raw: Vec<PageId>,
    pub lent: Vec<PageId>,
    pub owned: PageBatch<M, 8>,
    pub block: Option<Block<M>>,
}

/// A device that is done with everything.
struct Done;

impl Fence for Done {
    fn passed(&self, _: u64) -> bool {
        true
    }
}

impl<M: Mode> Scene<M> {
    pub fn new() -> Self {
        let pool = build::<M>(64, |builder| {
            let builder = builder.max_caches(2).shared_caches(1).initially(64).fences(&[&Done]);
            builder.on_bad_page(OnBadPage::Panic)
        });
        let mut owned = PageBatch::empty();
        assert_eq!(pool.alloc_bulk(&mut owned, 8).allocated, 8);
        let lent: Vec<_> = (0..4).map(|_| pool.alloc().expect("a page").lend()).collect();
        let block = pool.alloc_block(Order::new(0).expect("legal")).ok();
        let victim = pool.alloc().expect("a page");
        let id = victim.id();
        write_freed(victim);
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
        Scene { pool, victim: id, raw, lent, owned, block }
    }
}

/// Frees a page and writes its first byte.
fn write_freed<M: Mode>(page: Page<M>) {
    let byte = page.base_ptr();
    drop(page);
    // SAFETY: the region is mapped; that the page is free is the misuse.
    unsafe { byte.write(!byte.read()) };
}

/// What a call panics with, if it does.
fn panic_of(call: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(call)).err()?;
    Some(plain(panic.downcast::<String>().expect("the pool's own words")))
}

/// Makes a call on a scene. Whether it panicked, about the page that is bad; and that nothing is lost if it has.
pub fn survives<M: Mode>(name: &str, call: impl FnOnce(&mut Scene<M>)) -> bool {
    let mut scene = Scene::<M>::new();
    let panic = panic_of(|| call(&mut scene));
    let named = format!("pagesheaf: {} was written after it was freed, at byte 0: ", scene.victim);
    assert!(panic.iter().all(|text| text.starts_with(&named)), "{name}: {panic:?}");
    let pages = scene.pool.audit().pages;
    assert!(pages.adds_up(), "{name}: {pages}");
    assert_eq!(pages.lent, scene.lent.len() as u64, "{name}: {pages}");
    // All that is known is given back; a panic that is still pending comes first.
    while scene.pool.is_tainted()
        && catch_unwind(AssertUnwindSafe(|| drop(scene.pool.alloc()))).is_err()
    {}
    let Scene { pool, raw, lent, owned, block, .. } = scene;
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
    panic.is_some()
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
    assert!(survives::<M>("alloc_blocks_bulk", |scene| {
        let _ = scene.pool.alloc_blocks_bulk(order(0), &mut [None, None]);
    }));
    assert!(survives::<M>("alloc_at", |scene| {
        let free = (0..64).find_map(|at| scene.pool.alloc_at(PageId::new(at)).ok());
        drop(free);
    }));
    assert!(!survives::<M>("alloc_block_raw", |scene| {
        let first = scene.pool.alloc_block_raw(order(0)).expect("a block");
        // SAFETY: the block is out, and nobody else has it.
        drop(unsafe { Block::from_raw(&scene.pool, first, order(0)) });
    }));
    assert!(survives::<M>("free_block_raw", |scene| {
        let (first, order) = scene.block.take().expect("a block").into_raw();
        // SAFETY: as above.
        let _ = unsafe { scene.pool.free_block_raw(first, order) };
    }));
    assert!(survives::<M>("split_block_raw", |scene| {
        let (first, order) = scene.block.take().expect("a block").into_raw();
        scene.raw.push(first);
        // SAFETY: as above.
        let _ = unsafe { scene.pool.split_block_raw(first, order, None) };
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
        if let Err(panic) = retained {
            resume_unwind(panic);
        }
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

fn panicking<M: Mode>() -> Pool<M> {
    build::<M>(64, |builder| builder.max_caches(1).shared_caches(1).on_bad_page(OnBadPage::Panic))
}

/// What the next allocation panics with, and then no other.
fn next_panic<M: Mode>(pool: &Pool<M>) -> Option<String> {
    let text = panic_of(|| drop(pool.alloc()));
    assert_eq!(panic_of(|| drop(pool.alloc())), None);
    text
}

fn each_panic_names_its_own_page<M: Mode>() {
    let pool = panicking::<M>();
    let mut batch = PageBatch::<M, 64>::empty();
    // Upwards, then down: neither the lowest page that is withheld is named, nor the highest.
    for id in [3, 50, 20] {
        while pool.alloc_bulk(&mut batch, 1).allocated == 1 {}
        let at = batch.ids().iter().position(|page| page.index() == id).expect("it is out");
        let victim = batch.swap_remove(at);
        let said = format!("pagesheaf: {} was written after it was freed", victim.id());
        write_freed(victim);
        drop(batch.split_off(0));
        let text = panic_of(|| _ = pool.alloc_bulk(&mut PageBatch::<M, 64>::empty(), 64));
        assert!(text.as_ref().is_some_and(|text| text.starts_with(&said)), "{said}: {text:?}");
        assert_eq!(next_panic(&pool), None);
    }
    assert_eq!(pool.audit().pages.bad, 3);
}

/// Pages that were freed, each under a second owner.
fn twice_owned<M: Mode, const N: usize>(pool: &Pool<M>) -> [Page<M>; N] {
    let ids = [(); N].map(|()| pool.alloc().expect("a page").into_raw());
    // SAFETY: not so: the page gets two owners, which a checking mode finds when the second one goes.
    let owner = |id| unsafe { Page::from_raw(pool, id) };
    ids.map(owner).into_iter().for_each(drop);
    ids.map(owner)
}

fn what_a_lend_finds_is_named_later<M: Mode>() {
    let pool = panicking::<M>();
    // An older page is withheld, and has been panicked about.
    write_freed(pool.alloc().expect("a page"));
    let all = || _ = pool.alloc_bulk(&mut PageBatch::<M, 64>::empty(), 64);
    assert!(panic_of(all).is_some());
    let (free, mode) = ("is already free: look for a second free", pool.mode());
    let said = |id| Some(format!("pagesheaf: {id} {free} [{mode}]"));
    let [bad] = twice_owned(&pool);
    let id = bad.lend();
    assert_eq!(next_panic(&pool), said(id));
    let mut batch = PageBatch::<M, 8>::empty();
    batch.push(pool.alloc().expect("a page")).expect("room");
    let [bad] = twice_owned(&pool);
    let id = bad.id();
    batch.push(bad).expect("room");
    assert_eq!(pool.clone().lend_bulk(&mut batch, &mut no_ids::<2>()).len(), 1);
    assert_eq!(next_panic(&pool), said(id));
}

/// The other page is told of by the next call.
fn a_call_first_names_what_it_found_itself<M: Mode>() {
    let pool = panicking::<M>();
    let [lent, own] = twice_owned(&pool);
    let (lent, own) = (lent.lend(), own.into_raw());
    // SAFETY: a checking mode finds that the page is free.
    let text = panic_of(|| _ = unsafe { pool.free_bulk_raw(&[own]) });
    let free = format!("is already free: look for a second free [{}]", pool.mode());
    assert_eq!(text, Some(format!("pagesheaf: {own} at position 0 {free}")));
    assert_eq!(next_panic(&pool), Some(format!("pagesheaf: {lent} {free}")));
}

thread_local! {
    /// What the panic hook does on this thread.
    static IN_HOOK: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// What the panic of `call` has the hook do, on this thread alone.
fn with_hook(in_hook: impl FnOnce() + 'static, call: impl FnOnce()) -> Option<String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| match IN_HOOK.take() {
            Some(in_hook) => in_hook(),
            None => usual(info),
        }));
    });
    IN_HOOK.set(Some(Box::new(in_hook)));
    panic_of(call)
}

/// The panicking call may still have the slot, which the hook's calls then go without.
fn a_panic_hook_may_use_the_pool<M: Mode>() {
    type Free<M> = fn(&Pool<M>, Page<M>);
    let calls: [Free<M>; 2] = [
        |pool, page| pool.free(page),
        // SAFETY: a checking mode finds that the page is free.
        |pool, page| _ = unsafe { pool.free_bulk_raw(&[page.into_raw()]) },
    ];
    for call in calls {
        let pool = build::<M>(64, |builder| {
            builder.max_caches(0).shared_caches(1).on_bad_page(OnBadPage::Panic)
        });
        let [bad] = twice_owned(&pool);
        let (handle, got) = (pool.clone(), Rc::new(Cell::new(0)));
        let seen = Rc::clone(&got);
        let in_hook = move || {
            let mut batch = PageBatch::<M, 8>::empty();
            seen.set(handle.alloc_bulk(&mut batch, 8).allocated);
        };
        let text = with_hook(in_hook, || call(&pool, bad));
        assert!(text.is_some_and(|text| text.contains("is already free")));
        let mut all = PageBatch::<M, 64>::empty();
        assert_eq!((got.get(), pool.alloc_bulk(&mut all, 64).allocated), (8, 64));
        drop(all);
        assert_eq!(out(&pool), 0);
        assert_adds_up(&pool);
    }
}

every_poisoning_mode!(
    a_panic_hook_may_use_the_pool,
    every_call_loses_nothing_by_its_panic,
    each_panic_names_its_own_page,
    what_a_lend_finds_is_named_later,
    a_call_first_names_what_it_found_itself,
);

mod counting {
    use super::calls_that_count_lose_nothing_by_their_panic;
    use crate::common::*;

    #[test]
    fn calls_that_count() {
        calls_that_count_lose_nothing_by_their_panic::<Hardened>();
    }
}
