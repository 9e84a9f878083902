//! `cargo xtask instructions`: how many instructions a page costs, which is exact and repeatable where times are not.

mod baseline;
mod callgrind;
mod figures;
mod laws;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::run;

/// What to do with the counts.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Write the figures to this file.
    #[arg(long, value_name = "FILE", value_parser = run::path)]
    json: Option<PathBuf>,
    /// Make these counts the baseline, and write the table of features.md anew.
    #[arg(long)]
    write: bool,
    /// Count a build with the feature `track`, which is compared with nothing.
    #[arg(long, conflicts_with = "write")]
    track: bool,
}

/// Why nothing can be counted here, if so.
pub use callgrind::missing;

/// Counts, compares with the baseline, and looks whether the laws hold.
pub fn instructions(args: &Args) -> Result<()> {
    if let Some(why) = missing() {
        println!("skipped: {why}");
        return Ok(());
    }
    if let Some(path) = &args.json {
        // Before the work, so that a mistake in the path costs nothing.
        std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let figures = figures::Figures::of(callgrind::counts(args.track)?)?;
    println!("{}", figures.table());
    println!("{}", figures.moves());
    if let Some(path) = &args.json {
        figures.json(path)?;
    }
    if args.track {
        return Ok(());
    }
    let mut faults = laws::broken(&figures);
    if args.write {
        baseline::write(&figures)?;
    } else {
        faults.extend(baseline::compare(&figures)?);
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(())
}
