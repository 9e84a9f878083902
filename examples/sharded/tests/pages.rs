//! What the original does not have: where pages are, and when.

use std::sync::mpsc;
use std::thread;

use sharded::{ConsumeBuffer, Pool, Reuse};

type Buffers = Pool<8, ConsumeBuffer>;

/// Bytes of a page, which are what is asked for and no more.
const PAGE: usize = 1024;

fn pool(limit: usize) -> &'static Buffers {
    Box::leak(Box::new(Buffers::new(limit, PAGE, "pages")))
}

fn out(pool: &Buffers) -> u64 {
    pool.pages().expect("there are pages").audit().pages.out
}

#[test]
fn a_buffer_has_a_page_until_it_is_dropped() {
    let pool = pool(64);
    let buf = pool.get();
    assert_eq!((buf.capacity(), out(pool)), (PAGE, 1));
    let inner = buf.into_inner();
    assert_eq!(out(pool), 1, "who takes the value takes the page");
    thread::spawn(|| drop(inner)).join().expect("it ends well");
    assert_eq!(out(pool), 0);
}

#[test]
fn an_empty_buffer_has_a_page_once_it_is_written() {
    let pool = pool(64);
    let mut buf = pool.get_empty();
    assert_eq!(out(pool), 0);
    buf.extend(b"bytes");
    assert_eq!((buf.capacity(), out(pool)), (PAGE, 1));
}

#[test]
fn who_comes_late_has_memory_of_the_heap() {
    let pool = pool(8);
    let all: Vec<_> = (0..20).map(|_| pool.with_slice(&[7; 100])).collect();
    assert!(all.iter().all(|buf| buf[..] == [7; 100]));
    assert_eq!((all.iter().filter(|buf| buf.capacity() == PAGE).count(), out(pool)), (8, 8));
    drop(all);
    assert_eq!((out(pool), pool.get().capacity()), (0, PAGE));
}

#[test]
fn bytes_that_outgrow_a_page_are_in_a_block() {
    let pool = pool(64);
    let mut buf = pool.with_slice(&[7; PAGE]);
    assert_eq!((buf.capacity(), out(pool)), (PAGE, 1));
    buf.pop_front(10);
    buf.extend(&[8; 10]);
    assert_eq!((buf.len(), buf.capacity(), out(pool)), (PAGE, 2 * PAGE, 2), "the page is home");
    buf.extend([9; 2 * PAGE].iter().filter(|_| true));
    assert_eq!((buf.capacity(), out(pool)), (4 * PAGE, 4), "so is the block");
    let left = [&[7; PAGE - 10][..], &[8; 10], &[9; 2 * PAGE]].concat();
    assert!(buf[..] == left && buf.add_prefix(&[6; 10]) && !buf.add_prefix(&[5]));
    assert_eq!((&buf[..10], &buf[10..]), (&[6; 10][..], &left[..]));
    let region = pool.pages().and_then(|pages| pages.region()).expect("memory");
    let at = buf.as_ptr().addr().checked_sub(region.addr().get()).expect("in the region");
    assert!(at + buf.len() <= region.len(), "one slice of the pool's memory");
    thread::spawn(|| drop(buf)).join().expect("it ends well");
    assert_eq!(out(pool), 0);
}

#[test]
fn more_than_a_page_at_once_is_a_block() {
    let pool = pool(64);
    let mut buf = pool.get_empty();
    buf.expand(PAGE + 1);
    assert_eq!((buf.len(), buf.capacity(), out(pool)), (PAGE + 1, 2 * PAGE, 2));
    buf.pop_front(PAGE);
    buf.truncate(0);
    assert!(buf.is_empty() && buf.reuse(0) && !buf.add_prefix(b"x"), "no headroom is left");
    assert!(format!("{buf:?}").contains("a block"));
    assert!(buf.into_inner().into_vec().is_empty() && out(pool) == 0);
}

#[test]
fn without_a_block_bytes_outgrow_to_the_heap() {
    let pool = pool(8);
    let mut all: Vec<_> = (0..8).map(|_| pool.with_slice(&[7; PAGE])).collect();
    assert_eq!(out(pool), 8, "no page has a free neighbour");
    all[3].extend(&[8]);
    assert_eq!((all[3].len(), out(pool)), (PAGE + 1, 7));
    assert!(all[3][..PAGE] == [7; PAGE] && all[3][PAGE] == 8);
    all.truncate(1);
    all[0].extend(&[8; 8 * PAGE]);
    assert_eq!((all[0].len(), out(pool)), (9 * PAGE, 0), "no block is that large");
}

#[test]
fn a_page_that_is_used_again_has_all_its_room() {
    let pool = pool(8);
    let mut buf = pool.get();
    buf.expand(PAGE);
    buf.pop_front(PAGE);
    drop(buf);
    let mut buf = pool.get();
    assert!(buf.is_empty() && !buf.add_prefix(b"x"), "no headroom of the one before");
    buf.expand(PAGE);
    assert_eq!(out(pool), 1);
    assert!(buf.reuse(0) && buf.is_empty() && buf.capacity() == PAGE);
}

#[test]
fn a_pool_without_pages_serves_from_the_heap() {
    for limit in [0, 7] {
        let pool = pool(limit); // seven are none for each of eight
        assert!(pool.pages().is_none());
        assert_eq!(pool.with_slice(&[7; 100])[..], [7; 100]);
    }
    let values = Box::leak(Box::new(Pool::<8, Vec<u8>>::new(64, PAGE, "values")));
    assert!(values.pages().is_none());
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_sleeps_keeps_no_page_from_others() {
    let pool = pool(256);
    let (done, is_done) = mpsc::channel();
    let (wake, woken) = mpsc::channel::<()>();
    let sleeper = thread::spawn(move || {
        drop((0..200).map(|_| pool.get()).collect::<Vec<_>>());
        done.send(()).expect("somebody waits");
        woken.recv().expect("somebody wakes it");
        assert_eq!(pool.get().capacity(), PAGE, "its cache is its own again");
    });
    is_done.recv().expect("the thread is there");
    let all: Vec<_> = (0..256).map(|_| pool.get()).collect();
    assert!(all.iter().all(|buf| buf.capacity() == PAGE), "{}", out(pool));
    drop(all);
    wake.send(()).expect("it sleeps");
    sleeper.join().expect("it ends well");
    assert_eq!(out(pool), 0);
}

#[test]
fn upkeep_gives_memory_back_and_finds_nothing_wrong() {
    let pool = pool(1024);
    drop((0..1024).map(|_| pool.with_slice(&[7; PAGE])).collect::<Vec<_>>());
    let pages = pool.pages().expect("there are pages");
    (0..16).for_each(|_| _ = pages.maintain());
    assert!(pages.audit().is_clean() && !pages.is_tainted(), "{pages}");
    assert_eq!(pool.with_slice(&[8; PAGE])[..], [8; PAGE]);
}
