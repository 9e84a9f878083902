//! A pool whose metadata is flipped bit by bit: which bits there are, and calls that must survive it.
//!
//! Invariant: one thread has the pool, and flips a bit between two calls, never in one. What belongs to
//! magazines in a cache's hands is left alone: the hot path looks at nothing of it.

mod device;
#[cfg(test)]
mod tests;
mod world;

use core::ops::Range;
use std::vec::Vec;

pub use world::{OPS, Passes, Sharing, World};

use crate::inner::Core;
use crate::mode::{Mode, Policy};

/// A table of the metadata, or the depots' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// The pages' states.
    Words,
    /// The pages' references.
    Counts,
    /// The zone's bit for each page.
    Bitmap,
    /// The zone's two summaries.
    Summary,
    /// Which pages are poisoned.
    Poison,
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
    pub const ALL: [Table; 9] = [
        Table::Words,
        Table::Counts,
        Table::Bitmap,
        Table::Summary,
        Table::Poison,
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
    // The tables follow one another: slots, zone, words or bytes, counts, poison marks, heads, entries. Each starts on a
    // line. The zone has its bitmap and two summaries, each with its levels one after the other.
    let mut parts = Vec::new();
    let zone = core.slots.as_ptr_range().end.addr().next_multiple_of(LINE);
    let bitmap = (core.pages as usize).div_ceil(64);
    let (mut summary, mut level) = (0, bitmap);
    while level > 1 {
        level = level.div_ceil(64);
        summary += level;
    }
    parts.push((Table::Bitmap, from(zone, 8 * bitmap)));
    let used = (zone + 8 * bitmap).next_multiple_of(LINE);
    let fresh = (used + 8 * summary).next_multiple_of(LINE);
    parts.push((Table::Summary, from(used, 8 * summary)));
    parts.push((Table::Summary, from(fresh, 8 * summary)));
    let (words, marks) = (core.words.as_ptr_range(), core.marks.as_ptr_range());
    let words = [words.start.addr(), words.end.addr()];
    let [words, end] = if M::COMPACT { [marks.start.addr(), marks.end.addr()] } else { words };
    parts.push((Table::Words, from(words, end - words)));
    let counts = core.counts.as_ptr_range();
    let (counts, end) = (counts.start.addr(), counts.end.addr());
    parts.push((Table::Counts, from(counts, end - counts)));
    let marks = if M::POISONS { 8 * bitmap } else { 0 };
    parts.push((Table::Poison, from(end.next_multiple_of(LINE), marks)));
    for depot in core.depots.iter() {
        parts.push((Table::Depot, from(core::ptr::from_ref(&depot.tops).addr(), 8)));
    }
    for queue in core.fenced.queues() {
        parts.push((Table::Depot, from(core::ptr::from_ref(&queue.tops).addr(), 8)));
    }
    let magazines = &core.magazines;
    let places = magazines.capacity().next_power_of_two();
    let heads = end.next_multiple_of(LINE) + marks.next_multiple_of(LINE);
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
