//! Where documents lead: the targets of their links and pictures.

use std::sync::LazyLock;

use regex::Regex;

/// A link of Markdown, or an attribute of HTML that names a file.
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    let link = r#"\]\(([^)\s]+)\)|\b(?:src|srcset|href)="([^"\s]+)""#;
    Regex::new(link).expect("a regular expression")
});

/// All targets in a text, as they are written.
pub fn targets(text: &str) -> impl Iterator<Item = &str> {
    LINK.captures_iter(text)
        .filter_map(|link| link.get(1).or(link.get(2)))
        .map(|target| target.as_str())
}

/// The path from the root to a target in a document, if it is a file of the project. Links start
/// from the document's folder.
pub fn file(document: &str, target: &str) -> Option<String> {
    let path = target.split('#').next().unwrap_or_default();
    if path.is_empty() || path.contains("://") {
        return None;
    }
    let mut parts: Vec<_> = document.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_in_markdown_and_html() {
        let text = "[a](A.md#b) ![p](p.svg)\n<img src=\"q.svg\" alt=\"q\"><a href=\"#there\">";
        assert_eq!(targets(text).collect::<Vec<_>>(), ["A.md#b", "p.svg", "q.svg", "#there"]);
        let text = "<source media=\"(prefers-color-scheme: dark)\" srcset=\"dark.svg\">";
        assert_eq!(targets(text).collect::<Vec<_>>(), ["dark.svg"]);
    }

    #[test]
    fn paths_start_from_the_documents_folder() {
        assert_eq!(file("README.md", "docs/a.md#there").as_deref(), Some("docs/a.md"));
        assert_eq!(file("docs/a.md", "../README.md").as_deref(), Some("README.md"));
        assert_eq!(file("docs/a.md", "./b.svg").as_deref(), Some("docs/b.svg"));
        assert_eq!(file("README.md", "#here"), None);
        assert_eq!(file("README.md", "https://docs.rs/x"), None);
    }
}
