//! `cargo xtask loom`: the models of `loom-tests`, explored by loom.

mod build;
mod defects;
mod extent;
mod report;
mod trial;

pub use defects::{count as defects, what_is_wrong};
pub use trial::{DEFECT, at_once};

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use crate::run;
use extent::Extent;
use trial::{Test, Trial};

/// What of the models to run, and what to do with the figures.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Write the figures to this file.
    #[arg(long, value_name = "FILE", value_parser = run::path)]
    json: Option<PathBuf>,
    /// Interrupt the threads of composite models three times at the most, instead of twice: takes much longer.
    #[arg(long)]
    deep: bool,
    /// Run this model only, in all its modes. Can be given more than once.
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,
    /// Run the models in the presets only: not in modes whose names end in `_only`.
    #[arg(long)]
    presets: bool,
    /// Explore less, as the gate does: threads are interrupted at most twice in every model, and at most once or not at
    /// all where the table of features.md says that it takes long.
    #[arg(long, conflicts_with_all = ["deep", "model"])]
    short: bool,
    /// Write the table of features.md anew, or the lines of the models that are named.
    #[arg(long, conflicts_with_all = ["deep", "presets", "short"])]
    write: bool,
    /// Run the models with one deliberate defect of the core after another (all, or these), and see that each is
    /// caught.
    #[arg(long, value_name = "NAME", num_args = 0.., conflicts_with_all = ["json", "deep", "model", "presets", "short", "write"])]
    defects: Option<Vec<String>>,
}

/// Runs the models and prints what each explored; an error if one fails.
pub fn loom(args: &Args) -> Result<()> {
    if let Some(names) = &args.defects {
        return defects::defects(names);
    }
    if let Some(path) = &args.json {
        // Before the work, so that a mistake in the path costs nothing.
        std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let models = build::models()?;
    let mut tests = chosen(trial::list(&models)?, &args.model)?;
    tests.retain(|test| !args.presets || trial::is_preset(test.mode()));
    let extent = match (args.deep, args.short) {
        (true, _) => Extent::Deep,
        (_, true) => Extent::Short(report::known()?),
        _ => Extent::Whole,
    };
    let trials = trial::all(&models, &tests, &extent)?;
    let rows: Vec<_> = trials.iter().filter_map(|trial| trial.row.clone()).collect();
    println!("{}", report::table(&rows));
    if let Some(path) = &args.json {
        report::json(path, &rows)?;
    }
    verdict(&trials)?;
    if args.write {
        return report::write(&rows, !args.model.is_empty());
    }
    if !args.model.is_empty() {
        return Ok(());
    }
    report::agrees(
        &rows,
        &report::Run { own_bounds: args.deep || args.short, presets: args.presets },
    )
}

/// The tests of the models that were named, or all; an error if a name is not a model's.
fn chosen(tests: Vec<Test>, names: &[String]) -> Result<Vec<Test>> {
    if names.is_empty() {
        return Ok(tests);
    }
    let known: BTreeSet<_> = tests.iter().map(Test::model).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(name.as_str())) {
        let known: Vec<_> = known.into_iter().collect();
        bail!("no model is called `{name}`; the models are\n  {}", known.join("\n  "));
    }
    Ok(tests.into_iter().filter(|test| names.iter().any(|name| name == test.model())).collect())
}

/// An error if one failed. Each has said why.
fn verdict(trials: &[Trial]) -> Result<()> {
    let failed: Vec<_> = trials.iter().filter(|trial| !trial.passed).collect();
    let names: Vec<_> = failed.iter().map(|trial| trial.test.to_string()).collect();
    ensure!(
        failed.is_empty(),
        "{} of {} trials failed:\n  {}",
        failed.len(),
        trials.len(),
        names.join("\n  ")
    );
    Ok(())
}
