//! Stamping models over modes.

use pagesheaf::{Select, hardening};

/// Counts alone.
pub type RefcountOnly = Select<true, false, false, 0>;

/// The hardening switch `claim` alone, with statistics, as the three below.
pub type ClaimOnly = Select<false, true, true, { hardening::CLAIM }>;

/// `poison` alone.
pub type PoisonOnly = Select<false, true, true, { hardening::POISON }>;

/// `quarantine` alone.
pub type QuarantineOnly = Select<false, true, true, { hardening::QUARANTINE }>;

/// `shuffle` alone.
pub type ShuffleOnly = Select<false, true, true, { hardening::SHUFFLE }>;

/// Makes a test of a model for every mode that plays a part in it.
///
/// ```text
/// every_mode! {
///     /// What is claimed.
///     claiming, Exhaustive, at least 20;
///     fn the_claim<M: Mode>() { … }
/// }
/// ```
///
/// The modes are the presets and each hardening switch alone, as far as they are of the kind that is named: `all`,
/// `refcounted`, `checking`, `running` (their checked frees go by runs, and chance does not decide where pages
/// lie), `one` (`Checked` alone, of what takes too long), `few` (`Checked`, `Bare` and poison alone, of what takes
/// long), `claiming`, `poisoning`, `marking` (pages have a byte); or `any` when the mechanism does not know modes.
/// `Compact` is in `marking`, and in those of the other models in which a byte changes hands: `all_and_compact`,
/// `checking_and_compact`. Names of modes that are no presets end in `_only`.
#[macro_export]
macro_rules! every_mode {
    (@modes all $model:tt) => {
        $crate::every_mode! { @stamp $model checked: Checked, no_refcount: NoRefcount, no_checks: NoChecks,
            no_stats: NoStats, bare: Bare, hardened: Hardened, claim_only: ClaimOnly, poison_only: PoisonOnly,
            quarantine_only: QuarantineOnly, shuffle_only: ShuffleOnly }
    };
    (@modes one $model:tt) => {
        $crate::every_mode! { @stamp $model checked: Checked }
    };
    (@modes few $model:tt) => {
        $crate::every_mode! { @stamp $model checked: Checked, bare: Bare, poison_only: PoisonOnly }
    };
    (@modes refcounted $model:tt) => {
        $crate::every_mode! { @stamp $model checked: Checked, no_checks: NoChecks, no_stats: NoStats,
            hardened: Hardened, refcount_only: RefcountOnly }
    };
    (@modes checking $model:tt) => {
        $crate::every_mode! { @stamp $model checked: Checked, no_refcount: NoRefcount, no_stats: NoStats,
            hardened: Hardened, claim_only: ClaimOnly, poison_only: PoisonOnly, quarantine_only: QuarantineOnly,
            shuffle_only: ShuffleOnly }
    };
    (@modes running $model:tt) => {
        $crate::every_mode! { @stamp $model checked: Checked, no_refcount: NoRefcount, no_stats: NoStats,
            poison_only: PoisonOnly, quarantine_only: QuarantineOnly }
    };
    (@modes all_and_compact $model:tt) => {
        $crate::every_mode! { @stamp $model checked: Checked, no_refcount: NoRefcount, no_checks: NoChecks,
            no_stats: NoStats, bare: Bare, hardened: Hardened, claim_only: ClaimOnly, poison_only: PoisonOnly,
            quarantine_only: QuarantineOnly, shuffle_only: ShuffleOnly, compact: Compact }
    };
    (@modes checking_and_compact $model:tt) => {
        $crate::every_mode! { @stamp $model checked: Checked, no_refcount: NoRefcount, no_stats: NoStats,
            hardened: Hardened, claim_only: ClaimOnly, poison_only: PoisonOnly, quarantine_only: QuarantineOnly,
            shuffle_only: ShuffleOnly, compact: Compact }
    };
    (@modes marking $model:tt) => {
        $crate::every_mode! { @stamp $model compact: Compact }
    };
    (@modes claiming $model:tt) => {
        $crate::every_mode! { @stamp $model hardened: Hardened, claim_only: ClaimOnly }
    };
    (@modes poisoning $model:tt) => {
        $crate::every_mode! { @stamp $model hardened: Hardened, poison_only: PoisonOnly }
    };
    (@modes any $model:tt) => {
        $crate::every_mode! { @stamp $model any: Bare }
    };
    (@stamp { $name:ident, $bound:ident, $least:literal } $($test:ident: $mode:ident),+) => {$(
        #[test]
        fn $test() {
            let (name, mode) = (stringify!($name), stringify!($test));
            $crate::Model { name, mode, bound: $crate::Bound::$bound, least: $least }.check(body::<$mode>);
        }
    )+};
    (
        $(#[$doc:meta])+
        $modes:ident, $bound:ident, at least $least:literal;
        fn $name:ident<$mode:ident: $trait:ident>() $body:block
    ) => {
        $(#[$doc])+
        mod $name {
            #[allow(unused_imports, reason = "each model uses some")]
            use {
                super::*,
                $crate::{ClaimOnly, PoisonOnly, QuarantineOnly, RefcountOnly, ShuffleOnly},
                pagesheaf::*,
            };

            fn body<$mode: $trait>() $body

            $crate::every_mode! { @modes $modes { $name, $bound, $least } }
        }
    };
}
