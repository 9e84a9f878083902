//! What a zone gives and takes, and how far it looks for it.

mod bits;
mod order;
mod purge;
mod touched;
pub(super) mod visits;
