//! Misuse of the bytes of pages.

use std::alloc::Layout;
use std::collections::BTreeSet;

use super::suite::{Misuse, Scene, Verdict, when};
use crate::common::*;

/// Where a freed page may lie.
#[derive(Clone, Copy, PartialEq)]
enum Rest {
    Cache,
    Depot,
    Zone,
}

impl<M: Mode> Scene<M> {
    /// Frees a page so that it lies there.
    fn rest(&mut self, rest: Rest) -> PageId {
        let id = self.ids[0];
        match rest {
            Rest::Cache => self.free(&[id]),
            Rest::Depot => _ = self.free_into_the_depot(),
            Rest::Zone => {
                self.free(&[id]);
                self.one.drain();
                assert_eq!(self.pool.audit().pages.cached, 0);
            }
        }
        id
    }

    /// Writes one byte of a freed page, and looks what the report says of it when all pages have been allocated.
    fn written(&mut self, rest: Rest) -> Option<String> {
        let id = self.rest(rest);
        self.overwritten(id)
    }

    /// The same, of a page that was freed.
    pub fn overwritten(&mut self, id: PageId) -> Option<String> {
        let offset = (id.index() as usize * 37) % self.pool.page_size();
        let byte = self.bytes(id).wrapping_add(offset);
        // SAFETY: the region is mapped; that the page is free is the misuse.
        unsafe { byte.write(!byte.read()) };
        let mut all = PageBatch::<M>::new();
        let new = self.one.alloc_bulk(&mut all, 100).allocated;
        let out = 100 - self.pool.audit().pages.bad;
        assert_eq!(out, self.pool.audit().pages.out);
        assert!(distinct(all.ids()) && new > 0);
        assert_eq!(all.ids().contains(&id), !poisons::<M>());
        let bad: Vec<_> = self.pool.bad_pages().collect();
        assert_eq!(
            (bad.len() as u64, !bad.is_empty()),
            (self.pool.audit().pages.bad, self.pool.is_tainted())
        );
        self.one.free_bulk(&mut all);
        let bad = bad.first()?;
        assert_eq!((bad.page, bad.fault), (id, Fault::Poison { offset: offset as u64 }));
        assert!(format!("{:#}", self.pool).contains(&format!("\n  {bad}")), "{:#}", self.pool);
        Some(about(bad).replace(&format!("byte {offset}"), "byte {byte}"))
    }
}

/// Whether all that is freed rests in the previous magazine first.
fn rests_first(mode: ModeFlags) -> bool {
    mode.hardening & (hardening::QUARANTINE | hardening::SHUFFLE) != 0
}

/// In a pool of its own, whose free pages have no memory any more. Where all that is freed rests in a magazine first,
/// allocations of zeros believe nobody.
fn write_to_zeros<M: Mode>(trusted: bool) {
    let builder = Pool::builder(64).mode::<M>().region(Region::mapped().purge(true));
    // Nothing is mapped on some systems.
    let Ok(pool) = builder.build() else { return };
    let mut all = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut all, 64).allocated, 64);
    all.iter_mut().for_each(|page| page.fill(1));
    all.clear();
    pool.drain();
    assert_eq!((0..6).map(|_| pool.maintain().purged).sum::<usize>(), 64);
    let page = pool.ptr(PageId::new(7)).expect("a page of the pool").as_ptr();
    // SAFETY: the region is mapped; that the page is free is the misuse.
    unsafe { page.write(b's') };
    assert_eq!(pool.alloc_bulk_zeroed(&mut all, 64).allocated, 64);
    let at = all.ids().iter().position(|id| id.index() == 7).expect("all are out");
    assert_eq!(all[at][0], if trusted { b's' } else { 0 });
    assert!(all.iter().flatten().map(|&byte| usize::from(byte)).sum::<usize>() <= b's'.into());
    drop(all);
    assert!(!pool.is_tainted() && pool.audit().pages.adds_up());
}

