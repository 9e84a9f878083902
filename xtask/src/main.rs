//! The commands of the project: every habit is one of them.

mod claims;
mod demo;
mod figures;
mod fresh;
mod fuzz;
mod instructions;
mod link;
mod loom;
mod matrix;
mod mutants;
mod numa;
mod package;
mod peers;
mod platforms;
mod prevented;
mod prove;
mod rss;
mod run;
mod sanitize;
mod saturation;
mod section;
mod shuttle;
mod stress;
mod test;
mod tidy;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about)]
enum Task {
    /// Run the test or command that each demand on the project names.
    Claims(claims::Args),
    /// Run the programs that show real uses: a kernel, a packet forwarder, a service, a file copy.
    Demo(demo::Args),
    /// Measure and count the figures that README.md shows, and write them.
    Figures(figures::Args),
    /// Time the first two commands of the README from a fresh clone; fail if they take too long.
    Fresh,
    /// Run the fuzz targets, with a nightly compiler.
    Fuzz(fuzz::Args),
    /// Count instructions, and locked instructions, per page; compare with the baseline.
    Instructions(instructions::Args),
    /// Run the models of `loom-tests` under loom, and say how many executions each has.
    Loom(loom::Args),
    /// Measure what each mode costs.
    #[command(disable_help_flag = true)]
    Matrix(matrix::Args),
    /// Run cargo-mutants over the core, if it is installed.
    #[command(disable_help_flag = true)]
    Mutants(mutants::Args),
    /// Boot a machine with two memory nodes, and try pools that are bound to them.
    Numa(numa::Args),
    /// Check what is downloaded: its files, its tests there, its documentation, lowest versions, semver.
    Package(package::Args),
    /// Measure the modes beside other allocators, as many as can be built here.
    #[command(disable_help_flag = true)]
    Peers(peers::Args),
    /// Build the crate for other processors and systems, and run its unit tests where an emulator can.
    Platforms(platforms::Args),
    /// Prove what the packed words hold, for every value, with an SMT solver.
    Prove,
    /// Measure how much memory the system backs, where there is a bound to it.
    Rss(rss::Args),
    /// Run the stress programs under AddressSanitizer, ThreadSanitizer and memcheck.
    Sanitize(sanitize::Args),
    /// Simulate at which rate, and with how many cores, the depots saturate.
    Saturation(saturation::Args),
    /// Run whole pools under shuttle: many tasks, schedules by chance, which can be replayed.
    Shuttle(shuttle::Args),
    /// Run the stress programs for longer than `cargo test` does.
    Stress(stress::Args),
    /// Run the gate: everything that a change must pass. `--full` adds what takes longer.
    Test(test::Args),
    /// Look for what the compiler does not: layering, file sizes, documents that must agree with the code.
    Tidy,
}

fn main() -> anyhow::Result<()> {
    if let Some(done) = prevented::as_rustdoc() {
        return done;
    }
    let task = Task::parse();
    let from = std::env::current_dir()?;
    std::env::set_current_dir(run::root())?;
    match task {
        Task::Claims(args) => claims::claims(&args, &from),
        Task::Demo(args) => demo::demo(&args),
        Task::Figures(args) => figures::figures(&args, &from),
        Task::Fresh => fresh::fresh(),
        Task::Fuzz(args) => fuzz::fuzz(&args),
        Task::Instructions(args) => instructions::instructions(&args),
        Task::Loom(args) => loom::loom(&args),
        Task::Matrix(args) => matrix::matrix(&args, &from),
        Task::Mutants(args) => mutants::mutants(&args),
        Task::Numa(args) => numa::numa(&args),
        Task::Package(args) => package::package(&args),
        Task::Peers(args) => peers::peers(&args, &from),
        Task::Platforms(args) => platforms::platforms(&args),
        Task::Prove => prove::prove(),
        Task::Rss(args) => rss::rss(&args),
        Task::Sanitize(args) => sanitize::sanitize(&args),
        Task::Saturation(args) => saturation::saturation(&args),
        Task::Shuttle(args) => shuttle::shuttle(&args),
        Task::Stress(args) => stress::stress(&args),
        Task::Test(args) => test::test(&args),
        Task::Tidy => tidy::tidy(),
    }
}
