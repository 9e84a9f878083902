//! For the models in `loom-tests` (the layers below the pool, each by itself) and for trials with corrupted metadata
//! only. Nothing here is promised to users.
//!
//! Invariant: each wrapper owns the metadata block that its tables lie in, and hands out what has one owner as a
//! value that cannot be copied, so that whatever a model does is sound if the layer is.

mod alarm;
pub mod corrupt;
mod mark;
mod name;
mod offline;
mod slot;
mod store;
mod track;
mod turn;
mod word;
mod zone;

pub use alarm::Taints;
pub use mark::Byte;
pub use name::{NameWriter, SlotName};
pub use offline::OfflineSet;
pub use slot::{Claimed, Lock, Locked, Owned, Stolen};
pub use store::{Loaded, Store};
pub use track::PageRecord;
pub use turn::{Taken, Turn};
pub use word::Word;
pub use zone::FreePages;

use crate::heap;
use crate::metadata::{MetadataBlock, MetadataLayout};

/// A metadata block.
struct Block(heap::Block);

impl Block {
    fn new(layout: &MetadataLayout) -> Self {
        Block(heap::Block::new(layout.layout()).expect("models are small"))
    }

    /// The block, to be filled with tables that are dropped before it is.
    fn tables(&self) -> MetadataBlock {
        // SAFETY: each wrapper fills its block once, by the layout that it was made of, and its tables are
        // fields above it. A block of the heap is zeroed.
        unsafe { MetadataBlock::new(self.0.start(), true) }
    }
}

// SAFETY: a block is memory; what lies in it says for itself whether it may be shared.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}
