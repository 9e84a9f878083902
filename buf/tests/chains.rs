//! Payloads of several pages: written, cut, served to many, and gone.

use std::io::{IoSlice, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use pagesheaf::{Bare, Checked, Hardened, Mode, PageBatch, Pool, ShortReason};
use pagesheaf_buf::{BufChain, PageBuf, SharedChain};

fn pool<M: Mode>(pages: usize) -> Pool<M> {
    Pool::builder(pages).page_size(256).mode::<M>().build().expect("a pool")
}

/// Bytes that tell where they are.
fn payload(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 7 + at / 251) as u8).collect()
}

fn all(chain: &SharedChain<impl Mode>) -> Vec<u8> {
    chain.chunks().flatten().copied().collect()
}

fn a_short_pool_leaves_what_was_written<M: Mode>() {
    let pool = pool::<M>(4);
    let mut chain = BufChain::new();
    let bytes = payload(2000);
    let error = chain.append_with(&bytes, || pool.alloc()).expect_err("four pages");
    assert_eq!((error, chain.len()), (ShortReason::Exhausted, 1024));
    assert_eq!(all(&chain.freeze()), bytes[..1024]);
    pool.close().expect("all pages are back");
}

/// Any cut is that of the same bytes in a vector.
fn cuts_are_those_of_plain_bytes<M: Mode>() {
    let pool = pool::<M>(40);
    let bytes = payload(3000);
    let mut chain = BufChain::new();
    // Buffers of many lengths, some of them empty.
    let mut rest = &bytes[..];
    for n in [0, 256, 0, 0, 1, 255, 200, 0, 256, 256, 17].into_iter().cycle() {
        let mut buf = PageBuf::with_headroom(pool.alloc().expect("a page"), (256 - n) / 2);
        let n = n.min(rest.len());
        buf.append(&rest[..n]).expect("room");
        rest = &rest[n..];
        chain.push(buf);
        if rest.is_empty() {
            break;
        }
    }
    let whole = chain.freeze();
    assert_eq!((whole.len(), all(&whole)), (3000, bytes.clone()));
    let mut random = 1_u64;
    let mut below = |n: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) as usize % (n + 1)
    };
    for _ in 0..500 {
        let (mut part, mut plain) = (whole.clone(), &bytes[..]);
        while !plain.is_empty() {
            let at = below(plain.len());
            match below(3) {
                0 => {
                    let first = part.split_to(at);
                    assert_eq!(all(&first), plain[..at]);
                    plain = &plain[at..];
                }
                1 => {
                    part.advance(at);
                    plain = &plain[at..];
                }
                2 => {
                    part.truncate(at.max(plain.len() / 2));
                    plain = &plain[..at.max(plain.len() / 2)];
                }
                _ => {
                    let from = below(at);
                    assert_eq!(all(&part.slice(from..at)), plain[from..at]);
                    part = part.slice(from..);
                    plain = &plain[from..];
                }
            }
            assert_eq!((part.len(), all(&part)), (plain.len(), plain.to_vec()));
            if plain.len() == 1 {
                break;
            }
        }
    }
    let whole = whole.try_unique().expect("the parts are gone");
    drop(whole);
    pool.close().expect("all pages are back");
}

