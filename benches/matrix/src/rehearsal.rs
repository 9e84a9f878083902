//! One sample of everything that somebody does, not timed for a report: for the tests of who brings rivals.

use anyhow::{Context, Result, ensure};

use crate::case::{Case, Extent, OUT, cases};
use crate::contender::Order;
use crate::entry::Entry;
use crate::partner::Partner;

/// Has somebody do each case that it does, in its plain form, of bulks of 1, 8 and 64 pages. Then looks whether its
/// pages are back. Returns how many cases these were.
///
/// # Errors
/// When the pages cannot be had, when a case handles too few, or when pages are missing at its end.
pub fn rehearse(entry: &Entry) -> Result<usize> {
    let partner = Partner::new((None, None))?;
    let few = |case: &Case| {
        let plain = !case.touched && case.order == Order::Scattered;
        plain && [1, 8, 64].contains(&case.bulk) && case.out != Some(OUT[1])
    };
    let mut all = cases(Extent::All);
    all.retain(|case| few(case) && entry.does(case));
    let mut count = 0;
    for cases in all.chunk_by(|one, other| one.setup() == other.setup()) {
        let setup = cases[0].setup();
        let mut stand = entry.make(&setup).with_context(|| entry.name)?;
        for case in cases {
            let what = || format!("{}, {}, n = {}", entry.name, case.label(), case.bulk);
            let Ok(mut ready) = stand.prepare(case, 64) else { continue };
            for _ in 0..2 {
                ready.warm();
                let (_, pages) = ready.sample(&partner);
                ensure!(pages >= 16, "{}: only {pages} pages", what());
            }
            drop(ready);
            let free = stand.free_pages(setup.pages);
            // A cache of the other hand may hold some.
            let least = setup.pages - if setup.pages > 4096 { setup.pages / 10 } else { 0 };
            ensure!(free >= least, "{}: {free} of {} pages are back", what(), setup.pages);
            count += 1;
        }
    }
    Ok(count)
}
