//! Each layer knows only those below it.

use std::collections::BTreeSet;

use super::modules::{Crate, Path, Source};
use super::{Fault, File};

/// The modules of each layer, from the ground up. A module may name what its own row and the rows
/// above it in this list have. A module of a module belongs to its parent's row, if it has no row
/// of its own (`page::state`). The crate's root may name everything.
const LAYERS: &[&[&str]] = &[
    // Atomics and what else the models replace.
    &["hint", "fence", "park"],
    &["sync"],
    // Which mode does what.
    &["mode"],
    // Which calls are to fail, and what is given up with which ticket.
    &["plan", "ticket"],
    &["injector"],
    // What is known of a page, if anything.
    &["history"],
    &["trail", "clock", "record"],
    // Page numbers and states, and what can be wrong with a page.
    &["page"],
    &["error", "io_error"],
    // Metadata, and where free pages are.
    &["metadata"],
    &["zone"],
    &["magazine"],
    &["slot"],
    &["depot"],
    // Who holds which page.
    &["tracker"],
    // Memory of the system.
    &["limits", "sanitizer"],
    &["heap"],
    &["mapping"],
    &["map"],
    &["region"],
    // Who waits for pages.
    &["line"],
    // The core.
    &["inner"],
    // Owners of pages, and what keeps a core.
    &["owned", "boxed", "io"],
    &["handle"],
    // The calls, written once, and what they are called on.
    &["calls"],
    &["cache"],
    &["pool", "helper", "fault_calls", "track_calls"],
    // The calls that wait, above all others.
    &["wait", "timeout"],
    // Several pools, one for each memory node.
    &["nodes"],
    // For the model package only, and for tests of documents.
    &["models", "guides"],
];

/// Who reads the sources learns from this section of the design what a module may name.
const SECTION: &str = "## Layers";

/// The row for which the design has no place: it is no part of an ordinary build.
const UNSEEN: &[&str] = &["models", "guides"];

/// All that knows too much, and every module that the list does not have; and a design that says
/// otherwise.
pub fn faults(files: &[File]) -> Vec<Fault> {
    let sources = files.iter().filter(|file| file.path.starts_with("src/") && file.is_rust());
    let sources: Vec<_> =
        sources.map(|file| Source { path: &file.path, text: &file.text }).collect();
    let mut faults = match Crate::read(&sources) {
        Ok(read) => check(&read, LAYERS),
        Err(fault) => vec![fault],
    };
    let design = files.iter().find(|file| file.path == "DESIGN.md");
    faults.extend(shown(design.map_or("", |file| &file.text), LAYERS));
    faults
}

/// The picture in the design has every layer, from the top down, so that its reader knows what a
/// module may name. A line starts with layers of which each is above the next.
fn shown(design: &str, layers: &[&[&str]]) -> Option<Fault> {
    let section = design.lines().enumerate().skip_while(|(_, line)| *line != SECTION);
    let code = section.skip_while(|(_, line)| !line.starts_with("```"));
    let mut lines = code.skip(1).take_while(|(_, line)| !line.starts_with("```"));
    let mut wanted = layers.iter().rev().filter(|row| **row != UNSEEN);
    let named = lines.by_ref().flat_map(|(at, line)| {
        let layers = line.split("  ").next().unwrap_or_default().split(" > ");
        layers.map(move |layer| (at, layer))
    });
    let mut last = 0;
    for (at, layer) in named {
        let wanted = wanted.next().map_or("none".into(), |row| row.join(", "));
        if layer != wanted {
            let what = format!("`{layer}` stands where `{wanted}` is: xtask/src/tidy/layers.rs");
            return Some(fault("DESIGN.md", at + 1, what));
        }
        last = at;
    }
    let missing = wanted.next()?.join(", ");
    Some(fault("DESIGN.md", last + 1, format!("no layer `{missing}` in the section on layers")))
}

