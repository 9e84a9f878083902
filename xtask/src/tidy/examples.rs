//! Every public function and type has an example. That of a function names it, and stands in its own documentation or
//! in that of its type.
//!
//! Public is what `pub use` in the root exports. What a macro stamps on types is public, too. Not looked at are the
//! functions of traits, types that a macro names, and fields, variants and constants.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::{Fault, File};

/// What says which names are public.
const ROOT: &str = "src/lib.rs";

/// Something public.
struct Item<'a> {
    line: usize,
    /// The type it is a method of. Of a macro, which does not know, a name that begins with `$`.
    of: Option<&'a str>,
    name: &'a str,
    is_type: bool,
    /// Its examples, one after the other.
    examples: String,
}

/// Every function and type that is without an example.
pub fn faults(files: &[File]) -> Vec<Fault> {
    let root = files.iter().find(|file| file.path == ROOT).map_or("", |file| &file.text);
    let exported = exported(root);
    let sources: Vec<_> = files.iter().filter(|file| is_source(file)).collect();
    let items: Vec<_> = sources.iter().map(|file| (file, items(&file.text))).collect();
    let types = items.iter().flat_map(|(_, items)| items).filter(|item| item.is_type);
    let of_types: BTreeMap<_, _> = types.map(|item| (item.name, &*item.examples)).collect();
    let mut faults = Vec::new();
    for (file, items) in &items {
        for item in items {
            let of_type = item.of.and_then(|of| of_types.get(of)).copied().unwrap_or_default();
            let (is_public, is_shown) = match item.of {
                _ if item.is_type => (exported.contains(item.name), !item.examples.is_empty()),
                Some(of) => (
                    of.starts_with('$') || exported.contains(of),
                    names(&item.examples, item.name) || names(of_type, item.name),
                ),
                None => (exported.contains(item.name), names(&item.examples, item.name)),
            };
            if is_public && !is_shown {
                let of = item.of.map_or(String::new(), |of| format!("{of}::"));
                let what = format!("no example shows `{of}{}`", item.name);
                faults.push(file.fault(item.line, what));
            }
        }
    }
    faults
}

/// The source of the crate, without its tests and models.
fn is_source(file: &File) -> bool {
    let tests = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
    let models = file.path.starts_with("src/models/") || file.path == "src/models.rs";
    file.path.starts_with("src/") && file.is_rust() && !tests && !models
}

/// The names that `pub use` exports.
pub(super) fn exported(root: &str) -> BTreeSet<&str> {
    let uses = Regex::new(r"(?m)^pub use [\w:]*?(?:\{([^}]*)\}|(\w+));").expect("an expression");
    let lists = uses.captures_iter(root).filter_map(|found| found.get(1).or(found.get(2)));
    lists.flat_map(|list| list.as_str().split(',')).map(str::trim).collect()
}

/// Whether some code names it.
fn names(code: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.split(|c| !is_word(c)).any(|word| word == name)
}

/// The functions of types, and the types, that a file declares as `pub`.
fn items(text: &str) -> Vec<Item<'_>> {
    let regex = |pattern: &str| Regex::new(pattern).expect("a regular expression");
    let function = regex(r"^\s*pub (?:const |async )?(?:unsafe )?fn (\w+)");
    let declared = regex(r"^\s*pub (?:unsafe )?(?:struct|enum|union|trait) (\w+)");
    let implementation = regex(r"^(\s*)impl\b");
    let lines: Vec<_> = text.lines().collect();
    let mut found = Vec::new();
    // The implementation that the line is in: of which type, and how far it is indented.
    let mut inside: Option<(&str, &str)> = None;
    for (line, text) in lines.iter().enumerate() {
        if let Some(start) = implementation.captures(text) {
            let indent = start.get(1).map_or("", |indent| indent.as_str());
            inside = implementing(&lines[line..]).map(|of| (of, indent));
        } else if inside.is_some_and(|(_, indent)| text.strip_prefix(indent) == Some("}")) {
            inside = None;
        }
        let function = function.captures(text);
        let is_type = function.is_none();
        let Some(name) = function.or_else(|| declared.captures(text)).and_then(|it| it.get(1))
        else {
            continue;
        };
        if let Some(examples) = examples(&lines[..line]) {
            let of = inside.filter(|_| !is_type).map(|(of, _)| of);
            found.push(Item { line, of, name: name.as_str(), is_type, examples });
        }
    }
    found
}

/// The type that an implementation is of, or the trait, behind the generics of `impl`.
fn implementing<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let mut depth = 0_i32;
    for (at, line) in lines.iter().enumerate() {
        let line = if at == 0 { line.trim_start().strip_prefix("impl")? } else { line };
        for (start, character) in line.char_indices() {
            match character {
                '<' | '(' | '[' => depth += 1,
                '>' | ')' | ']' => depth -= 1,
                character if depth == 0 && !character.is_whitespace() => {
                    // Of a repetition in a macro, the `$` before the parenthesis.
                    let rest = &line[start..];
                    let ends = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
                    return rest.split(ends).next().filter(|name| !name.is_empty());
                }
                _ => {}
            }
        }
    }
    None
}

