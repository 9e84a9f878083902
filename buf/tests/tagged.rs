//! Tags go where their pages go.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pagesheaf::{Checked, OnBadPage, Pool};
use pagesheaf_buf::Tagged;

type Packets = Tagged<u64, Checked, 32>;

fn pool() -> Pool<Checked> {
    let builder = Pool::builder(64).page_size(192).mode::<Checked>();
    builder.max_caches(2).shared_caches(1).magazine_capacity(8).build().expect("a pool")
}

/// The tag of a page: the offset that it had.
fn tagged(pool: &Pool<Checked>, n: usize) -> Packets {
    let mut packets = Packets::empty();
    for _ in 0..n {
        let page = pool.alloc().expect("a page");
        let tag = pool.offset(page.id()).expect("a page of this pool");
        packets.push(page, tag).expect("room");
    }
    packets
}

/// Each tag is that of its page.
fn assert_right(pool: &Pool<Checked>, packets: &Packets) {
    assert_eq!(packets.iter().count(), packets.len());
    for (bytes, tag) in packets.iter() {
        let id = pool.id_at(bytes.as_ptr().addr()).expect("a page of this pool");
        assert_eq!(pool.offset(id), Some(*tag));
    }
}

#[test]
fn tags_stay_with_pages_that_are_parted() {
    let pool = pool();
    let mut packets = tagged(&pool, 20);
    let mut at = 0;
    packets.retain(|_, _| {
        at += 1;
        at % 3 != 0
    });
    assert_eq!((packets.len(), pool.audit().pages.out), (14, 14));
    assert_right(&pool, &packets);
    let (page, tag) = packets.pop().expect("a page");
    assert_eq!(pool.offset(page.id()), Some(tag));
    // Whoever panics in the middle loses nothing.
    let mut seen = 0;
    let parted = catch_unwind(AssertUnwindSafe(|| {
        packets.retain(|_, _| {
            seen += 1;
            assert!(seen < 6, "as planned");
            seen % 2 == 0
        });
    }));
    assert!(parted.is_err());
    assert_eq!((packets.len(), pool.audit().pages.out), (13, 14));
    assert_right(&pool, &packets);
    drop((page, packets));
    pool.close().expect("every page is back");
}

#[test]
fn tags_go_to_a_device_and_come_back() {
    let pool = pool();
    let mut cache = pool.cache().expect("a cache");
    let mut packets = tagged(&pool, 20);
    let mut ring = Vec::new();
    for room in [0, 7, 100] {
        let before = packets.len();
        let lent = packets.lend(&mut cache, room, |offset, tag| ring.push((offset, tag)));
        assert_eq!((lent, packets.len()), (room.min(before), before - room.min(before)));
        assert_right(&pool, &packets);
    }
    assert!(ring.len() == 20 && ring.iter().all(|(offset, tag)| offset == tag));
    // A few are wrong: one is not lent, one past the end.
    let own = pool.alloc().expect("a page");
    let wrong = [pool.offset(own.id()).expect("a page of this pool"), 1 << 40];
    ring.insert(3, (wrong[0], 1));
    ring.insert(9, (wrong[1], 2));
    let mut back = Packets::empty();
    // SAFETY: there is no device; two are refused.
    let error = unsafe { back.reclaim(&mut cache, ring.iter().map(|&(at, tag)| (at + 5, tag))) };
    let error = error.expect_err("two are wrong");
    assert!(error.positions().eq([3, 9]) && error.done == 20, "{error}");
    assert_eq!(back.len(), 20);
    assert_right(&pool, &back);
    // Beyond the room, nothing is taken from the iterator.
    let more: Vec<_> = cache.lend_new(20).map(|offset| (offset, offset)).collect();
    let mut rest = more.iter().copied();
    // SAFETY: as above.
    assert_eq!(unsafe { back.reclaim(&mut cache, &mut rest) }, Ok(12));
    assert_eq!((back.len(), rest.len()), (32, 8));
    assert_right(&pool, &back);
    // SAFETY: as above.
    unsafe { cache.free_lent(rest.map(|(offset, _)| offset)) }.expect("they were lent");
    drop((own, back, packets, cache));
    pool.close().expect("every page is back");
}

/// A pool that panics for a bad page has done its work by then.
#[test]
fn a_pool_that_panics_leaves_each_page_with_its_tag() {
    let builder = Pool::builder(64).page_size(192).mode::<Checked>();
    let pool = builder.on_bad_page(OnBadPage::Panic).build().expect("a pool");
    let mut cache = pool.cache().expect("a cache");
    let mut packets = tagged(&pool, 4);
    let mut ring: Vec<_> = cache.lend_new(10).map(|offset| (offset, offset)).collect();
    let own = pool.alloc().expect("a page");
    ring.insert(3, (pool.offset(own.id()).expect("a page of this pool"), 1));
    // SAFETY: there is no device; one is refused.
    let reclaimed =
        catch_unwind(AssertUnwindSafe(|| unsafe { packets.reclaim(&mut cache, ring).map(drop) }));
    assert!(reclaimed.is_err(), "the pool panics");
    assert_eq!(packets.len(), 14);
    assert_right(&pool, &packets);
    while let Some((page, tag)) = packets.pop() {
        assert_eq!(pool.offset(page.id()), Some(tag));
    }
    drop((own, packets, cache));
    pool.close().expect("every page is back");
}

#[test]
fn a_panic_while_pages_are_lent_keeps_the_others_with_their_tags() {
    let pool = pool();
    let mut cache = pool.cache().expect("a cache");
    let mut packets = tagged(&pool, 20);
    let mut ring = Vec::new();
    let lent = catch_unwind(AssertUnwindSafe(|| {
        packets.lend(&mut cache, 20, |offset, _| {
            assert!(ring.len() < 6, "as planned");
            ring.push(offset);
        })
    }));
    assert!(lent.is_err());
    // The seventh was taken, and is the device's.
    assert_eq!((packets.len(), pool.audit().pages.lent), (13, 7));
    assert_right(&pool, &packets);
    // SAFETY: there is no device.
    assert_eq!(unsafe { pool.reclaim_all() }, Some(7));
    drop((packets, cache));
    pool.close().expect("every page is back");
}
