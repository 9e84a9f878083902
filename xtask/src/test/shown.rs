//! The commands that README.md shows, in blocks and in sentences: each is run, or it is known which stage runs it.

use std::process::Command;

use anyhow::{Context, Result, bail};
use regex::Regex;

use crate::run::{cargo, run};

/// What the gate does about a command.
#[derive(Debug, PartialEq)]
enum Done {
    /// It runs the command as it is shown.
    Here,
    /// Another stage does the same, in this way.
    Elsewhere(&'static str),
}

/// Every command that README.md may show.
const COMMANDS: [(&str, Done); 8] = [
    ("cargo run --example quickstart", Done::Here),
    ("cargo test", Done::Elsewhere("tests and doctests, default")),
    ("cargo xtask test", Done::Elsewhere("this is the gate")),
    ("cargo doc --no-deps --open", Done::Elsewhere("docs, without the browser")),
    ("cargo xtask demo all", Done::Elsewhere("demo packets, and the others, in their quick form")),
    ("cargo xtask matrix", Done::Elsewhere("matrix, one round")),
    ("cargo xtask peers", Done::Elsewhere("clippy, peers: it needs other allocators")),
    ("cargo xtask figures --keep", Done::Elsewhere("tidy, which compares what it writes")),
];

/// Runs what no other stage does.
pub fn run_all() -> Result<()> {
    let readme = std::fs::read_to_string("README.md").context("README.md")?;
    for command in commands(&readme) {
        match done(&command)? {
            Done::Here => run(&mut program(&command))?,
            Done::Elsewhere(stage) => println!("{command}: {stage}"),
        }
    }
    Ok(())
}

/// What is done about a command; one that nobody knows is an error.
fn done(command: &str) -> Result<&'static Done> {
    let known = COMMANDS.iter().find(|(known, _)| *known == command);
    let Some((_, done)) = known else {
        bail!(
            "README.md shows `{command}`, which the gate does not run: see xtask/src/test/shown.rs"
        )
    };
    Ok(done)
}

/// The lines of all `sh` blocks, without what they say of themselves, and what starts with `cargo` in sentences. Each
/// once.
fn commands(document: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut prose = String::new();
    let mut block = None;
    for line in document.lines() {
        if let Some(language) = line.strip_prefix("```") {
            block = if block.is_some() { None } else { Some(language) };
        } else if block == Some("sh") {
            let command = line.split('#').next().unwrap_or_default().trim();
            commands.extend((!command.is_empty()).then(|| command.to_owned()));
        } else if block.is_none() {
            // A line may end within a command.
            prose += line.trim();
            prose.push(' ');
        }
    }
    // Pairs of quotes: what stands between two commands is in none.
    let quoted = Regex::new("`([^`]+)`").expect("a regular expression");
    let quoted = quoted.captures_iter(&prose).map(|quoted| quoted[1].to_owned());
    commands.extend(quoted.filter(|text| text.starts_with("cargo ")));
    let mut seen = Vec::new();
    commands.retain(|command| {
        let new = !seen.contains(command);
        seen.push(command.clone());
        new
    });
    commands
}

/// A command of cargo's.
fn program(command: &str) -> Command {
    cargo(command.split(' ').skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = include_str!("../../../README.md");

    #[test]
    fn every_command_of_the_readme_is_known() {
        let commands = commands(README);
        for shown in ["cargo run --example quickstart", "cargo test", "cargo xtask test"] {
            assert!(commands.iter().any(|command| command == shown), "{shown}");
        }
        for command in commands {
            done(&command).expect("a known command");
            assert!(command.starts_with("cargo "), "{command}");
        }
        assert!(done("cargo install pagesheaf").is_err());
    }

    #[test]
    fn a_stage_that_is_named_is_there() {
        let stages = [include_str!("gate.rs"), include_str!("extra.rs"), include_str!("parts.rs")];
        let named = |name: &str| stages.iter().any(|text| text.contains(&format!("\"{name}\"")));
        for (command, done) in COMMANDS {
            let Done::Elsewhere(stage) = done else { continue };
            let stage = stage.split([',', ':']).next().unwrap_or_default();
            let found = named(stage) || stages[0].contains(&format!("\"{stage}, "));
            assert!(found || command == "cargo xtask test", "{command}: {stage}");
        }
    }

    #[test]
    fn of_blocks_only_those_for_a_shell_have_commands() {
        let document = "cargo a\n```rust\ncargo b; \"`cargo f`\"\n```\n```sh\ncargo c   # says why\n\n# alone\ncargo d\n```\ncargo e\n";
        assert_eq!(commands(document), ["cargo c", "cargo d"]);
    }

    #[test]
    fn commands_in_sentences_are_found() {
        let document = "Run `cargo a`, or `cargo b\n  --all`, not `x` cargo c `y`.\n\n`cargo a` again; `cargo` alone.\n";
        assert_eq!(commands(document), ["cargo a", "cargo b --all"]);
    }
}