/// The examples that the documentation that ends these lines has. `None` if it is hidden.
fn examples(lines: &[&str]) -> Option<String> {
    let before = lines.iter().rev().map(|line| line.trim_start());
    let before: Vec<_> =
        before.take_while(|line| line.starts_with("//") || line.starts_with("#[")).collect();
    if before.contains(&"#[doc(hidden)]") {
        return None;
    }
    let (mut code, mut is_code, mut is_example) = (String::new(), false, false);
    for line in before.iter().rev().filter_map(|line| line.strip_prefix("///")) {
        match line.trim_start().strip_prefix("```") {
            Some(kind) => {
                is_code = !is_code;
                // What does not run is no example of a call, but for what must not run in a test.
                is_example = is_code && ["", "no_run"].contains(&kind.trim());
            }
            // A reader does not see lines that begin so.
            None if is_example && !line.trim_start().starts_with("# ") => {
                code.extend([line, "\n"]);
            }
            None => {}
        }
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORTS: &str = "//! It.\npub use a::{A, B,\n    C};\npub use d::D;\n";

    /// What is wrong with a source file, of a crate that exports `A`, `B`, `C` and `D`.
    fn whats(text: &str) -> Vec<String> {
        whats_in("src/a.rs", text)
    }

    fn whats_in(path: &str, text: &str) -> Vec<String> {
        let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
        let found = faults(&[file(ROOT, EXPORTS), file(path, text)]);
        found.iter().map(Fault::to_string).collect()
    }

    #[test]
    fn a_function_is_shown_by_itself_or_by_its_type() {
        let with = |of_type: &str, own: &str| {
            let docs = |code: &str, indent: &str| match code {
                "" => format!("{indent}/// It.\n"),
                code => format!("{indent}/// ```\n{indent}/// {code}\n{indent}/// ```\n"),
            };
            let (of_type, own) = (docs(of_type, ""), docs(own, "    "));
            format!(
                "{of_type}pub struct A;\n\nimpl A {{\n{own}    #[inline]\n    pub fn f() {{}}\n}}\n"
            )
        };
        assert!(whats(&with("A;", "A::f();")).is_empty());
        assert!(whats(&with("A::f();", "")).is_empty());
        assert_eq!(whats(&with("A;", "")), ["src/a.rs:9: no example shows `A::f`"]);
        // Another name that begins so, an example that shows something else, and a hidden line.
        for other in ["A::f_g();", "A::g();", "A;\n    /// # A::f();"] {
            assert_eq!(whats(&with("A;", other)).len(), 1, "{other}");
        }
        assert_eq!(whats(&with("", "A::f();")), ["src/a.rs:2: no example shows `A`"]);
    }

    #[test]
    fn what_does_not_run_is_no_example() {
        let with = |kind: &str| format!("/// ```{kind}\n/// B;\n/// ```\npub enum B {{}}\n");
        assert!(whats(&with("")).is_empty() && whats(&with("no_run")).is_empty());
        for kind in ["text", "ignore", "compile_fail,E0382"] {
            assert_eq!(whats(&with(kind)), ["src/a.rs:4: no example shows `B`"], "{kind}");
        }
    }

    #[test]
    fn only_what_is_public_is_looked_at() {
        for text in [
            "/// It.\npub struct Private;\n",
            "impl Private {\n    /// It.\n    pub fn f() {}\n}\n",
            "impl A {\n    /// It.\n    pub(crate) fn f() {}\n}\n",
            "impl A {\n    /// It.\n    fn f() {}\n}\n",
            "impl A {\n    /// It.\n    #[doc(hidden)]\n    pub fn f() {}\n}\n",
            "/// It.\npub fn f() {}\n",
            "impl A {\n}\n\n/// It.\npub fn f() {}\n",
        ] {
            assert!(whats(text).is_empty(), "{text}");
        }
        let bad = "impl A {\n    /// It.\n    pub fn f() {}\n}\n";
        for path in ["src/models/a.rs", "src/a/tests.rs", "tests/a.rs", "xtask/src/a.rs"] {
            assert!(whats_in(path, bad).is_empty(), "{path}");
        }
        assert_eq!(whats(bad).len(), 1);
    }

    #[test]
    fn implementations_are_found_behind_their_generics() {
        for (head, of) in [
            ("impl C {", "C"),
            ("impl<M: Mode> C<M> {", "C"),
            ("impl<M: Mode, const N: usize, F>\n    C<M>\nwhere\n    F: Fn(),\n{", "C"),
            ("        impl<M: Mode $($parameters)*> $type {", "$type"),
            ("        impl<$($generics)*> $type {", "$type"),
        ] {
            let lines: Vec<_> = head.lines().collect();
            assert_eq!(implementing(&lines), Some(of), "{head}");
            let docs = "    /// It.\n    pub const unsafe fn f() {}\n}\n";
            assert_eq!(whats(&format!("{head}\n{docs}")).len(), 1, "{head}");
        }
    }
}
