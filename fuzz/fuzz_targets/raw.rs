//! Raw calls with any ids, in modes that check: whatever is wrong is refused, and no page is lost.
#![no_main]

use std::collections::BTreeMap;
use std::mem::MaybeUninit;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pagesheaf::{Checked, Hardened, PageBatch, PageId, Pool, Refcounted};

#[derive(Arbitrary, Debug)]
enum Call {
    Alloc(u8),
    /// Ids as they come.
    Free(Vec<u8>),
    FreeElevated(Vec<u8>),
    Release(Vec<u8>),
    /// Only of pages that are out: nothing tells a free page's count from an owner's.
    Retain(u8),
    Lend(u8),
    Reclaim(Vec<u8>),
    FarId(u32),
    Drain,
}

const PAGES: u8 = 100;

/// How many references there are to each page that is out, and which are lent.
#[derive(Default)]
struct Model {
    out: BTreeMap<u8, u32>,
    lent: Vec<u8>,
}

fn ids(numbers: &[u8]) -> Vec<PageId> {
    numbers.iter().map(|&number| PageId::new(number.into())).collect()
}

fn run<M: Refcounted>(calls: Vec<Call>) {
    let pool = Pool::builder(PAGES.into()).mode::<M>().page_size(64).magazine(4).caches(1);
    let pool = pool.build().expect("a pool");
    let mut cache = pool.cache().expect("a cache");
    let mut model = Model::default();
    let mut faults = 0;
    for call in calls {
        match call {
            Call::Alloc(n) => {
                let mut out = [MaybeUninit::uninit(); PAGES as usize];
                let n = n.min(PAGES).into();
                for id in cache.alloc_bulk_raw(&mut out[..n]).0 {
                    assert_eq!(model.out.insert(id.index() as u8, 1), None, "{id}");
                }
            }
            Call::Free(numbers) => {
                let free = |number: &&u8| {
                    model.out.get(number) == Some(&1) && model.out.remove(number).is_some()
                };
                let good = numbers.iter().filter(free).count();
                // SAFETY: the mode checks: nobody uses the pages of this pool, whoever owns them.
                let freed = unsafe { cache.free_bulk_raw(&ids(&numbers)) };
                let bad = numbers.len() - good;
                assert_eq!(
                    freed.map_or_else(|error| (error.done, error.count), |()| (good, 0)),
                    (good, bad)
                );
                faults += bad;
            }
            Call::FreeElevated(numbers) => {
                let good =
                    numbers.iter().filter(|number| model.out.remove(number).is_some()).count();
                // SAFETY: as above.
                let freed = unsafe { cache.free_bulk_elevated(&ids(&numbers)) };
                let bad = numbers.len() - good;
                assert_eq!(
                    freed.map_or_else(|error| (error.done, error.count), |()| (good, 0)),
                    (good, bad)
                );
                faults += numbers.len();
            }
            Call::Release(numbers) => {
                let mut freed = 0;
                let known = numbers.into_iter().filter(|number| model.out.contains_key(number));
                for number in known.collect::<Vec<_>>() {
                    let Some(count) = model.out.get_mut(&number) else { continue };
                    *count -= 1;
                    let last = usize::from(*count == 0);
                    // SAFETY: the model has a reference.
                    assert_eq!(unsafe { cache.release_bulk(&ids(&[number])) }, Ok(last));
                    if last == 1 {
                        model.out.remove(&number);
                    }
                    freed += last;
                }
                assert!(freed <= usize::from(PAGES));
            }
            Call::Retain(number) => {
                if let Some(count) = model.out.get_mut(&number) {
                    *count += 1;
                    // SAFETY: the model has a reference.
                    assert_eq!(unsafe { cache.retain_bulk(&ids(&[number])) }, Ok(1));
                }
            }
            Call::Lend(number) => {
                if model.out.get(&number) == Some(&1) {
                    model.out.remove(&number);
                    model.lent.push(number);
                    // SAFETY: the page is out, and nobody else has it.
                    let page = unsafe { pool.adopt(PageId::new(number.into())) };
                    assert_eq!(page.lend().index(), number.into());
                }
            }
            Call::Reclaim(numbers) => {
                let mut batch = PageBatch::<M, 256>::new();
                let numbers = &numbers[..numbers.len().min(256)];
                let mut good = Vec::new();
                for &number in numbers {
                    if let Some(at) = model.lent.iter().position(|&lent| lent == number) {
                        good.push(PageId::new(model.lent.swap_remove(at).into()));
                    }
                }
                // SAFETY: no device uses any page.
                let reclaimed = unsafe { cache.reclaim_bulk(&ids(numbers), &mut batch) };
                assert_eq!(batch.ids(), good);
                let bad = numbers.len() - good.len();
                assert_eq!(
                    reclaimed.map_or_else(|error| (error.done, error.count), |n| (n, 0)),
                    (good.len(), bad)
                );
                faults += bad;
                cache.free_bulk(&mut batch);
            }
            Call::FarId(index) => {
                let id = PageId::new(index.saturating_add(PAGES.into()));
                assert_eq!((pool.ptr(id), pool.offset(id)), (None, None));
                // SAFETY: the page does not exist.
                assert!(unsafe { cache.free_bulk_raw(&[id]) }.is_err());
                // SAFETY: as above.
                assert!(unsafe { pool.reclaim(id) }.is_err());
                faults += 2;
            }
            Call::Drain => {
                cache.drain();
                pool.drain();
            }
        }
        let pages = pool.audit().pages;
        assert!(pages.adds_up(), "{pages}");
        assert_eq!((pages.out, pages.lent), (model.out.len() as u64, model.lent.len() as u64));
        assert_eq!((pages.bad, pool.audit().misplaced), (0, Some(0)));
        assert_eq!(pool.is_tainted(), faults > 0);
    }
    let rest: Vec<_> = model.out.into_keys().collect();
    // SAFETY: the model had these, and uses them no more.
    let freed = unsafe { cache.free_bulk_elevated(&ids(&rest)) };
    freed.expect("pages that are out");
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
