//! Bytes that are consumed from the front: in a page, in a block of pages once they outgrow it, or on the heap if the
//! pool has no such memory.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};

use pagesheaf_buf::{Backing, BlockBuf, OwnedBuf, PageBuf};

use crate::pages::Pages;
use crate::reuse::Reuse;

/// Bytes that are consumed from the front without being moved.
#[derive(Default)]
pub struct ConsumeBuffer {
    store: Store,
}

/// Where the bytes are. Of four variants compilers make a table of jumps, which each call would go through.
enum Store {
    Page(PageBuf, &'static Pages),
    Block(BlockBuf, &'static Pages),
    Heap {
        bytes: Vec<u8>,
        /// So many are consumed: at most all.
        head: usize,
        /// There were no bytes yet: these serve when there are some.
        pages: Option<&'static Pages>,
    },
}

impl Default for Store {
    fn default() -> Self {
        Store::Heap { bytes: Vec::new(), head: 0, pages: None }
    }
}

impl ConsumeBuffer {
    /// A buffer of bytes that are on the heap, and stay there.
    pub fn from_vec(inner: Vec<u8>) -> Self {
        ConsumeBuffer { store: Store::Heap { bytes: inner, head: 0, pages: None } }
    }

    /// The bytes that are not consumed. Those of a page are copied.
    pub fn into_vec(mut self) -> Vec<u8> {
        match &mut self.store {
            Store::Heap { bytes, head, .. } => {
                bytes.drain(..*head);
                mem::take(bytes)
            }
            _ => self.to_vec(),
        }
    }

    /// Consumes `count` bytes.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn pop_front(&mut self, count: usize) {
        match &mut self.store {
            Store::Page(buf, _) => buf.advance(count),
            Store::Block(buf, _) => rare(buf).advance(count),
            Store::Heap { bytes, head, .. } => {
                assert!(count <= bytes.len() - *head, "{count} bytes of {}", bytes.len() - *head);
                *head += count;
            }
        }
    }

    /// There are `count` bytes, those that are consumed included, and new ones have any values.
    ///
    /// # Panics
    /// When more are consumed.
    pub fn expand(&mut self, count: usize) {
        let (head, len) = (self.head(), self.len());
        assert!(head <= count, "{head} bytes of {count} are consumed");
        let Some(more) = (count - head).checked_sub(len).filter(|more| *more > 0) else {
            return self.truncate(count - head);
        };
        match self.reserve(more) {
            Store::Page(buf, _) => _ = buf.grow(more).expect("room was made"),
            Store::Block(buf, _) => _ = rare(buf).grow(more).expect("room was made"),
            Store::Heap { bytes, .. } => bytes.resize(count, 0),
        }
    }

    /// Only the first `count` bytes stay, if there are more.
    pub fn truncate(&mut self, count: usize) {
        match &mut self.store {
            Store::Page(buf, _) => buf.truncate(count),
            Store::Block(buf, _) => rare(buf).truncate(count),
            Store::Heap { bytes, head, .. } => bytes.truncate(*head + count),
        }
    }

    /// Writes bytes before the others, over bytes that are consumed. False if those are fewer.
    pub fn add_prefix(&mut self, prefix: &[u8]) -> bool {
        match &mut self.store {
            Store::Page(buf, _) => buf.prepend(prefix).is_ok(),
            Store::Block(buf, _) => rare(buf).prepend(prefix).is_ok(),
            Store::Heap { bytes, head, .. } => {
                let Some(start) = head.checked_sub(prefix.len()) else { return false };
                bytes[start..*head].copy_from_slice(prefix);
                *head = start;
                true
            }
        }
    }

    /// How many bytes are consumed.
    fn head(&self) -> usize {
        match &self.store {
            Store::Page(buf, _) => buf.headroom(),
            Store::Block(buf, _) => rare(buf).headroom(),
            Store::Heap { head, .. } => *head,
        }
    }

    /// Makes room for `more` bytes behind the others. They move if there is less.
    #[inline]
    fn reserve(&mut self, more: usize) -> &mut Store {
        match &self.store {
            Store::Page(buf, _) if buf.room() >= more => &mut self.store,
            _ => self.reserve_elsewhere(more),
        }
    }

    /// As `reserve`, where it is not a page that has the room. Apart, so that callers have little of it in them.
    #[cold]
    fn reserve_elsewhere(&mut self, more: usize) -> &mut Store {
        let pages = match &mut self.store {
            Store::Block(buf, _) if buf.room() >= more => return &mut self.store,
            Store::Heap { bytes, pages: None, .. } => {
                bytes.reserve(more);
                return &mut self.store;
            }
            Store::Page(_, pages) | Store::Block(_, pages) => *pages,
            Store::Heap { pages: Some(pages), .. } => *pages,
        };
        self.store = Store::over(pages, self.head(), self, more);
        &mut self.store
    }
}

impl Store {
    /// These bytes behind a room for prefixes, and before room for `more`: in a page, in a block if they are more than
    /// a page holds, and on the heap if there is neither.
    fn over(pages: &'static Pages, head: usize, bytes: &[u8], more: usize) -> Store {
        let all = head + bytes.len() + more;
        if let Some(page) = pages.alloc(all) {
            return Store::Page(copy(page, head, bytes), pages);
        }
        if let Some(block) = pages.alloc_block(all) {
            return Store::Block(copy(block, head, bytes), pages);
        }
        let mut copy = Vec::with_capacity(all);
        copy.resize(head, 0);
        copy.extend_from_slice(bytes);
        Store::Heap { bytes: copy, head, pages: None }
    }
}

/// What is seldom there. So marked, it costs the way of pages nothing that was measured; without, 3 % of *bodies*.
#[cold]
#[inline(never)]
fn rare<T>(it: T) -> T {
    it
}

/// These bytes, behind a room for prefixes.
fn copy<S: Backing>(backing: S, head: usize, bytes: &[u8]) -> OwnedBuf<S> {
    let mut buf = OwnedBuf::with_headroom(backing, head);
    buf.extend(bytes);
    buf
}

impl<'a> Extend<&'a u8> for ConsumeBuffer {
    fn extend<I: IntoIterator<Item = &'a u8>>(&mut self, iter: I) {
        let bytes = iter.into_iter();
        let (least, most) = bytes.size_hint();
        if most == Some(0) {
            return;
        }
        // Who does not say how many they are is taken at the least, and moves if there are more.
        match self.reserve(most.unwrap_or(least)) {
            Store::Page(buf, _) if most.is_some() => buf.extend(bytes),
            Store::Block(buf, _) if most.is_some() => buf.extend(bytes),
            Store::Page(..) | Store::Block(..) => self.extend(&bytes.copied().collect::<Vec<_>>()),
            Store::Heap { bytes: all, .. } => all.extend(bytes),
        }
    }
}

