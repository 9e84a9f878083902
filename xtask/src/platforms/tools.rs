//! Which compilers are here, and for what they have a standard library.

use std::path::PathBuf;
use std::process::Command;

use crate::test::version;

/// A compiler, and the cargo beside it.
pub struct Compiler {
    sysroot: PathBuf,
    /// As it calls itself.
    pub version: String,
}

/// That of this cargo, a nightly one, and the system's own: those that are here.
pub fn compilers() -> Vec<Compiler> {
    let of = |program: &str, args: &[&str]| {
        let said = |what: &[&str]| {
            let output = Command::new(program).args(args).args(what).output().ok()?;
            let text = String::from_utf8(output.stdout).ok()?;
            output.status.success().then(|| text.trim().to_owned())
        };
        let sysroot = PathBuf::from(said(&["--print", "sysroot"])?);
        let version = said(&["--version"])?.split(' ').nth(1)?.to_owned();
        let both = ["bin/cargo", "bin/rustc"].iter().all(|it| sysroot.join(it).exists());
        both.then_some(Compiler { sysroot, version })
    };
    let all = [("rustc", &[][..]), ("rustc", &["+nightly"]), ("/usr/bin/rustc", &[])];
    all.into_iter().filter_map(|(program, args)| of(program, args)).collect()
}

impl Compiler {
    /// Whether it is as new as the crate asks.
    pub fn is_new_enough(&self) -> bool {
        let promised = version(env!("CARGO_PKG_RUST_VERSION"));
        promised.is_some() && version(&self.version) >= promised
    }

    /// Whether it can build for this target.
    pub fn knows(&self, target: &str) -> bool {
        self.has(target) || self.has_source()
    }

    fn libraries(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib")
    }

    fn has(&self, target: &str) -> bool {
        self.libraries().join(target).join("lib").exists()
    }

    /// Whether the source of the standard library is where Cargo looks for it.
    fn has_source(&self) -> bool {
        self.libraries().join("src/rust/library/std/Cargo.toml").exists()
    }

    /// Its cargo, for a target whose standard library, or only `core`, is built first where it is not here.
    pub fn cargo(&self, command: &str, target: &str, std: bool) -> Command {
        let mut cargo = Command::new(self.sysroot.join("bin/cargo"));
        cargo.args([command, "--target", target]);
        if !self.has(target) {
            cargo.arg(if std { "-Zbuild-std" } else { "-Zbuild-std=core" });
            // What is built anew is that of a stable compiler, too, which then allows `-Z`.
            cargo.env("RUSTC_BOOTSTRAP", "1");
        }
        // This process was started by a cargo, which said of itself what is not true of that one.
        for variable in
            ["RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER"]
        {
            cargo.env_remove(variable);
        }
        cargo.env("RUSTC", self.sysroot.join("bin/rustc"));
        cargo.env("RUSTDOC", self.sysroot.join("bin/rustdoc"));
        cargo.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
        cargo
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_that_is_too_old_is_told() {
        let of = |version: &str| Compiler { sysroot: PathBuf::new(), version: version.into() };
        assert!(!of("1.85.0").is_new_enough() && of("1.96.0").is_new_enough());
        assert!(of(env!("CARGO_PKG_RUST_VERSION")).is_new_enough());
        assert!(of("1.97.0-nightly").is_new_enough() && !of("none").is_new_enough());
    }
}
