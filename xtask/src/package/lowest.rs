//! The lowest versions of dependencies that the manifests allow: they resolve, and everything
//! builds with them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::{nightly, no_nightly};
use crate::run::{cargo, target};
use crate::tidy;

/// A manifest whose versions are resolved together, and what is built of it.
pub struct Build {
    manifest: &'static str,
    args: &'static [&'static str],
    /// Libraries in C that would be built, but need not be for a look.
    without: &'static [(&'static str, &'static str)],
}

const fn build(manifest: &'static str, args: &'static [&'static str]) -> Build {
    Build { manifest, args, without: &[] }
}

/// The crate and its tests.
pub const CRATE: &[Build] = &[build("Cargo.toml", &["--all-features", "--all-targets"])];

/// All that is built anywhere, but for `examples/quic`, whose BoringSSL needs CMake and minutes. Of other allocators,
/// those that are written in Rust.
pub const ALL: &[Build] = &[
    build("Cargo.toml", &["--all-features", "--all-targets", "--workspace"]),
    // A check in `dev` would unwind, which needs `std`.
    build("tests/no_std/Cargo.toml", &["--all-features", "--release"]),
    build("tests/dlopen/Cargo.toml", &[]),
    build("tests/liveness/Cargo.toml", &["--all-targets"]),
    build("tests/runtimes/Cargo.toml", &["--all-targets"]),
    build("examples/kernel/Cargo.toml", &["--release"]),
    Build {
        manifest: "fuzz/Cargo.toml",
        args: &[],
        without: &[("CUSTOM_LIBFUZZER_PATH", "none/libfuzzer.a")],
    },
    build("benches/peers/Cargo.toml", &["--no-default-features", "--features=queues,frame-alloc"]),
];

/// What a cargo says that cannot reach the registry.
const UNREACHED: [&str; 4] =
    ["Could not resolve host", "Couldn't resolve host", "spurious network error", "you're offline"];

/// Builds in a copy of the project, whose `Cargo.lock` is of no use to anyone else. Or says why not.
pub fn lowest(builds: &[Build]) -> Result<Option<&'static str>> {
    if let Some(why) = no_nightly() {
        return Ok(Some(why));
    }
    if std::env::var("CARGO_NET_OFFLINE").is_ok_and(|value| value == "true") {
        return Ok(Some("cargo is told to stay offline"));
    }
    let copy = target("lowest/tree");
    copy_to(&copy)?;
    let built = std::path::absolute(target("lowest/built"))?;
    for Build { manifest, args, without } in builds {
        let manifest = copy.join(manifest);
        let mut resolve = nightly(&["-Zdirect-minimal-versions", "generate-lockfile", "-q"]);
        resolve.arg("--manifest-path").arg(&manifest);
        if !reaches(&mut resolve)? {
            return Ok(Some("the registry cannot be reached"));
        }
        let mut check = cargo(["check", "-q", "--locked", "--manifest-path"]);
        check.arg(&manifest).args(*args).env("CARGO_TARGET_DIR", &built);
        if !reaches(check.envs(without.iter().copied()))? {
            return Ok(Some("the registry cannot be reached"));
        }
    }
    Ok(None)
}

/// The files that git knows, at the same paths in another folder.
fn copy_to(copy: &Path) -> Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy).context("the copy of before")?;
    }
    for path in tidy::paths()? {
        let to = copy.join(&path);
        fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
        // A file that is not there is about to be removed.
        if Path::new(&path).exists() {
            fs::copy(&path, &to).with_context(|| path.clone())?;
        }
    }
    Ok(())
}

/// Runs cargo to a good end, or finds that it cannot reach the registry.
fn reaches(cargo: &mut Command) -> Result<bool> {
    let output = cargo.stdout(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{cargo:?} did not start"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && is_unreached(&said) {
        return Ok(false);
    }
    ensure!(output.status.success(), "{cargo:?}: {}\n{said}", output.status);
    Ok(true)
}

fn is_unreached(said: &str) -> bool {
    UNREACHED.iter().any(|text| said.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::QUIC;

    #[test]
    fn only_a_registry_out_of_reach_is_an_excuse() {
        assert!(is_unreached("warning: spurious network error (3 tries remaining)"));
        assert!(!is_unreached("error: failed to select a version for `libc`"));
        assert!(!is_unreached("error[E0432]: unresolved import `anyhow::ensure`"));
    }

    #[test]
    fn every_manifest_is_built_with_lowest_versions() {
        let members = crate::run::root().join("Cargo.toml");
        let members = fs::read_to_string(members).expect("the manifest");
        let paths = tidy::paths().expect("the paths");
        let manifests = paths.iter().filter(|path| path.ends_with("/Cargo.toml"));
        let alone: Vec<_> = manifests
            .filter(|path| {
                let text = fs::read_to_string(crate::run::root().join(path)).expect("a manifest");
                text.contains("[workspace]")
            })
            .collect();
        assert!(members.contains("[workspace]") && alone.len() == 8, "{alone:?}");
        for path in alone.into_iter().filter(|path| *path != QUIC) {
            assert!(ALL.iter().any(|build| build.manifest == path), "{path}");
        }
    }
}
