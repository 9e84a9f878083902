//! A pool in a known state, in memory of its own, and the calls that a trial makes.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::without_provenance_mut;
use std::boxed::Box;
use std::collections::BTreeSet;
use std::format;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::string::String;
use std::vec::Vec;

use super::device::Device;
use super::sharing::Sharing;
use super::{Part, Table, parts};
use crate::cache::Cache;
use crate::error::Call;
use crate::heap;
use crate::inner::{Faults, Step};
use crate::owned::PageBatch;
use crate::page::{Order, PageId};
use crate::pool::{OnBadPage, Pool};
use crate::region::Region;
use crate::zone::Floor;

/// How many kinds of calls [`World::call`] knows.
pub const OPS: u8 = 16;

/// Bytes of a page: few, so that poison costs little.
const BYTES: usize = 64;

/// What a flip may do unseen, because what it makes could be so.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passes {
    /// A page is given out twice.
    pub doubled: bool,
    /// The pool's figures do not add up.
    pub uncounted: bool,
}

/// A pool, what it gave out, and what is expected of it.
pub struct World<M: Sharing> {
    pool: Option<Pool<M>>,
    cache: Option<Cache<M>>,
    /// Pages that are out by id, with one reference.
    pub(super) out: BTreeSet<PageId>,
    /// Those with two.
    retained: Vec<PageId>,
    lent: Vec<PageId>,
    blocks: Vec<(PageId, Order)>,
    /// Pages that wait for the device's next ticket.
    pub(super) fenced: Vec<PageId>,
    pub(super) device: &'static Device,
    /// Whether no page may be given out twice, whatever was flipped.
    strict: bool,
    /// Whether the figures must add up at the end.
    adds_up: bool,
    // After the pool, which lies in it.
    _memory: [heap::Block; 2],
}

impl<M: Sharing> World<M> {
    /// A pool of so many pages (150 or more), of which some are out by id, shared, lent or in a block, and
    /// some in a cache, a shared cache, the depots, and the zone. Both kinds of stacks have magazines.
    ///
    /// `addresses` makes it a pool of addresses only, and `panics` one that panics about bad pages.
    ///
    /// # Panics
    /// If that state could not be reached.
    #[must_use]
    pub fn new(pages: usize, addresses: bool, panics: bool) -> Self {
        let policy = if panics { OnBadPage::Panic } else { OnBadPage::Count };
        let builder = Pool::builder(pages).mode::<M>().page_size(BYTES).on_bad_page(policy);
        let builder = builder.magazine_capacity(8).max_caches(1).shared_caches(1);
        let (device, fences) = Device::of_thread();
        let mut builder = builder.depots(2).fences(fences).initially(pages);
        let layout = Layout::from_size_align(pages * BYTES, BYTES).expect("trials are small");
        let new = |layout| heap::Block::new(layout).expect("pools in trials are small");
        let metadata_layout = builder.metadata_layout().expect("a legal pool");
        let (region, metadata) = (new(layout), new(metadata_layout));
        let mut base = region.start().as_ptr();
        if addresses {
            base = without_provenance_mut(BYTES);
            builder = builder.region(Region::addresses(BYTES, pages * BYTES));
        }
        // SAFETY: the block has this size, is initialised, and outlives the pool, which alone uses it.
        let block = unsafe {
            core::slice::from_raw_parts_mut(
                metadata.start().as_ptr().cast(),
                metadata_layout.size(),
            )
        };
        // SAFETY: the region has so many pages, is initialised and outlives the pool, which alone uses it.
        let pool = unsafe { builder.build_in(base, block) }.expect("a pool");
        let cache = pool.cache().expect("a cache");
        let mut world = World {
            cache: Some(cache),
            pool: Some(pool),
            out: BTreeSet::new(),
            retained: Vec::new(),
            lent: Vec::new(),
            blocks: Vec::new(),
            fenced: Vec::new(),
            device,
            strict: true,
            adds_up: true,
            _memory: [region, metadata],
        };
        // A block and a lent page first, then 80 pages through the cache, of which 65 come back, and three
        // of the shared cache. Some go again: the magazine that they were in lies empty in the depot.
        for (op, n) in [(4, 2), (0, 80), (7, 3), (6, 1), (1, 65), (0, 28), (2, 6), (3, 3), (12, 6)]
        {
            world.call(op, n);
        }
        assert!(world.out.len() > 20 && world.blocks.len() == 1);
        let pages = world.pool().audit().pages;
        assert!(pages.free > 20 && pages.cached > 30 && pages.bad == 0, "{pages}");
        world
    }

