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
    println!(
        "Pages a ns (G pages/s), by cores; {} ns a page, {} a magazine",
        args.work, args.magazine
    );
    println!("{}", table(args));
    Ok(())
}

/// The table: `docs/performance.md` has that of the defaults.
fn table(args: &Args) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let cores = CORES.map(|cores| format!("{cores}"));
    let header = ["transfer, ns", "depots", "exchanges a µs, shared word", "saturate at"];
    table.set_header(header.map(String::from).into_iter().chain(cores));
    for &transfer in &args.transfer {
        for &depots in &args.depots {
            let rates = CORES.map(|cores| machine(args, transfer, depots, cores).run());
            let shared = CORES.iter().zip(&rates).filter(|&(&cores, _)| cores > depots);
            let most = shared.map(|(_, rate)| rate.busiest).fold(0.0, f64::max);
            let pages = rates.map(|rate| rate.pages);
            let at = saturated(&pages).map_or("more than 128 cores".into(), |at| {
                let cores = if at == 0 { "core" } else { "cores" };
                format!("{} {cores}, {:.1} G pages/s", CORES[at], pages[at])
            });
            let row = [format!("{transfer}"), format!("{depots}"), format!("{most:.1}"), at];
            table.add_row(row.into_iter().chain(pages.map(|pages| format!("{pages:.1}"))));
        }
    }
    table
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
    use clap::{Args as _, Command, FromArgMatches};

    use super::*;

    /// The cells of the lines of a table that starts with this column.
    fn cells(text: &str, first: &str) -> Vec<Vec<String>> {
        let lines = text.lines().skip_while(|line| !line.starts_with(&format!("| {first} |")));
        let lines = lines.take_while(|line| line.starts_with('|'));
        let cells = lines.map(|line| {
            line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
        });
        // All but the line below the head.
        cells.filter(|row: &Vec<String>| !row[0].starts_with('-')).collect()
    }

    #[test]
    fn the_document_has_the_table_of_the_simulation() {
        let none = Args::augment_args(Command::new("saturation")).get_matches_from([""; 1]);
        let defaults = Args::from_arg_matches(&none).expect("all have defaults");
        let path = crate::run::root().join("docs/performance.md");
        let document = std::fs::read_to_string(path).expect("the document");
        let [said, simulated] =
            [document, table(&defaults).to_string()].map(|text| cells(&text, "transfer, ns"));
        assert_eq!(simulated.len(), 10);
        assert_eq!(said, simulated, "`cargo xtask saturation` prints the table");
    }

    #[test]
    fn saturation_is_where_more_cores_bring_little() {
        assert_eq!(saturated(&[1.0, 2.0, 4.0, 4.3, 4.2]), Some(2));
        assert_eq!(saturated(&[1.0, 2.0, 4.0]), None);
    }
}
