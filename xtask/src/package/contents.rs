//! Which files the packages hold, and whether their tests pass where they are unpacked.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use regex::Regex;

use super::manifest::{Manifest, Sibling};
use crate::link;
use crate::run::{answers, cargo, run, target};

/// What Cargo adds.
const ADDED: [&str; 4] = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml", "Cargo.toml.orig"];
/// What whoever opens a package looks for by name.
const LOOKED_FOR: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"];
/// What is looked for in the package of the crate, beside that.
const LOOKED_FOR_IN_CRATE: [&str; 2] = ["CHANGELOG.md", "SECURITY.md"];
/// Where a crate's code is.
const CODE: [&str; 3] = ["src/", "tests/", "examples/quickstart.rs"];

/// Which tests run where they are unpacked.
#[derive(Clone, Copy)]
pub enum Tests {
    /// Those of the crate, over the modes that differ most: in the workspace, the same tests run over all presets.
    Few,
    /// Those of the crate over all presets, and those of its sibling.
    All,
}

/// Packages the crate and its sibling, looks at their files, unpacks them, and runs tests there. Or says why not.
///
/// Cargo's own check of a package builds it without its tests.
pub fn contents(which: Tests) -> Result<Option<&'static str>> {
    if !answers("tar", &["--version"]) {
        return Ok(Some("tar is not installed"));
    }
    let built = std::path::absolute(target("packaged"))?;
    // In one go, so that the sibling finds the crate that it depends on: no registry has it yet.
    let package = || {
        let mut package = cargo(["package", "-q", "--allow-dirty", "--no-verify", "--target-dir"]);
        package.arg(&built).args(Sibling::ALL.iter().flat_map(|one| ["-p", one.name]));
        package
    };
    // The registry knows nothing more of what is in `Cargo.lock`, unless none of it is here yet.
    if !package().arg("--offline").output()?.status.success() {
        run(&mut package())?;
    }
    let [unpacked, sibling] = Sibling::ALL.map(|one| unpack(one, &built.join("package")));
    let (unpacked, sibling) = (unpacked?, sibling?);
    // Without debug assertions: with them, the same tests run in the workspace.
    let tests = || {
        let mut tests = cargo(["test", "-q", "--target-dir"]);
        tests.arg(&built).env("CARGO_PROFILE_TEST_DEBUG_ASSERTIONS", "false");
        tests
    };
    match which {
        Tests::Few => {
            let few = "--cfg pagesheaf_few_modes";
            run(tests().env("RUSTFLAGS", few).current_dir(&unpacked))?;
        }
        Tests::All => {
            run(tests().current_dir(&unpacked))?;
            // Its manifest there names a version, which is in no registry.
            let crate_ =
                format!("patch.crates-io.pagesheaf.path={:?}", unpacked.display().to_string());
            let mut tests = tests();
            tests.args(["--features", "bytes,compio-buf,metrics,x86_64", "--config", &crate_]);
            run(tests.current_dir(&sibling))?;
        }
    }
    Ok(None)
}

/// Unpacks a package, looks at its files, and says where they are.
fn unpack(one: Sibling, folder: &Path) -> Result<PathBuf> {
    let name = format!("{}-{}", one.name, Manifest::read(one)?.package.version);
    let unpacked = folder.join(&name);
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked).context("what was unpacked before")?;
    }
    let mut tar = Command::new("tar");
    run(tar.arg("-xzf").arg(format!("{name}.crate")).current_dir(folder))?;
    let mut files = BTreeSet::new();
    list(&unpacked, "", &mut files)?;
    let read = |path: &str| fs::read_to_string(unpacked.join(path)).ok();
    let faults = faults(looked_for(one), &files, read);
    ensure!(faults.is_empty(), "{name}: {} faults\n{}", faults.len(), faults.join("\n"));
    println!("{name}: {} files", files.len());
    Ok(unpacked)
}

/// What is looked for by name in a package.
fn looked_for(one: Sibling) -> impl Iterator<Item = &'static str> {
    let more: &[&str] = if one == Sibling::CRATE { &LOOKED_FOR_IN_CRATE } else { &[] };
    LOOKED_FOR.iter().chain(more).copied()
}

/// The paths of all files in a folder, each after `before`.
fn list(folder: &Path, before: &str, files: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let path = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.insert(path);
        }
    }
    Ok(())
}

