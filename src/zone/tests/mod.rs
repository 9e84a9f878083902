//! What a zone gives and takes, and how far it looks for it.

mod bits;
mod order;
mod purge;
#[path = "../../../tests/common/random.rs"]
mod random;
mod touched;
pub(super) mod visits;
