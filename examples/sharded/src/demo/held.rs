//! What each contender keeps of the machine's memory after a burst, each in a process of its own.

use std::env;
use std::process::Command;

use super::Outcome;
use super::design::{Design, Original, Pages, Queues};
use super::system::resident;

/// Buffers that are out at once.
const DATAGRAMS: usize = 16 * 1024;
const BODIES: usize = 512;

/// Periods of upkeep after which what nobody needed has gone.
const PERIODS: usize = 16;

/// What the process of each says.
pub fn all() -> Outcome<String> {
    let mut lines = vec![format!(
        "resident after a burst of {DATAGRAMS} datagrams and {BODIES} chunks at once, above what was before:"
    )];
    for name in [Pages::NAME, Original::NAME, Queues::NAME] {
        let output = Command::new(env::current_exe()?).args(["--held", name]).output()?;
        if !output.status.success() {
            return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        lines.push(format!("  {name:<14}{}", String::from_utf8(output.stdout)?.trim_end()));
    }
    Ok(lines.join("\n"))
}

/// In this process: a contender's memory.
pub fn one(name: &str) -> Outcome<bool> {
    match name {
        Pages::NAME => burst::<Pages>(),
        Original::NAME => burst::<Original>(),
        Queues::NAME => burst::<Queues>(),
        _ => return Err(format!("no contender is called `{name}`").into()),
    }
    Ok(true)
}

fn burst<D: Design>() {
    drop((D::datagram(), D::body())); // what there is of tables comes first
    let mut all = Vec::with_capacity(DATAGRAMS + BODIES);
    let Some(before) = resident() else {
        println!("the system does not say");
        return;
    };
    let above = || resident().map_or(f64::NAN, |now| now as f64 - before as f64) / 1024.0;
    all.extend((0..DATAGRAMS).map(|_| D::datagram()));
    all.extend((0..BODIES).map(|_| D::body()));
    all.iter_mut().for_each(|buf| buf.fill(7));
    let most = above();
    drop(all);
    let kept = above();
    (0..PERIODS).for_each(|_| D::maintain());
    let after = above();
    println!("{most:.1} MiB at the peak, {kept:.1} when all are dropped, {after:.1} after upkeep");
}
