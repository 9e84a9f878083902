//! Bytes that are consumed from the front, in a page or, if there is none that holds them, on the heap.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};

use pagesheaf_buf::PageBuf;

use crate::pages::Pages;
use crate::reuse::Reuse;

/// Bytes that are consumed from the front without being moved.
#[derive(Default)]
pub struct ConsumeBuffer {
    store: Store,
}

/// Where the bytes are.
enum Store {
    /// Nowhere yet. The pages are those that serve when there are some.
    Empty(Option<&'static Pages>),
    Page(PageBuf, &'static Pages),
    Heap {
        bytes: Vec<u8>,
        /// So many are consumed: at most all.
        head: usize,
    },
}

impl Default for Store {
    fn default() -> Self {
        Store::Empty(None)
    }
}

impl ConsumeBuffer {
    /// A buffer of bytes that are on the heap, and stay there.
    pub fn from_vec(inner: Vec<u8>) -> Self {
        ConsumeBuffer { store: Store::Heap { bytes: inner, head: 0 } }
    }

    /// The bytes that are not consumed. Those of a page are copied.
    pub fn into_vec(mut self) -> Vec<u8> {
        match &mut self.store {
            Store::Heap { bytes, head } => {
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
            Store::Empty(_) => assert_eq!(count, 0, "there are no bytes"),
            Store::Page(buf, _) => buf.advance(count),
            Store::Heap { bytes, head } => {
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
            Store::Heap { bytes, .. } => bytes.resize(count, 0),
            Store::Empty(_) => unreachable!("room was made"),
        }
    }

    /// Only the first `count` bytes stay, if there are more.
    pub fn truncate(&mut self, count: usize) {
        match &mut self.store {
            Store::Empty(_) => {}
            Store::Page(buf, _) => buf.truncate(count),
            Store::Heap { bytes, head } => bytes.truncate(*head + count),
        }
    }

    /// Writes bytes before the others, over bytes that are consumed. False if those are fewer.
    pub fn add_prefix(&mut self, prefix: &[u8]) -> bool {
        match &mut self.store {
            Store::Empty(_) => prefix.is_empty(),
            Store::Page(buf, _) => buf.prepend(prefix).is_ok(),
            Store::Heap { bytes, head } => {
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
            Store::Empty(_) => 0,
            Store::Page(buf, _) => buf.headroom(),
            Store::Heap { head, .. } => *head,
        }
    }

    /// Makes room for `more` bytes behind the others: with a page if there is none yet, else on the heap.
    fn reserve(&mut self, more: usize) -> &mut Store {
        match &mut self.store {
            Store::Empty(pages) => {
                let page = pages.and_then(|pages| Some((pages.alloc(more)?, pages)));
                self.store = match page {
                    Some((page, pages)) => Store::Page(PageBuf::new(page), pages),
                    None => Store::Heap { bytes: Vec::with_capacity(more), head: 0 },
                };
            }
            Store::Page(buf, _) if buf.room() < more => {
                let head = buf.headroom();
                let mut bytes = Vec::with_capacity(head + buf.len() + more);
                bytes.resize(head, 0); // a prefix goes there
                bytes.extend_from_slice(buf);
                self.store = Store::Heap { bytes, head };
            }
            Store::Page(..) => {}
            Store::Heap { bytes, .. } => bytes.reserve(more),
        }
        &mut self.store
    }

    /// Writes as many of these as the page has room for.
    fn fill<'a>(buf: &mut PageBuf, bytes: impl Iterator<Item = &'a u8>) {
        // Without a look whether there is room at each byte, this is a copy.
        let room = buf.room_mut().iter_mut();
        let written = room.zip(bytes).fold(0, |written, (to, byte)| {
            *to = *byte;
            written + 1
        });
        buf.grow(written).expect("what is written has room");
    }
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
            Store::Page(buf, _) if most.is_some() => Self::fill(buf, bytes),
            Store::Page(..) => self.extend(&bytes.copied().collect::<Vec<_>>()),
            Store::Heap { bytes: all, .. } => all.extend(bytes),
            Store::Empty(_) => unreachable!("room was made"),
        }
    }
}

impl Reuse for ConsumeBuffer {
    const PAGED: bool = true;

    fn reuse(&mut self, trim: usize) -> bool {
        match &mut self.store {
            Store::Empty(_) => {}
            Store::Page(buf, _) => buf.reset(0),
            Store::Heap { bytes, head } => {
                *head = 0;
                bytes.clear();
                bytes.shrink_to(trim);
            }
        }
        self.capacity() > 0
    }

    fn capacity(&self) -> usize {
        match &self.store {
            Store::Empty(_) => 0,
            Store::Page(buf, _) => buf.capacity(),
            Store::Heap { bytes, .. } => bytes.capacity(),
        }
    }

    fn over(pages: &'static Pages, at_once: bool) -> Self {
        let store = match at_once.then(|| pages.alloc(0)).flatten() {
            Some(page) => Store::Page(PageBuf::new(page), pages),
            None => Store::Empty(Some(pages)),
        };
        ConsumeBuffer { store }
    }
}

impl Drop for ConsumeBuffer {
    fn drop(&mut self) {
        // By way of the thread's cache.
        if let Store::Page(buf, pages) = mem::take(&mut self.store) {
            pages.free(buf.into_page());
        }
    }
}

impl Deref for ConsumeBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.store {
            Store::Empty(_) => &[],
            Store::Page(buf, _) => buf,
            Store::Heap { bytes, head } => &bytes[*head..],
        }
    }
}

impl DerefMut for ConsumeBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.store {
            Store::Empty(_) => &mut [],
            Store::Page(buf, _) => buf,
            Store::Heap { bytes, head } => &mut bytes[*head..],
        }
    }
}

impl fmt::Debug for ConsumeBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = match &self.store {
            Store::Empty(_) => "none",
            Store::Page(..) => "a page",
            Store::Heap { .. } => "the heap",
        };
        let mut this = f.debug_struct("ConsumeBuffer");
        this.field("bytes", &&**self).field("head", &self.head()).field("memory", &store).finish()
    }
}
