//! What the kernel has to be told of a datagram: headers, as `recvmsg` and `sendmsg` want them.

use std::mem;
use std::ptr::null_mut;

/// Where a page's answer goes, and where its bytes lie: both in the page.
pub struct Envelope {
    part: libc::iovec,
    header: libc::msghdr,
}

/// A header that says nothing.
fn empty() -> libc::msghdr {
    // SAFETY: null pointers and zero lengths are values of this plain structure.
    unsafe { mem::zeroed() }
}

/// For a multishot receive: the kernel writes the sender's address in front of the datagram, and so
/// many bytes are for it. IPv4 only.
pub fn template() -> libc::msghdr {
    let mut header = empty();
    header.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    header
}

impl Envelope {
    /// Of no datagram.
    pub fn empty() -> Self {
        Envelope { part: libc::iovec { iov_base: null_mut(), iov_len: 0 }, header: empty() }
    }

    /// Addresses a payload to a peer. Both stay where they are until the answer is sent.
    pub fn address(&mut self, peer: &[u8], payload: &[u8]) {
        self.part.iov_base = payload.as_ptr().cast_mut().cast();
        self.part.iov_len = payload.len();
        self.header.msg_name = peer.as_ptr().cast_mut().cast();
        self.header.msg_namelen = peer.len() as libc::socklen_t;
        self.header.msg_iovlen = 1;
    }

    /// For a request to send it: good as long as the envelope stays where it is.
    pub fn header(&mut self) -> *const libc::msghdr {
        self.header.msg_iov = &raw mut self.part;
        &raw const self.header
    }
}
