//! Who owns which page: every page that comes is claimed, stamped, and looked at again before it goes.

use std::sync::atomic::{AtomicU32, Ordering};

use pagesheaf::{Mode, PageBatch, PageId};

/// The most pages of a pool.
pub const PAGES: usize = 4096;

/// The owner of each page, counted from one; nobody is zero. One pool is tried at a time.
static OWNERS: [AtomicU32; PAGES] = [const { AtomicU32::new(0) }; PAGES];

/// What an owner writes into its page.
fn stamp(id: PageId, owner: u32) -> [u8; 8] {
    (u64::from(id.index()) << 32 | u64::from(owner)).to_le_bytes()
}

/// A page has come to this owner.
pub fn took(id: PageId, page: &mut [u8], owner: u32) {
    let before = OWNERS[id.index() as usize].swap(owner, Ordering::AcqRel);
    assert_eq!(before, 0, "{id} has two owners");
    page[..8].copy_from_slice(&stamp(id, owner));
    let tail = page.len() - 8;
    page[tail..].copy_from_slice(&stamp(id, owner));
}

/// A page is about to go.
pub fn lets_go(id: PageId, page: &[u8]) {
    let owner = OWNERS[id.index() as usize].swap(0, Ordering::AcqRel);
    assert_ne!(owner, 0, "{id} has no owner");
    let expected = stamp(id, owner);
    assert_eq!(page[..8], expected, "{id} was written to");
    assert_eq!(page[page.len() - 8..], expected, "{id} was written to");
}

/// The pages from `from` on have come to this owner.
pub fn took_from<M: Mode, const N: usize>(batch: &mut PageBatch<M, N>, from: usize, owner: u32) {
    let ids = batch.ids().to_vec();
    for (&id, page) in ids.iter().zip(batch.iter_mut()).skip(from) {
        took(id, page, owner);
    }
}

/// All pages of a batch are about to go.
pub fn lets_all_go<M: Mode, const N: usize>(batch: &PageBatch<M, N>) {
    for (&id, page) in batch.ids().iter().zip(batch.iter()) {
        lets_go(id, page);
    }
}

/// Nobody has any page.
pub fn assert_idle() {
    assert!(OWNERS.iter().all(|owner| owner.load(Ordering::Acquire) == 0), "a page has an owner");
}
