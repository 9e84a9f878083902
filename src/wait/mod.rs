//! Waiting for pages: what a request does until it is served, and the calls whose tasks wait. Those whose threads wait
//! are in `timeout`.
//!
//! Invariant: what a request has claimed is promised until it has all: then the pages are the batch's, at once. A
//! request that is given up, or dropped, puts them back after it has left the line, so that who is next finds them.
//! Only the first in line claims, so that no two have halves of what each of them needs.

mod request;
mod tasks;

pub(crate) use request::{Asker, Progress, Request};

#[cfg(test)]
mod tests;
