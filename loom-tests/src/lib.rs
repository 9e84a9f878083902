//! What the concurrency models of pagesheaf are written with.
//!
//! A model is one claim, named for the claim. Built with `--cfg pagesheaf_loom` it is explored by loom: every order
//! in which the threads can run, and every value that a load may legally return, up to the model's [`Bound`]. Built
//! without, the same body runs on real threads, a few hundred times.
//!
//! loom knows nothing of pages, so models bring oracles: [`Owners`] notices a page with two owners, or one whose
//! former owner's writes do not reach the next; [`Memory`] notices a pool that is freed early, twice or never.

mod device;
mod memory;
mod modes;
mod owners;
mod run;

pub use device::Device;
pub use memory::Memory;
pub use modes::{ClaimOnly, PoisonOnly, QuarantineOnly, RefcountOnly, ShuffleOnly};
pub use owners::Owners;
pub use run::{Bound, Cell, Model, race, race3};
