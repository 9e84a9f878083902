//! What tells threads apart, to spread them over shared slots: the thread pointer.
//!
//! Invariant: one register is read, or one word that is written before the thread runs. A thread-local will not do:
//! in a library that is loaded at run time a thread's first touch of one allocates, and a signal handler that
//! interrupted `malloc` would wait for itself.

use core::arch::asm;

/// The calling thread's pointer: no other thread that lives has the same.
#[allow(dead_code, reason = "a model has no threads of the system")]
#[inline(always)]
pub(crate) fn thread_key(_fresh: impl FnOnce() -> u32) -> usize {
    let pointer: usize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the ABI has the thread pointer in `fs`, and its own address in the first word there, in every thread of
    // a program with a C library, which `std` needs. One load: no stack, no flags, nothing is written.
    unsafe {
        asm!("mov {}, fs:[0]", out(reg) pointer, options(pure, readonly, nostack, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the register can be read in user mode. No memory, no stack, no flags.
    unsafe {
        asm!("mrs {}, tpidr_el0", out(reg) pointer, options(pure, nomem, nostack, preserves_flags));
    }
    pointer
}
