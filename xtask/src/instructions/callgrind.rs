//! Counting: one run of the program under callgrind, and the locked instructions from a disassembly of it.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::run;

/// What the program says of each case; see `benches/matrix/src/count.rs`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Case {
    Clock,
    Sample { shape: String, mode: String, bulk: u32, order: String, pages: u64 },
    Moved { shape: String, mode: String, magazines: u64, words: u64 },
}

/// Instructions that were executed.
#[derive(Clone, Copy, Default)]
pub struct Count {
    /// All of them.
    pub all: u64,
    /// Those of the program itself, not of the C library, which chooses its copies by the processor.
    pub own: u64,
    /// Locked ones of the program.
    pub locked: u64,
}

/// Why nothing can be counted here, if so.
pub fn missing() -> Option<&'static str> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Some("instructions are counted on x86-64 Linux");
    }
    let there = |name| run::answers(name, &["--version"]);
    match (there("valgrind"), there("objdump")) {
        (false, _) => Some("valgrind is not installed"),
        (_, false) => Some("objdump is not installed"),
        _ => None,
    }
}

/// Builds the program, with the feature `track` or without, and counts each of its cases.
pub fn counts(track: bool) -> Result<Vec<(Case, Count)>> {
    let build = ["build", "-q", "--release", "-p", "matrix", "--bin", "count"];
    let json = ["--message-format", "json-render-diagnostics"];
    let mut cargo = run::cargo(build);
    if track {
        // In a folder of its own: there is one program of that name in each.
        cargo.args(["--features", "track"]).env("CARGO_TARGET_DIR", run::target("tracked"));
    }
    let program = run::executable(cargo.args(json))?;
    let folder = program.with_extension("callgrind");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["-q", "--tool=callgrind", "--dump-instr=yes", "--dump-before=matrix_count_mark"])
        .args(["--compress-strings=no", "--compress-pos=no"])
        .arg(format!("--callgrind-out-file={}", folder.join("dump").display()))
        .arg(&program)
        .stderr(Stdio::inherit());
    let output = valgrind.output().context("valgrind did not start")?;
    ensure!(output.status.success(), "{valgrind:?}: {}", output.status);
    let said = String::from_utf8(output.stdout)?;
    let cases = said.lines().map(|line| serde_json::from_str(line).context("what was counted"));
    let mut dumps = dumps(&folder)?;
    let locked = locked(&program)?;
    let counts = cases.map(|case: Result<Case>| {
        // Before each case's dump there is one for what came before it.
        let dump = dumps.drain(..2).next_back().expect("two were drained");
        Ok((case?, read(&dump, &program, &locked)?))
    });
    let counts: Vec<_> = counts.collect::<Result<_>>()?;
    ensure!(dumps.is_empty(), "callgrind counted {} times more than was said", dumps.len());
    Ok(counts)
}

/// The dumps, in order, without the one at the program's end. Callgrind numbers them from one.
fn dumps(folder: &Path) -> Result<VecDeque<PathBuf>> {
    let count = fs::read_dir(folder)?.count();
    ensure!(count % 2 == 1, "callgrind has not counted in pairs");
    Ok((1..count).map(|number| folder.join(format!("dump.{number}"))).collect())
}

/// The addresses of the program's locked instructions: those with the prefix, and exchanges with memory, which need
/// none.
fn locked(program: &Path) -> Result<BTreeSet<u64>> {
    let mut objdump = Command::new("objdump");
    objdump.args(["-d", "--no-show-raw-insn"]).arg(program);
    let output = objdump.output().context("objdump did not start")?;
    ensure!(output.status.success(), "{objdump:?}: {}", output.status);
    let listing = String::from_utf8_lossy(&output.stdout);
    let locked = listing.lines().filter_map(|line| {
        let (address, instruction) = line.trim_start().split_once(":\t")?;
        is_locked(instruction).then(|| u64::from_str_radix(address, 16).ok())?
    });
    let locked: BTreeSet<_> = locked.collect();
    ensure!(!locked.is_empty(), "objdump shows no locked instruction");
    Ok(locked)
}

fn is_locked(instruction: &str) -> bool {
    instruction.starts_with("lock ") || instruction.starts_with("xchg") && instruction.contains('(')
}

/// Adds up a dump.
fn read(dump: &Path, program: &Path, locked: &BTreeSet<u64>) -> Result<Count> {
    let text = fs::read_to_string(dump).with_context(|| dump.display().to_string())?;
    let program = program.to_str().context("the program's path is not UTF-8")?;
    count(&text, program, locked)
}

fn count(dump: &str, program: &str, locked: &BTreeSet<u64>) -> Result<Count> {
    let mut count = Count::default();
    let (mut own, mut inclusive) = (false, false);
    for line in dump.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            own = object == program;
        } else if line.starts_with("calls=") {
            // The next line is what the call cost, which is counted where it was spent.
            inclusive = true;
        } else if let Some(position) = line.strip_prefix("0x")
            && !std::mem::take(&mut inclusive)
        {
            let mut fields = position.split(' ');
            let address = u64::from_str_radix(fields.next().unwrap_or_default(), 16)?;
            let cost: u64 = fields.next_back().context("no cost")?.parse()?;
            count.all += cost;
            if own {
                count.own += cost;
                count.locked += if locked.contains(&address) { cost } else { 0 };
            }
        }
    }
    let total = dump.lines().find_map(|line| line.strip_prefix("totals: "));
    let total: u64 = total.context("no totals")?.parse()?;
    ensure!(total == count.all, "a dump's lines add up to {}, its totals say {total}", count.all);
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "\
positions: instr line
events: Ir
summary: 16

ob=/bin/count
fn=main
0x1000 7 3
0x1004 7 5
cob=/lib/libc.so
cfn=memcpy
calls=1 0x77 0
0x1008 8 7
0x100c 9 1

ob=/lib/libc.so
fn=memcpy
0x1004 8 7
totals: 16
";

    #[test]
    fn a_dump_is_added_up_by_object_and_calls_are_not_counted_twice() {
        let count = count(DUMP, "/bin/count", &BTreeSet::from([0x1004])).expect("a dump");
        assert_eq!((count.all, count.own, count.locked), (16, 9, 5));
    }

    #[test]
    fn a_dump_that_does_not_add_up_is_refused() {
        let dump = DUMP.replace("totals: 16", "totals: 17");
        assert!(super::count(&dump, "/bin/count", &BTreeSet::new()).is_err());
    }

    #[test]
    fn prefixes_and_exchanges_with_memory_are_locked() {
        assert!(is_locked("lock cmpxchg %rsi,0x100(%r12)"));
        assert!(is_locked("xchg   %eax,(%rdi)"));
        assert!(!is_locked("xchg   %ax,%ax"));
        assert!(!is_locked("mov    %eax,(%rdi)"));
    }
}
