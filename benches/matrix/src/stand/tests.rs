//! Every case of every shape, run once.

use super::*;
use crate::bulks::BULKS;
use crate::case::{Extent, cases};
use crate::contenders::Modal;

/// The sequence has every size, about as often as any other, and every bulk; everybody gets the same.
#[test]
fn sizes_at_random_are_all_there_and_the_same_each_time() {
    for n in [8, 64, 256] {
        let count = 1 << 15;
        let picks = mixed_picks(count, n);
        assert_eq!(picks, mixed_picks(count, n));
        let mut counts = vec![0; n + 1];
        picks.iter().for_each(|pick| counts[usize::from(pick.1)] += 1);
        let (least, most) = (count / n / 2, count / n * 2);
        assert_eq!(counts[0], 0);
        assert!(counts[1..].iter().all(|it| (least..most).contains(it)), "{n}: {counts:?}");
        let places: std::collections::HashSet<_> = picks.iter().map(|pick| pick.0).collect();
        assert_eq!(places.len(), mixed_places(n));
        // Full bulks have about as many pages as `random` has, and fit even if all were full.
        assert!(mixed_places(n) * n <= PAGES);
    }
}

/// What the ends of a pipe make and free differs, and each page still comes back once.
#[test]
fn uneven_pipes_and_mixed_bulks_lose_no_page() {
    let everybody = crate::entries::<false>();
    let some = ["copy-floor", "ring-only", "driver-lifo", "raw", "Bare", "Checked"];
    let some = everybody.iter().filter(|entry| some.contains(&entry.name));
    for entry in some.chain(everybody.iter().filter(|entry| entry.name.ends_with("async"))) {
        crate::rehearse(entry).expect("no page is missing");
    }
}

/// Every shape handles the pages that it says, in every form, and leaves none out.
#[test]
fn every_case_runs_and_leaves_nothing_out() {
    use pagesheaf::Checked;
    let cores = (None, None);
    let partner = Partner::new(cores).expect("a second thread");
    let few =
        |case: &Case| [1, 32, 64].contains(&case.bulk) && case.out.is_none_or(|out| out < 1 << 20);
    let waits = |case: &Case| case.shape == Shape::Wait;
    let all = cases(Extent::All);
    for case in all.iter().filter(|case| few(case) && !case.touched && !waits(case)) {
        let mut hands = Hands::<Modal<Checked>>::new(&case.setup()).expect("pages");
        let mut ready = hands.prepare(case, 64).expect("ready");
        // So often that all bulks of a hot pair have had their turn.
        for _ in 0..if case.shape == Shape::HotPair { BULKS + 2 } else { 2 } {
            ready.warm();
            let (time, pages) = ready.sample(&partner);
            let whole = case.shape.is_uneven() || pages.is_multiple_of(case.bulk);
            assert!(pages >= 16 && whole && !time.is_zero());
        }
        drop(ready);
        let all = fill::<Modal<Checked>, 8>(&mut hands.0.0, 2 * case.setup().pages, 1);
        // The other hand's cache may hold some.
        assert!(all.len() > case.setup().pages * 9 / 10, "{case:?}: {}", all.len());
    }
}
