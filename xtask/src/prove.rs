//! `cargo xtask prove`: what the packed words can and cannot do, for every value, by an SMT solver.
//!
//! Each file of `proofs/` defines the functions of a word anew, in the solver's words, and states theorems of them. The
//! crate's unit tests print the constants, and what the crate computes for some values; the solver compares that with
//! the definitions first. So a definition that is no longer the crate's is noticed.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::run::{answers, cargo, root};

/// Where the theorems are.
const FOLDER: &str = "proofs";
/// The line of a file behind which samples stand.
const SAMPLES: &str = "; samples\n";
/// How long the solver may take for one file, in seconds.
const PATIENCE: &str = "-T:300";

/// Runs the solver over all files, and fails if a theorem does not hold.
pub fn prove() -> Result<()> {
    if !answers("z3", &["--version"]) {
        println!("skipped: z3 is not installed (a package of that name in most systems)");
        return Ok(());
    }
    let mut test = cargo(["test", "-q", "-p", "pagesheaf", "--lib", "--", "--nocapture"]);
    let output = test.args(["--test-threads=1", "facts_for_proofs"]).stderr(Stdio::inherit());
    let output = output.output().context("the unit tests did not start")?;
    ensure!(output.status.success(), "{test:?}: {}", output.status);
    let said = String::from_utf8(output.stdout)?;
    let facts: Vec<_> = said.lines().filter_map(Fact::read).collect();
    let mut files: Vec<_> = fs::read_dir(root().join(FOLDER))?
        .map(|file| Ok(file?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    for file in &files {
        let name = file.file_stem().and_then(|name| name.to_str()).context("a name")?;
        let text = fs::read_to_string(file)?;
        let facts: Vec<_> = facts.iter().filter(|fact| fact.file == name).collect();
        let verdicts = verdicts(&solve(&whole(&text, &facts)?)?)
            .with_context(|| format!("{FOLDER}/{name}.smt2"))?;
        println!("{name}: {} samples agree", facts.iter().filter(|it| it.is_sample()).count());
        verdicts.iter().for_each(|theorem| println!("  {theorem}"));
    }
    let named: Vec<_> = files.iter().filter_map(|file| file.file_stem()?.to_str()).collect();
    let stray = facts.iter().find(|fact| !named.contains(&fact.file));
    ensure!(
        stray.is_none(),
        "facts of a file that is not there: {}",
        stray.map_or("", |it| it.file)
    );
    Ok(())
}

/// What the crate says for a file.
struct Fact<'a> {
    file: &'a str,
    what: What<'a>,
}

enum What<'a> {
    Constant(&'a str, &'a str),
    Sample(&'a str),
}

impl<'a> Fact<'a> {
    /// A line of the tests, as `src/page/facts.rs` writes it. Others are of the harness.
    fn read(line: &'a str) -> Option<Self> {
        // The harness puts its dots before it.
        let (_, line) = line.split_once("fact ")?;
        let (file, fact) = line.split_once(' ')?;
        let what = match fact.split_once(' ')? {
            ("constant", constant) => {
                let (name, value) = constant.split_once(' ')?;
                What::Constant(name, value)
            }
            ("sample", sample) => What::Sample(sample),
            _ => return None,
        };
        Some(Fact { file, what })
    }

    fn is_sample(&self) -> bool {
        matches!(self.what, What::Sample(_))
    }
}

/// What the solver is told: constants, the file's definitions, samples, and the file's theorems.
fn whole(text: &str, facts: &[&Fact<'_>]) -> Result<String> {
    let (definitions, theorems) = text.split_once(SAMPLES).context("it has no line `; samples`")?;
    let is_whole_numbers = !text.contains("BitVec");
    let mut constants = String::new();
    let mut samples = String::from("(push)\n(echo \"samples\")\n");
    for fact in facts {
        match fact.what {
            What::Constant(name, value) if is_whole_numbers => {
                constants += &format!("(define-fun {name} () Int {value})\n");
            }
            What::Constant(name, value) => {
                constants += &format!("(define-fun {name} () (_ BitVec 32) (_ bv{value} 32))\n");
            }
            What::Sample(sample) => samples += &format!("(assert {sample})\n"),
        }
    }
    ensure!(facts.iter().any(|fact| fact.is_sample()), "the crate computes nothing for it");
    Ok(format!("{constants}{definitions}{samples}(check-sat)\n(pop)\n{theorems}"))
}

/// What the solver says to this.
fn solve(text: &str) -> Result<String> {
    let mut solver = Command::new("z3");
    solver.args(["-in", PATIENCE]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut solver = solver.spawn().context("z3 did not start")?;
    solver.stdin.take().context("a pipe")?.write_all(text.as_bytes())?;
    let output = solver.wait_with_output()?;
    Ok(String::from_utf8(output.stdout)?)
}

/// The theorems that hold; an error if something else came of one, or of the samples, or if nothing in the file is
/// refuted that ought to be.
fn verdicts(said: &str) -> Result<Vec<String>> {
    let lines: Vec<_> = said.lines().collect();
    let (mut theorems, mut controls) = (Vec::new(), 0);
    for pair in lines.chunks(2) {
        let [name, verdict] = *pair else { bail!("the solver ended with `{}`", pair[0]) };
        match (name.split_once(": "), verdict) {
            (None, "sat") if name == "samples" => {}
            (None, _) if name == "samples" => {
                bail!("the definitions are not the crate's: {verdict} for its samples")
            }
            (Some(("theorem", theorem)), "unsat") => theorems.push(theorem.to_owned()),
            (Some(("theorem", theorem)), _) => bail!("{verdict}, so it does not hold: {theorem}"),
            (Some(("control", _)), "sat") => controls += 1,
            (Some(("control", what)), _) => bail!("{verdict}, so it is not refuted: {what}"),
            _ => bail!("the solver said `{name}`, and then `{verdict}`"),
        }
    }
    ensure!(!theorems.is_empty() && controls > 0, "it needs a theorem, and something untrue");
    Ok(theorems)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "samples\nsat\ntheorem: a\nunsat\ncontrol: b\nsat\n";

    #[test]
    fn a_theorem_holds_if_its_contrary_has_no_case() {
        assert_eq!(verdicts(GOOD).expect("good"), ["a"]);
        for bad in [
            GOOD.replace("unsat", "sat"),
            GOOD.replace("unsat", "unknown"),
            GOOD.replace("samples\nsat", "samples\nunsat"),
            GOOD.replace("control: b\nsat", "control: b\nunsat"),
            GOOD.replace("control: b\nsat\n", ""),
            GOOD.replace("theorem: a\nunsat\n", ""),
            GOOD.replace("unsat\n", "(error \"line 3\")\nunsat\n"),
            GOOD.to_owned() + "timeout\n",
        ] {
            assert!(verdicts(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn facts_are_read_behind_the_dots_of_the_harness() {
        let fact = Fact::read("..fact depot constant MARK 7").expect("a fact");
        assert!(matches!((fact.file, fact.what), ("depot", What::Constant("MARK", "7"))));
        let fact = Fact::read("fact zone sample (= (run 1) 2)").expect("a fact");
        assert!(matches!(fact.what, What::Sample("(= (run 1) 2)")) && fact.file == "zone");
        assert!(Fact::read("test result: ok").is_none());
    }

    #[test]
    fn samples_stand_between_definitions_and_theorems() {
        let facts = [Fact::read("fact a constant C 1"), Fact::read("fact a sample (= (f C) 1)")];
        let facts: Vec<_> = facts.iter().flatten().collect();
        let text = "(define-fun f)\n; samples\n(theorem)\n";
        let told = whole(text, &facts).expect("well formed");
        let parts = ["Int 1)", "(define-fun f)", "(= (f C) 1)", "(check-sat)", "(theorem)"];
        let places: Vec<_> = parts.iter().map(|part| told.find(part).expect(part)).collect();
        assert!(places.is_sorted(), "{told}");
        assert!(whole("(define-fun f)\n", &facts).is_err());
        assert!(whole(text, &facts[..1]).is_err());
    }
}
