//! The smallest XDP program: it gives every packet to the AF_XDP socket of its queue.
//!
//! No compiler and no loader: six instructions, and bpf(2).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Commands, types and flags of bpf(2), from `linux/bpf.h` and `linux/if_link.h`.
const MAP_CREATE: u32 = 0;
const MAP_UPDATE_ELEM: u32 = 2;
const PROG_LOAD: u32 = 5;
const LINK_CREATE: u32 = 28;
const MAP_TYPE_XSKMAP: u32 = 17;
const PROG_TYPE_XDP: u32 = 6;
const ATTACH_TYPE_XDP: u32 = 37;
const FLAGS_SKB_MODE: u32 = 1 << 1;
const LICENSE: &[u8] = b"Dual MIT/GPL\0";

/// Attached until it is dropped, or the interface is deleted.
pub struct Redirect {
    _link: OwnedFd,
}

impl Redirect {
    /// Gives the packets of an interface's first queue to a socket that is bound to it. In generic mode, which every
    /// driver has.
    pub fn attach(interface: u32, socket: BorrowedFd<'_>) -> io::Result<Self> {
        let map = create_map()?;
        let (key, value) = (0_u32, socket.as_raw_fd());
        // `map_fd`, padding, `key`, `value`, `flags`. The kernel reads both by their addresses.
        let [key, value] = [
            (&raw const key).expose_provenance() as u64,
            (&raw const value).expose_provenance() as u64,
        ];
        // SAFETY: key and value are four bytes each, as the map has them.
        unsafe { bpf(MAP_UPDATE_ELEM, [map.as_raw_fd() as u64, key, value, 0]) }?;
        let program = load(map.as_fd())?;
        // `prog_fd`, `target_ifindex`; `attach_type`, `flags`; nothing else.
        let target = pair(program.as_raw_fd() as u32, interface);
        // SAFETY: there is no pointer.
        let link =
            unsafe { bpf(LINK_CREATE, [target, pair(ATTACH_TYPE_XDP, FLAGS_SKB_MODE), 0, 0]) }?;
        Ok(Redirect { _link: owned(link) })
    }
}

fn create_map() -> io::Result<OwnedFd> {
    // `map_type`, `key_size`; `value_size`, `max_entries`; `map_flags`, `inner_map_fd`.
    // SAFETY: there is no pointer.
    unsafe { bpf(MAP_CREATE, [pair(MAP_TYPE_XSKMAP, 4), pair(4, 1), 0, 0]) }.map(owned)
}

/// `return bpf_redirect_map(&map, ctx->rx_queue_index, XDP_PASS);`
fn load(map: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let program = [
        instruction(0x61, 2, 1, 16, 0),              // r2 = *(u32 *)(r1 + 16)
        instruction(0x18, 1, 1, 0, map.as_raw_fd()), // r1 = the map, in two halves
        instruction(0, 0, 0, 0, 0),
        instruction(0xb7, 3, 0, 0, 2), // r3 = XDP_PASS, without a socket
        instruction(0x85, 0, 0, 0, 51), // call bpf_redirect_map
        instruction(0x95, 0, 0, 0, 0), // return r0
    ];
    let [start, license] =
        [program.as_ptr().expose_provenance() as u64, LICENSE.as_ptr().expose_provenance() as u64];
    // `prog_type`, `insn_cnt`; `insns`; `license`; no log.
    // SAFETY: both pointers are to what the call reads, as long as it says, or ended by a zero.
    unsafe { bpf(PROG_LOAD, [pair(PROG_TYPE_XDP, program.len() as u32), start, license, 0]) }
        .map(owned)
}

/// An instruction as the kernel has it: operation, registers, offset, immediate value.
fn instruction(operation: u8, to: u8, from: u8, offset: i16, immediate: i32) -> [u8; 8] {
    let [o1, o2] = offset.to_ne_bytes();
    let [i1, i2, i3, i4] = immediate.to_ne_bytes();
    let registers = if cfg!(target_endian = "little") { from << 4 | to } else { to << 4 | from };
    [operation, registers, o1, o2, i1, i2, i3, i4]
}

/// Two neighbouring fields of four bytes.
fn pair(first: u32, second: u32) -> u64 {
    let ([a, b, c, d], [e, f, g, h]) = (first.to_ne_bytes(), second.to_ne_bytes());
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

/// # Safety
/// What the attributes point to is there, as the command wants it.
unsafe fn bpf(command: u32, attributes: [u64; 4]) -> io::Result<libc::c_long> {
    // Zeroes behind what is set are what is not asked for.
    let mut all = [0_u64; 16];
    all[..4].copy_from_slice(&attributes);
    // SAFETY: the call reads the attributes, whose pointers the caller answers for.
    match unsafe { libc::syscall(libc::SYS_bpf, command, all.as_ptr(), size_of_val(&all)) } {
        result if result < 0 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}

fn owned(fd: libc::c_long) -> OwnedFd {
    // SAFETY: the call before has opened it, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(fd as i32) }
}
