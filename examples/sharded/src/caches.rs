//! The caches of a thread, one for each pool of pages that it has called.
//!
//! The interface has no place for one, so each thread finds its own by the address of the pool. Others take pages out
//! of it when they find none, so a thread that sleeps keeps nothing from them.

use std::cell::RefCell;

use pagesheaf::{Cache, DefaultMode};

use crate::pages::Pages;

/// One that gives up its pages while it is in no call.
type Stealable = Cache<DefaultMode, true>;

struct Mine {
    pages: &'static Pages,
    /// `None` if the pool has none to give.
    cache: Option<Stealable>,
}

thread_local! {
    static CACHES: RefCell<Vec<Mine>> = const { RefCell::new(Vec::new()) };
}

/// Calls it with this thread's cache; `None` if there is none, or the thread is about to end.
pub fn with<R>(pages: &'static Pages, call: impl FnOnce(&mut Stealable) -> R) -> Option<R> {
    let of_all = |caches: &RefCell<Vec<Mine>>| {
        let mut caches = caches.try_borrow_mut().ok()?;
        let at = match caches.iter().position(|mine| std::ptr::eq(mine.pages, pages)) {
            Some(at) => at,
            None => {
                let cache = pages.pool().and_then(|pool| pool.cache_stealable().ok());
                caches.push(Mine { pages, cache });
                caches.len() - 1
            }
        };
        caches[at].cache.as_mut().map(call)
    };
    CACHES.try_with(of_all).ok().flatten()
}
