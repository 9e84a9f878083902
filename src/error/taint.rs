//! What made a pool one that cannot be trusted fully.
//!
//! Invariant: a [`Taint`] is of the first cause, and stays as it is.

use core::fmt;

use crate::mode::ModeFlags;
use crate::page::{Fault, PageId};
use crate::trail::Trail;

/// Declares the public calls in which a cause can be found, each with its name.
macro_rules! calls {
    ($($variant:ident = $name:literal,)+) => {
        /// A public call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Call {
            $(#[doc = concat!("`", $name, "`.")] $variant,)+
        }

        /// All of them, in their order.
        const NAMES: &[&str] = &[$($name),+];
    };
}

calls! {
    Alloc = "alloc",
    AllocZeroed = "alloc_zeroed",
    AllocBulk = "alloc_bulk",
    AllocBulkZeroed = "alloc_bulk_zeroed",
    AllocBulkExact = "alloc_bulk_exact",
    AllocBulkRaw = "alloc_bulk_raw",
    AllocBlock = "alloc_block",
    AllocBlockRaw = "alloc_block_raw",
    AllocBlocksBulk = "alloc_blocks_bulk",
    AllocBlocksBulkRaw = "alloc_blocks_bulk_raw",
    AllocAt = "alloc_at",
    AllocAtRaw = "alloc_at_raw",
    AllocBlockAt = "alloc_block_at",
    FillVacant = "fill_vacant",
    Free = "free",
    FreeBulk = "free_bulk",
    FreeBulkRaw = "free_bulk_raw",
    FreeBulkIgnoringRefcounts = "free_bulk_ignoring_refcounts",
    FreeBlock = "free_block",
    FreeBlockRaw = "free_block_raw",
    SplitBlock = "split",
    SplitBlockRaw = "split_block_raw",
    RetainBulk = "retain_bulk",
    RetainMany = "retain_many",
    ReleaseBulk = "release_bulk",
    ReleaseMany = "release_many",
    Clone = "clone",
    Lend = "lend",
    LendBulk = "lend_bulk",
    LendNew = "lend_new",
    Reclaim = "reclaim",
    ReclaimBulk = "reclaim_bulk",
    ReclaimAt = "reclaim_at",
    ReclaimAll = "reclaim_all",
    FreeLent = "free_lent",
    Drop = "drop",
    Idle = "idle",
    Drain = "drain",
    Wait = "a call that waits",
    StealIdle = "steal_idle",
    Maintain = "maintain",
    FreeBulkAfter = "free_bulk_after",
    ReapFences = "reap_fences",
    Online = "online",
    Offline = "offline",
    Close = "close",
    RecoverForgotten = "recover_forgotten",
    AfterFork = "after_fork",
}

impl Call {
    /// The number of the call that has this name, from 1 on.
    pub(crate) const fn number(self) -> u32 {
        self as u32 + 1
    }

    /// The name of the call with this number.
    pub(crate) fn name_of(number: u32) -> Option<&'static str> {
        NAMES.get((number as usize).checked_sub(1)?).copied()
    }
}

/// Why a pool is tainted: see [`Taint`].
///
/// ```
/// # use pagesheaf::{Pool, Taint, TaintReason};
/// fn log(taint: &Taint) {
///     match taint.reason {
///         TaintReason::RefcountsIgnored => { /* the program said so itself */ }
///         reason => eprintln!("the pool is tainted: {reason}"),
///     }
/// }
/// let builder = Pool::builder(1000).on_taint(log);
/// # let _ = builder;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaintReason {
    /// A page was bad: refused, and left as it was; or withheld, because it was found bad while it was free.
    Fault(Fault),
    /// Pages were freed whatever their counts were: others may use theirs.
    RefcountsIgnored,
    /// Metadata was corrupt, in a place that does not tell of which page.
    Metadata,
}

impl fmt::Display for TaintReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaintReason::Fault(fault) => write!(f, "{fault}"),
            reason => write!(f, "{}: {}", reason.fact(), reason.advice()),
        }
    }
}

impl TaintReason {
    /// What happened, if it is no fault, which says so itself.
    const fn fact(self) -> &'static str {
        match self {
            TaintReason::Fault(_) => "",
            TaintReason::RefcountsIgnored => "was freed whatever its count was",
            TaintReason::Metadata => "metadata was corrupt",
        }
    }

    /// What to do about it.
    const fn advice(self) -> &'static str {
        match self {
            TaintReason::Fault(fault) => fault.advice(),
            TaintReason::RefcountsIgnored => "use no other reference to it",
            TaintReason::Metadata => "look for a stray write, or for a use after a free",
        }
    }
}

/// What tainted a pool first: it goes on, but something in the program is wrong, or was declared to be. See
/// [`Pool::taint`](crate::Pool::taint).
///
/// ```
/// # use pagesheaf::{Pool, TaintReason};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let id = pool.alloc_raw()?;
/// // SAFETY: the page is ours, nobody wrote it, and who holds it besides is gone for good.
/// unsafe { pool.free_bulk_ignoring_refcounts(&[id]) }?;
/// let taint = pool.taint().expect("the call taints");
/// assert_eq!((taint.reason, taint.page), (TaintReason::RefcountsIgnored, Some(id)));
/// assert_eq!(taint.call, Some("free_bulk_ignoring_refcounts"));
/// println!("{taint}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Taint {
    /// Why.
    pub reason: TaintReason,
    /// The first page of which it is known.
    pub page: Option<PageId>,
    /// The name of the call in which it was found, such as `free_bulk`, or of the one for many pages that it is made
    /// of; `drop` of any drop. `None` while that call has not ended, and where a stack of the depot was cut off before
    /// anything else was found.
    pub call: Option<&'static str>,
    /// The pool's mode.
    pub mode: ModeFlags,
    /// The page's events as it tainted the pool, where they are kept.
    pub(crate) trail: Trail,
}

impl fmt::Debug for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Taint { reason, page, call, mode, trail: _ } = self;
        let mut debug = f.debug_struct("Taint");
        debug.field("reason", reason).field("page", page).field("call", call);
        debug.field("mode", mode).finish()
    }
}

impl Taint {
    /// The sentence without the mode.
    pub(crate) fn say(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(page) = self.page {
            write!(f, "{page} ")?;
        }
        match self.reason {
            TaintReason::Fault(fault) => write!(f, "{}", fault.fact(&""))?,
            reason => f.write_str(reason.fact())?,
        }
        if let Some(call) = self.call {
            write!(f, ", found by {call}")?;
        }
        write!(f, "{}: {}", self.trail, self.reason.advice())
    }
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.say(f)?;
        write!(f, " [{}]", self.mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_the_name_of_its_number() {
        for (call, name) in [(Call::Alloc, "alloc"), (Call::AfterFork, "after_fork")] {
            assert_eq!(Call::name_of(call.number()), Some(name));
        }
        let last = Call::AfterFork.number();
        assert_eq!((Call::name_of(0), Call::name_of(last + 1)), (None, None));
        assert_eq!(NAMES.len(), last as usize);
    }
}
