//! Bits of the metadata, flipped between any calls, in modes that check: nothing crashes or hangs, and every
//! page that is given out is one of the pool's.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pagesheaf::models::corrupt::{Passes, Sharing, Table, World};
use pagesheaf::{Checked, Compact, Hardened, Select, hardening};

#[derive(Arbitrary, Debug)]
enum Step {
    /// Which table, which part of it, which bit.
    Flip(u8, u8, u16),
    /// Which call, with how many pages.
    Call(u8, u8),
}

#[derive(Arbitrary, Debug)]
struct Input {
    mode: u8,
    addresses: bool,
    tall: bool,
    steps: Vec<Step>,
}

/// The most flips and calls of one input.
const MOST: usize = 64;

fn run<M: Sharing>(input: &Input) {
    // The taller pool has two levels of summary.
    let mut world = World::<M>::new(if input.tall { 4196 } else { 150 }, input.addresses, false);
    let mut flips = 0;
    for step in input.steps.iter().take(MOST) {
        match *step {
            Step::Call(op, n) => world.call(op, n),
            Step::Flip(table, part, bit) => {
                let table = Table::ALL[usize::from(table) % Table::ALL.len()];
                let mut parts = world.parts();
                parts.retain(|part| part.0 == table && !part.1.is_empty());
                if parts.is_empty() {
                    continue;
                }
                let part = &parts[usize::from(part) % parts.len()];
                flips += 1;
                // What one flip makes can be so only of a page of the bitmap, or of an id; of two, anything.
                let doubled = flips > 1 || matches!(table, Table::Bitmap | Table::Entries);
                let passes = Passes { doubled, uncounted: true };
                world.flip(part, usize::from(bit) % (8 * part.1.len()), passes);
            }
        }
    }
    world.end();
}

type Only<const SWITCHES: u8> = Select<true, true, true, SWITCHES>;

fuzz_target!(|input: Input| {
    match input.mode % 7 {
        0 => run::<Checked>(&input),
        1 => run::<Hardened>(&input),
        2 => run::<Only<{ hardening::CLAIM }>>(&input),
        3 => run::<Only<{ hardening::POISON }>>(&input),
        4 => run::<Only<{ hardening::QUARANTINE }>>(&input),
        5 => run::<Only<{ hardening::SHUFFLE }>>(&input),
        _ => run::<Compact>(&input),
    }
});
