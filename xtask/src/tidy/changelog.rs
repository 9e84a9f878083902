//! The changelog has a section for each kind of change, so that readers find theirs.

use super::{Fault, File};

/// The kinds of changes, in their order.
const KINDS: [&str; 6] = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

/// All faults of the changelog, and one if there is none.
pub fn faults(files: &[File]) -> Vec<Fault> {
    match files.iter().find(|file| file.path == "CHANGELOG.md") {
        Some(file) => check(file),
        None => {
            let what = "there is no changelog".into();
            vec![Fault { path: "CHANGELOG.md".into(), line: 1, what }]
        }
    }
}

/// Versions, the first of which is to come; in each of them kinds of changes; in each of these a list.
fn check(file: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    // How many versions there were, the next kinds of the version, and whether the kind has changes.
    let (mut versions, mut next, mut kind) = (0, None, None);
    for (at, line) in file.text.lines().enumerate() {
        if let Some(version) = line.strip_prefix("## ") {
            if (versions == 0) != (version == "Unreleased") {
                faults.push(file.fault(at, "the first version, and no other, is `Unreleased`"));
            }
            (versions, next) = (versions + 1, Some(0));
        } else if let Some(name) = line.strip_prefix("### ") {
            match KINDS.iter().position(|it| *it == name) {
                None => faults.push(file.fault(at, format!("`{name}` is no kind of change"))),
                Some(position) if next.is_some_and(|next| position >= next) => {
                    next = Some(position + 1);
                }
                Some(_) => faults.push(file.fault(at, format!("`{name}` is not in its place"))),
            }
            kind = Some(at);
            continue;
        } else if line.starts_with("- ") {
            if kind.is_none() {
                faults.push(file.fault(at, "a change without a kind"));
            }
            continue;
        } else {
            continue;
        }
        kind = None;
    }
    if versions == 0 {
        faults.push(file.fault(0, "there is no version"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let file = File { path: "CHANGELOG.md".into(), text: text.into() };
        check(&file).iter().map(Fault::to_string).collect()
    }

    #[test]
    fn kinds_of_changes_are_known_and_in_order() {
        let right = "## Unreleased\n\n### Added\n\n- a\n\n### Security\n\n- b\n\n## 0.1.0\n\n### Added\n\n- c\n";
        assert!(found(right).is_empty());
        let fault = |text: &str| found(text).join(", ");
        let head = "## Unreleased\n";
        assert!(fault(&format!("{head}### New\n- a\n")).contains("`New` is no kind of change"));
        let twice = format!("{head}### Fixed\n- a\n### Added\n- b\n");
        assert!(fault(&twice).contains(":4: `Added` is not in its place"));
        let twice = format!("{head}### Fixed\n- a\n### Fixed\n- b\n");
        assert!(fault(&twice).contains(":4: `Fixed` is not in its place"));
        assert!(fault(&format!("{head}- a\n")).contains(":2: a change without a kind"));
        assert!(fault("## 0.1.0\n").contains("`Unreleased`"));
        assert!(fault("# Changelog\n").contains("there is no version"));
    }

    #[test]
    fn a_missing_changelog_is_found() {
        assert_eq!(faults(&[]).len(), 1);
    }
}