/// Files that nothing needs, and files that something needs and that are not there.
///
/// Needed are code, what code includes, what is looked for by name, and where documents that are
/// needed lead.
fn faults(
    looked_for: impl Iterator<Item = &'static str>,
    files: &BTreeSet<String>,
    read: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let included = Regex::new(r#"include_(?:str|bytes)!\("([^"]+)"\)"#).expect("an expression");
    let is_code = |path: &&String| {
        path.ends_with(".rs") && CODE.iter().any(|folder| path.starts_with(folder))
    };
    let named = ADDED.into_iter().chain(looked_for).map(str::to_owned);
    let mut open: Vec<_> = named.map(|path| (path, "a package".to_owned())).collect();
    open.extend(files.iter().filter(is_code).map(|path| (path.clone(), path.clone())));
    let (mut needed, mut faults) = (BTreeSet::new(), Vec::new());
    while let Some((path, by)) = open.pop() {
        // A link may lead to a folder.
        let inside = format!("{path}/");
        if !files.contains(&path) && !files.iter().any(|file| file.starts_with(&inside)) {
            faults.push(format!("{path} is not in the package, and {by} needs it"));
            continue;
        }
        if !needed.insert(path.clone()) {
            continue;
        }
        let text = read(&path).unwrap_or_default();
        let mut lead = |target: &str| {
            open.extend(link::file(&path, target).map(|file| (file, path.clone())));
        };
        if path.ends_with(".md") {
            link::targets(&text).for_each(&mut lead);
        } else if path.ends_with(".rs") {
            included.captures_iter(&text).for_each(|target| lead(&target[1]));
        }
    }
    let of_no_use = files.iter().filter(|path| !needed.contains(*path));
    faults.extend(of_no_use.map(|path| format!("{path} is in the package, and nothing needs it")));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files that a package has to have.
    fn named(one: Sibling) -> impl Iterator<Item = &'static str> {
        ADDED.into_iter().chain(looked_for(one))
    }

    /// The faults of a package of the crate that has these files too.
    fn with(more: &[(&str, &str)]) -> Vec<String> {
        let named = named(Sibling::CRATE).map(|path| (path, ""));
        let all: Vec<_> = named.chain(more.iter().copied()).collect();
        let files = all.iter().map(|(path, _)| (*path).to_owned()).collect();
        let text = |path: &str| all.iter().rev().find(|(it, _)| *it == path).map(|(_, it)| *it);
        faults(looked_for(Sibling::CRATE), &files, |path| text(path).map(str::to_owned))
    }

    #[test]
    fn what_nothing_needs_is_found() {
        assert!(with(&[("src/lib.rs", ""), ("tests/a/b.rs", "")]).is_empty());
        let of_no_use = ["notes.md", "tests/data.txt", "xtask/src/main.rs"];
        for path in of_no_use {
            let fault = format!("{path} is in the package, and nothing needs it");
            assert_eq!(with(&[(path, "")]), [fault]);
        }
    }

    #[test]
    fn what_is_missing_from_the_package_is_found() {
        let readme = ("README.md", "[d](DESIGN.md) <img src=\"docs/p.svg\">");
        let design = ("DESIGN.md", "[a](docs/a.md#b) [e](examples)");
        let (a, picture) = (("docs/a.md", "[r](../README.md)"), ("docs/p.svg", ""));
        let example = ("examples/quickstart.rs", "");
        assert!(with(&[readme, design, a, picture, example]).is_empty());
        let fault = "docs/p.svg is not in the package, and README.md needs it";
        assert_eq!(with(&[readme, design, a, example]), [fault]);
        let code = ("tests/t.rs", "include_str!(\"data/x.md\")");
        assert!(with(&[code, ("tests/data/x.md", "")]).is_empty());
        assert_eq!(
            with(&[code]),
            ["tests/data/x.md is not in the package, and tests/t.rs needs it"]
        );
    }

    #[test]
    fn a_licence_that_is_missing_is_found() {
        for one in Sibling::ALL {
            let files = named(one).filter(|path| *path != "LICENSE-MIT");
            let files = files.map(str::to_owned).collect();
            let fault = "LICENSE-MIT is not in the package, and a package needs it";
            assert_eq!(faults(looked_for(one), &files, |_| None), [fault]);
        }
    }

    #[test]
    fn a_link_that_leads_out_of_the_package_is_found() {
        let one = Sibling::BUF;
        let files = named(one).map(str::to_owned).collect();
        let read = |path: &str| (path == "README.md").then(|| "[c](../SECURITY.md)".to_owned());
        let fault = "SECURITY.md is not in the package, and README.md needs it";
        assert_eq!(faults(looked_for(one), &files, read), [fault]);
    }

    #[test]
    fn both_crates_have_the_same_licences() {
        let read = |path: String| fs::read(crate::run::root().join(path)).expect("a licence");
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            assert!(read(licence.into()) == read(format!("buf/{licence}")), "{licence}");
        }
    }
}
