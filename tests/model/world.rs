//! What a sequence of operations holds, and what must be true of it: a naive model beside the pool.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::fenced::{Devices, Fenced};
use super::idle::Parked;
use super::shares::Shares;
use crate::common::*;

/// Room of the batches.
pub const ROOM: usize = 40;
/// Ids of a magazine.
pub const MAGAZINE: usize = 4;
/// Pages that a cache can keep from others.
pub const KEPT: usize = 2 * MAGAZINE;
/// Bytes of a page: no power of two.
const BYTES: usize = 192;
/// Cache lines at which the used part of a page may start.
const COLOURS: usize = 2;
/// Where the mode poisons, one page in so many is poisoned, if it is not every page.
const SAMPLED: u32 = 3;

/// What is known of every page, whoever has it.
pub struct Owners {
    /// Whether somebody owns the page.
    owned: Vec<AtomicBool>,
    /// What its owner wrote.
    seeds: Vec<AtomicU32>,
    next: AtomicU32,
    /// All-or-none requests that got nothing.
    failed_exact: AtomicU64,
}

impl Owners {
    fn new(pages: usize) -> Self {
        Owners {
            owned: (0..pages).map(|_| AtomicBool::new(false)).collect(),
            seeds: (0..pages).map(|_| AtomicU32::new(0)).collect(),
            next: AtomicU32::new(1),
            failed_exact: AtomicU64::new(0),
        }
    }
}

/// Everything that one thread holds of a pool.
pub struct World<M: Mode, S: Shares<M>> {
    pub pool: Pool<M>,
    /// Another pool, whose pages are here for a step only.
    pub away: Pool<M>,
    pub caches: Vec<Cache<M>>,
    pub stealable: Vec<Cache<M, true>>,
    /// Whoever runs dry gets what they hold.
    pub parked: Vec<Parked<M>>,
    pub batches: Vec<PageBatch<M, ROOM>>,
    pub pages: Vec<Page<M>>,
    pub blocks: Vec<Block<M>>,
    /// Without an owner in Rust.
    pub raw_blocks: Vec<(PageId, Order)>,
    /// Without an owner in Rust, and how many references there are to each.
    pub raw: Vec<(PageId, u32)>,
    pub lent: Vec<PageId>,
    /// Pages that this world has taken offline, and has not brought back.
    pub offline: BTreeSet<PageId>,
    pub shared: Vec<S::Shared>,
    /// Whether counts were overridden.
    pub tainted: bool,
    /// Whether a call had to say that pages were bad.
    pub faulty: bool,
    /// Whether a call found nothing, which is served first from then on.
    pub dry: Cell<bool>,
    /// Whether nobody else uses the pool.
    pub alone: bool,
    /// The low mark and the reserve.
    marks: (usize, usize),
    devices: Arc<Devices>,
    /// What waits for this thread's device.
    pub fenced: Fenced,
    owners: Arc<Owners>,
}

impl<M: Mode, S: Shares<M>> World<M, S> {
    /// A pool of its own.
    pub fn new(pages: usize) -> Self {
        let devices = Devices::new();
        let fences = devices.fences();
        let how = |builder: Builder<M>| {
            let builder = builder.fences(fences);
            let builder =
                builder.page_size(BYTES).cache_color(COLOURS).magazine_capacity(MAGAZINE).depots(2);
            let builder = builder.max_caches(2).shared_caches(2).initially(pages);
            let (low, reserve) = Self::marks(pages);
            let builder = builder.low(low).critical_reserve(reserve);
            // Where the system has pages of 4 KiB, 32 of these go back at a time.
            let purges =
                cfg!(all(feature = "std", target_os = "linux")) && !pages.is_multiple_of(3);
            let builder =
                if purges { builder.region(Region::mapped().purge(true)) } else { builder };
            // Some calls fail, and some get half of what they want.
            #[cfg(feature = "fault-injection")]
            let builder = if pages.is_multiple_of(5) {
                let short = pages.is_multiple_of(2);
                let effect = if short { InjectedFault::Short } else { InjectedFault::Fail };
                builder.fault_plan(FaultPlan::new(pages as u64).probability(0.1).effect(effect))
            } else {
                builder
            };
            let sampled = poisons::<M>() && pages.is_multiple_of(2);
            if sampled { builder.poison_every(SAMPLED) } else { builder }
        };
        let owners = Arc::new(Owners::new(pages));
        Self::with(build::<M>(pages, how), owners, devices, true)
    }

