//! The modes that are measured: each preset, and each hardening switch alone.

use pagesheaf::{Builder, Mode, Pool, Select, hardening};

/// `Checked`, hardened by some switches.
pub type With<const HARDENING: u8> = Select<true, true, true, HARDENING>;

/// Calls a function for each mode in which used pages do not wait: the arguments, then the mode's
/// name.
macro_rules! every_mode_without_quarantine {
    ($one:ident($($arg:expr),*)) => {{
        use pagesheaf::{Bare, Checked, Compact, NoChecks, NoRefcount, NoStats, hardening};
        use $crate::modes::With;
        $one::<Bare>($($arg,)* "Bare");
        $one::<NoRefcount>($($arg,)* "NoRefcount");
        $one::<NoChecks>($($arg,)* "NoChecks");
        $one::<NoStats>($($arg,)* "NoStats");
        $one::<Checked>($($arg,)* "Checked");
        $one::<Compact>($($arg,)* "Compact");
        $one::<With<{ hardening::CLAIM }>>($($arg,)* "Checked+claim");
        $one::<With<{ hardening::POISON }>>($($arg,)* "Checked+poison");
        $one::<With<{ hardening::SHUFFLE }>>($($arg,)* "Checked+shuffle");
    }};
}

/// As above, for those in which they do.
macro_rules! every_mode_with_quarantine {
    ($one:ident($($arg:expr),*)) => {{
        use pagesheaf::{Hardened, hardening};
        use $crate::modes::With;
        $one::<With<{ hardening::QUARANTINE }>>($($arg,)* "Checked+quarantine");
        $one::<Hardened>($($arg,)* "Hardened");
    }};
}

/// As above, for all of them.
macro_rules! every_mode {
    ($one:ident($($arg:expr),*)) => {{
        every_mode_without_quarantine!($one($($arg),*));
        every_mode_with_quarantine!($one($($arg),*));
    }};
}

/// Pages that wait in a quarantine, where the mode has one.
const WAITING: usize = 4096;

/// How many pages wait before they are used again: they may be resident, too.
pub fn waiting<M: Mode>() -> u64 {
    if M::HARDENING & hardening::QUARANTINE != 0 { WAITING as u64 } else { 0 }
}

/// A pool to be built that does not touch its memory by itself: nothing is poisoned beforehand, and
/// a quarantine does not go round the whole region.
pub fn untouched<M: Mode>(pages: usize) -> Builder<M> {
    let builder = Pool::builder(pages).mode::<M>();
    let poisons = M::HARDENING & hardening::POISON != 0;
    let builder = if poisons { builder.poison_lazily(true) } else { builder };
    if waiting::<M>() > 0 { builder.quarantine_length(WAITING) } else { builder }
}
