//! Who is told of pages.

use core::mem::{MaybeUninit, forget};
use core::pin::pin;

use crate::depot::Stack;
use crate::inner::tests::build;
use crate::line::{Class, Sleeper};
use crate::mode::Bare;

/// Wherever they are: in the zone, in a depot, or in a shared slot.
#[test]
fn who_waits_is_told_of_pages_and_of_nothing_else() {
    for place in 0..4 {
        let pool = build::<Bare>(|builder| builder.max_caches(0).shared_caches(1));
        let (core, tables) = (&*pool.core, &pool.core.magazines);
        let mut room = [MaybeUninit::uninit(); 100];
        let ids = pool.alloc_bulk_raw(&mut room).0.to_vec();
        assert_eq!((ids.len(), core.zone.free(), core.cached()), (100, 0, 0));
        match place {
            0 => {}
            1 => assert_eq!(core.zone.put(&ids[..1], |_| unreachable!("it is out")), 1),
            2 => {
                let empty = core.depots.first().pop::<Bare>(tables, Stack::Empty).expect("one");
                let mut open = tables.open::<Bare>(empty);
                open.as_mut().room(1).push_unchecked(&ids[..1]);
                let (some, len) = open.close::<Bare>(tables);
                core.depots.first().push(tables, some, len, Stack::Nonempty);
                assert!(core.depots.first().has(Stack::Nonempty));
            }
            // SAFETY: the page is out, and freed once.
            _ => assert_eq!(unsafe { pool.free_bulk_raw(&ids[..1]) }, Ok(())),
        }
        let before = core.line.event();
        core.see_to_waiters();
        assert_eq!(core.line.event(), before, "nobody waits");
        {
            let spot = pin!(core.spot(Class::Ordinary, Sleeper::Thread, 1));
            core.come_to_wait(&spot);
            core.see_to_waiters();
            assert_eq!(core.line.event() != before, place > 0, "{place}");
        }
        forget(pool);
    }
}
