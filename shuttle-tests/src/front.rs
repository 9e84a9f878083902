//! What a task makes its calls on: a pool, or a cache of one kind or the other.

use pagesheaf::{Cache, Mode, Page, PageBatch, Pool};

use crate::owners::Owners;

/// Pages to a bulk.
pub const BULK: usize = 64;

/// A bulk.
pub type Bulk<M> = PageBatch<M, BULK>;

/// A task's way into the pool.
pub enum Front<M: Mode> {
    Pool(Pool<M>),
    Plain(Cache<M>),
    Stealable(Cache<M, true>),
}

/// Makes a call through whichever it is.
macro_rules! through {
    ($front:expr, |$it:ident| $call:expr) => {
        match $front {
            $crate::front::Front::Pool($it) => $call,
            $crate::front::Front::Plain($it) => $call,
            $crate::front::Front::Stealable($it) => $call,
        }
    };
}

pub(crate) use through;

impl<M: Mode> Front<M> {
    /// A cache if there is one left, or the pool: 0 asks for a plain one, 1 for a stealable one.
    pub fn open(pool: &Pool<M>, kind: usize) -> Self {
        let cache = match kind {
            0 => pool.cache().map(Front::Plain).ok(),
            1 => pool.cache_stealable().map(Front::Stealable).ok(),
            _ => None,
        };
        cache.unwrap_or_else(|| Front::Pool(pool.clone()))
    }

    /// Goes idle while `nap` runs, in the one way or in the other.
    pub fn rest(self, parks: bool, nap: impl FnOnce()) -> Self {
        match self {
            Front::Plain(cache) if parks => {
                let parked = cache.park();
                nap();
                Front::Plain(parked.resume())
            }
            Front::Stealable(cache) if parks => {
                let parked = cache.park();
                nap();
                Front::Stealable(parked.resume())
            }
            Front::Plain(mut cache) => {
                cache.idle(nap);
                Front::Plain(cache)
            }
            Front::Stealable(mut cache) => {
                cache.idle(nap);
                Front::Stealable(cache)
            }
            Front::Pool(pool) => {
                nap();
                Front::Pool(pool)
            }
        }
    }
}

/// A task: what it calls on, and as whom.
pub struct Task<'a, M: Mode> {
    pub front: Front<M>,
    pub owners: &'a Owners,
    pub name: u32,
}

impl<M: Mode> Task<'_, M> {
    /// Up to so many pages more for the bulk. Says whether all came.
    #[track_caller]
    pub fn alloc_bulk(&mut self, bulk: &mut Bulk<M>, want: usize) -> bool {
        let before = bulk.len();
        let got = through!(&mut self.front, |front| front.alloc_bulk(bulk, want));
        assert_eq!(
            (bulk.len(), got.reason.is_none()),
            (before + got.allocated, got.allocated == want)
        );
        self.owners.took_from(bulk, before, self.name);
        got.reason.is_none()
    }

    /// All or none.
    #[track_caller]
    pub fn alloc_bulk_exact(&mut self, bulk: &mut Bulk<M>, want: usize) -> bool {
        let before = bulk.len();
        let got = through!(&mut self.front, |front| front.alloc_bulk_exact(bulk, want).is_ok());
        assert_eq!(bulk.len() - before, if got { want } else { 0 });
        self.owners.took_from(bulk, before, self.name);
        got
    }

    /// One page.
    #[track_caller]
    pub fn alloc(&mut self) -> Option<Page<M>> {
        let mut page = through!(&mut self.front, |front| front.alloc()).ok()?;
        self.owners.took(page.id(), &mut page, self.name);
        Some(page)
    }

    /// One page, all of whose bytes are zero.
    #[track_caller]
    pub fn alloc_zeroed(&mut self) -> Option<Page<M>> {
        let mut page = through!(&mut self.front, |front| front.alloc_zeroed()).ok()?;
        assert!(page.iter().all(|&byte| byte == 0), "{}", page.id());
        self.owners.took(page.id(), &mut page, self.name);
        Some(page)
    }

    #[track_caller]
    pub fn free(&mut self, page: Page<M>) {
        self.owners.lets_go(page.id(), &page);
        through!(&mut self.front, |front| front.free(page));
    }

    #[track_caller]
    pub fn free_bulk(&mut self, bulk: &mut Bulk<M>) {
        self.owners.lets_all_go(bulk);
        through!(&mut self.front, |front| front.free_bulk(bulk));
    }

    /// Drops them: past the task's cache.
    #[track_caller]
    pub fn drop_bulk(&self, bulk: &mut Bulk<M>) {
        self.owners.lets_all_go(bulk);
        drop(std::mem::replace(bulk, Bulk::empty()));
    }
}
