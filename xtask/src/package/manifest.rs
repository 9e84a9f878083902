//! What the crate's manifest says of its package.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

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
    pub fn read() -> Result<Self> {
        let text = std::fs::read_to_string("Cargo.toml").context("Cargo.toml")?;
        Self::parse(&text)
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
