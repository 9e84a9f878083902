//! Two network namespaces of the program's own, and a pair of interfaces between them.
//!
//! Nothing outside of the process changes. What is left of it goes away with the process.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::thread;

use super::netlink::{
    IFLA_IFNAME, IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_LINKINFO, IFLA_MTU, IFLA_NET_NS_FD, Request,
    VETH_INFO_PEER,
};
use super::system::checked;

/// The interface of the forwarder, and that of the load.
const FORWARDER: &CStr = c"forwarder";
const LOAD: &CStr = c"load";

/// The namespaces: the forwarder's is that of the thread which made this value, the load's is another.
pub struct Net {
    load: File,
}

impl Net {
    /// Leaves the namespace of the system, before other threads are started. As nobody in particular, if need be.
    pub fn new() -> io::Result<Self> {
        unshare(libc::CLONE_NEWNET)
            .or_else(|_| unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET))?;
        without_ipv6();
        let made = thread::spawn(|| {
            unshare(libc::CLONE_NEWNET)?;
            without_ipv6();
            File::open("/proc/thread-self/ns/net")
        });
        Ok(Net { load: made.join().expect("the thread makes three calls")? })
    }

    /// A new pair of interfaces. The forwarder's is up; the other can only be when both are there.
    pub fn pair(&self, mtu: u32) -> io::Result<Pair> {
        let flags = libc::NLM_F_CREATE | libc::NLM_F_EXCL;
        let mut request = Request::new(libc::RTM_NEWLINK, flags, 0, true);
        request.name(IFLA_IFNAME, FORWARDER);
        request.number(IFLA_MTU, mtu);
        request.nest(IFLA_LINKINFO, |info| {
            info.name(IFLA_INFO_KIND, c"veth");
            info.nest(IFLA_INFO_DATA, |data| {
                data.nest(VETH_INFO_PEER, |peer| {
                    peer.interface(0, false);
                    peer.name(IFLA_IFNAME, LOAD);
                    peer.number(IFLA_MTU, mtu);
                    peer.number(IFLA_NET_NS_FD, self.load.as_raw_fd() as u32);
                });
            });
        });
        request.send()?;
        Ok(Pair { index: index(FORWARDER)? })
    }

    /// Takes the calling thread into the load's namespace, and its interface up. Returns the index of that.
    pub fn enter(&self) -> io::Result<u32> {
        // SAFETY: it takes numbers.
        checked(unsafe { libc::setns(self.load.as_raw_fd(), libc::CLONE_NEWNET) })?;
        let index = index(LOAD)?;
        set_up(index, true)?;
        Ok(index)
    }
}

/// A pair of interfaces, deleted when it is dropped.
pub struct Pair {
    pub index: u32,
}

impl Pair {
    pub fn take_down(&self) -> io::Result<()> {
        set_up(self.index, false)
    }

    /// Deletes both interfaces, whatever is on its way.
    pub fn delete(&self) -> io::Result<()> {
        Request::new(libc::RTM_DELLINK, 0, self.index, false).send()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // The kernel does not reuse the index: if the pair is gone, there is nothing to delete.
        let _ = self.delete();
    }
}

fn set_up(index: u32, up: bool) -> io::Result<()> {
    Request::new(libc::RTM_NEWLINK, 0, index, up).send()
}

fn unshare(what: i32) -> io::Result<()> {
    // SAFETY: it takes a number.
    checked(unsafe { libc::unshare(what) }).map(drop)
}

/// Keeps the kernel's own packets off the interfaces. If it refuses, they are forwarded, too.
fn without_ipv6() {
    let _ = fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}

fn index(name: &CStr) -> io::Result<u32> {
    // SAFETY: the name ends with a zero.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}
