//! What no line, or no source file, may have.

use regex::Regex;

use super::{Fault, File};

/// Lines that a source file may have.
const LINES: usize = 400;

/// Something that no line may have, in the files it applies to.
struct Rule {
    what: &'static str,
    /// Written so that it does not match itself.
    pattern: &'static str,
    applies: fn(&File) -> bool,
}

const FEATURE: &str = "a Cargo feature is looked at outside lib.rs and mode.rs";
const ATOMIC: &str = "an atomic outside sync";

const RULES: [Rule; 8] = [
    Rule {
        what: FEATURE,
        pattern: r#"\bfeature\s*=\s*""#,
        applies: |file| core(file) && !["src/lib.rs", "src/mode.rs"].contains(&&*file.path),
    },
    Rule {
        what: ATOMIC,
        pattern: r"\bsync::(atomic|\{.*\batomic)\b|\bcore::sync\b|\bAtomic(U|I|Bool|Ptr)\w*|\batomic::",
        applies: |file| core(file) && !sync(file) && !file.path.ends_with("/tests.rs"),
    },
    Rule {
        what: "loom or shuttle is named outside sync",
        pattern: r"\b(loom|shuttle)::|\bpagesheaf_(loom|shuttle)\b",
        applies: |file| core(file) && !sync(file),
    },
    Rule {
        what: "a path of one machine",
        pattern: r#"(^|[\s"'`(=:])/(home|root|work|tmp|Users)/"#,
        applies: |_| true,
    },
    Rule {
        what: "a host that is not known to everybody: name it in xtask/src/tidy/rules.rs if it is",
        pattern: r"\b[a-z+]+://([\w.-]+@)?[\w.-]+",
        applies: |_| true,
    },
    Rule {
        what: "a test names its crate, and is a part of another one in tests/mutants.rs: write `super`",
        pattern: r"\bcrate::\w+",
        applies: |file| {
            let parts = ["tests/contract/", "tests/misuse/", "tests/modes/", "tests/owners.rs"];
            parts.iter().any(|part| file.path.starts_with(part))
        },
    },
    Rule { what: "something is left to do", pattern: r"\b[T]ODO\b|\b[F]IXME\b", applies: |_| true },
    Rule {
        what: "something is left to do",
        pattern: r"\b([t]odo|[u]nimplemented)!",
        applies: |file| file.is_rust(),
    },
];

/// The one line that looks at a feature anywhere: where a call was made is known if each call on the way has this, and
/// it would cost a build without the feature an argument.
const LOCATED: &str = "#[cfg_attr(feature = \"track\", track_caller)]";

/// Hosts that a reader anywhere can reach, and this machine.
const HOSTS: [&str; 10] = [
    "github.com",
    "docs.rs",
    "crates.io",
    "www.apache.org",
    "opensource.org",
    "lore.kernel.org",
    "keepachangelog.com",
    "semver.org",
    "www.w3.org",
    "localhost",
];

/// The source of the crate itself.
fn core(file: &File) -> bool {
    file.path.starts_with("src/") && file.is_rust()
}

fn sync(file: &File) -> bool {
    file.path == "src/sync.rs" || file.path.starts_with("src/sync/")
}

/// A host that everybody knows, or what each test program has.
fn known(found: &str) -> bool {
    let host = found.split_once("://");
    found == "crate::common" || host.is_some_and(|(_, host)| HOSTS.contains(&host))
}

/// All that is wrong with files, each by itself.
pub fn faults(files: &[File]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for rule in RULES {
        let pattern = Regex::new(rule.pattern).expect("a regular expression");
        for file in files.iter().filter(|file| (rule.applies)(file)) {
            faults.extend(broken(&rule, &pattern, file));
        }
    }
    faults.extend(files.iter().filter(|file| file.is_rust()).flat_map(shape));
    faults
}

/// Whether a rule is only of code: the examples in a source file's documents are other programs.
fn only_of_code(rule: &Rule) -> bool {
    [FEATURE, ATOMIC].contains(&rule.what)
}

/// The lines of a file that break a rule.
fn broken(rule: &Rule, pattern: &Regex, file: &File) -> Vec<Fault> {
    let found = |line| pattern.find_iter(line).map(|it| it.as_str()).find(|it| !known(it));
    let is_example = |line: &str| only_of_code(rule) && line.trim_start().starts_with("///");
    let is_open = |line: &str| line.trim() != LOCATED && !is_example(line);
    let lines = file.text.lines().enumerate().filter(|(_, line)| is_open(line));
    let lines = lines.filter_map(|(at, line)| Some((at, found(line)?)));
    lines.map(|(at, text)| file.fault(at, format!("{}: `{}`", rule.what, text.trim()))).collect()
}

