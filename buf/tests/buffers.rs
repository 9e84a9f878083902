//! Buffers of one page: what counts, what fits, and who holds it.

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use pagesheaf::{Bare, Checked, Compact, Hardened, Mode, NoChecks, Order, Pool, Refcounted};
use pagesheaf_buf::{Backing, BlockBuf, NotPrepended, OwnedBuf, PageBuf, SharedBuf};

fn pool<M: Mode>() -> Pool<M> {
    Pool::builder(16).page_size(256).mode::<M>().build().expect("a pool")
}

fn buf<M: Mode>(pool: &Pool<M>, headroom: usize) -> PageBuf<M> {
    PageBuf::with_headroom(pool.alloc().expect("a page"), headroom)
}

fn out<M: Mode>(pool: &Pool<M>) -> u64 {
    pool.audit().pages.out
}

fn headers_go_before_and_are_taken_off<M: Mode>() {
    let pool = pool::<M>();
    let mut packet = buf(&pool, 20);
    packet.append(b"payload").expect("room");
    packet.prepend(b"tcp ").expect("headroom");
    packet.grow_front(3).expect("headroom").copy_from_slice(b"ip ");
    assert_eq!((&packet[..], packet.headroom(), packet.room()), (&b"ip tcp payload"[..], 13, 229));
    packet.advance(7);
    packet.truncate(3);
    packet.truncate(100);
    assert_eq!((&packet[..], packet.headroom()), (&b"pay"[..], 20));
    packet.reset(5);
    assert!(packet.is_empty() && packet.headroom() == 5 && packet.capacity() == 256);
    drop(packet);
    pool.close().expect("the page is back");
}

fn what_does_not_fit_changes_nothing<M: Mode>() {
    let pool = pool::<M>();
    let mut buf = buf(&pool, 2);
    buf.append(&[7; 250]).expect("room");
    let error = buf.append(&[8; 5]).expect_err("for four");
    assert_eq!((error.wanted, error.room), (5, 4));
    let error = buf.prepend(&[8; 3]).expect_err("for two");
    assert_eq!((error.wanted, error.room), (3, 2));
    assert!(buf.grow(usize::MAX).is_err() && buf.grow_front(usize::MAX).is_err());
    assert_eq!(buf[..], [7; 250]);
    let fail: [fn(&mut PageBuf<M>); 2] = [|buf| buf.advance(251), |buf| buf.reset(257)];
    for fails in fail {
        let failed = catch_unwind(AssertUnwindSafe(|| fails(&mut buf)));
        assert!(failed.is_err() && buf[..] == [7; 250]);
    }
    let page = buf.into_page();
    let (start, end) = (9, 8);
    for data in [250..257, start..end] {
        let page = pool.alloc().expect("a page");
        assert!(catch_unwind(|| PageBuf::with_data(page, data)).is_err());
    }
    drop(page);
    pool.close().expect("the pages of those that panicked are back, too");
}

fn reads_come_from_the_front_and_writes_go_into_the_room<M: Mode>() {
    let pool = pool::<M>();
    let mut buf = buf(&pool, 0);
    assert_eq!(buf.write(&[1; 200]).expect("room"), 200);
    assert_eq!(buf.write(&[2; 200]).expect("for some"), 56);
    assert_eq!(buf.write(&[3]).expect("for none"), 0);
    let mut to = [0; 210];
    buf.read_exact(&mut to).expect("so many");
    assert!(to[..200] == [1; 200] && to[200..] == [2; 10] && buf[..] == [2; 46]);
    let mut rest = Vec::new();
    assert_eq!(buf.read_to_end(&mut rest).expect("the rest"), 46);
    assert!(buf.is_empty() && buf.headroom() == 256);
}

