//! Modes: what a pool does per page, chosen when it is compiled.
//!
//! Invariant: a mode is a type with five constants, and every mode is compiled in every build.
//! Cargo features choose only what [`DefaultMode`] is. This module and `lib.rs` are the only places
//! that look at features; what the layers below decide by is derived from the five constants here
//! ([`Policy`]), and nowhere else.
//!
//! # The switches
//!
//! | switch | frustrates | needs | costs | does not catch |
//! |---|---|---|---|---|
//! | `REFCOUNT` | a raw free of a page that others hold, and raw calls with a page out of range | 4 bytes a page | one load a page, on raw frees and shared pages | double frees; references used after a free that ignored the counts |
//! | `CHECKS` | double frees; frees of pages that are lent, in a block, or out of range; reclaims of pages that are not lent; corrupted words when their page goes to or leaves the zone; corrupted links, lengths, and ids out of range in the depot | 4 bytes a page | about ten instructions a page that comes back | a double free after the page was allocated again; two frees of one page at the same instant; writes to freed pages |
//! | `COMPACT` | as `CHECKS`, by a byte a page; two frees of one page at the same instant go unseen more often | a byte a page | a load and two stores a page | what `CHECKS` does not catch |
//! | `STATS` | nothing | counters in each slot | an add a call | |
//! | [`CLAIM`] | two frees of one page at the same instant (exactly one succeeds), and words that were corrupted while their page was free (it is withheld when it would leave) | checks | two compare-and-swaps a page; no fast path, for allocation or for frees | a double free after the page was allocated again; writes to freed pages |
//! | [`POISON`] | writes to a page after its free, found when it leaves again; reads of its old bytes, which are gone | checks, a bit a page, pages that are bytes | writing each page when the pool is built (`Builder::poison_lazily`: by its first free); writing and reading each page (`Builder::poison_every`: one page in n); no fast path, for allocation or for frees | reads after the free, which see poison; writes of the poison's own byte; writes to pages that are not sampled; what `CHECKS` does not catch of frees |
//! | [`QUARANTINE`] | the reuse of a page right after its free | checks | pages are cold when they come back; no fast path for frees | a use of the page after it was allocated again; what `CHECKS` does not catch of frees |
//! | [`SHUFFLE`] | the guess which page comes next from the order of frees; a corrupted word, when its page's magazine is shuffled | checks | a swap and two words a page refilled; no fast path for frees | whoever can read the state of the generator; what `CHECKS` does not catch of frees |
//!
//! A hardening switch turns checks on. None of them catches
//!
//! - a write through a stale pointer to a page that is out again;
//! - a double free after the page was allocated again: it looks like the new owner's free;
//! - another pool's page whose number is that of a page that is out here;
//! - bytes that a caller left uninitialised.
//!
//! [`CLAIM`]: hardening::CLAIM
//! [`POISON`]: hardening::POISON
//! [`QUARANTINE`]: hardening::QUARANTINE
//! [`SHUFFLE`]: hardening::SHUFFLE

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};

mod flags;

pub use flags::ModeFlags;

mod sealed {
    pub trait Sealed {}
}

/// The hardening switches, for [`Mode::HARDENING`]: a set, joined with `|`. Each of them implies
/// checks.
///
/// ```
/// use pagesheaf::{Mode, Select, hardening};
///
/// type ClaimAndPoison = Select<true, true, true, { hardening::CLAIM | hardening::POISON }>;
/// assert!(ClaimAndPoison::CHECKS && ClaimAndPoison::HARDENING & hardening::SHUFFLE == 0);
/// ```
pub mod hardening {
    /// None of them.
    pub const NONE: u8 = 0;
    /// Pages leave and return by a compare-and-swap of their word: of two frees of one page at the
    /// same instant exactly one succeeds, and a page whose word was corrupted while it was free is
    /// withheld.
    pub const CLAIM: u8 = 1;
    /// Freed pages are overwritten, and the pattern is verified when they leave: a page that was
    /// written after its free is withheld. `Builder::poison_every` does so for one page in n.
    ///
    /// All pages are overwritten when the pool is built, too, so that all its memory is there at
    /// once; with `Builder::poison_lazily`, each page by its first free only.
    pub const POISON: u8 = 2;
    /// Freed pages wait: new ones come from the zone first, then from the depots.
    pub const QUARANTINE: u8 = 4;
    /// Pages leave in a shuffled order.
    pub const SHUFFLE: u8 = 8;
    /// All of them.
    pub const ALL: u8 = CLAIM | POISON | QUARANTINE | SHUFFLE;
}

use hardening::{ALL, CLAIM, POISON, QUARANTINE, SHUFFLE};

