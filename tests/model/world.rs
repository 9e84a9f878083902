//! What a sequence of operations holds, and what must be true of it: a naive model beside the pool.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::op::Op;
use super::shares::Shares;
use crate::common::*;

/// Room of the batches.
pub const ROOM: usize = 40;
/// Ids of a magazine.
pub const MAGAZINE: usize = 4;
/// Pages that a cache can keep from others.
const KEPT: usize = 2 * MAGAZINE;

/// What is known of every page, whoever has it.
pub struct Owners {
    /// Whether somebody owns the page.
    owned: Vec<AtomicBool>,
    /// What its owner wrote.
    seeds: Vec<AtomicU32>,
    next: AtomicU32,
}

impl Owners {
    fn new(pages: usize) -> Self {
        Owners {
            owned: (0..pages).map(|_| AtomicBool::new(false)).collect(),
            seeds: (0..pages).map(|_| AtomicU32::new(0)).collect(),
            next: AtomicU32::new(1),
        }
    }
}

/// Everything that one thread holds of a pool.
pub struct World<M: Mode, S: Shares<M>> {
    pub pool: Pool<M>,
    pub caches: Vec<Cache<M>>,
    pub batches: Vec<PageBatch<M, ROOM>>,
    pub pages: Vec<Page<M>>,
    pub blocks: Vec<Block<M>>,
    /// Without an owner in Rust, and how many references there are to each.
    pub raw: Vec<(PageId, u32)>,
    pub lent: Vec<PageId>,
    pub shared: Vec<S::Shared>,
    /// Whether counts were overridden.
    pub tainted: bool,
    /// Whether nobody else uses the pool.
    alone: bool,
    owners: Arc<Owners>,
}

impl<M: Mode, S: Shares<M>> World<M, S> {
    /// A pool of its own.
    pub fn new(pages: usize) -> Self {
        let how = |builder: Builder<M>| builder.magazine(MAGAZINE).caches(2).shared_caches(2);
        Self::with(build::<M>(pages, how), Arc::new(Owners::new(pages)), true)
    }

    /// Another thread's part of the same pool.
    fn beside(&mut self) -> Self {
        self.alone = false;
        Self::with(self.pool.clone(), Arc::clone(&self.owners), false)
    }

    fn with(pool: Pool<M>, owners: Arc<Owners>, alone: bool) -> Self {
        World {
            pool,
            caches: Vec::new(),
            batches: Vec::new(),
            pages: Vec::new(),
            blocks: Vec::new(),
            raw: Vec::new(),
            lent: Vec::new(),
            shared: Vec::new(),
            tainted: false,
            alone,
            owners,
        }
    }

    /// The bytes of a page that this world holds.
    fn bytes(&self, id: PageId) -> *mut [u8] {
        let start = self.pool.ptr(id).expect("a page of the pool").as_ptr();
        std::ptr::slice_from_raw_parts_mut(start, self.pool.page_size())
    }

    /// Pages have come: nobody had them, and from now on they have bytes of their own.
    pub fn took(&self, ids: &[PageId]) {
        for &id in ids {
            let at = id.index() as usize;
            assert!(at < self.pool.capacity(), "{id} is not a page of the pool");
            assert!(!self.owners.owned[at].swap(true, Ordering::AcqRel), "{id} has two owners");
            let seed = self.owners.next.fetch_add(1, Ordering::Relaxed);
            self.owners.seeds[at].store(seed, Ordering::Relaxed);
            // SAFETY: the page is this world's, which hands out no reference to it meanwhile.
            mark(unsafe { &mut *self.bytes(id) }, seed);
        }
    }

    /// Pages are about to go: their bytes are as they were written.
    pub fn lets_go(&self, ids: &[PageId]) {
        for &id in ids {
            let at = id.index() as usize;
            let seed = self.owners.seeds[at].load(Ordering::Relaxed);
            // SAFETY: as in `took`.
            assert!(is_marked(unsafe { &*self.bytes(id) }, seed), "{id} was written to");
            assert!(self.owners.owned[at].swap(false, Ordering::AcqRel), "{id} has no owner");
        }
    }

