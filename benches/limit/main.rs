//! What the limits are: the least that must be done, part by part, beside what the allocator takes. In ns a page.

#[path = "../common/mod.rs"]
#[macro_use]
mod common;
mod drops;
mod pairs;
mod turns;
mod words;

use turns::Turns;

fn main() {
    let turns = Turns(if std::env::args().any(|arg| arg == "--test") { 1 } else { 201 });
    pairs::print(&turns);
    drops::print(&turns);
    words::print(&turns);
}
