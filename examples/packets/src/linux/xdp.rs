//! An AF_XDP socket whose UMEM is memory of ours.
//!
//! Invariant: the kernel has the memory until the socket is closed, and not longer: closing unbinds it from the
//! interface, and waits for packets that are being copied.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::ptr::null;

use super::bpf::Redirect;
use super::device::{Device, Umem};
use super::mapping::Mapping;
use super::ring::{Consumer, Packet, Places, Producer, RING, Rings};
use super::system::{bind, checked, get, set, socket, wait};

/// The kernel sends so many packets in a call.
const SENT_IN_A_CALL: usize = 32;

/// The socket. The order of the fields is that in which they go.
pub struct Xdp {
    _redirect: Redirect,
    rings: Rings,
    socket: OwnedFd,
}

impl Xdp {
    /// Opens a socket on the first queue of an interface, which copies, as every driver can.
    pub fn open(interface: u32, umem: Umem) -> io::Result<Self> {
        let socket = socket(libc::AF_XDP, libc::SOCK_RAW, 0).map_err(during("AF_XDP"))?;
        register(&socket, umem).map_err(during("registering the UMEM"))?;
        let rings = map_rings(&socket).map_err(during("mapping the rings"))?;
        let address = libc::sockaddr_xdp {
            sxdp_family: libc::AF_XDP as u16,
            sxdp_flags: libc::XDP_COPY | libc::XDP_USE_NEED_WAKEUP,
            sxdp_ifindex: interface,
            sxdp_queue_id: 0,
            sxdp_shared_umem_fd: 0,
        };
        bind(socket.as_fd(), &address).map_err(during("binding the AF_XDP socket"))?;
        let redirect = Redirect::attach(interface, socket.as_fd()).map_err(during("bpf"))?;
        Ok(Xdp { _redirect: redirect, rings, socket })
    }
}

fn during(what: &'static str) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// Tells the kernel of the memory, and how large the rings are.
fn register(socket: &OwnedFd, umem: Umem) -> io::Result<()> {
    // SAFETY: zeroes are a value of this plain structure: no headroom, no flags, no metadata.
    let mut region: libc::xdp_umem_reg = unsafe { zeroed() };
    // The kernel writes there: the pointer's provenance is out.
    region.addr = umem.memory.cast::<u8>().as_ptr().expose_provenance() as u64;
    region.len = umem.memory.len() as u64;
    region.chunk_size = umem.frame as u32;
    set(socket.as_fd(), libc::SOL_XDP, libc::XDP_UMEM_REG, &region)?;
    for ring in [
        libc::XDP_UMEM_FILL_RING,
        libc::XDP_UMEM_COMPLETION_RING,
        libc::XDP_RX_RING,
        libc::XDP_TX_RING,
    ] {
        set(socket.as_fd(), libc::SOL_XDP, ring, &(RING as u32))?;
    }
    Ok(())
}

/// Maps the rings that the kernel has made.
fn map_rings(socket: &OwnedFd) -> io::Result<Rings> {
    // SAFETY: zeroes are a value of this plain structure.
    let mut offsets: libc::xdp_mmap_offsets = unsafe { zeroed() };
    get(socket.as_fd(), libc::SOL_XDP, libc::XDP_MMAP_OFFSETS, &mut offsets)?;
    let [fill, received, send, sent] =
        [&offsets.fr, &offsets.rx, &offsets.tx, &offsets.cr].map(|ring| Places {
            producer: ring.producer as usize,
            consumer: ring.consumer as usize,
            slots: ring.desc as usize,
        });
    // An offset may be past what 32 bits can say.
    let at = |bytes, offset: u64| {
        let offset = libc::off_t::try_from(offset).map_err(io::Error::other)?;
        Mapping::of(socket.as_fd(), bytes, offset)
    };
    let fill_memory = at(fill.bytes::<u64>(), libc::XDP_UMEM_PGOFF_FILL_RING)?;
    let sent_memory = at(sent.bytes::<u64>(), libc::XDP_UMEM_PGOFF_COMPLETION_RING)?;
    let received_memory = at(received.bytes::<Packet>(), libc::XDP_PGOFF_RX_RING as u64)?;
    let send_memory = at(send.bytes::<Packet>(), libc::XDP_PGOFF_TX_RING as u64)?;
    // SAFETY: the kernel says where the parts are, of rings of the size that was set. It is the other end of each.
    Ok(unsafe {
        Rings {
            fill: Producer::new(fill_memory, &fill),
            received: Consumer::new(received_memory, &received),
            send: Producer::new(send_memory, &send),
            sent: Consumer::new(sent_memory, &sent),
        }
    })
}

// SAFETY: the kernel gives back what it got, each once. It copies while it receives and while it sends, and has no use
// for a frame when the socket is closed.
unsafe impl Device for Xdp {
    fn rings(&mut self) -> &mut Rings {
        &mut self.rings
    }

    fn work(&mut self) -> io::Result<()> {
        for _ in 0..RING / SENT_IN_A_CALL {
            if self.rings.send.room() == RING {
                break;
            }
            let fd = self.socket.as_raw_fd();
            // SAFETY: no bytes are passed, and no address.
            let sent = unsafe { libc::sendto(fd, null(), 0, libc::MSG_DONTWAIT, null(), 0) };
            match checked(sent as i32).map_err(|error| (error.raw_os_error(), error)) {
                Ok(_) | Err((Some(libc::EAGAIN | libc::EINTR), _)) => {}
                Err((Some(libc::EBUSY | libc::ENOBUFS), _)) => break,
                Err((_, error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn wait(&mut self) {
        wait(self.socket.as_fd(), 5);
    }

    fn dropped(&self) -> io::Result<u64> {
        // SAFETY: zeroes are a value of this plain structure.
        let mut figures: libc::xdp_statistics = unsafe { zeroed() };
        get(self.socket.as_fd(), libc::SOL_XDP, libc::XDP_STATISTICS, &mut figures)?;
        Ok(figures.rx_dropped + figures.rx_ring_full)
    }
}
