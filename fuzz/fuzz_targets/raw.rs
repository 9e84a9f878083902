//! Raw calls with any ids, in modes that check: whatever is wrong is refused, and no page is lost.
#![no_main]

#[path = "raw/model.rs"]
mod model;

use std::mem::MaybeUninit;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use model::{Model, PAGES, Verdict, fits, page};
use pagesheaf::{
    Block, Checked, Fault, Hardened, Order, PageBatch, PageId, Pool, Refcounted, ShortReason,
};

#[derive(Arbitrary, Debug)]
enum Call {
    Alloc(u8),
    /// Pages as bytes name them, as in all calls.
    Free(Vec<u8>),
    FreeElevated(Vec<u8>),
    Release(Vec<u8>),
    Retain(Vec<u8>),
    /// Not of free pages where they look like an owner's: only hardened modes mark those that are out.
    Lend(u8),
    Reclaim(Vec<u8>),
    /// So many blocks of an order, with owners that are given up at once, or without.
    AllocBlocks(u8, u8, bool),
    AllocBlock(u8),
    /// A block that may be none, by its first page and order; through an owner, or without.
    FreeBlock(u8, u8, bool),
    /// Into smaller ones, or pages.
    Split(u8, u8, Option<u8>),
    /// The page, or the block, that starts there.
    AllocAt(u8, Option<u8>),
    FarId(u32),
    Drain,
}

fn ids(numbers: &[u16]) -> Vec<PageId> {
    numbers.iter().map(|&number| PageId::new(number.into())).collect()
}

/// The pages that bytes name.
fn pages(bytes: &[u8]) -> Vec<u16> {
    bytes.iter().copied().map(page).collect()
}

/// An order that is legal: also one that is too large for the pool.
fn legal(order: u8) -> Order {
    Order::new(order % 10).expect("a legal order")
}

/// Why there were too few blocks of an order, if so. All that is free could be drained; but none of a block that is
/// larger than the pool.
fn why_short(model: &Model, order: Order, short: bool) -> Option<ShortReason> {
    short.then(|| match model.free() {
        0 if order.pages() <= PAGES.into() => ShortReason::Exhausted,
        _ => ShortReason::Fragmented,
    })
}

