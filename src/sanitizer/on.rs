//! AddressSanitizer and valgrind's memcheck are told which memory may be touched: the feature `sanitizer-hooks`.
//!
//! Invariant: no byte of that memory is read or written, and where neither tool is at work nothing happens. Both are
//! found when the program runs, so that a build needs to know of none: AddressSanitizer by its functions, which are
//! there if it is linked; valgrind by instructions that do nothing on a processor.

use core::arch::asm;
use core::ffi::c_void;
use core::mem::transmute;

/// A function of AddressSanitizer's.
type Mark = unsafe extern "C" fn(start: *const c_void, bytes: usize);

/// Which tool is at work.
pub(crate) struct Sanitizer {
    address: Option<AddressSanitizer>,
    is_valgrind: bool,
}

#[derive(Clone, Copy)]
struct AddressSanitizer {
    poison: Mark,
    unpoison: Mark,
}

/// What valgrind is asked for, by the numbers of `valgrind.h` and `memcheck.h`.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Request {
    RunningOnValgrind = 0x1001,
    MakeMemNoaccess = MEMCHECK,
    MakeMemUndefined = MEMCHECK + 1,
    MakeMemDefined = MEMCHECK + 2,
    MakeMemDefinedIfAddressable = MEMCHECK + 11,
}

/// Requests of memcheck start here.
const MEMCHECK: usize = (b'M' as usize) << 24 | (b'C' as usize) << 16;

impl Sanitizer {
    /// Whether a tool is told.
    pub(crate) const IS_ON: bool = true;

    /// Looks which tool is at work.
    pub(crate) fn new() -> Self {
        let nothing = core::ptr::null_mut();
        Sanitizer {
            address: AddressSanitizer::find(),
            is_valgrind: ask_valgrind(Request::RunningOnValgrind, nothing, 0) > 0,
        }
    }

    /// Whether there is one.
    pub(crate) fn is_at_work(&self) -> bool {
        self.address.is_some() || self.is_valgrind
    }

    /// These bytes may not be touched.
    pub(crate) fn forbid(&self, start: *mut u8, bytes: usize) {
        self.tell_address_sanitizer(|it| it.poison, start, bytes);
        self.tell_valgrind(Request::MakeMemNoaccess, start, bytes);
    }

    /// These bytes may be read and written.
    pub(crate) fn allow(&self, start: *mut u8, bytes: usize) {
        self.tell_address_sanitizer(|it| it.unpoison, start, bytes);
        self.tell_valgrind(Request::MakeMemDefined, start, bytes);
    }

    /// These bytes may be written, and read when they have been.
    pub(crate) fn allow_unwritten(&self, start: *mut u8, bytes: usize) {
        self.tell_address_sanitizer(|it| it.unpoison, start, bytes);
        self.tell_valgrind(Request::MakeMemUndefined, start, bytes);
    }

    /// Somebody vouches that these bytes have been written. If they may not be touched, that stays so.
    pub(crate) fn vouch_written(&self, start: *mut u8, bytes: usize) {
        self.tell_valgrind(Request::MakeMemDefinedIfAddressable, start, bytes);
    }

    fn tell_address_sanitizer(
        &self,
        what: fn(AddressSanitizer) -> Mark,
        start: *mut u8,
        bytes: usize,
    ) {
        if let Some(functions) = self.address {
            // SAFETY: it is the tool's own function, which only notes in its own memory what may be done with the
            // bytes.
            unsafe { what(functions)(start.cast(), bytes) };
        }
    }

    fn tell_valgrind(&self, request: Request, start: *mut u8, bytes: usize) {
        if self.is_valgrind {
            ask_valgrind(request, start, bytes);
        }
    }
}

impl AddressSanitizer {
    /// Its functions, if they are linked. A weak reference is what asks a linker that: the linker leaves it 0 if there
    /// is no such function. Stable Rust has none but in assembly, and `dlsym` does not find what is linked into a
    /// program.
    fn find() -> Option<Self> {
        let (poison, unpoison): (*const (), *const ());
        // SAFETY: two words of the linker's table are loaded. Each is 0, which is no function, or the function of that
        // name, which has these parameters.
        let (poison, unpoison) = unsafe {
            asm!(
                ".weak __asan_poison_memory_region",
                ".weak __asan_unpoison_memory_region",
                "mov {}, qword ptr [rip + __asan_poison_memory_region@GOTPCREL]",
                "mov {}, qword ptr [rip + __asan_unpoison_memory_region@GOTPCREL]",
                out(reg) poison,
                out(reg) unpoison,
                options(pure, readonly, nostack, preserves_flags),
            );
            let function = |word| transmute::<*const (), Option<Mark>>(word);
            (function(poison), function(unpoison))
        };
        Some(AddressSanitizer { poison: poison?, unpoison: unpoison? })
    }
}

/// Makes a request, which has an answer of 0 if no valgrind is there, or its tool knows nothing of it.
fn ask_valgrind(request: Request, start: *mut u8, bytes: usize) -> usize {
    let asked = [request as usize, start.addr(), bytes, 0, 0, 0];
    let mut answer = 0;
    // SAFETY: four rotations by 128 bits together, and an exchange with itself, leave every register as it was.
    // Valgrind takes them for a request: it reads the six words, and answers in one register.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") &raw const asked,
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tests of a module run under no tool.
    #[test]
    fn without_a_tool_nothing_is_told() {
        let sanitizer = Sanitizer::new();
        assert!(!sanitizer.is_at_work());
        let mut bytes = [7; 64];
        let start = bytes.as_mut_ptr();
        sanitizer.forbid(start, 64);
        sanitizer.allow_unwritten(start, 32);
        assert_eq!(bytes, [7; 64]);
    }

    #[test]
    fn requests_have_the_numbers_of_valgrinds_headers() {
        let number = |request| request as usize;
        assert_eq!(number(Request::RunningOnValgrind), 4097);
        assert_eq!(number(Request::MakeMemNoaccess), 1_296_236_544);
        assert_eq!(number(Request::MakeMemUndefined), 1_296_236_545);
        assert_eq!(number(Request::MakeMemDefined), 1_296_236_546);
        assert_eq!(number(Request::MakeMemDefinedIfAddressable), 1_296_236_555);
    }
}
