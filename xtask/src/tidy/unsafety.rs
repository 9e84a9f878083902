//! How many unsafe blocks and functions the crate has: no more than it was brought down to.

use regex::Regex;

use super::{Fault, File};

/// So many are allowed outside tests, models and the examples of documentation.
const MOST: usize = 247;

/// Whether there are too many.
pub fn faults(files: &[File]) -> Vec<Fault> {
    let most = |found: usize| {
        format!("{found} unsafe blocks and functions in src, and {MOST} are allowed: make a type")
    };
    let found = count(files);
    if found > MOST {
        vec![Fault { path: "src/lib.rs".into(), line: 1, what: most(found) }]
    } else {
        Vec::new()
    }
}

fn count(files: &[File]) -> usize {
    let pattern = Regex::new(r"unsafe (\{|fn )").expect("a regular expression");
    let counts = |file: &&File| {
        let tests = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
        file.path.starts_with("src/") && !file.path.starts_with("src/models/") && !tests
    };
    let lines = files.iter().filter(counts).flat_map(|file| file.text.lines());
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.filter(|line| pattern.is_match(line)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_functions_count_outside_tests_and_models() {
        let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
        let text = "fn a() { unsafe { b() } }\nunsafe fn c() {}\nunsafe impl Send for D {}\n    /// unsafe { e() };\n";
        let files = [
            file("src/a.rs", text),
            file("src/a/tests.rs", text),
            file("src/zone/tests/b.rs", text),
            file("src/models/c.rs", text),
            file("tests/d.rs", text),
        ];
        assert_eq!(count(&files), 2);
        let many = file("src/a.rs", &"unsafe fn c() {}\n".repeat(MOST + 1));
        assert_eq!((faults(&files).len(), faults(&[many]).len()), (0, 1));
    }
}