/// Checks a crate against a list of layers.
fn check(read: &Crate, layers: &[&[&str]]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for path in read.unreached() {
        faults.push(fault(path, 1, "no `mod` leads to this file".into()));
    }
    let mut unlisted = BTreeSet::new();
    for path in read.paths() {
        let Path { file, line, from, .. } = path;
        if path.is_super_glob() {
            faults.push(fault(file, *line, "`use super::*` outside tests".into()));
        }
        let Some(to) = read.target(path) else { continue };
        // The root ties the layers together, and every module knows itself.
        if from.is_empty() || to == *from {
            continue;
        }
        if to.is_empty() {
            let what = format!("`{path}` goes through the crate's root: name the module");
            faults.push(fault(file, *line, what));
            continue;
        }
        match (layer(from, layers), layer(&to, layers)) {
            (Some(own), Some(other)) if other > own => {
                let (from, to) = (from.join("::"), to.join("::"));
                let what = format!("`{from}` knows `{to}`, a layer above it: `{path}`");
                faults.push(fault(file, *line, what));
            }
            (Some(_), Some(_)) => {}
            (own, _) => {
                unlisted.insert(if own.is_none() { from.clone() } else { to });
            }
        }
    }
    for module in read.modules().filter(|module| layer(module, layers).is_none()) {
        unlisted.insert(module.clone());
    }
    for module in unlisted {
        let what = format!("`{}` is in no layer: xtask/src/tidy/layers.rs", module.join("::"));
        faults.push(fault("src/lib.rs", 1, what));
    }
    faults
}

fn fault(path: &str, line: usize, what: String) -> Fault {
    Fault { path: path.into(), line, what }
}

