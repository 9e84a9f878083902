//! The documentation as it is built for readers: all of it is shown, what needs a feature says so,
//! and `DefaultMode` is what most programs have.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use regex::{Captures, Regex};

use super::manifest::{Manifest, Sibling};
use super::{nightly, no_nightly};
use crate::run::{run, target};

/// The features that choose `DefaultMode`.
const MODE: [&str; 7] = ["refcount", "checks", "stats", "claim", "poison", "quarantine", "shuffle"];
/// Where rustdoc says that an item needs a feature.
const MARK: &str = "Available on <strong>";

/// Builds it as the manifests say, and looks at it. Or says why not.
pub fn docs(crates: &[Sibling]) -> Result<Option<&'static str>> {
    if let Some(why) = no_nightly() {
        return Ok(Some(why));
    }
    crates.iter().try_for_each(|one| of_crate(*one)).map(|()| None)
}

fn of_crate(one: Sibling) -> Result<()> {
    let manifest = Manifest::read(one)?;
    if one == Sibling::CRATE {
        default_mode(&manifest)?;
    }
    let shown = &manifest.package.metadata.docs.rs;
    let mut args: Vec<String> = Vec::new();
    if shown.all_features {
        args.push("--all-features".into());
    }
    if shown.no_default_features {
        args.push("--no-default-features".into());
    }
    if !shown.features.is_empty() {
        args.push(format!("--features={}", shown.features.join(",")));
    }
    let shown = build(one, &args, &shown.rustdoc_args)?;
    let rustdoc = ["--cfg".to_owned(), "docsrs".to_owned()];
    let bare = build(one, &["--no-default-features".into()], &rustdoc)?;
    let all = build(one, &["--all-features".into()], &rustdoc)?;
    ensure!(!items(&shown).is_empty(), "no item is found in the documentation of {}", one.name);
    let mut faults = unmarked(&items(&bare), &items(&shown));
    faults.extend(hidden(&items(&shown), &items(&all)));
    ensure!(faults.is_empty(), "{}: {} faults\n{}", one.name, faults.len(), faults.join("\n"));
    Ok(())
}

/// The mode that is shown must be that of the default features.
fn default_mode(manifest: &Manifest) -> Result<()> {
    let (shown, default) = (manifest.shown(), manifest.turned_on(vec!["default"]));
    for feature in MODE {
        let agree = shown.contains(feature) == default.contains(feature);
        ensure!(agree, "`{feature}` is on in the documentation, or by default, but not in both");
    }
    let own = shown.iter().find(|feature| feature.starts_with("__"));
    ensure!(own.is_none(), "the documentation has {own:?}, which is for the project");
    Ok(())
}

/// The pages of a crate, by name.
type Pages = BTreeMap<String, String>;

fn build(one: Sibling, args: &[String], rustdoc: &[String]) -> Result<Pages> {
    let folder = target("docs");
    let pages = folder.join("doc").join(one.name.replace('-', "_"));
    if pages.exists() {
        fs::remove_dir_all(&pages).context("the documentation of before")?;
    }
    let mut cargo = nightly(&["rustdoc", "-q", "-p", one.name, "--lib"]);
    cargo.args(args).arg("--target-dir").arg(&folder).arg("--").args(rustdoc);
    run(cargo.args(["-D", "warnings"]))?;
    let mut found = Pages::new();
    read(&pages, "", &mut found)?;
    Ok(found)
}