/// The compile-time policy of a pool. Sealed: use a preset, [`Select`] or [`DefaultMode`].
///
/// Safe code is sound in every mode. A mode changes which misuse of the `unsafe` calls, and which
/// corruption of memory, is *detected*; see `features.md`.
///
/// ```
/// use pagesheaf::{Bare, Hardened, Mode};
///
/// assert!(!Bare::STATS && Hardened::CHECKS);
/// ```
pub trait Mode:
    sealed::Sealed + Copy + fmt::Debug + Send + Sync + UnwindSafe + RefUnwindSafe + 'static
{
    /// Pages carry a reference count, and a raw free refuses a page whose count is not one.
    const REFCOUNT: bool;
    /// Pages are verified when they return, and when they move to or from the zone.
    ///
    /// On as well in every mode with hardening, and in every mode when the final binary is built
    /// with `--cfg pagesheaf_force_checks`.
    const CHECKS: bool;
    /// Calls are counted per cache.
    const STATS: bool;
    /// What is done beyond the checks: a set of the constants of [`hardening`].
    const HARDENING: u8;
    /// The checks keep a byte a page, which says what the page is and not where it lies: see
    /// [`Compact`], the only mode that does so.
    const COMPACT: bool = false;
}

/// Whether whoever builds the final binary has raised the checks of every mode.
const FORCED: bool = cfg!(pagesheaf_force_checks);

/// What the layers below decide by, derived from a mode's five constants.
pub(crate) trait Policy: Mode {
    /// A racing double free is caught exactly: pages are marked as they leave and as they return.
    const CLAIMS: bool = Self::HARDENING & CLAIM != 0;
    /// Freed pages are poisoned.
    const POISONS: bool = Self::HARDENING & POISON != 0;
    /// Freed pages wait behind those of the zone and the depots.
    const QUARANTINES: bool = Self::HARDENING & QUARANTINE != 0;
    /// A magazine is shuffled when it is loaded.
    const SHUFFLES: bool = Self::HARDENING & SHUFFLE != 0;
    /// A page is looked at when it leaves, so that there is no fast path for allocation.
    const VERIFIES_ON_ALLOC: bool = Self::CLAIMS || Self::POISONS;
    /// Freed pages go into the previous magazine, from which nothing is allocated before it is
    /// loaded.
    const FREES_TO_PREVIOUS: bool = Self::QUARANTINES || Self::SHUFFLES;
    /// Frees may take the fast path.
    const FREES_FAST: bool = !(Self::VERIFIES_ON_ALLOC || Self::FREES_TO_PREVIOUS);
    /// Each page has a word that says what it is; in `COMPACT`, which checks too, it has a byte.
    const HAS_WORDS: bool = Self::CHECKS && !Self::COMPACT;
    /// Nothing but the count is looked at when a page comes back by its id.
    const COUNTS_ONLY: bool = Self::REFCOUNT && !Self::CHECKS;
}

impl<M: Mode> Policy for M {}

/// A mode spelled out. `HARDENING` is a set of the constants of [`hardening`].
///
/// ```
/// use pagesheaf::{Pool, Select, hardening};
///
/// type Quarantined = Select<false, true, false, { hardening::QUARANTINE }>;
/// let builder = Pool::builder(100).mode::<Quarantined>();
/// # let _ = builder;
/// ```
#[derive(Clone, Copy)]
pub struct Select<const REFCOUNT: bool, const CHECKS: bool, const STATS: bool, const HARDENING: u8>(
    (),
);

impl<const R: bool, const C: bool, const S: bool, const H: u8> sealed::Sealed
    for Select<R, C, S, H>
{
}

impl<const R: bool, const C: bool, const S: bool, const H: u8> Mode for Select<R, C, S, H> {
    const REFCOUNT: bool = R;
    const CHECKS: bool = C || Self::HARDENING != 0 || FORCED;
    const STATS: bool = S;
    const HARDENING: u8 = {
        assert!(H & !ALL == 0, "HARDENING is a set of the constants of pagesheaf::hardening");
        H
    };
}

impl<const R: bool, const C: bool, const S: bool, const H: u8> fmt::Debug for Select<R, C, S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", ModeFlags::of::<Self>())
    }
}