    /// Asserts that pages which have just come are zero.
    pub fn assert_zero(&self, ids: &[PageId]) {
        for &id in ids {
            // SAFETY: as in `took`.
            assert!(unsafe { &*self.bytes(id) }.iter().all(|&byte| byte == 0), "{id} is not zero");
        }
    }

    /// The ids of a block.
    pub fn of_block(block: &Block<M>) -> Vec<PageId> {
        let first = block.id().index();
        (first..first + block.order().pages() as u32).map(PageId::new).collect()
    }

    /// Every page that is held, and how many of them are lent.
    fn held(&self) -> (BTreeSet<PageId>, usize) {
        let mut held = BTreeSet::new();
        let mut add = |id| assert!(held.insert(id), "{id} is held twice");
        self.batches.iter().flat_map(|batch| batch.ids()).for_each(|&id| add(id));
        self.pages.iter().for_each(|page| add(page.id()));
        self.blocks.iter().flat_map(Self::of_block).for_each(&mut add);
        self.raw.iter().for_each(|&(id, _)| add(id));
        self.lent.iter().for_each(|&id| add(id));
        let shared: BTreeSet<_> = self.shared.iter().map(|page| S::bytes(page).0).collect();
        shared.into_iter().for_each(add);
        (held, self.lent.len())
    }

    /// The invariants.
    pub fn check(&self) {
        let (held, lent) = self.held();
        for id in &held {
            assert!(self.owners.owned[id.index() as usize].load(Ordering::Relaxed), "{id}");
        }
        if !self.alone {
            return;
        }
        assert_adds_up(&self.pool);
        let pages = self.pool.audit().pages;
        let expected = ((held.len() - lent) as u64, lent as u64, 0);
        assert_eq!((pages.out, pages.lent, pages.bad), expected, "{pages}");
        assert_eq!(self.pool.is_tainted(), self.tainted);
    }

    /// What an allocation of `want` pages, with room for `room`, may say. `others` is how many owned caches it cannot
    /// take from.
    pub fn check_bulk(&self, bulk: Bulk, want: usize, room: usize, others: usize) {
        let Bulk { new, short } = bulk;
        assert!(new <= want.min(room));
        assert_eq!(short.is_none(), new == want, "{bulk:?} of {want}");
        if !self.alone {
            return;
        }
        let pages = self.pool.audit().pages;
        let left = (pages.free + pages.cached) as usize;
        match short {
            None => {}
            Some(Short::BatchFull) => assert_eq!(new, room),
            Some(Short::Exhausted) => assert_eq!(left, 0, "{pages}"),
            Some(Short::Cached) => assert!(left > 0 && left <= others * KEPT, "{pages}"),
            other => panic!("{other:?}"),
        }
    }

    /// Two worlds on one pool, each on a thread of its own; afterwards every page is back.
    pub fn both(pages: usize, own: &[Op], other: &[Op]) {
        let mut world = Self::new(pages);
        let mut beside = world.beside();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                other.iter().for_each(|&op| beside.step(op));
                beside.end();
            });
            own.iter().for_each(|&op| world.step(op));
        });
        world.alone = true;
        // The other one may have overridden counts.
        world.tainted = world.pool.is_tainted();
        world.check();
        world.end();
    }

    /// Lets everything go, in the plainest way.
    pub fn end(mut self) {
        let (held, _) = self.held();
        self.lets_go(&held.into_iter().collect::<Vec<_>>());
        for id in std::mem::take(&mut self.lent) {
            // SAFETY: the page is lent, and no device uses it.
            drop(unsafe { self.pool.reclaim(id) }.expect("a lent page"));
        }
        for (id, count) in std::mem::take(&mut self.raw) {
            let rest: Vec<_> = (1..count).map(|_| id).collect();
            // SAFETY: so many references to the page are held.
            unsafe { S::release(&self.pool, &rest) }.map(|done| done.expect("references"));
            // SAFETY: the page has no owner, and one reference.
            unsafe { self.pool.free_bulk_raw(&[id]) }.expect("a page of the pool");
        }
        let (pool, tainted, alone) = (self.pool.clone(), self.tainted, self.alone);
        drop(self);
        if alone {
            assert_eq!(pool.is_tainted(), tainted);
            pool.drain();
            pool.close().expect("every page is back");
        }
    }
}