    /// The marks of a pool of so many pages, if it has any.
    fn marks(pages: usize) -> (usize, usize) {
        if pages.is_multiple_of(7) { (pages / 4, pages / 8) } else { (0, 0) }
    }

    /// How many of so many free pages a call for `want` may not have.
    pub fn kept(&self, want: usize, free: u64) -> usize {
        let (low, reserve) = self.marks;
        (if want == 1 { reserve } else { low }).min(free as usize)
    }

    /// Another thread's part of the same pool.
    pub fn beside(&mut self) -> Self {
        self.alone = false;
        Self::with(self.pool.clone(), Arc::clone(&self.owners), Arc::clone(&self.devices), false)
    }

    fn with(pool: Pool<M>, owners: Arc<Owners>, devices: Arc<Devices>, alone: bool) -> Self {
        World {
            fenced: Fenced::of(&devices, usize::from(!alone)),
            devices,
            marks: Self::marks(pool.capacity()),
            pool,
            away: build::<M>(20, |builder| builder.page_size(BYTES).magazine_capacity(MAGAZINE)),
            caches: Vec::new(),
            stealable: Vec::new(),
            parked: Vec::new(),
            batches: Vec::new(),
            pages: Vec::new(),
            blocks: Vec::new(),
            raw_blocks: Vec::new(),
            raw: Vec::new(),
            lent: Vec::new(),
            offline: BTreeSet::new(),
            shared: Vec::new(),
            tainted: false,
            faulty: false,
            dry: Cell::new(false),
            alone,
            owners,
        }
    }

    /// The bytes of a page that this world holds.
    pub fn bytes(&self, id: PageId) -> *mut [u8] {
        let start = self.pool.ptr(id).expect("a page of the pool").as_ptr();
        std::ptr::slice_from_raw_parts_mut(start, self.pool.page_size())
    }

    /// The seed of bytes that nobody has written yet, which the page gets now.
    pub fn seed(&self, id: PageId) -> u32 {
        let seed = self.owners.next.fetch_add(1, Ordering::Relaxed);
        self.owners.seeds[id.index() as usize].store(seed, Ordering::Relaxed);
        seed
    }

    /// Asserts that a page that this world holds has the bytes that were written to it.
    pub fn assert_intact(&self, id: PageId) {
        let seed = self.owners.seeds[id.index() as usize].load(Ordering::Relaxed);
        // SAFETY: the page is this world's, which hands out no reference to it meanwhile.
        assert!(is_marked(unsafe { &*self.bytes(id) }, seed), "{id} was written to");
    }

    /// Pages have come: nobody had them, and from now on they have bytes of their own.
    pub fn took(&self, ids: &[PageId]) {
        for &id in ids {
            let at = id.index() as usize;
            assert!(at < self.pool.capacity(), "{id} is not a page of the pool");
            assert!(!self.owners.owned[at].swap(true, Ordering::AcqRel), "{id} has two owners");
            // SAFETY: as in `assert_intact`.
            mark(unsafe { &mut *self.bytes(id) }, self.seed(id));
        }
    }

    /// Pages are about to go: their bytes are as they were written.
    pub fn lets_go(&self, ids: &[PageId]) {
        for &id in ids {
            let at = id.index() as usize;
            self.assert_intact(id);
            assert!(self.owners.owned[at].swap(false, Ordering::AcqRel), "{id} has no owner");
        }
    }

