//! Sockets on loopback, their buffers, and what the system drops.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;

use rustix::net::sockopt::set_socket_recv_buffer_size;

use super::NAP;

/// What a datagram may take of a receive buffer: more than the system charges for the longest, and
/// a quarter of the buffer that it may be late to give back.
const CHARGE: usize = 4096;

/// Opens a socket whose receive buffer has room for so many datagrams, if the system allows.
pub fn open(datagrams: u64) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(NAP))?;
    set_socket_recv_buffer_size(&socket, datagrams as usize * CHARGE)?;
    Ok(socket)
}

/// How many datagrams the system has dropped because the receive buffer was full.
pub fn drops(socket: &UdpSocket) -> io::Result<u64> {
    let mut figures = [0_u32; 9];
    let mut length = size_of_val(&figures) as libc::socklen_t;
    // SAFETY: the system writes at most `length` bytes of the figures, and the length, both borrowed
    // for the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            (&raw mut figures).cast(),
            &raw mut length,
        )
    };
    if result == 0 {
        Ok(figures[libc::SK_MEMINFO_DROPS as usize].into())
    } else {
        Err(io::Error::last_os_error())
    }
}
