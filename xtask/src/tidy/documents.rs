//! Documents agree with the files that they speak of, and are no longer or wider than promised.

use std::path::Path;

use regex::Regex;

use super::{Fault, File};
use crate::link;

/// Documents that must stay short, and how many lines each may have.
const LINES: [(&str, usize); 3] = [("README.md", 200), ("DESIGN.md", 290), ("CONTRIBUTING.md", 80)];

/// Columns that a line of prose may have.
const COLUMNS: usize = 100;
/// Columns that a comment may have.
const COMMENT: usize = 120;

/// All faults of documents: dead links, code that differs from its example, and excess size.
pub fn faults(files: &[File]) -> Vec<Fault> {
    let documents = files.iter().filter(|file| file.path.ends_with(".md"));
    let faults_of = |file| {
        let mut faults = links(file, |path| Path::new(path).exists());
        faults.extend(named(file, files));
        faults.extend(bare(file, files));
        faults.extend(long(file));
        faults.extend(wide(file));
        faults
    };
    let mut faults: Vec<_> = documents.flat_map(faults_of).collect();
    faults.extend(files.iter().filter(|file| file.is_rust()).flat_map(wide_comments));
    let find = |path| files.iter().find(|file| file.path == path);
    match (find("README.md"), find("examples/quickstart.rs")) {
        (Some(readme), Some(example)) => faults.extend(shown(readme, example)),
        _ => faults.push(Fault {
            path: "README.md".into(),
            line: 1,
            what: "README.md or examples/quickstart.rs is missing".into(),
        }),
    }
    faults
}

/// Links to files that do not exist. Links start from the document's folder.
fn links(file: &File, exists: impl Fn(&str) -> bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        for target in link::targets(line) {
            let gone = link::file(&file.path, target).is_some_and(|path| !exists(&path));
            if gone {
                faults.push(file.fault(at, format!("a link to `{target}`, which does not exist")));
            }
        }
    }
    faults
}

/// Links that are called after a test, to a file that does not have the test. Links start from the root.
fn named(document: &File, files: &[File]) -> Vec<Fault> {
    let link = Regex::new(r"\[`([a-z0-9_]+)`\]\(([^)\s]+\.rs)\)").expect("a regular expression");
    let mut faults = Vec::new();
    for (at, line) in document.text.lines().enumerate() {
        for (_, [test, path]) in link.captures_iter(line).map(|link| link.extract()) {
            let file = files.iter().find(|file| file.path == path);
            // A function, or one that a macro makes.
            let here = [format!("fn {test}"), format!("    {test}, \"")];
            let there = file.is_some_and(|file| here.iter().any(|it| file.text.contains(it)));
            if !there {
                faults.push(document.fault(at, format!("`{path}` has no test `{test}`")));
            }
        }
    }
    faults
}

/// Names without a link that read as a claim, as those of tests do, and that no file has as a function. A claim has
/// five words or more.
fn bare(document: &File, files: &[File]) -> Vec<Fault> {
    let name = Regex::new(r"(.?)`([a-z0-9]+(?:_[a-z0-9]+){4,})`").expect("a regular expression");
    let mut faults = Vec::new();
    for (at, line) in document.text.lines().enumerate() {
        for (_, [before, test]) in name.captures_iter(line).map(|name| name.extract()) {
            let function = format!("fn {test}");
            let linked = before == "[";
            let there = |file: &File| file.is_rust() && file.text.contains(&function);
            if !linked && !files.iter().any(there) {
                faults.push(document.fault(at, format!("there is no test `{test}`")));
            }
        }
    }
    faults
}

/// The document has more lines than it may.
fn long(file: &File) -> Option<Fault> {
    let (_, most) = LINES.into_iter().find(|(path, _)| *path == file.path)?;
    let lines = file.text.lines().count();
    (lines > most).then(|| file.fault(most, format!("{lines} lines, and {most} are allowed")))
}

/// Lines of prose that are too wide. Tables and code cannot be wrapped.
fn wide(file: &File) -> Vec<Fault> {
    let mut code = false;
    let mut faults = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        let start = line.trim_start();
        let fence = start.starts_with("```");
        code ^= fence;
        let columns = line.chars().count();
        if columns > COLUMNS && !code && !fence && !start.starts_with('|') {
            faults.push(file.fault(at, format!("{columns} columns, and {COLUMNS} are allowed")));
        }
    }
    faults
}

/// Comments of sources that are too wide: the formatter leaves them as they are.
fn wide_comments(file: &File) -> Vec<Fault> {
    let mut code = false;
    let mut faults = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        let start = line.trim_start();
        let Some(text) = start.strip_prefix("//") else { continue };
        let text = text.trim_start_matches(['/', '!']).trim_start();
        code ^= text.starts_with("```");
        let columns = line.chars().count();
        if columns > COMMENT && !code && !text.starts_with('|') {
            faults.push(file.fault(at, format!("{columns} columns, and {COMMENT} are allowed")));
        }
    }
    faults
}

