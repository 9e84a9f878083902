//! README.md says first what this is, and what it says agrees with the sources.

const README: &str = include_str!("../../../README.md");
const MANIFEST: &str = include_str!("../../../Cargo.toml");
const MODES: &str = include_str!("../../../src/mode.rs");

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
