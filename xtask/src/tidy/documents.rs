//! Documents agree with the files that they speak of.

use std::path::Path;

use regex::Regex;

use super::{Fault, File};

/// All that documents say of other files, and is not so.
pub fn faults(files: &[File]) -> Vec<Fault> {
    let documents = files.iter().filter(|file| file.path.ends_with(".md"));
    let mut faults: Vec<_> =
        documents.flat_map(|file| links(file, |path| Path::new(path).exists())).collect();
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
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a regular expression");
    let folder =
        file.path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut faults = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        for target in link.captures_iter(line).map(|link| link.get(1).map_or("", |it| it.as_str()))
        {
            let path = target.split('#').next().unwrap_or_default();
            let elsewhere = path.is_empty() || path.contains("://");
            if !elsewhere && !exists(&format!("{folder}{path}")) {
                faults.push(file.fault(at, format!("a link to `{target}`, which does not exist")));
            }
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
    fn the_readme_shows_the_example() {
        let example = file("examples/quickstart.rs", "//! Head.\n\nuse a;\n\nfn main() {}\n");
        let same = file("README.md", "# It\n\n```rust\nuse a;\n\nfn main() {}\n```\n");
        assert!(shown(&same, &example).is_none());
        let other = file("README.md", "# It\n\n```rust\nuse b;\n\nfn main() {}\n```\n");
        let fault = shown(&other, &example).expect("a fault").to_string();
        assert_eq!(fault, "README.md:3: the code is not that of examples/quickstart.rs");
    }

    #[test]
    fn what_is_missing_is_missed() {
        assert_eq!(faults(&[file("README.md", "# It\n")]).len(), 1);
    }
}
