//! quiche sends from pages: an upload whose pages are handed over without a copy, and datagrams, over two connections
//! in one program.
//!
//! What is sent stays in its page until it is acknowledged; then the page goes back to the pool, which has nothing out
//! at the end. `cargo run --manifest-path examples/quic/Cargo.toml`.

mod factory;
mod tls;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, ensure};
use pagesheaf::{PageBatch, Pool};
use pagesheaf_buf::PageBuf;
use quiche::{Connection, ConnectionId, RecvInfo};

use factory::{FROM_HEAP, POOL, Pages, SentBuf};

/// Bytes of the upload: more than the pool has, so that it waits for acknowledgements.
const UPLOAD: usize = 16 << 20;
/// Pages of the pool.
const PAGES: usize = 1024;
/// The client's first stream.
const STREAM: u64 = 0;
/// Bytes of a packet.
const PACKET: usize = 1350;
/// Datagrams that are sent.
const DATAGRAMS: u64 = 100;

fn main() -> Result<()> {
    let pool = POOL.init(Pool::builder(PAGES))?;
    let mut pair = Pair::connect(pool)?;
    upload(pool, &mut pair)?;
    datagrams(pool, &mut pair)?;
    drop(pair);
    println!("{pool}");
    let audit = pool.audit();
    ensure!(audit.is_clean() && audit.pages.out == 0, "{audit}");
    println!("{UPLOAD} bytes and {DATAGRAMS} datagrams sent from pages");
    Ok(())
}

/// A byte of the upload.
fn byte(at: usize) -> u8 {
    (at % 251) as u8
}

/// The client hands pages over, as many as the connection and the pool have room for; the server reads them all.
fn upload(pool: &Pool, pair: &mut Pair) -> Result<()> {
    let (mut sent, mut seen, mut is_over) = (0, 0, false);
    // The server reads into a page, without a copy but quiche's own.
    let mut read = PageBuf::new(pool.alloc().context("a page for the server")?);
    let mut waiting: Option<(SentBuf, bool)> = None;
    while !is_over {
        // What did not fit goes first, then one page after the other.
        while sent < UPLOAD || waiting.is_some() {
            let (buf, fin) = match waiting.take() {
                Some(rest) => rest,
                None => {
                    let Ok(page) = pool.alloc() else { break };
                    let mut buf = PageBuf::new(page);
                    let n = buf.room().min(UPLOAD - sent);
                    for (to, at) in buf.grow(n)?.iter_mut().zip(sent..) {
                        *to = byte(at);
                    }
                    sent += n;
                    (SentBuf::Page(buf.freeze()), sent == UPLOAD)
                }
            };
            match pair.client.stream_send_zc(STREAM, buf.clone(), fin) {
                Ok((_, rest)) => waiting = rest.map(|rest| (rest, fin)),
                Err(quiche::Error::Done) => waiting = Some((buf, fin)),
                Err(error) => return Err(error).context("the upload"),
            }
            if waiting.is_some() {
                break;
            }
        }
        pair.exchange()?;
        while let Ok((_, fin)) = pair.server.stream_recv_buf(STREAM, &mut read) {
            ensure!(read.iter().zip(seen..).all(|(&it, at)| it == byte(at)), "byte {seen} and on");
            seen += read.len();
            read.reset(0);
            is_over |= fin;
        }
    }
    ensure!((sent, seen) == (UPLOAD, UPLOAD), "{seen} of {sent} bytes came");
    ensure!(FROM_HEAP.load(Ordering::Relaxed) == 0, "an upload of pages needs no heap");
    Ok(())
}

/// Datagrams, from pages of a batch.
fn datagrams(pool: &Pool, pair: &mut Pair) -> Result<()> {
    let (mut batch, mut came) = (PageBatch::new(), 0_u64);
    pool.alloc_bulk_exact(&mut batch, DATAGRAMS as usize)?;
    for (number, page) in (0..DATAGRAMS).zip(batch) {
        let mut buf = PageBuf::new(page);
        buf.append(&number.to_be_bytes())?;
        pair.client.dgram_send_buf(SentBuf::Page(buf.freeze()))?;
        pair.exchange()?;
        while let Ok(datagram) = pair.server.dgram_recv_buf() {
            ensure!(datagram.as_ref() == came.to_be_bytes(), "datagram {came}");
            came += 1;
        }
    }
    ensure!(came == DATAGRAMS, "{came} of {DATAGRAMS} datagrams came");
    Ok(())
}

/// A client and a server, whose packets go from one to the other in a page.
struct Pair {
    client: Connection<Pages>,
    server: Connection<Pages>,
    packet: PageBuf,
}

const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);
const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 2);

impl Pair {
    /// Both have shaken hands.
    fn connect(pool: &Pool) -> Result<Self> {
        let ids = [[1; 16], [2; 16]];
        let [client, server] = ids.each_ref().map(|id| ConnectionId::from_ref(id));
        let name = Some("localhost");
        let mut config = tls::client()?;
        let client =
            quiche::connect_with_buffer_factory(name, &client, CLIENT, SERVER, &mut config)?;
        let mut config = tls::server()?;
        let server = quiche::accept_with_buf_factory(&server, None, SERVER, CLIENT, &mut config)?;
        let packet = PageBuf::new(pool.alloc()?);
        let mut pair = Pair { client, server, packet };
        while !(pair.client.is_established() && pair.server.is_established()) {
            ensure!(pair.exchange()? > 0, "they do not come to know each other");
        }
        Ok(pair)
    }

    /// Brings all packets over that either has. Returns how many.
    fn exchange(&mut self) -> Result<usize> {
        let mut packets = 0;
        loop {
            let there = move_packets(&mut self.client, &mut self.server, &mut self.packet)?;
            let back = move_packets(&mut self.server, &mut self.client, &mut self.packet)?;
            if there + back == 0 {
                return Ok(packets);
            }
            packets += there + back;
        }
    }
}

/// Brings all packets over that `from` has.
fn move_packets(
    from: &mut Connection<Pages>,
    to: &mut Connection<Pages>,
    packet: &mut PageBuf,
) -> Result<usize> {
    let mut packets = 0;
    loop {
        packet.reset(0);
        let (n, info) = match from.send(packet.grow(PACKET)?) {
            Ok(sent) => sent,
            Err(quiche::Error::Done) => return Ok(packets),
            Err(error) => return Err(error).context("a packet that is sent"),
        };
        let info = RecvInfo { from: info.from, to: info.to };
        to.recv(&mut packet[..n], info).context("a packet that is received")?;
        packets += 1;
    }
}