fn parts_of_a_page_are_of_one_page<M: Refcounted>() {
    let pool = pool::<M>();
    let mut buf = buf(&pool, 8);
    buf.append(b"one two three").expect("room");
    let all = buf.freeze();
    let (one, mut rest) = all.clone().split_at(3);
    rest.advance(1);
    let two = rest.split_to(3);
    let three = rest.split_off(1);
    assert_eq!([&*one, &*two, &*rest, &*three], [&b"one"[..], b"two", b" ", b"three"]);
    assert_eq!(&all[..], b"one two three");
    let last = all.slice(all.len()..);
    assert!(last.is_empty() && all.slice(..=2)[..] == *b"one" && out(&pool) == 1);
    let other = std::thread::spawn(move || drop((one, two, rest, last)));
    other.join().expect("no panic");
    drop(all);
    assert_eq!(out(&pool), 1);
    let mut three = three.try_unique().expect("the last part");
    assert_eq!((&three[..], three.headroom()), (&b"three"[..], 16));
    three.prepend(b"now ").expect("what lay before it is headroom");
    drop(three);
    assert_eq!(out(&pool), 0);
    pool.close().expect("the page is back");
}

fn a_header_goes_before_a_part_that_is_alone<M: Refcounted>() {
    let pool = pool::<M>();
    let mut buf = buf(&pool, 4);
    buf.append(b"payload").expect("room");
    let shared = buf.freeze();
    let other = shared.clone();
    let error = shared.prepend(b"tcp ").expect_err("two hold it");
    assert!(matches!(error, NotPrepended::Shared(_)), "{error}");
    drop(other);
    let error = error.into_buf().prepend(b"ipv6 ").expect_err("the headroom is smaller");
    assert_eq!(
        error.to_string(),
        "5 bytes do not fit: there is room for 4: write fewer, or leave more room"
    );
    let packet: SharedBuf<M> = error.into_buf().prepend(b"tcp ").expect("room, and one holds it");
    assert_eq!(&packet[..], b"tcp payload");
    let beyond = catch_unwind(AssertUnwindSafe(|| packet.slice(5..12)));
    assert!(beyond.is_err());
    drop(packet);
    pool.close().expect("the page is back");
}

fn a_block_of<M: Mode>(pool: &Pool<M>, bytes: usize) -> Option<BlockBuf<M>> {
    let order = Order::for_bytes(bytes, pool.page_size())?;
    pool.alloc_block(order).ok().map(BlockBuf::new)
}

fn a_block_is_one_slice_with_headroom_and_room<M: Mode>() {
    let pool = pool::<M>();
    let mut large = a_block_of(&pool, 1000).expect("a block");
    assert_eq!((large.capacity(), out(&pool)), (1024, 4));
    large.reset(24);
    large.append(&[7; 999]).expect("room");
    large.prepend(b"header").expect("headroom");
    let error = large.append(&[8; 2]).expect_err("for one");
    assert_eq!((error.wanted, error.room, large.headroom()), (2, 1, 18));
    let mut read = Vec::new();
    assert_eq!(large.read_to_end(&mut read).expect("all of it"), 1005);
    assert!(read.starts_with(b"header") && read[6..] == [7; 999]);
    let block = large.into_block();
    let data = catch_unwind(AssertUnwindSafe(|| BlockBuf::with_data(block, 1000..1025)));
    assert!(data.is_err() && out(&pool) == 0, "it is freed");
    pool.close().expect("nothing is out");
}

/// Over a page, and over a block.
fn bytes_of_iterators_go_into_the_room<M: Mode>() {
    fn over<S: Backing>(backing: S) {
        let mut buf = OwnedBuf::with_headroom(backing, 3);
        let all: Vec<u8> = (0..buf.room()).map(|at| (at * 7) as u8).collect();
        buf.extend(&all[..100]);
        buf.extend(all[100..150].iter().copied());
        buf.extend(all[150..200].iter().filter(|_| true)); // says only how many there are at most
        let mut left = all[200..].iter().copied();
        buf.extend(std::iter::from_fn(|| left.next())); // says nothing
        assert_eq!((&buf[..], buf.room(), buf.headroom()), (&all[..], 0, 3));
        buf.extend([0_u8; 0]);
        buf.extend(&[]);
        buf.advance(2);
        buf.prepend(&[1, 2]).expect("headroom");
        assert_eq!((&buf[..2], &buf[2..]), (&[1, 2][..], &all[2..]));
    }
    let pool = pool::<M>();
    over(pool.alloc().expect("a page"));
    over(pool.alloc_block(Order::for_bytes(1000, 256).expect("small")).expect("a block"));
    pool.close().expect("nothing is out");
}

