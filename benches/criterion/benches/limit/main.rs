//! What the limits are: the least that must be done, part by part, beside what the allocator takes. In ns a page.

#[path = "../common/mod.rs"]
#[macro_use]
mod common;
mod drops;
mod moved;
mod pairs;
mod rounds;
mod words;

use rounds::Rounds;

fn main() {
    // As criterion takes it: not called by `cargo bench`, or told so, it only shows that all runs.
    let told = |what| std::env::args().any(|arg| arg == what);
    let rounds = Rounds(if told("--bench") && !told("--test") { 201 } else { 1 });
    pairs::print(&rounds);
    drops::print(&rounds);
    moved::print(&rounds);
    words::print(&rounds);
}
