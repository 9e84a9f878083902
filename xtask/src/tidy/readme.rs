//! README.md says first what this is, and what it says agrees with the sources.

const README: &str = include_str!("../../../README.md");
const MANIFEST: &str = include_str!("../../../Cargo.toml");
const FEATURES: &str = include_str!("../../../features.md");
const CONTRIBUTING: &str = include_str!("../../../CONTRIBUTING.md");
const BUILDER: &str = concat!(
    include_str!("../../../src/pool/build.rs"),
    include_str!("../../../src/pool/build/caches.rs"),
    include_str!("../../../src/pool/build/fences.rs"),
    include_str!("../../../src/pool/build/growth.rs"),
    include_str!("../../../src/pool/build/hardening.rs"),
    include_str!("../../../src/pool/build/marks.rs"),
    include_str!("../../../src/inject/calls.rs")
);
const MODES: &str = include_str!("../../../src/mode.rs");
const STATICS: &str = include_str!("../../../src/pool/static_pool.rs");
const REGION: &str = include_str!("../../../src/region.rs");
const MAPPING: &str = include_str!("../../../src/mapping.rs");
const NODES: &str = include_str!("../../../src/nodes/mod.rs");

#[test]
fn the_readme_says_first_what_it_is_in_one_sentence() {
    let mut paragraphs = README.split("\n\n");
    assert_eq!(paragraphs.next(), Some("# pagesheaf"));
    let first = paragraphs.next().expect("a paragraph").replace('\n', " ");
    for term in ["buffer pool", "bulk page allocator"] {
        assert!(first.contains(term), "{term}");
    }
    assert_eq!(first.matches('.').count(), 1, "{first}");
    assert!(first.ends_with('.'));
    let next = paragraphs.next().expect("the code");
    assert!(next.starts_with("```rust\n"), "code comes before any concept: {next}");
    assert!(!next.contains("thread::") && next.lines().count() <= 18, "{next}");
}

#[test]
fn the_readme_has_badges_only_of_what_there_is() {
    let told = "a badge needs a repository, which Cargo.toml does not name";
    assert!(MANIFEST.contains("\nrepository = ") || !README.contains("[!["), "{told}");
}

#[test]
fn the_readme_shows_the_picture_and_says_what_it_is() {
    let image = README.lines().find_map(|line| line.strip_prefix("![")).expect("a picture");
    let (text, target) = image.split_once("](").expect("a target");
    assert_eq!(target, "docs/matrix.svg)");
    assert!(text.starts_with("Nanoseconds per page"), "{text}");
}

#[test]
fn the_readme_has_every_preset_and_the_oldest_rust() {
    let table = README.split("\n\n").find(|part| part.starts_with("| preset |"));
    let rows = table.expect("a table of presets").lines().skip(2);
    let mut shown: Vec<_> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    let declared = MODES.split_once("\npresets! {").expect("presets").1.lines();
    let declared = declared.take_while(|line| *line != "}").filter(|line| !line.contains("///"));
    let mut declared: Vec<_> =
        declared.filter_map(|line| line.trim().split(" = ").next()).collect();
    declared.retain(|name| !name.is_empty());
    shown.sort_unstable();
    declared.sort_unstable();
    assert_eq!(shown, declared);
    let oldest = env!("CARGO_PKG_RUST_VERSION");
    assert!(README.contains(&format!("**Rust {oldest}** or newer")), "{oldest}");
}

/// The features that a document names in `features = [...]`, in order.
fn features_named(document: &str) -> Vec<&str> {
    let lists = document.split("features = [").skip(1).filter_map(|text| text.split(']').next());
    lists.flat_map(|list| list.split('"').skip(1).step_by(2)).collect()
}

/// The methods that a document names as `Type::method`, of a type.
fn methods_named<'a>(document: &'a str, of: &str) -> Vec<&'a str> {
    let ends = |c: char| !(c.is_alphanumeric() || c == '_');
    let names = document.split(of).skip(1).filter_map(|text| text.split(ends).next());
    names.filter(|name| !name.is_empty()).collect()
}

