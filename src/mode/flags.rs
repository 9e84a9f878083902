//! A mode as a value.

use core::fmt;

use super::hardening::{CLAIM, POISON, QUARANTINE, SHUFFLE};
use super::{Mode, PRESETS};

/// A mode as a value, for reports and errors.
///
/// ```
/// use pagesheaf::{Checked, ModeFlags};
///
/// let mode = ModeFlags::of::<Checked>();
/// assert_eq!(mode.to_string(), "Checked (refcount, checks, stats)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ModeFlags {
    /// [`Mode::REFCOUNT`].
    pub refcount: bool,
    /// [`Mode::CHECKS`], as in effect.
    pub checks: bool,
    /// [`Mode::STATS`].
    pub stats: bool,
    /// [`Mode::HARDENING`]: a set of the constants of [`hardening`](super::hardening).
    pub hardening: u8,
    /// [`Mode::COMPACT`].
    pub compact: bool,
}

impl ModeFlags {
    /// The value of a mode.
    #[must_use]
    pub const fn of<M: Mode>() -> Self {
        ModeFlags {
            refcount: M::REFCOUNT,
            checks: M::CHECKS,
            stats: M::STATS,
            hardening: M::HARDENING,
            compact: M::COMPACT,
        }
    }

    /// The preset with these constants, if there is one.
    ///
    /// ```
    /// # use pagesheaf::{Checked, ModeFlags, Select};
    /// assert_eq!(ModeFlags::of::<Checked>().preset(), Some("Checked"));
    /// assert_eq!(ModeFlags::of::<Select<false, true, false, 0>>().preset(), None);
    /// ```
    #[must_use]
    pub fn preset(self) -> Option<&'static str> {
        PRESETS.iter().find(|(_, flags)| *flags == self).map(|preset| preset.0)
    }
}

impl fmt::Display for ModeFlags {
    /// The preset, or `Custom`, and what is on: `Checked (refcount, checks, stats)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.preset().unwrap_or("Custom"))?;
        let named = [
            (self.refcount, "refcount"),
            (self.checks, if self.compact { "compact checks" } else { "checks" }),
            (self.stats, "stats"),
            (self.hardening & CLAIM != 0, "claim"),
            (self.hardening & POISON != 0, "poison"),
            (self.hardening & QUARANTINE != 0, "quarantine"),
            (self.hardening & SHUFFLE != 0, "shuffle"),
        ];
        let mut first = true;
        for (_, name) in named.into_iter().filter(|(on, _)| *on) {
            write!(f, "{}{name}", if first { "" } else { ", " })?;
            first = false;
        }
        f.write_str(if first { "nothing)" } else { ")" })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;

    use super::super::{Select, hardening};
    use super::*;

    #[test]
    fn a_mode_names_what_is_on() {
        let said = |flags: ModeFlags| flags.to_string();
        type Only<const HARDENING: u8> = Select<false, true, false, HARDENING>;
        assert_eq!(said(ModeFlags::of::<Only<0>>()), "Custom (checks)");
        assert_eq!(said(ModeFlags::of::<Only<{ hardening::CLAIM }>>()), "Custom (checks, claim)");
        assert_eq!(said(ModeFlags::of::<Only<{ hardening::POISON }>>()), "Custom (checks, poison)");
        let quarantine = said(ModeFlags::of::<Only<{ hardening::QUARANTINE }>>());
        assert_eq!(quarantine, "Custom (checks, quarantine)");
        let shuffle = said(ModeFlags::of::<Only<{ hardening::SHUFFLE }>>());
        assert_eq!(shuffle, "Custom (checks, shuffle)");
    }
}