    pub(super) fn pool(&self) -> &Pool<M> {
        self.pool.as_ref().expect("a world that has not ended")
    }

    #[cfg(test)]
    pub(super) fn core(&self) -> &crate::inner::Core<M> {
        &self.pool().core
    }

    fn cache(&mut self) -> &mut Cache<M> {
        self.cache.as_mut().expect("a world that has not ended")
    }

    /// What may be flipped now.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        parts(&*self.pool().core)
    }

    /// Flips a bit of a part, counted from its start. After that, pages may be given out twice, and figures
    /// not add up, only if the flip `may_pass` for something that is not corrupt.
    ///
    /// # Panics
    /// When the part has no such bit, or does not lie in this world's tables.
    pub fn flip(&mut self, part: &Part, bit: usize, may_pass: Passes) {
        let own = self.parts();
        let tables = || own.iter().filter(|part| part.0 != Table::Depot).map(|part| &part.1);
        let (start, end) = (tables().map(|it| it.start).min(), tables().map(|it| it.end).max());
        let in_tables = start <= Some(part.1.start) && Some(part.1.end) <= end;
        assert!(bit < 8 * part.1.len() && (in_tables || own.contains(part)));
        self.strict &= !may_pass.doubled;
        self.adds_up &= !may_pass.uncounted;
        let start = self.pool().core.pointer().cast::<u8>();
        // SAFETY: the part lies in the block that starts with the core, as was looked at.
        let byte = unsafe { start.add(part.1.start + bit / 8) };
        // SAFETY: the byte is one of an atomic's, which is initialised; no other thread has the pool.
        unsafe { byte.write(byte.read() ^ 1 << (bit % 8)) };
    }

    /// Makes a call with about `n` pages.
    ///
    /// # Panics
    /// When the call panics in words that are not the pool's, or gives out what it may not.
    pub fn call(&mut self, op: u8, n: u8) {
        pool_may_panic(|| self.call_now(op, n.into()));
    }

    fn call_now(&mut self, op: u8, n: usize) {
        let mut room = [MaybeUninit::uninit(); 256];
        match op % OPS {
            0 => {
                let ids = self.cache().alloc_bulk_raw(&mut room[..n]).0.to_vec();
                self.got(&ids);
            }
            1 => {
                let ids = self.some(n);
                // SAFETY: pages that are out are freed once, here and below.
                let _ = unsafe { self.cache().free_bulk_raw(&ids) }.map_err(|it| format!("{it}"));
            }
            2 => {
                let ids = self.pool().alloc_bulk_raw(&mut room[..n]).0.to_vec();
                self.got(&ids);
            }
            3 => {
                let ids = self.some(n);
                // SAFETY: as above.
                let _ = unsafe { self.pool().free_bulk_raw(&ids) };
            }
            4 => {
                let order = Order::new((n % 7) as u8).expect("a legal order");
                let core = &self.pool().core;
                let mut first = [MaybeUninit::uninit()];
                if core.alloc_blocks(None, order, &mut first, Step::first(Floor::None)).0 == 1 {
                    // SAFETY: its first page was written.
                    let first = unsafe { first[0].assume_init() };
                    let ids = (first.index()..).take(order.pages()).map(PageId::new);
                    let ids: Vec<_> = ids.collect();
                    self.got(&ids);
                    ids.iter().for_each(|id| _ = self.out.remove(id));
                    self.blocks.push((first, order));
                }
            }
            5 => {
                let Some((first, order)) = self.blocks.pop() else { return };
                let core = &self.pool().core;
                let mut faults = Faults::default();
                let freed = core.free_block(first, order, &mut faults);
                core.count_uncached_free(freed);
                let _ = core.record_or_panic(&faults, freed, Call::Free);
            }
            6 => {
                for id in self.some(n) {
                    if self.pool().core.lend(id).is_ok() {
                        self.pool().core.count_lent(1);
                        self.lent.push(id);
                    }
                }
            }
            7 => {
                let ids = self.some(n);
                M::retain(self.cache(), &ids);
                self.retained.extend(ids);
            }
            8 => self.without_slot(n),
            9 => {
                self.cache().drain();
                self.pool().drain();
            }
            10 => self.look(),
            12 => self.fence(n),
            13 => {
                // Of the ticket that is next, all before it have passed.
                self.fenced.clear();
                self.device.pass_next();
                self.pool().reap_fences();
            }
            14 => _ = self.pool().offline(self.range(n)).map(|went| went.count()),
            15 => self.bring_online(self.range(n)),
            _ => self.release(n),
        }
    }

    /// Calls while all shared slots are busy; and owned pages, dropped.
    fn without_slot(&mut self, n: usize) {
        let mut room = [MaybeUninit::uninit(); 256];
        let pool = self.pool().clone();
        let slot = pool.core.borrow_slot();
        let ids = pool.alloc_bulk_raw(&mut room[..n]).0.to_vec();
        self.got(&ids);
        let ids = self.some(n / 2);
        // SAFETY: pages that are out are freed once.
        let _ = unsafe { pool.free_bulk_raw(&ids) };
        drop(slot);
        let mut batch = PageBatch::<M, 64>::empty();
        let _ = pool.alloc_bulk(&mut batch, n);
        let ids = batch.ids().to_vec();
        self.got(&ids);
        ids.iter().for_each(|id| _ = self.out.remove(id));
    }

    /// What is retained and lent, given up.
    fn release(&mut self, n: usize) {
        let keep = self.retained.len().saturating_sub(n);
        let ids = self.retained.split_off(keep);
        M::release(self.cache(), &ids);
        while let Some(id) = self.lent.pop() {
            let mut faults = Faults::default();
            match self.pool().core.take_from_device(id) {
                Ok(()) => {
                    self.pool().core.count_reclaimed(1);
                    self.out.insert(id);
                }
                Err(fault) => self.pool().core.refuse_call(id, 0, fault, &mut faults),
            }
            let _ = self.pool().core.record_or_panic(&faults, 0, Call::Free);
        }
    }

    /// Every report.
    fn look(&self) {
        let pool = self.pool();
        let audit = pool.audit();
        let stats = pool.stats().map(|stats| format!("{stats}"));
        let bad = pool.bad_pages().count();
        let calls = pool.per_cache().count();
        let all = format!("{pool:#} {audit} {stats:?} {bad} {calls}");
        assert!(all.contains("capacity"));
    }

    /// Pages that a call gave.
    fn got(&mut self, ids: &[PageId]) {
        for &id in ids {
            assert!((id.index() as usize) < self.pool().capacity(), "{id} was given out");
            let taken = self.retained.contains(&id)
                || self.lent.contains(&id)
                || self.fenced.contains(&id)
                || self.blocks.iter().any(|(first, order)| {
                    id.index().wrapping_sub(first.index()) < order.pages() as u32
                });
            assert!(!self.strict || !taken, "{id} was given out twice");
            let new = self.out.insert(id);
            assert!(!self.strict || new, "{id} was given out twice");
        }
    }

    /// Some pages that are out, which the caller gives up.
    pub(super) fn some(&mut self, n: usize) -> Vec<PageId> {
        // From afar first, so that they do not go back in order.
        let ids: Vec<_> =
            self.out.iter().copied().step_by(2).chain(self.out.iter().copied()).collect();
        ids.into_iter().filter(|id| self.out.remove(id)).take(n).collect()
    }

    /// Gives everything back, and tries to close the pool.
    ///
    /// # Panics
    /// As [`Self::call`].
    pub fn end(mut self) {
        self.call(11, u8::MAX);
        self.call(13, 0);
        pool_may_panic(|| self.bring_online(0..self.pool().capacity() as u32));
        while !self.blocks.is_empty() {
            self.call(5, 0);
        }
        while !self.out.is_empty() {
            self.call(1, u8::MAX);
        }
        self.call(9, 0);
        self.look();
        let pages = self.pool().audit().pages;
        assert!(!self.adds_up || pages.adds_up(), "{pages}");
        pool_may_panic(|| drop(self.cache.take()));
        let Some(pool) = self.pool.take() else { return };
        pool_may_panic(|| {
            let Err(error) = pool.close() else { return };
            let ids = error.ids().count() as u64;
            assert!(format!("{error}").contains("pool") && ids <= error.out() + 64);
            // SAFETY: all that was out was given up above.
            if let Ok((pool, _)) = unsafe { error.recover_forgotten() } {
                let audit = pool.audit();
                // A page whose bit says wrongly that it is offline stays so.
                let pages = audit.pages;
                let all = pages.free + pages.bad + pages.offline;
                assert!(all == pages.capacity && pages.adds_up(), "{audit}");
                assert_eq!(audit.corrupt.unwrap_or(0), 0, "{audit}");
                pool.close().expect("nothing is out");
            }
        });
    }
}

/// Runs what may panic, if it does so in the pool's words.
fn pool_may_panic(f: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { return };
    if !says(&payload).starts_with("pagesheaf:") {
        resume_unwind(payload);
    }
}

/// What a panic says.
pub(super) fn says(payload: &Box<dyn core::any::Any + Send>) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|&it| it.into())).unwrap_or_default()
}
