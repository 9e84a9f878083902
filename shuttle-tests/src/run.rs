//! Running a program: under shuttle, by chance or as it went before; in any other build on threads of the system.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::programs::{self, Program};
use crate::random::Random;
use crate::tasks;

/// How the task that runs next is chosen.
#[derive(Clone, Copy)]
pub enum Chooser {
    /// Each that can run is as likely.
    Random,
    /// The first in an order made by chance, which changes a few times: few interruptions, at any step.
    Pct,
}

impl Chooser {
    /// By its name.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "random" => Ok(Chooser::Random),
            "pct" => Ok(Chooser::Pct),
            _ => anyhow::bail!("`{name}` is neither `random` nor `pct`"),
        }
    }
}

/// How much of a program is tried.
pub struct Extent {
    pub chooser: Chooser,
    pub executions: usize,
    pub seed: u64,
    /// The folder for schedules of executions that fail.
    pub failures: PathBuf,
}

/// The program of these names.
pub fn program(name: &str, mode: &str) -> Result<Program> {
    let mut all = programs::all().into_iter();
    let program = all.find(|it| (it.name, it.mode) == (name, mode));
    program.with_context(|| format!("no program is called `{name}` in a mode `{mode}`"))
}

/// Tries a program, and prints a line of JSON that says how far.
pub fn tries(program: &Program, extent: &Extent) -> Result<()> {
    let start = Instant::now();
    let steps = Arc::new(AtomicU64::new(0));
    let (body, count) = (program.body, Arc::clone(&steps));
    let execution = move || {
        body(Random::new(tasks::seed()));
        count.fetch_add(tasks::steps(), Ordering::Relaxed);
    };
    imp::explore(program, extent, execution)?;
    let Program { name, mode, .. } = program;
    let (executions, steps) = (extent.executions, steps.load(Ordering::Relaxed));
    let seconds = start.elapsed().as_secs_f64();
    println!(
        r#"{{"program": "{name}", "mode": "{mode}", "executions": {executions}, "steps": {steps}, "seconds": {seconds:.2}}}"#
    );
    Ok(())
}

/// Runs an execution that failed once more. `what` is what was kept of it, or the file that has it.
pub fn replay(what: &str) -> Result<()> {
    let kept = match what.contains(' ') {
        true => what.to_owned(),
        false => std::fs::read_to_string(what).with_context(|| format!("cannot read {what}"))?,
    };
    let mut parts = kept.split_whitespace();
    let mut part = || parts.next().context("a replay is a program, a mode and a schedule");
    let program = program(part()?, part()?)?;
    let body = program.body;
    // A long one has several lines.
    imp::replay(&parts.collect::<String>(), move || body(Random::new(tasks::seed())))?;
    println!("{} {} does not fail with this schedule", program.name, program.mode);
    Ok(())
}

#[cfg(pagesheaf_shuttle)]
mod imp {
    use std::fs;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;

    use anyhow::{Context, Result, bail};
    use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler};
    use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

    use super::{Chooser, Extent};
    use crate::programs::Program;

    /// More steps than any execution has that comes to its end.
    const STEPS: usize = 3_000_000;

    /// The bytes of a task's stack.
    const STACK: usize = 1 << 18;

    /// How often, with one more, the order of tasks is made anew within an execution.
    const DEPTH: usize = 4;

    fn config(failures: Option<&Path>) -> Config {
        let mut config = Config::new();
        config.stack_size = STACK;
        config.max_steps = MaxSteps::FailAfter(STEPS);
        config.silence_warnings = true;
        config.failure_persistence = match failures {
            Some(folder) => FailurePersistence::File(Some(folder.to_owned())),
            None => FailurePersistence::None,
        };
        config
    }

    /// Runs all executions, or up to the first that fails, whose schedule is kept.
    pub fn explore(
        program: &Program,
        extent: &Extent,
        execution: impl Fn() + Send + Sync + 'static,
    ) -> Result<()> {
        let Extent { chooser, executions, seed, failures } = extent;
        let chooser_name = match chooser {
            Chooser::Random => "random",
            Chooser::Pct => "pct",
        };
        let of = format!("{}.{}.{chooser_name}.{seed}", program.name, program.mode);
        let folder = failures.join(&of);
        // What an earlier run of the same left there, if anything.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let config = config(Some(&folder));
        let ran = catch_unwind(AssertUnwindSafe(|| match chooser {
            Chooser::Random => {
                Runner::new(RandomScheduler::new_from_seed(*seed, *executions), config)
                    .run(execution)
            }
            Chooser::Pct => {
                Runner::new(PctScheduler::new_from_seed(*seed, DEPTH, *executions), config)
                    .run(execution)
            }
        }));
        let kept = failures.join(of + ".txt");
        let failed = ran.is_err();
        if failed {
            let schedule = fs::read_dir(&folder)?.next().context("shuttle kept no schedule")??;
            let schedule = fs::read_to_string(schedule.path())?;
            let schedule: String = schedule.split_whitespace().collect();
            fs::write(&kept, format!("{} {} {schedule}\n", program.name, program.mode))?;
        }
        fs::remove_dir_all(&folder)?;
        if failed {
            bail!("replay: cargo xtask shuttle --replay {}", kept.display());
        }
        Ok(())
    }

    /// Runs one execution by its schedule.
    pub fn replay(schedule: &str, execution: impl Fn() + Send + Sync + 'static) -> Result<()> {
        let runner = Runner::new(ReplayScheduler::new_from_encoded(schedule), config(None));
        runner.run(execution);
        Ok(())
    }
}

#[cfg(not(pagesheaf_shuttle))]
mod imp {
    use anyhow::{Result, bail};

    use super::Extent;
    use crate::programs::Program;

    /// Runs it as often, by the system's schedule.
    pub fn explore(_: &Program, extent: &Extent, execution: impl Fn()) -> Result<()> {
        (0..extent.executions).for_each(|_| execution());
        Ok(())
    }

    pub fn replay(_schedule: &str, _execution: impl Fn()) -> Result<()> {
        bail!("only a build for shuttle can follow a schedule: `cargo xtask shuttle --replay`")
    }
}
