//! Owners of pages: move-only, without a lifetime, `Send` and `'static`.
//!
//! Invariant: an owner is the only way to its pages, and it keeps the core alive by being counted
//! out. That is why freeing it needs no reference count in any mode, and why safe code is sound in
//! every mode.

mod batch;
mod block;
mod page;
mod prefilled;
mod retained;
mod shared;

pub(crate) use batch::LetGo;
pub use batch::{IntoIter, Iter, IterMut, PageBatch, PushError};
pub use block::{Block, IntoBlocks, IntoPages};
pub use page::Page;
pub use prefilled::Prefilled;
pub use retained::Retained;
pub use shared::SharedPage;