/// A payload comes over a socket into a chain by vectored reads, and goes to several readers at once from the same
/// pages.
fn one_upload_is_served_to_many<M: Mode>() {
    const BYTES: usize = 9000;
    let pool = pool::<M>(40);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let client = thread::spawn(move || {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.write_all(&payload(BYTES)).expect("sent");
        stream.shutdown(Shutdown::Write).expect("the end");
    });
    let (mut stream, _) = listener.accept().expect("a client");
    let mut upload = BufChain::new();
    loop {
        if upload.room() == 0 {
            let mut batch = PageBatch::<M>::empty();
            pool.alloc_bulk_exact(&mut batch, 4).expect("enough pages");
            upload.extend(batch.into_iter().map(PageBuf::new));
        }
        if upload.read_from(&mut stream).expect("read") == 0 {
            break;
        }
    }
    client.join().expect("no panic");
    assert_eq!(upload.len(), BYTES);
    let out = pool.audit().pages.out;
    let served = upload.freeze();
    thread::scope(|scope| {
        for reader in 0..4 {
            let mut part = served.slice(reader * 1000..);
            let (mut writer, mut reader_end) = {
                let connect = TcpStream::connect(address).expect("a connection");
                (listener.accept().expect("a client").0, connect)
            };
            scope.spawn(move || {
                while !part.is_empty() {
                    let slices: Vec<IoSlice<'_>> = part.io_slices().take(8).collect();
                    let n = writer.write_vectored(&slices).expect("sent");
                    part.advance(n);
                }
            });
            scope.spawn(move || {
                let mut got = Vec::new();
                reader_end.read_to_end(&mut got).expect("read");
                assert_eq!(got, payload(BYTES)[reader * 1000..]);
            });
        }
    });
    assert_eq!(pool.audit().pages.out, out, "no page was copied");
    drop(served);
    pool.close().expect("all pages are back");
}

#[cfg(feature = "bytes")]
mod with_bytes {
    use bytes::{Buf, BufMut, Bytes};

    use super::*;

    #[test]
    fn numbers_go_in_and_come_out() {
        let pool = pool::<Checked>(4);
        let mut buf = PageBuf::new(pool.alloc().expect("a page"));
        buf.put_u32(7);
        buf.put_slice(b"text");
        assert_eq!((buf.get_u32(), buf.remaining_mut()), (7, 248));
        let mut shared = buf.freeze();
        assert_eq!((shared.get_u8(), &shared[..]), (b't', &b"ext"[..]));
        let overflow = std::panic::catch_unwind(|| {
            let mut buf = PageBuf::new(pool.alloc().expect("a page"));
            buf.put_bytes(1, 257);
        });
        assert!(overflow.is_err());
        drop(shared);
        pool.close().expect("the pages are back");
    }

    #[test]
    fn a_chain_is_read_across_its_pages() {
        let pool = pool::<Bare>(20);
        let mut chain = BufChain::new();
        chain.append_with(&payload(3000), || pool.alloc()).expect("pages");
        let mut chain = chain.freeze();
        let mut slices = [IoSlice::new(&[]); 64];
        assert_eq!((chain.chunks_vectored(&mut slices), slices[11].len()), (12, 184));
        let mut copied = vec![0; 2900];
        chain.copy_to_slice(&mut copied);
        assert_eq!((copied, chain.remaining()), (payload(3000)[..2900].to_vec(), 100));
        drop(chain);
        pool.close().expect("the pages are back");
    }

    #[test]
    fn bytes_hold_the_pages_until_the_last_goes() {
        let pool = pool::<Bare>(20);
        let mut chain = BufChain::new();
        chain.append_with(&payload(700), || pool.alloc()).expect("pages");
        let parts: Vec<Bytes> = chain.freeze().slice(100..600).to_bytes().collect();
        assert_eq!(parts.concat(), payload(700)[100..600]);
        assert_eq!(pool.audit().pages.out, 3);
        let one = parts[1].slice(3..);
        drop(parts);
        assert_eq!(pool.audit().pages.out, 3, "one count for all of them");
        assert_eq!(one, payload(700)[259..512]);
        let one = one.try_into_mut().expect_err("never, of memory of another owner");
        drop(one);
        let buf = PageBuf::with_data(pool.alloc().expect("a page"), 0..7);
        let bytes = Bytes::from(buf);
        assert_eq!((bytes.len(), pool.audit().pages.out), (7, 1));
        drop(bytes);
        pool.close().expect("the pages are back");
    }
}

macro_rules! modes {
    ($($body:ident)+) => {$(
        #[test]
        fn $body() {
            super::$body::<super::Bare>();
            super::$body::<super::Checked>();
            super::$body::<super::Hardened>();
        }
    )+};
}

mod every_mode {
    modes! {
        a_short_pool_leaves_what_was_written
        cuts_are_those_of_plain_bytes
        one_upload_is_served_to_many
    }
}