/// The README shows the example, without its head comment, as it is.
fn shown(readme: &File, example: &File) -> Option<Fault> {
    let code: Vec<_> = example.text.lines().skip_while(|line| line.starts_with("//!")).collect();
    let code = code.join("\n");
    let code = format!("```rust\n{}\n```", code.trim());
    (!readme.text.contains(&code)).then(|| {
        let block = readme.text.lines().position(|line| line == "```rust").unwrap_or_default();
        readme.fault(block, format!("the code is not that of {}", example.path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    #[test]
    fn links_lead_somewhere() {
        let exists = |path: &str| ["LICENSE-MIT", "docs/a.md", "docs/b.md"].contains(&path);
        let bad = |path: &str, text: &str| {
            let faults = links(&file(path, text), exists);
            faults.iter().map(Fault::to_string).collect::<Vec<_>>()
        };
        let text = "[a](LICENSE-MIT) [b](docs/a.md#there)\n[c](#here) [d](https://docs.rs/x)\n";
        assert!(bad("README.md", text).is_empty());
        assert!(bad("docs/a.md", "[b](b.md), ![p](b.md)\n").is_empty());
        let gone = ["docs/a.md:2: a link to `LICENSE-MIT`, which does not exist"];
        assert_eq!(bad("docs/a.md", "text\n[b](b.md) [l](LICENSE-MIT)\n"), gone);
    }

    #[test]
    fn tests_that_are_named_are_there() {
        let files =
            [file("tests/a.rs", "fn it_holds<M: Mode>() {\n    by_macro, \"what it does\",\n")];
        let faults = |text: &str| {
            let found = named(&file("README.md", text), &files);
            found.iter().map(Fault::to_string).collect::<Vec<_>>()
        };
        assert!(
            faults("See [`it_holds`](tests/a.rs), [`by_macro`](tests/a.rs) and [it](b.rs).\n")
                .is_empty()
        );
        assert_eq!(
            faults("\n[`other`](tests/a.rs)\n"),
            ["README.md:2: `tests/a.rs` has no test `other`"]
        );
        assert_eq!(
            faults("[`it_holds`](tests/b.rs)\n"),
            ["README.md:1: `tests/b.rs` has no test `it_holds`"]
        );
    }

    #[test]
    fn tests_that_are_named_without_a_link_are_there() {
        let files = [file("tests/a.rs", "fn what_it_does_is_so<M: Mode>() {}\n")];
        let faults = |text: &str| {
            let found = bare(&file("README.md", text), &files);
            found.iter().map(Fault::to_string).collect::<Vec<_>>()
        };
        // A call with fewer words may be another crate's; what has a link is compared with its file.
        let fine =
            "`what_it_does_is_so`, `a_call_of_others`, [`it_is_not_here_but_linked`](b.rs)\n";
        assert!(faults(fine).is_empty());
        let gone = "text\nSee `what_it_did_was_so`: `what_it_does_is_so`\n";
        assert_eq!(faults(gone), ["README.md:2: there is no test `what_it_did_was_so`"]);
    }

    #[test]
    fn the_readme_shows_the_example() {
        let example = file("examples/quickstart.rs", "//! Head.\n\nuse a;\n\nfn main() {}\n");
        let same = file("README.md", "# It\n\n```rust\nuse a;\n\nfn main() {}\n```\n");
        assert!(shown(&same, &example).is_none());
        let other = file("README.md", "# It\n\n```rust\nuse b;\n\nfn main() {}\n```\n");
        let fault = shown(&other, &example).expect("a fault").to_string();
        assert_eq!(fault, "README.md:3: the code is not that of examples/quickstart.rs");
    }

    #[test]
    fn short_documents_stay_short() {
        let lines = |path: &str, lines| long(&file(path, &"line\n".repeat(lines)));
        for (path, most) in LINES {
            assert!(lines(path, most).is_none());
            let fault = lines(path, most + 1).expect("a fault").to_string();
            let (last, over) = (most + 1, format!("{} lines, and {most} are allowed", most + 1));
            assert_eq!(fault, format!("{path}:{last}: {over}"));
        }
        assert!(lines("features.md", 1000).is_none());
    }

    #[test]
    fn prose_is_wrapped() {
        let wides = |path: &str, text: &str| {
            wide(&file(path, text)).iter().map(Fault::to_string).collect::<Vec<_>>()
        };
        let (full, over) = ("ä".repeat(COLUMNS), "ä".repeat(COLUMNS + 1));
        let exempt = format!("{full}\n| {over} |\n  | {over}\n```text\n{over}\n```\n");
        assert!(wides("docs/a.md", &exempt).is_empty());
        let text = format!("{exempt}{over}\n");
        assert_eq!(wides("docs/a.md", &text), ["docs/a.md:7: 101 columns, and 100 are allowed"]);
        assert_eq!(wides("README.md", &text), ["README.md:7: 101 columns, and 100 are allowed"]);
    }

    #[test]
    fn comments_are_wrapped() {
        let wides = |text: &str| {
            let faults = wide_comments(&file("src/a.rs", text));
            faults.iter().map(Fault::to_string).collect::<Vec<_>>()
        };
        let (full, over) = ("ä".repeat(COMMENT - 4), "ä".repeat(COMMENT - 3));
        let exempt = format!("/// {full}\n//! | {over} |\nlet it = {over}{over};\n");
        assert!(wides(&format!("{exempt}/// ```\n/// {over}\n/// ```\n")).is_empty());
        let text = format!("{exempt}/// {over}\n");
        assert_eq!(wides(&text), ["src/a.rs:4: 121 columns, and 120 are allowed"]);
    }

    #[test]
    fn what_is_missing_is_missed() {
        assert_eq!(faults(&[file("README.md", "# It\n")]).len(), 1);
    }
}
