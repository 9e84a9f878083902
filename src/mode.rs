//! Modes: what a pool does per page, chosen when it is compiled.
//!
//! Invariant: a mode is a type with four constants, and every mode is compiled in every build. Cargo features
//! choose only what [`DefaultMode`] is. This module and `lib.rs` are the only places that look at features.

use core::fmt;

mod sealed {
    pub trait Sealed {}
}

/// The compile-time policy of a pool. Sealed: use a preset, [`Select`] or [`DefaultMode`].
///
/// Safe code is sound in every mode. A mode changes which misuse of the `unsafe` calls, and which corruption of
/// memory, is *detected*; see `features.md`.
pub trait Mode: sealed::Sealed + Copy + fmt::Debug + Send + Sync + 'static {
    /// Pages carry a reference count, and a raw free refuses a page whose count is not one.
    const REFCOUNT: bool;
    /// Pages are verified when they return, and when they move to or from the zone.
    ///
    /// On as well in every hardened mode, and in every mode when the final binary is built with
    /// `--cfg pagesheaf_force_checks`.
    const CHECKS: bool;
    /// Calls are counted per cache.
    const STATS: bool;
    /// Verification on leaving too, racing double frees caught exactly, poison, quarantine, shuffled reuse.
    const HARDENED: bool;
}

/// Whether whoever builds the final binary has raised the checks of every mode.
const FORCED: bool = cfg!(pagesheaf_force_checks);

/// A mode spelled out. Sixteen spellings name twelve modes: hardening includes the checks.
#[derive(Clone, Copy, Debug)]
pub struct Select<const REFCOUNT: bool, const CHECKS: bool, const STATS: bool, const HARDENED: bool>(
    (),
);

impl<const R: bool, const C: bool, const S: bool, const H: bool> sealed::Sealed
    for Select<R, C, S, H>
{
}

impl<const R: bool, const C: bool, const S: bool, const H: bool> Mode for Select<R, C, S, H> {
    const REFCOUNT: bool = R;
    const CHECKS: bool = C || H || FORCED;
    const STATS: bool = S;
    const HARDENED: bool = H;
}

/// Reference counts, checks and statistics: what the default features choose.
pub type Checked = Select<true, true, true, false>;
/// [`Checked`] without a reference count per page.
pub type NoRefcount = Select<false, true, true, false>;
/// [`Checked`] without the checks.
pub type NoChecks = Select<true, false, true, false>;
/// [`Checked`] without the statistics.
pub type NoStats = Select<true, true, false, false>;
/// Nothing but the pages.
pub type Bare = Select<false, false, false, false>;
/// Everything, with poison, quarantine and exact detection of racing double frees.
pub type Hardened = Select<true, true, true, true>;

/// The mode that this build's Cargo features choose.
///
/// A type of its own, not an alias: a crate that names it keeps compiling whatever features another crate of the
/// same program turns on.
#[derive(Clone, Copy, Debug)]
pub struct DefaultMode(());

impl sealed::Sealed for DefaultMode {}

impl Mode for DefaultMode {
    const REFCOUNT: bool = cfg!(feature = "refcount");
    const CHECKS: bool = cfg!(feature = "checks") || cfg!(feature = "hardened") || FORCED;
    const STATS: bool = cfg!(feature = "stats");
    const HARDENED: bool = cfg!(feature = "hardened");
}

/// Modes whose pages carry a reference count, so that they can be shared.
pub trait Refcounted: Mode {}

impl<const C: bool, const S: bool, const H: bool> Refcounted for Select<true, C, S, H> {}

#[cfg(feature = "refcount")]
impl Refcounted for DefaultMode {}

/// A mode as a value, for reports and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ModeFlags {
    /// [`Mode::REFCOUNT`].
    pub refcount: bool,
    /// [`Mode::CHECKS`], as in effect.
    pub checks: bool,
    /// [`Mode::STATS`].
    pub stats: bool,
    /// [`Mode::HARDENED`].
    pub hardened: bool,
}

impl ModeFlags {
    /// The value of a mode.
    #[must_use]
    pub const fn of<M: Mode>() -> Self {
        ModeFlags {
            refcount: M::REFCOUNT,
            checks: M::CHECKS,
            stats: M::STATS,
            hardened: M::HARDENED,
        }
    }

    /// The preset with these constants, if there is one.
    #[must_use]
    pub const fn preset(self) -> Option<&'static str> {
        Some(match (self.refcount, self.checks, self.stats, self.hardened) {
            (true, true, true, false) => "Checked",
            (false, true, true, false) => "NoRefcount",
            (true, false, true, false) => "NoChecks",
            (true, true, false, false) => "NoStats",
            (false, false, false, false) => "Bare",
            (true, true, true, true) => "Hardened",
            _ => return None,
        })
    }
}

impl fmt::Display for ModeFlags {
    /// The preset, or `Custom`, and what is on: `Checked (refcount, checks, stats)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.preset().unwrap_or("Custom"))?;
        let named = [
            (self.refcount, "refcount"),
            (self.checks, "checks"),
            (self.stats, "stats"),
            (self.hardened, "hardened"),
        ];
        let mut first = true;
        for (_, name) in named.into_iter().filter(|(on, _)| *on) {
            write!(f, "{}{name}", if first { "" } else { ", " })?;
            first = false;
        }
        f.write_str(if first { "nothing)" } else { ")" })
    }
}
