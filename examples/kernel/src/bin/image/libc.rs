//! What the compiler expects of a C library.

use core::arch::asm;

/// Named by the tables of the prebuilt `core`; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    // SAFETY: by the contract of `memcpy`.
    unsafe { asm!("rep movsb", inout("rdi") to => _, inout("rsi") from => _, inout("rcx") n => _) };
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    if to.addr().wrapping_sub(from.addr()) >= n {
        // SAFETY: copying upwards, no byte is overwritten before it is read.
        return unsafe { memcpy(to, from, n) };
    }
    let last = n.wrapping_sub(1);
    // SAFETY: by the contract of `memmove`; downwards, no byte is overwritten before it is read.
    unsafe {
        asm!("std", "rep movsb", "cld", inout("rdi") to.wrapping_add(last) => _,
            inout("rsi") from.wrapping_add(last) => _, inout("rcx") n => _);
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, n: usize) -> *mut u8 {
    // SAFETY: by the contract of `memset`.
    unsafe {
        asm!("rep stosb", inout("rdi") to => _, inout("rcx") n => _, in("al") byte as u8);
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    for at in 0..n {
        // SAFETY: by the contract of `memcmp`. Volatile, or this becomes a call of itself.
        let (a, b) = unsafe { (a.add(at).read_volatile(), b.add(at).read_volatile()) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    // SAFETY: by the contract of `bcmp`.
    unsafe { memcmp(a, b, n) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    // SAFETY: by the contract of `strlen`. Volatile, as above.
    (0..).find(|&at| unsafe { text.add(at).read_volatile() } == 0).unwrap_or(0)
}
