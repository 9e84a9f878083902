//! What the first process asks of the kernel.

use std::panic::catch_unwind;
use std::ptr::{null, null_mut};

/// Mounts what says which nodes there are, does `check`, says how it went, and ends the machine.
pub fn boot(check: fn()) {
    // SAFETY: all of these are strings.
    let mounted =
        unsafe { libc::mount(c"sysfs".as_ptr(), c"/sys".as_ptr(), c"sysfs".as_ptr(), 0, null()) };
    let passed = mounted == 0 && catch_unwind(check).is_ok();
    println!("numa: {}", if passed { "passed" } else { "failed" });
    // SAFETY: nothing is to be written anywhere.
    unsafe { libc::reboot(libc::LINUX_REBOOT_CMD_RESTART) };
}

/// The node of the CPU that this runs on.
pub fn node() -> usize {
    let mut node: libc::c_uint = 0;
    // SAFETY: the number is written there, and nothing else is.
    unsafe {
        libc::syscall(libc::SYS_getcpu, null_mut::<libc::c_uint>(), &raw mut node, null::<u8>())
    };
    node as usize
}

/// Runs on this CPU from now on.
pub fn run_on(cpu: usize) {
    // SAFETY: all zeros is a valid set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: there are as many CPUs.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the set has this size.
    let done = unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    assert_eq!(node(), cpu, "each node has one CPU");
}

/// The node whose memory backs this byte, which was touched.
pub fn node_of(byte: *const u8) -> usize {
    let mut node: libc::c_int = -1;
    // `MPOL_F_NODE` and `MPOL_F_ADDR`: which node backs the address.
    let flags = 1 | 2;
    // SAFETY: the number is written there, and nothing else is.
    let done = unsafe {
        libc::syscall(libc::SYS_get_mempolicy, &raw mut node, null::<u64>(), 0, byte, flags)
    };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    node as usize
}
