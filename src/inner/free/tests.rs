//! What the end of a drop sees to.

use core::mem::{MaybeUninit, forget};
use core::pin::pin;

use crate::inner::tests::build;
use crate::line::{Class, Sleeper};
use crate::mode::Checked;
use crate::pool::Pool;

/// Somebody came to wait in the middle of a drop, whose page lies in a slot then.
#[test]
fn the_end_of_a_drop_tells_who_waits() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(1));
    let mut room = [MaybeUninit::uninit(); 4];
    let ids = pool.alloc_bulk_raw(&mut room).0.to_vec();
    // SAFETY: pages that are out are freed once.
    assert_eq!(unsafe { pool.free_bulk_raw(&ids) }, Ok(()));
    let core = &*pool.core;
    let seen = core.line.event();
    core.see_to_drop();
    assert_eq!(core.line.event(), seen, "nobody waits");
    {
        let spot = pin!(core.spot(Class::Ordinary, Sleeper::Thread, 1));
        core.come_to_wait(&spot);
        core.see_to_drop();
        assert_ne!(core.line.event(), seen);
    }
    forget(pool);
}

/// It is not counted as brought, neither where a slot is to be had nor where none is.
#[test]
fn a_page_that_a_drop_could_not_free_is_out() {
    for shared in [1, 0] {
        let builder = Pool::builder(100).page_size(64).mode::<Checked>();
        let made = builder.max_caches(1).shared_caches(shared).build();
        // Without an allocator there is none.
        let Ok(pool) = made else { return };
        let page = pool.alloc().expect("a page");
        pool.core.lend(page.id()).expect("it is out");
        drop(page);
        let left = pool.core.not_out();
        assert_eq!((pool.core.faults(), left.least, left.most), (1, 99, 99));
        forget(pool);
    }
}