fn run<M: Refcounted>(calls: Vec<Call>) {
    let pool =
        Pool::builder(PAGES.into()).mode::<M>().page_size(64).magazine_capacity(4).max_caches(1);
    let pool = pool.build().expect("a pool");
    let mut cache = pool.cache().expect("a cache");
    let mut model = Model::default();
    let mut tainted = false;
    for call in calls {
        match call {
            Call::Alloc(n) => {
                let mut out = [MaybeUninit::uninit(); PAGES as usize];
                for id in cache.alloc_bulk_raw(&mut out[..usize::from(n)]).0 {
                    assert_eq!(model.out.insert(id.index() as u16, 1), None, "{id}");
                }
            }
            Call::Free(bytes) => {
                let numbers = pages(&bytes);
                let verdict = Verdict::of(&numbers, |number| {
                    let fault = model.fault_of_sole(number);
                    if fault.is_none() {
                        model.out.remove(&number);
                    }
                    fault
                });
                // SAFETY: the mode checks: nobody uses the pages of this pool, whoever owns them.
                let freed = unsafe { cache.free_bulk_raw(&ids(&numbers)) };
                tainted |= verdict.is(freed, ());
            }
            Call::FreeElevated(bytes) => {
                let numbers = pages(&bytes);
                let verdict = Verdict::of(&numbers, |number| {
                    let fault = model.fault(number);
                    model.out.remove(&number);
                    fault
                });
                // SAFETY: as above.
                let freed = unsafe { cache.free_bulk_ignoring_refcounts(&ids(&numbers)) };
                tainted |= verdict.is(freed, ()) || !numbers.is_empty();
            }
            Call::Release(bytes) => {
                let numbers = pages(&bytes);
                let mut last = 0;
                let verdict = Verdict::of(&numbers, |number| {
                    let fault = model.fault(number);
                    last += usize::from(fault.is_none() && model.release(number));
                    fault
                });
                // SAFETY: the mode checks: a reference that is not there is not given up.
                let released = unsafe { cache.release_bulk(&ids(&numbers)) };
                tainted |= verdict.is(released, last);
            }
            Call::Retain(bytes) => {
                let numbers = pages(&bytes);
                let verdict = Verdict::of(&numbers, |number| {
                    if let Some(count) = model.out.get_mut(&number) {
                        *count += 1;
                    }
                    model.fault(number)
                });
                let good = verdict.good;
                // SAFETY: the mode checks: a page that nobody holds gets no reference.
                let retained = unsafe { cache.retain_bulk(&ids(&numbers)) };
                tainted |= verdict.is(retained, good);
            }
            Call::Lend(byte) => {
                let number = page(byte);
                let fault = model.fault_of_sole(number);
                if number >= PAGES {
                    continue;
                }
                // SAFETY: the page is out, and nobody else has it; or the mode finds that it is not.
                let page = unsafe { pagesheaf::Page::from_raw(&pool, PageId::new(number.into())) };
                assert_eq!(page.lend().index(), number.into());
                match fault {
                    Some(_) => tainted = true,
                    None => {
                        model.out.remove(&number);
                        model.lent.push(number);
                    }
                }
            }
            Call::Reclaim(bytes) => {
                let numbers = pages(&bytes);
                let mut batch = PageBatch::<M, 256>::new();
                let numbers = &numbers[..numbers.len().min(256)];
                let mut good = Vec::new();
                let verdict = Verdict::of(numbers, |number| {
                    let Some(at) = model.lent.iter().position(|&lent| lent == number) else {
                        let outside = number >= PAGES;
                        return Some(if outside { Fault::OutOfRange } else { Fault::NotLent });
                    };
                    good.push(PageId::new(model.lent.swap_remove(at).into()));
                    None
                });
                // SAFETY: no device uses any page.
                let reclaimed = unsafe { cache.reclaim_bulk(&ids(numbers), &mut batch) };
                assert_eq!(batch.ids(), good);
                tainted |= verdict.is(reclaimed, good.len());
                cache.free_bulk(&mut batch);
            }
            Call::AllocBlocks(order, n, owned) => {
                let (order, n) = (legal(order), usize::from(n) % 16);
                let whole = model.whole(order);
                let mut blocks = [const { None }; 16];
                let mut out = [MaybeUninit::uninit(); 16];
                let (firsts, reason) = if owned {
                    let bulk = cache.alloc_blocks_bulk(order, &mut blocks[..n]);
                    let firsts = blocks.into_iter().flatten().map(|block| block.into_raw().0);
                    let firsts = firsts.collect::<Vec<_>>();
                    assert_eq!(bulk.allocated, firsts.len());
                    (firsts, bulk.reason)
                } else {
                    let (firsts, reason) = cache.alloc_blocks_bulk_raw(order, &mut out[..n]);
                    (firsts.to_vec(), reason)
                };
                assert_eq!(firsts.len(), n.min(whole), "{reason:?}");
                firsts.iter().for_each(|&first| model.took_block(first, order));
                assert_eq!(reason, why_short(&model, order, n > whole));
            }
            Call::AllocBlock(order) => {
                let (order, whole) = (legal(order), model.whole(legal(order)));
                match cache.alloc_block_raw(order) {
                    Ok(first) => model.took_block(first, order),
                    Err(reason) => assert_eq!(Some(reason), why_short(&model, order, whole == 0)),
                }
            }
            Call::FreeBlock(first, order, owned) => {
                let (first, order) = model.named(first, legal(order));
                let id = PageId::new(first.into());
                let fault = model.fault_of_block(first, order);
                if fault.is_none() {
                    model.blocks.remove(&first);
                }
                if owned && fits(first, order) {
                    // SAFETY: the mode checks: nobody uses the bytes of this pool, whoever owns them.
                    cache.free_block(unsafe { Block::from_raw(&pool, id, order) });
                    tainted |= fault.is_some();
                } else {
                    // SAFETY: as above.
                    let freed = unsafe { cache.free_block_raw(id, order) };
                    tainted |= Verdict::of(&[first], |_| fault).is(freed, ());
                }
            }
            Call::Split(first, order, into) => {
                let (first, order) = model.named(first, legal(order));
                let into = into.map(legal);
                let fault = match into {
                    Some(into) if into > order => Some(Fault::InBlock { order: order.get() }),
                    _ => model.fault_of_block(first, order),
                };
                // SAFETY: the mode checks: what is no block is not split.
                let split = unsafe { pool.split_block_raw(PageId::new(first.into()), order, into) };
                tainted |= Verdict::of(&[first], |_| fault).is(split, ());
                if fault.is_none() {
                    model.split(first, into);
                }
            }
            Call::AllocAt(byte, order) => {
                let first = page(byte);
                let (id, order) = (PageId::new(first.into()), order.map(legal));
                let missing = model.missing_at(first, order);
                let taken = match order {
                    Some(order) => cache.alloc_block_at_raw(id, order),
                    None => cache.alloc_at_raw(id),
                };
                assert_eq!(taken.err().map(|error| (error.page, error.reason)), missing);
                match order {
                    _ if missing.is_some() => {}
                    Some(order) => model.took_block(id, order),
                    None => assert_eq!(model.out.insert(first, 1), None),
                }
            }
            Call::FarId(index) => {
                let id = PageId::new(index.saturating_add(PAGES.into()));
                assert_eq!((pool.ptr(id), pool.offset(id)), (None, None));
                // SAFETY: the page does not exist.
                assert!(unsafe { cache.free_bulk_raw(&[id]) }.is_err());
                // SAFETY: as above.
                assert!(unsafe { pool.reclaim(id) }.is_err());
                tainted = true;
            }
            Call::Drain => {
                cache.drain();
                pool.drain();
            }
        }
        let pages = pool.audit().pages;
        assert!(pages.adds_up(), "{pages}");
        assert_eq!((pages.out, pages.lent), (model.pages_out() as u64, model.lent.len() as u64));
        assert_eq!((pages.bad, pool.audit().misplaced), (0, Some(0)));
        assert_eq!(pool.is_tainted(), tainted);
    }
    let rest: Vec<_> = model.out.into_keys().collect();
    // SAFETY: the model had these, and uses them no more.
    let freed = unsafe { cache.free_bulk_ignoring_refcounts(&ids(&rest)) };
    freed.expect("pages that are out");
    for (first, order) in model.blocks {
        // SAFETY: as above.
        let freed = unsafe { cache.free_block_raw(PageId::new(first.into()), order) };
        freed.expect("a block that is out");
    }
    for number in model.lent {
        // SAFETY: the page is lent, and no device uses it.
        drop(unsafe { pool.reclaim(PageId::new(number.into())) }.expect("a lent page"));
    }
    drop(cache);
    pool.close().expect("every page is back");
}

fuzz_target!(|input: (bool, Vec<Call>)| {
    let (hardened, calls) = input;
    if hardened { run::<Hardened>(calls) } else { run::<Checked>(calls) }
});
