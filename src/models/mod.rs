//! For the models in `loom-tests` only: the layers below the pool, each by itself. Nothing here is promised to users.
//!
//! Invariant: each wrapper owns the metadata block that its tables lie in, and hands out what has one owner as a
//! value that cannot be copied, so that whatever a model does is sound if the layer is.

mod slot;
mod store;
mod word;
mod zone;

use core::alloc::Layout;
use core::ptr::NonNull;

pub use slot::{Lock, Locked};
pub use store::{Loaded, Store};
pub use word::Word;
pub use zone::FreePages;

use crate::heap;
use crate::metadata::MetadataLayout;

/// A metadata block.
struct Block(NonNull<u8>, Layout);

impl Block {
    fn new(layout: &MetadataLayout) -> Self {
        let layout = layout.layout();
        Block(heap::alloc(layout).expect("models are small"), layout)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout; the tables in it were dropped before, being fields above it.
        unsafe { heap::dealloc(self.0, self.1) };
    }
}

// SAFETY: a block is memory; what lies in it says for itself whether it may be shared.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}
