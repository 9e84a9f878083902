//! An AF_PACKET socket on one interface, for the packets of the load.
//!
//! Invariant: the pointers in the arrays are used only inside the call that has written them.

use std::io;
use std::mem::{MaybeUninit, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::null_mut;

use super::device::BURST;
use super::system::{bind, get, set, socket};
use super::tally::ETHERTYPE;

/// Bytes that may wait in a socket: more than a window of the load's packets.
const BUFFER: i32 = 8 << 20;

/// A socket, and the arrays for its calls.
pub struct LinkSocket {
    socket: OwnedFd,
    headers: Box<[libc::mmsghdr; BURST]>,
    parts: Box<[libc::iovec; BURST]>,
}

// SAFETY: outside a call, nothing looks at the pointers.
unsafe impl Send for LinkSocket {}

impl LinkSocket {
    pub fn open(interface: u32) -> io::Result<Self> {
        // Without a protocol nothing arrives before it is bound.
        let socket = socket(libc::AF_PACKET, libc::SOCK_RAW, 0)?;
        let fd = socket.as_fd();
        // The first is for root only, the second has a limit. A packet that finds no room is counted.
        set(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &BUFFER)
            .or_else(|_| set(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, &BUFFER))?;
        // Straight to the interface, as a device would.
        set(fd, libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, &1_i32)?;
        // SAFETY: zeroes are a value of this plain structure.
        let mut address: libc::sockaddr_ll = unsafe { zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = ETHERTYPE.to_be();
        address.sll_ifindex = interface as i32;
        bind(fd, &address)?;
        // SAFETY: null pointers and zero lengths are values of these plain structures.
        let (headers, parts) =
            unsafe { (MaybeUninit::zeroed().assume_init(), MaybeUninit::zeroed().assume_init()) };
        Ok(LinkSocket { socket, headers: Box::new(headers), parts: Box::new(parts) })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// How many packets found no room in the socket. The system starts to count anew.
    pub fn dropped(&self) -> io::Result<u64> {
        let mut figures = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        get(self.fd(), libc::SOL_PACKET, libc::PACKET_STATISTICS, &mut figures)?;
        Ok(u64::from(figures.tp_drops))
    }

    /// Sends packets, at most [`BURST`], and returns how many: fewer if the interface is busy.
    ///
    /// # Safety
    /// The bytes are there, initialised, and nobody writes them meanwhile.
    pub unsafe fn send(
        &mut self,
        packets: impl Iterator<Item = (*const u8, usize)>,
    ) -> io::Result<usize> {
        let count = self.link(packets.map(|(start, len)| (start.cast_mut(), len)));
        let (fd, headers) = (self.socket.as_raw_fd(), self.headers.as_mut_ptr());
        // SAFETY: `count` headers were written, each with one part, whose bytes are there, by the caller's promise.
        let sent = unsafe { libc::sendmmsg(fd, headers, count as _, libc::MSG_DONTWAIT as _) };
        some(sent)
    }

    /// Receives packets, one to a buffer, at most [`BURST`]: their headers, with their lengths.
    /// None if there are none.
    ///
    /// # Safety
    /// The buffers are the caller's, who has them for nothing else meanwhile.
    pub unsafe fn receive(
        &mut self,
        buffers: impl Iterator<Item = (*mut u8, usize)>,
    ) -> io::Result<&[libc::mmsghdr]> {
        let count = self.link(buffers);
        let (fd, headers) = (self.socket.as_raw_fd(), self.headers.as_mut_ptr());
        let flags = (libc::MSG_DONTWAIT | libc::MSG_TRUNC) as _;
        // SAFETY: `count` headers were written, each with one part, which is the call's, by the caller's promise.
        let received = unsafe { libc::recvmmsg(fd, headers, count as _, flags, null_mut()) };
        Ok(&self.headers[..some(received)?])
    }

    /// Writes the arrays.
    fn link(&mut self, parts: impl Iterator<Item = (*mut u8, usize)>) -> usize {
        let mut count = 0;
        let places = self.parts.iter_mut().zip(self.headers.iter_mut());
        for ((part, header), (start, len)) in places.zip(parts) {
            *part = libc::iovec { iov_base: start.cast(), iov_len: len };
            header.msg_hdr.msg_iov = part;
            header.msg_hdr.msg_iovlen = 1;
            count += 1;
        }
        count
    }
}

/// How many messages; none where a later call may have some.
fn some(result: i32) -> io::Result<usize> {
    usize::try_from(result).or_else(|_| {
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EINTR | libc::ENOBUFS) => Ok(0),
            _ => Err(error),
        }
    })
}