/// Declares the presets, each a type of its own, so that an error or a `Debug` text names it.
macro_rules! presets {
    ($(
        $(#[$doc:meta])+
        $name:ident = $refcount:literal, $checks:literal, $stats:literal, $hardening:expr,
            $compact:literal;
    )+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Copy, Debug)]
            pub struct $name(());

            impl sealed::Sealed for $name {}

            impl Mode for $name {
                const REFCOUNT: bool = $refcount;
                const CHECKS: bool = $checks || FORCED;
                const STATS: bool = $stats;
                const HARDENING: u8 = $hardening;
                const COMPACT: bool = $compact;
            }
        )+

        /// The presets by name, each with what it spells.
        const PRESETS: [(&str, ModeFlags); 7] = [$((
            stringify!($name),
            ModeFlags {
                refcount: $refcount,
                checks: $checks,
                stats: $stats,
                hardening: $hardening,
                compact: $compact,
            },
        )),+];
    };
}
presets! {
    /// Reference counts, checks and statistics: what the default features choose.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Fault, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool: Pool<Checked> = Pool::builder(100).mode().build()?;
    /// let id = pool.alloc_raw()?;
    /// // SAFETY: the page is ours, and nobody wrote it. The second free breaks the rules, and is refused.
    /// let freed = unsafe { pool.free_raw(id).and_then(|()| pool.free_raw(id)) };
    /// assert_eq!(freed.map_err(|error| error.fault), Err(Fault::AlreadyFree));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Checked = true, true, true, 0, false;
    /// [`Checked`] without a reference count per page.
    ///
    /// ```
    /// # use pagesheaf::{NoRefcount, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool: Pool<NoRefcount> = Pool::builder(100).mode().build()?;
    /// let page = pool.alloc()?; // `into_shared` does not compile
    /// assert!(!pool.mode().refcount && pool.mode().stats);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    NoRefcount = false, true, true, 0, false;
    /// [`Checked`] without the checks.
    ///
    /// ```
    /// # use pagesheaf::{NoChecks, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool: Pool<NoChecks> = Pool::builder(100).mode().build()?;
    /// let shared = pool.alloc()?.into_shared();
    /// assert_eq!(shared.clone().refcount(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    NoChecks = true, false, true, 0, false;
    /// [`Checked`] without the statistics.
    ///
    /// ```
    /// # use pagesheaf::{NoStats, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool: Pool<NoStats> = Pool::builder(100).mode().build()?;
    /// assert!(pool.stats().is_none(), "not collected");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    NoStats = true, true, false, 0, false;
    /// Nothing but the pages.
    ///
    /// ```
    /// # use pagesheaf::{Bare, PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool: Pool<Bare> = Pool::builder(100).mode().build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 64)?;
    /// pool.free_bulk(&mut batch);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Bare = false, false, false, 0, false;
    /// Everything: [`Checked`], and every switch of [`hardening`]. Building the pool writes to all
    /// of its pages ([`hardening::POISON`]), unless `Builder::poison_lazily` puts it off.
    ///
    /// ```
    /// # use pagesheaf::{Hardened, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool: Pool<Hardened> = Pool::builder(1).mode().build()?;
    /// let start = pool.alloc()?.base_ptr();
    /// // SAFETY: the memory is still mapped. This breaks the rules all the same: the page is free.
    /// unsafe { start.write(7) };
    /// assert!(pool.alloc().is_err(), "the only page is withheld");
    /// println!("{}", pool.bad_pages().next().expect("a page is bad"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Hardened = true, true, true, ALL, false;
    /// [`NoRefcount`], with a byte a page in place of a word: for pools with very many pages out,
    /// for frees in a random order, and where metadata must be small.
    ///
    /// A page's byte is written as the page leaves and as it comes back. A free looks at the byte
    /// alone, not at a magazine. So a free in any order costs the same, and one whose page comes
    /// back to where it was costs more than in [`NoRefcount`]. Two frees of one page at the same
    /// instant go unseen more often. `features.md` says where each form wins.
    ///
    /// ```
    /// # use pagesheaf::{Compact, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool: Pool<Compact> = Pool::builder(100).mode().build()?;
    /// assert_eq!(pool.mode().to_string(), "Compact (compact checks, stats)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Compact = false, true, true, 0, true;
}

/// The mode that this build's Cargo features choose: with the default ones, what [`Checked`] is.
///
/// A type of its own, not an alias: a crate that names it keeps compiling whatever features another
/// crate of the same program turns on.
///
/// ```
/// use pagesheaf::{DefaultMode, ModeFlags};
///
/// println!("{}", ModeFlags::of::<DefaultMode>());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DefaultMode(());

impl sealed::Sealed for DefaultMode {}

impl Mode for DefaultMode {
    const REFCOUNT: bool = cfg!(feature = "refcount");
    const CHECKS: bool = cfg!(feature = "checks") || Self::HARDENING != 0 || FORCED;
    const STATS: bool = cfg!(feature = "stats");
    const HARDENING: u8 = {
        let claim = if cfg!(feature = "claim") { CLAIM } else { 0 };
        let poison = if cfg!(feature = "poison") { POISON } else { 0 };
        let quarantine = if cfg!(feature = "quarantine") { QUARANTINE } else { 0 };
        let shuffle = if cfg!(feature = "shuffle") { SHUFFLE } else { 0 };
        claim | poison | quarantine | shuffle
    };
}

/// Modes whose pages carry a reference count, so that they can be shared.
///
/// ```
/// # use pagesheaf::{Pool, Refcounted, SharedPage, ShortReason};
/// /// Two owners of one page, of a pool in any mode that has them.
/// fn pair<M: Refcounted>(pool: &Pool<M>) -> Result<[SharedPage<M>; 2], ShortReason> {
///     let page = pool.alloc()?.into_shared();
///     Ok([page.clone(), page])
/// }
/// ```
pub trait Refcounted: Mode {}

impl<const C: bool, const S: bool, const H: u8> Refcounted for Select<true, C, S, H> {}
impl Refcounted for Checked {}
impl Refcounted for NoChecks {}
impl Refcounted for NoStats {}
impl Refcounted for Hardened {}

#[cfg(feature = "refcount")]
impl Refcounted for DefaultMode {}
