//! Misuse of pages that are offline.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::suite::{Misuse, Scene, Verdict, said, when};
use crate::common::*;

/// What is said of a page that is offline.
pub const OFFLINE: &str = "is offline: call Pool::online to bring it back";

impl<M: Mode> Scene<M> {
    /// A page that has just gone offline.
    pub fn offline(&mut self) -> PageId {
        let id = self.ids[0];
        self.free(&[id]);
        self.one.drain();
        assert_eq!(self.pool.offline(0..100).expect("they are online").count(), 61);
        assert!(self.pool.is_offline(id));
        id
    }
}

misuses! {
    free_offline, "free of a page that is offline", |mode| when(mode.checks, OFFLINE), |scene| {
        let id = scene.offline();
        scene.misfree(&[id], 0)
    }
    free_never_online, "free of a page that was never online", |mode| when(mode.checks, OFFLINE), |scene| {
        let pool = build::<M>(100, |builder| builder.magazine_capacity(4).shared_caches(0).initially(50));
        scene.bad = Some((PageId::new(70), 1));
        let page = pool.alloc().expect("a page").into_raw();
        // SAFETY: not so: the second page is offline.
        let said = said(unsafe { pool.free_bulk_raw(&[page, PageId::new(70)]) });
        std::mem::forget(pool);
        said
    }
    own_offline, "`Page::from_raw` of a page that is offline: panics",
        |_| Verdict::Detected("pagesheaf: page {page} is offline: call Pool::online to bring it back [{mode}]"), |scene| {
        let id = scene.offline();
        // SAFETY: not so: the page is offline. There is no owner.
        let owned = || std::mem::forget(unsafe { Page::from_raw(&scene.pool, id) });
        let panic = catch_unwind(AssertUnwindSafe(owned)).expect_err("it is offline");
        let said = panic.downcast_ref::<String>().expect("a text");
        Some(said.replace(&id.to_string(), "page {page}"))
    }
    free_block_offline, "free of a block whose pages are offline", |mode| when(mode.checks, OFFLINE), |scene| {
        let first = scene.one.alloc_block_raw(order(3)).expect("60 pages are free");
        // SAFETY: the block is out, and nobody else has it.
        assert_eq!(unsafe { scene.one.free_block_raw(first, order(3)) }, Ok(()));
        let pages = first.index()..first.index() + 8;
        assert_eq!(scene.pool.offline(pages).expect("they are online").count(), 8);
        scene.bad = Some((first, 0));
        // SAFETY: not so: the pages are offline. The pool is not used again if it is not found.
        said(unsafe { scene.two.free_block_raw(first, order(3)) })
    }
    own_block_offline, "`Block::from_raw` of a block with a page that is offline: panics",
        |_| Verdict::Detected("pagesheaf: page {page} is offline: call Pool::online to bring it back [{mode}]"), |scene| {
        let id = scene.offline();
        let first = PageId::new(id.index() & !7);
        // SAFETY: not so: a page is offline. There is no owner.
        let owned = || std::mem::forget(unsafe { Block::from_raw(&scene.pool, first, order(3)) });
        let panic = catch_unwind(AssertUnwindSafe(owned)).expect_err("it is offline");
        let said = panic.downcast_ref::<String>().expect("a text");
        let named = said.split(' ').nth(2).expect("a number");
        assert!(scene.pool.is_offline(PageId::new(named.parse().expect("a number"))));
        Some(said.replacen(named, "{page}", 1))
    }
    reclaim_offline, "reclaim of a page that is offline", |_| Verdict::Detected(OFFLINE), |scene| {
        let id = scene.offline();
        scene.bad = Some((id, 0));
        // SAFETY: not so: the page is offline. Its owner, if there is one, is forgotten.
        said(unsafe { scene.pool.reclaim(id) }.map(std::mem::forget))
    }
    online_twice, "bringing a page online that is online",
        |_| Verdict::Detected("page 0 is online already: name pages that are offline, which Pool::is_offline tells; none has come online"), |scene| {
        // SAFETY: not so: the pages are online.
        unsafe { scene.pool.online(0..100) }.err().map(|error| error.to_string())
    }
}
