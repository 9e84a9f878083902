//! The receiving thread: datagrams go straight into pages, and whole batches to the answering thread.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use pagesheaf::{Mode, PageBatch, Pool};

use super::Outcome;
use super::burst::{BURST, Burst, Envelope};
use super::mmsg::Messages;

/// What the receiver has done.
#[derive(Default)]
pub struct Received {
    /// Datagrams handed over.
    pub datagrams: u64,
    /// Batches that they were handed over in.
    pub bursts: u64,
    /// Datagrams discarded for want of a page.
    pub dropped: u64,
}

/// Receives until `done` is set and nothing is left to receive.
pub fn receive<M: Mode>(
    socket: &UdpSocket,
    pool: &Pool<M>,
    answerer: SyncSender<Burst<M>>,
    done: &AtomicBool,
) -> Outcome<Received> {
    let mut cache = pool.cache()?;
    let mut messages = Messages::new();
    let mut pages = PageBatch::<M, BURST>::empty();
    let mut received = Received::default();
    loop {
        // Looked at before the socket: whatever was sent before it was set is still received.
        let last = done.load(Ordering::Acquire);
        let room = pages.remaining_capacity();
        if cache.alloc_bulk(&mut pages, room).reason.is_some() && pages.is_empty() {
            if waits(socket)? {
                // A page may have come back meanwhile.
                match cache.alloc() {
                    Ok(page) => pages.push(page)?,
                    Err(_) => received.dropped += discard(socket)?,
                }
            } else if last {
                break;
            }
            continue;
        }
        let mut envelopes = [Envelope::EMPTY; BURST];
        let arrived = messages.receive(socket, pages.iter_mut(), &mut envelopes)?;
        if arrived > 0 {
            // The pages without a datagram stay for the next call.
            let burst = Burst { pages: pages.split_to(arrived), envelopes };
            answerer.send(burst).map_err(|_| "the answering thread has ended")?;
            received.datagrams += arrived as u64;
            received.bursts += 1;
        } else if last {
            break;
        }
    }
    cache.free_bulk(&mut pages);
    Ok(received)
}

/// Waits for a datagram, and leaves it where it is. False when the socket's time-out has passed.
fn waits(socket: &UdpSocket) -> io::Result<bool> {
    loop {
        match socket.peek_from(&mut [0]) {
            Ok(_) => return Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Throws away the datagram that waits.
fn discard(socket: &UdpSocket) -> io::Result<u64> {
    socket.recv_from(&mut [0]).map(|_| 1)
}