/// What holds for a source file as a whole.
fn shape(file: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    let lines = file.text.lines().count();
    if lines > LINES {
        faults.push(file.fault(LINES, format!("{lines} lines, and {LINES} are allowed")));
    }
    if !file.text.starts_with("//!") {
        faults.push(file.fault(0, "no head comment"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(path: &str, line: &str) -> Vec<String> {
        let file = File { path: path.into(), text: format!("//! A file.\n\n{line}\n") };
        let faults = faults(&[file]);
        assert!(faults.iter().all(|fault| (&*fault.path, fault.line) == (path, 3)), "{faults:?}");
        faults.into_iter().map(|fault| fault.what).collect()
    }

    /// The line is found in the first file for this reason alone, and goes by in the second.
    fn rule(what: &str, line: &str, bad: &str, good: &str) {
        let found = whats(bad, line);
        assert!(matches!(&found[..], [one] if one.starts_with(what)), "{line} in {bad}: {found:?}");
        let found = whats(good, line);
        assert!(found.is_empty(), "{line} in {good}: {found:?}");
    }

    #[test]
    fn features_are_looked_at_in_two_files() {
        for line in [
            r#"#[cfg(feature = "std")]"#,
            r#"if cfg!(feature="checks") {"#,
            r#"#[cfg_attr(feature = "std", inline)]"#,
            r#"    feature = "stats","#,
        ] {
            for good in ["src/lib.rs", "src/mode.rs", "tests/regions.rs"] {
                rule("a Cargo feature", line, "src/inner/mod.rs", good);
            }
        }
    }

    #[test]
    fn tests_that_are_parts_of_a_larger_one_name_no_crate() {
        let what = "a test names its crate";
        rule(what, "use crate::marks::free;", "tests/contract/reserve.rs", "tests/model/moves.rs");
        assert_eq!(whats("tests/owners.rs", "use crate::common::*;"), [""; 0]);
    }

    #[test]
    fn an_example_may_need_a_feature() {
        let line = r#"/// # #[cfg(feature = "track")] {"#;
        assert_eq!(whats("src/track/history.rs", line), [""; 0]);
        rule("a Cargo feature", &line.replace("///", "//"), "src/cache.rs", "src/lib.rs");
    }

    #[test]
    fn a_call_may_say_where_it_is() {
        assert_eq!(whats("src/cache.rs", &format!("    {LOCATED}")), [""; 0]);
        let line = LOCATED.replace("track_caller", "inline");
        rule("a Cargo feature", &line, "src/cache.rs", "src/lib.rs");
    }

    #[test]
    fn atomics_are_named_in_sync() {
        for line in [
            "use core::sync::atomic::AtomicU64;",
            "use std::sync::atomic::Ordering;",
            "use std::sync::{Arc, atomic};",
            "use core::sync as other;",
            "static N: AtomicUsize = zero();",
            "flag: AtomicBool,",
            "use atomic::Atomic;",
        ] {
            for good in ["src/sync.rs", "src/sync/real.rs", "tests/threads.rs"] {
                rule("an atomic", line, "src/depot.rs", good);
            }
        }
        assert!(whats("src/depot.rs", "use crate::sync::{Atomic, Ordering};").is_empty());
    }

    #[test]
    fn loom_is_named_in_sync() {
        for good in ["src/sync/loom.rs", "loom-tests/src/run.rs"] {
            let rule = |text| rule("loom or shuttle is named", text, "src/zone/mod.rs", good);
            rule("use loom::cell::UnsafeCell;");
            rule("shuttle::thread::yield_now();");
            rule("cfg!(pagesheaf_shuttle)");
        }
    }

    #[test]
    fn paths_of_one_machine_are_found_anywhere() {
        for place in ["home", "root", "work", "tmp", "Users"] {
            for line in [format!("see /{place}/me"), format!(r#"open("/{place}/me")"#)] {
                let found = whats("README.md", &line);
                assert!(found[0].starts_with("a path of one machine"), "{line}: {found:?}");
            }
        }
        assert!(whats("README.md", "target/tmp/x, src/home/y and a/root/").is_empty());
    }

    #[test]
    fn unknown_hosts_are_found_anywhere() {
        for host in ["registry.example", "mirror.example:8080", "user@github.com", "10.0.0.1"] {
            let found = whats("xtask/Cargo.toml", &format!("a = \"https://{host}/x\""));
            assert!(found[0].starts_with("a host"), "{host}: {found:?}");
        }
        let source = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        assert!(whats("Cargo.lock", source).is_empty());
    }

    #[test]
    fn things_left_to_do_are_found() {
        for line in [concat!("// TO", "DO: more"), concat!("// FIX", "ME")] {
            assert!(whats("DESIGN.md", line)[0].starts_with("something is left"), "{line}");
        }
        for line in [concat!("to", "do!()"), concat!("unimplem", "ented!()")] {
            rule("something is left", line, "examples/quickstart.rs", "CONTRIBUTING.md");
        }
    }

    #[test]
    fn files_are_short_and_begin_with_what_they_are() {
        let of = |text: String| {
            let file = File { path: "benches/pipe.rs".into(), text };
            faults(&[file]).iter().map(Fault::to_string).collect::<Vec<_>>()
        };
        let lines = |n: usize| format!("//! A file.\n{}", "\n".repeat(n - 1));
        assert!(of(lines(LINES)).is_empty());
        let found = of(lines(LINES + 1));
        assert_eq!(found, ["benches/pipe.rs:401: 401 lines, and 400 are allowed"]);
        assert_eq!(of("fn main() {}\n".into()), ["benches/pipe.rs:1: no head comment"]);
    }
}