/// In a pool of its own, whose region goes back while a device has pinned it, which the pool was not told: no page is
/// lent. A pipe stands for the device, for it keeps the frame that it was given.
#[cfg(all(feature = "std", target_os = "linux"))]
fn purge_of_a_pinned_page<M: Mode>() {
    use std::io::Read;
    use std::os::fd::AsRawFd;

    let builder = Pool::builder(64).mode::<M>().region(Region::mapped().purge(true));
    let (Ok(pool), Ok((mut device, registered))) = (builder.build(), std::io::pipe()) else {
        return;
    };
    let mut all = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut all, 64).allocated, 64);
    all.iter_mut().for_each(|page| page.fill(b'o'));
    let mut seen = vec![0; pool.page_size()];
    let page = pool.ptr(PageId::new(7)).expect("a page of the pool").as_ptr();
    let page = libc::iovec { iov_base: page.cast(), iov_len: seen.len() };
    // SAFETY: the page is out, and the call only reads it; that it is read later is the misuse.
    let pinned = unsafe { libc::vmsplice(registered.as_raw_fd(), &raw const page, 1, 0) };
    if pinned != seen.len() as isize {
        return;
    }
    all.clear();
    pool.drain();
    assert_eq!((0..6).map(|_| pool.maintain().purged).sum::<usize>(), 64);
    assert_eq!(pool.alloc_bulk(&mut all, 64).allocated, 64);
    all.iter_mut().for_each(|page| page.fill(b'n'));
    device.read_exact(&mut seen).expect("a page");
    assert!(!seen.contains(&b'n'), "the device has the frame that the program has");
    drop(all);
    assert!(!pool.is_tainted() && pool.audit().pages.adds_up());
}

#[cfg(not(all(feature = "std", target_os = "linux")))]
fn purge_of_a_pinned_page<M: Mode>() {}

/// In a pool of its own, in memory of the caller's, who takes it for free though a page is out.
fn write_before_close<M: Mode>() {
    let builder = Pool::builder(64).page_size(256).mode::<M>();
    let region = leaked(Layout::from_size_align(64 * 256, 256).expect("a layout"));
    let region: *mut u8 = region.as_mut_ptr().cast();
    let metadata = metadata_for(&builder);
    // SAFETY: both are leaked and zeroed; that the region is not the pool's alone is the misuse.
    let pool = unsafe { builder.build_in(region, metadata) }.expect("a pool");
    let mut page = pool.alloc().expect("a page");
    page.fill(b'p');
    let out = page.id().index() as usize * 256;
    // SAFETY: the memory is leaked, and nobody reads or writes it meanwhile.
    unsafe { region.add(out).write_bytes(b'c', 256) };
    assert!(page.iter().all(|&byte| byte == b'c'));
    drop(page);
    assert!(!pool.is_tainted() && pool.audit().pages.adds_up());
}

pub const WRITTEN: &str = "was written after it was freed, at byte {byte}: look for a pointer that is used after the free [{mode}]";

misuses! {
    write_in_a_cache, "write to a freed page that lies in a cache", |mode| when(poisoned(mode), WRITTEN),
        |scene| { scene.written(Rest::Cache) }
    write_in_the_depot, "write to a freed page that lies in the depot", |mode| when(poisoned(mode), WRITTEN),
        |scene| { scene.written(Rest::Depot) }
    write_in_the_zone, "write to a freed page that lies in the zone", |mode| when(poisoned(mode), WRITTEN),
        |scene| { scene.written(Rest::Zone) }
    write_after_a_purge, "write to a free page whose memory went back, which is allocated as zeros", |mode| {
        if rests_first(mode) { Verdict::Harmless } else { Verdict::Undetected }
    }, |scene| {
        write_to_zeros::<M>(!rests_first(scene.pool.mode()));
        None
    }
    purge_of_a_pin, "a region that is purged although a device has pinned it: the device has other bytes than the program", |_| Verdict::Undetected, |_scene| {
        purge_of_a_pinned_page::<M>();
        None
    }
    use_before_close, "given memory that its giver uses before `close`: the owner of a page reads other bytes", |_| Verdict::Undetected, |_scene| {
        write_before_close::<M>();
        None
    }
    read, "read of a freed page's old bytes", |mode| when(poisoned(mode), "every byte is 0xaa"), |scene| {
        let id = scene.ids[0];
        let bytes = std::ptr::slice_from_raw_parts_mut(scene.bytes(id), scene.pool.page_size());
        // SAFETY: the page is out, and nobody else has it.
        unsafe { &mut *bytes }.fill(b's');
        scene.free(&[id]);
        // SAFETY: the region is mapped; that the page is free is the misuse.
        let bytes = unsafe { &*bytes };
        assert!(bytes.iter().all(|&byte| byte == bytes[0]));
        (bytes[0] != b's').then(|| format!("every byte is {:#x}", bytes[0]))
    }
    stray_writes, "writes all over freed pages: what becomes of the free lists", stray_verdict, |scene| {
        let ids = scene.ids.clone();
        scene.free(&ids);
        // Also bytes that have no bit in common with the poison.
        for (&id, byte) in ids.iter().zip([0xff, 0, 0x55].into_iter().cycle()) {
            // SAFETY: the region is mapped; that the page is free is the misuse.
            unsafe { scene.bytes(id).write_bytes(byte, scene.pool.page_size()) };
        }
        let mut all = PageBatch::<M>::new();
        let bulk = scene.one.alloc_bulk(&mut all, 100);
        assert!(distinct(all.ids()) && all.ids().iter().all(|id| id.index() < 100));
        let bad: BTreeSet<_> = scene.pool.bad_pages().map(|bad| bad.page).collect();
        let mut said: Vec<_> = scene.pool.bad_pages().map(|bad| about(&bad)).collect();
        said.dedup();
        if poisons::<M>() {
            // The pages that were written are withheld, and only those.
            assert_eq!(bulk, BulkAlloc { allocated: 60, reason: Some(ShortReason::Exhausted) });
            assert_eq!(bad, ids.into_iter().collect());
            assert!(all.ids().iter().all(|id| !bad.contains(id)));
            assert_eq!((scene.pool.audit().pages.out, scene.pool.audit().pages.bad), (60, 40));
        } else {
            assert_eq!((bulk, bad.len()), (BulkAlloc { allocated: 100, reason: None }, 0));
        }
        scene.one.free_bulk(&mut all);
        assert_adds_up(&scene.pool);
        assert!(said.len() <= 1, "{said:?}");
        said.pop()
    }
}

