//! What public unsafe functions ask of their callers: each says so, and says that the bytes which
//! come back are initialised, for safe code reads them next.

use regex::Regex;

use super::{Fault, File};

/// Where the table of all of them is.
const TABLE: &str = "src/lib.rs";
/// Those through which no bytes come back.
const NO_BYTES: [&str; 4] = ["retain_bulk", "retain_many", "after_fork", "split_block_raw"];

/// Those that are given memory, and what they ask of it.
const MEMORY: [&str; 5] = ["caller", "build_in", "build_in_range", "build_in_ranges", "online"];
const OF_MEMORY: [&str; 6] =
    ["valid", "one allocation", "writab", "provenance", "allocated", "initialis"];

/// A public unsafe function.
struct Function<'a> {
    line: usize,
    name: &'a str,
    /// Its section on safety.
    safety: Option<String>,
}

/// All that is wrong with the public unsafe functions of the crate.
pub fn faults(files: &[File]) -> Vec<Fault> {
    let table = files.iter().find(|file| file.path == TABLE).map_or("", |file| &file.text);
    let sources = files.iter().filter(|file| file.path.starts_with("src/") && file.is_rust());
    let mut faults = Vec::new();
    for file in sources {
        for Function { line, name, safety } in functions(&file.text) {
            let mut wrong = |what: &str| faults.push(file.fault(line, format!("`{name}` {what}")));
            let asked = safety.as_deref().unwrap_or_default().to_lowercase();
            for what in OF_MEMORY.iter().filter(|_| MEMORY.contains(&name)) {
                if !asked.contains(what) {
                    wrong(&format!("says nothing of memory that is `{what}`"));
                }
            }
            match safety {
                None => wrong("has no section `# Safety`"),
                Some(text) if !NO_BYTES.contains(&name) && !text.contains("initialised") => {
                    wrong("does not ask that the bytes are initialised");
                }
                Some(_) => {}
            }
            let in_table =
                |row: &str| row.starts_with("//! | [`") && row.contains(&format!("::{name}`]"));
            if !table.lines().any(in_table) {
                wrong(&format!("is not in the table of {TABLE}"));
            }
        }
    }
    faults
}

/// The public unsafe functions of a file.
fn functions(text: &str) -> Vec<Function<'_>> {
    let pattern = Regex::new(r"^\s*pub (?:const )?unsafe fn (\w+)").expect("a regular expression");
    let lines: Vec<_> = text.lines().collect();
    let found = lines.iter().enumerate().filter_map(|(line, text)| {
        let name = pattern.captures(text)?.get(1)?.as_str();
        Some(Function { line, name, safety: safety(&lines[..line]) })
    });
    found.collect()
}

/// The section on safety in the documentation that ends these lines, on one line.
fn safety(lines: &[&str]) -> Option<String> {
    let before = lines.iter().rev().map(|line| line.trim_start());
    let docs = before.take_while(|line| line.starts_with("///") || line.starts_with("#["));
    let docs = docs.filter_map(|line| line.strip_prefix("///")).map(str::trim);
    let mut docs: Vec<_> = docs.collect();
    docs.reverse();
    let start = docs.iter().position(|line| *line == "# Safety")? + 1;
    let section = docs[start..].iter().take_while(|line| !line.starts_with("# "));
    Some(section.copied().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a function `reclaim` that is documented so, and is in the table or not.
    fn whats(docs: &str, row: &str) -> Vec<String> {
        let file = |path: &str, text| File { path: path.into(), text };
        let docs: String = docs.lines().map(|line| format!("    /// {line}\n")).collect();
        let source = format!("{docs}    #[must_use]\n    pub unsafe fn reclaim() {{}}\n");
        let files = [file(TABLE, format!("//! It.\n{row}\n")), file("src/pool.rs", source)];
        faults(&files).into_iter().map(|fault| fault.what).collect()
    }

    const ROW: &str = "//! | [`Pool::reclaim`] | yes |";

    #[test]
    fn initialised_bytes_are_asked_for() {
        assert_eq!(
            whats("Takes it.\n\n# Safety\nIt is lent; its bytes\nare initialised.", ROW),
            [""; 0]
        );
        let silent = ["`reclaim` does not ask that the bytes are initialised"];
        assert_eq!(whats("Takes it.\n\n# Safety\nIt is lent.", ROW), silent);
        // What other sections say does not count.
        let elsewhere =
            "Takes initialised bytes.\n\n# Safety\nIt is lent.\n\n# Panics\nUnless initialised.";
        assert_eq!(whats(elsewhere, ROW), silent);
    }

    #[test]
    fn every_unsafe_function_is_documented_and_in_the_table() {
        assert_eq!(whats("Takes it.", ROW), ["`reclaim` has no section `# Safety`"]);
        let safe = "# Safety\nIts bytes are initialised.";
        let missing = ["`reclaim` is not in the table of src/lib.rs"];
        for row in ["", "//! | [`Pool::reclaim_bulk`] | yes |", "//! [`Pool::reclaim`]"] {
            assert_eq!(whats(safe, row), missing);
        }
    }

    #[test]
    fn memory_that_is_given_is_described_in_full() {
        let text = "//! It.\n/// # Safety\n/// Valid, writable, initialised, in one allocation.\n\
                    pub const unsafe fn caller() {}\n//! | [`Region::caller`] |\n";
        let whats = faults(&[File { path: TABLE.into(), text: text.into() }]);
        let whats: Vec<_> = whats.into_iter().map(|fault| fault.what).collect();
        let missing = |what| format!("`caller` says nothing of memory that is `{what}`");
        assert_eq!(whats, ["provenance", "allocated"].map(missing));
    }

    #[test]
    fn functions_are_found_however_they_are_written() {
        let text = "pub unsafe fn a() {}\n    pub const unsafe fn b() {}\npub(crate) unsafe fn c() {}\n\
                    unsafe fn d() {}\npub fn e() {}\n";
        let names: Vec<_> = functions(text).iter().map(|function| function.name).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
