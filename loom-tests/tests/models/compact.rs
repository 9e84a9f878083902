//! The byte of a page, in the mode that has no words: by itself, and through the calls.

use std::sync::Arc;

use loom_tests::{Cell, every_mode, race, race3};
use pagesheaf::models::Byte;
use pagesheaf::{Cache, Fault, Mode, Order, PageError, PageId, Pool};

use crate::common::{is_whole, pool};

every_mode! {
    /// A lent page is reclaimed by one of those who try, who sees what was done before it was lent.
    marking, Exhaustive, at least 20;
    fn a_page_with_a_byte_is_reclaimed_once<M: Mode>() {
        let page = Arc::new((Byte::out(), Cell::default()));
        let (first, second) = (Arc::clone(&page), Arc::clone(&page));
        let reclaim = |page: &(Byte, Cell)| {
            let reclaimed = page.0.reclaim();
            match reclaimed {
                Ok(()) => page.1.bump(),
                Err(fault) => assert_eq!(fault, Fault::NotLent),
            }
            usize::from(reclaimed.is_ok())
        };
        let (a, b, ()) = race3(move || reclaim(&first), move || reclaim(&second), || {
            page.1.bump();
            page.0.lend().expect("owned");
        });
        assert!(a + b <= 1);
    }
}

every_mode! {
    /// Of two frees of a block that race, one wins and the other one is told.
    marking, Exhaustive, at least 2;
    fn a_block_with_bytes_is_freed_once<M: Mode>() {
        let order = Order::new(1).expect("a small order");
        let byte = Arc::new(Byte::out());
        byte.head_block(order);
        let other = Arc::clone(&byte);
        let freed = race(move || other.try_free_block(order), || byte.try_free_block(order));
        assert!(matches!(freed, (Ok(()), Err(Fault::NotABlock)) | (Err(Fault::NotABlock), Ok(()))));
    }
}

every_mode! {
    /// The same of a free and a split.
    marking, Exhaustive, at least 2;
    fn a_block_with_bytes_is_split_or_freed_once<M: Mode>() {
        let order = Order::new(1).expect("a small order");
        let byte = Arc::new(Byte::out());
        byte.head_block(order);
        let other = Arc::clone(&byte);
        let done = race(move || other.try_free_block(order), || byte.try_split_block(order));
        assert!(matches!(done, (Ok(()), Err(Fault::NotABlock)) | (Err(Fault::NotABlock), Ok(()))));
    }
}

/// Frees a page by its id, whoever has it.
fn free<M: Mode>(pool: &Pool<M>, id: PageId) -> Result<(), PageError> {
    // SAFETY: the callers' second frees break the promise, which this mode finds.
    unsafe { pool.free_bulk_raw(&[id]) }
}

every_mode! {
    /// A second free of a page that is free is told, though the page is just moving from a magazine
    /// to the zone: its byte says the same all the way.
    marking, Composite, at least 4;
    fn a_double_free_is_told_while_its_page_moves<M: Mode>() {
        let pool = pool::<M>(2, 1, 1, 2);
        let mut cache: Cache<M> = pool.cache().expect("a slot");
        let id = cache.alloc().expect("a page").into_raw();
        // SAFETY: the page is out.
        assert_eq!(unsafe { cache.free_bulk_raw(&[id]) }, Ok(()));
        let other = pool.clone();
        let (twice, ()) = race(move || free(&other, id), || cache.drain());
        assert_eq!(twice.map_err(|error| error.fault), Err(Fault::AlreadyFree));
        drop(cache);
        let audit = pool.audit();
        assert!(audit.pages.adds_up() && audit.pages.out == 0, "{audit}");
        assert_eq!(audit.misplaced, Some(0), "{audit}");
    }
}

every_mode! {
    /// Of two frees of one page that race, at least one succeeds; the other is told, or goes
    /// unseen. A third that comes after both is told.
    marking, Composite, at least 10;
    fn of_two_racing_frees_at_most_one_is_told<M: Mode>() {
        let pool = pool::<M>(1, 0, 1, 1);
        let id = pool.alloc().expect("a page").into_raw();
        let other = pool.clone();
        let (a, b) = race(move || free(&other, id), || free(&pool, id));
        assert!(a.is_ok() || b.is_ok());
        let told = |freed: Result<(), PageError>| freed.map_err(|error| error.fault);
        for freed in [told(a), told(b)] {
            assert!(matches!(freed, Ok(()) | Err(Fault::AlreadyFree)));
        }
        assert_eq!(told(free(&pool, id)), Err(Fault::AlreadyFree));
    }
}

every_mode! {
    /// A page of one owner goes past the slots, in and out of the zone, while another does the same
    /// with the other page: each comes back as it should.
    marking, Composite, at least 10;
    fn a_page_with_a_byte_goes_past_the_slots<M: Mode>() {
        let pool = pool::<M>(2, 1, 0, 1);
        let other = pool.clone();
        let turn = |pool: &Pool<M>| drop(pool.alloc().expect("there are two"));
        race(move || turn(&other), || turn(&pool));
        is_whole(&pool);
    }
}
