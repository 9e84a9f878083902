//! What the manifests of the crates say of their packages.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

/// A crate that is published.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sibling {
    pub name: &'static str,
    /// Its folder.
    pub folder: &'static str,
}

impl Sibling {
    pub const CRATE: Self = Sibling { name: "pagesheaf", folder: "." };
    pub const BUF: Self = Sibling { name: "pagesheaf-buf", folder: "buf" };
    /// The crate comes first: the other depends on it.
    pub const ALL: [Self; 2] = [Self::CRATE, Self::BUF];
}

#[derive(Deserialize)]
pub struct Manifest {
    pub package: Package,
    pub features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
pub struct Package {
    pub version: String,
    pub metadata: Metadata,
}

#[derive(Deserialize)]
pub struct Metadata {
    pub docs: Docs,
}

#[derive(Deserialize)]
pub struct Docs {
    pub rs: Shown,
}

/// How the documentation is built for readers.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
#[derive(Default)]
pub struct Shown {
    pub features: Vec<String>,
    pub all_features: bool,
    pub no_default_features: bool,
    pub rustdoc_args: Vec<String>,
    pub targets: Vec<String>,
}

impl Manifest {
    pub fn read(of: Sibling) -> Result<Self> {
        let path = format!("{}/Cargo.toml", of.folder);
        let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
        Self::parse(&text).context(path)
    }

    pub fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context("Cargo.toml")
    }

    /// The features that are on where the documentation is built.
    pub fn shown(&self) -> BTreeSet<&str> {
        let shown = &self.package.metadata.docs.rs;
        let mut named: Vec<&str> = shown.features.iter().map(String::as_str).collect();
        if shown.all_features {
            named.extend(self.features.keys().map(String::as_str));
        }
        if !shown.no_default_features {
            named.push("default");
        }
        self.turned_on(named)
    }

    /// These features, and those that they turn on.
    pub fn turned_on<'a>(&'a self, mut named: Vec<&'a str>) -> BTreeSet<&'a str> {
        let mut on = BTreeSet::new();
        while let Some(feature) = named.pop() {
            let more = self.features.get(feature);
            if on.insert(feature)
                && let Some(more) = more
            {
                named.extend(more.iter().map(String::as_str));
            }
        }
        on
    }
}

#[cfg(test)]
mod tests {
    use std::fs::read_to_string;

    use toml::{Table, Value};

    use super::*;
    use crate::run::root;

    /// The table `[package]` of the crate.
    fn package() -> Table {
        let text = read_to_string(root().join("Cargo.toml")).expect("the manifest");
        let mut manifest: Table = toml::from_str(&text).expect("a table");
        manifest.remove("package").and_then(|it| it.try_into().ok()).expect("a package")
    }

    fn texts(value: &Value) -> Vec<&str> {
        let list = value.as_array().expect("a list");
        list.iter().map(|text| text.as_str().expect("a text")).collect()
    }

    #[test]
    fn the_package_has_the_words_that_people_search_for() {
        let package = package();
        let description = package["description"].as_str().expect("a text");
        for words in ["buffer pool", "bulk page allocator", "io_uring", "no_std", "lock-free"] {
            assert!(description.contains(words), "{words}");
        }
        let keywords = texts(&package["keywords"]);
        assert_eq!(keywords, ["buffer-pool", "page-allocator", "io-uring", "zero-copy", "no_std"]);
        // What the registry accepts.
        assert!(keywords.len() <= 5 && keywords.iter().all(|keyword| keyword.len() <= 20));
        let categories = texts(&package["categories"]);
        assert!(categories.contains(&"memory-management") && categories.len() <= 5);
    }

    /// Who publishes nothing says so: what is left is looked at.
    #[test]
    fn no_other_package_is_published() {
        let paths = crate::tidy::paths().expect("the paths");
        let manifests = paths.iter().filter(|path| path.ends_with("Cargo.toml"));
        let published = manifests.filter(|path| {
            let text = read_to_string(root().join(path)).expect("a manifest");
            text.contains("[package]") && !text.contains("\npublish = false\n")
        });
        assert_eq!(published.collect::<Vec<_>>(), ["Cargo.toml", "buf/Cargo.toml"]);
    }

    #[test]
    fn no_address_is_made_up() {
        // There is none yet. When there is one, it stands in all three and in `SECURITY.md`.
        for name in ["repository", "homepage", "documentation"] {
            assert!(!package().contains_key(name), "{name}");
        }
        let security = read_to_string(root().join("SECURITY.md")).expect("a policy");
        assert!(!security.contains("://") && !security.contains('@'));
    }

    #[test]
    fn documents_name_the_compiler_that_is_promised() {
        let oldest = env!("CARGO_PKG_RUST_VERSION");
        for path in ["CONTRIBUTING.md", "README.md", "docs/versions.md"] {
            let text = read_to_string(root().join(path)).expect("a document");
            assert!(text.contains(oldest), "{path} does not say {oldest}");
        }
    }

    /// The names in backticks, without those of features.
    fn names(text: &str) -> BTreeSet<&str> {
        text.split('`').skip(1).step_by(2).filter(|name| *name != "std").collect()
    }

    #[test]
    fn the_list_of_dependencies_is_that_of_the_manifest() {
        let text = read_to_string(root().join("docs/versions.md")).expect("a document");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let listed = text.split_once("The crate depends on ").expect("a list").1;
        let listed = listed.split_once(". ").expect("a sentence").0;
        let (always, on_linux) = listed.split_once("on Linux").expect("two lists");
        let text = read_to_string(root().join("Cargo.toml")).expect("the manifest");
        let manifest: Table = toml::from_str(&text).expect("a table");
        let keys = |table: &Value| {
            let table = table.as_table().expect("a table");
            table.keys().cloned().collect::<BTreeSet<_>>()
        };
        let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect();
        let of_targets = manifest["target"].as_table().expect("targets");
        let [linux, models, programs] =
            ["target_os = \"linux\"", "pagesheaf_loom", "pagesheaf_shuttle"]
                .map(|target| &of_targets[&format!("cfg({target})")]["dependencies"]);
        assert_eq!(keys(&manifest["dependencies"]), owned(names(always)));
        assert_eq!(keys(linux), owned(names(on_linux)));
        // What the models need, and whole pools under a scheduler, is in no program.
        let counts = [models, programs].map(|it| keys(it).len());
        assert_eq!((of_targets.len(), counts), (3, [1, 1]));
    }

    #[test]
    fn features_turn_on_others() {
        let text = "[package]\nversion = \"1.0.0\"\n[package.metadata.docs.rs]\n[features]\n\
            default = [\"a\"]\na = [\"b\", \"dep:x\"]\nb = []\nc = [\"a\"]\n";
        let manifest = Manifest::parse(text).expect("a manifest");
        let shown: Vec<_> = manifest.shown().into_iter().collect();
        assert_eq!(shown, ["a", "b", "default", "dep:x"]);
        assert!(manifest.turned_on(vec!["b"]).len() == 1 && !manifest.shown().contains("c"));
    }
}
