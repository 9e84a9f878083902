//! A device that uses pages after their owners have given them up, in the order of tickets.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::thread;

use pagesheaf::{Fence, FenceError, Mode, PageId};

use crate::oracle::lets_go;
use crate::programs::{self, BULK, BulkAlloc, Case};
use crate::random::Random;

/// So many bulks can be with the device.
const DEPTH: usize = 64;

/// What the device has been given, by ticket, and how far it has come. One pool is tried at a time; tickets go on.
struct Device {
    given: [AtomicPtr<Vec<PageId>>; DEPTH],
    next: AtomicU64,
    done: AtomicU64,
}

static DEVICE: Device = Device {
    given: [const { AtomicPtr::new(null_mut()) }; DEPTH],
    next: AtomicU64::new(0),
    done: AtomicU64::new(0),
};

/// The fences of the program's pools.
pub static FENCES: [&dyn Fence; 1] = [&DEVICE];

impl Fence for Device {
    fn passed(&self, ticket: u64) -> bool {
        // Acquire: pairs with the Release in `work`.
        self.done.load(Ordering::Acquire) >= ticket
    }
}

impl Device {
    /// Gives the device pages, and returns their ticket.
    fn give(&self, ids: Vec<PageId>) -> u64 {
        let ids = Box::into_raw(Box::new(ids));
        let ticket = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        // The place is another ticket's until the device is done with that. Acquire: pairs with the Release in `work`.
        while self.done.load(Ordering::Acquire) + (DEPTH as u64) < ticket {
            thread::yield_now();
        }
        // Release: pairs with the Acquire in `work`.
        let before = self.given[ticket as usize % DEPTH].swap(ids, Ordering::Release);
        assert!(before.is_null(), "the device was given two lists with ticket {ticket}");
        ticket
    }

    /// Looks at the pages that it was given first, for the last time. Says whether there were any.
    fn work<M: Mode>(&self, case: &Case<M>) -> bool {
        let ticket = self.done.load(Ordering::Relaxed) + 1;
        // Acquire: pairs with the Release in `give`.
        let ids = self.given[ticket as usize % DEPTH].swap(null_mut(), Ordering::Acquire);
        if ids.is_null() {
            return false;
        }
        // SAFETY: it was a box, and who swaps it out has it alone.
        for id in *unsafe { Box::from_raw(ids) } {
            let page = case.pool.ptr(id).expect("a page").as_ptr();
            // SAFETY: nobody else has the page before its ticket has passed.
            lets_go(id, unsafe { std::slice::from_raw_parts(page, case.pool.page_size()) });
        }
        // Release: pairs with the Acquire in `passed`.
        self.done.store(ticket, Ordering::Release);
        true
    }
}

/// Says at its end that no more pages come.
struct AtEnd;

impl Drop for AtEnd {
    fn drop(&mut self) {
        END.store(true, Ordering::Release);
    }
}

/// Whether no more pages come. A static, because ThreadSanitizer knows nothing of the fence by which the last `Arc`
/// goes.
static END: AtomicBool = AtomicBool::new(false);

/// Threads give pages to a device and then up, with its ticket; it looks at them later.
pub fn device<M: Mode>(case: &Case<M>, threads: u64) {
    END.store(false, Ordering::Release);
    // Also if a thread panics: then the device ends, and the program fails.
    let at_end = AtEnd;
    let device = programs::beside(case, |case| {
        while DEVICE.work(case) || !END.load(Ordering::Acquire) {
            thread::yield_now();
        }
    });
    programs::spawn(case, threads, gives);
    drop(at_end);
    device.join().expect("no panic");
    case.pool.reap_fences();
    assert_eq!(case.pool.audit().pages.fenced, 0, "{}", case.pool);
}

fn gives<M: Mode>(case: &Case<M>, seed: u64) {
    let mut cache = case.cache();
    let mut random = Random::new(seed);
    while case.goes_on() {
        let mut bulk = BulkAlloc::default();
        case.alloc_bulk(&mut cache, &mut bulk, 1 + random.below(BULK), seed as u32 + 1);
        if random.below(4) == 0 {
            case.free_bulk(&mut cache, &mut bulk);
            continue;
        }
        let ticket = DEVICE.give(bulk.ids().to_vec());
        loop {
            let free = match &mut cache {
                Some(cache) => cache.free_bulk_after(&mut bulk, ticket),
                None => case.pool.free_bulk_after(&mut bulk, ticket),
            };
            match free {
                Ok(()) => break,
                Err(error) => assert_eq!(error, FenceError::NoMagazine, "{}", case.pool),
            }
            thread::yield_now();
        }
    }
}
