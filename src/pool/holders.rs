//! Who has the pages that no call can get at.
//!
//! Invariant: figures are of about the moment at which the iterator comes to a cache, and none is above what two
//! magazines can hold.

use core::fmt;

use super::{Calls, Pool};
use crate::error::Count;
use crate::mode::Mode;
use crate::slot::Slot;

/// How many free pages one cache holds: see [`Pool::holders`].
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(1000).build()?;
/// let rx = pool.cache_named("rx").min(4).build()?;
/// for holder in pool.holders() {
///     println!("{:?} has {} pages: {holder}", holder.name, holder.pages);
/// }
/// # drop(rx);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The number of the cache: see [`Cache::number`](crate::Cache::number). Shared ones come after the others.
    pub number: usize,
    /// Its name, if it has one: see [`Pool::cache_named`].
    pub name: Option<&'static str>,
    /// What the cache is doing, and so who can have the pages.
    pub state: HolderState,
    /// Free pages in it.
    pub pages: usize,
}

/// What a cache is doing that holds pages.
///
/// ```
/// # use pagesheaf::{HolderState, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(1000).build()?;
/// let parked = pool.cache_named("rx").min(4).build()?.park();
/// assert!(pool.holders().any(|holder| holder.state == HolderState::Idle));
/// # drop(parked);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HolderState {
    /// Its owner may be using it: nobody else can have the pages before its next call.
    InUse,
    /// Its owner may be using it, and it is stealable ([`Pool::cache_stealable`]): [`Pool::steal_idle`] gets the pages,
    /// unless it is in a call at that moment.
    Stealable,
    /// Its owner is idle ([`Cache::idle`](crate::Cache::idle), [`Cache::park`](crate::Cache::park)): whoever runs
    /// dry gets the pages.
    Idle,
    /// It is no cache of somebody's own, but one that the calls of a [`Pool`] and drops use: whoever runs dry gets
    /// the pages, unless it is in use at that moment.
    Shared,
}

impl fmt::Display for HolderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HolderState::InUse => "in use",
            HolderState::Stealable => "stealable",
            HolderState::Idle => "idle",
            HolderState::Shared => "shared",
        })
    }
}

impl Holder {
    fn cache(&self) -> Named {
        Named { number: self.number, name: self.name }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holder { state, pages, .. } = *self;
        let cache = self.cache();
        write!(f, "{cache} ({state}) holds {}", Count(pages as u64, "page"))
    }
}

/// A cache, as texts speak of it.
pub(super) struct Named {
    pub(super) number: usize,
    pub(super) name: Option<&'static str>,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Named { number, name } = self;
        match name {
            Some(name) => write!(f, "cache {number} {name:?}"),
            None => write!(f, "cache {number}"),
        }
    }
}

impl<M: Mode> Pool<M> {
    /// The caches that hold free pages, each with its number and how many: whose they are when a call comes back
    /// short with [`ShortReason::Cached`](crate::ShortReason::Cached). In any mode; as of about now.
    ///
    /// Free pages that no cache holds are in the zone or in the depots, where every call can get at them.
    ///
    /// ```
    /// # use pagesheaf::{HolderState, Pool, ShortReason};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1).build()?;
    /// let (mut one, mut two) = (pool.cache()?, pool.cache()?);
    /// let page = two.alloc()?;
    /// two.free(page);
    /// assert_eq!(one.alloc().err(), Some(ShortReason::Cached));
    /// let holder = pool.holders().next().expect("a cache has the page");
    /// assert_eq!((holder.number, holder.state, holder.pages), (two.number(), HolderState::InUse, 1));
    /// assert_eq!(holder.to_string(), "cache 1 (in use) holds 1 page");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn holders(&self) -> impl Iterator<Item = Holder> {
        let slots = self.core.slots.iter().enumerate();
        slots.map(|(number, slot)| self.holder(number, slot)).filter(|holder| holder.pages > 0)
    }

    /// The caches that somebody has, or that hold pages, or did something: each with whether either of the first two is
    /// so, and what it did.
    pub(in crate::pool) fn caches(&self) -> impl Iterator<Item = (Holder, bool, Calls)> {
        let slots = self.core.slots.iter().enumerate().map(|(number, slot)| {
            let holder = self.holder(number, slot);
            let calls = if M::STATS { Calls::of(&slot.counters) } else { Calls::default() };
            (holder, slot.is_locked() || holder.pages > 0, calls)
        });
        slots.filter(|(_, is_used, calls)| *is_used || *calls != Calls::default())
    }

    /// A line for each of these caches.
    pub(super) fn report_caches(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.caches().try_for_each(|(holder, is_used, calls)| {
            match is_used || holder.state == HolderState::Shared {
                true => write!(f, "\n  {holder}")?,
                false => write!(f, "\n  {}, which nobody has", holder.cache())?,
            }
            if M::STATS { write!(f, ": {calls}") } else { Ok(()) }
        })
    }

    /// What the cache with this number holds, be it nothing.
    fn holder(&self, number: usize, slot: &Slot) -> Holder {
        let state = if number >= self.core.owned_slots {
            HolderState::Shared
        } else if slot.is_idle() {
            HolderState::Idle
        } else if slot.is_claimable() {
            HolderState::Stealable
        } else {
            HolderState::InUse
        };
        Holder { number, name: slot.name.get(), state, pages: slot.cached() }
    }
}
