//! A pool whose metadata is flipped bit by bit: which bits there are, and calls that must survive it.
//!
//! Invariant: one thread has the pool, and flips a bit between two calls, never in one. What belongs to
//! magazines in a cache's hands is left alone: the hot path looks at nothing of it.

mod device;
mod online;
mod sharing;
#[cfg(test)]
mod tests;
mod world;

use core::ops::Range;
use std::vec::Vec;

pub use sharing::Sharing;
pub use world::{OPS, Passes, World};

use crate::inner::Core;
use crate::mode::Mode;

/// A table of the metadata, or the depots' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// The pages' states.
    Words,
    /// The pages' references.
    Counts,
    /// The zone's bit for each page.
    Bitmap,
    /// The zone's three summaries.
    Summary,
    /// Which pages are poisoned.
    Poison,
    /// Which pages are online.
    Offline,
    /// What magazines of fences wait for.
    Notes,
    /// Lengths and links of the magazines of depots, and of fences, that are not empty.
    Heads,
    /// Those of the empty ones.
    EmptyHeads,
    /// Ids in the depots' magazines.
    Entries,
    /// The words of depots, and of the queues of fences.
    Depot,
}

impl Table {
    /// All of them.
    pub const ALL: [Table; 11] = [
        Table::Words,
        Table::Counts,
        Table::Bitmap,
        Table::Summary,
        Table::Poison,
        Table::Offline,
        Table::Notes,
        Table::Heads,
        Table::EmptyHeads,
        Table::Entries,
        Table::Depot,
    ];
}

/// A part of a table: where its bytes lie, from the core's start.
pub type Part = (Table, Range<usize>);

/// Of the head of a magazine, the bytes that mean something: length and link.
const HEAD: usize = 8;
/// The bytes of a cache line: heads have one each, and tables start on one.
const LINE: usize = 64;

/// The bytes of the metadata that may be flipped now.
fn parts<M: Mode>(core: &Core<M>) -> Vec<Part> {
    let start = core::ptr::from_ref(core).addr();
    let from = |address: usize, bytes: usize| address - start..address - start + bytes;
    let (zone, offline) = (&core.zone, &*core.offline.words);
    let mut parts = Vec::new();
    let mut whole = |table, Range { start, end }: Range<usize>| {
        parts.push((table, from(start, end - start)));
    };
    whole(Table::Bitmap, addresses(&zone.words));
    for summary in [&zone.used, &zone.whole, &zone.fresh] {
        whole(Table::Summary, addresses(summary));
    }
    whole(Table::Words, if M::COMPACT { addresses(&core.marks) } else { addresses(&core.words) });
    whole(Table::Counts, addresses(&core.counts));
    whole(Table::Poison, addresses(&core.poisoned));
    whole(Table::Offline, addresses(offline));
    whole(Table::Notes, addresses(&core.fenced.notes));
    whole(Table::Notes, addresses(&core.fenced.tickets));
    for depot in core.depots.iter().chain(core.fenced.queues()) {
        whole(Table::Depot, addresses(core::slice::from_ref(&depot.tops)));
    }
    // Behind the tables that both parts have: the heads of magazines, and their entries. Each table starts on a line.
    let magazines = &core.magazines;
    let places = magazines.capacity().next_power_of_two();
    let last = [addresses(&core.counts), addresses(&core.words), addresses(&core.marks)];
    let last = last.iter().chain([&addresses(&core.poisoned)]).map(|table| table.end).max();
    let heads = last.expect("four tables").next_multiple_of(LINE);
    let entries = heads + LINE * magazines.count() as usize;
    // A magazine in a cache's hands is on no stack.
    for number in (1..magazines.count()).filter(|&number| magazines.link(number).mark() != 0) {
        let head = if magazines.link(number).off_stack().len() > 0 {
            Table::Heads
        } else {
            Table::EmptyHeads
        };
        let number = number as usize;
        parts.push((head, from(heads + LINE * number, HEAD)));
        parts.push((Table::Entries, from(entries + 4 * places * number, 4 * places)));
    }
    parts
}

/// Where a table lies.
fn addresses<T>(table: &[T]) -> Range<usize> {
    let Range { start, end } = table.as_ptr_range();
    start.addr()..end.addr()
}