impl Reuse for ConsumeBuffer {
    const PAGED: bool = true;

    fn reuse(&mut self, trim: usize) -> bool {
        match &mut self.store {
            Store::Page(buf, _) => buf.reset(0),
            Store::Block(buf, _) => buf.reset(0),
            Store::Heap { bytes, head, .. } => {
                *head = 0;
                bytes.clear();
                bytes.shrink_to(trim);
            }
        }
        self.capacity() > 0
    }

    fn capacity(&self) -> usize {
        match &self.store {
            Store::Page(buf, _) => buf.capacity(),
            Store::Block(buf, _) => buf.capacity(),
            Store::Heap { bytes, .. } => bytes.capacity(),
        }
    }

    fn over(pages: &'static Pages, at_once: bool) -> Self {
        let store = match at_once.then(|| pages.alloc(0)).flatten() {
            Some(page) => Store::Page(PageBuf::new(page), pages),
            None => Store::Heap { bytes: Vec::new(), head: 0, pages: Some(pages) },
        };
        ConsumeBuffer { store }
    }
}

impl Drop for ConsumeBuffer {
    fn drop(&mut self) {
        // By way of the thread's cache. A block has none.
        if let Store::Page(buf, pages) = mem::take(&mut self.store) {
            pages.free(buf.into_page());
        }
    }
}

impl Deref for ConsumeBuffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.store {
            Store::Page(buf, _) => buf,
            Store::Block(buf, _) => rare(buf),
            Store::Heap { bytes, head, .. } => &bytes[*head..],
        }
    }
}

impl DerefMut for ConsumeBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.store {
            Store::Page(buf, _) => buf,
            Store::Block(buf, _) => rare(buf),
            Store::Heap { bytes, head, .. } => &mut bytes[*head..],
        }
    }
}

impl fmt::Debug for ConsumeBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = match &self.store {
            Store::Page(..) => "a page",
            Store::Block(..) => "a block",
            Store::Heap { .. } => "the heap",
        };
        let mut this = f.debug_struct("ConsumeBuffer");
        this.field("bytes", &&**self).field("head", &self.head()).field("memory", &store).finish()
    }
}
