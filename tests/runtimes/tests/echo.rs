//! A server in each runtime reads into pages and blocks, and answers from them. Every byte comes back, and every page.
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use pagesheaf::{Block, Order, Page, Pool};
use pagesheaf_buf::{Backing, OwnedBuf};

/// Headroom of the buffers: what is read must not touch it.
const HEADROOM: usize = 64;
const ROUNDS: usize = 200;

/// The bytes of a round: of all lengths up to what a buffer has room for.
fn message(round: usize) -> Vec<u8> {
    let len = 1 + (round * 997) % (4096 - HEADROOM);
    (0..len).map(|at| (at * 7 + round) as u8).collect()
}

/// Sends the messages, and compares the answers.
fn client(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    for round in 0..ROUNDS {
        let sent = message(round);
        stream.write_all(&sent).expect("the server reads");
        let mut answer = vec![0; sent.len()];
        stream.read_exact(&mut answer).expect("the server answers");
        assert_eq!(answer, sent, "round {round}");
    }
}

fn page(pool: &Pool) -> Page {
    pool.alloc().expect("a page")
}

fn block(pool: &Pool) -> Block {
    pool.alloc_block(Order::try_from(1).expect("small")).expect("a block")
}

/// A buffer, whose headroom says so.
fn buffer<S: Backing>(mut backing: S) -> OwnedBuf<S> {
    backing[..HEADROOM].fill(0xa5);
    OwnedBuf::with_headroom(backing, HEADROOM)
}

/// The server has read into a buffer: its headroom is as it was.
fn look<S: Backing>(mut buf: OwnedBuf<S>, read: usize) -> OwnedBuf<S> {
    assert_eq!((buf.len(), buf.headroom()), (read, HEADROOM));
    let headroom = buf.grow_front(HEADROOM).expect("it is there");
    assert!(headroom.iter().all(|&byte| byte == 0xa5), "the headroom was written");
    buf.advance(HEADROOM);
    buf
}

/// Runs a server against the client, and looks that all pages are back.
fn serve(server: impl FnOnce(TcpListener, &Pool)) {
    let pool = Pool::builder(16).build().expect("a pool");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let client = thread::spawn(move || client(address));
    server(listener, &pool);
    client.join().expect("every answer is right");
    assert_eq!(pool.audit().pages.out, 0);
    pool.close().expect("every page is back");
}

/// Why a ring cannot be had here: containers often refuse it.
fn no_ring(error: &dyn std::fmt::Display) {
    println!("skipped: io_uring: {error}");
}

#[test]
fn compio_reads_into_pages_and_blocks_and_writes_them() {
    use compio::buf::BufResult;
    use compio::io::{AsyncRead, AsyncWriteExt};

    serve(|listener, pool| {
        // The ring, or the system's poll where that is refused.
        let runtime = compio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let listener = compio::net::TcpListener::from_std(listener).expect("a listener");
            let (mut stream, _) = listener.accept().await.expect("a client");
            loop {
                let BufResult(read, buf) = stream.read(buffer(page(pool))).await;
                let read = read.expect("the client writes");
                if read == 0 {
                    return;
                }
                let BufResult(written, _) = stream.write_all(look(buf, read).freeze()).await;
                written.expect("the client reads");
                let BufResult(read, buf) = stream.read(buffer(block(pool))).await;
                let buf = look(buf, read.expect("the client writes"));
                let BufResult(written, _) = stream.write_all(buf).await;
                written.expect("the client reads");
            }
        });
    });
}

/// Through its ring or, where that is refused, the system's poll.
#[test]
fn monoio_reads_into_pages_and_blocks_and_writes_them() {
    use monoio::io::{AsyncReadRent, AsyncWriteRentExt};

    serve(|listener, pool| {
        let mut runtime =
            monoio::RuntimeBuilder::<monoio::FusionDriver>::new().build().expect("a runtime");
        runtime.block_on(async {
            listener.set_nonblocking(true).expect("a socket");
            let listener = monoio::net::TcpListener::from_std(listener).expect("a listener");
            let (mut stream, _) = listener.accept().await.expect("a client");
            loop {
                let (read, buf) = stream.read(buffer(page(pool))).await;
                let read = read.expect("the client writes");
                if read == 0 {
                    return;
                }
                let (written, _) = stream.write_all(look(buf, read).freeze()).await;
                written.expect("the client reads");
                let (read, buf) = stream.read(buffer(block(pool))).await;
                let buf = look(buf, read.expect("the client writes"));
                let (written, _) = stream.write_all(buf).await;
                written.expect("the client reads");
            }
        });
    });
}

#[test]
fn tokio_uring_reads_into_pages_and_blocks_and_writes_them() {
    use tokio_uring::buf::BoundedBuf;

    let runtime = match tokio_uring::Runtime::new(&tokio_uring::builder()) {
        Ok(runtime) => runtime,
        Err(error) => return no_ring(&error),
    };
    serve(|listener, pool| {
        runtime.block_on(async {
            let listener = tokio_uring::net::TcpListener::from_std(listener);
            let (stream, _) = listener.accept().await.expect("a client");
            loop {
                let (read, buf) = stream.read(buffer(page(pool))).await;
                let read = read.expect("the client writes");
                if read == 0 {
                    return;
                }
                let shared = look(buf, read).freeze();
                let (written, _) = stream.write_all(shared.slice(..)).await;
                written.expect("the client reads");
                let (read, buf) = stream.read(buffer(block(pool))).await;
                let buf = look(buf, read.expect("the client writes"));
                let (written, _) = stream.write_all(buf.slice(..)).await;
                written.expect("the client reads");
            }
        });
    });
}

/// A file comes through a page as it is.
#[test]
fn compio_reads_a_file() {
    use compio::buf::BufResult;
    use compio::io::AsyncReadAt;

    let path = std::env::temp_dir().join(format!("pagesheaf-runtimes-{}", std::process::id()));
    std::fs::write(&path, message(3)).expect("a file");
    let pool = Pool::builder(4).build().expect("a pool");
    let runtime = compio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let file = compio::fs::File::open(&path).await.expect("the file");
        let BufResult(read, buf) = file.read_at(buffer(page(&pool)), 0).await;
        let read = read.expect("bytes");
        assert_eq!(&look(buf, read)[..], &message(3)[..]);
    });
    std::fs::remove_file(&path).expect("the file");
}

#[test]
fn figures_reach_a_recorder() {
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};

    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let pool = Pool::builder(100).build().expect("a pool");
    let page = pool.alloc().expect("a page");
    metrics::with_local_recorder(&recorder, || {
        let stats = pool.stats().expect("the mode collects them");
        pagesheaf_buf::record("uploads", &stats);
    });
    let figures = snapshotter.snapshot().into_vec();
    let find = |name: &str| {
        let found = figures.iter().find(|(key, ..)| key.key().name() == name);
        let (key, _, _, value) = found.unwrap_or_else(|| panic!("no {name}"));
        let labels: Vec<_> = key.key().labels().map(|l| (l.key(), l.value())).collect();
        assert_eq!(labels, [("pool", "uploads")]);
        value
    };
    assert_eq!(find("pagesheaf_capacity_pages"), &DebugValue::Gauge(100.0.into()));
    assert_eq!(find("pagesheaf_out_pages"), &DebugValue::Gauge(1.0.into()));
    assert_eq!(find("pagesheaf_allocated_pages_total"), &DebugValue::Counter(1));
    drop(page);
}
