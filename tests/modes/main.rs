//! Every distinct mode gives the same results for the same correct program; features, documents and types agree.

#[macro_use]
#[path = "../common/mod.rs"]
mod common;

mod agreement;
mod manifest;
mod names;
mod program;
