//! The platforms, and what can be done for each.

/// One of them.
pub struct Platform {
    pub name: &'static str,
    /// As rustc calls it.
    pub target: &'static str,
    pub what: What,
}

pub enum What {
    /// Linked, and its unit tests run, as far as both programs are there.
    Tests {
        linker: &'static str,
        /// The program that runs the platform's programs, and what it is told.
        emulator: &'static [&'static str],
    },
    /// Looked at without the standard library, which the platform does not have.
    Core,
    /// The crate must not compile, and the compiler says this.
    Refused(&'static str),
}

impl Platform {
    pub fn needs_std(&self) -> bool {
        matches!(self.what, What::Tests { .. })
    }
}

/// Unit tests that an emulator has no time for: they try every few bits of a pool's metadata, with a pool for each, and
/// count the steps of searches in large zones, which are the same everywhere.
pub const LEFT_OUT: &[&str] = &["models::corrupt", "zone::tests::visits"];

const fn tests(
    name: &'static str,
    target: &'static str,
    linker: &'static str,
    emulator: &'static [&'static str],
) -> Platform {
    Platform { name, target, what: What::Tests { linker, emulator } }
}

const fn refused(name: &'static str, target: &'static str, text: &'static str) -> Platform {
    Platform { name, target, what: What::Refused(text) }
}

const fn core(name: &'static str, target: &'static str) -> Platform {
    Platform { name, target, what: What::Core }
}

/// What the crate says where there are no 64-bit atomics.
const NO_ATOMICS: &str = "pagesheaf needs 64-bit atomics";
/// What it says where there are, but for words that are better aligned than a `u64`.
const NOT_ALIGNED: &str = "a `u64` that is aligned to 8 bytes";

pub const PLATFORMS: &[Platform] = &[
    tests(
        "aarch64",
        "aarch64-unknown-linux-gnu",
        "aarch64-linux-gnu-gcc",
        &["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"],
    ),
    // 64 bits, the highest byte first.
    tests(
        "s390x",
        "s390x-unknown-linux-gnu",
        "s390x-linux-gnu-gcc",
        &["qemu-s390x-static", "-L", "/usr/s390x-linux-gnu"],
    ),
    // 32 bits.
    tests(
        "armv7",
        "armv7-unknown-linux-gnueabihf",
        "arm-linux-gnueabihf-gcc",
        &["qemu-arm-static", "-L", "/usr/arm-linux-gnueabihf"],
    ),
    tests(
        "riscv64",
        "riscv64gc-unknown-linux-gnu",
        "riscv64-linux-gnu-gcc",
        &["qemu-riscv64-static", "-L", "/usr/riscv64-linux-gnu"],
    ),
    // rustc looks for an unwinder of its own there, which a library that is built anew does not have: nothing is
    // linked.
    tests("musl", "x86_64-unknown-linux-musl", "an unwinder for musl", &[]),
    tests("windows", "x86_64-pc-windows-gnu", "x86_64-w64-mingw32-gcc", &[super::wine::PROGRAM]),
    refused("i686", "i686-unknown-linux-gnu", NOT_ALIGNED),
    refused("powerpc", "powerpc-unknown-linux-gnu", NO_ATOMICS),
    core("aarch64-bare", "aarch64-unknown-none"),
    core("riscv64-bare", "riscv64gc-unknown-none-elf"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_platforms_have_one_name_or_target() {
        for (at, one) in PLATFORMS.iter().enumerate() {
            let same = |other: &Platform| other.name == one.name || other.target == one.target;
            assert!(!PLATFORMS[at + 1..].iter().any(same), "{}", one.name);
        }
    }
}
