//! Platforms that are not asked what limits a process.

use crate::error::MemoryLimit;

/// It is not known.
pub(crate) fn new_memory(_bytes: usize) -> MemoryLimit {
    MemoryLimit::Unknown
}