fn read(folder: &Path, before: &str, pages: &mut Pages) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &format!("{name}/"), pages)?;
        } else if name.ends_with(".html") {
            pages.insert(name, fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

/// What a page says of the crate's own items: not those of what a type dereferences to, nor of
/// every type.
fn own(text: &str) -> String {
    let (text, _) = text.split_once("id=\"blanket-implementations\"").unwrap_or((text, ""));
    let (before, rest) = text.split_once("id=\"deref-methods").unwrap_or((text, ""));
    let after = rest.find("id=\"trait-implementations\"").map_or("", |at| &rest[at..]);
    format!("{before}{after}")
}

/// How many items there are of a page and name, and how many of them are marked.
type Items = BTreeMap<(String, String), (usize, usize)>;

/// The pages, the implementations of traits, and what is in them and in types.
fn items(pages: &Pages) -> Items {
    let anchor = Regex::new(r#" id="((?:impl-|\w+\.)[^"]+?)(?:-\d+)?""#).expect("an expression");
    let start = |found: &Captures<'_>| found.get(0).map_or(0, |whole| whole.start());
    let mut items = Items::new();
    let mut add = |page: &str, name: &str, marked: bool| {
        let item = items.entry((page.to_owned(), name.to_owned())).or_default();
        *item = (item.0 + 1, item.1 + usize::from(marked));
    };
    // What is exported from a private module has a page there, too, that leads to its own.
    let leads_on = |text: &str| text.contains("http-equiv=\"refresh\"");
    for (page, text) in pages.iter().filter(|(_, text)| !leads_on(text)) {
        let text = &*own(text);
        let anchors: Vec<_> = anchor.captures_iter(text).collect();
        let starts = anchors.iter().map(start);
        let ends = starts.skip(1).chain([text.len()]);
        let head = anchors.first().map_or(text.len(), start);
        let page_is_marked = text[..head].contains(MARK);
        add(page, "", page_is_marked);
        let mut whole_is_marked = page_is_marked;
        for (anchor, end) in anchors.iter().zip(ends) {
            let (name, marked) = (&anchor[1], text[start(anchor)..end].contains(MARK));
            if name.starts_with("impl-") {
                whole_is_marked = page_is_marked || marked;
                // An inherent implementation is no item: what is in it is.
                if !name.contains("-for-") {
                    continue;
                }
            }
            add(page, name, whole_is_marked || marked);
        }
    }
    items
}

/// Items that only some features bring, and that do not say so.
fn unmarked(bare: &Items, shown: &Items) -> Vec<String> {
    let more = shown.iter().filter(|(item, (there, marked))| {
        let without = bare.get(item).map_or(0, |(there, _)| *there);
        there.saturating_sub(without) > *marked
    });
    more.map(|((page, name), _)| format!("{page}: {name} does not say which feature it needs"))
        .collect()
}

/// Items that there are with all features, and that are not shown.
fn hidden(shown: &Items, all: &Items) -> Vec<String> {
    let more = all
        .iter()
        .filter(|(item, (there, _))| shown.get(item).map_or(0, |(there, _)| *there) < *there);
    more.map(|((page, name), _)| format!("{page}: {name} is not shown")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Items {
        items(&[("struct.A.html".to_owned(), text.to_owned())].into())
    }

    const PLAIN: &str = "<h1>A</h1><section id=\"impl-A\"><section id=\"method.a\">a";

    #[test]
    fn an_item_that_needs_a_feature_must_say_so() {
        let bare = page(PLAIN);
        let marked = page(&format!("{PLAIN}<section id=\"method.b\">b {MARK}"));
        let plain = page(&format!("{PLAIN}<section id=\"method.b\">b"));
        assert!(unmarked(&bare, &marked).is_empty());
        let fault = "struct.A.html: method.b does not say which feature it needs";
        assert_eq!(unmarked(&bare, &plain), [fault]);
        // A whole implementation says so once, for what is in it.
        let b = "<section id=\"impl-B-for-A\">B";
        let whole = page(&format!("{PLAIN}{b} {MARK}<section id=\"method.b\">b"));
        assert!(unmarked(&bare, &whole).is_empty());
        let whole = page(&format!("{PLAIN}{b}<section id=\"method.b\">b"));
        assert_eq!(unmarked(&bare, &whole).len(), 2);
        // A second item of a name is one more, whatever number it has.
        let second = page(&format!("{PLAIN}<section id=\"method.a-1\">a"));
        assert_eq!(unmarked(&bare, &second).len(), 1);
        assert_eq!(unmarked(&Items::new(), &bare).len(), 2);
    }

    #[test]
    fn a_page_that_leads_to_another_is_no_item() {
        assert!(
            page("<meta http-equiv=\"refresh\" content=\"0;URL=../struct.A.html\">").is_empty()
        );
    }

    #[test]
    fn items_of_other_crates_are_none() {
        let section = |name: &str| format!("<h2 id=\"{name}\"><section id=\"method.x\">x");
        let [deref, traits, blanket] =
            ["deref-methods-[T]", "trait-implementations", "blanket-implementations"].map(section);
        assert_eq!(page(&format!("{PLAIN}{deref}")), page(PLAIN));
        assert_eq!(page(&format!("{PLAIN}{deref}{traits}{blanket}")).len(), 3);
    }

    #[test]
    fn an_item_that_is_not_shown_is_found() {
        let shown = page(PLAIN);
        let all = page(&format!("{PLAIN}<section id=\"method.b\">b {MARK}"));
        assert!(hidden(&shown, &shown).is_empty());
        assert_eq!(hidden(&shown, &all), ["struct.A.html: method.b is not shown"]);
    }

    #[test]
    fn the_mode_that_is_shown_is_the_default_one() {
        let manifest = |docs: &str| {
            let features = "[features]\ndefault = [\"checks\"]\nchecks = []\n\
                claim = [\"checks\"]\nhardened = [\"claim\"]\nextra = []\n__models = []\n";
            let package = "[package]\nversion = \"1.0.0\"\n[package.metadata.docs.rs]\n";
            Manifest::parse(&format!("{package}{docs}\n{features}")).expect("a manifest")
        };
        for right in ["", "features = [\"extra\"]"] {
            assert!(default_mode(&manifest(right)).is_ok(), "{right}");
        }
        for wrong in [
            "all-features = true",
            "no-default-features = true",
            "features = [\"hardened\"]",
            "features = [\"__models\"]",
        ] {
            assert!(default_mode(&manifest(wrong)).is_err(), "{wrong}");
        }
    }
}