pub fn poisoned(mode: ModeFlags) -> bool {
    mode.hardening & hardening::POISON != 0
}

fn stray_verdict(mode: ModeFlags) -> Verdict {
    if poisoned(mode) {
        Verdict::Detected(
            "was written after it was freed, at byte 0: look for a pointer that is used after the free [{mode}]",
        )
    } else {
        Verdict::Harmless
    }
}

/// What is said of a bad page, but for which it is.
fn about(bad: &BadPage) -> String {
    bad.to_string().replace(&format!("{} ", bad.page), "")
}

/// In hardened modes every byte of a freed page is watched, wherever the page lies.
fn one_byte_anywhere<M: Mode>() {
    for (rest, there) in [(Rest::Cache, 61), (Rest::Depot, 90), (Rest::Zone, 61)] {
        for offset in 0..256 {
            let mut scene = Scene::<M>::new();
            let id = scene.rest(rest);
            let byte = scene.bytes(id).wrapping_add(offset);
            // SAFETY: the region is mapped; that the page is free is the misuse.
            unsafe { byte.write(!byte.read()) };
            let mut all = PageBatch::<M>::new();
            assert_eq!(scene.one.alloc_bulk(&mut all, 100).allocated, there - 1, "byte {offset}");
            let bad: Vec<_> = scene.pool.bad_pages().map(|bad| (bad.page, bad.fault)).collect();
            assert_eq!(bad, [(id, Fault::Poison { offset: offset as u64 })]);
            assert_adds_up(&scene.pool);
        }
    }
}

/// Two writes that would cancel one another out in a sum are found all the same.
fn the_same_write_twice<M: Mode>() {
    let pool = build::<M>(4, |builder| builder.magazine_capacity(4));
    let mut cache = pool.cache().expect("a cache");
    let page = cache.alloc().expect("a page");
    let byte = page.base_ptr();
    cache.free(page);
    for at in [3, 11] {
        // SAFETY: the region is mapped; that the page is free is the misuse.
        unsafe { byte.wrapping_add(at).write(1) };
    }
    assert_eq!(cache.alloc_bulk(&mut PageBatch::<M>::new(), 4).allocated, 3);
    assert_eq!(pool.audit().pages.bad, 1);
}

every_poisoning_mode!(one_byte_anywhere, the_same_write_twice);

/// A zeroed allocation is zero in every byte of every page, whatever was there.
fn zeroed_is_zero<M: Mode>() {
    let pool = pool::<M>(100);
    let mut cache = pool.cache().expect("a cache");
    for _ in 0..3 {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(cache.alloc_bulk_zeroed(&mut batch, 99).allocated, 99);
        assert!(batch.iter().all(|bytes| bytes.iter().all(|&byte| byte == 0)));
        batch.iter_mut().for_each(|bytes| bytes.fill(0x5a));
        let mut page = cache.alloc_zeroed().expect("a page");
        assert!(page.iter().all(|&byte| byte == 0));
        page.fill(0xff);
        cache.free_bulk(&mut batch);
    }
}

mod zeroed {
    use super::zeroed_is_zero;
    every_preset!(zeroed_is_zero);
}
