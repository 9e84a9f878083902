//! System calls that are used in several places.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::from_ref;

/// What a call has returned, or the system's error.
pub fn checked(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

pub fn socket(family: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    // SAFETY: it takes numbers.
    let fd = checked(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) })?;
    // SAFETY: it was just opened, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Binds a socket to an address of its family, which is a structure of C.
pub fn bind<T>(socket: BorrowedFd<'_>, address: &T) -> io::Result<()> {
    let len = size_of::<T>() as libc::socklen_t;
    // SAFETY: the address is `len` bytes, borrowed, and only read.
    checked(unsafe { libc::bind(socket.as_raw_fd(), from_ref(address).cast(), len) }).map(drop)
}

/// Sets an option whose value is a number or a structure of C.
pub fn set<T>(socket: BorrowedFd<'_>, level: i32, name: i32, value: &T) -> io::Result<()> {
    let (fd, len) = (socket.as_raw_fd(), size_of::<T>() as libc::socklen_t);
    // SAFETY: the value is `len` bytes, borrowed, and only read.
    checked(unsafe { libc::setsockopt(fd, level, name, from_ref(value).cast(), len) }).map(drop)
}

/// Reads an option into a structure, of which an older system leaves the rest as it is.
pub fn get<T>(socket: BorrowedFd<'_>, level: i32, name: i32, value: &mut T) -> io::Result<()> {
    let (fd, mut len) = (socket.as_raw_fd(), size_of::<T>() as libc::socklen_t);
    // SAFETY: the value is `len` bytes, exclusively borrowed; the callers' structures are of integers.
    let result =
        unsafe { libc::getsockopt(fd, level, name, (&raw mut *value).cast(), &raw mut len) };
    checked(result).map(drop)
}

/// Waits until there is something to receive, or so many milliseconds have passed. Whether there is.
pub fn wait(socket: BorrowedFd<'_>, milliseconds: i32) -> bool {
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure, exclusively borrowed.
    unsafe { libc::poll(&raw mut poll, 1, milliseconds) > 0 }
}