fn bytes_before_one_without_room_count<M: Mode>() {
    fn over<S: Backing>(backing: S) {
        let mut buf = OwnedBuf::new(backing);
        buf.grow(buf.room() - 5).expect("room").fill(1);
        let (old, mut asked) = (buf.len(), 0);
        let mut fails = |bytes: &mut dyn Iterator<Item = u8>| {
            let failed = catch_unwind(AssertUnwindSafe(|| buf.extend(bytes)));
            assert!(failed.is_err() && buf.room() == 0);
            assert_eq!((buf[..old].iter().max(), &buf[old..]), (Some(&1), &[2, 3, 4, 5, 6][..]));
        };
        fails(&mut (2..9));
        fails(&mut [9].into_iter());
        fails(&mut std::iter::repeat(9).inspect(|_| asked += 1));
        assert_eq!(asked, 1, "no byte is taken behind the one that has no room");
    }
    let pool = pool::<M>();
    over(pool.alloc().expect("a page"));
    over(pool.alloc_block(Order::for_bytes(1000, 256).expect("small")).expect("a block"));
    pool.close().expect("nothing is out");
}

/// 16 pages of 256 bytes for buffers of every size.
fn sizes_share_one_limit<M: Mode>() {
    let pool = pool::<M>();
    let large = a_block_of(&pool, 2048).expect("half of it");
    let medium: Vec<_> = [600, 1000].iter().filter_map(|&bytes| a_block_of(&pool, bytes)).collect();
    assert_eq!((medium.len(), out(&pool)), (2, 16));
    assert!(pool.alloc().is_err() && a_block_of(&pool, 0).is_none());
    drop(large);
    let small: Vec<_> = std::iter::from_fn(|| pool.alloc().ok()).map(PageBuf::new).collect();
    assert_eq!(small.len(), 8, "what one size gave back others have");
    drop((small, medium));
    let all = a_block_of(&pool, 4096).expect("all of it");
    assert!(a_block_of(&pool, 1).is_none());
    drop(all);
    pool.close().expect("nothing is out");
}

#[cfg(target_pointer_width = "64")]
#[test]
fn a_buffer_is_three_words() {
    assert_eq!((size_of::<PageBuf>(), size_of::<BlockBuf>()), (24, 24));
}

/// A page that large takes addresses only, as nobody touches it.
#[cfg(all(target_pointer_width = "64", target_os = "linux"))]
#[test]
fn what_has_4_gib_is_no_buffer() {
    let region = pagesheaf::Region::mapped();
    let Ok(pool) = Pool::builder(1).page_size((4 << 30) + 64).region(region).build() else {
        return; // the system does not give so many
    };
    let page = pool.alloc().expect("a page");
    assert!(catch_unwind(|| PageBuf::new(page)).is_err() && out(&pool) == 0, "it is freed");
}

macro_rules! modes {
    ($($body:ident: $($mode:ident)+;)+) => {$(
        #[test]
        fn $body() {
            $(super::$body::<super::$mode>();)+
        }
    )+};
}

mod every_mode {
    modes! {
        headers_go_before_and_are_taken_off: Bare NoChecks Checked Compact Hardened;
        what_does_not_fit_changes_nothing: Bare NoChecks Checked Compact Hardened;
        reads_come_from_the_front_and_writes_go_into_the_room: Bare NoChecks Checked Compact Hardened;
        a_block_is_one_slice_with_headroom_and_room: Bare NoChecks Checked Compact Hardened;
        bytes_of_iterators_go_into_the_room: Bare NoChecks Checked Compact Hardened;
        bytes_before_one_without_room_count: Bare NoChecks Checked Compact Hardened;
        sizes_share_one_limit: Bare NoChecks Checked Compact Hardened;
        parts_of_a_page_are_of_one_page: NoChecks Checked Hardened;
        a_header_goes_before_a_part_that_is_alone: NoChecks Checked Hardened;
    }
}
