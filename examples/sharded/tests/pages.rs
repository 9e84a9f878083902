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
fn bytes_that_outgrow_a_page_leave_it() {
    let pool = pool(8);
    let mut buf = pool.with_slice(&[7; PAGE]);
    assert_eq!((buf.capacity(), out(pool)), (PAGE, 1));
    buf.extend(&[8]);
    assert_eq!((buf.len(), out(pool)), (PAGE + 1, 0));
    let mut buf = pool.get_empty();
    buf.expand(PAGE + 1);
    assert_eq!((buf.iter().max(), out(pool)), (Some(&0), 0), "no page was taken for it");
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
