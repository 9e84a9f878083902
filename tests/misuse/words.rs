//! Corruption of the word that says where a free page lies, or of the byte that says that it is free.

use std::alloc::Layout;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use super::suite::{Misuse, Scene, Verdict, when};
use crate::common::*;

/// The word of a page that lies in the zone.
const IN_THE_ZONE: u32 = 0;

/// The byte of a page that is out, in the mode that has no words.
const OUT: u8 = 0x90;

/// A pool of 100 pages with magazines of 4, and its metadata as words, which are ours to corrupt.
fn in_given_memory<M: Mode>() -> (Pool<M>, &'static [AtomicU32]) {
    let builder = Pool::builder(100).page_size(256).magazine_capacity(4).mode::<M>();
    let region = leaked(Layout::from_size_align(100 * 256, 256).expect("a layout"));
    let metadata = metadata_for(&builder);
    let (start, len) = (metadata.as_mut_ptr(), metadata.len());
    // SAFETY: the region is leaked and zeroed: nobody else ever uses it.
    let pool = unsafe { builder.build_in(region.as_mut_ptr().cast(), metadata) }.expect("a pool");
    // SAFETY: the memory is aligned, zeroed and never freed; that it is the pool's is the misuse.
    let words = unsafe { std::slice::from_raw_parts(start.cast(), len / 4) };
    (pool, words)
}

/// The words of the pages, while all of these are out and were in a magazine last, if the mode has any.
fn page_words(words: &[AtomicU32]) -> Option<&[AtomicU32]> {
    // Below the kind, of which the claim of a page sets the lowest bit, there is a location only.
    let is_out =
        |word: &AtomicU32| (1..1 << 25).contains(&(word.load(Ordering::Relaxed) & !(1 << 29)));
    words.windows(100).find(|words| words.iter().all(is_out))
}

/// The bytes of the pages, while all of these are out, if the mode has any.
fn page_bytes(words: &'static [AtomicU32]) -> Option<&'static [AtomicU8]> {
    // SAFETY: the words' memory, which is never freed, as atomics of another size.
    let bytes = unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), 4 * words.len()) };
    let all = |bytes: &&[AtomicU8]| bytes.iter().all(|byte| byte.load(Ordering::Relaxed) == OUT);
    bytes.windows(100).find(all)
}

/// Corrupts the word or the byte of a free page in a cache, which then leaves as `leave` says. Returns what the report
/// says of the page, which is nothing if it can be allocated.
fn corrupted<M: Mode>(
    mode: ModeFlags,
    leave: impl FnOnce(&Pool<M>, &mut Cache<M>) -> usize,
) -> Option<String> {
    let (pool, metadata) = in_given_memory::<M>();
    let mut cache = pool.cache().expect("a cache");
    let mut out = no_ids::<100>();
    let ids = cache.alloc_bulk_raw(&mut out).0.to_vec();
    let words = page_words(metadata);
    assert_eq!(words.is_some(), mode.checks && !mode.compact);
    let bytes = page_bytes(metadata);
    assert_eq!(bytes.is_some(), mode.compact);
    // SAFETY: the pages are out, and freed once.
    assert_eq!(unsafe { cache.free_bulk_raw(&ids[..3]) }, Ok(()));
    let bad = ids[1];
    if let Some(words) = words {
        words[bad.index() as usize].store(IN_THE_ZONE, Ordering::Relaxed);
    }
    if let Some(bytes) = bytes {
        bytes[bad.index() as usize].fetch_xor(1, Ordering::Relaxed);
    }
    let allocated = leave(&pool, &mut cache);
    let pages = pool.audit();
    assert!(pages.pages.adds_up(), "{pages}");
    assert!(matches!(pages.misplaced, None | Some(0)), "{pages}");
    assert_eq!(allocated as u64, 3 - pages.pages.bad);
    let found: Vec<_> = pool.bad_pages().collect();
    assert_eq!((found.len() as u64, pool.is_tainted()), (pages.pages.bad, !found.is_empty()));
    std::mem::forget((pool.clone(), cache));
    let found = found.first()?;
    assert_eq!((found.page, found.fault), (bad, Fault::Corrupt));
    Some(found.to_string().replace(&format!("{bad} "), ""))
}

/// How many of the three pages can be allocated.
fn allocate<M: Mode>(cache: &mut Cache<M>) -> usize {
    cache.alloc_bulk_raw(&mut no_ids::<3>()).0.len()
}

const CORRUPT: &str =
    "has a corrupt state word: look for a stray write, or for a use after a free [{mode}]";

/// Whoever claims pages, or shuffles them, looks at words that others do not look at until the page comes back. Then
/// the word is right again.
fn looked_at(mode: ModeFlags) -> Verdict {
    let looks = hardening::CLAIM | hardening::SHUFFLE;
    if mode.hardening & looks != 0 { Verdict::Detected(CORRUPT) } else { Verdict::Harmless }
}

/// Where there is no word, or nobody ever looks at it, nothing is wrong.
fn moved(mode: ModeFlags) -> Verdict {
    if mode.checks { when(true, CORRUPT) } else { Verdict::Harmless }
}

misuses! {
    word_in_a_cache, "corrupted word or byte of a free page, which is allocated again", looked_at, |scene| {
        corrupted::<M>(scene.pool.mode(), |_, cache| allocate(cache))
    }
    word_to_the_zone, "corrupted word or byte of a free page, which goes to the zone", moved, |scene| {
        corrupted::<M>(scene.pool.mode(), |_, cache| {
            cache.drain();
            allocate(cache)
        })
    }
}
