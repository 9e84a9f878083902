//! Figures are added up one by one, and none is left out.

extern crate std;

use std::{format, string::ToString};

use core::mem::{MaybeUninit, forget};

use super::*;
use crate::inner::tests::build;
use crate::mode::{Checked, Hardened};

const NONE: Pages = Pages {
    capacity: 0,
    free: 0,
    cached: 0,
    out: 0,
    lent: 0,
    bad: 0,
    offline: 0,
    fenced: 0,
    promised: 0,
    lost: 0,
};

#[test]
fn pages_add_up_to_the_capacity_and_to_nothing_else() {
    let some = Pages { capacity: 511, free: 1, cached: 2, out: 4, lent: 8, bad: 16, ..NONE };
    let pages = Pages { offline: 32, promised: 64, lost: 128, fenced: 256, ..some };
    assert!(pages.adds_up());
    for wrong in [
        Pages { capacity: 510, ..pages },
        Pages { free: 3, ..pages },
        Pages { cached: 0, ..pages },
        Pages { out: 5, ..pages },
        Pages { lent: 0, ..pages },
        Pages { bad: 17, ..pages },
        Pages { offline: 0, ..pages },
        Pages { fenced: 0, ..pages },
        Pages { promised: 0, ..pages },
        Pages { lost: 0, ..pages },
    ] {
        assert!(!wrong.adds_up(), "{wrong}");
    }
    let most = Pages { capacity: u64::MAX, free: u64::MAX, ..NONE };
    assert!(most.adds_up() && !Pages { out: 1, ..most }.adds_up());
    let text = "capacity 511 = free 1 + cached 2 + out 4 + lent 8 + bad 16";
    assert_eq!(
        pages.to_string(),
        format!("{text} + offline 32 + fenced 256 + promised 64 + lost 128")
    );
    let own = Pages { fenced: 0, promised: 0, lost: 0, ..pages };
    assert_eq!(own.to_string(), format!("{text} + offline 32"), "only a forked child has lost any");
    assert_eq!(some.to_string(), text, "a pool of a fixed size has none offline");
}

#[test]
fn calls_of_several_caches_are_added_one_by_one() {
    let of = |n: u64| Calls {
        allocated: n,
        freed: n + 1,
        alloc_calls: n + 2,
        free_calls: n + 3,
        short: n + 4,
        depot_refills: n + 5,
        shared_refills: n + 6,
        idle_refills: n + 10,
        zone_refills: n + 7,
        depot_flushes: n + 8,
        zone_flushes: n + 9,
        failed_exact: n + 11,
    };
    let sum = Calls {
        allocated: 1010,
        freed: 1012,
        alloc_calls: 1014,
        free_calls: 1016,
        short: 1018,
        depot_refills: 1020,
        shared_refills: 1022,
        idle_refills: 1030,
        zone_refills: 1024,
        depot_flushes: 1026,
        zone_flushes: 1028,
        failed_exact: 1032,
    };
    assert_eq!(of(10).plus(of(1000)), sum);
    assert_eq!(of(10).plus(Calls::default()), of(10));
    let text = "allocated 10 in 12 calls (14 short, 21 all-or-none failed), freed 11 in 13 calls; \
                refills 15 depot, 16 shared, 20 idle, 17 zone; flushes 18 depot, 19 zone";
    assert_eq!(of(10).to_string(), text);
}

#[test]
fn statistics_leave_out_what_there_was_none_of() {
    let said = |text: Option<Stats>| text.map(|stats| stats.to_string()).expect("they are kept");
    let words = ["allocated without a cache ", "poison verified on ", "purged "];
    let checked = build::<Checked>(|builder| builder);
    let text = said(checked.stats());
    assert!(words.iter().all(|words| !text.contains(words)), "{text}");
    let hardened = build::<Hardened>(|builder| builder.max_caches(1).shared_caches(0));
    assert_eq!(hardened.alloc_bulk_raw(&mut [MaybeUninit::uninit(); 3]).0.len(), 3);
    let stats = Stats { purged: 1, ..hardened.stats().expect("they are kept") };
    let text = said(Some(stats));
    assert!(
        text.contains("allocated without a cache 3") && text.contains("purged 1 page"),
        "{text}"
    );
    assert!(text.contains("poison verified on 0 pages"), "{text}");
    forget((checked, hardened));
}
