//! Where pages are.

use crate::common::*;

fn any_address_inside_a_page_finds_it<M: Mode>() {
    let pool = pool::<M>(70);
    let base = pool.region_info().base;
    for index in 0..70 {
        let id = PageId::new(index);
        let start = index as usize * 256;
        assert_eq!(pool.offset(id), Some(start as u64));
        assert_eq!(pool.ptr(id).expect("in range").as_ptr().addr(), base + start);
        for byte in [0, 1, 63, 64, 128, 255] {
            assert_eq!(pool.id_at(base + start + byte), Some(id));
            assert_eq!(pool.id_at_offset((start + byte) as u64), Some(id));
        }
    }
    assert_whole(pool);
}

fn addresses_and_ids_outside_the_pool_find_nothing<M: Mode>() {
    let pool = pool::<M>(70);
    let base = pool.region_info().base;
    let end = base + 70 * 256;
    for address in [0, 1, base - 1, end, end + 1, usize::MAX] {
        assert_eq!(pool.id_at(address), None, "{address:#x}");
    }
    for offset in [70 * 256, 70 * 256 + 1, 256 << 32, u64::MAX] {
        assert_eq!(pool.id_at_offset(offset), None, "{offset:#x}");
    }
    for index in [70, 71, u32::MAX] {
        assert_eq!(pool.offset(PageId::new(index)), None);
        assert_eq!(pool.ptr(PageId::new(index)), None);
    }
    assert_eq!(pool.id_at(end - 1), Some(PageId::new(69)));
    assert_whole(pool);
}

fn owners_are_where_the_pool_says<M: Mode>() {
    let pool = pool::<M>(70);
    let mut batch = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut batch, 70).allocated, 70);
    for (bytes, &id) in batch.iter().zip(batch.ids()) {
        assert_eq!(bytes.as_ptr(), pool.ptr(id).expect("in range").as_ptr());
        assert_eq!(pool.id_at(bytes.as_ptr().addr() + 255), Some(id));
    }
    drop(batch);
    assert_whole(pool);
}

fn colours_stagger_the_headroom<M: Mode>() {
    let pool = build::<M>(70, |builder| builder.cache_color(4));
    let mut seen = [0; 4];
    let pages: Vec<_> = (0..70).map(|_| pool.alloc().expect("a page")).collect();
    for page in &pages {
        assert_eq!(page.headroom() % 64, 0);
        seen[page.headroom() / 64] += 1;
        assert_eq!(page.as_ptr().addr() % 256, 0, "the page itself does not move");
    }
    assert!(seen.into_iter().all(|pages| (17..=18).contains(&pages)), "{seen:?}");
    drop(pages);
    assert_whole(pool);
}

fn a_batch_knows_the_headroom_of_its_pages<M: Mode>() {
    let pool = build::<M>(70, |builder| builder.cache_color(4));
    let mut batch = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut batch, 70).allocated, 70);
    let told: Vec<_> = (0..70).map(|index| batch.headroom(index).expect("a page")).collect();
    assert_eq!(batch.headroom(70), None);
    let pages: Vec<_> = batch.into_iter().collect();
    assert_eq!(told, pages.iter().map(|page| page.headroom()).collect::<Vec<_>>());
    drop(pages);
    assert_whole(pool);
}

fn without_colours_there_is_no_headroom<M: Mode>() {
    let pool = pool::<M>(70);
    let pages: Vec<_> = (0..70).map(|_| pool.alloc().expect("a page")).collect();
    assert!(pages.iter().all(|page| page.headroom() == 0));
    drop(pages);
    assert_whole(pool);
}

#[test]
fn ids_are_numbers() {
    let id = PageId::new(u32::MAX);
    assert_eq!(id.index(), u32::MAX);
    assert_eq!(format!("{id} {id:?}"), "page 4294967295 PageId(4294967295)");
    assert!(PageId::new(1) < PageId::new(2));
}

every_mode!(
    any_address_inside_a_page_finds_it,
    addresses_and_ids_outside_the_pool_find_nothing,
    owners_are_where_the_pool_says,
    colours_stagger_the_headroom,
    a_batch_knows_the_headroom_of_its_pages,
    without_colours_there_is_no_headroom,
);
