//! Requests to rtnetlink, each of which the kernel acknowledges.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::null_mut;

use super::system::{checked, socket};

/// Attributes of an interface, from `linux/if_link.h` and `linux/veth.h`.
pub const IFLA_IFNAME: u16 = 3;
pub const IFLA_MTU: u16 = 4;
pub const IFLA_LINKINFO: u16 = 18;
pub const IFLA_NET_NS_FD: u16 = 28;
pub const IFLA_INFO_KIND: u16 = 1;
pub const IFLA_INFO_DATA: u16 = 2;
pub const VETH_INFO_PEER: u16 = 1;

/// Bytes of the header of a message.
const HEADER: usize = 16;

/// A request about one interface.
pub struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// About the interface with this index, or 0 for one that has none yet.
    pub fn new(kind: u16, flags: i32, interface: u32, up: bool) -> Self {
        let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK | flags) as u16;
        let mut request = Request { bytes: Vec::new() };
        request.bytes.extend(0_u32.to_ne_bytes()); // its length
        request.bytes.extend(kind.to_ne_bytes());
        request.bytes.extend(flags.to_ne_bytes());
        request.bytes.extend([0; 8]); // its number, and the sender
        request.interface(interface, up);
        request
    }

    /// A `struct ifinfomsg`: whether the interface is to be up.
    pub fn interface(&mut self, index: u32, up: bool) {
        let flag = libc::IFF_UP as u32;
        self.bytes.extend([0; 4]);
        self.bytes.extend(index.to_ne_bytes());
        self.bytes.extend(if up { flag } else { 0 }.to_ne_bytes());
        self.bytes.extend(flag.to_ne_bytes());
    }

    pub fn number(&mut self, kind: u16, number: u32) {
        self.nest(kind, |request| request.bytes.extend(number.to_ne_bytes()));
    }

    pub fn name(&mut self, kind: u16, name: &CStr) {
        self.nest(kind, |request| request.bytes.extend(name.to_bytes_with_nul()));
    }

    /// An attribute with whatever is written into it.
    pub fn nest(&mut self, kind: u16, write: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend([0; 2]);
        self.bytes.extend(kind.to_ne_bytes());
        write(self);
        let len = (self.bytes.len() - start) as u16;
        self.bytes[start..start + 2].copy_from_slice(&len.to_ne_bytes());
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// Sends the request, and waits for what the kernel says.
    pub fn send(mut self) -> io::Result<()> {
        let len = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&len.to_ne_bytes());
        let socket = socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
        let (fd, bytes) = (socket.as_fd().as_raw_fd(), self.bytes.as_ptr().cast());
        // SAFETY: the bytes are borrowed, and only read; a socket that is not connected sends to the kernel.
        checked(unsafe { libc::send(fd, bytes, self.bytes.len(), 0) } as i32)?;
        let mut answer = [0_u8; 1024];
        let room = answer.len();
        // SAFETY: the bytes are exclusively borrowed. What is longer is cut off: the error comes first.
        let len = checked(unsafe {
            libc::recvfrom(fd, answer.as_mut_ptr().cast(), room, 0, null_mut(), null_mut())
        } as i32)?;
        // A `struct nlmsgerr`, whose first field is the error, or 0.
        match answer[..len as usize].get(HEADER..HEADER + 4) {
            Some(&[a, b, c, d]) => match i32::from_ne_bytes([a, b, c, d]) {
                0 => Ok(()),
                error => Err(io::Error::from_raw_os_error(-error)),
            },
            _ => Err(io::Error::other("netlink's answer is too short")),
        }
    }
}
