//! `cargo xtask test`: the gate, which everything must pass, and what is beyond it.

mod beside;
mod extra;
mod gate;
mod oldest;
mod parts;
mod sets;
mod shown;

use anyhow::Result;

#[cfg(test)]
pub use extra::QUIC;
pub use oldest::version;

use crate::run::Stages;

/// How much to run.
#[derive(clap::Args)]
pub struct Args {
    /// After the gate, also run what takes longer: every stamped mode, defects, rivals, stress, fuzzing.
    #[arg(long)]
    full: bool,
    /// Run only what `--full` adds to the gate.
    #[arg(long, conflicts_with = "full")]
    only_extra: bool,
    /// Run only what the gate runs beside its other stages.
    #[arg(long, conflicts_with_all = ["full", "only_extra"])]
    beside: bool,
}

/// Runs every stage. The first of the gate that fails ends it; of those beyond the gate all run, and it fails at the
/// end.
pub fn test(args: &Args) -> Result<()> {
    let mut stages = Stages::default();
    if args.beside {
        beside::beside(&mut stages)?;
        return stages.done();
    }
    if !args.only_extra {
        gate::gate(&mut stages)?;
    }
    if args.full || args.only_extra {
        stages.go_on_after_failures();
        extra::extra(&mut stages)?;
    }
    stages.done()
}
