//! Builds the kernel image, boots it in QEMU with 1, 2, 4 and 8 CPUs, and looks at what it says.
//!
//! The image is built for the host's own target, by stable Rust: `core` alone, a linker script, and
//! a note by which QEMU boots it without a boot loader (PVH). There is no image for QEMU's aarch64
//! board `virt`: it would need a `core` for that architecture, which a toolchain has only if its
//! target was added. `cargo xtask platforms` runs the crate's tests there.

mod image;
mod qemu;

use std::error::Error;
use std::process::ExitCode;

use image::build;
use qemu::{Boot, Outcome};

/// What the command line asks for.
struct Demo {
    cpus: &'static [usize],
    operations: u64,
    /// Operations in a turn of the race.
    race: u64,
}

const FULL: Demo = Demo { cpus: &[1, 2, 4, 8], operations: 1_000_000, race: 40_000 };
const QUICK: Demo = Demo { cpus: &[1, 2], operations: 100_000, race: 20_000 };

/// What `--help` says.
const USAGE: &str = "Usage: kernel [--quick]

  --quick  1 and 2 CPUs, and 100,000 operations each, in place of 1,000,000
";

fn demo() -> Result<Option<Demo>, lexopt::Error> {
    use lexopt::prelude::*;

    let (mut args, mut demo) = (lexopt::Parser::from_env(), FULL);
    while let Some(arg) = args.next()? {
        match arg {
            Long("quick") => demo = QUICK,
            Short('h') | Long("help") => {
                print!("{USAGE}");
                return Ok(None);
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(demo))
}

/// Boots the image with each number of CPUs. Returns the last line.
fn run(demo: &Demo) -> Result<String, Box<dyn Error>> {
    if let Some(why) = qemu::missing() {
        return Ok(format!("demo: {{\"skipped\": \"{why}\"}}"));
    }
    let image = build()?;
    let (mut ran, mut out, mut ratio) = (0, 0, None);
    for &cpus in demo.cpus {
        let race = if cpus == 2 { demo.race } else { 0 };
        let Outcome { ran: more, out: left, pool, list } =
            Boot { image: &image, cpus, operations: demo.operations, race }.run()?;
        ran += more;
        out += left;
        ratio = ratio.or((pool > 0).then(|| list as f64 / pool as f64));
    }
    let ratio = ratio.map_or("null".into(), |ratio| format!("{ratio:.2}"));
    Ok(format!("demo: {{\"ran\": {ran}, \"out\": {out}, \"ratio\": {ratio}}}"))
}

fn main() -> ExitCode {
    let last = match demo() {
        Ok(None) => return ExitCode::SUCCESS,
        Ok(Some(demo)) => run(&demo),
        Err(error) => {
            eprint!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match last {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
