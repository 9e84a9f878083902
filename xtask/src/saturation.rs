//! `cargo xtask saturation`: at which rate, and with how many cores, the words of the depots saturate.
//!
//! A simulation, since few machines have the cores. Each core allocates and frees pages in bulk, more of
//! them than its two magazines hold, and exchanges a magazine twice for each magazine of pages. It knows
//! what a page and the transfer of a cache line take, which `cargo xtask matrix` measures. What it leaves
//! out, such as a queue in the memory system, makes a real machine saturate earlier.

mod word;

use anyhow::{Result, ensure};
use comfy_table::{Table, presets};

use word::Machine;

/// The cores that are tried.
const CORES: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// What to simulate.
#[derive(clap::Args)]
pub struct Args {
    /// What a page takes a core beside the exchanges, allocated and freed, in ns.
    #[arg(long, default_value_t = 0.2)]
    work: f64,
    /// Ids that a magazine holds.
    #[arg(long, default_value_t = 256)]
    magazine: usize,
    /// What it takes to get a cache line from another core, in ns: half of the matrix's round trip. Can be
    /// given more than once.
    #[arg(long, default_values_t = [30.0, 100.0, 170.0])]
    transfer: Vec<f64>,
    /// How many depots share the cores. Can be given more than once.
    #[arg(long, default_values_t = [1, 8, 32])]
    depots: Vec<usize>,
}

/// Simulates all of it, and prints a table.
pub fn saturation(args: &Args) -> Result<()> {
    ensure!(args.work > 0.0 && args.magazine > 0, "a page and a magazine take something");
    ensure!(args.transfer.iter().all(|&ns| ns >= 0.0), "a transfer takes no less than nothing");
    ensure!(args.depots.iter().all(|n| n.is_power_of_two()), "depots are a power of two");
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let cores = CORES.map(|cores| format!("{cores}"));
    let header = ["transfer, ns", "depots", "exchanges a µs of a shared word", "saturate at"];
    table.set_header(header.map(String::from).into_iter().chain(cores));
    for &transfer in &args.transfer {
        for &depots in &args.depots {
            let rates = CORES.map(|cores| machine(args, transfer, depots, cores).run());
            let shared = CORES.iter().zip(&rates).filter(|&(&cores, _)| cores > depots);
            let most = shared.map(|(_, rate)| rate.busiest).fold(0.0, f64::max);
            let pages = rates.map(|rate| rate.pages);
            let at = saturated(&pages).map_or("more than 128 cores".into(), |at| {
                format!("{} cores, {:.1} G pages/s", CORES[at], pages[at])
            });
            let row = [format!("{transfer}"), format!("{depots}"), format!("{most:.1}"), at];
            table.add_row(row.into_iter().chain(pages.map(|pages| format!("{pages:.1}"))));
        }
    }
    println!(
        "Pages a ns (G pages/s), by cores; {} ns a page, {} a magazine",
        args.work, args.magazine
    );
    println!("{table}");
    Ok(())
}

fn machine(args: &Args, transfer: f64, depots: usize, cores: usize) -> Machine {
    Machine {
        cores,
        depots,
        transfer,
        between: args.work * args.magazine as f64 / 2.0,
        magazine: args.magazine,
    }
}

/// The first number of cores whose double brings less than a tenth more.
fn saturated(pages: &[f64]) -> Option<usize> {
    pages.windows(2).position(|pair| pair[1] < 1.1 * pair[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saturation_is_where_more_cores_bring_little() {
        assert_eq!(saturated(&[1.0, 2.0, 4.0, 4.3, 4.2]), Some(2));
        assert_eq!(saturated(&[1.0, 2.0, 4.0]), None);
    }
}
