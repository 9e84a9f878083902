//! `recvmmsg` and `sendmmsg` over plain slices.
//!
//! Invariant: the pointers in the arrays are used only inside the call that has written them, while the slices they
//! were made of are borrowed.

use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::ptr::{from_ref, null_mut};

use super::burst::{BURST, Envelope, Peer};

/// The arrays that a call needs.
pub struct Messages {
    headers: [libc::mmsghdr; BURST],
    parts: [libc::iovec; BURST],
}

// SAFETY: outside a call, nothing looks at the pointers.
unsafe impl Send for Messages {}

impl Messages {
    pub fn new() -> Self {
        // SAFETY: null pointers and zero lengths are values of these plain structures.
        unsafe { MaybeUninit::zeroed().assume_init() }
    }

    /// Waits for a datagram, takes it and whatever else is there, one to a buffer, and writes an envelope for each.
    /// Returns how many: none when the socket's time-out has passed. A datagram longer than its buffer is cut off.
    pub fn receive<'a>(
        &mut self,
        socket: &UdpSocket,
        buffers: impl Iterator<Item = &'a mut [u8]>,
        envelopes: &mut [Envelope; BURST],
    ) -> io::Result<usize> {
        let mut count = 0;
        for (buffer, envelope) in buffers.zip(envelopes.iter_mut()) {
            let part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
            self.write(count, part, &raw mut envelope.peer);
            count += 1;
        }
        let headers = self.linked();
        let received = loop {
            // SAFETY: `count` headers were written, with one buffer and one address each, all of them exclusively
            // borrowed until this function returns.
            let received = unsafe {
                let flags = libc::MSG_WAITFORONE as _;
                libc::recvmmsg(socket.as_raw_fd(), headers, count as _, flags, null_mut())
            };
            if let Ok(received) = usize::try_from(received) {
                break received;
            }
            let error = io::Error::last_os_error();
            match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::WouldBlock => return Ok(0),
                _ => return Err(error),
            }
        };
        for (envelope, header) in envelopes.iter_mut().zip(&self.headers[..received]) {
            envelope.length = header.msg_len as usize;
        }
        Ok(received)
    }

    /// Sends all datagrams, at most [`BURST`], to their peers, or to the socket's own if they have none.
    pub fn send<'a>(
        &mut self,
        socket: &UdpSocket,
        datagrams: impl Iterator<Item = (&'a [u8], Option<&'a Peer>)>,
    ) -> io::Result<()> {
        let mut count = 0;
        for (bytes, peer) in datagrams {
            let base = bytes.as_ptr().cast_mut().cast();
            let part = libc::iovec { iov_base: base, iov_len: bytes.len() };
            let peer = peer.map_or(null_mut(), |peer| from_ref(peer).cast_mut());
            self.write(count, part, peer);
            count += 1;
        }
        let headers = self.linked();
        let mut sent = 0;
        while sent < count {
            // SAFETY: `count` headers were written, with one buffer and at most one address each, all of them borrowed
            // until this function returns. The system writes the headers only.
            let more = unsafe {
                libc::sendmmsg(socket.as_raw_fd(), headers.add(sent), (count - sent) as _, 0)
            };
            match usize::try_from(more) {
                Ok(more) => sent += more,
                Err(_) => {
                    let error = io::Error::last_os_error();
                    if error.kind() != ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes a header, but for the pointer to its part.
    fn write(&mut self, index: usize, part: libc::iovec, peer: *mut Peer) {
        self.parts[index] = part;
        let header = &mut self.headers[index].msg_hdr;
        header.msg_name = peer.cast();
        header.msg_namelen = if peer.is_null() { 0 } else { size_of::<Peer>() as libc::socklen_t };
        header.msg_iovlen = 1;
    }

    /// Points every header to its part, wherever the arrays are now.
    fn linked(&mut self) -> *mut libc::mmsghdr {
        for (header, part) in self.headers.iter_mut().zip(&mut self.parts) {
            header.msg_hdr.msg_iov = part;
        }
        self.headers.as_mut_ptr()
    }
}
