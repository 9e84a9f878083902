//! The local APIC: which CPU this is, how the others start, and each CPU's timer.

use core::ptr;

use x86_64::instructions::port::Port;

use crate::machine::delay;

/// Where every CPU finds its own, mapped by `boot.s`.
const REGISTERS: usize = 0xfee0_0000;
const ID: usize = 0x20;
const END_OF_INTERRUPT: usize = 0xb0;
const SPURIOUS: usize = 0xf0;
const COMMAND: usize = 0x300;
const TIMER: usize = 0x320;
const TIMER_START: usize = 0x380;
const TIMER_DIVIDER: usize = 0x3e0;

/// The most CPUs: `boot.s` has stacks for so many.
pub const CPUS: usize = 8;
/// Where the others start: the copy of `trampoline` in `boot.s`.
pub const TRAMPOLINE: usize = 0x8000;
/// The interrupt of the timer.
pub const TIMER_VECTOR: u8 = 32;
/// The interrupt that means nothing.
pub const SPURIOUS_VECTOR: u8 = 0xff;

/// To all CPUs but this: a message, of the INIT and of the start kind.
const TO_OTHERS: u32 = 0xc_4000;
const INIT: u32 = TO_OTHERS | 5 << 8;
const START: u32 = TO_OTHERS | 6 << 8 | (TRAMPOLINE >> 12) as u32;

/// Ten milliseconds of a fast CPU.
const TEN_MS: u64 = 40_000_000;

unsafe extern "C" {
    static trampoline: u8;
    static trampoline_end: u8;
}

fn register(at: usize) -> *mut u32 {
    ptr::with_exposed_provenance_mut(REGISTERS + at)
}

fn write(at: usize, value: u32) {
    // SAFETY: a register of the device, which every CPU has to itself.
    unsafe { register(at).write_volatile(value) };
}

/// The number of this CPU. The pool asks too, to spread CPUs over its shared caches.
pub fn current_cpu() -> usize {
    // SAFETY: as above; reading it changes nothing.
    (unsafe { register(ID).read_volatile() } >> 24) as usize
}

/// Turns this CPU's APIC on, and the interrupt controllers from before off.
pub fn enable() {
    for port in [0x21, 0xa1] {
        // SAFETY: the masks of the two old controllers: nothing comes from them any more.
        unsafe { Port::<u8>::new(port).write(0xff) };
    }
    write(SPURIOUS, 0x100 | u32::from(SPURIOUS_VECTOR));
}

/// Starts all other CPUs.
///
/// # Safety
/// The page at `TRAMPOLINE` is nobody else's.
pub unsafe fn start_others() {
    let (from, end) = (&raw const trampoline, &raw const trampoline_end);
    let to = ptr::with_exposed_provenance_mut(TRAMPOLINE);
    // SAFETY: the code lies between its two symbols, and fits the page, which is the caller's.
    unsafe { ptr::copy_nonoverlapping(from, to, end.addr() - from.addr()) };
    write(COMMAND, INIT);
    delay(TEN_MS);
    write(COMMAND, START);
    delay(TEN_MS / 50);
    write(COMMAND, START); // those that have started ignore it
}

/// Interrupts this CPU again and again, after so many ticks each time.
pub fn start_timer(ticks: u32) {
    write(TIMER_DIVIDER, 0b1011);
    write(TIMER, 1 << 17 | u32::from(TIMER_VECTOR));
    write(TIMER_START, ticks);
}

/// No more of them.
pub fn stop_timer() {
    write(TIMER, 1 << 16);
    write(TIMER_START, 0);
}

/// The handler is done.
pub fn end_interrupt() {
    write(END_OF_INTERRUPT, 0);
}