    /// Asserts that pages which have just come are zero.
    pub fn assert_zero(&self, ids: &[PageId]) {
        for &id in ids {
            // SAFETY: as in `assert_intact`.
            assert!(unsafe { &*self.bytes(id) }.iter().all(|&byte| byte == 0), "{id} is not zero");
        }
    }

    /// The ids of a block.
    pub fn of_block(block: &Block<M>) -> Vec<PageId> {
        block_ids(block.id(), block.order())
    }

    /// The ids of the blocks without an owner.
    pub fn of_raw_blocks(&self) -> impl Iterator<Item = PageId> + '_ {
        self.raw_blocks.iter().flat_map(|&(first, order)| block_ids(first, order))
    }

    /// Every page that is held, and how many of them are lent.
    pub fn held(&self) -> (BTreeSet<PageId>, usize) {
        let mut held = BTreeSet::new();
        let mut add = |id| assert!(held.insert(id), "{id} is held twice");
        self.batches.iter().flat_map(|batch| batch.ids()).for_each(|&id| add(id));
        self.pages.iter().for_each(|page| add(page.id()));
        self.blocks.iter().flat_map(Self::of_block).for_each(&mut add);
        self.of_raw_blocks().for_each(&mut add);
        self.raw.iter().for_each(|&(id, _)| add(id));
        self.lent.iter().for_each(|&id| add(id));
        let shared: BTreeSet<_> = self.shared.iter().map(|page| S::bytes(page).0).collect();
        shared.into_iter().for_each(add);
        (held, self.lent.len())
    }

    /// The invariants.
    pub fn check(&self) {
        let (held, lent) = self.held();
        for &id in held.iter().chain(&self.offline) {
            assert!(self.owners.owned[id.index() as usize].load(Ordering::Relaxed), "{id}");
            self.assert_intact(id);
        }
        self.check_owners();
        if !self.alone {
            return;
        }
        assert_adds_up(&self.pool);
        #[cfg(feature = "track")]
        self.check_outstanding(&held);
        let pages = self.pool.audit().pages;
        let expected = ((held.len() - lent) as u64, lent as u64, 0);
        assert_eq!((pages.out, pages.lent, pages.bad), expected, "{pages}");
        assert_eq!(pages.offline, self.offline.len() as u64, "{pages}");
        assert!(pages.fenced >= self.fenced.pages(), "{pages}");
        assert_eq!(self.pool.is_tainted(), self.tainted);
        let causes = [
            (TaintReason::RefcountsIgnored, Some("free_bulk_ignoring_refcounts")),
            (TaintReason::Fault(Fault::OtherPool), Some("reclaim_bulk")),
            (TaintReason::Fault(Fault::OutOfRange), Some("free_lent")),
        ];
        let taint = self.pool.taint();
        assert!(taint.iter().all(|it| causes.contains(&(it.reason, it.call))), "{taint:?}");
        if let Some(stats) = self.pool.stats() {
            assert_eq!(stats.calls.failed_exact, self.owners.failed_exact.load(Ordering::Relaxed));
        }
    }

    /// What is held is listed, with the calls that allocated it, and nothing else; what is lent says so.
    #[cfg(feature = "track")]
    fn check_outstanding(&self, held: &BTreeSet<PageId>) {
        let listed: Vec<_> = self.pool.outstanding().collect();
        assert!(listed.iter().map(|it| it.page).eq(held.iter().copied()), "{held:?}: {listed:?}");
        for it in listed {
            let place = it.location.map_or("", |location| location.file());
            assert!(place.contains("tests/model") || place.contains("tests/common"), "{it}");
            assert_eq!(it.lent.is_some(), self.lent.contains(&it.page), "{it}");
            assert!(it.history == self.pool.history(it.page) && it.history.is_out(), "{it}");
        }
    }

    /// Owners have the bytes of their pages, and no others.
    fn check_owners(&self) {
        let check = |id: PageId, bytes: &[u8]| {
            let (place, size) = (self.bytes(id).cast::<u8>(), self.pool.page_size());
            assert_eq!((bytes.as_ptr(), bytes.len()), (place.cast_const(), size), "{id}");
        };
        let headroom = |id: PageId| id.index() as usize % COLOURS * 64;
        for page in &self.pages {
            check(page.id(), page.as_ref());
            assert_eq!(
                (page.base_ptr(), page.headroom()),
                (self.bytes(page.id()).cast(), headroom(page.id()))
            );
        }
        for batch in &self.batches {
            assert_eq!(batch.iter().len(), batch.len());
            batch.ids().iter().zip(batch.iter()).for_each(|(&id, bytes)| check(id, bytes));
            // The other ways to one of them, another in each step.
            let at = self.owners.next.load(Ordering::Relaxed) as usize % batch.len().max(1);
            if let Some(&id) = batch.ids().get(at) {
                check(id, &batch[at]);
                check(id, batch.get(at).expect("a page"));
                assert_eq!(batch.headroom(at), Some(headroom(id)));
            }
            assert_eq!((batch.get(batch.len()), batch.headroom(batch.len())), (None, None));
        }
        for block in &self.blocks {
            assert_eq!(block.base_ptr(), self.bytes(block.id()).cast());
            let pages = block.chunks_exact(self.pool.page_size());
            assert_eq!(pages.len(), block.order().pages());
            Self::of_block(block).into_iter().zip(pages).for_each(|(id, bytes)| check(id, bytes));
        }
        for shared in &self.shared {
            let (id, bytes) = S::bytes(shared);
            check(id, bytes);
            let references = self.shared.iter().filter(|other| S::bytes(other).0 == id).count();
            assert_eq!(S::count(shared) as usize, references, "{id}");
        }
    }

    /// An all-or-none request got nothing.
    pub fn failed_exact(&self) {
        self.owners.failed_exact.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a call that cannot take from so many caches may be told that another one is served first: it went
    /// through a cache, which was asked.
    pub fn may_be_held_back(&self, others: usize) -> bool {
        self.dry.get() && others < self.caches.len() + self.stealable.len()
    }

    /// Whether a call was made to fail on purpose, which only a plan does.
    pub fn is_injected(&self, injected: bool) -> bool {
        assert!(!injected || cfg!(feature = "fault-injection"));
        injected
    }

    /// What an allocation of `want` pages, with room for `room`, may say. `others` is how many owned caches it cannot
    /// take from.
    pub fn check_bulk(&self, bulk: BulkAlloc, want: usize, room: usize, others: usize) {
        let BulkAlloc { allocated: new, reason: short } = bulk;
        assert!(new <= want.min(room));
        assert_eq!(short.is_none(), new == want, "{bulk:?} of {want}");
        if !self.alone || self.is_injected(short == Some(ShortReason::Injected)) {
            return;
        }
        let pages = self.pool.audit().pages;
        let left = (pages.free + pages.cached) as usize;
        self.dry.set(self.dry.get() || short.is_some() && new == 0);
        match short {
            None => {}
            Some(ShortReason::BatchFull) => assert_eq!(new, room),
            Some(ShortReason::Exhausted) => assert_eq!((left, pages.fenced), (0, 0), "{pages}"),
            Some(ShortReason::Fenced) => assert!(left == 0 && pages.fenced > 0, "{pages}"),
            Some(ShortReason::Watermark) => {
                let kept = self.kept(want, pages.free);
                assert!(pages.free > 0 && pages.free == kept as u64, "{pages}");
            }
            Some(ShortReason::Cached) => {
                assert!(left > 0 && pages.cached as usize <= others * KEPT, "{pages}");
            }
            // Another that found nothing is to get what is left.
            Some(ShortReason::Busy) => {
                assert!(left > 0 && self.may_be_held_back(others), "{pages}")
            }
            other => panic!("{other:?}"),
        }
    }
}
