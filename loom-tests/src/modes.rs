//! Stamping models over modes.

use pagesheaf::{Select, hardening};

/// Hardening without counts and statistics.
pub type HardenedOnly = Select<false, true, false, { hardening::ALL }>;

/// Counts alone.
pub type RefcountOnly = Select<true, false, false, 0>;

/// Makes a test of a model for every mode that plays a part in it.
///
/// ```text
/// every_mode! {
///     /// What is claimed.
///     hardened, Exhaustive, at least 20;
///     fn the_claim<M: Mode>() { … }
/// }
/// ```
///
/// The modes are `all`, `refcounted`, `checking`, `hardened`, or `any` when the mechanism does not know modes.
#[macro_export]
macro_rules! every_mode {
    (@modes all $model:tt) => {
        $crate::every_mode! { @stamp $model checked: Checked, no_refcount: NoRefcount, no_checks: NoChecks,
            no_stats: NoStats, bare: Bare, hardened: Hardened }
    };
    (@modes refcounted $model:tt) => {
        $crate::every_mode! { @stamp $model checked: Checked, no_checks: NoChecks, no_stats: NoStats,
            hardened: Hardened, refcount_only: RefcountOnly }
    };
    (@modes checking $model:tt) => {
        $crate::every_mode! { @stamp $model checked: Checked, no_refcount: NoRefcount, no_stats: NoStats,
            hardened: Hardened, hardened_only: HardenedOnly }
    };
    (@modes hardened $model:tt) => {
        $crate::every_mode! { @stamp $model hardened: Hardened, hardened_only: HardenedOnly }
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
            use {super::*, $crate::{HardenedOnly, RefcountOnly}, pagesheaf::*};

            fn body<$mode: $trait>() $body

            $crate::every_mode! { @modes $modes { $name, $bound, $least } }
        }
    };
}
