//! The answering thread: sends every datagram back to where it came from, and frees the pages.

use std::net::UdpSocket;
use std::sync::mpsc::Receiver;

use pagesheaf::{Mode, Pool};

use super::Outcome;
use super::burst::Burst;
use super::mmsg::Messages;

/// Answers until the receiving thread has ended.
pub fn answer<M: Mode>(
    socket: &UdpSocket,
    pool: &Pool<M>,
    bursts: Receiver<Burst<M>>,
) -> Outcome<()> {
    // Not through a cache of its own: this thread may sleep for long, and nobody else could have the pages that its
    // cache holds meanwhile. Shared ones can be drained.
    let mut messages = Messages::new();
    for mut burst in bursts {
        messages.send(socket, burst.datagrams())?;
        pool.free_bulk(&mut burst.pages);
    }
    Ok(())
}
