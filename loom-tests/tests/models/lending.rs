//! Pages that are lent to a device, and come back.

use loom_tests::{Owners, every_mode, race};
use pagesheaf::{Mode, PageId, Pool};

use crate::common::{is_whole, pool, visit};

/// The device is done with a page: it is free.
fn comes_back<M: Mode>(pool: &Pool<M>, id: PageId) {
    let offset = pool.offset(id).expect("a page of the pool");
    // SAFETY: the pool has lent the page, no device has it any more, and nobody has written to it.
    let freed = unsafe { pool.free_lent([offset]) };
    assert_eq!(freed.expect("it is lent"), 1);
}

/// Lends both pages, or what there is, and hands one to a device, which is done with it soon. The other
/// goes back as if it had not been asked for.
fn lends_two<M: Mode>(pool: &Pool<M>, owners: &Owners) {
    let mut pages = pool.lend_new(2);
    let Some(id) = pages.ids().next() else { return };
    owners.takes(id);
    drop(pages);
    owners.gives(id);
    comes_back(pool, id);
}

fn two_lend<M: Mode>(shared: usize) {
    let pool = pool::<M>(2, 1, shared, 1);
    let owners = Owners::new(2);
    let (its_pool, its_owners) = (pool.clone(), owners.clone());
    race(move || lends_two(&its_pool, &its_owners), || lends_two(&pool, &owners));
    assert_eq!(pool.audit().pages.lent, 0);
    is_whole(&pool);
}

every_mode! {
    /// Two threads lend pages to devices that are soon done, past all slots: no page has two devices.
    all_and_compact, Dry, at least 100;
    fn a_lent_page_has_one_device<M: Mode>() {
        two_lend::<M>(0);
    }
}

every_mode! {
    /// The same through a shared slot.
    all_and_compact, Dry, at least 100;
    fn a_page_lent_through_a_shared_slot_has_one_device<M: Mode>() {
        two_lend::<M>(1);
    }
}

every_mode! {
    /// A device is done with the only page while somebody asks for one: who gets it finds what the device
    /// had written.
    all_and_compact, Composite, at least 10;
    fn a_page_that_comes_back_brings_what_was_written<M: Mode>() {
        let pool = pool::<M>(1, 1, 0, 1);
        let owners = Owners::new(1);
        let id = pool.lend_new(1).ids().next().expect("a new pool");
        owners.takes(id);
        let (its_pool, its_owners) = (pool.clone(), owners.clone());
        race(
            move || {
                its_owners.gives(id);
                comes_back(&its_pool, id);
            },
            || drop(visit(&owners, || pool.alloc())),
        );
        assert_eq!(pool.audit().pages.lent, 0);
        is_whole(&pool);
    }
}

every_mode! {
    /// Who looks which pages are lent, while one comes back and another is lent, sees one of them, both
    /// or none, and neither twice.
    checking_and_compact, Composite, at least 10;
    fn a_look_at_what_is_lent_names_no_other<M: Mode>() {
        let pool = pool::<M>(2, 1, 0, 1);
        let first = pool.lend_new(1).ids().next().expect("a new pool");
        let other = pool.clone();
        let (second, mut seen) = race(
            move || {
                let second = other.lend_new(1).ids().next().expect("one is left");
                comes_back(&other, first);
                second
            },
            || pool.lent().expect("a mode that checks").collect::<Vec<_>>(),
        );
        seen.dedup();
        assert!(seen.iter().all(|&id| id == first || id == second) && seen.len() <= 2, "{seen:?}");
        let lent: Vec<_> = pool.lent().expect("a mode that checks").collect();
        assert_eq!(lent, [second]);
        comes_back(&pool, second);
        is_whole(&pool);
    }
}
