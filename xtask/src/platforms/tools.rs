//! Which compilers are here, and for what they have a standard library.

use std::path::PathBuf;
use std::process::Command;

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
