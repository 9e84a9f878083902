//! Who waits for pages does not sleep for ever while there are any.
//!
//! The line of `src/line` as a machine of single steps, in the words that are there: the count of who waits, the event
//! word, the list's lock with its note, turns, and wakers; and where pages are meanwhile: in the zone, in a shared slot
//! that a call has, in a cache, which see by their marks that somebody waits. Every order of steps is explored. Memory
//! is as if each step were seen by all at once: what weaker orderings may do is for the models of `loom-tests`, which
//! in turn cannot say that something happens in the end.

mod machine;
mod state;

pub use machine::{Fault, Line, Step};
pub use state::{Class, Kind, Place, Slot, State, Waiter};

#[cfg(test)]
mod tests;
