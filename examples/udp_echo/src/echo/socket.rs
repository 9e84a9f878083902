//! Sockets on loopback, their buffers and what the system drops.

use std::ffi::c_int;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

/// How long a receiver sleeps before it looks at what else there is to do.
const NAP: Duration = Duration::from_millis(5);

/// What a datagram may take of a receive buffer: more than the system charges for the longest of them, and a quarter
/// of the buffer that it may be late to give back.
pub const CHARGE: usize = 4096;

/// Opens a socket whose receive buffer has room for so many datagrams, if the system allows.
pub fn open(datagrams: usize) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(NAP))?;
    let bytes = (datagrams * CHARGE) as c_int;
    // SAFETY: the option is an integer, borrowed for the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVBUF,
            (&raw const bytes).cast(),
            size_of_val(&bytes) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(socket) } else { Err(io::Error::last_os_error()) }
}

/// How many datagrams the receive buffer has room for.
pub fn room(socket: &UdpSocket) -> io::Result<usize> {
    Ok(memory(socket)?[libc::SK_MEMINFO_RCVBUF as usize] as usize / CHARGE)
}

/// How many datagrams the system has dropped because the receive buffer was full.
pub fn drops(socket: &UdpSocket) -> io::Result<u64> {
    Ok(memory(socket)?[libc::SK_MEMINFO_DROPS as usize].into())
}

/// The figures of the socket's buffers (`SO_MEMINFO`).
fn memory(socket: &UdpSocket) -> io::Result<[u32; 9]> {
    let mut figures = [0_u32; 9];
    let mut length = size_of::<[u32; 9]>() as libc::socklen_t;
    // SAFETY: the system writes at most `length` bytes of the figures, and the length, both borrowed for the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            (&raw mut figures).cast(),
            &raw mut length,
        )
    };
    if result == 0 { Ok(figures) } else { Err(io::Error::last_os_error()) }
}
