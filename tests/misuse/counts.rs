//! Misuse of reference counts.

use super::memory::poisoned;
use super::resized::OFFLINE;
use super::suite::{Misuse, Scene, said, where_counted};
use crate::common::*;

/// As many references as one call may add to a page.
const MANY: usize = 1 << 16;

/// What is said of a count that holds no more.
const STUCK: &str = "has a reference count that has stuck at 8388608, and is never freed: look for \
                     references that are made and not dropped";

/// What is said where a page has three references, and four are to be given up.
const FEWER: &str = "has fewer references, 3, than were to be given up, so none was: look for one that is given up twice";

counted_misuses! {
    shared_as_sole, "free of a shared page as if by its sole owner",
        |mode| where_counted(mode, mode.refcount, "is shared by 2 references: use release_bulk, which gives up one reference"), |scene| {
        let id = scene.ids[0];
        // SAFETY: the page has one reference, of ours.
        assert_eq!(unsafe { scene.one.retain_bulk(&[id]) }, Ok(1));
        scene.misfree(&[id], 0)
    }
    underflow, "release of a page that nobody holds",
        |mode| where_counted(mode, mode.checks, "is already free: look for a second free"), |scene| {
        let id = scene.ids[0];
        // SAFETY: the page has one reference, of ours.
        assert_eq!(unsafe { scene.one.release_bulk(&[id]) }, Ok(1));
        scene.bad = Some((id, 0));
        // SAFETY: not so: there is none any more.
        said(unsafe { scene.two.release_bulk(&[id]) })
    }
    more_than_there_are, "release of more references to a page than it has",
        |mode| where_counted(mode, mode.refcount, FEWER), |scene| {
        let id = scene.ids[0];
        // SAFETY: the page has one reference, of ours.
        assert_eq!(unsafe { scene.one.retain_many(id, 2) }, Ok(()));
        scene.bad = Some((id, 0));
        // SAFETY: not so: there are three.
        said(unsafe { scene.two.release_many(id, 4) })
    }
    overflow, "more references to a page than its count can hold",
        |mode| where_counted(mode, mode.refcount, STUCK), |scene| {
        let id = scene.ids[0];
        let many = vec![id; MANY];
        // SAFETY: the page has a reference of ours; those that are added are not used.
        let retain = || unsafe { scene.pool.retain_bulk(&many) };
        let error = (0..1000).find_map(|_| retain().err()).expect("no count holds so many");
        // The count has stuck: the page is never freed again.
        scene.bad = Some((id, 0));
        // SAFETY: not all references are given up.
        said(unsafe { scene.one.release_bulk(&[id]) }).filter(|_| error.fault == Fault::Saturated)
    }
    after_an_elevated_free, "release of a reference after a free that overrode it",
        |mode| where_counted(mode, mode.checks, "is already free: look for a second free"), |scene| {
        let id = scene.ids[0];
        // SAFETY: the page has one reference, of ours.
        assert_eq!(unsafe { scene.one.retain_bulk(&[id]) }, Ok(1));
        // SAFETY: not so: one of the references is used below.
        assert_eq!(unsafe { scene.one.free_bulk_ignoring_refcounts(&[id]) }, Ok(()));
        assert!(scene.pool.is_tainted());
        scene.bad = Some((id, 0));
        // SAFETY: as above.
        let said = said(unsafe { scene.two.release_bulk(&[id]) });
        if !M::CHECKS {
            // The taint is all that tells: the reference was taken for the last one, and the page is handed out twice.
            let alloc = |cache: &mut Cache<M>| cache.alloc_bulk_raw(&mut no_ids::<1>()).0.to_vec();
            assert_eq!([alloc(&mut scene.one), alloc(&mut scene.two)], [[id], [id]]);
        }
        said
    }
    clone_after_an_elevated_free, "another reference made from one after a free that overrode it",
        |mode| where_counted(mode, mode.checks, "has a corrupt state word: look for a stray write, or for a use after a free [{mode}]"), |scene| {
        let id = scene.ids[0];
        // SAFETY: the page is out, and was never written.
        let stale = unsafe { Page::from_raw(&scene.pool, id) }.into_shared();
        // SAFETY: not so: the other holder uses its reference.
        assert_eq!(unsafe { scene.one.free_bulk_ignoring_refcounts(&[id]) }, Ok(()));
        let another = stale.clone();
        // The page leaves again, or is withheld.
        let _ = scene.two.alloc_bulk_raw(&mut no_ids::<100>());
        let bad = scene.pool.bad_pages().next();
        std::mem::forget((stale, another));
        bad.map(|bad| bad.to_string().replace(&format!("{id} "), ""))
    }
    read_after_an_elevated_free, "a read through a reference, after a free that overrode it",
        |mode| where_counted(mode, poisoned(mode), "every byte is 0xaa"), |scene| {
        let id = scene.ids[0];
        // SAFETY: the page is out, and was never written.
        let mut page = unsafe { Page::from_raw(&scene.pool, id) };
        page.fill(b's');
        let stale = page.into_shared();
        // SAFETY: not so: the other holder uses its reference.
        assert_eq!(unsafe { scene.one.free_bulk_ignoring_refcounts(&[id]) }, Ok(()));
        let byte = stale[7];
        std::mem::forget(stale);
        (byte != b's').then(|| format!("every byte is {byte:#x}"))
    }
    retain_offline, "a reference to a page that is offline",
        |mode| where_counted(mode, mode.checks, OFFLINE), |scene| {
        let id = scene.offline();
        scene.bad = Some((id, 0));
        // SAFETY: not so: the page is offline.
        said(unsafe { scene.one.retain_bulk(&[id]) })
    }
}
