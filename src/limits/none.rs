//! Platforms that are not asked what limits a process.

use crate::error::MemoryLimit;

/// It is not known.
pub(crate) fn memory(_bytes: usize) -> MemoryLimit {
    MemoryLimit::Unknown
}