/// Both documents say what to write; a newcomer copies it as it stands.
#[test]
fn what_to_write_names_features_and_calls_that_are_there() {
    let declared = MANIFEST.split_once("\n[features]\n").expect("features").1;
    let declared = declared.split("\n\n").next().expect("lines");
    let declared: Vec<_> = declared.lines().filter_map(|line| line.split(" = ").next()).collect();
    let table =
        README.split("\n\n").find(|part| part.starts_with("| you want |")).expect("a table");
    let choices = FEATURES.split("\n## ").find(|part| part.starts_with("Pick")).expect("a section");
    for text in [table, choices] {
        let features = features_named(text);
        assert!(features.contains(&"hardened") && features.contains(&"refcount"), "{features:?}");
        assert!(
            features.iter().all(|name| declared.contains(name)),
            "{features:?} of {declared:?}"
        );
        let methods = methods_named(text, "Builder::");
        assert!(["poison_every", "build_in"].iter().all(|it| methods.contains(it)), "{methods:?}");
        for method in methods {
            let forms = ["const fn", "unsafe fn"].map(|kind| format!("pub {kind} {method}("));
            assert!(forms.iter().any(|form| BUILDER.contains(form)), "{method}");
        }
        for case in [".mode::<NoChecks>()", "a larger n", "Without `checks`"] {
            assert!(text.to_lowercase().contains(&case.to_lowercase()), "{case}");
        }
    }
}

/// Of README's table also what is called on something else than a builder.
#[test]
fn what_to_write_names_types_that_are_there() {
    let table = README.split("\n\n").find(|part| part.starts_with("| you want |"));
    let table = table.expect("a table");
    for (written, file, declared) in [
        ("StaticPool = StaticPool::new();`", STATICS, "pub fn new() -> Self {"),
        ("`POOL.init(builder)`", STATICS, "pub fn init(&self, builder: Builder<M>)"),
        ("`Region::mapped().", REGION, "pub const fn mapped() -> Mapping {"),
        (".node(n)`", MAPPING, "pub const fn node(mut self, node: u32)"),
        ("`NodeSet`", NODES, "pub struct NodeSet<"),
    ] {
        assert!(table.contains(written), "{written}");
        assert!(file.contains(declared), "{declared}");
    }
}

/// There is no release and no repository to name, so a program names the folder.
#[test]
fn the_readme_says_how_to_add_the_crate() {
    let code = README.split('`').find(|code| code.starts_with("pagesheaf = "));
    let line: toml::Table = code.expect("a dependency").parse().expect("a line of a manifest");
    let crate_ = line["pagesheaf"].as_table().expect("more than a version");
    assert_eq!(crate_.keys().collect::<Vec<_>>(), ["path"]);
    let path = crate_["path"].as_str().expect("a text");
    assert!(path.starts_with("../"), "it is not the program's own folder: {path}");
    assert!(!README.contains("pagesheaf = \"0."), "there is no release");
}

/// The rows of CONTRIBUTING.md's table of changes name commands that are there.
#[test]
fn what_to_run_for_a_change_can_be_run() {
    let table = CONTRIBUTING.split("\n\n").find(|part| part.starts_with("| you change |"));
    let rows: Vec<_> = table.expect("a table of changes").lines().skip(2).collect();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let commands: Vec<_> =
            row.split('`').skip(1).step_by(2).filter(|text| text.contains("cargo ")).collect();
        assert!(!commands.is_empty(), "{row}");
        let parts = commands.iter().flat_map(|text| text.split("cargo xtask ").skip(1));
        for part in parts.filter_map(|part| part.split([' ', '`']).next()) {
            assert!(CONTRIBUTING.contains(&format!("\n| `cargo xtask {part}` |")), "{part}");
        }
    }
}