/// The row of a module: that of its longest prefix in the list.
fn layer(module: &[String], layers: &[&[&str]]) -> Option<usize> {
    (1..=module.len()).rev().find_map(|len| {
        let prefix = module[..len].join("::");
        layers.iter().position(|row| row.contains(&&*prefix))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: &[&[&str]] = &[&["low"], &["mid::deep"], &["mid", "other"], &["top"]];
    const ROOT: &str = "mod low; mod mid; mod other; mod top;";

    /// What is wrong with a crate of which these files have texts and the others are empty.
    fn found(texts: &[(&str, &str)]) -> Vec<String> {
        let mut files = vec![("src/lib.rs", ROOT)];
        for path in ["src/low.rs", "src/mid/mod.rs", "src/other.rs", "src/top.rs"] {
            files.push((path, ""));
        }
        for &(path, text) in texts {
            files.retain(|(other, _)| *other != path);
            files.push((path, text));
        }
        let files: Vec<_> = files.iter().map(|&(path, text)| Source { path, text }).collect();
        let read = Crate::read(&files).expect("sources");
        check(&read, LAYERS).iter().map(Fault::to_string).collect()
    }

    fn up(at: &str, from: &str, to: &str, path: &str) -> String {
        format!("src/{at}: `{from}` knows `{to}`, a layer above it: `{path}`")
    }

    #[test]
    fn paths_down_and_sideways_are_allowed() {
        let top = "use crate::low::Low; use crate::{mid::{self, Mid}, other};\nfn f() { crate::low::g() }";
        let mid = "use crate::other::Other; use crate::low;";
        assert_eq!(found(&[("src/top.rs", top), ("src/mid/mod.rs", mid)]), [""; 0]);
    }

    #[test]
    fn paths_up_are_named_with_their_line() {
        let low = "use core::fmt;\nuse crate::mid::Mid;\n";
        assert_eq!(
            found(&[("src/low.rs", low)]),
            [up("low.rs:2", "low", "mid", "crate::mid::Mid")]
        );
    }

    #[test]
    fn nested_groups_and_renames_are_looked_into() {
        let low = "use crate::{\n    low::A,\n    mid::{B, C as D},\n    top as t,\n};";
        let expected = [
            up("low.rs:3", "low", "mid", "crate::mid::B"),
            up("low.rs:3", "low", "mid", "crate::mid::C"),
            up("low.rs:4", "low", "top", "crate::top"),
        ];
        assert_eq!(found(&[("src/low.rs", low)]), expected);
    }

    #[test]
    fn paths_in_code_and_macros_are_found() {
        let low = "fn f() -> crate::mid::M {\n    m!(1, [..crate::top::g()])\n}\n\
            macro_rules! n { () => { $crate::top::h() } }";
        let expected = [
            up("low.rs:1", "low", "mid", "crate::mid::M"),
            up("low.rs:2", "low", "top", "crate::top::g"),
            up("low.rs:4", "low", "top", "crate::top::h"),
        ];
        assert_eq!(found(&[("src/low.rs", low)]), expected);
    }

    #[test]
    fn comments_and_strings_name_nothing() {
        let low = "//! See [crate::mid].\n/// As crate::top::h.\nfn f() { g(\"crate::top::h\") }";
        assert_eq!(found(&[("src/low.rs", low)]), [""; 0]);
    }

    #[test]
    fn visibilities_are_not_paths() {
        let deep = "pub(in crate::mid) fn f() {}\npub(super) struct S;";
        assert_eq!(found(&[("src/mid/mod.rs", "mod deep;"), ("src/mid/deep.rs", deep)]), [""; 0]);
    }

    #[test]
    fn super_leads_to_the_parent() {
        let mid = "mod deep; mod wide;";
        let of =
            |path, text| found(&[("src/mid/mod.rs", mid), ("src/mid/deep.rs", ""), (path, text)]);
        let wide = [
            ("src/mid/mod.rs", mid),
            ("src/mid/deep.rs", ""),
            ("src/mid/wide.rs", "use super::M;"),
        ];
        assert_eq!(found(&wide), [""; 0]);
        let deep = [
            ("src/mid/mod.rs", mid),
            ("src/mid/wide.rs", ""),
            ("src/mid/deep.rs", "use super::M;"),
        ];
        assert_eq!(found(&deep), [up("mid/deep.rs:1", "mid::deep", "mid", "super::M")]);
        let wide = "use super::super::top;";
        let expected = [up("mid/wide.rs:1", "mid::wide", "top", "super::super::top")];
        assert_eq!(of("src/mid/wide.rs", wide), expected);
    }

    #[test]
    fn children_are_named_without_a_prefix() {
        let layers: &[&[&str]] = &[&["low"], &["low::high"]];
        let files = [
            ("src/lib.rs", "mod low;"),
            (
                "src/low.rs",
                "mod high;\nuse high::H;\nfn f() { high::g(); x.high::<u8>(); std::high::h() }",
            ),
            ("src/low/high.rs", ""),
        ];
        let files = files.map(|(path, text)| Source { path, text });
        let faults = check(&Crate::read(&files).expect("sources"), layers);
        let lines: Vec<_> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [2, 3], "{faults:?}");
    }

    #[test]
    fn modules_inside_a_file_are_modules() {
        let low = "mod inside {\n    use super::A;\n    use super::super::top::T;\n}";
        let expected = [up("low.rs:3", "low::inside", "top", "super::super::top::T")];
        assert_eq!(found(&[("src/low.rs", low)]), expected);
    }

    #[test]
    fn the_root_hides_where_a_name_comes_from() {
        let expected = "src/low.rs:1: `crate::Mid` goes through the crate's root: name the module";
        assert_eq!(found(&[("src/low.rs", "use crate::Mid;")]), [expected]);
    }

    #[test]
    fn tests_may_name_everything() {
        let low = "#[cfg(test)]\nmod tests;\n#[cfg(all(test, unix))]\nmod inside { use crate::top; }\n\
            fn f() {\n    #[cfg(test)]\n    crate::top::note(1);\n}\n#[cfg(test)]\nuse crate::top::T;";
        let tests = "use super::*; use crate::top;";
        assert_eq!(found(&[("src/low.rs", low), ("src/low/tests.rs", tests)]), [""; 0]);
        for real in ["#[cfg(not(test))]", "#[cfg(any(test, unix))]", "#[cfg(feature = \"test\")]"] {
            let low = format!("{real}\nuse crate::top::T;\n");
            let expected = [up("low.rs:2", "low", "top", "crate::top::T")];
            assert_eq!(found(&[("src/low.rs", &low)]), expected);
        }
    }

    #[test]
    fn what_follows_a_test_is_looked_at() {
        let low = "#[cfg(test)]\nfn f<A, B>() { crate::top::g() }\nuse crate::top::T;\n\
            struct S {\n    #[cfg(test)]\n    pub a: crate::top::T,\n    b: crate::top::T,\n}";
        let expected = [
            up("low.rs:3", "low", "top", "crate::top::T"),
            up("low.rs:7", "low", "top", "crate::top::T"),
        ];
        assert_eq!(found(&[("src/low.rs", low)]), expected);
    }

    #[test]
    fn globs_of_the_parent_are_for_tests() {
        let inside = "mod inside { use super::*; }";
        let expected = ["src/low.rs:1: `use super::*` outside tests"];
        assert_eq!(found(&[("src/low.rs", inside)]), expected);
        assert_eq!(found(&[("src/low.rs", "mod inside { use super::{*, a}; }")]), expected);
        assert_eq!(found(&[("src/top.rs", "enum E { A } use E::*; use crate::mid::*;")]), [""; 0]);
    }

    #[test]
    fn files_are_found_as_the_compiler_does() {
        let root = "mod low; mod mid; mod other;\n\
            cfg_if::cfg_if! { if #[cfg(unix)] { #[path = \"top/unix.rs\"] mod top; } }";
        let files = [
            ("src/lib.rs", root),
            ("src/low.rs", "mod a;"),
            ("src/low/a/mod.rs", "mod b;"),
            ("src/low/a/b.rs", "use crate::mid::M;"),
            ("src/mid/mod.rs", ""),
            ("src/other.rs", ""),
            ("src/top/unix.rs", "use super::low::L;"),
            ("src/stray.rs", ""),
        ];
        let files = files.map(|(path, text)| Source { path, text });
        let faults = check(&Crate::read(&files).expect("sources"), LAYERS);
        let faults: Vec<_> = faults.iter().map(Fault::to_string).collect();
        let expected = [
            "src/stray.rs:1: no `mod` leads to this file".to_owned(),
            up("low/a/b.rs:1", "low::a::b", "mid", "crate::mid::M"),
        ];
        assert_eq!(faults, expected);
    }

    #[test]
    fn the_design_shows_every_layer_in_order() {
        let told = |rows: &str| {
            let design = format!("# It\n```\nno\n```\n{SECTION}\n\nText.\n```text\n{rows}```\n");
            shown(&design, LAYERS).map(|fault| fault.to_string())
        };
        let rows = "top > mid, other  a > b\nmid::deep\nlow    the ground\n";
        assert_eq!(told(rows), None);
        for (from, to, fault) in [
            ("low    the", "", "10: no layer `low` in the section on layers"),
            ("mid::deep", "low", "10: `low` stands where `mid::deep` is: xtask/src/tidy/layers.rs"),
            ("low  ", "low > a  ", "11: `a` stands where `none` is: xtask/src/tidy/layers.rs"),
            (", other", "", "9: `mid` stands where `mid, other` is: xtask/src/tidy/layers.rs"),
        ] {
            let rows = rows.replace(from, to).replace(" ground\n", "");
            let fault = format!("DESIGN.md:{fault}");
            assert_eq!(told(&rows), Some(fault), "{rows}");
        }
        assert!(shown("", LAYERS).is_some());
    }

    #[test]
    fn a_module_of_no_layer_is_named() {
        let root = "mod low; mod mid; mod other; mod top; mod new;";
        let found = found(&[("src/lib.rs", root), ("src/new.rs", "use crate::low::A;")]);
        assert_eq!(found, ["src/lib.rs:1: `new` is in no layer: xtask/src/tidy/layers.rs"]);
    }
}
