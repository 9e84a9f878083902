//! Raw calls with any ids, in modes that check: whatever is wrong is refused, and no page is lost.
#![no_main]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::mem::MaybeUninit;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pagesheaf::{Checked, Fault, Hardened, PageBatch, PageError, PageId, Pool, Refcounted};

#[derive(Arbitrary, Debug)]
enum Call {
    Alloc(u8),
    /// Ids as they come.
    Free(Vec<u8>),
    FreeElevated(Vec<u8>),
    Release(Vec<u8>),
    Retain(Vec<u8>),
    /// Not of free pages where they look like an owner's: only hardened modes mark those that are out.
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

impl Model {
    /// What is wrong with a page that is named as one that is out.
    fn fault(&self, number: u8) -> Option<Fault> {
        match self.out.get(&number) {
            Some(_) => None,
            None if number >= PAGES => Some(Fault::OutOfRange),
            None if self.lent.contains(&number) => Some(Fault::Lent),
            None => Some(Fault::AlreadyFree),
        }
    }

    /// As `fault`, of a page that is freed by its sole owner.
    fn fault_of_sole(&self, number: u8) -> Option<Fault> {
        match self.out.get(&number) {
            Some(&references) if references > 1 => Some(Fault::Shared { references }),
            _ => self.fault(number),
        }
    }

    /// Gives up a reference; whether it was the last.
    fn release(&mut self, number: u8) -> bool {
        let count = self.out.get_mut(&number).expect("a page that is out");
        *count -= 1;
        let last = *count == 0;
        if last {
            self.out.remove(&number);
        }
        last
    }
}

/// What a call has to say of its pages, one after the other.
#[derive(Default)]
struct Verdict {
    good: usize,
    bad: usize,
    first: Option<(PageId, usize, Fault)>,
}

impl Verdict {
    /// Asks of each page what is wrong with it, or does what the call does.
    fn of(numbers: &[u8], mut each: impl FnMut(u8) -> Option<Fault>) -> Self {
        let mut verdict = Verdict::default();
        for (position, &number) in numbers.iter().enumerate() {
            match each(number) {
                None => verdict.good += 1,
                Some(fault) => {
                    verdict.bad += 1;
                    let bad = (PageId::new(number.into()), position, fault);
                    verdict.first.get_or_insert(bad);
                }
            }
        }
        verdict
    }

    /// Compares with what was said; `value` is what is returned if nothing is wrong. Whether something is.
    fn is<T: PartialEq + Debug>(self, said: Result<T, PageError>, value: T) -> bool {
        let Verdict { good, bad, first } = self;
        match said {
            Ok(done) => assert_eq!((done, first), (value, None)),
            Err(error) => {
                assert_eq!((error.done, error.count), (good, bad), "{error}");
                assert_eq!(Some((error.page, error.position, error.fault)), first, "{error}");
            }
        }
        bad > 0
    }
}

fn ids(numbers: &[u8]) -> Vec<PageId> {
    numbers.iter().map(|&number| PageId::new(number.into())).collect()
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
                let n = n.min(PAGES).into();
                for id in cache.alloc_bulk_raw(&mut out[..n]).0 {
                    assert_eq!(model.out.insert(id.index() as u8, 1), None, "{id}");
                }
            }
            Call::Free(numbers) => {
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
            Call::FreeElevated(numbers) => {
                let verdict = Verdict::of(&numbers, |number| {
                    let fault = model.fault(number);
                    model.out.remove(&number);
                    fault
                });
                // SAFETY: as above.
                let freed = unsafe { cache.free_bulk_ignoring_refcounts(&ids(&numbers)) };
                tainted |= verdict.is(freed, ()) || !numbers.is_empty();
            }
            Call::Release(numbers) => {
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
            Call::Retain(numbers) => {
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
            Call::Lend(number) => {
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
            Call::Reclaim(numbers) => {
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
        assert_eq!((pages.out, pages.lent), (model.out.len() as u64, model.lent.len() as u64));
        assert_eq!((pages.bad, pool.audit().misplaced), (0, Some(0)));
        assert_eq!(pool.is_tainted(), tainted);
    }
    let rest: Vec<_> = model.out.into_keys().collect();
    // SAFETY: the model had these, and uses them no more.
    let freed = unsafe { cache.free_bulk_ignoring_refcounts(&ids(&rest)) };
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
