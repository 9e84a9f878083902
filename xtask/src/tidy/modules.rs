//! The modules of the crate and the paths that they name, read from the sources' tokens.
//!
//! Files are found as the compiler finds them, from `src/lib.rs` on, and in every arm of a `cfg`.
//! What is only there in tests is left out. Paths are seen in `use` lines, in code and in macros;
//! what stands in comments and strings is no path.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::fmt;

use proc_macro2::TokenStream;

use super::Fault;
use super::scan::{Declared, Scan};

/// A source file.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub path: &'a str,
    pub text: &'a str,
}

/// A path that a module names.
pub struct Path {
    pub file: String,
    pub line: usize,
    /// The module that names it.
    pub from: Vec<String>,
    /// As it is written, with the groups of a `use` resolved.
    pub segments: Vec<String>,
    /// Whether it ends in `::*`.
    pub glob: bool,
}

impl Path {
    /// Whether it is `super::*`, or `super::super::*`.
    pub fn is_super_glob(&self) -> bool {
        self.glob && self.segments.iter().all(|segment| segment == "super")
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.segments.join("::"), if self.glob { "::*" } else { "" })
    }
}

/// The modules of a crate, and what they name.
#[derive(Default)]
pub struct Crate {
    modules: BTreeSet<Vec<String>>,
    paths: Vec<Path>,
    unreached: Vec<String>,
}

/// A file that a `mod` leads to.
struct Found {
    path: String,
    module: Vec<String>,
    /// Its modules lie beside it, not in a folder of its name.
    beside: bool,
    test: bool,
}

impl Crate {
    /// Reads the crate whose root is `src/lib.rs`.
    pub fn read(sources: &[Source]) -> Result<Self, Fault> {
        let mut read = Crate::default();
        let mut reached = HashSet::new();
        let root =
            Found { path: "src/lib.rs".into(), module: Vec::new(), beside: true, test: false };
        let mut next = VecDeque::from([root]);
        while let Some(found) = next.pop_front() {
            let Some(source) = sources.iter().find(|source| source.path == found.path) else {
                continue;
            };
            reached.insert(source.path);
            let tokens: TokenStream = source.text.parse().map_err(|error| Fault {
                path: found.path.clone(),
                line: 1,
                what: format!("its tokens cannot be read: {error}"),
            })?;
            let mut scan = Scan::new(&found.path, found.module.clone());
            scan.file(tokens);
            for declared in scan.declared {
                next.extend(files(&found, declared, sources));
            }
            if !(found.test || scan.test) {
                read.modules.insert(found.module);
                read.modules.extend(scan.inline);
                read.paths.extend(scan.paths);
            }
        }
        read.modules.remove(&Vec::new());
        let paths = sources.iter().map(|source| source.path);
        let unreached = paths.filter(|path| path.starts_with("src/") && !reached.contains(path));
        read.unreached = unreached.map(str::to_owned).collect();
        Ok(read)
    }

    /// All modules but the root, and those of tests.
    pub fn modules(&self) -> impl Iterator<Item = &Vec<String>> {
        self.modules.iter()
    }

    /// All that the modules name.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter()
    }

    /// Files that no `mod` leads to.
    pub fn unreached(&self) -> impl Iterator<Item = &String> {
        self.unreached.iter()
    }

    /// The module that a path leads into, if that is one of this crate.
    pub fn target(&self, path: &Path) -> Option<Vec<String>> {
        let mut segments = path.segments.iter().peekable();
        let mut module = match segments.peek()?.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => path.from.clone(),
            child => {
                let child: Vec<_> = [&path.from[..], &[child.to_owned()]].concat();
                self.modules.contains(&child).then(|| path.from.clone())?
            }
        };
        for segment in segments {
            match segment.as_str() {
                "crate" | "self" => continue,
                "super" => {
                    module.pop()?;
                    continue;
                }
                _ => module.push(segment.clone()),
            }
            if !self.modules.contains(&module) {
                // It is something in the module, and not a module.
                module.pop();
                break;
            }
        }
        Some(module)
    }
}

/// The files that a `mod` without a body may lead to.
fn files(from: &Found, declared: Declared, sources: &[Source]) -> Vec<Found> {
    let Declared { inside, name, path, test } = declared;
    let (folder, file) = from.path.rsplit_once('/').unwrap_or(("", &from.path));
    let nested: Vec<_> = inside.iter().map(String::as_str).collect();
    let own = if from.beside { None } else { file.strip_suffix(".rs") };
    let at = |last: &str, own: Option<&str>| {
        let parts = [Some(folder), own].into_iter().flatten().chain(nested.iter().copied());
        normal(&parts.chain([last]).collect::<Vec<_>>().join("/"))
    };
    let module = [&from.module[..], &inside, std::slice::from_ref(&name)].concat();
    let found = |path: String, beside| {
        let test = test || from.test;
        Found { path, module: module.clone(), beside, test }
    };
    if let Some(path) = path {
        // Outside modules with a body, the path starts from the file's own folder.
        let own = own.filter(|_| !nested.is_empty());
        return vec![found(at(&path, own), true)];
    }
    let plain = found(at(&format!("{name}.rs"), own), false);
    let folder = found(at(&format!("{name}/mod.rs"), own), true);
    let there = |found: &Found| sources.iter().any(|source| source.path == found.path);
    [plain, folder].into_iter().filter(there).collect()
}

/// A path without `.` and `..`.
fn normal(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
