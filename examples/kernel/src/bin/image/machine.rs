//! The serial line, and the device by which the kernel ends QEMU.

use core::fmt;

use x86_64::instructions::hlt;
use x86_64::instructions::port::Port;

/// How the kernel ends.
#[derive(Clone, Copy)]
pub enum End {
    /// QEMU exits with 33.
    Good = 0x10,
    /// QEMU exits with 35.
    Bad = 0x11,
}

/// The first serial port.
pub struct Serial;

impl fmt::Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let (mut data, mut status) = (Port::<u8>::new(0x3f8), Port::<u8>::new(0x3fd));
        for byte in text.bytes() {
            // SAFETY: a serial port: it says when it has room for a byte.
            unsafe {
                while status.read() & 0x20 == 0 {}
                data.write(byte);
            }
        }
        Ok(())
    }
}

/// As `println`, on the serial line.
macro_rules! say {
    ($($what:tt)*) => {{
        use core::fmt::Write;
        let _ = writeln!($crate::machine::Serial, $($what)*);
    }};
}
pub(crate) use say;

/// Ends QEMU.
pub fn exit(end: End) -> ! {
    // SAFETY: the port of the device `isa-debug-exit`, which the program that boots this asks for.
    unsafe { Port::<u32>::new(0xf4).write(end as u32) };
    loop {
        hlt();
    }
}

/// Cycles since the machine started.
pub fn cycles() -> u64 {
    // SAFETY: every CPU with long mode has the counter.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Waits at least so many cycles.
pub fn delay(wait: u64) {
    let start = cycles();
    while cycles().wrapping_sub(start) < wait {}
}
