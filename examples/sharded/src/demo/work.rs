//! What is done with the buffers, whosever they are.

use std::hint::black_box;
use std::sync::LazyLock;
use std::thread;

use super::design::{BODY, Consume, DATAGRAM, Design};
use super::pipeline;

/// Bytes of the smallest datagram.
const LEAST: usize = 1200;
/// Bytes that a datagram begins with, and of the prefix that is written over them.
const HEADER: usize = 8;
/// Bytes of a body that go into a packet.
const PACKET: usize = 1350;
/// Threads that do nothing but get buffers and drop them.
const THREADS: u64 = 2;

/// What a network, or an origin, would have sent: any part of it.
static SOURCE: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..4 * BODY as u64).map(|at| mix(at) as u8).collect());

/// A number that looks like none in particular.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The bytes of a message: from `least` to `most` of them.
fn message(number: u64, least: usize, most: usize) -> &'static [u8] {
    let mixed = mix(number + 1);
    let len = least + (mixed % (most - least + 1) as u64) as usize;
    let start = (mixed >> 32) as usize % (SOURCE.len() - most);
    &SOURCE[start..start + len]
}

/// Datagrams are received, handed over, stripped of a header, given a prefix, and dropped.
pub fn datagrams<D: Design>(count: u64) {
    let receive = |number: u64| {
        let message = message(number, LEAST, DATAGRAM);
        let mut buf = D::datagram();
        buf[..HEADER].copy_from_slice(&number.to_le_bytes());
        buf[HEADER..message.len()].copy_from_slice(&message[HEADER..]);
        buf.truncate(message.len());
        buf
    };
    pipeline::run(count, receive, |number, mut buf| {
        let message = message(number, LEAST, DATAGRAM);
        let (header, flow) = (number.to_le_bytes(), mix(number).to_be_bytes());
        assert_eq!(buf[..HEADER], header, "the header of datagram {number}");
        buf.pop_front(HEADER);
        assert!(buf[..] == message[HEADER..], "datagram {number}");
        assert!(buf.add_prefix(&flow), "room for a prefix");
        assert_eq!((buf.len(), &buf[..HEADER]), (message.len(), &flow[..]), "datagram {number}");
    });
}

/// Chunks of bodies: every fourth is copied, the others are received in place. They are consumed by packets.
pub fn bodies<D: Design>(count: u64) {
    let receive = |number: u64| {
        let message = message(number, 1, BODY);
        if number.is_multiple_of(4) {
            return D::copied(message);
        }
        let mut buf = D::body();
        buf[..message.len()].copy_from_slice(message);
        buf.truncate(message.len());
        buf
    };
    pipeline::run(count, receive, |number, mut buf| {
        let packets = message(number, 1, BODY).chunks(PACKET);
        for packet in packets {
            assert!(buf[..packet.len()] == *packet, "chunk {number}");
            buf.pop_front(packet.len());
        }
        assert!(buf.is_empty(), "chunk {number} is too long");
    });
}

/// Buffers are got and dropped: what the pool's calls take by themselves.
pub fn turnover<D: Design>(count: u64) {
    thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| (0..count / THREADS).for_each(|_| drop(black_box(D::datagram()))));
        }
    });
}
