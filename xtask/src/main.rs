//! The commands of the project: every habit is one of them.

mod run;
mod tidy;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about)]
enum Task {
    /// Look for what the compiler does not: layering, file sizes, documents that must agree with the code.
    Tidy,
}

fn main() -> anyhow::Result<()> {
    std::env::set_current_dir(run::root())?;
    match Task::parse() {
        Task::Tidy => tidy::tidy(),
    }
}
