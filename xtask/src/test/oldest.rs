//! The oldest compiler that is promised, as far as it can be had.
//!
//! Where it is not installed, one that lies between it and the one in use does in its place. Without either, clippy's
//! `incompatible_msrv` knows what the standard library had then, and dependencies say themselves what they need.

use std::collections::HashSet;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::run::{Stages, cargo, run, target};

/// A version of Rust, without its last number.
pub type Version = (u32, u32);

/// The stages.
pub fn oldest(stages: &mut Stages) -> Result<()> {
    let promised = env!("CARGO_PKG_RUST_VERSION");
    stages.stage("what dependencies ask of the compiler", || {
        let mut cargo = cargo(["metadata", "--locked", "--format-version", "1"]);
        let output = cargo.stderr(Stdio::inherit()).output().context("cargo did not start")?;
        ensure!(output.status.success(), "{cargo:?}: {}", output.status);
        let metadata = serde_json::from_slice(&output.stdout)?;
        for root in ["pagesheaf", "pagesheaf-buf"] {
            let newer = newer(&metadata, root, version(promised).context("a version")?)?;
            ensure!(
                newer.is_empty(),
                "{root} needs what Rust {promised} is too old for: {newer:?}"
            );
        }
        Ok(())
    })?;
    let said = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let names = said("rustup", &["toolchain", "list"]).unwrap_or_default();
    let used = said("rustc", &["--version"]).unwrap_or_default();
    let used = used.split(' ').nth(1).and_then(version);
    let Some(name) = version(promised).zip(used).and_then(|(low, high)| between(&names, low, high))
    else {
        let why = "neither it nor any that is older than the one in use is installed";
        stages.skip("oldest compiler", why);
        return Ok(());
    };
    stages.stage(&format!("oldest compiler: {name}"), || {
        let toolchain = format!("+{name}");
        let check = [&*toolchain, "check", "-q", "-p", "pagesheaf", "-p", "pagesheaf-buf"];
        let mut cargo = Command::new("cargo");
        // The one that runs this task says which compiler is its own.
        cargo.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC").env_remove("CARGO");
        run(cargo.args(check).arg("--all-features").env("CARGO_TARGET_DIR", target("msrv")))
    })
}

pub fn version(text: &str) -> Option<Version> {
    let mut numbers = text.split(['.', '-']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Of rustup's toolchains the oldest that is not older than `low`, and older than `high`.
fn between(names: &str, low: Version, high: Version) -> Option<&str> {
    let names = names.lines().filter_map(|line| line.split(' ').next());
    let versions = names.filter_map(|name| Some((version(name)?, name)));
    let fit = versions.filter(|(version, _)| (low..high).contains(version));
    fit.min().map(|(_, name)| name)
}

/// What a package is built with, all features of it, and what asks for a newer Rust than that.
fn newer(metadata: &Value, root: &str, promised: Version) -> Result<Vec<String>> {
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages = all(&metadata["packages"]);
    let nodes = all(&metadata["resolve"]["nodes"]);
    let root = packages.iter().find(|it| it["name"] == root).context("no such package")?;
    let (mut seen, mut open) = (HashSet::new(), vec![root["id"].clone()]);
    let mut newer = Vec::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let package = packages.iter().find(|it| it["id"] == id).context("a package is missing")?;
        let asks = package["rust_version"].as_str().and_then(version);
        if asks.is_some_and(|asks| asks > promised) {
            newer.push(format!("{} {}", package["name"], package["version"]));
        }
        let node = nodes.iter().find(|it| it["id"] == id).context("a package is not resolved")?;
        // Others are for tests, and for what builds it.
        let normal = |it: &Value| all(&it["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        open.extend(all(&node["deps"]).iter().filter(|it| normal(it)).map(|it| it["pkg"].clone()));
    }
    Ok(newer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_oldest_that_is_new_enough_is_taken() {
        let names = "stable-x (active, default)\nnightly-x\n1.95.0-x\n1.90-x\n1.89.0-x\n1.87.0-x\n";
        assert_eq!(between(names, (1, 88), (1, 95)), Some("1.89.0-x"));
        assert_eq!(between(names, (1, 91), (1, 95)), None);
        assert_eq!(between("", (1, 88), (1, 95)), None);
    }

    #[test]
    fn what_dependencies_ask_is_found_but_not_of_those_of_tests() {
        let package = |id: &str, asks: &str| json!({ "id": id, "name": id, "version": "1.0.0", "rust_version": asks });
        let dep = |id: &str, kind: Value| json!({ "pkg": id, "dep_kinds": [{ "kind": kind }] });
        let node = |id: &str, deps: Value| json!({ "id": id, "deps": deps });
        let metadata = json!({
            "packages": [package("a", "1.88"), package("b", "1.60.2"), package("c", "1.90"), package("d", "1.91")],
            "resolve": { "nodes": [
                node("a", json!([dep("b", Value::Null), dep("d", json!("dev"))])),
                node("b", json!([dep("c", Value::Null)])),
                node("c", json!([])),
                node("d", json!([])),
            ] },
        });
        let found = |promised| newer(&metadata, "a", promised).expect("it is resolved");
        assert_eq!(found((1, 88)), ["\"c\" \"1.0.0\""]);
        assert!(found((1, 90)).is_empty());
        assert!(newer(&metadata, "e", (1, 88)).is_err());
    }
}
